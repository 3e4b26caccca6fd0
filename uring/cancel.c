/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

/* The early end of requests. */

/* What the kernel has not seen it is not to see. */
static void end_unseen(weir__ring_t *ring, struct io_uring_sqe *sqe,
                       uint64_t tag) {
  *sqe = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .fd = -1};
  weir__chain_drop(ring, weir__slot_find(ring, tag));
  weir__ring_end(ring, tag, UV_ECANCELED, 0);
}

/* Of a chain either entry may be the one that the kernel is at; it finds one of
 * them. */
static int ask(weir__ring_t *ring, weir__slot_t *slot, uint64_t tag) {
  uint64_t which = tag;
  if (!weir__ring_has_room(ring) && !weir__ring_make_room(ring))
    return UV_EBUSY;
  if (slot->flags & WEIR__SLOT_SECOND)
    which |= WEIR__TAG_SECOND;
  if (slot->flags & WEIR__SLOT_CHAIN)
    slot->flags ^= WEIR__SLOT_SECOND;
  weir__ring_entry(ring, tag | WEIR__TAG_CANCEL, IORING_OP_ASYNC_CANCEL, -1)
      ->addr = which;
  return 0;
}

int weir__ring_cancel(weir__ring_t *ring, uint64_t tag) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  if (slot == NULL || slot->type->settled || slot->flags & WEIR__SLOT_CANCELLED)
    return 0;
  if (ring->error != 0)
    return UV_EBUSY;
  if (!(slot->flags & WEIR__SLOT_QUEUED)) {
    struct io_uring_sqe *unseen = weir__slot_entry(ring, slot, tag);
    if (unseen != NULL) {
      end_unseen(ring, unseen, tag);
      return 0;
    }
    if (ask(ring, slot, tag) != 0)
      return UV_EBUSY;
  }
  slot->flags |= WEIR__SLOT_CANCELLED;
  return 0;
}

void weir__ring_missed(weir__ring_t *ring, weir__slot_t *slot, uint64_t tag) {
  slot->flags |= WEIR__SLOT_MISSED;
  slot->missed = ring->missed;
  ring->missed = (uint32_t)tag;
}

static int look_again(weir__ring_t *ring, weir__slot_t *slot, uint32_t index,
                      unsigned flags) {
  uint64_t tag = weir__slot_tag(ring, index);
  if (slot->type == NULL)
    return 0;
  if (flags & WEIR__SLOT_CUT)
    return weir__chain_look(ring, slot, tag);
  return flags & WEIR__SLOT_CANCELLED ? weir__ring_cancel(ring, tag) : 0;
}

void weir__ring_cancel_missed(weir__ring_t *ring) {
  while (ring->missed != WEIR__NO_SLOT) {
    uint32_t index = ring->missed;
    weir__slot_t *slot = &ring->slots[index];
    unsigned flags = slot->flags;
    /* It may have been released since, and taken again. */
    slot->flags &= ~(unsigned)WEIR__SLOT_MISSED;
    if (!(flags & WEIR__SLOT_CUT))
      slot->flags &= ~(unsigned)WEIR__SLOT_CANCELLED;
    if (look_again(ring, slot, index, flags) != 0) {
      slot->flags |= flags & (WEIR__SLOT_MISSED | WEIR__SLOT_CANCELLED);
      return;
    }
    ring->missed = slot->missed;
  }
}
