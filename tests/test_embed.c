/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/stage.h"

/* A loop that an outer one embeds as libuv documents it: it polls uv_backend_fd
 * for as long as uv_backend_timeout says, and then calls uv_run. */

/* A poll of the outer loop that lasts so long was for nothing. */
enum { PATIENCE_MS = 2000 };

/* The outer loop needs a handful. */
enum { MOST_TURNS = 200 };

static int is_readable(const struct weir_fixture *f, int timeout) {
  struct pollfd p = {.fd = uv_backend_fd(&f->uv), .events = POLLIN};
  int n;

  do
    n = poll(&p, 1, timeout);
  while (n < 0 && errno == EINTR);
  cr_assert(n >= 0);
  return n;
}

static void outer_turn(const struct stage *s, uv_run_mode mode) {
  int timeout = uv_backend_timeout(&s->f->uv);
  int slept = 0;

  if (timeout < 0 || timeout > PATIENCE_MS)
    slept = !is_readable(s->f, PATIENCE_MS);
  else
    is_readable(s->f, timeout);
  cr_assert(!slept, "the outer loop sleeps, though %s, begun %s, could go on",
            s->job->name, s->where);
  uv_run(&s->f->uv, mode);
}

static void outer_until_done(const struct stage *s, uv_run_mode mode) {
  for (int i = 0; !stage_is_done(s); i++) {
    cr_assert(i < MOST_TURNS, "the outer loop spins for %s, begun %s",
              s->job->name, s->where);
    outer_turn(s, mode);
  }
}

/* Until the outer loop would sleep, which has to come soon. */
static void outer_until_rest(const struct stage *s) {
  for (int i = 0; i < MOST_TURNS; i++) {
    if (s->begun && uv_backend_timeout(&s->f->uv) != 0 && !is_readable(s->f, 0))
      return;
    outer_turn(s, UV_RUN_NOWAIT);
  }
  cr_assert(0, "the outer loop never rests with %s, begun %s", s->job->name,
            s->where);
}

static int is_ring_wait(const struct weir_fixture *f) {
  return f->backend == WEIR_BACKEND_URING && f->wait == WEIR_WAIT_RING;
}

static void embedded(struct weir_fixture *f, int place) {
  static const uv_run_mode modes[] = {UV_RUN_NOWAIT, UV_RUN_ONCE};

  for (int i = 0; i < 2 * JOBS; i++) {
    struct stage s;

    /* The ring wait is not made for this, see loop.h. */
    if (jobs[i / 2].slow == 2 && is_ring_wait(f))
      continue;
    stage_open(f, &s, &jobs[i / 2]);
    stage_begin(&s, place, modes[i % 2]);
    outer_until_done(&s, modes[i % 2]);
    stage_close(&s);
  }
}

static void embedded_later(struct weir_fixture *f, int place) {
  if (is_ring_wait(f))
    fixture_skip(f,
                 "the ring wait sleeps in uv_run(UV_RUN_NOWAIT), see loop.h");
  for (int i = 0; i < LATER_JOBS; i++) {
    struct stage s;

    stage_open(f, &s, &later_jobs[i]);
    stage_begin(&s, place, UV_RUN_NOWAIT);
    outer_until_rest(&s);
    check_is(s.done, 0);
    s.job->later(&s);
    outer_until_done(&s, UV_RUN_NOWAIT);
    stage_close(&s);
  }
}

WEIR_TEST(embed, begun_outside) {
  embedded(f, OUTSIDE);
}

WEIR_TEST(embed, begun_in_a_timer) {
  embedded(f, TIMER);
}

WEIR_TEST(embed, begun_in_an_idle_handle) {
  embedded(f, IDLE);
}

WEIR_TEST(embed, begun_in_a_prepare_handle) {
  embedded(f, PREPARE);
}

WEIR_TEST(embed, begun_in_a_check_handle) {
  embedded(f, CHECK);
}

WEIR_TEST(embed, begun_in_an_async_handle) {
  embedded(f, ASYNC);
}

WEIR_TEST(embed, begun_in_a_closing_callback) {
  embedded(f, CLOSING);
}

WEIR_TEST(embed, begun_in_a_timer_behind_the_poll) {
  embedded(f, LAST_TIMER);
}

WEIR_TEST(embed, begun_in_a_callback) {
  embedded(f, CALLBACK);
}

WEIR_TEST(embed, begun_in_a_reads_callback) {
  embedded(f, READ_CALLBACK);
}

WEIR_TEST(embed, begun_in_a_callback_behind_the_poll) {
  embedded(f, CALLBACK_BEHIND_POLL);
}

