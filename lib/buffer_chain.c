/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>

#include "alloc.h"
#include "buffer_block.h"

/* A chain under the common contract; what only chains can do is in
 * buffer_join.c. */

/* Drained blocks of the heap are kept for the next prepare up to this many, in
 * a chain that takes its memory there; those of a source go back at once, for
 * others to use. */
#define SPARE_BLOCKS 16

int weir_chain_init(weir_buffer_t *b, const weir_buffer_options_t *options) {
  return weir__buffer_init(b, &weir__buffer_chain, options);
}

static weir_seq_t chain_data(const weir_buffer_t *b) {
  return weir_seq_prefix(
      weir_seq_chain(b->first != NULL ? &b->first->link : NULL), b->size);
}

static void push_last(weir_buffer_t *b, weir__block_t *block) {
  block->link.next = NULL;
  if (b->last != NULL)
    b->last->link.next = &block->link;
  else
    b->first = block;
  b->last = block;
  b->capacity += block->link.buf.len;
}

static weir__block_t *pop_first(weir_buffer_t *b) {
  weir__block_t *block = b->first;

  b->first = weir__block_next(block);
  if (b->first == NULL)
    b->last = NULL;
  if (block == b->tail) {
    b->tail = NULL;
    b->head = 0;
  }
  b->capacity -= block->link.buf.len;
  return block;
}

/* Whether the whole block can be filled anew once its data are consumed. Of the
 * memory of a source others may hold what was data. */
static int is_reusable(const weir__block_t *block) {
  return block->usable != 0 && block->refs == 1 && block->release == NULL;
}

static void rewind_block(weir__block_t *block) {
  block->link.buf = weir__buf(block->memory.base, block->usable);
}

static void recycle_first(weir_buffer_t *b) {
  weir__block_t *block = pop_first(b);

  if (is_reusable(block) && b->acquire == NULL &&
      block->usable <= b->block_size + sizeof(void *) &&
      b->capacity - b->size < SPARE_BLOCKS * b->block_size) {
    rewind_block(block);
    push_last(b, block);
  } else {
    weir__block_drop(block);
  }
}

void weir__chain_settle(weir_buffer_t *b) {
  while (b->size == 0 && b->tail != NULL && b->prepared == 0 &&
         b->room_holds == 0)
    recycle_first(b);
}

void weir__chain_take(weir_buffer_t *b, size_t n) {
  while (n != 0) {
    weir__block_t *block = b->first;
    uv_buf_t *buf = &block->link.buf;
    size_t data = block == b->tail ? b->head : buf->len;
    size_t step = data < n ? data : n;

    buf->base += step;
    buf->len -= (weir__len_t)step;
    b->capacity -= step;
    b->size -= step;
    n -= step;
    if (block == b->tail)
      b->head -= step;
    else if (step == data)
      recycle_first(b);
  }
}

static void chain_consume(weir_buffer_t *b, size_t n) {
  weir__chain_take(b, n);
  weir__chain_settle(b);
}

/* Adds blocks with `need` bytes in all, or none. One prepare takes at most
 * about as many blocks of the heap as a window has entries, so a large one gets
 * larger blocks. */
static int add_blocks(weir_buffer_t *b, size_t need) {
  size_t usable = b->block_size;
  weir__block_t *added = NULL;
  size_t got = 0;

  if (need / WEIR_WINDOW >= usable)
    usable = need / WEIR_WINDOW + 1;
  while (got < need) {
    weir__block_t *block;
    int err = b->acquire != NULL ? weir__block_source(b, &block)
                                 : weir__block_heap(usable, &block);
    if (err != 0) {
      while ((block = added) != NULL) {
        added = weir__block_next(block);
        weir__block_drop(block);
      }
      return err;
    }
    got += block->usable;
    block->link.next = added != NULL ? &added->link : NULL;
    added = block;
  }
  while (added != NULL) {
    weir__block_t *next = weir__block_next(added);
    push_last(b, added);
    added = next;
  }
  return 0;
}

/* Where what is behind the data begins. */
static const weir_link_t *room_link(weir_buffer_t *b) {
  weir__block_t *tail = b->tail;

  if (tail == NULL)
    return b->first != NULL ? &b->first->link : NULL;
  tail->room.buf =
      weir__buf(tail->link.buf.base + b->head, tail->link.buf.len - b->head);
  tail->room.next = tail->link.next;
  return &tail->room;
}

static int chain_prepare(weir_buffer_t *b, size_t n, weir_mseq_t *room) {
  weir__block_t *drained = b->size == 0 ? b->tail : NULL;
  size_t spare = b->capacity - b->size;

  if (drained != NULL && !is_reusable(drained))
    drained = NULL;
  if (drained != NULL)
    spare += drained->usable - drained->link.buf.len;
  if (spare < n) {
    int err = add_blocks(b, n - spare);
    if (err != 0)
      return err;
  }
  if (drained != NULL) {
    b->capacity += drained->usable - drained->link.buf.len;
    rewind_block(drained);
  }
  *room = weir_mseq_prefix(weir_mseq_chain(room_link(b)), n);
  return 0;
}

static void chain_commit(weir_buffer_t *b, size_t n) {
  while (n != 0) {
    size_t room = b->tail != NULL ? b->tail->link.buf.len - b->head : 0;
    size_t step = room < n ? room : n;

    if (step == 0) {
      b->tail = b->tail != NULL ? weir__block_next(b->tail) : b->first;
      b->head = 0;
      continue;
    }
    b->head += step;
    b->size += step;
    n -= step;
  }
  weir__chain_settle(b);
}

/* The spare blocks are those behind the tail. */
static void chain_shrink(weir_buffer_t *b) {
  weir__block_t *spare;

  weir__chain_settle(b);
  spare = b->tail != NULL ? weir__block_next(b->tail) : b->first;
  b->last = b->tail;
  if (b->tail != NULL)
    b->tail->link.next = NULL;
  else
    b->first = NULL;
  while (spare != NULL) {
    weir__block_t *next = weir__block_next(spare);
    b->capacity -= spare->link.buf.len;
    weir__block_drop(spare);
    spare = next;
  }
}

static void chain_reset(weir_buffer_t *b) {
  b->size = 0;
  while (b->first != NULL)
    weir__block_drop(pop_first(b));
}

static int chain_check(const weir_buffer_t *b) {
  const weir__block_t *block;
  const weir__block_t *last = NULL;
  size_t bytes = 0;
  size_t data = b->head;
  int behind = b->tail == NULL;

  for (block = b->first; block != NULL; block = weir__block_next(block)) {
    const uv_buf_t *buf = &block->link.buf;
    bytes += buf->len;
    if (block == b->tail)
      behind = 1;
    else if (!behind)
      data += buf->len;
    if (block->refs == 0 || buf->base < block->memory.base ||
        buf->base + buf->len > block->memory.base + block->memory.len)
      return 0;
    last = block;
  }
  return behind && last == b->last && bytes == b->capacity && data == b->size &&
         (b->tail == NULL ? b->head == 0 : b->head <= b->tail->link.buf.len);
}

const weir__buffer_kind_t weir__buffer_chain = {
    chain_prepare, chain_commit, chain_data, chain_consume,
    chain_shrink,  chain_reset,  chain_check};
