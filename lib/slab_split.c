/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "slab_split.h"

enum { PARTS = 4 };

/* What is aside lies in no list. */
static void list(weir__split_t *split, uint32_t unit) {
  weir__piece_t *piece = &split->pieces[unit];
  uint32_t next = split->first[piece->order];
  if (unit >= split->limit) {
    split->aside += piece->order == split->top;
    return;
  }
  piece->next = next;
  piece->prev = WEIR__NO_UNIT;
  if (next != WEIR__NO_UNIT)
    split->pieces[next].prev = unit;
  split->first[piece->order] = unit;
  split->count[piece->order]++;
}

static void unlist(weir__split_t *split, uint32_t unit) {
  weir__piece_t *piece = &split->pieces[unit];
  if (unit >= split->limit) {
    split->aside -= piece->order == split->top;
    return;
  }
  if (piece->prev == WEIR__NO_UNIT)
    split->first[piece->order] = piece->next;
  else
    split->pieces[piece->prev].next = piece->next;
  if (piece->next != WEIR__NO_UNIT)
    split->pieces[piece->next].prev = piece->prev;
  split->count[piece->order]--;
}

static void push(weir__split_t *split, uint32_t unit, unsigned order) {
  split->pieces[unit] =
      (weir__piece_t){.state = WEIR__PIECE_FREE, .order = (unsigned char)order};
  list(split, unit);
}

static void take_out(weir__split_t *split, uint32_t unit) {
  unlist(split, unit);
  split->pieces[unit].state = WEIR__PIECE_TAKEN;
}

void weir__split_init(weir__split_t *split, weir__piece_t *pieces, size_t whole,
                      unsigned top) {
  split->pieces = pieces;
  split->top = top;
  split->size = whole * weir__split_units(top) * split->unit;
  split->units = 0;
  split->limit = WEIR__NO_UNIT;
  split->aside = 0;
  for (unsigned order = 0; order < WEIR__SPLIT_ORDERS; order++) {
    split->first[order] = WEIR__NO_UNIT;
    split->count[order] = 0;
  }
  for (size_t i = 0; i < whole; i++) {
    weir__piece_t *piece = &pieces[i * weir__split_units(top)];
    piece->state = WEIR__PIECE_TAKEN;
    piece->order = (unsigned char)top;
  }
}

/* The lowest addresses go first. */
void weir__split_grow(weir__split_t *split, size_t whole) {
  uint32_t first = split->units;
  split->units += (uint32_t)whole * weir__split_units(split->top);
  while (whole-- > 0)
    push(split, first + (uint32_t)whole * weir__split_units(split->top),
         split->top);
}

void weir__split_shrink(weir__split_t *split, size_t whole) {
  while (whole-- > 0) {
    split->units -= weir__split_units(split->top);
    take_out(split, split->units);
  }
}

static void for_free(weir__split_t *split, uint32_t from,
                     void (*put)(weir__split_t *split, uint32_t unit)) {
  for (uint32_t unit = from; unit < split->units; unit++)
    if (split->pieces[unit].state == WEIR__PIECE_FREE)
      put(split, unit);
}

void weir__split_set_aside(weir__split_t *split, uint32_t unit) {
  uint32_t from = unit < split->limit ? unit : split->limit;
  for_free(split, from, unlist);
  split->limit = unit;
  for_free(split, from, list);
}

/* Leaves the first quarter, which is not free. */
static void quarter(weir__split_t *split, uint32_t unit) {
  unsigned order = split->pieces[unit].order - 1u;
  for (uint32_t i = PARTS; i-- > 1;)
    push(split, unit + i * weir__split_units(order), order);
  split->pieces[unit].order = (unsigned char)order;
}

uint32_t weir__split_take(weir__split_t *split, unsigned order) {
  unsigned from = order;
  while (from <= split->top && split->first[from] == WEIR__NO_UNIT)
    from++;
  if (from > split->top)
    return WEIR__NO_UNIT;
  uint32_t unit = split->first[from];
  take_out(split, unit);
  while (split->pieces[unit].order > order)
    quarter(split, unit);
  return unit;
}

/* Whether all quarters of a piece are free but for the one at unit. */
static int others_are_free(const weir__split_t *split, uint32_t first,
                           uint32_t unit, unsigned order) {
  for (uint32_t i = 0; i < PARTS; i++) {
    uint32_t at = first + i * weir__split_units(order);
    const weir__piece_t *piece = &split->pieces[at];
    if (at != unit &&
        (piece->state != WEIR__PIECE_FREE || piece->order != order))
      return 0;
  }
  return 1;
}

/* The quarters, all of which are free or nobody's, are in no list any more. */
static void join(weir__split_t *split, uint32_t first, unsigned order) {
  for (uint32_t i = 0; i < PARTS; i++) {
    uint32_t at = first + i * weir__split_units(order);
    if (split->pieces[at].state == WEIR__PIECE_FREE)
      take_out(split, at);
    split->pieces[at].state = WEIR__PIECE_INSIDE;
  }
}

void weir__split_give(weir__split_t *split, uint32_t unit) {
  unsigned order = split->pieces[unit].order;
  while (order < split->top) {
    uint32_t first = unit & ~(weir__split_units(order + 1) - 1);
    if (!others_are_free(split, first, unit, order))
      break;
    join(split, first, order++);
    unit = first;
  }
  push(split, unit, order);
}
