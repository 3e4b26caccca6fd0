/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "op.h"
#include "seq.h"
#include "stream.h"

/* The reading side of a stream. */

static void finish(weir_stream_t *stream, int status) {
  weir_op_t *op = stream->reader;
  stream->reader = NULL;
  weir__op_finish(op, status);
}

/* What the kind said of one transfer. */
static void transferred(weir_stream_t *stream, int status, size_t n) {
  weir_op_t *op = stream->reader;
  weir_loop_t *loop = stream->loop;
  op->state = WEIR__OP_QUEUED;
  if (status == 0 && (n == 0 || n > op->left)) {
    status = UV_EIO;
    n = 0;
  }
  if (status == UV_EAGAIN) {
    loop->stats.retries++;
    if ((op->flags & WEIR__OP_CANCELLED) != 0)
      finish(stream, UV_ECANCELED);
    else
      weir__stream_want(stream, WEIR__WANT_READ);
  } else if (status < 0) {
    if (status == UV_EOF)
      stream->read_status = UV_EOF;
    finish(stream, status);
  } else {
    loop->stats.reads++;
    loop->stats.bytes_read += n;
    op->done += n;
    finish(stream, 0);
  }
  weir__stream_idle(stream);
}

int weir__read_start(weir_stream_t *stream) {
  uv_buf_t window[WEIR_WINDOW];
  weir_op_t *op = stream->reader;
  size_t n = 0;
  if (op == NULL || (stream->state & WEIR__READ_BUSY) != 0)
    return 0;
  if (op->left == 0) {
    finish(stream, 0);
    return 0;
  }
  if (stream->read_status != 0) {
    finish(stream, stream->read_status);
    return 0;
  }
  unsigned used = weir_stream_read_window(stream, window);
  stream->state |= WEIR__READ_BUSY;
  op->state = WEIR__OP_STARTED;
  int r = stream->kind->read_some(stream, window, used, &n);
  if (r == WEIR_PENDING)
    return 0;
  stream->state &= ~WEIR__READ_BUSY;
  if (r == UV_EBUSY) {
    op->state = WEIR__OP_QUEUED;
    return UV_EBUSY;
  }
  transferred(stream, r, n);
  return 0;
}

unsigned weir_stream_read_window(const weir_stream_t *stream, uv_buf_t *out) {
  size_t bytes = 0;
  if (stream->reader == NULL)
    return 0;
  return weir__seq_fill(&stream->reader->seq, out, 0, &bytes,
                        weir__seq_max_bytes());
}

void weir_stream_read_done(weir_stream_t *stream, int status, size_t n) {
  if ((stream->state & WEIR__READ_BUSY) == 0)
    return;
  stream->state &= ~WEIR__READ_BUSY;
  transferred(stream, status, n);
}

int weir_read_some(weir_op_t *op, weir_stream_t *stream, weir_mseq_t into,
                   weir_op_cb cb) {
  if (op == NULL || stream == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__stream_usable(stream);
  if (r == 0 && stream->reader != NULL)
    r = UV_EALREADY;
  if (r == 0)
    r = weir__op_hold(op, stream->loop, weir_seq_from(into));
  if (r != 0)
    return r;
  weir__op_begin(op, stream->loop, stream, WEIR__READ_SOME, cb);
  op->left = weir_seq_size(op->seq);
  stream->reader = op;
  weir__stream_want(stream, WEIR__WANT_READ);
  return 0;
}

int weir_read_now(weir_stream_t *stream, weir_mseq_t into, size_t *n) {
  uv_buf_t window[WEIR_WINDOW];
  size_t bytes = 0;
  if (stream == NULL || n == NULL)
    return UV_EINVAL;
  *n = 0;
  int r = weir__stream_usable(stream);
  if (r == 0 && stream->reader != NULL)
    r = UV_EALREADY;
  if (r != 0)
    return r;
  unsigned used =
      weir__seq_fill(&into.seq, window, 0, &bytes, weir__seq_max_bytes());
  if (used == 0)
    return 0;
  if (stream->read_status != 0)
    return stream->read_status;
  if (stream->kind->read_now == NULL)
    return UV_EAGAIN;
  r = stream->kind->read_now(stream, window, used, n);
  if (r == 0 && (*n == 0 || *n > bytes))
    r = UV_EIO;
  if (r != 0) {
    *n = 0;
    if (r == UV_EOF)
      stream->read_status = UV_EOF;
    return r;
  }
  stream->loop->stats.reads++;
  stream->loop->stats.bytes_read += *n;
  return 0;
}

void weir__read_cancel_all(weir_stream_t *stream) {
  weir_op_t *op = stream->reader;
  if (op == NULL)
    return;
  op->flags |= WEIR__OP_CANCELLED;
  if ((stream->state & WEIR__READ_BUSY) != 0) {
    weir__stream_want(stream, WEIR__WANT_CANCEL_READ);
    return;
  }
  stream->wants &= ~WEIR__WANT_READ;
  finish(stream, UV_ECANCELED);
}
