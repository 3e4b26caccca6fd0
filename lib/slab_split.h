/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SLAB_SPLIT_H
#define WEIR__SLAB_SPLIT_H

#include <stddef.h>
#include <stdint.h>

/* Who has which piece of a slab. A slab is so many units; a piece of order k is
 * 4^k of them and begins at a multiple of that. A free one is split in four
 * where a smaller one is wanted, and four free ones that were one are one
 * again. */

enum { WEIR__SPLIT_ORDERS = 8 };

#define WEIR__NO_UNIT UINT32_MAX

typedef enum weir__piece_state_e {
  WEIR__PIECE_INSIDE, /* no piece begins here */
  WEIR__PIECE_FREE,
  WEIR__PIECE_TAKEN, /* the pool's */
  WEIR__PIECE_OUT,   /* whose piece it is uses it */
  WEIR__PIECE_LEFT   /* no more, but an operation does */
} weir__piece_state_t;

/* Of each unit; but for the state it is that of a piece which begins there. */
typedef struct weir__piece_s {
  uint32_t next; /* in the list of free ones of its order */
  uint32_t prev;
  uint32_t holds; /* of operations; see slab_hold.h */
  unsigned char state;
  unsigned char order;
} weir__piece_t;

typedef struct weir__split_s {
  char *base;
  size_t unit;           /* bytes */
  size_t size;           /* of all units that there may be */
  weir__piece_t *pieces; /* the caller's memory */
  unsigned top;          /* the order of the largest */
  uint32_t units;        /* so many are memory */
  uint32_t limit;        /* who begins there or behind it is not taken */
  size_t aside;          /* free pieces of the largest order among these */
  uint32_t first[WEIR__SPLIT_ORDERS];
  size_t count[WEIR__SPLIT_ORDERS]; /* of the free pieces of each order */

  /* The last hold of a piece that was left has gone. */
  void (*unheld)(struct weir__split_s *split, uint32_t unit);
} weir__split_t;

static inline uint32_t weir__split_units(unsigned order) {
  return (uint32_t)1 << (2 * order);
}

/* Has it be of so many pieces of order top, none of which is there yet; pieces,
 * of all units, are all 0. */
void weir__split_init(weir__split_t *split, weir__piece_t *pieces, size_t whole,
                      unsigned top);

/* So many of them come behind those that are there, and are free; the last go,
 * which are free and aside. */
void weir__split_grow(weir__split_t *split, size_t whole);
void weir__split_shrink(weir__split_t *split, size_t whole);

/* Sets what begins with unit or behind it aside, or WEIR__NO_UNIT: nothing. */
void weir__split_set_aside(weir__split_t *split, uint32_t unit);

/* Takes a piece of that order: its first unit; or WEIR__NO_UNIT. */
uint32_t weir__split_take(weir__split_t *split, unsigned order);

/* The piece that begins with unit, which is not free, is so again. */
void weir__split_give(weir__split_t *split, uint32_t unit);

/* The first unit of the piece in which unit lies. */
static inline uint32_t weir__split_piece(const weir__split_t *split,
                                         uint32_t unit) {
  unsigned order = 0;
  while (split->pieces[unit].state == WEIR__PIECE_INSIDE)
    unit &= ~(weir__split_units(++order) - 1);
  return unit;
}

/* The first unit of the piece in which address lies, be it whose it may;
 * WEIR__NO_UNIT if it is outside. */
static inline uint32_t weir__split_find(const weir__split_t *split,
                                        const void *address) {
  size_t offset = (uintptr_t)address - (uintptr_t)split->base;
  if (offset >= split->size)
    return WEIR__NO_UNIT;
  return weir__split_piece(split, (uint32_t)(offset / split->unit));
}

#endif
