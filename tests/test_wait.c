/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "support/net.h"

/* The application calls uv_run, and everything of libuv works as ever while an
 * operation of weir is pending. */

static char byte;

static void read_start(struct conn *c, struct request *r) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(&byte, 1), on_done),
      0);
}

static void read_end(struct weir_fixture *f, struct conn *c,
                     struct request *r) {
  peer_send(c, 0, 1);
  finish(f, r, 0, 1);
}

WEIR_TEST(wait, run_returns_when_nothing_is_outstanding) {
  struct request r;
  struct conn c;

  run_out(f);
  conn_tcp(f, &c);
  run_out(f);
  read_start(&c, &r);
  peer_send(&c, 0, 1);
  run_out(f);
  check_is(r.calls, 1);
  run_out(f);
  conn_close(f, &c);
  run_out(f);
}

WEIR_TEST(wait, operations_alone_keep_the_loop_alive) {
  struct request r;
  struct conn c;

  conn_tcp(f, &c);
  check_is(uv_loop_alive(&f->uv), 0);
  read_start(&c, &r);
  check_is(uv_loop_alive(&f->uv), 1);
  run_some_turns(f);
  check_is(uv_loop_alive(&f->uv), 1);
  peer_send(&c, 0, 1);
  run_out(f);
  check_is(r.calls, 1);
  check_is(uv_loop_alive(&f->uv), 0);
  conn_close(f, &c);
}

/* ---- Timers ---- */

static int ticks;

static void on_tick(uv_timer_t *timer) {
  struct conn *c = timer->data;

  if (++ticks < 5)
    return;
  uv_close((uv_handle_t *)timer, NULL);
  if (c != NULL)
    peer_send(c, 0, 1);
}

static void timer_begin(struct weir_fixture *f, uv_timer_t *timer,
                        struct conn *c) {
  ticks = 0;
  timer->data = c;
  check_is(uv_timer_init(&f->uv, timer), 0);
  check_is(uv_timer_start(timer, on_tick, 1, 1), 0);
}

WEIR_TEST(wait, timers_fire_while_a_read_is_pending) {
  struct request r;
  struct conn c;
  uv_timer_t timer;

  conn_tcp(f, &c);
  read_start(&c, &r);
  timer_begin(f, &timer, &c);
  run_out(f);
  check_is(ticks, 5);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

static uint64_t when_read;

static void on_read_time(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  when_read = uv_now(op->data);
}

static void send_late(void *arg) {
  usleep(50000);
  send(*(int *)arg, "x", 1, MSG_NOSIGNAL);
}

/* A callback that follows a sleep sees the time after it. */
WEIR_TEST(wait, the_loops_clock_goes_on) {
  struct request r = {0};
  struct conn c;
  uv_thread_t thread;
  uint64_t start;

  conn_tcp(f, &c);
  r.op.data = &f->uv;
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_read_time),
      0);
  run_some_turns(f);
  uv_update_time(&f->uv);
  start = uv_now(&f->uv);
  check_is(uv_thread_create(&thread, send_late, &c.peer), 0);
  run_out(f);
  check_is(uv_thread_join(&thread), 0);
  finish(f, &r, 0, 1);
  cr_assert(when_read >= start + 40, "%llu ms passed",
            (unsigned long long)(when_read - start));
  conn_close(f, &c);
}

static void on_late_send(uv_timer_t *timer) {
  peer_send(timer->data, 0, 1);
  uv_close((uv_handle_t *)timer, NULL);
}

static void idle_time(weir_backend_t backend, weir_wait_t wait) {
  struct weir_fixture f;
  struct request r;
  struct conn c;
  uv_timer_t timer;
  int counted;

  fixture_prepare(&f, backend, wait);
  check_is(uv_loop_configure(&f.uv, UV_METRICS_IDLE_TIME), 0);
  fixture_attach(&f, NULL);
  conn_tcp(&f, &c);
  read_start(&c, &r);
  timer_begin(&f, &timer, &c);
  finish(&f, &r, 0, 1);
  counted = uv_metrics_idle_time(&f.uv) > 0;
  check_is(counted, weir_loop_wait(f.loop, NULL) == WEIR_WAIT_UV);
  conn_close(&f, &c);
  fixture_finish(&f);
}

/* The ring's sleep is not libuv's, whose metrics do not have it. */
Test(wait, idle_time_uring_ring, .timeout = 60) {
  idle_time(WEIR_BACKEND_URING, WEIR_WAIT_RING);
}

Test(wait, idle_time_uring_uv, .timeout = 60) {
  idle_time(WEIR_BACKEND_URING, WEIR_WAIT_UV);
}

Test(wait, idle_time_uv, .timeout = 60) {
  idle_time(WEIR_BACKEND_UV, WEIR_WAIT_UV);
}

/* ---- Threads and signals ---- */

static void on_async(uv_async_t *async) {
  peer_send(async->data, 0, 1);
  uv_close((uv_handle_t *)async, NULL);
}

