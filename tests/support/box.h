/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BOX_H
#define BOX_H

#include "fixture.h"

/* A dynamic buffer of some kind, all with the same limit. */

enum { FLAT, FLAT_FIXED, RING, CHAIN, LEASES, KINDS };
enum { LIMIT = 16, BLOCK = 128 };

struct box {
  weir_buffer_t buffer;
  int kind;
  char storage[LIMIT];
  weir_pool_t *pool; /* of LEASES, a chain over it: the test's */
};

/* An empty buffer; a ring's data will begin at `offset`. */
void box_open(struct box *b, int kind, size_t offset);
void box_put(struct box *b, const char *bytes, size_t n);

/* Asserts what it holds, and that nothing is prepared. */
void box_expect(const struct box *b, const char *bytes, size_t n);
void box_close(struct box *b);

#endif
