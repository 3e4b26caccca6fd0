/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "buffer.h"

#include "os_memory.h"
#include "seq.h"

int weir_ring_init(weir_buffer_t *b, size_t capacity,
                   const weir_buffer_options_t *options) {
  int err = weir__buffer_init(b, &weir__buffer_ring, options);

  if (err != 0)
    return err;
  if (b->acquire != NULL)
    b->flags &= ~WEIR_BUFFER_MIRROR;
  if ((b->flags & WEIR_BUFFER_MIRROR) != 0)
    capacity = weir__os_mirror_round(capacity);
  b->max_size = capacity;
  return 0;
}

void weir_ring_init_fixed(weir_buffer_t *b, void *storage, size_t capacity) {
  weir__buffer_init_fixed(b, &weir__buffer_ring, storage, capacity);
}

int weir_ring_is_mirrored(const weir_buffer_t *b) {
  return (b->flags & WEIR__BUFFER_MIRRORED) != 0;
}

/* n bytes from `offset` behind the first byte of the data. */
static weir_mseq_t span(const weir_buffer_t *b, size_t offset, size_t n) {
  size_t at = b->head;

  if (n == 0)
    return weir_mseq_block(NULL, 0);
  at = offset < b->capacity - at ? at + offset : offset - (b->capacity - at);
  if (weir_ring_is_mirrored(b))
    return weir_mseq_block(b->base + at, n);
  return weir_mseq_ring(b->base, b->capacity, at, n);
}

static weir_seq_t ring_data(const weir_buffer_t *b) {
  return weir_seq_from(span(b, 0, b->size));
}

static int take_memory(weir_buffer_t *b, size_t least) {
  uv_buf_t memory;
  int err;

  if ((b->flags & WEIR_BUFFER_MIRROR) != 0) {
    b->base = weir__os_mirror(b->max_size);
    if (b->base != NULL) {
      b->capacity = b->max_size;
      b->flags |= WEIR__BUFFER_MIRRORED;
      return 0;
    }
  }
  err = weir__buffer_acquire(b, least, b->max_size, &memory);
  if (err != 0)
    return err;
  b->base = memory.base;
  b->capacity = memory.len;
  return 0;
}

static int ring_prepare(weir_buffer_t *b, size_t n, weir_mseq_t *room) {
  if (n != 0 && b->base == NULL) {
    int err = take_memory(b, n);
    if (err != 0)
      return err;
  }
  if (b->size == 0)
    b->head = 0;
  *room = span(b, b->size, n);
  return 0;
}

static void ring_commit(weir_buffer_t *b, size_t n) {
  b->size += n;
}

static void ring_consume(weir_buffer_t *b, size_t n) {
  b->size -= n;
  if (n < b->capacity - b->head)
    b->head += n;
  else
    b->head = n - (b->capacity - b->head);
}

static void ring_reset(weir_buffer_t *b) {
  b->size = 0;
  b->head = 0;
  if ((b->flags & WEIR__BUFFER_FIXED) != 0)
    return;
  if (weir_ring_is_mirrored(b))
    weir__os_mirror_free(b->base, b->capacity);
  else
    weir__buffer_release(b);
  b->flags &= ~WEIR__BUFFER_MIRRORED;
  b->base = NULL;
  b->capacity = 0;
}

static void ring_shrink(weir_buffer_t *b) {
  if (b->size == 0)
    ring_reset(b);
}

static int ring_check(const weir_buffer_t *b) {
  return (b->head < b->capacity || b->head == 0) &&
         (b->base != NULL || b->capacity == 0);
}

const weir__buffer_kind_t weir__buffer_ring = {
    ring_prepare, ring_commit, ring_data, ring_consume,
    ring_shrink,  ring_reset,  ring_check};
