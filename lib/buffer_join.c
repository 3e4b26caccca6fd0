/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "buffer_block.h"

/* What only chains can do: take in foreign memory, join, split, pull up. */

static int is_chain(const weir_buffer_t *b) {
  return b->kind == &weir__buffer_chain;
}

void weir__chain_close_tail(weir_buffer_t *b) {
  b->prepared = 0;
  weir__chain_settle(b);
  if (b->tail == NULL)
    return;
  b->capacity -= b->tail->link.buf.len - b->head;
  b->tail->link.buf.len = (weir__len_t)b->head;
}

void weir__chain_insert(weir_buffer_t *b, weir__block_t *first,
                        weir__block_t *last, size_t used, size_t size,
                        size_t bytes) {
  weir_link_t *rest;

  if (b->tail != NULL) {
    rest = b->tail->link.next;
    b->tail->link.next = &first->link;
  } else {
    rest = b->first != NULL ? &b->first->link : NULL;
    b->first = first;
  }
  last->link.next = rest;
  if (rest == NULL)
    b->last = last;
  b->tail = last;
  b->head = used;
  b->size += size;
  b->capacity += bytes;
}

int weir__chain_admits(const weir_buffer_t *b, size_t len) {
  if (!is_chain(b))
    return UV_EINVAL;
  if (b->room_holds != 0)
    return UV_EBUSY;
  return len > b->max_size - b->size ? UV_ENOBUFS : 0;
}

void weir__chain_put(weir_buffer_t *b, weir__block_t *block) {
  size_t len = block->link.buf.len;

  weir__chain_close_tail(b);
  weir__chain_insert(b, block, block, len, len, len);
}

int weir_chain_adopt(weir_buffer_t *b, const void *base, size_t len,
                     weir_release_cb release, void *arg) {
  weir__block_t *block;
  int err = weir__chain_admits(b, len);

  if (err != 0)
    return err;
  block = weir__block_over(base, len);
  if (block == NULL)
    return UV_ENOMEM;
  block->release = release;
  block->source = arg;
  if (len == 0)
    weir__block_drop(block);
  else
    weir__chain_put(b, block);
  return 0;
}

int weir_chain_append(weir_buffer_t *b, weir_buffer_t *from) {
  weir__block_t *first = from->first;
  weir__block_t *last = from->tail;
  size_t size = from->size;
  size_t used = from->head;
  size_t bytes;

  if (!is_chain(b) || !is_chain(from) || b == from)
    return UV_EINVAL;
  if (b->room_holds != 0 || from->room_holds != 0 || from->data_holds != 0)
    return UV_EBUSY;
  if (size > b->max_size - b->size)
    return UV_ENOBUFS;
  from->prepared = 0;
  if (size == 0)
    return 0;
  bytes = size + last->link.buf.len - used;
  from->first = weir__block_next(last);
  if (from->first == NULL)
    from->last = NULL;
  from->tail = NULL;
  from->head = 0;
  from->size = 0;
  from->capacity -= bytes;
  weir__chain_close_tail(b);
  weir__chain_insert(b, first, last, used, size, bytes);
  return 0;
}

/* Makes the first n bytes of block, which keeps the rest, a block of their own;
 * both share the memory. */
static weir__block_t *slice_off(weir__block_t *block, size_t n) {
  weir__block_t *slice = weir__block_over(block->link.buf.base, n);

  if (slice == NULL)
    return NULL;
  slice->owner = block;
  block->refs++;
  block->link.buf.base += n;
  block->link.buf.len -= (weir__len_t)n;
  return slice;
}

int weir_chain_split(weir_buffer_t *b, size_t n, weir_buffer_t *front) {
  weir__block_t *whole = NULL; /* the last block that moves as it is */
  weir__block_t *block, *slice = NULL;
  size_t left;

  if (!is_chain(b) || !is_chain(front) || b == front)
    return UV_EINVAL;
  n = weir__smaller(n, b->size);
  if (b->room_holds != 0 || b->data_holds != 0 || front->room_holds != 0)
    return UV_EBUSY;
  if (n > front->max_size - front->size)
    return UV_ENOBUFS;
  if (n == b->size && b->prepared == 0)
    return weir_chain_append(front, b);
  if (n == 0)
    return 0;
  left = n;
  for (block = b->first; block != b->tail && left >= block->link.buf.len;
       block = weir__block_next(block)) {
    left -= block->link.buf.len;
    whole = block;
  }
  if (left != 0) {
    slice = slice_off(block, left);
    if (slice == NULL)
      return UV_ENOMEM;
  }
  weir__chain_close_tail(front);
  if (whole != NULL) {
    weir__block_t *first = b->first;
    weir__chain_insert(front, first, whole, whole->link.buf.len, n - left,
                       n - left);
    b->first = block;
  }
  if (slice != NULL) {
    weir__chain_insert(front, slice, slice, left, left, left);
    if (block == b->tail)
      b->head -= left;
  }
  b->size -= n;
  b->capacity -= n;
  return 0;
}

int weir_chain_pullup(weir_buffer_t *b, size_t n, const void **at) {
  weir__block_t *block;
  int err;

  if (!is_chain(b) || n > b->size)
    return UV_EINVAL;
  if (n != 0) {
    uv_buf_t first = {0};
    weir_seq_t data = weir_buffer_data(b);
    weir_seq_next(&data, &first);
    if (first.len >= n) {
      *at = first.base;
      return 0;
    }
  }
  *at = NULL;
  if (n == 0)
    return 0;
  if (b->data_holds != 0)
    return UV_EBUSY;
  err = weir__block_heap(n, &block);
  if (err != 0)
    return err;
  weir_seq_copy(weir_mseq_block(block->link.buf.base, n), weir_buffer_data(b),
                n);
  weir__chain_take(b, n);
  weir__chain_settle(b);
  /* Closed, since data or room may follow it. */
  block->link.buf.len = (weir__len_t)n;
  block->link.next = b->first != NULL ? &b->first->link : NULL;
  b->first = block;
  if (b->last == NULL)
    b->last = block;
  if (b->size == 0) {
    b->tail = block;
    b->head = n;
  }
  b->size += n;
  b->capacity += n;
  *at = block->link.buf.base;
  return 0;
}
