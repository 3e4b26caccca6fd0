/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <assert.h>

#include "op.h"
#include "seq.h"
#include "stream.h"
#include "until.h"

/* The reading side of a stream. */

/* weir_cond_t.how */
enum {
  WEIR__COND_ALL = 1,
  WEIR__COND_AT_LEAST,
  WEIR__COND_EXACTLY,
  WEIR__COND_WHEN
};

/* What a conditional read keeps in its op. */
typedef struct weir__when_s {
  weir_cond_fn fn;
  void *arg;
  size_t cap;
  size_t limit; /* of the next transfer, as fn said */
} weir__when_t;

static_assert(sizeof(weir__when_t) <= sizeof(((weir_op_t *)0)->scratch),
              "a read condition fits in an op");

static void finish(weir_stream_t *stream, int status) {
  weir_op_t *op = stream->reader;
  stream->reader = NULL;
  if (op->type == WEIR__READ_TO_END && status == UV_EOF)
    status = 0;
  weir__op_finish(op, status);
}

/* What ended an earlier read together with its last bytes, or the stream. */
static int take_status(weir_stream_t *stream) {
  int status = stream->read_status;
  if (status != UV_EOF)
    stream->read_status = 0;
  return status;
}

/* 1 if op is finished by what has come; 0 if not, and the limit of the next
 * transfer is set; or an error. */
static int satisfied(weir_op_t *op) {
  if (weir__op_is_until(op))
    return weir__until_held(op);
  if (op->type != WEIR__READ_WHEN)
    return op->done >= op->need;
  weir__when_t *when = (weir__when_t *)(void *)op->scratch;
  when->limit = op->left == 0 ? 0 : when->fn(when->arg, op->done);
  return when->limit == 0;
}

static size_t transfer_limit(const weir_op_t *op) {
  size_t limit = weir__seq_max_bytes();
  if (op->type == WEIR__READ_SOME || weir__op_is_until(op))
    return limit;
  const weir__when_t *when = (const weir__when_t *)(const void *)op->scratch;
  if (when->cap != 0 && when->cap < limit)
    limit = when->cap;
  if (op->type == WEIR__READ_WHEN && when->limit < limit)
    limit = when->limit;
  return limit;
}

/* n bytes have come; as satisfied. */
static int take(weir_op_t *op, size_t n) {
  if (weir__op_is_until(op))
    return weir__until_transferred(op, n);
  if (n == 0)
    return 0;
  weir_seq_advance(&op->seq, n);
  op->done += n;
  op->left -= n;
  return satisfied(op);
}

/* What the kind said of one transfer. Bytes may come with an error: they are
 * looked at first, and if they finish the op the next one gets the error. */
static void transferred(weir_stream_t *stream, int status, size_t n) {
  weir_op_t *op = stream->reader;
  weir_loop_stats_t *stats = &stream->loop->stats;
  size_t limit = transfer_limit(op);
  op->state = WEIR__OP_QUEUED;
  if (n > op->left || n > limit || (status == 0 && n == 0)) {
    status = UV_EIO;
    n = 0;
  }
  if (n > 0) {
    stats->reads++;
    stats->bytes_read += n;
  }
  if (status == UV_EOF)
    stream->read_status = UV_EOF;
  int r = take(op, n);
  if (r != 0) {
    if (status < 0 && status != UV_EAGAIN && status != UV_EBUSY &&
        status != UV_ECANCELED)
      stream->read_status = status;
    finish(stream, r > 0 ? 0 : r);
  } else if (status < 0 && status != UV_EAGAIN && status != UV_EBUSY) {
    finish(stream, status);
  } else if ((op->flags & WEIR__OP_CANCELLED) != 0) {
    finish(stream, UV_ECANCELED);
  } else {
    stats->retries += status != 0;
    if (status == UV_EBUSY)
      weir__stream_want_later(stream, WEIR__WANT_READ);
    else
      weir__stream_want(stream, WEIR__WANT_READ);
  }
  weir__stream_idle(stream);
}

