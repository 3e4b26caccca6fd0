/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <string.h>

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
  ring->missed = WEIR__NO_SLOT;
  return grow(ring, count);
}

int weir__slots_grow(weir__ring_t *ring) {
  if (ring->slot_count > WEIR__NO_SLOT / 8)
    return UV_ENOMEM;
  int r = grow(ring, ring->slot_count * 2);
  if (r == 0)
    ring->loop->stats.allocations++;
  return r;
}
