/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <string.h>

static uint32_t tag_slot(uint64_t tag) {
  return (uint32_t)tag;
}

/* Makes room for count slots and puts the new ones into the free list. */
static int grow(weir__ring_t *ring, uint32_t count) {
  weir__slot_t *slots = weir__realloc(ring->slots, count * sizeof(*slots));
  if (slots == NULL)
    return UV_ENOMEM;
  for (uint32_t i = ring->slot_count; i < count; i++) {
    memset(&slots[i], 0, sizeof(slots[i]));
    slots[i].generation = 1;
    slots[i].next = i + 1 < count ? i + 1 : WEIR__NO_SLOT;
  }
  ring->slots = slots;
  ring->slot_free = ring->slot_count;
  ring->slot_count = count;
  return 0;
}

int weir__slots_init(weir__ring_t *ring, uint32_t count) {
  ring->redo_head = WEIR__NO_SLOT;
  return grow(ring, count);
}

uint64_t weir__slot_take(weir__ring_t *ring, const weir__request_t *type,
                         void *owner) {
  if (ring->slot_free == WEIR__NO_SLOT) {
    if (ring->slot_count > WEIR__NO_SLOT / 4 ||
        grow(ring, ring->slot_count * 2) != 0)
      return 0;
    ring->loop->stats.allocations++;
  }
  uint32_t index = ring->slot_free;
  weir__slot_t *slot = &ring->slots[index];
  ring->slot_free = slot->next;
  slot->type = type;
  slot->flags = 0;
  slot->owner = owner;
  ring->inflight += !type->background;
  return weir__slot_tag(ring, index);
}

weir__slot_t *weir__slot_find(const weir__ring_t *ring, uint64_t tag) {
  uint32_t index = tag_slot(tag);
  if (index >= ring->slot_count || weir__slot_tag(ring, index) != tag ||
      ring->slots[index].type == NULL)
    return NULL;
  return &ring->slots[index];
}

void weir__slot_release(weir__ring_t *ring, uint64_t tag) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  if (slot == NULL)
    return;
  ring->inflight -= !slot->type->background;
  slot->type = NULL;
  /* 0 as user_data names nothing, so no generation is 0. */
  if (++slot->generation == 0)
    slot->generation = 1;
  slot->next = ring->slot_free;
  ring->slot_free = tag_slot(tag);
}

void weir__slot_redo(weir__ring_t *ring, uint64_t tag, unsigned flags) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  slot->flags &= ~(unsigned)(WEIR__SLOT_POLLING | WEIR__SLOT_RESTART);
  slot->flags |= flags | WEIR__SLOT_QUEUED;
  slot->next = WEIR__NO_SLOT;
  if (ring->redo_head == WEIR__NO_SLOT)
    ring->redo_head = tag_slot(tag);
  else
    ring->slots[ring->redo_tail].next = tag_slot(tag);
  ring->redo_tail = tag_slot(tag);
}

static int reissue(weir__ring_t *ring, uint64_t tag, const weir__slot_t *slot) {
  if (slot->flags & WEIR__SLOT_RESTART)
    return slot->type->restart(ring, tag, slot->owner);
  struct io_uring_sqe *sqe = weir__ring_sqe(ring, tag, IORING_OP_POLL_ADD,
                                            slot->type->fd(slot->owner));
  if (sqe == NULL)
    return UV_EBUSY;
  weir__sqe_poll(sqe, slot->type->events(slot->owner));
  return 0;
}

/* Between two tries of its own the kernel does not find a request. */
static void cancel_again(weir__ring_t *ring) {
  for (uint32_t i = 0; i < ring->slot_count; i++) {
    weir__slot_t *slot = &ring->slots[i];
    if (!(slot->flags & WEIR__SLOT_MISSED))
      continue;
    slot->flags &= ~(unsigned)(WEIR__SLOT_MISSED | WEIR__SLOT_CANCELLED);
    if (weir__ring_cancel(ring, weir__slot_tag(ring, i)) == 0)
      continue;
    slot->flags |= WEIR__SLOT_MISSED | WEIR__SLOT_CANCELLED;
    return;
  }
  ring->missed = 0;
}

unsigned weir__ring_redo(weir__ring_t *ring) {
  unsigned ended = 0;
  if (ring->missed)
    cancel_again(ring);
  while (ring->redo_head != WEIR__NO_SLOT) {
    uint64_t tag = weir__slot_tag(ring, ring->redo_head);
    weir__slot_t *slot = &ring->slots[ring->redo_head];
    int cancelled = slot->flags & WEIR__SLOT_CANCELLED;
    if (!cancelled && reissue(ring, tag, slot) != 0)
      break;
    ring->redo_head = slot->next;
    slot->flags &= ~(unsigned)WEIR__SLOT_QUEUED;
    if (cancelled) {
      weir__ring_complete(ring, tag, UV_ECANCELED, 0);
      ended++;
    }
  }
  return ended;
}
