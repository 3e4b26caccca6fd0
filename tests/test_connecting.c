/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

/* Connects that take a while, whatever network this machine has: those to a
 * listener whose backlog is full are answered when there is room. */

enum { FILLERS = 16 };

struct full {
  struct sockaddr_in addr;
  int listener;
  int fillers[FILLERS];
  int n;
};

static int arrived(int fd) {
  struct pollfd ready = {.fd = fd, .events = POLLOUT};

  return poll(&ready, 1, 100) == 1;
}

static void fill(struct full *full) {
  socklen_t len = sizeof(full->addr);

  memset(full, 0, sizeof(*full));
  full->addr.sin_family = AF_INET;
  full->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  full->listener = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert(full->listener >= 0);
  check_is(bind(full->listener, (struct sockaddr *)&full->addr, len), 0);
  check_is(listen(full->listener, 0), 0);
  check_is(getsockname(full->listener, (struct sockaddr *)&full->addr, &len),
           0);
  do {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    cr_assert(fd >= 0);
    full->fillers[full->n++] = fd;
    (void)!connect(fd, (struct sockaddr *)&full->addr, sizeof(full->addr));
  } while (arrived(full->fillers[full->n - 1]) && full->n < FILLERS);
}

/* Takes away what is in the backlog or waits to get there. */
static void drain(struct full *full) {
  int fd;

  while (full->n > 0)
    close(full->fillers[--full->n]);
  check_is(fcntl(full->listener, F_SETFL, O_NONBLOCK), 0);
  while ((fd = accept(full->listener, NULL, NULL)) >= 0)
    close(fd);
}

static void empty(struct full *full) {
  drain(full);
  close(full->listener);
}

/* Skips the test where such a connect does not wait. */
static void begin(struct weir_fixture *f, struct full *full, struct conn *c,
                  struct request *r) {
  fill(full);
  memset(c, 0, sizeof(*c));
  memset(r, 0, sizeof(*r));
  c->peer = -1;
  check_is(weir_tcp_init(f->loop, &c->stream), 0);
  check_is(weir_tcp_connect(&r->op, &c->stream, (struct sockaddr *)&full->addr,
                            on_done),
           0);
  run_some_turns(f);
  if (r->calls == 0)
    return;
  conn_close(f, c);
  empty(full);
  fixture_skip(f, "a full backlog does not keep a connect waiting here");
}

WEIR_TEST(connecting, cancelled) {
  struct full full;
  struct request r;
  struct conn c;

  begin(f, &full, &c, &r);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_tcp_connect(&r.op, &c.stream, (struct sockaddr *)&full.addr,
                            on_done),
           UV_EALREADY);
  empty(&full);
  run_some_turns(f);
  conn_close(f, &c);
  check_is(r.calls, 0);
}

WEIR_TEST(connecting, closed) {
  struct full full;
  struct request r;
  struct conn c;

  begin(f, &full, &c, &r);
  conn_close(f, &c);
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
  check_is(r.n, 0);
  empty(&full);
}

/* As soon as the system tries again. */
WEIR_TEST(connecting, done) {
  struct full full;
  struct request r, w = {0};
  struct conn c;
  int fd;

  begin(f, &full, &c, &r);
  drain(&full);
  finish(f, &r, 0, 0);
  fd = accept(full.listener, NULL, NULL);
  cr_assert(fd >= 0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, 0, 1);
  close(fd);
  conn_close(f, &c);
  empty(&full);
}

WEIR_TEST(connecting, refused) {
  struct full full;
  struct request r;
  struct conn c;

  begin(f, &full, &c, &r);
  empty(&full);
  finish(f, &r, UV_ECONNREFUSED, 0);
  conn_close(f, &c);
}

WEIR_TEST(connecting, while_the_application_closes_everything) {
  struct full full;
  struct request r;
  struct conn c;

  begin(f, &full, &c, &r);
  uv_walk(&f->uv, close_each, NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(r.calls, 0);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  run_until(f, &c.closed);
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
  empty(&full);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
}

/* ---- A number that comes again ---- */

static void start_read(struct request *r, struct conn *c, char *bytes) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(bytes, 8), on_done),
      0);
}

/* A connection whose descriptor is fd. */
static void conn_at(struct weir_fixture *f, struct conn *c, int fd) {
  int fds[2];

  memset(c, 0, sizeof(*c));
  pair_unix(fds);
  c->peer = fds[fds[1] == fd ? 0 : 1];
  if (fds[0] != fd && fds[1] != fd) {
    check_is(dup2(fds[0], fd), fd);
    close(fds[0]);
  }
  check_is(weir_pipe_init(f->loop, &c->stream), 0);
  check_is(weir_pipe_open(&c->stream, fd), 0);
}

