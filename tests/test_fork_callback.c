/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <unistd.h>

#include "support/busy.h"
#include "support/patience.h"

/* A fork within a callback of a loop, which is then in the midst of a turn. */

struct forking {
  struct request request;
  struct request second; /* due together with the first */
  struct request after;  /* begun by the first before it forks */
  struct weir_fixture *f;
  struct conn conn; /* the parent reads from it, whatever the child does */
  pid_t child;
  int renews;
  char bytes[2];
};

static void fork_in_callback(weir_op_t *op, int status, size_t n) {
  struct forking *forking = (struct forking *)op;

  on_done(op, status, n);
  check_is(weir_read_some(&forking->after.op, &forking->conn.stream,
                          weir_mseq_block(&forking->bytes[1], 1), on_done),
           0);
  check_is(forking->second.calls, 0);
  forking->child = fork();
  if (forking->child != 0)
    return;
  alarm(patience(20));
  must(uv_loop_fork(&forking->f->uv) == 0);
  if (forking->renews)
    must(weir_loop_fork(forking->f->loop) == 0);
}

static void send_late(void *arg) {
  struct busy *b = arg;

  usleep(30000);
  peer_send(&b->idle, 0, 1);
}

/* Returns in both processes. */
static void fork_below(struct weir_fixture *f, struct busy *b,
                       struct forking *forking, int renews) {
  memset(forking, 0, sizeof(*forking));
  forking->f = f;
  forking->renews = renews;
  conn_tcp(f, &forking->conn);
  check_is(weir_read_some(&forking->request.op, &b->idle.stream,
                          weir_mseq_block(forking->bytes, 1), fork_in_callback),
           0);
}

static void parent_ends(struct weir_fixture *f, struct busy *b,
                        struct forking *forking) {
  child_end(forking->child);
  peer_send(&forking->conn, 0, 1);
  finish(f, &forking->after, 0, 1);
  conn_close(f, &forking->conn);
  busy_end(f, b);
}

static void child_was_forked_below(struct weir_fixture *f, struct busy *b,
                                   struct forking *forking) {
  if (!forking->renews) {
    must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
    busy_is_refused(f, b);
    must(forking->after.calls == 0);
    must(weir_loop_fork(f->loop) == 0);
  }
  must_finish(f, &forking->after, UV_ECANCELED, 0);
  must_close(f, &forking->conn);
  busy_must_go_on(f, b);
  child_leave(0);
}

/* With the data there before the loop looks, or coming while it sleeps. */
static void forks_in_callback(struct weir_fixture *f, int renews, int late) {
  struct forking forking;
  struct busy b;
  uv_thread_t thread;

  busy_begin(f, &b);
  fork_below(f, &b, &forking, renews);
  if (late)
    check_is(uv_thread_create(&thread, send_late, &b), 0);
  else
    peer_send(&b.idle, 0, 1);
  run_until(f, &forking.request.calls);
  if (forking.child == 0)
    child_was_forked_below(f, &b, &forking);
  if (late)
    check_is(uv_thread_join(&thread), 0);
  parent_ends(f, &b, &forking);
}

WEIR_TEST(fork, a_callback_may_fork) {
  forks_in_callback(f, 0, 0);
}

WEIR_TEST(fork, a_callback_may_fork_and_go_on) {
  forks_in_callback(f, 1, 0);
}

WEIR_TEST(fork, a_callback_after_a_sleep_may_fork) {
  forks_in_callback(f, 0, 1);
}

WEIR_TEST(fork, a_callback_after_a_sleep_may_fork_and_go_on) {
  forks_in_callback(f, 1, 1);
}

/* Two that are due together: the child gets the second when it goes on. */
WEIR_TEST(fork, nothing_follows_the_callback_that_forks) {
  struct forking forking;
  struct busy b;
  weir_seq_t none = weir_seq_block("", 0);

  busy_begin(f, &b);
  memset(&forking, 0, sizeof(forking));
  forking.f = f;
  conn_tcp(f, &forking.conn);
  check_is(
      weir_write(&forking.request.op, &b.idle.stream, none, fork_in_callback),
      0);
  check_is(weir_write(&forking.second.op, &b.idle.stream, none, on_done), 0);
  run_until(f, &forking.request.calls);
  if (forking.child == 0) {
    must(forking.second.calls == 0);
    must(weir_loop_fork(f->loop) == 0);
    must_finish(f, &forking.second, 0, 0);
    forking.renews = 1;
    child_was_forked_below(f, &b, &forking);
  }
  finish(f, &forking.second, 0, 0);
  parent_ends(f, &b, &forking);
}

/* ---- On the way out ---- */

static int detached;

static void on_detached(weir_loop_t *loop) {
  (void)loop;
  detached++;
}

static void child_is_detached(struct weir_fixture *f) {
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(detached == 1);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(&f->uv) == 0);
}

struct leaving {
  struct request request;
  struct weir_fixture *f;
  pid_t child;
};

static void detach_and_fork(weir_op_t *op, int status, size_t n) {
  struct leaving *leaving = (struct leaving *)op;

  on_done(op, status, n);
  check_is(weir_loop_detach(leaving->f->loop, on_detached), 0);
  leaving->child = fork();
  if (leaving->child != 0)
    return;
  alarm(patience(20));
  must(uv_loop_fork(&leaving->f->uv) == 0);
}

WEIR_TEST(fork, a_callback_may_detach_and_fork) {
  struct leaving leaving;

  memset(&leaving, 0, sizeof(leaving));
  leaving.f = f;
  detached = 0;
  check_is(weir_file_pread(f->loop, &leaving.request.op, 0,
                           weir_mseq_block(&leaving, 0), 0, detach_and_fork),
           0);
  run_until(f, &leaving.request.calls);
  if (leaving.child == 0) {
    child_is_detached(f);
    child_leave(0);
  }
  child_end(leaving.child);
  run_out(f);
  check_is(detached, 1);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  f->loop = NULL;
}
