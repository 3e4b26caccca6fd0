/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "scripted.h"

/* An operation carried out with its bytes cut into transfers in every way, and
 * with an error at each transfer. It is the first member of what a test varies
 * besides. */
struct sweep {
  struct weir_fixture *f;
  size_t first; /* bytes of the first transfer */
  size_t second;
  size_t partial; /* bytes that come with the error */
  unsigned turns; /* that each takes */
  weir_test_step_t steps[2];
};

/* What the operation has to give. */
struct outcome {
  int status;
  size_t n;
};

/* Calls body with each way to cut size bytes. */
void sweep_cuts(struct sweep *w, size_t size, void (*body)(struct sweep *w));

/* Calls run, whose arg is w, with an error at each transfer, of which there may
 * be so many. */
void sweep_failures(struct sweep *w, weir_test_failure_body run, size_t most);

/* In a run: the script for that, in which the transfer fail_at ends with
 * UV_ETIMEDOUT; what a transfer, counted from 1, may have at most, of the ask
 * bytes that it is asked for. Returns whether it is the one that fails, with
 * what comes with the error. */
weir_test_script_t sweep_script(struct sweep *w, size_t fail_at);
int sweep_give(const struct sweep *w, size_t transfer, size_t fail_at,
               size_t ask, size_t *give);

#endif
