/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "box.h"

#include <string.h>

/* As a read of leases would have put it there. */
static void push(struct box *b, const char *bytes, size_t n) {
  size_t most = weir_pool_buffer_size(b->pool), step;
  weir_lease_t lease = {.pool = b->pool};

  for (; n > 0; bytes += step, n -= step) {
    step = n < most ? n : most;
    check_is(weir_pool_acquire(b->pool, &lease.buf), 0);
    memcpy(lease.buf.base, bytes, step);
    lease.buf.len = step;
    check_is(weir_chain_push_lease(&b->buffer, &lease), 0);
    check_is(weir_lease_release(&lease), 0);
    lease.pool = b->pool;
  }
}

void box_open(struct box *b, int kind, size_t offset) {
  static const char filler[LIMIT];
  weir_buffer_options_t options = {.max_size = LIMIT, .block_size = BLOCK};

  if (kind == FLAT)
    check_is(weir_flat_init(&b->buffer, &options), 0);
  else if (kind == FLAT_FIXED)
    weir_flat_init_fixed(&b->buffer, b->storage, LIMIT);
  else if (kind == RING)
    weir_ring_init_fixed(&b->buffer, b->storage, LIMIT);
  else if (kind == CHAIN)
    check_is(weir_chain_init(&b->buffer, &options), 0);
  else
    check_is(weir_chain_init_leases(&b->buffer, b->pool, 0, &options), 0);
  b->kind = kind;
  if (offset > 0) {
    box_put(b, filler, offset);
    check_is(weir_buffer_consume(&b->buffer, offset), offset);
  }
}

void box_put(struct box *b, const char *bytes, size_t n) {
  if (b->kind == LEASES)
    push(b, bytes, n);
  else
    check_is(weir_buffer_put(&b->buffer, weir_seq_block(bytes, n)), 0);
}

void box_expect(const struct box *b, const char *bytes, size_t n) {
  check_is(weir_buffer_size(&b->buffer), n);
  check_is(
      weir_seq_compare(weir_buffer_data(&b->buffer), weir_seq_block(bytes, n)),
      0);
  check_is(weir_buffer_prepared(&b->buffer), 0);
}

void box_close(struct box *b) {
  check_is(weir_buffer_reset(&b->buffer), 0);
}
