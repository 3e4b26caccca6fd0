/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_FLOW_H
#define SAMPLES_FLOW_H

#include <weir/stream.h>

/* One direction of a relay: source stream, ring buffer, sink stream. */

typedef struct flow_s flow_t;
typedef void (*flow_cb)(flow_t *flow);

typedef struct flow_counts_s {
  unsigned long long bytes; /* delivered */
  unsigned long long reads;
  unsigned long long writes;
  unsigned long long short_writes; /* took less than they were offered */
} flow_counts_t;

/* The caller sets the first five and zeroes the rest. */
struct flow_s {
  void *data;
  char *ring; /* memory of capacity bytes */
  size_t capacity;
  int topup; /* 0: read only when the ring is empty */
  flow_cb over;

  flow_counts_t counts;
  int status;        /* 0, or what ended the flow too early */
  int source_failed; /* it was the source's error, not the sink's */

  weir_stream_t *source;
  weir_stream_t *sink;
  int read_status; /* what ended the reading; 0 while it goes on */
  int reading;     /* read_op is outstanding */
  int writing;     /* write_op is outstanding */
  int ended;       /* the sink's half-close was asked for */
  size_t start;    /* where the held bytes begin in the ring */
  size_t held;     /* bytes read and not yet written */
  size_t offered;  /* bytes of the write that is outstanding */
  weir_op_t read_op;
  weir_op_t write_op;
};

/* Starts it. The stream objects, the ring and the flow have to stay. over runs
 * once, perhaps within this call, when no operation of the flow is outstanding:
 * the source has ended, all was delivered and the sink's half-close was sent
 * (status 0), or one of the two failed. A source's error counts when what had
 * been read before it is delivered. */
void flow_start(flow_t *flow, weir_stream_t *source, weir_stream_t *sink);

void flow_add_counts(flow_counts_t *total, const flow_counts_t *counts);

/* One line on stdout, at once. */
void flow_print_counts(const char *what, const flow_counts_t *counts);

#endif
