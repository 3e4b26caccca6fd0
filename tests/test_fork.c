/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/busy.h"

/* A loop in the child after a fork: nothing there disturbs the parent, and
 * weir_loop_fork makes it the child's own. */

/* ---- Without weir_loop_fork ---- */

WEIR_TEST(fork, the_child_is_refused) {
  busy_in_child(f, busy_is_refused);
}

static void child_ends(struct weir_fixture *f, void *arg) {
  (void)f;
  (void)arg;
}

WEIR_TEST(fork, a_child_that_ends_disturbs_nothing) {
  busy_in_child(f, child_ends);
}

static void on_timer(uv_timer_t *timer) {
  ++*(int *)timer->data;
  uv_close((uv_handle_t *)timer, NULL);
}

static void on_work(uv_work_t *work) {
  ++*(int *)work->data;
}

static void after_work(uv_work_t *work, int status) {
  must(status == 0);
  ++*(int *)work->data;
}

/* Libuv's own things go on in the child, and what is weir's keeps uv_run
 * neither going nor from sleeping. */
static void child_runs_libuv(struct weir_fixture *f, void *arg) {
  uv_timer_t timer;
  uv_work_t work;
  int fired = 0, worked = 0;

  (void)arg;
  must(uv_loop_fork(&f->uv) == 0);
  must(uv_timer_init(&f->uv, &timer) == 0);
  timer.data = &fired;
  must(uv_timer_start(&timer, on_timer, 20, 0) == 0);
  work.data = &worked;
  must(uv_queue_work(&f->uv, &work, on_work, after_work) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(fired == 1 && worked == 2);
}

WEIR_TEST(fork, libuv_goes_on_in_the_child) {
  child_run(child_runs_libuv, f, NULL);
}

WEIR_TEST(fork, libuv_goes_on_beside_what_is_outstanding) {
  busy_in_child(f, child_runs_libuv);
}

static void on_turn(uv_prepare_t *prepare) {
  ++*(int *)prepare->data;
}

/* What comes for the parent makes the child neither read nor spin. */
static void child_looks_on(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;
  uv_prepare_t prepare;
  uv_timer_t timer;
  int turns = 0, fired = 0;

  must(uv_loop_fork(&f->uv) == 0);
  must(uv_prepare_init(&f->uv, &prepare) == 0);
  prepare.data = &turns;
  must(uv_prepare_start(&prepare, on_turn) == 0);
  uv_unref((uv_handle_t *)&prepare);
  must(uv_timer_init(&f->uv, &timer) == 0);
  timer.data = &fired;
  must(uv_timer_start(&timer, on_timer, 200, 0) == 0);
  must(send(b->reads.peer, "abc", 3, MSG_NOSIGNAL) == 3);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(fired == 1);
  must(turns < 50);
  must(b->read.calls == 0);
  uv_close((uv_handle_t *)&prepare, NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
}

WEIR_TEST(fork, the_parents_bytes_stay_the_parents) {
  struct busy b;
  char rest[WHOLE];

  busy_begin(f, &b);
  child_run(child_looks_on, f, &b);
  /* All that the child has sent is there, behind what was there already. */
  pattern_fill(rest, 0, WHOLE);
  memcpy(rest + PART, "abc", 3);
  pattern_fill(rest + PART + 3, PART, 2);
  peer_send(&b.reads, PART, 2);
  finish(f, &b.read, 0, WHOLE);
  check_is(memcmp(b.bytes, rest, WHOLE), 0);
  check_is(weir_read(&b.read.op, &b.reads.stream,
                     weir_mseq_block(b.bytes, WHOLE), weir_all(), on_done),
           0);
  b.read.calls = 0;
  peer_send(&b.reads, 0, PART);
  busy_end(f, &b);
}

static void child_closes_all(struct weir_fixture *f, void *arg) {
  (void)arg;
  must(uv_loop_fork(&f->uv) == 0);
  uv_walk(&f->uv, close_each, NULL);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(&f->uv) == 0);
}

WEIR_TEST(fork, the_child_may_close_all_handles) {
  busy_in_child(f, child_closes_all);
}

/* ---- With it ---- */

WEIR_TEST(fork, the_child_goes_on) {
  busy_in_child(f, busy_goes_on);
}

static void child_goes_on_without_order(struct weir_fixture *f, void *arg) {
  must(weir_loop_fork(f->loop) == 0);
  must(uv_loop_fork(&f->uv) == 0);
  busy_must_go_on(f, arg);
}

WEIR_TEST(fork, the_order_of_the_two_does_not_matter) {
  busy_in_child(f, child_goes_on_without_order);
}

/* First the child only looks on. */
static void child_goes_on_late(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;

  child_looks_on(f, arg);
  busy_is_refused(f, arg);
  must(weir_loop_fork(f->loop) == 0);
  must(b->read.calls == 0);
  busy_must_go_on(f, b);
}

WEIR_TEST(fork, late_is_early_enough) {
  struct busy b;

  busy_begin(f, &b);
  child_run(child_goes_on_late, f, &b);
  /* Which of the two reads what the child has sent is left to chance. */
  check_is(weir_close(&b.reads.stream, on_conn_closed), 0);
  run_until(f, &b.read.calls);
  check_is(b.read.status, UV_ECANCELED);
  close_peer(&b.reads);
  b.read = (struct request){0};
  run_until(f, &b.reads.closed);
  conn_tcp(f, &b.reads);
  check_is(weir_read(&b.read.op, &b.reads.stream,
                     weir_mseq_block(b.bytes, WHOLE), weir_all(), on_done),
           0);
  peer_send(&b.reads, 0, PART);
  busy_end(f, &b);
}

WEIR_TEST(fork, in_the_parent_it_does_nothing) {
  struct busy b;

  check_is(weir_loop_fork(NULL), UV_EINVAL);
  busy_begin(f, &b);
  check_is(weir_loop_fork(f->loop), 0);
  run_some_turns(f);
  check_is(b.read.calls + b.write.calls + b.accept.calls, 0);
  busy_end(f, &b);
}

/* Has the parent's data come, and a loop of its own look at what is there. */
static void child_turns(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;
  uv_timer_t timer;
  int fired = 0;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  busy_must_end(f, b);
  must(send(b->reads.peer, "abcde", 5, MSG_NOSIGNAL) == 5);
  must(uv_timer_init(&f->uv, &timer) == 0);
  timer.data = &fired;
  must(uv_timer_start(&timer, on_timer, 50, 0) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(fired == 1);
}

/* What is to wake the parent while it is not looking is still there then. */
WEIR_TEST(fork, the_parents_wake_up_stays_the_parents) {
  struct pollfd backend;
  struct busy b;

  busy_begin(f, &b);
  child_run(child_turns, f, &b);
  backend.fd = uv_backend_fd(&f->uv);
  backend.events = POLLIN;
  if (f->wait != WEIR_WAIT_RING)
    check_is(poll(&backend, 1, 0), 1);
  finish(f, &b.read, 0, WHOLE);
  check_is(memcmp(b.bytes + PART, "abcde", 5), 0);
  b.read.calls = 0;
  check_is(weir_read(&b.read.op, &b.reads.stream,
                     weir_mseq_block(b.bytes, WHOLE), weir_all(), on_done),
           0);
  peer_send(&b.reads, 0, PART);
  busy_end(f, &b);
}

/* Both do a lot at the same time. */
static void child_works(struct weir_fixture *f, void *arg) {
  int i;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  busy_must_end(f, arg);
  for (i = 0; i < 20; i++)
    must_work(f);
  busy_must_close(f, arg);
}

WEIR_TEST(fork, parent_and_child_work_side_by_side) {
  struct busy b;
  pid_t children[3];
  int i;

  busy_begin(f, &b);
  for (i = 0; i < 3; i++)
    children[i] = child_begin(child_works, f, &b);
  for (i = 0; i < 20; i++)
    must_work(f);
  busy_end(f, &b);
  for (i = 0; i < 3; i++)
    child_end(children[i]);
}

/* ---- A child's child ---- */

static void wait_for(pid_t child) {
  int status = -1;

  must(waitpid(child, &status, 0) == child);
  must(status == 0);
}

static void grandchild(struct weir_fixture *f, int generation) {
  struct request r = {0};
  struct conn c;
  pid_t child;
  int fds[2];

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_work(f);
  memset(&c, 0, sizeof(c));
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  must(weir_pipe_init(f->loop, &c.stream) == 0);
  must(weir_pipe_open(&c.stream, fds[0]) == 0);
  must(weir_read_some(&r.op, &c.stream, weir_mseq_block(&(char){0}, 1),
                      on_done) == 0);
  run_some_turns(f);
  if (generation > 0) {
    child = fork();
    if (child == 0) {
      must(weir_close(&c.stream, NULL) == UV_ESRCH);
      grandchild(f, generation - 1);
      child_leave(0);
    }
    wait_for(child);
  }
  must(send(fds[1], "x", 1, MSG_NOSIGNAL) == 1);
  must_finish(f, &r, 0, 1);
  must_close(f, &c);
}

static void child_forks(struct weir_fixture *f, void *arg) {
  (void)arg;
  grandchild(f, 3);
}

WEIR_TEST(fork, children_have_children) {
  child_run(child_forks, f, NULL);
}
