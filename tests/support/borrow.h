/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BORROW_H
#define BORROW_H

#include "net.h"

/* A pool of buffers of BORROW_SIZE bytes, of which nothing is to be out at its
 * end. */
enum { BORROW_SIZE = 4096 };

weir_pool_t *new_pool(struct weir_fixture *f, size_t count);
void end_pool(weir_pool_t *pool);

/* A read of a lease, and what its callback said. */
struct borrow {
  struct request r;
  weir_lease_t lease;
};

/* Begins it; max is 0 but for the first. */
void borrow_most(struct borrow *b, weir_stream_t *stream, weir_pool_t *pool,
                 size_t max);
void borrow(struct borrow *b, weir_stream_t *stream, weir_pool_t *pool);

/* Waits for it, and asserts that it is these bytes of the pattern; or that it
 * failed so. */
void expect_bytes(struct weir_fixture *f, struct borrow *b, size_t offset,
                  size_t n);
void expect_none(struct weir_fixture *f, struct borrow *b, int status);

void give_back(struct borrow *b);

#endif
