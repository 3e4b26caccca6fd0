/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/host.h"
#include "support/net.h"

/* Loops, threads and processes. Criterion's assertions are for the main thread,
 * so the others count what went wrong. */

struct runner {
  weir_backend_t backend;
  weir_wait_t wait;
  uv_loop_t uv;
  weir_loop_t *loop;
  int attached; /* already, in another thread */
  int errors;
  int left;
  weir_stream_t streams[2];
  weir_op_t read;
  weir_op_t write;
  char byte;
};

static void expect(struct runner *r, int is_so) {
  if (!is_so)
    r->errors++;
}

static void ping(struct runner *r);

static void pinged(weir_op_t *op, int status, size_t n) {
  struct runner *r = op->data;

  expect(r, status == 0 && n == 1);
  if (--r->left > 0)
    ping(r);
}

static void written(weir_op_t *op, int status, size_t n) {
  expect(op->data, status == 0 && n == 1);
}

static void ping(struct runner *r) {
  expect(r, weir_read_some(&r->read, &r->streams[0],
                           weir_mseq_block(&r->byte, 1), pinged) == 0);
  expect(r, weir_write(&r->write, &r->streams[1], weir_seq_block("x", 1),
                       written) == 0);
}

static void attach(struct runner *r) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = r->backend;
  options.wait = r->wait;
  expect(r, uv_loop_init(&r->uv) == 0);
  expect(r, weir_loop_attach(&r->uv, &options, &r->loop) == 0);
  r->attached = 1;
}

/* Where there are no UNIX sockets, a pair is one of TCP. */
static void open_stream(struct runner *r, weir_stream_t *stream, int fd) {
  if (os_has_pipes()) {
    expect(r, weir_pipe_init(r->loop, stream) == 0);
    expect(r, weir_pipe_open(stream, fd) == 0);
    return;
  }
  expect(r, weir_tcp_init(r->loop, stream) == 0);
  expect(r, weir_tcp_open(stream, fd) == 0);
}

/* A loop's life: bytes go through a pair of sockets, then all is closed. */
static void run(void *arg) {
  struct runner *r = arg;
  int fds[2], i;

  if (!r->attached)
    attach(r);
  if (r->errors != 0)
    return;
  expect(r, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  for (i = 0; i < 2; i++)
    open_stream(r, &r->streams[i], fds[i]);
  r->read.data = r->write.data = r;
  ping(r);
  expect(r, uv_run(&r->uv, UV_RUN_DEFAULT) == 0);
  expect(r, r->left == 0);
  for (i = 0; i < 2; i++)
    expect(r, weir_close(&r->streams[i], NULL) == 0);
  expect(r, uv_run(&r->uv, UV_RUN_DEFAULT) == 0);
  expect(r, weir_loop_detach(r->loop, NULL) == 0);
  expect(r, uv_run(&r->uv, UV_RUN_DEFAULT) == 0);
  expect(r, uv_loop_close(&r->uv) == 0);
}

static void runner_init(const struct weir_fixture *f, struct runner *r) {
  memset(r, 0, sizeof(*r));
  r->backend = f->backend;
  r->wait = f->wait;
  r->left = 1000;
}

WEIR_TEST(thread, each_may_have_its_own_loop) {
  enum { THREADS = 3 };
  static struct runner runners[THREADS];
  uv_thread_t threads[THREADS];
  int i;

  for (i = 0; i < THREADS; i++) {
    runner_init(f, &runners[i]);
    check_is(uv_thread_create(&threads[i], run, &runners[i]), 0);
  }
  for (i = 0; i < THREADS; i++) {
    check_is(uv_thread_join(&threads[i]), 0);
    check_is(runners[i].errors, 0);
  }
}

WEIR_TEST(thread, a_loop_may_run_in_another_than_it_was_attached_in) {
  static struct runner r;
  uv_thread_t thread;

  runner_init(f, &r);
  attach(&r);
  check_is(uv_thread_create(&thread, run, &r), 0);
  check_is(uv_thread_join(&thread), 0);
  check_is(r.errors, 0);
}

static struct runner inner;

static void on_outer(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  run(&inner);
}

WEIR_TEST(thread, a_callback_may_run_another_loop) {
  struct request r = {0}, w = {0};
  struct conn c;
  char byte;

  runner_init(f, &inner);
  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_outer), 0);
  finish(f, &w, 0, 1);
  check_is(inner.errors, 0);
  check_is(inner.left, 0);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

WEIR_TEST(thread, a_forked_child_disturbs_nothing) {
  struct request r = {0}, w = {0};
  struct conn c;
  char bytes[8];
  pid_t child;
  int status = -1;

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  run_some_turns(f);
  child = fork();
  if (child == 0)
    _exit(7);
  cr_assert(child > 0);
  check_is(waitpid(child, &status, 0), child);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  peer_send(&c, 0, 8);
  finish(f, &r, 0, 8);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 8), on_done), 0);
  finish(f, &w, 0, 8);
  peer_take(&c, 0, 8);
  conn_close(f, &c);
}
