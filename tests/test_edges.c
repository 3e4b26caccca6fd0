/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/gate.h"
#include "support/net.h"
#include "support/scratch.h"
#include "support/scripted.h"

/* What is rarely met: counts that nobody looks at, descriptors of streams that
 * are on their way out, closes that have to wait for each kind of transfer. */

/* ---- Counts ---- */

WEIR_TEST(edges, a_write_at_once_is_counted) {
  struct request w = {0};
  struct conn c;
  size_t n;

  conn_tcp(f, &c);
  check_is(
      weir_write_now(&w.op, &c.stream, weir_seq_block("weir", 4), &n, on_done),
      0);
  check_is(stats_of(f).bytes_written, 4);
  check_is(weir_write_try(&c.stream, weir_seq_block("weir", 4), &n), 0);
  check_is(stats_of(f).bytes_written, 8);
  check_is(stats_of(f).short_writes, 0);
  check_is(stats_of(f).windows_refilled, 0);
  conn_close(f, &c);
}

/* Seven bytes, two at a time: what follows a short write is a window that was
 * filled anew. */
WEIR_TEST(edges, a_window_behind_a_short_write_is_counted) {
  weir_test_options_t options = {.write = {.rest = {.bytes = 2}}};
  struct request w = {0};
  struct scripted s;

  scripted_open(f, &s, &options);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("weirwei", 7), on_done),
           0);
  finish(f, &w, 0, 7);
  check_is(stats_of(f).short_writes, 3);
  check_is(stats_of(f).windows_refilled, 3);
  check_is(stats_of(f).bytes_written, 7);
  memset(&w, 0, sizeof(w));
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("we", 2), on_done), 0);
  finish(f, &w, 0, 2);
  check_is(stats_of(f).windows_refilled, 3);
  scripted_close(f, &s);
}

/* At once, or later. */
WEIR_TEST(edges, what_is_asked_again_is_counted) {
  const weir_test_step_t steps[] = {{.status = UV_EAGAIN},
                                    {.status = UV_EAGAIN, .turns = 1},
                                    {.status = UV_EBUSY, .turns = 1},
                                    {.status = UV_EBUSY}};
  const weir_test_script_t script = {.steps = steps, .nsteps = 4};
  weir_test_options_t options = {
      .read = script, .write = script, .input = "weir", .input_size = 4};
  struct request r = {0}, w = {0};
  struct scripted s;
  char bytes[4];

  scripted_open(f, &s, &options);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 4), on_done),
           0);
  finish(f, &r, 0, 4);
  check_is(stats_of(f).retries, 4);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("we", 2), on_done), 0);
  finish(f, &w, 0, 2);
  check_is(stats_of(f).retries, 8);
  check_is(stats_of(f).reads, 1);
  check_is(stats_of(f).writes, 1);
  scripted_close(f, &s);
}

WEIR_TEST(edges, more_than_there_is_is_too_much) {
  struct request w = {0};
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_write_at_least(&w.op, &c.stream, weir_seq_block("weir", 4),
                               SIZE_MAX, on_done),
           UV_EINVAL);
  check_is(weir_write_at_least(&w.op, &c.stream, weir_seq_block("weir", 4), 5,
                               on_done),
           UV_EINVAL);
  check_is(weir_stream_queued(&c.stream), 0);
  run_out(f);
  check_is(w.calls, 0);
  conn_close(f, &c);
}

/* What the counters say of system calls, but for io_uring_enter, is what came
 * to the gate. */
struct tally {
  const int *calls;
  uint64_t counted;
  int came;
};

enum { GATED = 4 };

static uint64_t counted(const struct weir_fixture *f) {
  return stats_of(f).syscalls - stats_of(f).enters;
}

static int came(const int *calls) {
  int sum = 0;

  for (int i = 0; i < GATED; i++)
    sum += gate_calls(calls[i]);
  return sum;
}

static void tally_anew(const struct weir_fixture *f, struct tally *t) {
  t->counted = counted(f);
  t->came = came(t->calls);
}

static struct tally tally_open(struct weir_fixture *f, const int *calls) {
  struct tally t = {.calls = calls};

  gate_open(f, calls, GATED);
  tally_anew(f, &t);
  return t;
}

/* So many since the last time. */
static void tally(const struct weir_fixture *f, struct tally *t, int expected) {
  check_is(counted(f) - t->counted, expected);
  check_is(came(t->calls) - t->came, expected);
  tally_anew(f, t);
}

