/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* Every call in every state, on each backend: what they say is written down and
 * compared. It is what the application sees, whichever it got. */

static FILE *out;

static void say(const char *what, int r) {
  if (r < 0)
    fprintf(out, "%s: %s\n", what, uv_err_name(r));
  else
    fprintf(out, "%s: %d\n", what, r);
}

/* The outcome of an operation that ends by itself, or has to be cancelled. */
static void say_op(struct weir_fixture *f, const char *what, int r,
                   struct request *q, int ends) {
  say(what, r);
  if (r < 0)
    return;
  if (!ends) {
    run_some_turns(f);
    weir_cancel(&q->op);
  }
  run_until(f, &q->calls);
  fprintf(out, "  %s %zu\n", q->status ? uv_err_name(q->status) : "0", q->n);
}

/* ---- Streams ---- */

struct subject {
  struct weir_fixture *f;
  struct scratch scratch;
  int pipe;
  weir_stream_t stream;
  int closed;
  struct sockaddr_in addr; /* where somebody listens */
  char path[SCRATCH_DIR + 16];
};

static void on_closed(weir_stream_t *stream) {
  *(int *)stream->data = 1;
}

static void subject_init(struct subject *s) {
  check_is(s->pipe ? weir_pipe_init(s->f->loop, &s->stream)
                   : weir_tcp_init(s->f->loop, &s->stream),
           0);
  s->closed = 0;
  s->stream.data = &s->closed;
}

static void subject_close(struct subject *s) {
  say("close", weir_close(&s->stream, on_closed));
  say("close again", weir_close(&s->stream, on_closed));
  run_until(s->f, &s->closed);
}

static int bind_somewhere(struct subject *s, const char *name) {
  struct sockaddr_in any;
  char path[SCRATCH_DIR + 16];

  snprintf(path, sizeof(path), "%s/%s", s->scratch.dir, name);
  check_is(uv_ip4_addr("127.0.0.1", 0, &any), 0);
  return s->pipe ? weir_pipe_bind(&s->stream, path)
                 : weir_tcp_bind(&s->stream, (struct sockaddr *)&any, 0);
}

static int connect_to(struct subject *s, struct request *q, int nobody) {
  struct sockaddr_in addr = s->addr;

  memset(q, 0, sizeof(*q));
  if (nobody)
    check_is(uv_ip4_addr("127.0.0.1", 1, &addr), 0);
  return s->pipe ? weir_pipe_connect(&q->op, &s->stream,
                                     nobody ? "/nonexistent/socket" : s->path,
                                     on_done)
                 : weir_tcp_connect(&q->op, &s->stream,
                                    (struct sockaddr *)&addr, on_done);
}

static void say_facts(struct subject *s) {
  struct sockaddr_storage addr;
  uv_os_fd_t fd;
  int len = sizeof(addr);

  say("fileno", weir_fileno(&s->stream, &fd));
  say("sockname", weir_getsockname(&s->stream, (struct sockaddr *)&addr, &len));
  len = sizeof(addr);
  say("peername", weir_getpeername(&s->stream, (struct sockaddr *)&addr, &len));
  len = -1;
  say("no room", weir_getsockname(&s->stream, (struct sockaddr *)&addr, &len));
  say("nodelay", weir_tcp_nodelay(&s->stream, 1));
}

static void say_transfers(struct subject *s, int idle) {
  struct weir_fixture *f = s->f;
  weir_stream_t *stream = &s->stream;
  struct request q = {0};
  weir_mseq_t into;
  char bytes[8];
  size_t n = 0;

  into = weir_mseq_block(bytes, sizeof(bytes));
  say("read now", weir_read_now(stream, into, &n));
  say_op(f, "read", weir_read_some(&q.op, stream, into, on_done), &q, !idle);
  memset(&q, 0, sizeof(q));
  say_op(f, "read nothing",
         weir_read_some(&q.op, stream, weir_mseq_block(bytes, 0), on_done), &q,
         1);
  memset(&q, 0, sizeof(q));
  say_op(f, "write",
         weir_write(&q.op, stream, weir_seq_block("abc", 3), on_done), &q, 1);
  memset(&q, 0, sizeof(q));
  say("write now",
      weir_write_now(&q.op, stream, weir_seq_block("abc", 3), &n, on_done));
  memset(&q, 0, sizeof(q));
  say_op(f, "end",
         weir_write_eof(&q.op, stream, weir_seq_block("d", 1), on_done), &q, 1);
  memset(&q, 0, sizeof(q));
  say_op(f, "write behind it",
         weir_write(&q.op, stream, weir_seq_block("e", 1), on_done), &q, 1);
}

