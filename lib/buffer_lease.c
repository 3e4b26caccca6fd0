/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "buffer_lease.h"

#include <weir/lease.h>

/* Buffers of a pool in a chain: each is a block, and the block one holder of
 * the buffer. */

int weir_chain_init_leases(weir_buffer_t *b, weir_pool_t *pool, size_t max,
                           const weir_buffer_options_t *options) {
  if (pool == NULL || (options != NULL &&
                       (options->acquire != NULL || options->release != NULL)))
    return UV_EINVAL;
  int r = weir__buffer_init(b, &weir__buffer_chain, options);
  if (r == 0)
    r = weir__pool_provide(pool);
  if (r != 0)
    return r;
  b->acquire = weir__pool_acquire;
  b->release = weir__pool_release;
  b->source = pool;
  b->flags |= WEIR__BUFFER_LEASES;
  b->block_size = max;
  return 0;
}

void weir__chain_lend(weir_buffer_t *b, const uv_buf_t *buf, size_t n) {
  weir_pool_t *pool = weir__chain_pool(b);
  weir__block_t *block = weir__pool_block(pool, weir__pool_number(pool, buf));
  weir__chain_close_tail(b);
  weir__chain_insert(b, block, block, n, n, buf->len);
}

/* A block for what of its buffer the lease is. */
static weir__block_t *block_of(const weir_lease_t *lease) {
  weir_pool_t *pool = lease->pool;
  weir__block_t *block = NULL;
  if (weir__pool_provide(pool) == 0)
    block = weir__pool_block(pool, weir__pool_number(pool, &lease->buf));
  if (block == NULL)
    block = weir__block_over(lease->buf.base, lease->buf.len);
  if (block == NULL)
    return NULL;
  block->link.buf = block->memory = lease->buf;
  block->release = weir__pool_release;
  block->source = pool;
  return block;
}

int weir_chain_push_lease(weir_buffer_t *b, const weir_lease_t *lease) {
  if (lease == NULL)
    return UV_EINVAL;
  int r = weir__chain_admits(b, lease->buf.len);
  if (r == 0)
    r = weir_lease_retain(lease);
  if (r != 0)
    return r;
  weir__block_t *block = lease->buf.len == 0 ? NULL : block_of(lease);
  if (block == NULL) {
    weir_pool_release(lease->pool, &lease->buf);
    return lease->buf.len == 0 ? 0 : UV_ENOMEM;
  }
  weir__chain_put(b, block);
  return 0;
}

/* ---- What lies in it ---- */

/* The pool and number of a block's buffer; WEIR__NO_BUFFER: it is no
 * pool's. */
static uint32_t place_of(const weir__block_t *block, weir_pool_t **pool) {
  while (block->owner != NULL)
    block = block->owner;
  if (block->release != weir__pool_release)
    return WEIR__NO_BUFFER;
  *pool = block->source;
  return weir__pool_number(*pool, &block->memory);
}

int weir__chain_holds_all(const weir_buffer_t *b,
                          weir__tallied_t *const *tally) {
  const weir__block_t *block = b->first;
  weir_pool_t *pool = NULL, *last = NULL;
  uint32_t before = WEIR__NO_BUFFER;
  size_t count = 0;
  for (; block != NULL; block = weir__block_next(block)) {
    uint32_t number = place_of(block, &pool);
    if (number == WEIR__NO_BUFFER || (pool == last && number == before))
      continue;
    count += weir__pool_is_tallied(pool, number, tally) != 0;
    last = pool;
    before = number;
  }
  return count >= weir__tally_count(tally);
}

void weir__chain_keep(const weir_buffer_t *b,
                      void (*keep)(weir_pool_t *pool, uint32_t number)) {
  const weir__block_t *block = b->first;
  weir_pool_t *pool = NULL;
  for (; block != NULL; block = weir__block_next(block)) {
    uint32_t number = place_of(block, &pool);
    if (number != WEIR__NO_BUFFER && pool == weir__chain_pool(b))
      keep(pool, number);
  }
}
