/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SLAB_PARTS_H
#define WEIR__SLAB_PARTS_H

#include "loop.h"

/* The memory of a slab, in parts: the first is always there, the others come
 * behind it, and the last goes first. Each is registered by itself, from its
 * beginning on as far as that is to be had. */

typedef struct weir__part_s {
  int index;         /* of the memory that is registered */
  int why;           /* not all of it is so; 0: it is */
  size_t registered; /* whole buffers */
} weir__part_t;

typedef struct weir__parts_s {
  weir_loop_t *loop;
  weir__split_t *split;
  weir__part_t *list; /* the caller's memory, for `limit` */
  size_t first;       /* whole buffers in the first part */
  size_t step;        /* in the others, but for the last */
  size_t most;        /* in all */
  size_t count;       /* there are */
  size_t guard;       /* bytes before the first; else 0: each buffer becomes
                         memory when it is taken, and nothing is registered */
  size_t limit;
  size_t n;
  uint64_t failed; /* when the last try failed: a turn; UINT64_MAX: none did */
} weir__parts_t;

/* Of how many parts a slab is that has those numbers. */
size_t weir__parts_limit(size_t first, size_t step, size_t most);

/* The first part comes: 0 or UV_ENOMEM. All is given back. */
int weir__parts_begin(weir__parts_t *parts);
void weir__parts_end(weir__parts_t *parts);

/* One more comes: whether it did. */
int weir__parts_grow(weir__parts_t *parts);

/* Whole buffers in the last part, if it is not the first; else 0. */
size_t weir__parts_last(const weir__parts_t *parts);

/* The last part goes, all of which is free and aside. */
void weir__parts_shrink(weir__parts_t *parts);

/* Nothing is registered any more: all is to be so anew. */
void weir__parts_renew(weir__parts_t *parts);

/* Whole buffers that are registered, and why not all. */
size_t weir__parts_registered(const weir__parts_t *parts);
int weir__parts_why(const weir__parts_t *parts);

#endif
