/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "parser.h"

#include <string.h>
#include <unistd.h>

enum { END = '\n' };

void parser_open(struct weir_fixture *f, struct parser *p, weir_pool_t *pool,
                 size_t max, size_t max_size) {
  weir_buffer_options_t options = {.max_size = max_size};

  conn_unix(f, &p->c);
  check_is(weir_chain_init_leases(&p->chain, pool, max, &options), 0);
}

void parser_close(struct weir_fixture *f, struct parser *p) {
  conn_close(f, &p->c);
  check_is(weir_buffer_reset(&p->chain), 0);
}

void parser_read(struct parser *p) {
  p->r.calls = 0;
  check_is(weir_read_until(&p->r.op, &p->c.stream, &p->chain,
                           weir_until_byte(END), on_done),
           0);
}

/* A byte of the pattern is an end in a place or two: that is another. */
static char fed(size_t offset) {
  unsigned char c;

  pattern_fill(&c, offset, 1);
  return (char)(c == END ? 0 : c);
}

void parser_feed(struct parser *p, size_t offset, size_t n) {
  char bytes[1024];
  size_t i, step;

  for (; n > 0; offset += step, n -= step) {
    step = n < sizeof(bytes) ? n : sizeof(bytes);
    for (i = 0; i < step; i++)
      bytes[i] = fed(offset + i);
    check_is(write(p->c.peer, bytes, step), step);
  }
}

void parser_feed_end(struct parser *p) {
  char end = END;

  check_is(write(p->c.peer, &end, 1), 1);
}

void parser_expect(struct weir_fixture *f, struct parser *p, size_t offset,
                   size_t n) {
  weir_seq_cursor_t at;
  size_t i;

  finish(f, &p->r, 0, n + 1);
  check_is(weir_buffer_prepared(&p->chain), 0);
  at = weir_seq_cursor(weir_buffer_data(&p->chain));
  for (i = 0; i < n; i++)
    check_is((char)weir_seq_cursor_byte(&at), fed(offset + i));
  check_is(weir_seq_cursor_byte(&at), END);
}

void parser_line(struct weir_fixture *f, struct parser *p, size_t offset,
                 size_t n) {
  parser_expect(f, p, offset, n);
  check_is(weir_buffer_consume(&p->chain, n + 1), n + 1);
}

size_t pool_out(const weir_pool_t *pool) {
  return weir_pool_count(pool) - weir_pool_available(pool);
}
