/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "borrow.h"

#include <string.h>

weir_pool_t *new_pool(struct weir_fixture *f, size_t count) {
  weir_pool_t *pool = NULL;

  check_is(weir_pool_create(f->loop, count, BORROW_SIZE, &pool), 0);
  return pool;
}

void end_pool(weir_pool_t *pool) {
  check_is(weir_pool_available(pool), weir_pool_count(pool));
  check_is(weir_pool_destroy(pool), 0);
}

void borrow_most(struct borrow *b, weir_stream_t *stream, weir_pool_t *pool,
                 size_t max) {
  memset(b, 0, sizeof(*b));
  b->lease.pool = pool;
  check_is(weir_read_lease(&b->r.op, stream, pool, &b->lease, max, on_done), 0);
}

void borrow(struct borrow *b, weir_stream_t *stream, weir_pool_t *pool) {
  borrow_most(b, stream, pool, 0);
}

void expect_bytes(struct weir_fixture *f, struct borrow *b, size_t offset,
                  size_t n) {
  finish(f, &b->r, 0, n);
  check_is(b->lease.buf.len, n);
  check_is(weir_seq_size(weir_lease_seq(&b->lease)), n);
  cr_assert(pattern_holds(b->lease.buf.base, offset, n));
}

void expect_none(struct weir_fixture *f, struct borrow *b, int status) {
  finish(f, &b->r, status, 0);
  cr_assert(b->lease.pool == NULL);
  check_is(weir_seq_size(weir_lease_seq(&b->lease)), 0);
}

void give_back(struct borrow *b) {
  check_is(weir_lease_release(&b->lease), 0);
  cr_assert(b->lease.pool == NULL);
}
