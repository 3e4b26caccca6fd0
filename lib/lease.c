/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/lease.h>

#include <assert.h>

#include "pool.h"
#include "queue.h"
#include "read.h"
#include "tally.h"

/* Reads into a buffer that is chosen when there is something to read. */

/* What such a read keeps in its op. */
typedef struct state_s {
  weir__taker_t taker;
  weir_pool_t *pool;
  weir_lease_t *lease;
  size_t max;
  unsigned flags;
} state_t;

enum {
  AWAITS = 1,   /* the kind was asked whether there is something to read */
  READY = 2,    /* it has said so */
  VAIN = 4,     /* and nothing was there */
  QUEUED = 8,   /* waits for a buffer of the pool */
  CAPPED = 16,  /* waits for one of those that the stream has */
  CHOOSES = 32, /* the system is to choose a buffer */
  CHOSE = 64    /* it had none to choose */
};

static_assert(sizeof(state_t) <= WEIR_OP_ROOM,
              "the state of a read of a lease fits in an op");

static state_t *state_of(const weir_op_t *op) {
  return weir__op_room(op);
}

/* It waits no more for what others hold. */
static void go(weir__waiter_t *waiter) {
  state_t *state = (state_t *)(void *)waiter;
  weir_op_t *op =
      (weir_op_t *)(void *)((char *)state - offsetof(weir_op_t, held));
  state->flags &= ~(unsigned)(QUEUED | CAPPED);
  weir__stream_want(*weir__op_owner(op), WEIR__WANT_READ);
}

/* Into the buffer that op has. A descriptor that was called ready twice and is
 * not is asked again after a pause. */
static int read_into(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  state_t *state = state_of(op);
  const uv_buf_t buf = weir__pool_buffer(state->pool, state->taker.number);
  op->left = buf.len;
  if (weir__kind(stream) == NULL)
    return stream->kind->read_some(stream, &buf, 1, n);
  int r = stream->kind->read_now(stream, &buf, 1, n);
  if (r != UV_EAGAIN || (state->flags & READY) == 0)
    return r;
  int again = (state->flags & VAIN) != 0;
  state->flags = (state->flags | VAIN) & ~(unsigned)READY;
  return again ? UV_EBUSY : UV_EAGAIN;
}

/* 0 if there may be something to read, WEIR_PENDING or an error. */
static int await(weir_stream_t *stream, state_t *state) {
  const weir__kind_t *kind = weir__kind(stream);
  if (kind == NULL || (state->flags & READY) != 0)
    return 0;
  int r = kind->await(stream);
  if (r == WEIR_PENDING)
    state->flags |= AWAITS;
  return r;
}

/* Has the system choose a buffer, where it can: 0 if not. */
static int choose(weir_stream_t *stream, weir_op_t *op) {
  state_t *state = state_of(op);
  const weir__kind_t *kind = weir__kind(stream);
  const weir__lent_t *lent;
  if (kind == NULL || kind->choose == NULL ||
      (state->flags & (READY | CHOSE)) != 0 ||
      (lent = weir__pool_lent(state->pool)) == NULL)
    return 0;
  op->left = 0;
  int r = kind->choose(stream, lent, weir_pool_buffer_size(state->pool));
  if (r == WEIR_PENDING)
    state->flags |= CHOOSES;
  return r;
}

void weir__lease_chosen(weir_stream_t *stream, uint32_t number) {
  weir_op_t *op = stream->reader;
  state_t *state = state_of(op);
  weir__pool_chosen(state->pool, &state->taker, number);
  op->left = weir_pool_buffer_size(state->pool);
}

static int ask(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  state_t *state = state_of(op);
  if (state->taker.number != WEIR__NO_BUFFER)
    return read_into(stream, op, n);
  if (state->max != 0 && weir__tally_count(&stream->leases) >= state->max) {
    state->flags |= CAPPED;
    weir__tally_await(&stream->leases, &state->taker.waiter);
    return WEIR__READ_PARKED;
  }
  int r = choose(stream, op);
  if (r == 0)
    r = await(stream, state);
  if (r != 0)
    return r;
  if (weir__pool_take(state->pool, &state->taker) == 0)
    return read_into(stream, op, n);
  state->flags |= QUEUED;
  return WEIR__READ_PARKED;
}

static int took(weir_op_t *op, size_t n) {
  state_t *state = state_of(op);
  weir_stream_t *stream = *weir__op_owner(op);
  if (n == 0) {
    if ((state->flags & AWAITS) != 0)
      state->flags ^= AWAITS | READY;
    if ((state->flags & CHOOSES) != 0)
      state->flags ^= CHOOSES | CHOSE;
    weir__pool_untake(state->pool, &state->taker);
    return 0;
  }
  state->lease->pool = state->pool;
  state->lease->buf = weir__pool_buffer(state->pool, state->taker.number);
  state->lease->buf.len = (weir__len_t)n;
  weir__pool_tally(state->pool, state->taker.number, &stream->leases);
  state->taker.number = WEIR__NO_BUFFER;
  op->done = n;
  return 1;
}

static void ended(weir_op_t *op) {
  state_t *state = state_of(op);
  weir__pool_untake(state->pool, &state->taker);
  weir__pool_unuse(state->pool);
}

static void cancel(weir_op_t *op) {
  state_t *state = state_of(op);
  weir_stream_t *stream = *weir__op_owner(op);
  if ((state->flags & QUEUED) != 0)
    weir__queue_remove(&state->taker.waiter.node);
  if ((state->flags & CAPPED) != 0)
    weir__tally_await(&stream->leases, NULL);
  state->flags &= ~(unsigned)(QUEUED | CAPPED);
  weir__read_cancel(op);
}

static const weir__read_plan_t plan = {
    .type = {.name = "read_lease", .cancel = cancel},
    .ask = ask,
    .took = took,
    .ended = ended,
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
  *state_of(op) =
      (state_t){.taker = {.waiter.go = go, .number = WEIR__NO_BUFFER},
                .pool = pool,
                .lease = lease,
                .max = max};
  *lease = (weir_lease_t){.pool = NULL};
  op->need = 1;
  return weir__read_go(stream);
}

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
