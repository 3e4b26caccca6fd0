/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "slab_parts.h"

#include <string.h>

#include "backend.h"
#include "debug_pool.h"
#include "os_memory.h"

size_t weir__parts_limit(size_t first, size_t step, size_t most) {
  return 1 + (most - first + step - 1) / step;
}

static size_t bytes(const weir__parts_t *parts, size_t whole) {
  const weir__split_t *split = parts->split;
  return whole * weir__split_units(split->top) * split->unit;
}

/* Whole buffers before a part. */
static size_t before(const weir__parts_t *parts, size_t part) {
  if (part == 0)
    return 0;
  size_t n = parts->first + (part - 1) * parts->step;
  return n < parts->most ? n : parts->most;
}

static size_t size_of(const weir__parts_t *parts, size_t part) {
  return before(parts, part + 1) - before(parts, part);
}

static char *base_of(const weir__parts_t *parts, size_t part) {
  return parts->split->base + bytes(parts, before(parts, part));
}

/* All of a part, or the half of that, until the system lets that much of its
 * memory be locked. */
static void enlist(weir__parts_t *parts, size_t i) {
  weir_loop_t *loop = parts->loop;
  weir__part_t *part = &parts->list[i];
  size_t n = size_of(parts, i);
  if (parts->guard > 0) {
    part->index = part->why = UV_ENOTSUP;
    return;
  }
  part->why = 0;
  while ((part->index = loop->backend->memory_add(loop, base_of(parts, i),
                                                  bytes(parts, n))) < 0) {
    if (part->why == 0)
      part->why = part->index;
    if (part->index != UV_ENOMEM || n == 1) {
      n = 0;
      break;
    }
    n /= 2;
  }
  part->registered = n;
}

static void delist(weir__parts_t *parts, size_t i) {
  if (parts->list[i].index >= 0)
    parts->loop->backend->memory_remove(parts->loop, parts->list[i].index);
}

/* Memory for so many. */
static int fill(const weir__parts_t *parts, size_t from, size_t to) {
  char *base = parts->split->base;
  if (parts->guard > 0)
    return 0;
  int r = weir__os_slab_extend(base, bytes(parts, from), bytes(parts, to));
  if (r == 0)
    weir__debug_slab(parts->loop, base + bytes(parts, from),
                     bytes(parts, to - from));
  return r;
}

static int extend(weir__parts_t *parts) {
  size_t from = parts->count;
  size_t to = before(parts, parts->n + 1);
  int r = fill(parts, from, to);
  if (r != 0)
    return r;
  enlist(parts, parts->n++);
  weir__split_grow(parts->split, to - from);
  parts->count = to;
  return 0;
}

static void give_back(const weir__parts_t *parts) {
  const weir__split_t *split = parts->split;
  weir__os_slab_free(split->base - parts->guard, split->size + parts->guard);
}

int weir__parts_begin(weir__parts_t *parts) {
  weir__split_t *split = parts->split;
  parts->limit = weir__parts_limit(parts->first, parts->step, parts->most);
  parts->failed = UINT64_MAX;
  char *base = weir__os_slab_reserve(split->size + parts->guard);
  if (base == NULL)
    return UV_ENOMEM;
  split->base = base + parts->guard;
  if (extend(parts) == 0)
    return 0;
  give_back(parts);
  return UV_ENOMEM;
}

void weir__parts_end(weir__parts_t *parts) {
  weir__split_t *split = parts->split;
  for (size_t i = 0; i < parts->n; i++)
    delist(parts, i);
  weir__debug_slab_end(parts->loop, split->base, bytes(parts, parts->count));
  give_back(parts);
}

/* What failed is not tried again in the same turn. */
int weir__parts_grow(weir__parts_t *parts) {
  uint64_t turn = parts->loop->stats.turns;
  if (parts->n == parts->limit || parts->failed == turn)
    return 0;
  if (extend(parts) == 0)
    return 1;
  parts->failed = turn;
  return 0;
}

size_t weir__parts_last(const weir__parts_t *parts) {
  return parts->n > 1 ? size_of(parts, parts->n - 1) : 0;
}

void weir__parts_shrink(weir__parts_t *parts) {
  size_t from = before(parts, --parts->n);
  char *base = parts->split->base;
  weir__split_shrink(parts->split, parts->count - from);
  delist(parts, parts->n);
  weir__debug_slab_end(parts->loop, base + bytes(parts, from),
                       bytes(parts, parts->count - from));
  weir__os_slab_withdraw(base, bytes(parts, from), bytes(parts, parts->count));
  parts->count = from;
}

void weir__parts_renew(weir__parts_t *parts) {
  for (size_t i = 0; i < parts->n; i++)
    enlist(parts, i);
}

size_t weir__parts_registered(const weir__parts_t *parts) {
  size_t n = 0;
  for (size_t i = 0; i < parts->n; i++)
    n += parts->list[i].registered;
  return n;
}

int weir__parts_why(const weir__parts_t *parts) {
  for (size_t i = 0; i < parts->n; i++)
    if (parts->list[i].why != 0)
      return parts->list[i].why;
  return 0;
}