struct reuse {
  struct weir_fixture *f;
  struct conn old;
  struct conn next;
  struct request read;
  char bytes[8];
  int fd;
  int begun;
};

/* The descriptor is closed, and what watched it perhaps not yet. */
static void on_check(uv_check_t *check) {
  struct reuse *u = check->data;

  if (u->begun || fcntl(u->fd, F_GETFD) >= 0)
    return;
  u->begun = 1;
  conn_at(u->f, &u->next, u->fd);
  start_read(&u->read, &u->next, u->bytes);
}

static void reuse(struct weir_fixture *f, struct conn *old) {
  static struct reuse u;
  struct request r, w = {0};
  uv_check_t check;
  char bytes[8];
  uv_os_fd_t fd;

  memset(&u, 0, sizeof(u));
  u.f = f;
  start_read(&r, old, bytes);
  run_some_turns(f);
  check_is(weir_fileno(&old->stream, &fd), 0);
  u.fd = fd;
  check_is(uv_check_init(&f->uv, &check), 0);
  check.data = &u;
  check_is(uv_check_start(&check, on_check), 0);
  uv_unref((uv_handle_t *)&check);
  close_stream(f, old);
  check_is(r.status, UV_ECANCELED);
  while (!u.begun)
    run_turn(f);
  run_some_turns(f);
  check_is(u.read.calls, 0);
  peer_send(&u.next, 0, 8);
  finish(f, &u.read, 0, 8);
  check_is(
      weir_write(&w.op, &u.next.stream, weir_seq_block(u.bytes, 8), on_done),
      0);
  finish(f, &w, 0, 8);
  peer_take(&u.next, 0, 8);
  uv_close((uv_handle_t *)&check, NULL);
  conn_close(f, &u.next);
  close_peer(old);
}

WEIR_TEST(connecting, the_number_of_a_stream_that_closes_comes_again) {
  struct conn old;

  conn_tcp(f, &old);
  reuse(f, &old);
}

WEIR_TEST(connecting, the_number_of_an_adopted_one_comes_again) {
  struct conn old;
  uv_tcp_t handle;
  int fds[2];

  memset(&old, 0, sizeof(old));
  pair_tcp(fds, 0, 0);
  old.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &handle), 0);
  check_is(uv_tcp_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &old.stream, (uv_stream_t *)&handle), 0);
  reuse(f, &old);
}

struct swap {
  struct request trigger; /* first: it is what the callback gets */
  struct weir_fixture *f;
  uv_tcp_t handle;
  struct conn next;
  struct request read;
  char bytes[8];
  int fd;
};

static void on_trigger(weir_op_t *op, int status, size_t n) {
  struct swap *s = (struct swap *)op;

  on_done(op, status, n);
  uv_close((uv_handle_t *)&s->handle, NULL);
  conn_at(s->f, &s->next, s->fd);
  start_read(&s->read, &s->next, s->bytes);
}

/* In one callback the application closes an adopted handle, and there is
 * another connection with its number, which is read: nothing had time to stop
 * watching the first. */
WEIR_TEST(connecting, the_number_of_a_handle_just_closed_comes_again) {
  static struct swap s;
  struct conn old;
  struct request r;
  char bytes[8];
  int fds[2];

  memset(&old, 0, sizeof(old));
  memset(&s, 0, sizeof(s));
  s.f = f;
  pair_tcp(fds, 0, 0);
  s.fd = fds[0];
  old.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &s.handle), 0);
  check_is(uv_tcp_open(&s.handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &old.stream, (uv_stream_t *)&s.handle), 0);
  start_read(&r, &old, bytes);
  run_some_turns(f);
  check_is(weir_write(&s.trigger.op, &old.stream, weir_seq_block("x", 1),
                      on_trigger),
           0);
  finish(f, &s.trigger, 0, 1);
  finish(f, &r, UV_ECANCELED, 0);
  run_some_turns(f);
  check_is(s.read.calls, 0);
  peer_send(&s.next, 0, 8);
  finish(f, &s.read, 0, 8);
  conn_close(f, &s.next);
  conn_close(f, &old);
}