WEIR_TEST(edges, the_calls_of_a_server_are_counted) {
  const int calls[] = {SYS_socket, SYS_bind, SYS_setsockopt, SYS_listen};
  struct tally t = tally_open(f, calls);
  struct sockaddr_in6 addr6;
  struct sockaddr_in addr;
  struct conn c[3];
  char dir[SCRATCH_DIR];
  char path[SCRATCH_DIR + 8];
  int closes[] = {1, 0, 2}; /* the name of a socket goes with it */

  memset(c, 0, sizeof(c));
  scratch_dir(dir);
  snprintf(path, sizeof(path), "%s/socket", dir);
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(uv_ip6_addr("::1", 0, &addr6), 0);
  for (int i = 0; i < 3; i++) {
    c[i].peer = -1;
    check_is(i < 2 ? weir_tcp_init(f->loop, &c[i].stream)
                   : weir_pipe_init(f->loop, &c[i].stream),
             0);
  }
  check_is(weir_tcp_bind(&c[0].stream, (struct sockaddr *)&addr, 0), 0);
  tally(f, &t, 3);
  if (weir_tcp_bind(&c[1].stream, (struct sockaddr *)&addr6, 0) == 0) {
    tally(f, &t, 4);
    closes[1] = 1;
  }
  tally_anew(f, &t);
  check_is(weir_pipe_bind(&c[2].stream, path), 0);
  tally(f, &t, 2);
  for (int i = 0; i < 3; i += 2)
    check_is(weir_listen(&c[i].stream, 5), 0);
  tally(f, &t, 2);
  for (int i = 0; i < 3; i++) {
    tally_anew(f, &t);
    conn_close(f, &c[i]);
    check_is(counted(f) - t.counted, closes[i]);
  }
  check_is(rmdir(dir), 0);
}

/* On a ring a connect of TCP is none. */
WEIR_TEST(edges, the_calls_of_a_client_are_counted) {
  const int calls[] = {SYS_socket, SYS_connect, SYS_fcntl, SYS_getsockopt};
  struct tally t = tally_open(f, calls);
  struct request r[2];
  struct sockaddr_in addr;
  struct conn c[3];
  int fds[2];

  memset(r, 0, sizeof(r));
  memset(c, 0, sizeof(c));
  check_is(uv_ip4_addr("127.0.0.1", 1, &addr), 0);
  check_is(weir_pipe_init(f->loop, &c[0].stream), 0);
  check_is(weir_pipe_connect(&r[0].op, &c[0].stream, "/nobody", on_done), 0);
  finish(f, &r[0], UV_ENOENT, 0);
  tally(f, &t, f->backend == WEIR_BACKEND_UV ? 2 : 6);
  check_is(weir_tcp_init(f->loop, &c[1].stream), 0);
  check_is(weir_tcp_connect(&r[1].op, &c[1].stream, (struct sockaddr *)&addr,
                            on_done),
           0);
  finish(f, &r[1], UV_ECONNREFUSED, 0);
  if (f->backend == WEIR_BACKEND_UV)
    tally(f, &t, 3);
  check_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  check_is(weir_pipe_init(f->loop, &c[2].stream), 0);
  tally_anew(f, &t);
  check_is(weir_pipe_open(&c[2].stream, fds[0]), 0);
  tally(f, &t, 3);
  for (int i = 0; i < 3; i++) {
    c[i].peer = i < 2 ? -1 : fds[1];
    conn_close(f, &c[i]);
  }
}

/* ---- An error behind bytes ---- */

WEIR_TEST(edges, an_error_behind_what_was_read_now_is_the_next_read_s) {
  const weir_test_step_t steps[] = {{.bytes = 3, .status = UV_ECONNRESET}};
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 1}, .input = "weir", .input_size = 4};
  struct scripted s;
  char bytes[4];
  size_t n;

  scripted_open(f, &s, &options);
  check_is(weir_read_now(&s.stream, weir_mseq_block(bytes, 4), &n), 0);
  check_is(n, 3);
  check_is(weir_read_now(&s.stream, weir_mseq_block(bytes, 4), &n),
           UV_ECONNRESET);
  check_is(n, 0);
  check_is(weir_test_count(s.script, WEIR_TEST_READ_NOW), 1);
  check_is(weir_read_now(&s.stream, weir_mseq_block(bytes, 4), &n), 0);
  check_is(n, 1);
  scripted_close(f, &s);
}

/* ---- No room at once ---- */

