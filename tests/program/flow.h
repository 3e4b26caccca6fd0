/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PROGRAM_FLOW_H
#define PROGRAM_FLOW_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* One direction of a link: what was written into it, write by write, and what
 * came out of it. Every byte is known by its place in a pattern, and no two
 * writes of a flow have the same ones. */

typedef struct piece_s {
  unsigned key; /* of the pattern */
  size_t start; /* in it */
  size_t len;
  size_t n;                  /* how many of them went, as the operation says */
  int silent;                /* or n at most, since nobody is told */
  const struct flow_s *from; /* the bytes of that flow, from start on */
} piece_t;

/* Bytes that have come, and that nobody has seen. */
typedef struct gap_s {
  size_t at;
  size_t len;
} gap_t;

typedef struct flow_s {
  unsigned key;
  size_t next; /* of the pattern */
  piece_t *pieces;
  size_t npieces, pieces_room;
  uint8_t *got;
  size_t ngot, got_room;
  gap_t *gaps;
  size_t ngaps, gaps_room;
} flow_t;

void flow_init(flow_t *flow, unsigned key);
void flow_free(flow_t *flow);

/* A new write of len bytes: its number, by which flow_fill gives the bytes from
 * offset on. */
size_t flow_write(flow_t *flow, size_t len);
void flow_fill(const flow_t *flow, size_t piece, size_t offset, void *bytes,
               size_t len);

/* The same bytes in any number of flows: len of the pattern of that key. */
size_t flow_write_same(flow_t *flow, unsigned key, size_t len);

/* n bytes of `from`, that were passed on from its place at on. */
void flow_pass(flow_t *flow, const flow_t *from, size_t at, size_t n);

/* Bytes that have come, and were passed on. */
void flow_passed(flow_t *flow, size_t n);

/* Bytes that have come. */
void flow_got(flow_t *flow, const void *bytes, size_t len);

/* How many bytes went. */
size_t flow_sent(const flow_t *flow);

/* NULL if what has come is what went, from the first byte on; all of it, if
 * that is asked for. Else what is wrong, and *at, where. */
const char *flow_wrong(const flow_t *flow, int all, size_t *at);

#endif
