/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "slab_hold.h"

#include <string.h>

#include "alloc.h"

/* How many slabs begin at address or below it. */
static size_t upto(const weir__slabs_t *slabs, uintptr_t address) {
  size_t low = 0;
  size_t high = slabs->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if ((uintptr_t)slabs->list[middle]->base <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int weir__slabs_add(weir__slabs_t *slabs, weir__split_t *split) {
  weir__split_t **list =
      weir__realloc(slabs->list, (slabs->count + 1) * sizeof(*list));
  if (list == NULL)
    return UV_ENOMEM;
  slabs->list = list;
  size_t at = upto(slabs, (uintptr_t)split->base);
  memmove(&list[at + 1], &list[at], (slabs->count++ - at) * sizeof(*list));
  list[at] = split;
  slabs->hit = split;
  return 0;
}

void weir__slabs_remove(weir__slabs_t *slabs, const weir__split_t *split) {
  size_t at = upto(slabs, (uintptr_t)split->base) - 1;
  memmove(&slabs->list[at], &slabs->list[at + 1],
          (--slabs->count - at) * sizeof(*slabs->list));
  slabs->hit = slabs->count > 0 ? slabs->list[0] : NULL;
  if (slabs->count > 0)
    return;
  weir__free(slabs->list);
  slabs->list = NULL;
}

static inline int holds(const weir__split_t *split, const void *address) {
  return (uintptr_t)address - (uintptr_t)split->base < split->size;
}

weir__split_t *weir__slabs_find(weir__slabs_t *slabs, const void *address) {
  if (slabs->hit == NULL || holds(slabs->hit, address))
    return slabs->hit;
  size_t n = upto(slabs, (uintptr_t)address);
  if (n == 0 || !holds(slabs->list[n - 1], address))
    return NULL;
  return slabs->hit = slabs->list[n - 1];
}

/* A walk through the pieces in which a segment lies. */
typedef struct walk_s {
  weir__split_t *split;
  uint32_t unit;
  uint32_t last;
} walk_t;

static inline int walk_begin(weir__slabs_t *slabs, const uv_buf_t *buf,
                             walk_t *walk) {
  weir__split_t *split =
      buf->len == 0 ? NULL : weir__slabs_find(slabs, buf->base);
  if (split == NULL)
    return 0;
  size_t offset = (uintptr_t)buf->base - (uintptr_t)split->base;
  size_t left = split->size - offset;
  size_t len = buf->len < left ? buf->len : left;
  walk->split = split;
  walk->unit = weir__split_piece(split, (uint32_t)(offset / split->unit));
  walk->last = (uint32_t)((offset + len - 1) / split->unit);
  return 1;
}

static inline weir__piece_t *walk_at(const walk_t *walk) {
  return &walk->split->pieces[walk->unit];
}

static inline int walk_on(walk_t *walk) {
  walk->unit += weir__split_units(walk_at(walk)->order);
  return walk->unit <= walk->last;
}

/* How many pieces it lies in; -1: one of them is not out. */
static int count(weir__slabs_t *slabs, const uv_buf_t *buf) {
  walk_t walk;
  int n = 0;
  if (!walk_begin(slabs, buf, &walk))
    return 0;
  do {
    if (walk_at(&walk)->state != WEIR__PIECE_OUT)
      return -1;
    n++;
  } while (walk_on(&walk));
  return n;
}

int weir__slabs_hold(weir__slabs_t *slabs, const uv_buf_t *bufs, size_t nbufs) {
  int any = 0;
  walk_t walk;
  for (size_t i = 0; i < nbufs; i++) {
    int n = count(slabs, &bufs[i]);
    if (n < 0)
      return 0;
    any |= n;
  }
  for (size_t i = 0; any != 0 && i < nbufs; i++)
    if (walk_begin(slabs, &bufs[i], &walk)) {
      do
        walk_at(&walk)->holds++;
      while (walk_on(&walk));
    }
  return any != 0;
}

/* Where the next piece begins is known before this one goes. */
void weir__slabs_unhold(weir__slabs_t *slabs, const uv_buf_t *bufs,
                        size_t nbufs) {
  walk_t walk;
  for (size_t i = 0; i < nbufs; i++) {
    int more = walk_begin(slabs, &bufs[i], &walk);
    while (more) {
      weir__piece_t *piece = walk_at(&walk);
      more = walk_on(&walk);
      weir__slabs_unhold_one(walk.split, piece);
    }
  }
}
