/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_PASSING_H
#define BENCH_PASSING_H

#include "bench.h"
#include "peer.h"

/* Servers that pass on what comes: as many as bench.count, each from one
 * connection to the next of bench.fds, or back where each has but one. Each
 * reads or writes, never both, and has one buffer. */

void passing_raw(void);
void passing_libuv(void);
void passing_weir(void);

/* The other side, when instructions are counted: it sends the next batch when
 * all of the last has come, while the loop is about to sleep, so that what is
 * counted does not depend on time. */
void outside_batch(void);

#endif
