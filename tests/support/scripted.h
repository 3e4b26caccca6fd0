/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include <weir/test.h>

#include "fixture.h"

/* A stream of the toolkit with its script, and what a run of it gave. */
struct scripted {
  weir_stream_t stream;
  weir_test_stream_t *script;
  int closed;
};

void scripted_open(struct weir_fixture *f, struct scripted *s,
                   const weir_test_options_t *options);

/* Closes and frees it; begins to, waits for the callback and frees it. */
void scripted_close(struct weir_fixture *f, struct scripted *s);
void scripted_close_begin(struct scripted *s);
void scripted_close_end(struct weir_fixture *f, struct scripted *s);

/* The i-th call, which has to be `what`. */
const weir_test_call_t *scripted_call(const struct scripted *s, size_t i,
                                      weir_test_what_t what);

/* What one operation has to give. */
struct outcome {
  int status;
  size_t n;
};

/* How the bytes of a stream are cut into transfers, and what comes with the
 * error of one that fails. */
struct cuts {
  size_t first; /* bytes of the first transfer */
  size_t second;
  size_t partial; /* bytes that come with the error */
  unsigned turns; /* that each takes */
  weir_test_step_t steps[2];
};

/* The script for that, with the steps in c: the transfer fail_at ends with
 * UV_ETIMEDOUT. */
weir_test_script_t cuts_script(struct cuts *c, size_t fail_at);

/* What a transfer, counted from 1, may have; rest: the third and later ones. */
size_t cuts_give(const struct cuts *c, size_t transfer, size_t rest);

#endif