static void say_roles(struct subject *s) {
  struct request q = {0};
  weir_stream_t client;
  int fds[2], r;

  say_op(s->f, "accept", weir_accept(&q.op, &s->stream, &client, on_done), &q,
         0);
  say("bind", bind_somewhere(s, "probe"));
  say("listen", weir_listen(&s->stream, 4));
  say("listen again", weir_listen(&s->stream, 4));
  say_op(s->f, "connect", connect_to(s, &q, 1), &q, 1);
  say_op(s->f, "connect again", connect_to(s, &q, 1), &q, 1);
  pair_unix(fds);
  r = s->pipe ? weir_pipe_open(&s->stream, fds[0])
              : weir_tcp_open(&s->stream, fds[0]);
  say("open", r);
  if (r != 0)
    close(fds[0]);
  close(fds[1]);
}

static void say_all(struct subject *s, const char *state, int idle) {
  fprintf(out, "-- %s\n", state);
  say_facts(s);
  say_transfers(s, idle);
  say_roles(s);
  subject_close(s);
}

static void say_states(struct subject *s, struct conn *listener) {
  struct request q, a = {0};
  weir_stream_t accepted;

  subject_init(s);
  say_all(s, "fresh", 0);
  subject_init(s);
  say("bind", bind_somewhere(s, "bound"));
  say_all(s, "bound", 0);
  subject_init(s);
  say("listen", weir_listen(&s->stream, 4));
  say_all(s, "listened in vain", 0);
  subject_init(s);
  say("bind", bind_somewhere(s, "listens"));
  say("listen", weir_listen(&s->stream, 4));
  say_all(s, "listening", 0);
  subject_init(s);
  say_op(s->f, "connect", connect_to(s, &q, 1), &q, 1);
  say_all(s, "failed", 0);

  subject_init(s);
  say("bind", bind_somewhere(s, "client"));
  say_op(s->f, "connect", connect_to(s, &q, 0), &q, 1);
  check_is(weir_accept(&a.op, &listener->stream, &accepted, on_done), 0);
  finish(s->f, &a, 0, 0);
  say_all(s, "connected", 1);
  check_is(weir_close(&accepted, NULL), 0);
  subject_init(s);
  check_is(weir_close(&s->stream, on_closed), 0);
  say_facts(s);
  say_transfers(s, 0);
  say_roles(s);
  run_until(s->f, &s->closed);
}

static void say_streams_of(struct weir_fixture *f, int pipe) {
  static struct subject s;
  struct conn listener = {0};
  int len = sizeof(s.addr);

  memset(&s, 0, sizeof(s));
  s.f = f;
  s.pipe = pipe;
  scratch_make(&s.scratch, 0);
  snprintf(s.path, sizeof(s.path), "%s/server", s.scratch.dir);
  if (pipe) {
    check_is(weir_pipe_init(f->loop, &listener.stream), 0);
    check_is(weir_pipe_bind(&listener.stream, s.path), 0);
  } else {
    check_is(uv_ip4_addr("127.0.0.1", 0, &s.addr), 0);
    check_is(weir_tcp_init(f->loop, &listener.stream), 0);
    check_is(weir_tcp_bind(&listener.stream, (struct sockaddr *)&s.addr, 0), 0);
  }
  check_is(weir_listen(&listener.stream, 8), 0);
  if (!pipe)
    check_is(
        weir_getsockname(&listener.stream, (struct sockaddr *)&s.addr, &len),
        0);
  say_states(&s, &listener);
  close_stream(f, &listener);
  scratch_remove(&s.scratch);
}

