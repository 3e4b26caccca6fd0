/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"

#include "alloc.h"

static_assert(sizeof(weir_op_t) <= 224, "an op takes at most 224 bytes");
static_assert(sizeof(weir__file_args_t) <= WEIR_OP_SCRATCH &&
                  sizeof(weir__open_args_t) <= WEIR_OP_ROOM,
              "file arguments fit in an op");

/* The copies of descriptor arrays lie in blocks that are kept, by orders, of
 * this many segments times a power of two. Longer ones go back to the heap:
 * beside their copying its price is nothing. */
enum { SMALLEST_BLOCK = 16 };

/* The order of the smallest blocks that have n segments; WEIR__OP_BLOCK_ORDERS
 * where there is none. */
static unsigned block_order(size_t n, size_t *capacity) {
  unsigned order = 0;
  *capacity = SMALLEST_BLOCK;
  while (*capacity < n && order < WEIR__OP_BLOCK_ORDERS) {
    *capacity *= 2;
    order++;
  }
  if (order == WEIR__OP_BLOCK_ORDERS)
    *capacity = n;
  return order;
}

static weir__op_block_t *block_take(weir_loop_t *loop, size_t n) {
  size_t capacity;
  unsigned order = block_order(n, &capacity);
  weir__op_block_t *block;
  if (order < WEIR__OP_BLOCK_ORDERS && (block = loop->blocks[order]) != NULL) {
    loop->blocks[order] = block->next;
    return block;
  }
  if (capacity > (SIZE_MAX - sizeof(*block)) / sizeof(uv_buf_t))
    return NULL;
  block = weir__malloc(sizeof(*block) + capacity * sizeof(uv_buf_t));
  if (block != NULL) {
    block->order = order;
    loop->stats.allocations++;
  }
  return block;
}

void weir__op_drop_block(const weir_op_t *op) {
  weir_loop_t *loop = op->loop;
  weir__op_block_t *block = op->held.block;
  if (block->order == WEIR__OP_BLOCK_ORDERS) {
    weir__free(block);
    return;
  }
  block->next = loop->blocks[block->order];
  loop->blocks[block->order] = block;
}

void weir__op_blocks_free(weir_loop_t *loop) {
  for (unsigned i = 0; i < WEIR__OP_BLOCK_ORDERS; i++) {
    weir__op_block_t *block;
    while ((block = loop->blocks[i]) != NULL) {
      loop->blocks[i] = block->next;
      weir__free(block);
    }
  }
}

int weir__op_hold(weir_op_t *op) {
  size_t n = weir__seq_descriptors(&op->seq);
  if (n <= sizeof(op->held.segments) / sizeof(op->held.segments[0])) {
    weir__seq_own(&op->seq, op->held.segments);
    return 0;
  }
  weir__op_block_t *block = block_take(op->loop, n);
  if (block == NULL)
    return UV_ENOMEM;
  weir__seq_own(&op->seq, block->segments);
  op->held.block = block;
  op->flags |= WEIR__OP_BLOCK;
  return 0;
}

void weir__op_end(weir_op_t *op, int status) {
  op->status = status;
  op->type->cancel(op);
}

void weir_cancel(weir_op_t *op) {
  if (op == NULL || op->state == WEIR__OP_DONE)
    return;
  op->loop->stats.cancels++;
  weir__op_end(op, UV_ECANCELED);
}
