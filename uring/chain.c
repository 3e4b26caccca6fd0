/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <string.h>

/* Two entries of which the second is for what the first has done. They are one
 * request with one completion: that of the first is left out if it succeeds,
 * and that of the second if it does not. */

void weir__chain_sync(weir__ring_t *ring, struct io_uring_sqe *sqe,
                      uint64_t tag) {
  const unsigned needed = WEIR__CAP_CHAINS | WEIR__CAP_SYNC_CANCEL;
  if ((ring->caps & needed) != needed || !weir__ring_has_room(ring))
    return;
  sqe->flags |= IOSQE_IO_LINK | WEIR__SQE_CQE_SKIP;
  weir__ring_entry(ring, tag | WEIR__TAG_SECOND, IORING_OP_FSYNC, sqe->fd)
      ->fsync_flags = IORING_FSYNC_DATASYNC;
  weir__slot_find(ring, tag)->flags |= WEIR__SLOT_CHAIN;
}

static struct io_uring_sqe *entry(const weir__ring_t *ring, unsigned position) {
  const struct io_uring_sq *sq = &ring->uring.sq;
  return &sq->sqes[position & sq->ring_mask];
}

void weir__chain_drop(weir__ring_t *ring, weir__slot_t *slot) {
  if (slot->flags & WEIR__SLOT_CHAIN)
    *entry(ring, slot->position + 1) =
        (struct io_uring_sqe){.opcode = IORING_OP_NOP, .fd = -1};
}

/* ---- Cut in two ---- */

/* Milliseconds that the loop waits for a write, which is then looked for again
 * when all else has been served. */
enum { LONGEST = 1 };

/* A kernel that is out of memory in the midst of a chain begins what it has of
 * it. The second would not wait for the first then, of whose success nobody is
 * told: it is not submitted, and the end of the first asked for. */
void weir__chain_mend(weir__ring_t *ring) {
  struct io_uring_sqe *sqe = entry(ring, *ring->uring.sq.khead);
  uint64_t tag = sqe->user_data & ~(uint64_t)WEIR__TAG_SECOND;
  if (tag == sqe->user_data)
    return;
  *sqe = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .fd = -1};
  weir__slot_t *slot = weir__slot_find(ring, tag);
  if (slot == NULL)
    return;
  slot->flags &= ~(unsigned)(WEIR__SLOT_CHAIN | WEIR__SLOT_SECOND);
  slot->flags |= WEIR__SLOT_CUT;
  if (!(slot->flags & WEIR__SLOT_MISSED))
    weir__ring_missed(ring, slot, tag);
}

/* Whether the kernel has nothing of it any more. If it was cancelled, or has
 * failed, that is told with the next enter that is carried out whole. */
static int is_over(weir__ring_t *ring, uint64_t tag) {
  struct io_uring_sync_cancel_reg one;
  memset(&one, 0, sizeof(one));
  one.addr = tag;
  one.fd = -1;
  one.timeout.tv_nsec = LONGEST * 1000000LL;
  int r = io_uring_register_sync_cancel(&ring->uring, &one);
  if (r == 0 || r == -ENOENT)
    return 1;
  if (r != -ETIME && r != -EALREADY && r != -EINTR && ring->error == 0) {
    ring->error = r;
    weir__loop_fail(ring->loop, r);
  }
  return 0;
}

/* One that is over, and was so before the ring was entered, has succeeded if
 * nothing was told of it. */
int weir__chain_look(weir__ring_t *ring, weir__slot_t *slot, uint64_t tag) {
  int gone = (slot->flags & WEIR__SLOT_GONE) != 0;
  if (gone && slot->position == ring->whole)
    return UV_EBUSY;
  if (!is_over(ring, tag)) {
    slot->flags &= ~(unsigned)WEIR__SLOT_GONE;
    return UV_EBUSY;
  }
  if (gone) {
    weir__ring_end(ring, tag, UV_ECANCELED, WEIR__CQE_SECOND);
    return 0;
  }
  slot->flags |= WEIR__SLOT_GONE;
  slot->position = ring->whole;
  return UV_EBUSY;
}