WEIR_TEST(edges, a_read_now_of_a_kind_without_room_finds_nothing) {
  const weir_test_step_t steps[] = {{.status = UV_EBUSY}};
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 1}, .input = "weir", .input_size = 4};
  struct scripted s;
  char bytes[4];
  size_t n;

  scripted_open(f, &s, &options);
  check_is(weir_read_now(&s.stream, weir_mseq_block(bytes, 4), &n), UV_EAGAIN);
  check_is(n, 0);
  check_is(weir_read_now(&s.stream, weir_mseq_block(bytes, 4), &n), 0);
  check_is(n, 4);
  scripted_close(f, &s);
}

/* That is no failure, which would be for good. */
WEIR_TEST(edges, a_write_now_of_a_kind_without_room_waits) {
  const weir_test_step_t steps[] = {
      {.status = UV_EBUSY}, {.bytes = 3}, {.status = UV_EBUSY}};
  weir_test_options_t options = {.write = {.steps = steps, .nsteps = 3}};
  struct request r = {0};
  struct scripted s;
  char bytes[40];
  size_t n;

  pattern_fill(bytes, 0, sizeof(bytes));
  scripted_open(f, &s, &options);
  check_is(weir_write_try(&s.stream, weir_seq_block(bytes, 10), &n), UV_EAGAIN);
  check_is(n, 0);
  check_is(weir_write_try(&s.stream, weir_seq_block(bytes, 10), &n), 0);
  check_is(n, 3);
  check_is(weir_write_now(&r.op, &s.stream, weir_seq_block(bytes + 3, 37), &n,
                          on_done),
           WEIR_PENDING);
  check_is(n, 0);
  finish(f, &r, 0, 37);
  scripted_expect(&s, 40);
  scripted_close(f, &s);
}

/* ---- A write of some ---- */

/* Two bytes each: the kind is asked three times, each time for one. */
WEIR_TEST(edges, a_write_of_some_is_gathered_with_none) {
  const weir_test_options_t options = {.at_end = WEIR_PENDING};
  struct request w[3];
  struct scripted s;

  memset(w, 0, sizeof(w));
  scripted_open(f, &s, &options);
  check_is(weir_write(&w[0].op, &s.stream, weir_seq_block("we", 2), on_done),
           0);
  check_is(
      weir_write_some(&w[1].op, &s.stream, weir_seq_block("ir", 2), on_done),
      0);
  check_is(weir_write(&w[2].op, &s.stream, weir_seq_block("!!", 2), on_done),
           0);
  for (int i = 0; i < 3; i++)
    finish(f, &w[i], 0, 2);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE) +
               weir_test_count(s.script, WEIR_TEST_WRITE_NOW),
           3);
  check_is(stats_of(f).writes_gathered, 0);
  scripted_close(f, &s);
}

/* Nothing follows on it that the system should wait for. */
static struct conn some_conn;
static struct request some;

static void then_some(weir_op_t *op, int status, size_t n) {
  static char byte = 'x';
  static uv_buf_t bufs[2 * WEIR_WINDOW];

  on_done(op, status, n);
  for (int i = 0; i < 2 * WEIR_WINDOW; i++)
    bufs[i] = uv_buf_init(&byte, 1);
  check_is(weir_write_some(&some.op, &some_conn.stream,
                           weir_seq_bufs(bufs, (size_t)2 * WEIR_WINDOW),
                           on_done),
           0);
}

WEIR_TEST(edges, a_write_of_some_foretells_none) {
  const int calls[] = {SYS_setsockopt};
  struct request w = {0};
  int before;

  memset(&some, 0, sizeof(some));
  gate_open(f, calls, 1);
  conn_tcp(f, &some_conn);
  before = gate_calls(SYS_setsockopt);
  check_is(
      weir_write(&w.op, &some_conn.stream, weir_seq_block("w", 1), then_some),
      0);
  finish(f, &w, 0, 1);
  run_until(f, &some.calls);
  check_is(some.n, WEIR_WINDOW);
  check_is(gate_calls(SYS_setsockopt), before);
  conn_close(f, &some_conn);
}

/* ---- Descriptors ---- */

