/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "buffer.h"

#include <string.h>

#include "seq.h"

#define LEAST_CAPACITY ((size_t)512)

int weir_flat_init(weir_buffer_t *b, const weir_buffer_options_t *options) {
  return weir__buffer_init(b, &weir__buffer_flat, options);
}

void weir_flat_init_fixed(weir_buffer_t *b, void *storage, size_t capacity) {
  weir__buffer_init_fixed(b, &weir__buffer_flat, storage, capacity);
}

static weir_seq_t flat_data(const weir_buffer_t *b) {
  return weir_seq_block(b->size != 0 ? b->base + b->head : NULL, b->size);
}

static void compact(weir_buffer_t *b) {
  memmove(b->base, b->base + b->head, b->size);
  b->head = 0;
}

/* One block is all that a source gives. */
static int can_grow(const weir_buffer_t *b) {
  if ((b->flags & WEIR__BUFFER_FIXED) != 0 || b->capacity >= b->max_size)
    return 0;
  return b->acquire == NULL || b->base == NULL;
}

static int grow(weir_buffer_t *b, size_t need) {
  size_t wanted = b->capacity > b->max_size / 2 ? b->max_size : 2 * b->capacity;
  uv_buf_t memory;
  int err;

  if (wanted < LEAST_CAPACITY)
    wanted = LEAST_CAPACITY < b->max_size ? LEAST_CAPACITY : b->max_size;
  if (wanted < need)
    wanted = need;
  err = weir__buffer_acquire(b, need, wanted, &memory);
  if (err != 0)
    return err;
  if (b->size != 0)
    memcpy(memory.base, b->base + b->head, b->size);
  weir__buffer_release(b);
  b->base = memory.base;
  b->capacity = memory.len;
  b->head = 0;
  return 0;
}

/* Makes room for `need` bytes from the data's first on. Moving the data to the
 * front is worth it when at least as much was consumed as has to move, so that
 * its cost is bounded by that of consuming; else the memory grows, if it can.
 */
static int make_room(weir_buffer_t *b, size_t need) {
  if (b->data_holds != 0 && b->size != 0)
    return UV_EBUSY;
  if (need > b->capacity || b->head < b->size) {
    int err = can_grow(b) ? grow(b, need) : UV_ENOBUFS;
    if (err == 0 || need > b->capacity)
      return err;
  }
  compact(b);
  return 0;
}

static int flat_prepare(weir_buffer_t *b, size_t n, weir_mseq_t *room) {
  size_t need = b->size + n;
  size_t head = b->size != 0 ? b->head : 0;

  if (need > b->capacity - head) {
    int err = make_room(b, need);
    if (err != 0)
      return err;
    head = 0;
  }
  b->head = head;
  *room = weir_mseq_block(n != 0 ? b->base + head + b->size : NULL, n);
  return 0;
}

static void flat_commit(weir_buffer_t *b, size_t n) {
  b->size += n;
}

static void flat_consume(weir_buffer_t *b, size_t n) {
  b->head += n;
  b->size -= n;
}

static void flat_reset(weir_buffer_t *b) {
  b->size = 0;
  b->head = 0;
  if ((b->flags & WEIR__BUFFER_FIXED) != 0)
    return;
  weir__buffer_release(b);
  b->base = NULL;
  b->capacity = 0;
}

static void flat_shrink(weir_buffer_t *b) {
  if (b->size == 0)
    flat_reset(b);
}

static int flat_check(const weir_buffer_t *b) {
  return b->head <= b->capacity &&
         b->size + b->prepared <= b->capacity - b->head &&
         (b->base != NULL || b->capacity == 0);
}

const weir__buffer_kind_t weir__buffer_flat = {
    flat_prepare, flat_commit, flat_data, flat_consume,
    flat_shrink,  flat_reset,  flat_check};
