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
  size_t start; /* in the pattern */
  size_t len;
  size_t n; /* how many of them went, as the operation says */
} piece_t;

typedef struct flow_s {
  unsigned key;
  size_t next; /* of the pattern */
  piece_t *pieces;
  size_t npieces, pieces_room;
  uint8_t *got;
  size_t ngot, got_room;
} flow_t;

void flow_init(flow_t *flow, unsigned key);
void flow_free(flow_t *flow);

/* A new write of len bytes: its number, by which flow_fill gives the bytes from
 * offset on. */
size_t flow_write(flow_t *flow, size_t len);
void flow_fill(const flow_t *flow, size_t piece, size_t offset, void *bytes,
               size_t len);

/* Bytes that have come. */
void flow_got(flow_t *flow, const void *bytes, size_t len);

/* How many bytes went. */
size_t flow_sent(const flow_t *flow);

/* NULL if what has come is what went, from the first byte on; all of it, if
 * that is asked for. Else what is wrong, and *at, where. */
const char *flow_wrong(const flow_t *flow, int all, size_t *at);

#endif
