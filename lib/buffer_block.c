/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "buffer_block.h"

#include <stdint.h>
#include <string.h>

#include "alloc.h"

/* The header goes to the end, so that the bytes keep the alignment that the
 * memory has. Returns NULL if it does not fit. */
static weir__block_t *place_header(const uv_buf_t *memory) {
  size_t align = sizeof(void *);
  size_t least = sizeof(weir__block_t) + align;
  weir__block_t *block;
  uintptr_t at;

  if (memory->len < least)
    return NULL;
  at = (uintptr_t)memory->base + memory->len - sizeof(*block);
  block = (weir__block_t *)(at & ~(uintptr_t)(align - 1));
  memset(block, 0, sizeof(*block));
  block->memory = *memory;
  block->usable = (size_t)((char *)block - memory->base);
  block->link.buf = weir__buf(memory->base, block->usable);
  block->refs = 1;
  block->place = WEIR__BLOCK_INSIDE;
  return block;
}

int weir__block_heap(size_t usable, weir__block_t **block) {
  size_t align = sizeof(void *);
  uv_buf_t memory;

  if (usable > SIZE_MAX / 2)
    return UV_ENOMEM;
  usable = (usable + align - 1) & ~(align - 1);
  memory = weir__buf(NULL, usable + sizeof(**block));
  memory.base = weir__malloc(memory.len);
  if (memory.base == NULL)
    return UV_ENOMEM;
  *block = place_header(&memory);
  return 0;
}

int weir__block_source(const weir_buffer_t *b, weir__block_t **block) {
  uv_buf_t memory;
  int err = b->acquire(b->source, &memory);

  if (err != 0)
    return err;
  *block = place_header(&memory);
  if (*block == NULL) {
    b->release(b->source, &memory);
    return UV_ENOBUFS;
  }
  (*block)->release = b->release;
  (*block)->source = b->source;
  return 0;
}

weir__block_t *weir__block_over(const void *base, size_t len) {
  weir__block_t *block = weir__calloc(1, sizeof(*block));

  if (block == NULL)
    return NULL;
  block->memory = weir__buf(base, len);
  block->link.buf = block->memory;
  block->refs = 1;
  return block;
}

/* The header is gone before the callback, which gets copies. */
void weir__block_drop(weir__block_t *block) {
  while (block != NULL && --block->refs == 0) {
    weir__block_t *owner = block->owner;
    weir_release_cb release = block->release;
    void *source = block->source;
    uv_buf_t memory = block->memory;
    weir__place_t place = block->place;

    if (place == WEIR__BLOCK_APART)
      weir__free(block);
    if (release != NULL)
      release(source, &memory);
    else if (place == WEIR__BLOCK_INSIDE)
      weir__free(memory.base);
    block = owner;
  }
}
