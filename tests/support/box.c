/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "box.h"

void box_open(struct box *b, int kind, size_t offset) {
  static const char filler[LIMIT];
  weir_buffer_options_t options = {.max_size = LIMIT, .block_size = BLOCK};

  if (kind == FLAT)
    check_is(weir_flat_init(&b->buffer, &options), 0);
  else if (kind == FLAT_FIXED)
    weir_flat_init_fixed(&b->buffer, b->storage, LIMIT);
  else if (kind == RING)
    weir_ring_init_fixed(&b->buffer, b->storage, LIMIT);
  else
    check_is(weir_chain_init(&b->buffer, &options), 0);
  if (offset > 0) {
    check_is(weir_buffer_put(&b->buffer, weir_seq_block(filler, offset)), 0);
    check_is(weir_buffer_consume(&b->buffer, offset), offset);
  }
}

void box_put(struct box *b, const char *bytes, size_t n) {
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
