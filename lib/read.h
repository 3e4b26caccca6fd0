/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__READ_H
#define WEIR__READ_H

#include "stream.h"

/* A way to read: what is asked for, and when it is enough. The reading side of
 * a stream knows no more of an operation than this. */
typedef struct weir__read_plan_s {
  weir__op_class_t type;

  /* None of the functions below is there. */
  int plain;

  /* Before the first transfer: 1 if op is finished without one, 0 if not, or
   * an error. NULL: it is when op->need is 0. */
  int (*held)(weir_op_t *op);

  /* Makes op->seq and op->left ready for one transfer: 0 or an error. May be
   * NULL. */
  int (*prepare)(weir_op_t *op);

  /* How many bytes the transfer may have; NULL: as many as there is room
   * for. */
  size_t (*limit)(const weir_op_t *op);

  /* Asks the kind for one transfer, of op->left bytes at most, as its read_some
   * would answer; or WEIR__READ_PARKED. NULL: that is asked. */
  int (*ask)(weir_stream_t *stream, weir_op_t *op, size_t *n);

  /* n bytes have come, 0 too: ends what prepare or ask began. As held. NULL:
   * they are passed, and op is finished when there are op->need of them. */
  int (*took)(weir_op_t *op, size_t n);

  /* It is about to be finished. May be NULL. */
  void (*ended)(weir_op_t *op);

  /* What op gets at the end of the stream. */
  int at_end;
} weir__read_plan_t;

/* Nothing was asked for: the plan has the stream want the read when it is to go
 * on. */
enum { WEIR__READ_PARKED = 2 };

/* For an `ask` that has nothing of its own to do: asks the kind for a transfer
 * into op->seq. */
int weir__read_plainly(weir_stream_t *stream, size_t *n);

/* The cancel of every plan. */
void weir__read_cancel(weir_op_t *op);

/* Makes op the stream's read into the `size` bytes of *into; need is the
 * caller's to set. Then the read is still to be started: by weir__read_go, or
 * at the next flush if a function of the program's would be called. 0, or why
 * not. */
int weir__read_begin(weir_op_t *op, weir_stream_t *stream,
                     const weir_seq_t *into, size_t size,
                     const weir__read_plan_t *plan, weir_op_cb cb);

/* Starts the read in this call if there is room, for which nothing else waits;
 * else at the next flush. 0. */
int weir__read_go(weir_stream_t *stream);

#endif
