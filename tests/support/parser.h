/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PARSER_H
#define PARSER_H

#include "borrow.h"

/* A connection whose lines are read into a chain over leases. */
struct parser {
  struct conn c;
  weir_buffer_t chain;
  struct request r;
};

/* With a limit of leases and of bytes; 0: none. The close waits for it, and
 * gives back what the chain holds. */
void parser_open(struct weir_fixture *f, struct parser *p, weir_pool_t *pool,
                 size_t max, size_t max_size);
void parser_close(struct weir_fixture *f, struct parser *p);

/* Begins to read a line. */
void parser_read(struct parser *p);

/* The peer sends n bytes that are no end of a line, with an offset in the
 * pattern; an end. */
void parser_feed(struct parser *p, size_t offset, size_t n);
void parser_feed_end(struct parser *p);

/* Waits for the line, of n bytes and its end, which are those of the pattern
 * from offset on; and takes it out of the chain. */
void parser_line(struct weir_fixture *f, struct parser *p, size_t offset,
                 size_t n);
void parser_expect(struct weir_fixture *f, struct parser *p, size_t offset,
                   size_t n);

/* Buffers of the pool that are out. */
size_t pool_out(const weir_pool_t *pool);

#endif
