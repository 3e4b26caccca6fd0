/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>

enum { ERESTARTSYS = 512 };

static inline void end(weir__ring_t *ring, weir__slot_t *slot, uint64_t tag,
                       int result, unsigned flags) {
  const weir__request_t *type = slot->type;
  void *owner = slot->owner;
  weir__slot_release(ring, slot, tag);
  type->ended(ring, owner, result, flags);
}

void weir__ring_end(weir__ring_t *ring, uint64_t tag, int result,
                    unsigned flags) {
  end(ring, weir__slot_find(ring, tag), tag, result, flags);
}

/* ---- What is issued again ---- */

void weir__slot_redo(weir__ring_t *ring, uint64_t tag, unsigned flags) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  uint32_t index = (uint32_t)tag;
  slot->flags &=
      ~(unsigned)(WEIR__SLOT_POLLING | WEIR__SLOT_RESTART | WEIR__SLOT_CHAIN |
                  WEIR__SLOT_SECOND | WEIR__SLOT_CUT | WEIR__SLOT_GONE);
  slot->flags |= flags | WEIR__SLOT_QUEUED;
  slot->next = WEIR__NO_SLOT;
  if (ring->redo_head == WEIR__NO_SLOT)
    ring->redo_head = index;
  else
    ring->slots[ring->redo_tail].next = index;
  ring->redo_tail = index;
}

/* Whether there was room for it. */
static int reissue(weir__ring_t *ring, uint64_t tag, const weir__slot_t *slot) {
  const weir__request_t *type = slot->type;
  struct io_uring_sqe *sqe =
      weir__ring_sqe(ring, tag, IORING_OP_POLL_ADD, type->fd(slot->owner));
  if (sqe == NULL)
    return 0;
  if (slot->flags & WEIR__SLOT_RESTART)
    type->restart(ring, sqe, slot->owner,
                  (slot->flags & WEIR__SLOT_WAITED) != 0);
  else
    weir__sqe_poll(sqe, type->events(slot->owner));
  return 1;
}

void weir__ring_redo(weir__ring_t *ring) {
  while (ring->redo_head != WEIR__NO_SLOT) {
    uint64_t tag = weir__slot_tag(ring, ring->redo_head);
    weir__slot_t *slot = &ring->slots[ring->redo_head];
    int cancelled = slot->flags & WEIR__SLOT_CANCELLED;
    if (!cancelled && !reissue(ring, tag, slot))
      break;
    ring->redo_head = slot->next;
    slot->flags &= ~(unsigned)WEIR__SLOT_QUEUED;
    if (cancelled)
      weir__ring_complete(ring, tag, UV_ECANCELED, 0);
  }
}

/* ---- What a completion means ---- */

/* The descriptor that the request waited for is ready. */
static void ready(weir__ring_t *ring, const weir__slot_t *slot, uint64_t tag,
                  int events) {
  if (slot->type->ready != NULL)
    slot->type->ready(ring, tag, slot->owner, events);
  else
    weir__slot_redo(ring, tag, WEIR__SLOT_RESTART | WEIR__SLOT_WAITED);
}

/* A cancellation is done: the request may be as well, and tells itself. */
static void cancelled(weir__ring_t *ring, uint64_t tag, int result) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  if (slot != NULL && result == -ENOENT && !slot->type->settled &&
      !(slot->flags & WEIR__SLOT_MISSED))
    weir__ring_missed(ring, slot, tag);
}

/* Some results say what the kernel tells itself. */
static int translate(const weir__slot_t *slot, int result) {
  if (result == -ERESTARTSYS)
    result = -EINTR;
  if (result == -EINTR && slot->flags & WEIR__SLOT_CANCELLED)
    result = UV_ECANCELED;
  return result;
}

/* How to go on after that result; 0: not at all. */
static unsigned again(const weir__slot_t *slot, int result) {
  if (result >= 0 || slot->type->again == NULL)
    return 0;
  return slot->type->again(slot->owner, result,
                           (slot->flags & WEIR__SLOT_WAITED) != 0);
}

/* What has no way to restart is started again by the core. */
void weir__ring_anew(weir__ring_t *ring, uint64_t tag) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  slot->flags &= WEIR__SLOT_CANCELLED | WEIR__SLOT_MISSED;
  if (slot->type->restart == NULL)
    end(ring, slot, tag, UV_EAGAIN, 0);
  else
    weir__slot_redo(ring, tag, WEIR__SLOT_RESTART);
}

/* Whether what was cancelled may have been so by us. */
static int unasked(const weir__slot_t *slot) {
  const unsigned cut = WEIR__SLOT_CUT | WEIR__SLOT_CANCELLED;
  return (slot->flags & WEIR__SLOT_MOVED) != 0 ||
         (slot->flags & cut) == WEIR__SLOT_CUT;
}

/* The second entry of a chain is done, and so all of it. */
static void chain_ended(weir__ring_t *ring, uint64_t tag, int result,
                        unsigned flags) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  if (slot != NULL && slot->flags & WEIR__SLOT_CHAIN)
    end(ring, slot, tag, translate(slot, result), flags | WEIR__CQE_SECOND);
}

void weir__ring_complete(weir__ring_t *ring, uint64_t tag, int result,
                         unsigned flags) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  unsigned redo = 0;
  if (tag & WEIR__TAG_CANCEL)
    cancelled(ring, tag & ~(uint64_t)WEIR__TAG_CANCEL, result);
  if (tag & WEIR__TAG_SECOND)
    chain_ended(ring, tag & ~(uint64_t)WEIR__TAG_SECOND, result, flags);
  if (slot == NULL)
    return;
  if (flags & IORING_CQE_F_MORE) {
    if (slot->type->more != NULL)
      slot->type->more(ring, tag, slot->owner, translate(slot, result), flags);
    return;
  }
  if (result == -ECANCELED && unasked(slot)) {
    weir__ring_anew(ring, tag);
    return;
  }
  int polled = (slot->flags & WEIR__SLOT_POLLING) != 0;
  slot->flags &= ~(unsigned)WEIR__SLOT_POLLING;
  result = translate(slot, result);
  if (polled && result >= 0) {
    ready(ring, slot, tag, result);
    return;
  }
  if (!polled)
    redo = again(slot, result);
  if (redo != 0)
    weir__slot_redo(ring, tag, redo);
  else
    end(ring, slot, tag, result, flags);
}

/* Most requests simply succeed, and nothing has happened to them before. */
static inline void complete(weir__ring_t *ring,
                            const struct io_uring_cqe *cqe) {
  weir__slot_t *slot = weir__slot_find(ring, cqe->user_data);
  if (slot == NULL || slot->flags != 0 || cqe->res < 0 ||
      cqe->flags & IORING_CQE_F_MORE)
    weir__ring_complete(ring, cqe->user_data, cqe->res, cqe->flags);
  else
    end(ring, slot, cqe->user_data, cqe->res, cqe->flags);
}

/* No callback runs in here, so that the entries stay where they are until the
 * head moves. What the kernel adds meanwhile lies behind them. */
unsigned weir__ring_reap(weir__ring_t *ring) {
  const struct io_uring_cq *cq = &ring->uring.cq;
  unsigned head = *cq->khead;
  unsigned n = io_uring_cq_ready(&ring->uring);
  ring->steps++;
  for (unsigned i = 0; i < n; i++)
    complete(ring, &cq->cqes[(head + i) & cq->ring_mask]);
  if (n > 0)
    io_uring_cq_advance(&ring->uring, n);
  ring->loop->stats.cqes += n;
  return n;
}
