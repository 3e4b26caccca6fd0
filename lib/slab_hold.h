/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SLAB_HOLD_H
#define WEIR__SLAB_HOLD_H

#include <uv.h>

#include "slab_split.h"

/* The slabs of a loop's pools, by address, and the operations that use what is
 * out of them: a piece that an operation holds does not become free. */
typedef struct weir__slabs_s {
  weir__split_t **list; /* NULL: none */
  size_t count;
  weir__split_t *hit; /* the one that was found last */
} weir__slabs_t;

/* 0 or UV_ENOMEM. */
int weir__slabs_add(weir__slabs_t *slabs, weir__split_t *split);
void weir__slabs_remove(weir__slabs_t *slabs, const weir__split_t *split);

/* The one in which address lies, or NULL. */
weir__split_t *weir__slabs_find(weir__slabs_t *slabs, const void *address);

/* Has an operation hold all pieces in which any of the segments lies. Whether
 * it does: not where there are none, nor if one of them is not out. */
int weir__slabs_hold(weir__slabs_t *slabs, const uv_buf_t *bufs, size_t nbufs);

/* The same operation has ended. */
void weir__slabs_unhold(weir__slabs_t *slabs, const uv_buf_t *bufs,
                        size_t nbufs);

/* The piece, in the slab that was found last, which is out and in whose first
 * unit, or in whose units from there on, all of a segment lies; or NULL. The
 * first is what nearly all are, and quick. */
static inline weir__piece_t *weir__slabs_first(const weir__slabs_t *slabs,
                                               const void *base, size_t len) {
  const weir__split_t *split = slabs->hit;
  size_t offset = (uintptr_t)base - (uintptr_t)split->base;
  if (offset >= split->size)
    return NULL;
  weir__piece_t *piece = &split->pieces[offset / split->unit];
  return piece->state == WEIR__PIECE_OUT &&
                 len <= split->unit - offset % split->unit
             ? piece
             : NULL;
}

static inline weir__piece_t *weir__slabs_one(const weir__slabs_t *slabs,
                                             const void *base, size_t len) {
  const weir__split_t *split = slabs->hit;
  size_t offset = (uintptr_t)base - (uintptr_t)split->base;
  if (offset >= split->size)
    return NULL;
  size_t unit = offset / split->unit;
  weir__piece_t *piece = &split->pieces[unit];
  size_t end = (unit + weir__split_units(piece->order)) * split->unit;
  return piece->state == WEIR__PIECE_OUT && len <= end - offset ? piece : NULL;
}

/* One hold less of a piece of split. */
static inline void weir__slabs_unhold_one(weir__split_t *split,
                                          weir__piece_t *piece) {
  if (--piece->holds == 0 && piece->state == WEIR__PIECE_LEFT)
    split->unheld(split, (uint32_t)(piece - split->pieces));
}

#endif