/* Also when nothing is outstanding any more. */
WEIR_TEST(connecting, the_number_of_an_idle_adopted_one_comes_again) {
  struct conn old;
  struct request r;
  uv_pipe_t next;
  uv_tcp_t handle;
  char bytes[8];
  int fds[2], others[2];

  memset(&old, 0, sizeof(old));
  pair_tcp(fds, 0, 0);
  old.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &handle), 0);
  check_is(uv_tcp_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &old.stream, (uv_stream_t *)&handle), 0);
  start_read(&r, &old, bytes);
  run_some_turns(f);
  peer_send(&old, 0, 8);
  finish(f, &r, 0, 8);
  run_some_turns(f);
  uv_close((uv_handle_t *)&handle, NULL);
  run_turn(f);
  pair_unix(others);
  if (others[0] != fds[0] && others[1] != fds[0]) {
    check_is(dup2(others[0], fds[0]), fds[0]);
    close(others[0]);
    others[0] = fds[0];
  }
  check_is(uv_pipe_init(&f->uv, &next, 0), 0);
  check_is(uv_pipe_open(&next, fds[0]), 0);
  close(others[others[1] == fds[0] ? 0 : 1]);
  uv_close((uv_handle_t *)&next, NULL);
  conn_close(f, &old);
}

struct again {
  struct weir_fixture *f;
  uv_tcp_t handle;
  weir_stream_t first;
  struct conn second;
  int fds[2];
  int done;
};

static void adopt_pair(struct again *a, weir_stream_t *stream) {
  pair_tcp(a->fds, 0, 0);
  check_is(uv_tcp_init(&a->f->uv, &a->handle), 0);
  a->handle.data = a;
  check_is(uv_tcp_open(&a->handle, a->fds[0]), 0);
  check_is(weir_adopt(a->f->loop, stream, (uv_stream_t *)&a->handle), 0);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct again *a = handle->data;

  close(a->fds[1]);
  adopt_pair(a, &a->second.stream);
  a->second.peer = a->fds[1];
  a->done = 1;
}

/* The application closes an adopted handle and puts another in its place
 * before it closes the stream. */
WEIR_TEST(connecting, the_memory_of_an_adopted_handle_comes_again) {
  static struct again a;
  struct request r, w = {0};
  char bytes[8];

  memset(&a, 0, sizeof(a));
  a.f = f;
  adopt_pair(&a, &a.first);
  uv_close((uv_handle_t *)&a.handle, on_handle_closed);
  run_until(f, &a.done);
  check_is(weir_write(&w.op, &a.first, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, UV_EBADF, 0);
  start_read(&r, &a.second, bytes);
  check_is(weir_close(&a.first, NULL), 0);
  run_some_turns(f);
  check_is(r.calls, 0);
  check_is(weir_owns_handle(f->loop, (uv_handle_t *)&a.handle), 1);
  peer_send(&a.second, 0, 8);
  finish(f, &r, 0, 8);
  conn_close(f, &a.second);
}

/* ---- A handle that the application closes alone ---- */

static void close_inside(uv_handle_t *handle, void *arg) {
  const struct conn *c = arg;

  if ((uintptr_t)handle >= (uintptr_t)&c->stream &&
      (uintptr_t)handle < (uintptr_t)(&c->stream + 1) && !uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* On io_uring there is none. */
WEIR_TEST(connecting, what_the_application_closed_is_not_waited_with) {
  struct request r, w = {0};
  struct conn c;
  char bytes[8];

  conn_tcp(f, &c);
  start_read(&r, &c, bytes);
  run_some_turns(f);
  uv_walk(&f->uv, close_inside, &c);
  run_some_turns(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  start_read(&r, &c, bytes);
  if (f->backend == WEIR_BACKEND_URING)
    peer_send(&c, 0, 8);
  run_until(f, &r.calls);
  check_is(r.status, f->backend == WEIR_BACKEND_URING ? 0 : UV_ECANCELED);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, 0, 1);
  conn_close(f, &c);
}

/* ---- Standard descriptors ---- */

static void open_standard(struct weir_fixture *f, int fds[2]) {
  struct conn c;

  memset(&c, 0, sizeof(c));
  c.peer = fds[1];
  check_is(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
  close(fds[0]);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, STDIN_FILENO), 0);
  conn_close(f, &c);
  cr_assert(fcntl(STDIN_FILENO, F_GETFD) >= 0, "it was closed");
}

WEIR_TEST(connecting, a_standard_descriptor_is_not_closed) {
  int saved = dup(STDIN_FILENO);
  int fds[2];

  check_is(pipe(fds), 0);
  open_standard(f, fds);
  pair_unix(fds);
  open_standard(f, fds);
  check_is(dup2(saved, STDIN_FILENO), STDIN_FILENO);
  close(saved);
}
