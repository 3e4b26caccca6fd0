/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_FLOW_H
#define SAMPLES_FLOW_H

#include <weir/stream.h>

#include "counts.h"

/* One direction of a relay: source stream, ring buffer, sink stream. */

typedef struct flow_s flow_t;
typedef void (*flow_cb)(flow_t *flow);

/* The caller sets the first five and zeroes the rest. */
struct flow_s {
  void *data;
  char *ring; /* memory of capacity bytes */
  size_t capacity;
  int topup; /* 0: read only when the ring is empty */
  flow_cb over;

  counts_t counts;
  int status;        /* 0, or what ended the flow too early */
  int source_failed; /* it was the source's error, not the sink's */

  weir_stream_t *source;
  weir_stream_t *sink; /* NULL: not connected yet */
  int read_status;     /* what ended the reading; 0 while it goes on */
  int reading;         /* read_op is outstanding */
  int writing;         /* write_op is outstanding */
  int ended;           /* the sink's half-close was asked for */
  size_t start;        /* where the held bytes begin in the ring */
  size_t held;         /* bytes read and not yet written */
  size_t offered;      /* bytes of the write that is outstanding */
  weir_op_t read_op;
  weir_op_t write_op;
};

/* Starts to read. The stream objects, the ring and the flow have to stay. over
 * runs once, perhaps within one of these two calls, when no operation of the
 * flow is outstanding: the source has ended, all was delivered and the sink's
 * half-close was sent (status 0), or one of the two failed. A source's error
 * counts when what had been read before it is delivered, or at once while there
 * is no sink. */
void flow_start(flow_t *flow, weir_stream_t *source);

/* Gives it the sink, which is connected now: starts to write. */
void flow_connect(flow_t *flow, weir_stream_t *sink);

#endif
