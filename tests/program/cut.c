/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "cut.h"

#include <stdlib.h>
#include <string.h>

enum { SPOILT = 0xe5 };

static void *fresh(size_t size) {
  void *memory = malloc(size + 1);

  if (memory == NULL)
    abort();
  return memory;
}

/* Segments in a row, most of which do not touch. */
static void cut_up(cut_t *cut, size_t len, random_t *dice) {
  uint8_t *at = cut->memory;

  for (size_t i = 0; i < cut->count; i++) {
    size_t part = i + 1 == cut->count ? len : random_below(dice, len + 1);

    if (i + 1 < cut->count && random_below(dice, 3) != 0)
      part = random_below(dice, 2) ? part / 8 : 0;
    cut->bufs[i] = uv_buf_init((char *)at, (unsigned)part);
    if (part == 0 && random_below(dice, 4) == 0)
      cut->bufs[i].base = NULL;
    at += part + (random_below(dice, 8) != 0);
    len -= part;
  }
}

static size_t some_count(random_t *dice) {
  switch (random_below(dice, 4)) {
  case 0:
    return 1;
  case 1:
    return 1 + random_below(dice, CUT_SEGMENTS);
  default:
    return 1 + random_below(dice, 5);
  }
}

static weir_mseq_t ring(cut_t *cut, size_t len, random_t *dice) {
  size_t capacity = len + random_below(dice, 9);
  size_t offset = random_below(dice, capacity + 1);
  size_t first = capacity - offset < len ? capacity - offset : len;

  cut->count = 2;
  cut->bufs[0] = uv_buf_init((char *)cut->memory + offset, (unsigned)first);
  cut->bufs[1] = uv_buf_init((char *)cut->memory, (unsigned)(len - first));
  return weir_mseq_ring(cut->memory, capacity, offset, len);
}

static int next_segment(void *context, uintptr_t *position, uv_buf_t *segment) {
  const struct lent_s *lent = context;

  if (*position == lent->count)
    return 0;
  *segment = lent->bufs[(*position)++];
  return 1;
}

static weir_mseq_t chain(struct lent_s *lent) {
  for (size_t i = 0; i < lent->count; i++) {
    lent->links[i].buf = lent->bufs[i];
    lent->links[i].next = i + 1 < lent->count ? &lent->links[i + 1] : NULL;
  }
  return weir_mseq_chain(lent->links);
}

static weir_mseq_t concat(struct lent_s *lent, random_t *dice) {
  size_t half = random_below(dice, lent->count + 1);
  weir_mseq_t whole;

  lent->parts[0] = weir_seq_bufs(lent->bufs, half);
  lent->parts[1] = weir_seq_bufs(lent->bufs + half, lent->count - half);
  whole.seq = weir_seq_concat(lent->parts, 2);
  return whole;
}

static weir_mseq_t named(cut_t *cut, random_t *dice) {
  struct lent_s *lent = cut->lent = fresh(sizeof(*lent));
  weir_mseq_t seq;

  memcpy(lent->bufs, cut->bufs, sizeof(lent->bufs));
  lent->count = cut->count;
  switch (random_below(dice, 6)) {
  case 0:
    seq = chain(lent);
    break;
  case 1:
    seq = concat(lent, dice);
    break;
  case 2:
    seq = weir_mseq_iterator(next_segment, lent, 0);
    break;
  default:
    seq = weir_mseq_bufs(lent->bufs, lent->count);
  }
  cut->pinned = random_below(dice, 4) == 0;
  return cut->pinned ? weir_mseq_pinned(seq) : seq;
}

void cut_make(cut_t *cut, size_t len, random_t *dice, weir_pool_t *pool) {
  uv_buf_t buf;

  cut->room = len + CUT_SEGMENTS;
  if (pool != NULL && cut->room <= weir_pool_buffer_size(pool) &&
      weir_pool_acquire(pool, &buf) == 0) {
    cut->pool = pool;
    cut->memory = (uint8_t *)buf.base;
  } else {
    cut->memory = fresh(cut->room);
  }
  switch (random_below(dice, 4)) {
  case 0:
    cut->count = 1;
    cut_up(cut, len, dice);
    cut->seq = weir_mseq_block(cut->bufs[0].base, len);
    break;
  case 1:
    cut->seq = ring(cut, len, dice);
    break;
  default:
    cut->count = some_count(dice);
    cut_up(cut, len, dice);
    cut->seq = named(cut, dice);
  }
}

void cut_fill(const cut_t *cut, const flow_t *flow, size_t piece) {
  size_t at = 0;

  for (size_t i = 0; i < cut->count; i++) {
    flow_fill(flow, piece, at, cut->bufs[i].base, cut->bufs[i].len);
    at += cut->bufs[i].len;
  }
}

static size_t part_of(const uv_buf_t *buf, size_t n) {
  return buf->len < n ? buf->len : n;
}

void cut_take(const cut_t *cut, size_t n, flow_t *flow) {
  for (size_t i = 0; n > 0 && i < cut->count; i++) {
    size_t part = part_of(&cut->bufs[i], n);

    flow_got(flow, cut->bufs[i].base, part);
    n -= part;
  }
}

void cut_read(const cut_t *cut, uint8_t *bytes, size_t n) {
  for (size_t i = 0; n > 0 && i < cut->count; i++) {
    size_t part = part_of(&cut->bufs[i], n);

    if (part > 0)
      memcpy(bytes, cut->bufs[i].base, part);
    bytes += part;
    n -= part;
  }
}

void cut_write(const cut_t *cut, const uint8_t *bytes, size_t n) {
  for (size_t i = 0; n > 0 && i < cut->count; i++) {
    size_t part = part_of(&cut->bufs[i], n);

    if (part > 0)
      memcpy(cut->bufs[i].base, bytes, part);
    bytes += part;
    n -= part;
  }
}

static void drop_lent(cut_t *cut) {
  if (cut->lent != NULL)
    memset(cut->lent, SPOILT, sizeof(*cut->lent));
  free(cut->lent);
  cut->lent = NULL;
}

void cut_begun(cut_t *cut) {
  if (!cut->pinned)
    drop_lent(cut);
}

void cut_end(cut_t *cut, retired_t **list) {
  retired_t *kept;

  drop_lent(cut);
  if (cut->memory == NULL)
    return;
  if (!cut->uncopied || cut->pool == NULL)
    memset(cut->memory, SPOILT, cut->room);
  if (cut->pool != NULL) {
    uv_buf_t buf = uv_buf_init((char *)cut->memory, 0);

    if (weir_pool_release(cut->pool, &buf) != 0)
      abort();
    return;
  }
  kept = fresh(sizeof(*kept));
  *kept = (retired_t){*list, cut->memory, cut->room};
  *list = kept;
}

int retired_free(retired_t **list) {
  retired_t *kept;
  int intact = 1;

  while ((kept = *list) != NULL) {
    *list = kept->next;
    for (size_t i = 0; i < kept->room; i++)
      intact &= kept->memory[i] == SPOILT;
    free(kept->memory);
    free(kept);
  }
  return intact;
}
