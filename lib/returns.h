/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__RETURNS_H
#define WEIR__RETURNS_H

#include <stdatomic.h>
#include <stdint.h>

/* What other threads give back, by its number: a stack to which any thread may
 * add without a lock, and which one takes all at once. What comes again while
 * it lies there is counted. */

#define WEIR__NO_RETURN UINT32_MAX

typedef struct weir__return_s {
  atomic_uint times;
  uint32_t next;
} weir__return_t;

typedef struct weir__returns_s {
  atomic_uint top;
  weir__return_t *list; /* one for each number: the caller's memory, all 0 */
} weir__returns_t;

void weir__returns_init(weir__returns_t *returns, weir__return_t *list);

/* Adds one: whether somebody awaits that, of which no other thread is told. As
 * soon as it lies there, nothing of returns is touched any more. */
int weir__returns_add(weir__returns_t *returns, uint32_t number);

/* Takes all: the first, or WEIR__NO_RETURN. */
uint32_t weir__returns_take(weir__returns_t *returns);

/* How often one of those was added; *number is the next then. */
unsigned weir__returns_next(weir__returns_t *returns, uint32_t *number);

/* Has the next that comes be told of. 0: there are some already. */
int weir__returns_await(weir__returns_t *returns);

static inline int weir__returns_any(const weir__returns_t *returns) {
  return atomic_load_explicit(&returns->top, memory_order_relaxed) <
         WEIR__NO_RETURN - 1;
}

#endif
