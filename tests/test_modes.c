/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "support/stage.h"

/* Loops around uv_run in each of its modes: whatever is begun, wherever it is
 * begun, is done soon. */

/* Plain libuv needs two calls of UV_RUN_ONCE from the turn behind which
 * something began to its callback, at most. */
enum { MOST_CALLS = 4 };

static void by_calls(struct weir_fixture *f, int place, const struct job *job,
                     uv_run_mode mode) {
  int calls = 0;
  struct stage s;

  if (mode == UV_RUN_NOWAIT && job->slow)
    return;
  stage_open(f, &s, job);
  stage_begin(&s, place, mode);
  while (!stage_is_done(&s)) {
    cr_assert(calls++ < MOST_CALLS, "%s, begun %s, needs more calls", job->name,
              s.where);
    uv_run(&f->uv, mode);
  }
  stage_close(&s);
}

static void by_default(struct weir_fixture *f, int place,
                       const struct job *job) {
  struct stage s;

  stage_open(f, &s, job);
  stage_arrange(&s, place);
  check_is(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
  cr_assert(stage_is_done(&s), "uv_run returned with %s, begun %s", job->name,
            s.where);
  stage_close(&s);
}

static void all_by(struct weir_fixture *f, int from, int to, uv_run_mode mode) {
  for (int place = from; place <= to; place++)
    for (int i = 0; i < JOBS; i++)
      if (mode == UV_RUN_DEFAULT)
        by_default(f, place, &jobs[i]);
      else
        by_calls(f, place, &jobs[i], mode);
}

WEIR_TEST(modes, is_done_after_few_calls_of_uv_run_once) {
  all_by(f, 0, PLACES - 1, UV_RUN_ONCE);
}

WEIR_TEST(modes, is_done_after_few_calls_of_uv_run_nowait) {
  all_by(f, 0, PLACES - 1, UV_RUN_NOWAIT);
}

WEIR_TEST(modes, is_done_when_uv_run_returns) {
  all_by(f, 0, PLACES - 1, UV_RUN_DEFAULT);
}

static void behind(struct weir_fixture *f, uv_run_mode mode) {
  stage_go_behind(f);
  all_by(f, PREPARE_BEHIND, CHECK_BEHIND, mode);
  stage_come_back(f);
}

WEIR_TEST(modes, behind_the_loop_is_done_after_few_calls_of_uv_run_once) {
  behind(f, UV_RUN_ONCE);
}

WEIR_TEST(modes, behind_the_loop_is_done_after_few_calls_of_uv_run_nowait) {
  behind(f, UV_RUN_NOWAIT);
}

WEIR_TEST(modes, behind_the_loop_is_done_when_uv_run_returns) {
  behind(f, UV_RUN_DEFAULT);
}
