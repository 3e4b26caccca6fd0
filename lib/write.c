/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"
#include "queue.h"
#include "seq.h"
#include "stream.h"

/* The calls that put a write into a stream's queue. */

/* need is how many bytes finish the write, SIZE_MAX: all; gone is how many went
 * before. */
static int begin(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                 weir__op_type_t type, size_t need, size_t gone,
                 weir_op_cb cb) {
  if (op == NULL || stream == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__stream_usable(stream);
  if (r == 0 && (stream->state & WEIR__ENDED) != 0)
    r = UV_EPIPE;
  size_t left = weir_seq_size(from);
  if (need == SIZE_MAX)
    need = left;
  if (r == 0 && (need > left || left > SIZE_MAX - stream->queued))
    r = UV_EINVAL;
  if (r == 0)
    r = weir__op_hold(op, stream->loop, from);
  if (r != 0)
    return r;
  weir__op_begin(op, stream->loop, stream, type, cb);
  op->done = gone;
  op->left = left;
  op->need = gone + need;
  stream->writers++;
  stream->queued += left;
  weir__queue_push(&stream->writes, &op->node);
  weir__stream_want(stream, WEIR__WANT_WRITE);
  weir__write_push(stream);
  return 0;
}

int weir_write(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
               weir_op_cb cb) {
  return begin(op, stream, from, WEIR__WRITE, SIZE_MAX, 0, cb);
}

int weir_write_some(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                    weir_op_cb cb) {
  size_t need = weir_seq_empty(from) ? 0 : 1;
  return begin(op, stream, from, WEIR__WRITE_SOME, need, 0, cb);
}

int weir_write_at_least(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                        size_t k, weir_op_cb cb) {
  if (k == SIZE_MAX && weir_seq_size(from) != SIZE_MAX)
    return UV_EINVAL;
  return begin(op, stream, from, WEIR__WRITE_SOME, k, 0, cb);
}

int weir_write_eof(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                   weir_op_cb cb) {
  int r = begin(op, stream, from, WEIR__WRITE_EOF, SIZE_MAX, 0, cb);
  if (r == 0)
    stream->state |= WEIR__ENDED;
  return r;
}

/* Writes windows of *from until one is not taken whole. */
static int write_inline(weir_stream_t *stream, weir_seq_t *from, size_t *n) {
  uv_buf_t window[WEIR_WINDOW];
  weir_loop_stats_t *stats = &stream->loop->stats;
  for (;;) {
    size_t offered = 0;
    size_t sent = 0;
    unsigned used =
        weir__seq_fill(from, window, 0, &offered, weir__seq_max_bytes());
    if (used == 0)
      return 0;
    int r = stream->kind->write_now(stream, window, used, &sent);
    if (sent > offered || (r == 0 && sent == 0)) {
      r = UV_EIO;
      sent = 0;
    }
    weir_seq_advance(from, sent);
    *n += sent;
    stats->bytes_written += sent;
    if (r != 0)
      return r;
    if (sent < offered) {
      stats->short_writes++;
      return UV_EAGAIN;
    }
  }
}

int weir_write_now(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                   size_t *n, weir_op_cb cb) {
  if (n != NULL)
    *n = 0;
  if (op == NULL || stream == NULL || n == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__stream_usable(stream);
  if (r == 0 && (stream->state & WEIR__ENDED) != 0)
    r = UV_EPIPE;
  if (r == 0)
    r = stream->write_status;
  if (r != 0)
    return r;
  if (weir__queue_empty(&stream->writes) && stream->kind->write_now != NULL) {
    r = write_inline(stream, &from, n);
    if (r == 0) {
      stream->loop->stats.writes++;
      return 0;
    }
    if (r != UV_EAGAIN) {
      stream->write_status = r;
      return weir_seq_empty(from) ? 0 : r;
    }
  }
  r = begin(op, stream, from, WEIR__WRITE, SIZE_MAX, *n, cb);
  if (r == 0)
    return WEIR_PENDING;
  if (*n > 0)
    stream->write_status = r;
  return r;
}

size_t weir_stream_queued(const weir_stream_t *stream) {
  return stream->queued;
}