WEIR_TEST(embed, begun_in_a_close_callback) {
  embedded(f, CLOSE_CALLBACK);
}

WEIR_TEST(embed, begun_behind_the_loop) {
  stage_go_behind(f);
  embedded(f, PREPARE_BEHIND);
  embedded(f, CHECK_BEHIND);
  stage_come_back(f);
}

WEIR_TEST(embed, goes_on_later_begun_outside) {
  embedded_later(f, OUTSIDE);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_timer) {
  embedded_later(f, TIMER);
}

WEIR_TEST(embed, goes_on_later_begun_in_an_idle_handle) {
  embedded_later(f, IDLE);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_prepare_handle) {
  embedded_later(f, PREPARE);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_check_handle) {
  embedded_later(f, CHECK);
}

WEIR_TEST(embed, goes_on_later_begun_in_an_async_handle) {
  embedded_later(f, ASYNC);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_closing_callback) {
  embedded_later(f, CLOSING);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_timer_behind_the_poll) {
  embedded_later(f, LAST_TIMER);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_callback) {
  embedded_later(f, CALLBACK);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_reads_callback) {
  embedded_later(f, READ_CALLBACK);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_callback_behind_the_poll) {
  embedded_later(f, CALLBACK_BEHIND_POLL);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_close_callback) {
  embedded_later(f, CLOSE_CALLBACK);
}

WEIR_TEST(embed, goes_on_later_begun_behind_the_loop) {
  stage_go_behind(f);
  embedded_later(f, PREPARE_BEHIND);
  embedded_later(f, CHECK_BEHIND);
  stage_come_back(f);
}

/* As libuv says it after uv_read_start: uv_run has to be called. */
WEIR_TEST(embed, asks_to_be_run_after_whatever_is_begun_outside) {
  for (int i = 0; i < JOBS; i++) {
    struct stage s;

    stage_open(f, &s, &jobs[i]);
    stage_begin(&s, OUTSIDE, UV_RUN_DEFAULT);
    cr_assert(s.done == 0 && uv_backend_timeout(&f->uv) == 0,
              "uv_backend_timeout is %d after %s was begun",
              uv_backend_timeout(&f->uv), s.job->name);
    while (!stage_is_done(&s))
      uv_run(&f->uv, UV_RUN_ONCE);
    stage_close(&s);
  }
}

/* Of what the kernel has. */
WEIR_TEST(embed, goes_on_cancelled_outside) {
  struct stage s = {.f = f, .where = "outside"};
  const struct job job = {.name = "a cancelled read of a file"};
  struct request r = {0};
  char byte;
  int fds[2];

  if (is_ring_wait(f))
    fixture_skip(f,
                 "the ring wait sleeps in uv_run(UV_RUN_NOWAIT), see loop.h");
  s.job = &job;
  s.begun = 1;
  check_is(pipe(fds), 0);
  check_is(weir_file_pread(f->loop, &r.op, fds[0], weir_mseq_block(&byte, 1),
                           -1, on_done),
           0);
  outer_until_rest(&s);
  weir_cancel(&r.op);
  for (int i = 0; r.calls == 0; i++) {
    cr_assert(i < MOST_TURNS, "the outer loop spins");
    outer_turn(&s, UV_RUN_NOWAIT);
  }
  check_is(r.status, UV_ECANCELED);
  close(fds[0]);
  close(fds[1]);
}

/* What arrives between two operations finds the loop asleep again and again. */
WEIR_TEST(embed, sees_every_byte_of_many) {
  struct stage s;

  if (is_ring_wait(f))
    fixture_skip(f,
                 "the ring wait sleeps in uv_run(UV_RUN_NOWAIT), see loop.h");
  stage_open(f, &s, &later_jobs[0]);
  for (int i = 0; i < 50; i++) {
    s.done = 0;
    stage_begin(&s, OUTSIDE, UV_RUN_NOWAIT);
    outer_until_rest(&s);
    check_is(s.done, 0);
    stage_send(&s);
    outer_until_done(&s, UV_RUN_NOWAIT);
    check_is(s.done, 1);
  }
  stage_close(&s);
}

/* Where completions come in another way. */
static void on_an_older_kernel(const char *missing) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  fixture_lacks(missing);
  fixture_attach(&f, NULL);
  for (int place = 0; place < PLACES; place++) {
    embedded(&f, place);
    embedded_later(&f, place);
  }
  fixture_finish(&f);
}

Test(embed, without_defer_taskrun, .timeout = 60) {
  on_an_older_kernel("defer_taskrun");
}

Test(embed, without_coop_taskrun, .timeout = 60) {
  on_an_older_kernel("defer_taskrun,coop_taskrun");
}