static void send_async(void *arg) {
  usleep(10000);
  uv_async_send(arg);
}

WEIR_TEST(wait, another_thread_wakes_the_loop) {
  struct request r;
  struct conn c;
  uv_async_t async;
  uv_thread_t thread;

  conn_tcp(f, &c);
  read_start(&c, &r);
  async.data = &c;
  check_is(uv_async_init(&f->uv, &async, on_async), 0);
  check_is(uv_thread_create(&thread, send_async, &async), 0);
  run_out(f);
  check_is(uv_thread_join(&thread), 0);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

static void on_signal(uv_signal_t *handle, int signum) {
  check_is(signum, SIGUSR1);
  peer_send(handle->data, 0, 1);
  uv_close((uv_handle_t *)handle, NULL);
}

static void send_signal(void *arg) {
  pthread_t *thread = arg;

  usleep(10000);
  pthread_kill(*thread, SIGUSR1);
}

WEIR_TEST(wait, a_signal_wakes_the_loop) {
  struct request r;
  struct conn c;
  uv_signal_t handle;
  uv_thread_t thread;
  pthread_t self = pthread_self();

  conn_tcp(f, &c);
  read_start(&c, &r);
  handle.data = &c;
  check_is(uv_signal_init(&f->uv, &handle), 0);
  check_is(uv_signal_start(&handle, on_signal, SIGUSR1), 0);
  check_is(uv_thread_create(&thread, send_signal, &self), 0);
  run_out(f);
  check_is(uv_thread_join(&thread), 0);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

static void on_signal_count(int signum) {
  (void)signum;
}

WEIR_TEST(wait, a_bare_signal_interrupts_nothing) {
  struct sigaction action;
  struct request r;
  struct conn c;
  uv_timer_t timer;
  uv_thread_t thread;
  pthread_t self = pthread_self();

  memset(&action, 0, sizeof(action));
  action.sa_handler = on_signal_count;
  check_is(sigaction(SIGUSR1, &action, NULL), 0);
  conn_tcp(f, &c);
  read_start(&c, &r);
  timer.data = &c;
  check_is(uv_timer_init(&f->uv, &timer), 0);
  check_is(uv_timer_start(&timer, on_late_send, 50, 0), 0);
  check_is(uv_thread_create(&thread, send_signal, &self), 0);
  run_out(f);
  check_is(uv_thread_join(&thread), 0);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

static void count_work(uv_work_t *req) {
  ++*(int *)req->data;
}

static void after_work(uv_work_t *req, int status) {
  check_is(status, 0);
  ++*(int *)req->data;
}

WEIR_TEST(wait, the_thread_pool_reports_back) {
  struct request r;
  struct conn c;
  uv_work_t work;
  int steps = 0;

  conn_tcp(f, &c);
  read_start(&c, &r);
  work.data = &steps;
  check_is(uv_queue_work(&f->uv, &work, count_work, after_work), 0);
  while (steps < 2)
    uv_run(&f->uv, UV_RUN_ONCE);
  check_is(r.calls, 0);
  read_end(f, &c, &r);
  conn_close(f, &c);
}

/* ---- uv_stop and the modes of uv_run ---- */

static void on_stop_timer(uv_timer_t *timer) {
  uv_stop(timer->loop);
}

WEIR_TEST(wait, stop_returns_with_a_read_pending) {
  struct request r;
  struct conn c;
  uv_timer_t timer;
  int i;

  conn_tcp(f, &c);
  read_start(&c, &r);
  check_is(uv_timer_init(&f->uv, &timer), 0);
  for (i = 0; i < 3; i++) {
    check_is(uv_timer_start(&timer, on_stop_timer, 2, 0), 0);
    cr_assert(uv_run(&f->uv, UV_RUN_DEFAULT) != 0);
    check_is(r.calls, 0);
  }
  uv_close((uv_handle_t *)&timer, NULL);
  read_end(f, &c, &r);
  conn_close(f, &c);
}

static void stop_on_done(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  uv_stop(op->data);
}

WEIR_TEST(wait, stop_from_a_callback_returns) {
  struct request a = {0}, b;
  struct conn one, two;

  conn_tcp(f, &one);
  conn_tcp(f, &two);
  read_start(&two, &b);
  a.op.data = &f->uv;
  check_is(weir_read_some(&a.op, &one.stream, weir_mseq_block(&byte, 1),
                          stop_on_done),
           0);
  peer_send(&one, 0, 1);
  cr_assert(uv_run(&f->uv, UV_RUN_DEFAULT) != 0);
  check_is(a.calls, 1);
  check_is(b.calls, 0);
  read_end(f, &two, &b);
  conn_close(f, &one);
  conn_close(f, &two);
}

WEIR_TEST(wait, stop_before_a_run_returns_at_once) {
  struct request r;
  struct conn c;

  conn_tcp(f, &c);
  read_start(&c, &r);
  uv_stop(&f->uv);
  cr_assert(uv_run(&f->uv, UV_RUN_DEFAULT) != 0);
  check_is(r.calls, 0);
  read_end(f, &c, &r);
  conn_close(f, &c);
}

WEIR_TEST(wait, once_delivers_what_has_come) {
  struct request r;
  struct conn c;
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 20; i++) {
    int turns = 0;

    read_start(&c, &r);
    peer_send(&c, 0, 1);
    while (r.calls == 0) {
      uv_run(&f->uv, UV_RUN_ONCE);
      cr_assert(++turns < 20);
    }
    finish(f, &r, 0, 1);
  }
  conn_close(f, &c);
}

WEIR_TEST(wait, nowait_returns_at_once_with_a_read_pending) {
  struct request r;
  struct conn c;
  int i;

  if (f->wait == WEIR_WAIT_RING)
    fixture_skip(f, "the ring wait cannot see UV_RUN_NOWAIT");
  conn_tcp(f, &c);
  read_start(&c, &r);
  /* Were one of them to sleep, the watchdog would wake it and fail. */
  for (i = 0; i < 1000; i++)
    check_is(uv_run(&f->uv, UV_RUN_NOWAIT), 1);
  check_is(r.calls, 0);
  peer_send(&c, 0, 1);
  for (i = 0; i < 1000 && r.calls == 0; i++) {
    uv_run(&f->uv, UV_RUN_NOWAIT);
    if (i > 100)
      usleep(1000);
  }
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

/* ---- Prepare hooks ---- */

struct hook {
  uv_prepare_t prepare;
  struct conn *conn;
  struct request request;
  int rounds;
};

static void on_hook(uv_prepare_t *prepare) {
  struct hook *h = prepare->data;

  if (h->request.calls == 0 && h->rounds > 0)
    return;
  if (h->rounds++ == 10) {
    uv_close((uv_handle_t *)prepare, NULL);
    return;
  }
  memset(&h->request, 0, sizeof(h->request));
  check_is(weir_write(&h->request.op, &h->conn->stream, weir_seq_block("x", 1),
                      on_done),
           0);
}

static void hook_start(struct weir_fixture *f, struct hook *h, struct conn *c) {
  memset(h, 0, sizeof(*h));
  h->conn = c;
  h->prepare.data = h;
  check_is(uv_prepare_init(&f->uv, &h->prepare), 0);
  check_is(uv_prepare_start(&h->prepare, on_hook), 0);
}

static void expect_ten_writes(struct weir_fixture *f, struct conn *c) {
  char got[10];

  check_is(recv(c->peer, got, 10, MSG_WAITALL), 10);
  check_is(stats_of(f).bytes_written, 10);
}

WEIR_TEST(wait, a_prepare_hook_that_queues_is_served_before_the_sleep) {
  struct request r;
  struct hook h;
  struct conn c;

  conn_tcp(f, &c);
  read_start(&c, &r);
  hook_start(f, &h, &c);
  while (h.rounds <= 10)
    uv_run(&f->uv, UV_RUN_ONCE);
  expect_ten_writes(f, &c);
  read_end(f, &c, &r);
  conn_close(f, &c);
}

static void on_early(uv_prepare_t *prepare) {
  struct hook *h = prepare->data;

  if (h->conn != NULL)
    on_hook(prepare);
}

/* Attaches with an application's prepare handle active. */
static void attach_late(struct weir_fixture *f, struct hook *h,
                        weir_wait_t wait) {
  weir_loop_options_t options;

  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  memset(h, 0, sizeof(*h));
  h->prepare.data = h;
  check_is(uv_prepare_init(&f->uv, &h->prepare), 0);
  check_is(uv_prepare_start(&h->prepare, on_early), 0);
  memset(&options, 0, sizeof(options));
  options.backend = f->backend;
  options.wait = wait;
  check_is(weir_loop_attach(&f->uv, &options, &f->loop), 0);
}

WEIR_TEST(wait, an_active_prepare_handle_rules_out_the_ring_wait) {
  const char *sentence = NULL;
  struct request r;
  struct hook h;
  struct conn c;

  attach_late(f, &h, f->wait);
  check_is(weir_loop_wait(f->loop, &sentence), WEIR_WAIT_UV);
  cr_assert(sentence != NULL && strlen(sentence) > 0);
  if (f->wait == WEIR_WAIT_RING)
    cr_assert(strstr(sentence, "prepare") != NULL, "%s", sentence);

  conn_tcp(f, &c);
  read_start(&c, &r);
  h.conn = &c;
  while (h.rounds <= 10)
    uv_run(&f->uv, UV_RUN_ONCE);
  expect_ten_writes(f, &c);
  read_end(f, &c, &r);
  conn_close(f, &c);
}

WEIR_TEST(wait, is_named_with_a_reason) {
  const char *sentence = NULL;

  check_is(weir_loop_wait(f->loop, &sentence), f->wait);
  cr_assert(sentence != NULL && strlen(sentence) > 0);
  check_is(weir_loop_wait(f->loop, NULL), f->wait);
}
