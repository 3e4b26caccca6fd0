/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op_block.h"

#include <uv.h>

#include "alloc.h"

/* The copies of descriptor arrays, and of bytes, lie in blocks that are kept,
 * by orders, of this many segments times a power of two. Longer ones go back to
 * the heap: beside their copying its price is nothing. */
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

weir__op_block_t *weir__op_block_take(weir_loop_t *loop, size_t n) {
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

void weir__op_block_give(weir_loop_t *loop, weir__op_block_t *block) {
  if (block->order == WEIR__OP_BLOCK_ORDERS) {
    weir__free(block);
    return;
  }
  block->next = loop->blocks[block->order];
  loop->blocks[block->order] = block;
}

void *weir__op_own_take(weir_loop_t *loop, size_t size) {
  const size_t unit = sizeof(uv_buf_t);
  weir__op_block_t *block =
      weir__op_block_take(loop, size / unit + (size % unit != 0));
  return block == NULL ? NULL : block->segments;
}

void weir__op_own_give(weir_loop_t *loop, void *own) {
  weir__op_block_give(
      loop, (weir__op_block_t *)((uintptr_t)own -
                                 offsetof(weir__op_block_t, segments)));
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
