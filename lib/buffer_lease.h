/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__BUFFER_LEASE_H
#define WEIR__BUFFER_LEASE_H

#include "buffer_block.h"
#include "pool.h"

/* Chains over leases: what a read into one needs. */

static inline int weir__chain_leases(const weir_buffer_t *b) {
  return (b->flags & WEIR__BUFFER_LEASES) != 0;
}

static inline weir_pool_t *weir__chain_pool(const weir_buffer_t *b) {
  return b->source;
}

/* How many leases of a stream may be out; 0: any number. */
static inline size_t weir__chain_max(const weir_buffer_t *b) {
  return b->block_size;
}

/* Puts the first n bytes of a buffer of its pool, which is out and all of which
 * is the chain's from now on, behind the data. */
void weir__chain_lend(weir_buffer_t *b, const uv_buf_t *buf, size_t n);

/* Whether all that is counted in tally, of which there is some, lies in the
 * chain. */
int weir__chain_holds_all(const weir_buffer_t *b,
                          weir__tallied_t *const *tally);

/* Calls keep with each buffer of the chain's pool that lies in it. */
void weir__chain_keep(const weir_buffer_t *b,
                      void (*keep)(weir_pool_t *pool, uint32_t number));

#endif
