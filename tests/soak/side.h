/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SIDE_H
#define SIDE_H

#include <weir.h>

#include "board.h"

/* One process of a soak: a loop, and what all of its connections share. */

/* What both sides are told. */
typedef struct plan_s {
  uint64_t seed;
  unsigned connections; /* that come and go at a time */
  unsigned crowd;       /* that are there together; 0: no crowd */
  unsigned hosts;       /* addresses of loopback, from 127.0.0.1 on */
  const char *directory;
} plan_t;

typedef struct variant_s {
  const char *name;
  weir_backend_t backend;
  weir_wait_t wait;
} variant_t;

typedef struct side_s side_t;
typedef void (*side_cb)(side_t *side);

struct peer_s;

struct side_s {
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_pool_t *pool;
  weir_pool_t *small; /* which is empty now and then */
  uv_timer_t tick;
  const plan_t *plan;
  board_t *board;
  report_t *report;
  side_cb on_tick;
  side_cb on_released; /* a peer is free again */
  uint64_t random;
  struct peer_s *peers;
  struct peer_s *free;
  struct peer_s *poked;
  size_t room;    /* bytes that a peer reads into */
  unsigned files; /* that were made */
  unsigned ticks;
  size_t fds; /* that were open before */
};

enum { TICK_MS = 10, POOL_COUNT = 64, POOL_SIZE = 16 << 10 };
enum { SMALL_COUNT = 16, SMALL_SIZE = 2048 };

/* Attaches as variant says and begins to tick. which is SERVER or CLIENT. Ends
 * the process if that cannot be had. */
void side_open(side_t *side, const plan_t *plan, board_t *board, int which,
               const variant_t *variant);

/* Takes all down, whose streams are being closed, and ends the process: with 1
 * after a fault, or if something is left. more is freed, too. */
_Noreturn void side_leave(side_t *side, void *more);

/* Looks at what the process holds, for the rest that was asked for. */
void side_rest(side_t *side);

static inline phase_t side_phase(const side_t *side) {
  return (phase_t)atomic_load_explicit(&side->board->phase,
                                       memory_order_acquire);
}

/* From 0 to below bound. */
size_t side_random(side_t *side, size_t bound);

/* From 1 to most, small ones more often. */
size_t side_random_size(side_t *side, size_t most);

/* What should not be. */
void side_fault(side_t *side, const char *actor, const char *what, int status);

/* For a report, which only its own process writes. */
static inline void add(_Atomic uint64_t *counter, uint64_t n) {
  atomic_store_explicit(counter,
                        atomic_load_explicit(counter, memory_order_relaxed) + n,
                        memory_order_relaxed);
}

#endif
