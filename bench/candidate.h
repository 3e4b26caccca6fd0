/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_CANDIDATE_H
#define BENCH_CANDIDATE_H

#include <liburing.h>

#include <weir/loop.h>

/* What is compared, and its loops.
 *
 * Where instructions are counted (instructions.sh) all of the process counts,
 * in all of its threads, but for functions whose names begin with outside_:
 * those play the other side. They do not call each other. What is done once
 * does not count either, since the cost of a unit is the difference of two
 * sizes. */

typedef enum candidate_e {
  RAW,   /* liburing */
  LIBUV, /* plain libuv */
  GUEST, /* weir on io_uring, libuv waits */
  RING,  /* weir on io_uring, the ring waits */
  UV     /* weir on libuv */
} candidate_t;

/* The candidate of that name in lower case; others end the program. */
candidate_t candidate_named(const char *name);

/* Makes a loop. before_sleep (may be NULL) runs in each turn when all is done
 * that can be done without the other side. NULL for LIBUV. */
weir_loop_t *candidate_attach(candidate_t candidate, uv_loop_t *uv,
                              void (*before_sleep)(void));

/* A ring for RAW. */
void candidate_ring(struct io_uring *ring);

/* Submits, waits for completions and hands them to on_completion. */
void candidate_enter(struct io_uring *ring,
                     void (*on_completion)(uint64_t data, int result));

/* Two connected sockets, which do not block. */
void candidate_pair(int fds[2]);

/* Ends the program, of which no more counts. */
_Noreturn void outside_end(void);

#endif