/* A listener at *addr, and an accept that waits. */
static void listen_and_accept(struct weir_fixture *f, struct conn *listener,
                              struct conn *client, struct request *r,
                              struct sockaddr_in *addr) {
  int len = sizeof(*addr);

  memset(listener, 0, sizeof(*listener));
  memset(client, 0, sizeof(*client));
  listener->peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, addr), 0);
  check_is(weir_tcp_init(f->loop, &listener->stream), 0);
  check_is(weir_tcp_bind(&listener->stream, (const struct sockaddr *)addr, 0),
           0);
  check_is(weir_listen(&listener->stream, 5), 0);
  check_is(weir_getsockname(&listener->stream, (struct sockaddr *)addr, &len),
           0);
  check_is(weir_accept(&r->op, &listener->stream, &client->stream, on_done), 0);
  run_turn(f);
}

static int dial(const struct sockaddr_in *addr) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), 0);
  return fd;
}

WEIR_TEST(edges, what_is_accepted_is_closed_on_exec) {
  struct request accept = {0};
  struct conn listener, client;
  struct sockaddr_in addr;
  uv_os_fd_t fd;

  listen_and_accept(f, &listener, &client, &accept, &addr);
  check_is(weir_fileno(&listener.stream, &fd), 0);
  check_is(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  client.peer = dial(&addr);
  finish(f, &accept, 0, 0);
  check_is(weir_fileno(&client.stream, &fd), 0);
  check_is(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  conn_close(f, &client);
  conn_close(f, &listener);
}

/* How many descriptors a program that this one starts would have. */
static int inherited(void) {
  int count = 0;

  for (int fd = 0; fd < 1024; fd++) {
    int flags = fcntl(fd, F_GETFD);
    count += flags >= 0 && (flags & FD_CLOEXEC) == 0;
  }
  return count;
}

static void child_renews(struct weir_fixture *f, void *arg) {
  int before = *(int *)arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must(inherited() == before);
}

static uv_file opened;

static void on_opened(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  opened = weir_file_result(op);
}

WEIR_TEST(edges, what_a_loop_opens_is_closed_on_exec) {
  struct request r = {0};
  int before;

  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  before = inherited();
  fixture_attach(f, NULL);
  check_is(
      weir_file_open(f->loop, &r.op, "/dev/null", UV_FS_O_RDONLY, 0, on_opened),
      0);
  finish(f, &r, 0, 0);
  check_is(inherited(), before);
  check_is(close(opened), 0);
  child_run(child_renews, f, &before);
}

/* libuv's way asks at once behind a connection that was there: an answer that
 * would be the same if nobody comes says nothing. */
WEIR_TEST(edges, a_full_table_of_files_and_nobody_there_waits) {
  const int calls[] = {SYS_accept4};
  struct request r[2];
  struct conn listener, client[2];
  struct sockaddr_in addr;

  memset(r, 0, sizeof(r));
  gate_open(f, calls, 1);
  listen_and_accept(f, &listener, &client[0], &r[0], &addr);
  client[0].peer = dial(&addr);
  finish(f, &r[0], 0, 0);
  gate_fail(SYS_accept4, ENFILE, GATE_FOR_EVER);
  memset(&client[1], 0, sizeof(client[1]));
  check_is(weir_accept(&r[1].op, &listener.stream, &client[1].stream, on_done),
           0);
  run_some_turns(f);
  check_is(r[1].calls, 0);
  check_is(gate_failures(SYS_accept4), f->backend == WEIR_BACKEND_UV);
  gate_pass();
  client[1].peer = dial(&addr);
  finish(f, &r[1], 0, 0);
  conn_close(f, &client[0]);
  conn_close(f, &client[1]);
  conn_close(f, &listener);
}

WEIR_TEST(edges, a_connect_without_a_descriptor_fails) {
  struct request r[2];
  struct rlimit limit, none;
  struct sockaddr_in addr;
  struct conn c[2];
  int next = dup(0);

  memset(r, 0, sizeof(r));
  memset(c, 0, sizeof(c));
  check_is(uv_ip4_addr("127.0.0.1", 9, &addr), 0);
  check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
  close(next);
  none = limit;
  none.rlim_cur = (rlim_t)next;
  check_is(setrlimit(RLIMIT_NOFILE, &none), 0);
  check_is(weir_tcp_init(f->loop, &c[0].stream), 0);
  check_is(weir_tcp_connect(&r[0].op, &c[0].stream,
                            (const struct sockaddr *)&addr, on_done),
           0);
  finish(f, &r[0], UV_EMFILE, 0);
  check_is(weir_pipe_init(f->loop, &c[1].stream), 0);
  check_is(weir_pipe_connect(&r[1].op, &c[1].stream, "/tmp/no-one", on_done),
           0);
  finish(f, &r[1], UV_EMFILE, 0);
  check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
  for (int i = 0; i < 2; i++) {
    c[i].peer = -1;
    conn_close(f, &c[i]);
  }
}

/* As libuv says it. */
WEIR_TEST(edges, a_path_in_a_directory_that_is_not_there) {
  struct conn c;

  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_bind(&c.stream, "/tmp/no-such-directory/socket"),
           UV_EACCES);
  check_is(weir_pipe_bind(&c.stream, "/dev/null/socket"), UV_ENOTDIR);
  check_is(weir_pipe_bind(&c.stream, "/dev/null"), UV_EADDRINUSE);
  conn_close(f, &c);
}

/* Two streams that are closed together: the first one's callback asks for the
 * other's descriptor, which is not its own any more. */
static struct conn couple[2];
static int asked;

static void on_first_closed(weir_stream_t *stream) {
  struct sockaddr_storage name;
  uv_os_fd_t fd = -1;
  int len = sizeof(name);

  on_conn_closed(stream);
  asked++;
  check_is(weir_fileno(&couple[1].stream, &fd), UV_EBADF);
  check_is(weir_getsockname(&couple[1].stream, (struct sockaddr *)&name, &len),
           UV_EBADF);
  check_is(weir_tcp_nodelay(&couple[1].stream, 1), UV_EBADF);
}

WEIR_TEST(edges, a_closing_stream_has_no_descriptor) {
  conn_tcp(f, &couple[0]);
  conn_tcp(f, &couple[1]);
  check_is(weir_close(&couple[0].stream, on_first_closed), 0);
  check_is(weir_close(&couple[1].stream, on_conn_closed), 0);
  run_until(f, &couple[0].closed);
  run_until(f, &couple[1].closed);
  check_is(asked, 1);
  close_peer(&couple[0]);
  close_peer(&couple[1]);
}

/* ---- A close waits ---- */

/* A kind whose transfers end when the test says so, and not before. */
struct slow {
  weir_stream_t stream;
  int closes;
  int closed;
};

static int wait_for_read(weir_stream_t *stream, const uv_buf_t *bufs,
                         unsigned nbufs, size_t *n) {
  (void)stream, (void)bufs, (void)nbufs, (void)n;
  return WEIR_PENDING;
}

static int wait_for_end(weir_stream_t *stream) {
  (void)stream;
  return WEIR_PENDING;
}

static int cancel_later(weir_stream_t *stream) {
  (void)stream;
  return 0;
}

static void close_at_once(weir_stream_t *stream) {
  struct slow *s = (struct slow *)stream;

  s->closes++;
  weir_stream_close_done(stream);
}

static void on_slow_closed(weir_stream_t *stream) {
  struct slow *s = (struct slow *)stream;

  s->closed++;
}

static const weir_stream_kind_t slow_kind = {
    .size = sizeof(slow_kind),
    .name = "slow",
    .read_some = wait_for_read,
    .write_some = wait_for_read,
    .cancel_read = cancel_later,
    .cancel_write = cancel_later,
    .shutdown = wait_for_end,
    .close = close_at_once,
};

enum { READS = 1, WRITES = 2, ENDS = 4 };

static void closes_behind(struct weir_fixture *f, int what) {
  struct request r = {0}, w = {0};
  struct slow s = {.closes = 0};
  char byte;

  check_is(weir_stream_init(f->loop, &s.stream, &slow_kind, NULL), 0);
  if ((what & READS) != 0)
    check_is(
        weir_read_some(&r.op, &s.stream, weir_mseq_block(&byte, 1), on_done),
        0);
  if ((what & WRITES) != 0)
    check_is(weir_write(&w.op, &s.stream, weir_seq_block("x", 1), on_done), 0);
  if ((what & ENDS) != 0)
    check_is(weir_write_eof(&w.op, &s.stream, weir_seq_block(NULL, 0), on_done),
             0);
  run_some_turns(f);
  check_is(weir_close(&s.stream, on_slow_closed), 0);
  run_some_turns(f);
  check_is(s.closes + r.calls + w.calls, 0);
  if ((what & READS) != 0) {
    weir_stream_read_done(&s.stream, UV_ECANCELED, 0);
    run_some_turns(f);
    check_is(s.closes, what == READS);
    finish(f, &r, UV_ECANCELED, 0);
  }
  if ((what & (WRITES | ENDS)) != 0) {
    weir_stream_write_done(&s.stream, UV_ECANCELED, 0);
    finish(f, &w, UV_ECANCELED, 0);
  }
  run_until(f, &s.closed);
  check_is(s.closes, 1);
  check_is(s.closed, 1);
}

WEIR_TEST(edges, a_close_waits_for_a_read) {
  closes_behind(f, READS);
}

WEIR_TEST(edges, a_close_waits_for_a_write) {
  closes_behind(f, WRITES);
}

WEIR_TEST(edges, a_close_waits_for_the_end_of_writing) {
  closes_behind(f, ENDS);
}

WEIR_TEST(edges, a_close_waits_for_both_sides) {
  closes_behind(f, READS | WRITES);
  closes_behind(f, READS | ENDS);
}

static struct request waiting;

static void on_closed_behind(weir_stream_t *stream) {
  on_conn_closed(stream);
  check_is(waiting.calls, 1);
}

WEIR_TEST(edges, a_close_waits_for_an_accept) {
  struct conn listener, client;
  struct sockaddr_in addr;

  memset(&waiting, 0, sizeof(waiting));
  listen_and_accept(f, &listener, &client, &waiting, &addr);
  run_some_turns(f);
  check_is(weir_close(&listener.stream, on_closed_behind), 0);
  run_until(f, &listener.closed);
  check_is(waiting.status, UV_ECANCELED);
}

/* ---- The end of writing, withdrawn ---- */

WEIR_TEST(edges, there_may_be_more_behind_an_end_that_was_withdrawn) {
  struct request w[3];
  struct conn c;
  char bytes[2];

  memset(w, 0, sizeof(w));
  conn_tcp(f, &c);
  check_is(
      weir_write_eof(&w[0].op, &c.stream, weir_seq_block(NULL, 0), on_done), 0);
  check_is(weir_write(&w[1].op, &c.stream, weir_seq_block("x", 1), on_done),
           UV_EPIPE);
  weir_cancel(&w[0].op);
  finish(f, &w[0], UV_ECANCELED, 0);
  check_is(weir_write(&w[1].op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w[1], 0, 1);
  check_is(weir_write_eof(&w[2].op, &c.stream, weir_seq_block("y", 1), on_done),
           0);
  finish(f, &w[2], 0, 1);
  memset(&w[1], 0, sizeof(w[1]));
  check_is(weir_write(&w[1].op, &c.stream, weir_seq_block("x", 1), on_done),
           UV_EPIPE);
  check_is(recv(c.peer, bytes, 2, MSG_WAITALL), 2);
  cr_assert(bytes[0] == 'x' && bytes[1] == 'y');
  peer_expect_end(&c);
  conn_close(f, &c);
}

/* The kind was asked for the end already, and says that it did not come. */
WEIR_TEST(edges, there_may_be_more_behind_an_end_that_was_not_sent) {
  const weir_test_options_t options = {.shutdown = {.turns = WEIR_TEST_NEVER}};
  struct request w[3];
  struct scripted s;
  size_t size;

  memset(w, 0, sizeof(w));
  scripted_open(f, &s, &options);
  check_is(weir_write_eof(&w[0].op, &s.stream, weir_seq_block("x", 1), on_done),
           0);
  run_some_turns(f);
  check_is(weir_test_count(s.script, WEIR_TEST_SHUTDOWN), 1);
  weir_cancel(&w[0].op);
  finish(f, &w[0], UV_ECANCELED, 1);
  check_is(weir_write(&w[1].op, &s.stream, weir_seq_block("y", 1), on_done), 0);
  finish(f, &w[1], 0, 1);
  check_is(
      weir_write_eof(&w[2].op, &s.stream, weir_seq_block(NULL, 0), on_done), 0);
  run_some_turns(f);
  check_is(weir_test_count(s.script, WEIR_TEST_SHUTDOWN), 2);
  scripted_finish(&s, WEIR_TEST_SHUTDOWN, 0, 0);
  finish(f, &w[2], 0, 0);
  check_is(weir_write(&w[1].op, &s.stream, weir_seq_block("x", 1), on_done),
           UV_EPIPE);
  cr_assert(memcmp(weir_test_written(s.script, &size), "xy", 2) == 0);
  check_is(size, 2);
  scripted_close(f, &s);
}

/* ---- Handles that the application has closed ---- */

WEIR_TEST(edges, a_detach_that_is_refused_holds_nothing) {
  struct conn c;

  conn_tcp(f, &c);
  uv_walk(&f->uv, close_each, NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  run_some_turns(f);
  check_is(uv_loop_alive(&f->uv), 0);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(c.closed, 1);
  close_peer(&c);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  f->loop = NULL;
}
