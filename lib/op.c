/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"

#include "rare.h"

static_assert(sizeof(weir_op_t) <= 224, "an op takes at most 224 bytes");
static_assert(sizeof(weir__file_args_t) <= WEIR_OP_SCRATCH &&
                  sizeof(weir__file_more_t) <= WEIR_OP_ROOM,
              "file arguments fit in an op");
static_assert(_Alignof(weir__file_args_t) <= _Alignof(uint64_t) &&
                  _Alignof(weir__file_more_t) <= _Alignof(uint64_t),
              "what an op keeps is aligned as such numbers are");

/* The memory of op, as it was when it began: n segments. Of a pinned sequence
 * only who pinned it knows it. */
static const uv_buf_t *memory(const weir_op_t *op, size_t *n) {
  const uv_buf_t *first = op->held.segments;
  *n = 1;
  if (op->seq.kind <= WEIR__SEQ_RING)
    return first;
  if ((op->flags & WEIR__OP_BLOCK) != 0)
    first = ((weir__op_block_t *)op->held.block)->segments;
  *n = weir__seq_owns_itself(&op->seq)
           ? 0
           : (size_t)((const uv_buf_t *)op->seq.u.end - first);
  return first;
}

static void let_go(const weir_op_t *op) {
  if ((op->flags & WEIR__OP_HOLDS) != 0) {
    size_t n;
    const uv_buf_t *bufs = memory(op, &n);
    weir__slabs_unhold(&op->loop->slabs, bufs, n);
  }
  if ((op->flags & WEIR__OP_BLOCK) != 0)
    weir__op_block_give(op->loop, op->held.block);
}

static void let_go_of_one(const weir_op_t *op) {
  const weir__op_one_t *one = weir__op_room(op);
  weir__slabs_unhold_one(one->split, one->piece);
}

static WEIR__APART void drop_more(const weir_op_t *op) {
  let_go(op);
  if ((op->flags & WEIR__OP_HOLDS_ONE) != 0)
    let_go_of_one(op);
  if ((op->flags & WEIR__OP_UNREF) != 0)
    weir__loop_count(op->loop);
}

/* Most have but one. */
void weir__op_drop(const weir_op_t *op) {
  const unsigned more = WEIR__OP_BLOCK | WEIR__OP_UNREF | WEIR__OP_HOLDS;
  if ((op->flags & more) != 0)
    drop_more(op);
  else
    let_go_of_one(op);
}

void weir__op_release(weir_op_t *op) {
  const int all = WEIR__OP_BLOCK | WEIR__OP_HOLDS | WEIR__OP_HOLDS_ONE;
  let_go(op);
  if ((op->flags & WEIR__OP_HOLDS_ONE) != 0)
    let_go_of_one(op);
  op->flags &= (unsigned short)~all;
}

/* One that moves no bytes may have other things in the place of segments. */
void weir__op_hold_any(weir_op_t *op) {
  const weir_seq_t *seq = &op->seq;
  weir__slabs_t *slabs = &op->loop->slabs;
  weir__piece_t *piece;
  size_t n;
  if (seq->left == 0)
    return;
  if (seq->kind == WEIR__SEQ_BLOCK &&
      (piece = weir__slabs_one(slabs, seq->at, seq->left)) != NULL) {
    weir__op_hold_one(op, slabs->hit, piece);
    return;
  }
  if (seq->kind <= WEIR__SEQ_RING)
    op->held.segments[0] = weir__buf(
        seq->at, seq->kind == WEIR__SEQ_RING ? seq->u.size : seq->left);
  const uv_buf_t *bufs = memory(op, &n);
  if (weir__slabs_hold(slabs, bufs, n))
    op->flags |= WEIR__OP_HOLDS;
}

static int copy_segments(weir_op_t *op) {
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

int weir__op_hold(weir_op_t *op) {
  int r = copy_segments(op);
  if (r == 0 && (op->loop->flags & WEIR__LOOP_SLABS) != 0)
    weir__op_hold_any(op);
  return r;
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
