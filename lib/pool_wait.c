/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"
#include "pool.h"

/* Waiting for a buffer of a pool, as an operation. */

typedef struct state_s {
  weir__taker_t taker;
  weir_pool_t *pool;
  uv_buf_t *buf;
} state_t;

static_assert(sizeof(state_t) <= WEIR_OP_ROOM, "a wait for a buffer fits");

static state_t *state_of(const weir_op_t *op) {
  return weir__op_room(op);
}

static void end(weir_op_t *op, int status) {
  weir__queue_remove(&op->node);
  weir__op_finish(op, status);
}

static void given(weir_op_t *op) {
  state_t *state = state_of(op);
  *state->buf = weir__pool_buffer(state->pool, state->taker.number);
  end(op, 0);
}

static void go(weir__waiter_t *waiter) {
  given((weir_op_t *)(void *)((char *)waiter - offsetof(weir_op_t, held)));
}

static void cancel(weir_op_t *op) {
  state_t *state = state_of(op);
  weir__pool_leave(state->pool, &state->taker);
  end(op, UV_ECANCELED);
}

static const weir__op_class_t take_class = {"acquire_wait", cancel};

int weir_pool_acquire_wait(weir_op_t *op, weir_pool_t *pool, size_t size,
                           uv_buf_t *buf, weir_op_cb cb) {
  if (op == NULL || pool == NULL || buf == NULL || cb == NULL || size == 0 ||
      size > weir_pool_buffer_size(pool))
    return UV_EINVAL;
  weir_loop_t *loop = weir__pool_loop(pool);
  int r = weir__loop_check(loop);
  if (r != 0)
    return r;
  weir__op_begin_plain(op, loop, pool, &take_class, cb);
  *state_of(op) = (state_t){
      .taker = {.waiter.go = go, .below = weir__pool_below(pool, size)},
      .pool = pool,
      .buf = buf};
  weir__queue_push(&loop->takes, &op->node);
  if (weir__pool_take(pool, &state_of(op)->taker) == 0)
    given(op);
  return 0;
}

void weir__pool_wait_cancel_all(weir_loop_t *loop) {
  while (!weir__queue_empty(&loop->takes))
    weir__op_end(weir__op_of(loop->takes.next), UV_ECANCELED);
}
