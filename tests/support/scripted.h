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

/* Ends the transfer that waits, with so many bytes (0: none). */
void scripted_finish(struct scripted *s, weir_test_what_t what, int status,
                     size_t bytes);

/* Asserts that total bytes of the pattern were written, and no others. */
void scripted_expect(const struct scripted *s, size_t total);

/* The i-th call, which has to be `what`. */
const weir_test_call_t *scripted_call(const struct scripted *s, size_t i,
                                      weir_test_what_t what);

#endif