int weir__read_start(weir_stream_t *stream) {
  uv_buf_t window[WEIR_WINDOW];
  weir_op_t *op = stream->reader;
  size_t n = 0;
  int r = 0;
  if (op == NULL || (stream->state & WEIR__READ_BUSY) != 0)
    return 0;
  if ((op->flags & WEIR__OP_BEGUN) == 0)
    r = satisfied(op);
  op->flags |= WEIR__OP_BEGUN;
  if (r != 0) {
    finish(stream, r > 0 ? 0 : r);
    return 0;
  }
  r = take_status(stream);
  if (r == 0 && weir__op_is_until(op))
    r = weir__until_prepare(op);
  if (r != 0) {
    finish(stream, r);
    return 0;
  }
  unsigned used = weir_stream_read_window(stream, window);
  stream->state |= WEIR__READ_BUSY;
  op->state = WEIR__OP_STARTED;
  r = stream->kind->read_some(stream, window, used, &n);
  if (r == WEIR_PENDING)
    return 0;
  stream->state &= ~WEIR__READ_BUSY;
  if (r == UV_EBUSY) {
    op->state = WEIR__OP_QUEUED;
    if (weir__op_is_until(op))
      weir__until_transferred(op, 0);
    return UV_EBUSY;
  }
  transferred(stream, r, n);
  return 0;
}

unsigned weir_stream_read_window(const weir_stream_t *stream, uv_buf_t *out) {
  const weir_op_t *op = stream->reader;
  size_t bytes = 0;
  if (op == NULL)
    return 0;
  return weir__seq_fill(&op->seq, out, 0, &bytes, transfer_limit(op));
}

void weir_stream_read_done(weir_stream_t *stream, int status, size_t n) {
  if ((stream->state & WEIR__READ_BUSY) == 0)
    return;
  stream->state &= ~WEIR__READ_BUSY;
  transferred(stream, status, n);
}

int weir__read_begin(weir_op_t *op, weir_stream_t *stream, weir_seq_t into,
                     weir__op_type_t type, size_t need, weir_op_cb cb) {
  if (op == NULL || stream == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__stream_usable(stream);
  if (r == 0 && stream->reader != NULL)
    r = UV_EALREADY;
  if (r == 0)
    r = weir__op_hold(op, stream->loop, into);
  if (r != 0)
    return r;
  weir__op_begin(op, stream->loop, stream, type, cb);
  op->left = weir_seq_size(op->seq);
  op->need = need;
  stream->reader = op;
  weir__stream_want(stream, WEIR__WANT_READ);
  return 0;
}

int weir_read_some(weir_op_t *op, weir_stream_t *stream, weir_mseq_t into,
                   weir_op_cb cb) {
  weir_seq_t seq = weir_seq_from(into);
  size_t need = weir_seq_empty(seq) ? 0 : 1;
  return weir__read_begin(op, stream, seq, WEIR__READ_SOME, need, cb);
}

int weir_read(weir_op_t *op, weir_stream_t *stream, weir_mseq_t into,
              weir_cond_t cond, weir_op_cb cb) {
  weir_seq_t seq = weir_seq_from(into);
  size_t size = weir_seq_size(seq);
  size_t need = cond.how == WEIR__COND_ALL ? size : cond.k;
  weir__op_type_t type = WEIR__READ;
  if (cond.how < WEIR__COND_ALL || cond.how > WEIR__COND_WHEN || need > size)
    return UV_EINVAL;
  if (cond.how == WEIR__COND_EXACTLY)
    seq = weir_seq_prefix(seq, need);
  if (cond.how == WEIR__COND_WHEN) {
    if (cond.fn == NULL)
      return UV_EINVAL;
    type = WEIR__READ_WHEN;
  }
  int r = weir__read_begin(op, stream, seq, type, need, cb);
  if (r == 0) {
    weir__when_t *when = (weir__when_t *)(void *)op->scratch;
    when->fn = cond.fn;
    when->arg = cond.arg;
    when->cap = cond.cap;
    when->limit = 0;
  }
  return r;
}

weir_cond_t weir_all(void) {
  return (weir_cond_t){.how = WEIR__COND_ALL};
}

weir_cond_t weir_at_least(size_t k) {
  return (weir_cond_t){.how = WEIR__COND_AT_LEAST, .k = k};
}

weir_cond_t weir_exactly(size_t k) {
  return (weir_cond_t){.how = WEIR__COND_EXACTLY, .k = k};
}

weir_cond_t weir_when(weir_cond_fn fn, void *arg) {
  return (weir_cond_t){.how = WEIR__COND_WHEN, .fn = fn, .arg = arg};
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
  r = take_status(stream);
  if (r != 0)
    return r;
  if (stream->kind->read_now == NULL)
    return UV_EAGAIN;
  r = stream->kind->read_now(stream, window, used, n);
  if (*n > bytes || (r == 0 && *n == 0)) {
    r = UV_EIO;
    *n = 0;
  }
  if (r == UV_EOF || (r != 0 && r != UV_EAGAIN && *n > 0))
    stream->read_status = r;
  if (*n == 0)
    return r;
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
