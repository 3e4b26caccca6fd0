/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>

enum { ERESTARTSYS = 512 };

typedef struct completion_s {
  uint64_t tag;
  int result;
  unsigned flags;
} completion_t;

void weir__ring_end(weir__ring_t *ring, uint64_t tag, int result,
                    unsigned flags) {
  const weir__slot_t *slot = weir__slot_find(ring, tag);
  const weir__request_t *type = slot->type;
  void *owner = slot->owner;
  weir__slot_release(ring, tag);
  type->ended(ring, owner, result, flags);
}

/* The descriptor that the request waited for is ready. */
static void ready(weir__ring_t *ring, uint64_t tag, const weir__slot_t *slot,
                  int events) {
  if (slot->type->ready != NULL)
    slot->type->ready(ring, tag, slot->owner, events);
  else
    weir__slot_redo(ring, tag, WEIR__SLOT_RESTART | WEIR__SLOT_WAITED);
}

/* A cancellation is done: the request may be as well, and tells itself. */
static void cancelled(weir__ring_t *ring, uint64_t tag, int result) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  if (slot == NULL || result != -ENOENT)
    return;
  slot->flags |= WEIR__SLOT_MISSED;
  ring->missed = 1;
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
  if (slot->type->again == NULL)
    return 0;
  return slot->type->again(slot->owner, result,
                           (slot->flags & WEIR__SLOT_WAITED) != 0);
}

/* What has no way to restart is started again by the core. */
void weir__ring_anew(weir__ring_t *ring, uint64_t tag) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  slot->flags &= WEIR__SLOT_CANCELLED;
  if (slot->type->restart == NULL)
    weir__ring_end(ring, tag, UV_EAGAIN, 0);
  else
    weir__slot_redo(ring, tag, WEIR__SLOT_RESTART);
}

void weir__ring_complete(weir__ring_t *ring, uint64_t tag, int result,
                         unsigned flags) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  unsigned redo = 0;
  if (tag & WEIR__TAG_CANCEL)
    cancelled(ring, tag & ~(uint64_t)WEIR__TAG_CANCEL, result);
  if (slot == NULL)
    return;
  if (flags & IORING_CQE_F_MORE) {
    if (slot->type->more != NULL)
      slot->type->more(ring, slot->owner, result, flags);
    return;
  }
  if (result == -ECANCELED && slot->flags & WEIR__SLOT_MOVED) {
    weir__ring_anew(ring, tag);
    return;
  }
  int polled = (slot->flags & WEIR__SLOT_POLLING) != 0;
  slot->flags &= ~(unsigned)WEIR__SLOT_POLLING;
  result = translate(slot, result);
  if (polled && result >= 0) {
    ready(ring, tag, slot, result);
    return;
  }
  if (!polled)
    redo = again(slot, result);
  if (redo != 0)
    weir__slot_redo(ring, tag, redo);
  else
    weir__ring_end(ring, tag, result, flags);
}

/* Completions are copied and the head moved before any is looked at. */
static unsigned take(weir__ring_t *ring, completion_t *out, unsigned max) {
  struct io_uring_cq *cq = &ring->uring.cq;
  unsigned head = *cq->khead;
  unsigned n = io_uring_cq_ready(&ring->uring);
  if (n > max)
    n = max;
  for (unsigned i = 0; i < n; i++) {
    const struct io_uring_cqe *cqe = &cq->cqes[(head + i) & cq->ring_mask];
    out[i].tag = cqe->user_data;
    out[i].result = cqe->res;
    out[i].flags = cqe->flags;
  }
  if (n > 0)
    io_uring_cq_advance(&ring->uring, n);
  return n;
}

unsigned weir__ring_reap(weir__ring_t *ring) {
  completion_t batch[64];
  unsigned most = ring->uring.cq.ring_entries;
  unsigned total = 0;
  unsigned n;
  do {
    n = take(ring, batch, 64);
    for (unsigned i = 0; i < n; i++)
      weir__ring_complete(ring, batch[i].tag, batch[i].result, batch[i].flags);
    total += n;
  } while (n == 64 && total < most);
  ring->loop->stats.cqes += total;
  return total;
}
