/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__LEASE_H
#define WEIR__LEASE_H

#include "pool.h"
#include "read.h"

/* One transfer of a read into a buffer of a pool that is chosen when there is
 * something to read: for the plans of such reads. */

/* What they keep in their op, at the beginning of its room. */
typedef struct weir__borrow_s {
  weir__taker_t taker;
  weir_pool_t *pool;
  size_t max;    /* leases of the stream that may be out; 0: any number */
  unsigned most; /* bytes of this transfer */
  unsigned flags;
} weir__borrow_t;

static inline weir__borrow_t *weir__borrow_of(const weir_op_t *op) {
  return weir__op_room(op);
}

/* Whose op it is that has this taker. */
static inline weir_op_t *weir__borrow_op(weir__waiter_t *waiter) {
  return (weir_op_t *)(void *)((char *)waiter - offsetof(weir_op_t, held));
}

/* The borrow of an op that is begun; the pool is used. */
void weir__borrow_begin(weir_op_t *op, weir_pool_t *pool, size_t max);

/* The `ask` of a plan, for borrow->most bytes at most. */
int weir__borrow_ask(weir_stream_t *stream, weir_op_t *op, size_t *n);

/* Whether that parked it in the queue of the pool. */
int weir__borrow_waits(const weir_op_t *op);

/* It waits no more: it was given a buffer. The `go` of its taker, which a plan
 * may replace by one that calls it. */
void weir__borrow_go(weir__waiter_t *waiter);

/* Of `took`. No byte came, so that it holds nothing; or some did: the buffer,
 * which is the caller's. */
void weir__borrow_vain(weir_op_t *op);
uv_buf_t weir__borrow_taken(weir_op_t *op);

/* Has it wait no more, parked or not. */
void weir__borrow_leave(weir_op_t *op);

/* The `ended` of a plan: the pool is not used any more. */
void weir__borrow_end(weir_op_t *op);

#endif
