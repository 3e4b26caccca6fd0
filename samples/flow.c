/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "flow.h"

#include <weir/seq.h>

static void go_on(flow_t *flow);

/* The free part of the ring, behind what is held: one span or two. */
static weir_mseq_t room(const flow_t *flow) {
  return weir_mseq_ring(flow->ring, flow->capacity, flow->start + flow->held,
                        flow->capacity - flow->held);
}

static void fail_flow(flow_t *flow, int status, int source_failed) {
  if (flow->status != 0)
    return;
  flow->status = status;
  flow->source_failed = source_failed;
  if (flow->reading)
    weir_cancel(&flow->read_op);
}

/* ---- Reading ---- */

static void have_read(flow_t *flow, int status, size_t n) {
  flow->read_status = status;
  flow->held += n;
  flow->counts.reads += n > 0;
}

static void on_read(weir_op_t *op, int status, size_t n) {
  flow_t *flow = op->data;
  flow->reading = 0;
  have_read(flow, status, n);
  go_on(flow);
}

static int may_read(const flow_t *flow) {
  size_t vacant = flow->capacity - flow->held;
  if (flow->reading || flow->read_status != 0 || flow->status != 0)
    return 0;
  return flow->topup ? vacant >= flow->capacity - flow->capacity / 2
                     : flow->held == 0;
}

static void read_more(flow_t *flow) {
  int rc = weir_read_some(&flow->read_op, flow->source, room(flow), on_read);
  if (rc == 0)
    flow->reading = 1;
  else
    have_read(flow, rc, 0);
}

/* ---- Writing ---- */

/* Takes what the source has at this moment into the room that a write made, so
 * that the next write offers it as well. It pays after a short write, and when
 * there is much room. It never waits; the sink has to be kept busy. */
static void top_up(flow_t *flow, int was_short) {
  size_t n;
  int rc;
  if (!flow->topup || flow->reading || flow->read_status != 0)
    return;
  if (!was_short && !may_read(flow))
    return;
  rc = weir_read_now(flow->source, room(flow), &n);
  if (rc != UV_EAGAIN)
    have_read(flow, rc, n);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  flow_t *flow = op->data;
  int was_short = n < flow->offered;
  flow->writing = 0;
  flow->start = (flow->start + n) % flow->capacity;
  flow->held -= n;
  flow->counts.bytes += n;
  flow->counts.writes += n > 0;
  flow->counts.short_writes += n > 0 && was_short;
  if (status != 0)
    fail_flow(flow, status, 0);
  else if (!flow->ended)
    top_up(flow, was_short);
  go_on(flow);
}

static void write_more(flow_t *flow) {
  weir_seq_t data =
      weir_seq_ring(flow->ring, flow->capacity, flow->start, flow->held);
  int rc;
  flow->offered = flow->held;
  if (flow->held > 0) {
    rc = weir_write_some(&flow->write_op, flow->sink, data, on_written);
  } else {
    flow->ended = 1;
    rc = weir_write_eof(&flow->write_op, flow->sink, data, on_written);
  }
  flow->writing = rc == 0;
  if (rc != 0)
    fail_flow(flow, rc, 0);
}

/* Starts whatever can be started. The write comes first: what it offers is
 * settled, and the room behind that is the read's. */
static void go_on(flow_t *flow) {
  int over = flow->read_status != 0;
  if (over && flow->read_status != UV_EOF &&
      (flow->held == 0 || flow->sink == NULL))
    fail_flow(flow, flow->read_status, 1);
  if (flow->status == 0 && flow->sink != NULL && !flow->writing &&
      !flow->ended && (flow->held > 0 || over))
    write_more(flow);
  if (may_read(flow)) {
    read_more(flow);
    if (!flow->reading) { /* refused: that is the end of reading */
      go_on(flow);
      return;
    }
  }
  if (!flow->reading && !flow->writing && (flow->status != 0 || flow->ended))
    flow->over(flow);
}

void flow_start(flow_t *flow, weir_stream_t *source) {
  flow->source = source;
  flow->read_op.data = flow;
  flow->write_op.data = flow;
  go_on(flow);
}

void flow_connect(flow_t *flow, weir_stream_t *sink) {
  flow->sink = sink;
  if (flow->status == 0)
    go_on(flow);
}
