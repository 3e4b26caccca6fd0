/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/lease.h>

#include <assert.h>

#include "lease.h"
#include "queue.h"
#include "tally.h"

/* Reads into a buffer that is chosen when there is something to read. */

/* weir__borrow_t.flags */
enum {
  AWAITS = 1,   /* the kind was asked whether there is something to read */
  READY = 2,    /* it has said so */
  VAIN = 4,     /* and nothing was there */
  QUEUED = 8,   /* waits for a buffer of the pool */
  CAPPED = 16,  /* waits for one of those that the stream has */
  CHOOSES = 32, /* the system is to choose a buffer */
  CHOSE = 64    /* it had none to choose */
};

/* ---- One transfer ---- */

/* It waits no more. */
static void unpark(weir_op_t *op) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  op->loop->capped -= (borrow->flags & CAPPED) != 0;
  borrow->flags &= ~(unsigned)(QUEUED | CAPPED);
}

void weir__borrow_go(weir__waiter_t *waiter) {
  weir_op_t *op = weir__borrow_op(waiter);
  unpark(op);
  weir__stream_want(*weir__op_owner(op), WEIR__WANT_READ);
}

void weir__borrow_begin(weir_op_t *op, weir_pool_t *pool, size_t max) {
  *weir__borrow_of(op) = (weir__borrow_t){
      .taker = {.waiter.go = weir__borrow_go, .number = WEIR__NO_BUFFER},
      .pool = pool,
      .max = max,
      .most = (unsigned)weir_pool_buffer_size(pool)};
}

int weir__borrow_waits(const weir_op_t *op) {
  return (weir__borrow_of(op)->flags & QUEUED) != 0;
}

/* Into the buffer that op has. A descriptor that was called ready twice and is
 * not is asked again after a pause. */
static int read_into(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  uv_buf_t buf = weir__pool_buffer(borrow->pool, borrow->taker.number);
  buf.len = borrow->most;
  op->left = buf.len;
  if (weir__kind(stream) == NULL) {
    op->seq = weir_seq_block(buf.base, buf.len);
    return stream->kind->read_some(stream, &buf, 1, n);
  }
  int r = stream->kind->read_now(stream, &buf, 1, n);
  if (r != UV_EAGAIN || (borrow->flags & READY) == 0)
    return r;
  int again = (borrow->flags & VAIN) != 0;
  borrow->flags = (borrow->flags | VAIN) & ~(unsigned)READY;
  return again ? UV_EBUSY : UV_EAGAIN;
}

/* 0 if there may be something to read, WEIR_PENDING or an error. Nobody goes
 * into the queue of an empty pool without knowing that there is. */
static int await(weir_stream_t *stream, weir__borrow_t *borrow) {
  const weir__kind_t *kind = weir__kind(stream);
  if (kind == NULL || (borrow->flags & READY) != 0)
    return 0;
  int r = kind->await(stream, weir_pool_available(borrow->pool) == 0);
  if (r == WEIR_PENDING)
    borrow->flags |= AWAITS;
  return r;
}

/* Has the system choose a buffer, where it can: 0 if not. */
static int choose(weir_stream_t *stream, weir_op_t *op) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  const weir__kind_t *kind = weir__kind(stream);
  const weir__lent_t *lent;
  if (kind == NULL || kind->choose == NULL ||
      (borrow->flags & (READY | CHOSE)) != 0 ||
      (lent = weir__pool_lent(borrow->pool)) == NULL)
    return 0;
  op->left = 0;
  int r = kind->choose(stream, lent, borrow->most);
  if (r == WEIR_PENDING)
    borrow->flags |= CHOOSES;
  return r;
}

void weir__lease_chosen(weir_stream_t *stream, uint32_t number) {
  weir_op_t *op = stream->reader;
  weir__borrow_t *borrow = weir__borrow_of(op);
  weir__pool_chosen(borrow->pool, &borrow->taker, number);
  op->left = borrow->most;
}

/* Whether the stream has as many as it may, other threads' returns counted. */
static int is_capped(const weir_stream_t *stream, size_t max) {
  if (max == 0)
    return 0;
  while (weir__tally_count(&stream->leases) >= max)
    if (weir__pools_await(stream->loop))
      return 1;
  return 0;
}

