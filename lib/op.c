/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"

static_assert(sizeof(weir_op_t) <= 224, "an op takes at most 224 bytes");
static_assert(sizeof(weir__file_args_t) <= WEIR_OP_SCRATCH &&
                  sizeof(weir__file_more_t) <= WEIR_OP_ROOM,
              "file arguments fit in an op");

void weir__op_release(weir_op_t *op) {
  if ((op->flags & WEIR__OP_BLOCK) != 0)
    weir__op_block_give(op->loop, op->held.block);
  op->flags &= (unsigned short)~WEIR__OP_BLOCK;
}

void weir__op_drop(const weir_op_t *op) {
  if ((op->flags & WEIR__OP_BLOCK) != 0)
    weir__op_block_give(op->loop, op->held.block);
  if ((op->flags & WEIR__OP_UNREF) != 0)
    weir__loop_count(op->loop);
}

int weir__op_hold(weir_op_t *op) {
  size_t n = weir__seq_descriptors(&op->seq);
  if (n <= sizeof(op->held.segments) / sizeof(op->held.segments[0])) {
    weir__seq_own(&op->seq, op->held.segments);
    return 0;
  }
  weir__op_block_t *block = weir__op_block_take(op->loop, n);
  if (block == NULL)
    return UV_ENOMEM;
  weir__seq_own(&op->seq, block->segments);
  op->held.block = block;
  op->flags |= WEIR__OP_BLOCK;
  return 0;
}

void weir__op_end(weir_op_t *op, int status) {
  if (!weir__op_ending(op))
    op->status = status;
  op->type->cancel(op);
}

/* Whether its end is still to come. */
static int goes_on(const weir_op_t *op) {
  return op != NULL &&
         (op->state == WEIR__OP_QUEUED || op->state == WEIR__OP_STARTED);
}

int weir_op_active(const weir_op_t *op) {
  return op != NULL && op->state != WEIR__OP_OVER;
}

void weir_unref(weir_op_t *op) {
  if (!goes_on(op) || (op->flags & WEIR__OP_UNREF) != 0)
    return;
  op->flags |= WEIR__OP_UNREF;
  weir__loop_discount(op->loop);
}

void weir_ref(weir_op_t *op) {
  if (!goes_on(op) || (op->flags & WEIR__OP_UNREF) == 0)
    return;
  op->flags &= (unsigned short)~WEIR__OP_UNREF;
  weir__loop_count(op->loop);
}

void weir_cancel(weir_op_t *op) {
  if (!goes_on(op))
    return;
  op->loop->stats.cancels++;
  weir__op_end(op, UV_ECANCELED);
}
