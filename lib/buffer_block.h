/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__BUFFER_BLOCK_H
#define WEIR__BUFFER_BLOCK_H

#include "buffer.h"
#include "seq.h"

/* The blocks of a chain.
 *
 * A chain is one list of blocks, and each block's link describes its bytes from
 * the first one of use to the end of its memory. The data are the chain's first
 * `size` bytes, what is prepared are those behind them, and the rest is spare:
 * so nothing is moved or rewritten when one becomes the other. `tail` is the
 * block in which the data end (NULL: none was filled yet), and `head` counts
 * the data in it; what of a block before the tail is not data is cut off its
 * link. What was prepared begins with a link of its own, since consuming moves
 * the tail's. */

/* Where a header lies. */
typedef enum weir__place_e {
  WEIR__BLOCK_APART,  /* in memory of its own */
  WEIR__BLOCK_INSIDE, /* at the end of what it describes */
  WEIR__BLOCK_LENT    /* with whom it is not used any more without refs */
} weir__place_t;

typedef struct weir__block_s weir__block_t;
struct weir__block_s {
  weir_link_t link;        /* first, so that a link is a block */
  weir_link_t room;        /* of the tail: what is behind its data */
  uv_buf_t memory;         /* as it was acquired or adopted */
  size_t usable;           /* bytes that may be filled anew; 0: never */
  weir_release_cb release; /* NULL: memory of the heap, or not ours */
  void *source;
  weir__block_t *owner; /* whose memory a slice shares */
  unsigned int refs;
  weir__place_t place;
};

static inline weir__block_t *weir__block_next(const weir__block_t *block) {
  return (weir__block_t *)block->link.next;
}

/* Blocks with a header in their memory, to be filled: from the heap with
 * `usable` bytes, or from the chain's source. */
int weir__block_heap(size_t usable, weir__block_t **block);
int weir__block_source(const weir_buffer_t *b, weir__block_t **block);

/* A block for memory that is there already, to be read only; NULL: no
 * memory. */
weir__block_t *weir__block_over(const void *base, size_t len);

/* Takes a reference back; the last one releases the memory. */
void weir__block_drop(weir__block_t *block);

/* Whether `len` bytes can be put behind the data as a block: 0, UV_EINVAL (no
 * chain), UV_EBUSY or UV_ENOBUFS. And does it: all that the block describes is
 * data. */
int weir__chain_admits(const weir_buffer_t *b, size_t len);
void weir__chain_put(weir_buffer_t *b, weir__block_t *block);

/* Takes n bytes of data off the front without looking at holds; does not
 * settle. */
void weir__chain_take(weir_buffer_t *b, size_t n);

/* Recycles a tail whose data are all consumed, unless room in it is out. */
void weir__chain_settle(weir_buffer_t *b);

/* Ends the prepare and cuts the room off the tail, so that blocks can follow
 * its data. */
void weir__chain_close_tail(weir_buffer_t *b);

/* Puts a run of blocks behind the data, which closed before: `used` is what of
 * the last one is data, `size` the data of all, `bytes` what they describe. */
void weir__chain_insert(weir_buffer_t *b, weir__block_t *first,
                        weir__block_t *last, size_t used, size_t size,
                        size_t bytes);

#endif