static void say_streams(struct weir_fixture *f) {
  fprintf(out, "---- TCP\n");
  say_streams_of(f, 0);
  fprintf(out, "---- pipe\n");
  say_streams_of(f, 1);
}

/* What a stream can be opened with. */
static void say_opened(struct weir_fixture *f, const char *what, int fd,
                       int pipe, int idle) {
  static struct subject s;
  int r;

  s.f = f;
  s.pipe = pipe;
  subject_init(&s);
  r = pipe ? weir_pipe_open(&s.stream, fd) : weir_tcp_open(&s.stream, fd);
  fprintf(out, "-- %s\n", what);
  say("open", r);
  if (r != 0) {
    if (fd >= 0)
      close(fd);
    subject_close(&s);
    return;
  }
  say_facts(&s);
  say_transfers(&s, idle);
  subject_close(&s);
}

static void say_descriptors(struct weir_fixture *f) {
  int pipe;

  for (pipe = 0; pipe < 2; pipe++) {
    int from[2], to[2], pair[2], gone[2];

    check_is(pipe2(from, O_CLOEXEC), 0);
    check_is(pipe2(to, O_CLOEXEC), 0);
    pair_unix(pair);
    pair_unix(gone);
    close(gone[1]);
    fprintf(out, "---- opened as %s\n", pipe ? "pipe" : "TCP");
    say_opened(f, "none", -1, pipe, 0);
    say_opened(f, "out of range", 9999, pipe, 0);
    say_opened(f, "null", open("/dev/null", O_RDWR | O_CLOEXEC), pipe, 0);
    say_opened(f, "path", open("/", O_PATH | O_CLOEXEC), pipe, 0);
    say_opened(f, "directory", open("/", O_RDONLY | O_CLOEXEC), pipe, 0);
    say_opened(f, "alone", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), pipe,
               0);
    say_opened(f, "alone in TCP",
               socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pipe, 0);
    say_opened(f, "reading end", from[0], pipe, 1);
    say_opened(f, "writing end", to[1], pipe, 1);
    say_opened(f, "UNIX", pair[0], pipe, 1);
    say_opened(f, "left alone", gone[0], pipe, 0);
    close(from[1]);
    close(to[0]);
    close(pair[1]);
  }
}

/* ---- Files ---- */

static void say_file(struct weir_fixture *f, int fd, int64_t offset) {
  struct request q = {0};
  char bytes[8] = "abcdefg";

  say_op(f, "pread",
         weir_file_pread(f->loop, &q.op, fd, weir_mseq_block(bytes, 4), offset,
                         on_done),
         &q, 1);
  say("at once", weir_file_pread(f->loop, NULL, fd, weir_mseq_block(bytes, 4),
                                 offset, NULL));
  memset(&q, 0, sizeof(q));
  say_op(f, "pwrite",
         weir_file_pwrite(f->loop, &q.op, fd, weir_seq_block("abcd", 4), offset,
                          on_done),
         &q, 1);
  say("at once", weir_file_pwrite(f->loop, NULL, fd, weir_seq_block("abcd", 4),
                                  offset, NULL));
}

static void say_files(struct weir_fixture *f) {
  static const int64_t offsets[] = {-1, 0, 1, (int64_t)1 << 40};
  struct scratch s;
  size_t i, k;

  scratch_make(&s, 100);
  int fds[] = {-1,
               9999,
               s.fd,
               open(s.path, O_RDONLY | O_CLOEXEC),
               open(s.path, O_WRONLY | O_APPEND | O_CLOEXEC),
               open(s.path, O_RDWR | O_NONBLOCK | O_CLOEXEC),
               open(s.path, O_PATH | O_CLOEXEC),
               open("/", O_RDONLY | O_CLOEXEC),
               open("/dev/null", O_RDWR | O_CLOEXEC),
               open("/dev/full", O_RDWR | O_CLOEXEC),
               socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
               socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

  for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
    struct request q = {0};

    fprintf(out, "---- file %d\n", (int)i);
    for (k = 0; k < sizeof(offsets) / sizeof(*offsets); k++)
      say_file(f, fds[i], offsets[k]);
    say_op(f, "fsync", weir_file_fsync(f->loop, &q.op, fds[i], on_done), &q, 1);
    say("at once", weir_file_fsync(f->loop, NULL, fds[i], NULL));
    memset(&q, 0, sizeof(q));
    if (fds[i] != s.fd)
      say_op(f, "close", weir_file_close(f->loop, &q.op, fds[i], on_done), &q,
             1);
  }
  scratch_remove(&s);
}

