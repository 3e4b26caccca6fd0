/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "buffer.h"

#include <stdint.h>
#include <string.h>

#include "alloc.h"
#include "options.h"
#include "seq.h"

#define BLOCK_SIZE ((size_t)16384)

/* The options of the first version end here. */
enum { FIRST_SIZE = offsetof(weir_buffer_options_t, source) + sizeof(void *) };

int weir__buffer_init(weir_buffer_t *b, const weir__buffer_kind_t *kind,
                      const weir_buffer_options_t *options) {
  weir_buffer_options_t taken = {0};
  int r = 0;
  if (options != NULL)
    r = weir__options_take(&taken, sizeof(taken), FIRST_SIZE, options);
  if (r == 0 && ((taken.acquire == NULL) != (taken.release == NULL) ||
                 (taken.flags & ~WEIR_BUFFER_MIRROR) != 0))
    r = UV_EINVAL;
  if (r != 0)
    return r;
  memset(b, 0, sizeof(*b));
  b->kind = kind;
  b->max_size = taken.max_size != 0 ? taken.max_size : SIZE_MAX;
  b->block_size = taken.block_size != 0 ? taken.block_size : BLOCK_SIZE;
  b->flags = taken.flags;
  b->acquire = taken.acquire;
  b->release = taken.release;
  b->source = taken.source;
  return 0;
}

void weir__buffer_init_fixed(weir_buffer_t *b, const weir__buffer_kind_t *kind,
                             void *storage, size_t capacity) {
  memset(b, 0, sizeof(*b));
  b->kind = kind;
  b->base = storage;
  b->capacity = capacity;
  b->max_size = capacity;
  b->flags = WEIR__BUFFER_FIXED;
}

int weir__buffer_acquire(const weir_buffer_t *b, size_t least, size_t wanted,
                         uv_buf_t *memory) {
  int err;

  if (b->acquire == NULL) {
    memory->base = weir__malloc(wanted);
    memory->len = (weir__len_t)wanted;
    return memory->base != NULL ? 0 : UV_ENOMEM;
  }
  err = b->acquire(b->source, memory);
  if (err == 0 && memory->len < least) {
    b->release(b->source, memory);
    err = UV_ENOBUFS;
  }
  return err;
}

void weir__buffer_release(const weir_buffer_t *b) {
  uv_buf_t memory = weir__buf(b->base, b->capacity);

  if (b->base == NULL || (b->flags & WEIR__BUFFER_FIXED) != 0)
    return;
  if (b->acquire != NULL)
    b->release(b->source, &memory);
  else
    weir__free(b->base);
}

static size_t held(const weir_buffer_t *b) {
  return (size_t)b->data_holds + b->room_holds;
}

int weir_buffer_reset(weir_buffer_t *b) {
  if (held(b) != 0)
    return UV_EBUSY;
  b->prepared = 0;
  b->kind->reset(b);
  return 0;
}

void weir_buffer_shrink(weir_buffer_t *b) {
  if (b->prepared == 0 && held(b) == 0)
    b->kind->shrink(b);
}

int weir_buffer_prepare(weir_buffer_t *b, size_t n, weir_mseq_t *room) {
  int err;

  if (b->room_holds != 0)
    return UV_EBUSY;
  if (n > weir_buffer_max_size(b) - b->size)
    return UV_ENOBUFS;
  err = b->kind->prepare(b, n, room);
  if (err == 0)
    b->prepared = n;
  return err;
}

size_t weir_buffer_commit(weir_buffer_t *b, size_t n) {
  if (n > b->prepared)
    n = b->prepared;
  b->prepared = 0;
  b->kind->commit(b, n);
  return n;
}

weir_seq_t weir_buffer_data(const weir_buffer_t *b) {
  return b->kind->data(b);
}

size_t weir_buffer_consume(weir_buffer_t *b, size_t n) {
  if (b->data_holds != 0)
    return 0;
  if (n > b->size)
    n = b->size;
  b->kind->consume(b, n);
  return n;
}

int weir_buffer_put(weir_buffer_t *b, weir_seq_t s) {
  size_t n = weir_seq_size(s);
  weir_mseq_t room;
  int err = weir_buffer_prepare(b, n, &room);

  if (err != 0)
    return err;
  weir_seq_copy(room, s, n);
  weir_buffer_commit(b, n);
  return 0;
}

size_t weir_buffer_size(const weir_buffer_t *b) {
  return b->size;
}

size_t weir_buffer_prepared(const weir_buffer_t *b) {
  return b->prepared;
}

/* What a source gave bounds a flat buffer and a ring, too. */
size_t weir_buffer_max_size(const weir_buffer_t *b) {
  if (b->acquire != NULL && b->base != NULL && b->capacity < b->max_size)
    return b->capacity;
  return b->max_size;
}

size_t weir_buffer_capacity(const weir_buffer_t *b) {
  return b->capacity;
}

void weir_buffer_hold(weir_buffer_t *b, unsigned int what) {
  b->data_holds += (what & WEIR_HOLD_DATA) != 0;
  b->room_holds += (what & WEIR_HOLD_ROOM) != 0;
}

void weir_buffer_unhold(weir_buffer_t *b, unsigned int what) {
  b->data_holds -= (what & WEIR_HOLD_DATA) != 0 && b->data_holds != 0;
  b->room_holds -= (what & WEIR_HOLD_ROOM) != 0 && b->room_holds != 0;
}

int weir__buffer_check(const weir_buffer_t *b) {
  return b->prepared <= weir_buffer_max_size(b) &&
         b->size <= weir_buffer_max_size(b) - b->prepared &&
         b->size <= b->capacity && b->prepared <= b->capacity - b->size &&
         b->kind->check(b);
}
