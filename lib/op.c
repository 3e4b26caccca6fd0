/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"

#include <assert.h>
#include <string.h>

#include "alloc.h"
#include "queue.h"
#include "seq.h"

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

static void block_release(weir_loop_t *loop, weir__op_block_t *block) {
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

static int hold(weir_op_t *op, weir_loop_t *loop, weir_seq_t seq) {
  size_t n = weir__seq_descriptors(&seq);
  op->seq = seq;
  if (n <= sizeof(op->held.segments) / sizeof(op->held.segments[0])) {
    weir__seq_own(&op->seq, op->held.segments);
    return 0;
  }
  weir__op_block_t *block = block_take(loop, n);
  if (block == NULL)
    return UV_ENOMEM;
  weir__seq_own(&op->seq, block->segments);
  op->held.block = block;
  op->flags |= WEIR__OP_BLOCK;
  return 0;
}

void weir__op_begin_plain(weir_op_t *op, weir_loop_t *loop, void *owner,
                          const weir__op_class_t *type, weir_op_cb cb) {
  op->cb = cb;
  op->loop = loop;
  op->owner = owner;
  op->type = type;
  op->done = 0;
  op->left = 0;
  op->status = 0;
  op->state = WEIR__OP_QUEUED;
  op->flags = 0;
  weir__loop_ref(loop);
}

int weir__op_begin(weir_op_t *op, weir_loop_t *loop, void *owner,
                   const weir__op_class_t *type, weir_seq_t seq,
                   weir_op_cb cb) {
  weir__op_begin_plain(op, loop, owner, type, cb);
  int r = hold(op, loop, seq);
  if (r != 0)
    weir__loop_unref(loop);
  else
    op->left = weir_seq_size(op->seq);
  return r;
}

void weir__op_finish(weir_op_t *op, int status) {
  weir_loop_t *loop = op->loop;
  assert(op->state != WEIR__OP_DONE);
  if ((op->flags & WEIR__OP_BLOCK) != 0)
    block_release(loop, op->held.block);
  if (status != UV_ECANCELED || !weir__op_ending(op))
    op->status = status;
  op->state = WEIR__OP_DONE;
  weir__queue_push(&loop->done, &op->node);
  loop->due++;
  weir__loop_wake(loop);
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
