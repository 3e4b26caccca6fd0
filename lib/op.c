/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"

static_assert(sizeof(weir_op_t) <= 224, "an op takes at most 224 bytes");
static_assert(sizeof(weir__file_args_t) <= WEIR_OP_SCRATCH &&
                  sizeof(weir__open_args_t) <= WEIR_OP_ROOM,
              "file arguments fit in an op");

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

void weir_cancel(weir_op_t *op) {
  if (op == NULL || op->state == WEIR__OP_DONE)
    return;
  op->loop->stats.cancels++;
  weir__op_end(op, UV_ECANCELED);
}