static uv_file opened;

static void on_open(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  opened = status == 0 ? weir_file_result(op) : -1;
}

static void say_opens(struct weir_fixture *f) {
  static const int flags[] = {O_RDONLY,
                              O_WRONLY,
                              O_RDONLY | O_DIRECTORY,
                              O_RDONLY | O_TRUNC,
                              O_RDWR | O_NOFOLLOW,
                              O_PATH,
                              O_RDWR | O_TMPFILE,
                              O_RDONLY | O_NONBLOCK,
                              -1};
  const char *paths[] = {"",     "/nonexistent", "/dev/null/x", "/dev/null",
                         "/tmp", "/proc/self",   "/dev/tty"};
  size_t i, k;

  for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
    for (k = 0; k < sizeof(flags) / sizeof(*flags); k++) {
      struct request q = {0};
      int fd;

      fprintf(out, "'%s' with %x ", paths[i], (unsigned)flags[k]);
      say_op(f, "open",
             weir_file_open(f->loop, &q.op, paths[i], flags[k], 0600, on_open),
             &q, 1);
      if (q.status == 0) {
        fprintf(out, "  %x\n", (unsigned)fcntl(opened, F_GETFL));
        say("close", weir_file_close(f->loop, NULL, opened, NULL));
      }
      fd = weir_file_open(f->loop, NULL, paths[i], flags[k], 0600, NULL);
      say("at once", fd < 0 ? fd : 0);
      if (fd >= 0)
        close(fd);
    }
}

/* ---- The comparison ---- */

static char *record(weir_test_fn body, weir_backend_t backend,
                    weir_wait_t wait) {
  struct weir_fixture f;
  char *text = NULL;
  size_t size = 0;

  fixture_prepare(&f, backend, wait);
  fixture_attach(&f, NULL);
  out = open_memstream(&text, &size);
  cr_assert(out != NULL);
  body(&f);
  fclose(out);
  fixture_finish(&f);
  return text;
}

static void expect_line(const char *name, const char *text,
                        const char *expected) {
  const char *state = text;

  while (*text != '\0' && *text == *expected) {
    if (text[0] == '\n' && text[1] == '-')
      state = text + 1;
    text++;
    expected++;
  }
  cr_assert(*text == *expected, "%s, in %.*s: %.40s and not %.40s", name,
            (int)strcspn(state, "\n"), state, text - 20, expected - 20);
}

static void expect_same(weir_test_fn body) {
  char *libuv, *guest, *host;

  need_uring();
  guest = record(body, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  host = record(body, WEIR_BACKEND_URING, WEIR_WAIT_RING);
  libuv = record(body, WEIR_BACKEND_UV, WEIR_WAIT_UV);
  cr_assert(strlen(libuv) > 1000);
  expect_line("io_uring with the libuv wait", guest, libuv);
  expect_line("io_uring with the ring wait", host, libuv);
  free(libuv);
  free(guest);
  free(host);
}

Test(same, streams_in_every_state, .timeout = 60) {
  expect_same(say_streams);
}

Test(same, streams_of_every_descriptor, .timeout = 60) {
  expect_same(say_descriptors);
}

Test(same, files_of_every_descriptor, .timeout = 60) {
  expect_same(say_files);
}

Test(same, files_of_every_path, .timeout = 60) {
  expect_same(say_opens);
}
