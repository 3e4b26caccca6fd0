/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PROGRAM_CUT_H
#define PROGRAM_CUT_H

#include <weir.h>

#include "../random.h"
#include "flow.h"

/* The memory of one operation: bytes in any number of segments, empty ones
 * among them, that are named by a sequence of any kind. */

enum { CUT_SEGMENTS = 40 };

typedef struct cut_s {
  uint8_t *memory;
  size_t room;
  uv_buf_t bufs[CUT_SEGMENTS]; /* what there is, in order */
  size_t count;
  int pinned;
  int uncopied;      /* its bytes are not to be changed after a write */
  weir_pool_t *pool; /* whose buffer the memory is; else NULL */
  /* What the sequence is made of: ends with the call, or with the operation
   * if it is pinned. */
  struct lent_s {
    uv_buf_t bufs[CUT_SEGMENTS];
    weir_link_t links[CUT_SEGMENTS];
    weir_seq_t parts[2];
    size_t count;
  } * lent;
  weir_mseq_t seq;
} cut_t;

/* Memory that was an operation's until its callback: nobody is to change it
 * any more. */
typedef struct retired_s {
  struct retired_s *next;
  uint8_t *memory;
  size_t room;
} retired_t;

/* Makes one of len bytes; in a buffer of pool, where that has one. pool may be
 * NULL. */
void cut_make(cut_t *cut, size_t len, random_t *dice, weir_pool_t *pool);

/* Fills it with a write; hands on the first n bytes of it. */
void cut_fill(const cut_t *cut, const flow_t *flow, size_t piece);
void cut_take(const cut_t *cut, size_t n, flow_t *flow);

/* Copies the first n bytes of it to bytes, or from there into it. */
void cut_read(const cut_t *cut, uint8_t *bytes, size_t n);
void cut_write(const cut_t *cut, const uint8_t *bytes, size_t n);

/* The call with it has returned: what it need not keep is gone. */
void cut_begun(cut_t *cut);

/* The operation is over. The memory is spoilt; the list keeps it. */
void cut_end(cut_t *cut, retired_t **list);

/* Frees what a list has kept; 0 if somebody has written to it since. */
int retired_free(retired_t **list);

#endif
