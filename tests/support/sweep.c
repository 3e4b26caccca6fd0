/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "sweep.h"

void sweep_cuts(struct sweep *w, size_t size, void (*body)(struct sweep *w)) {
  for (w->first = 1; w->first <= size; w->first++)
    for (w->second = 1; w->second <= size; w->second++) {
      w->partial = (w->first + w->second) % 3;
      w->turns = (unsigned)(w->first % 2);
      body(w);
    }
}

void sweep_failures(struct sweep *w, weir_test_failure_body run, size_t most) {
  size_t runs = 0;

  check_is(weir_test_each_failure(run, w, &runs), 0);
  cr_assert(runs <= most, "%zu transfers", runs);
}

weir_test_script_t sweep_script(struct sweep *w, size_t fail_at) {
  w->steps[0] = (weir_test_step_t){.bytes = w->first, .turns = w->turns};
  w->steps[1] = (weir_test_step_t){.bytes = w->second, .turns = w->turns};
  return (weir_test_script_t){.steps = w->steps,
                              .nsteps = 2,
                              .rest = {.turns = w->turns},
                              .fail_at = fail_at,
                              .failure = {.status = UV_ETIMEDOUT,
                                          .bytes = w->partial,
                                          .turns = w->turns}};
}

int sweep_give(const struct sweep *w, size_t transfer, size_t fail_at,
               size_t ask, size_t *give) {
  int fails = transfer == fail_at;

  *give = transfer == 1 ? w->first : transfer == 2 ? w->second : ask;
  if (fails)
    *give = w->partial;
  if (*give > ask)
    *give = ask;
  return fails;
}