int weir__borrow_ask(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  if (borrow->taker.number != WEIR__NO_BUFFER)
    return read_into(stream, op, n);
  if (is_capped(stream, borrow->max)) {
    borrow->flags |= CAPPED;
    stream->loop->capped++;
    weir__tally_await(&stream->leases, &borrow->taker.waiter);
    return WEIR__READ_PARKED;
  }
  int r = choose(stream, op);
  if (r == 0)
    r = await(stream, borrow);
  if (r != 0)
    return r;
  if (weir__pool_take(borrow->pool, &borrow->taker) == 0)
    return read_into(stream, op, n);
  borrow->flags |= QUEUED;
  return WEIR__READ_PARKED;
}

void weir__borrow_vain(weir_op_t *op) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  if ((borrow->flags & AWAITS) != 0)
    borrow->flags ^= AWAITS | READY;
  if ((borrow->flags & CHOOSES) != 0)
    borrow->flags ^= CHOOSES | CHOSE;
  weir__pool_untake(borrow->pool, &borrow->taker);
}

uv_buf_t weir__borrow_taken(weir_op_t *op) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  weir_stream_t *stream = *weir__op_owner(op);
  uint32_t number = borrow->taker.number;
  weir__pool_tally(borrow->pool, number, &stream->leases);
  borrow->taker.number = WEIR__NO_BUFFER;
  borrow->flags = 0;
  return weir__pool_buffer(borrow->pool, number);
}

void weir__borrow_leave(weir_op_t *op) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  weir_stream_t *stream = *weir__op_owner(op);
  if ((borrow->flags & QUEUED) != 0)
    weir__pool_leave(borrow->pool, &borrow->taker);
  if ((borrow->flags & CAPPED) != 0)
    weir__tally_await(&stream->leases, NULL);
  unpark(op);
}

void weir__borrow_end(weir_op_t *op) {
  weir__borrow_t *borrow = weir__borrow_of(op);
  weir__pool_untake(borrow->pool, &borrow->taker);
  weir__pool_unuse(borrow->pool);
}

/* ---- A read of one ---- */

typedef struct state_s {
  weir__borrow_t borrow;
  weir_lease_t *lease;
} state_t;

static_assert(sizeof(state_t) <= WEIR_OP_ROOM,
              "the state of a read of a lease fits in an op");

static weir_lease_t *lease_of(const weir_op_t *op) {
  return ((state_t *)weir__op_room(op))->lease;
}

static int took(weir_op_t *op, size_t n) {
  if (n == 0) {
    weir__borrow_vain(op);
    return 0;
  }
  weir_lease_t *lease = lease_of(op);
  lease->pool = weir__borrow_of(op)->pool;
  lease->buf = weir__borrow_taken(op);
  lease->buf.len = (weir__len_t)n;
  op->done = n;
  return 1;
}

static void cancel(weir_op_t *op) {
  weir__borrow_leave(op);
  weir__read_cancel(op);
}

static const weir__read_plan_t plan = {
    .type = {.name = "read_lease", .cancel = cancel},
    .ask = weir__borrow_ask,
    .took = took,
    .ended = weir__borrow_end,
    .at_end = UV_EOF,
};

int weir_read_lease(weir_op_t *op, weir_stream_t *stream, weir_pool_t *pool,
                    weir_lease_t *lease, size_t max, weir_op_cb cb) {
  const weir_seq_t none = weir_seq_block(NULL, 0);
  if (stream == NULL || pool == NULL || lease == NULL ||
      !weir__pool_use(pool, stream->loop))
    return UV_EINVAL;
  int r = weir__read_begin(op, stream, &none, 0, &plan, cb);
  if (r != 0) {
    weir__pool_unuse(pool);
    return r;
  }
  weir__borrow_begin(op, pool, max);
  ((state_t *)weir__op_room(op))->lease = lease;
  *lease = (weir_lease_t){.pool = NULL};
  op->need = 1;
  return weir__read_go(stream);
}

/* ---- Leases ---- */

weir_seq_t weir_lease_seq(const weir_lease_t *lease) {
  return lease == NULL || lease->pool == NULL
             ? weir_seq_block(NULL, 0)
             : weir_seq_block(lease->buf.base, lease->buf.len);
}

int weir_lease_retain(const weir_lease_t *lease) {
  return lease == NULL ? UV_EINVAL : weir_pool_retain(lease->pool, &lease->buf);
}

int weir_lease_release(weir_lease_t *lease) {
  if (lease == NULL)
    return UV_EINVAL;
  int r = weir_pool_release(lease->pool, &lease->buf);
  if (r == 0)
    *lease = (weir_lease_t){.pool = NULL};
  return r;
}
