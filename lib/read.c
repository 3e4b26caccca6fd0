/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "read.h"

#include "debug_op.h"
#include "rare.h"
#include "seq.h"
#include "watch.h"

/* The reading side of a stream. */

static const weir__read_plan_t *plan_of(const weir_op_t *op) {
  return (const weir__read_plan_t *)(const void *)op->type;
}

static void finish(weir_stream_t *stream, int status) {
  weir_op_t *op = stream->reader;
  const weir__read_plan_t *plan = plan_of(op);
  stream->reader = NULL;
  if (status == UV_EOF)
    status = plan->at_end;
  if (plan->ended != NULL)
    plan->ended(op);
  weir__op_finish(op, status);
}

/* What ended an earlier read together with its last bytes, or the stream. */
static int take_status(weir_stream_t *stream) {
  int status = stream->read_status;
  if (status != UV_EOF)
    stream->read_status = 0;
  return status;
}

static inline size_t transfer_limit(const weir_op_t *op) {
  const weir__read_plan_t *plan = plan_of(op);
  size_t most = weir__seq_max_bytes();
  return plan->limit == NULL ? most : weir__smaller(plan->limit(op), most);
}

static int held(weir_op_t *op) {
  const weir__read_plan_t *plan = plan_of(op);
  return plan->held == NULL ? op->need == 0 : plan->held(op);
}

static inline int took(weir_op_t *op, size_t n) {
  const weir__read_plan_t *plan = plan_of(op);
  if (plan->took != NULL)
    return plan->took(op, n);
  op->done += n;
  op->left -= n;
  if (n != 0 && op->done >= op->need)
    return 1;
  weir__seq_advance(&op->seq, n);
  return 0;
}

static inline unsigned fill(const weir_op_t *op, uv_buf_t *window) {
  size_t bytes = 0;
  return weir__seq_fill(&op->seq, window, 0, &bytes, transfer_limit(op));
}

/* The common case: bytes came, as many as it takes, and the plan has no say in
 * it. Returns 0 if it is another. */
static inline int came(weir_stream_t *stream, int status, size_t n) {
  weir_op_t *op = stream->reader;
  const weir__read_plan_t *plan = plan_of(op);
  weir_loop_stats_t *stats = &stream->loop->stats;
  if (status != 0 || n > op->left || n > weir__seq_max_bytes() ||
      !plan->plain || op->done + n < op->need ||
      (stream->state & WEIR__CLOSING) != 0)
    return 0;
  stats->reads++;
  stats->bytes_read += n;
  op->done += n;
  op->left -= n;
  stream->reader = NULL;
  weir__op_finish(op, 0);
  return 1;
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
    weir__watch_told(stream, WEIR__READ);
  }
  if (status == UV_EOF)
    stream->read_status = UV_EOF;
  int failed = status < 0 && !weir__asks_again(status);
  int r = took(op, n);
  if (r != 0) {
    if (failed && status != UV_ECANCELED)
      stream->read_status = status;
    finish(stream, r > 0 ? 0 : r);
  } else if (failed) {
    finish(stream, status);
  } else if (weir__op_ending(op)) {
    finish(stream, UV_ECANCELED);
  } else {
    stats->retries += status != 0;
    weir__stream_want_again(stream, WEIR__WANT_READ, status);
  }
  weir__stream_idle(stream);
}

/* What the kind answered at once: 0 or UV_EBUSY. */
static WEIR__APART int answered(weir_stream_t *stream, int r, size_t n) {
  stream->state &= ~WEIR__READ_BUSY;
  if (!came(stream, r, n))
    transferred(stream, r, n);
  return r == UV_EBUSY ? r : 0;
}

static inline int ask(weir_stream_t *stream, weir_op_t *op,
                      const uv_buf_t *window, unsigned used) {
  size_t n = 0;
  stream->state |= WEIR__READ_BUSY;
  op->state = WEIR__OP_STARTED;
  int r = stream->kind->read_some(stream, window, used, &n);
  return r == WEIR_PENDING ? 0 : answered(stream, r, n);
}

/* The same for a plan that asks by itself. */
static int have_asked(weir_stream_t *stream, weir_op_t *op) {
  size_t n = 0;
  stream->state |= WEIR__READ_BUSY;
  op->state = WEIR__OP_STARTED;
  int r = plan_of(op)->ask(stream, op, &n);
  if (r == WEIR_PENDING)
    return 0;
  if (r != WEIR__READ_PARKED)
    return answered(stream, r, n);
  stream->state &= ~WEIR__READ_BUSY;
  op->state = WEIR__OP_QUEUED;
  return 0;
}

static WEIR__APART int start_any(weir_stream_t *stream) {
  uv_buf_t window[WEIR_WINDOW];
  weir_op_t *op = stream->reader;
  int r = 0;
  if (op == NULL || (stream->state & WEIR__READ_BUSY) != 0)
    return 0;
  const weir__read_plan_t *plan = plan_of(op);
  if ((op->flags & WEIR__OP_BEGUN) == 0)
    r = held(op);
  op->flags |= WEIR__OP_BEGUN;
  if (r != 0) {
    finish(stream, r > 0 ? 0 : r);
    return 0;
  }
  r = stream->read_status != 0 ? take_status(stream) : 0;
  if (r == 0 && plan->prepare != NULL)
    r = plan->prepare(op);
  if (r != 0) {
    finish(stream, r);
    return 0;
  }
  if (plan->ask != NULL)
    return have_asked(stream, op);
  unsigned used = fill(op, window);
  return ask(stream, op, window, used);
}

/* The window of a plan without a say in it is mostly one piece of memory. */
static inline int start(weir_stream_t *stream) {
  weir_op_t *op = stream->reader;
  uv_buf_t one;
  if (op == NULL || (stream->state & WEIR__READ_BUSY) != 0 ||
      !plan_of(op)->plain || op->need == 0 || stream->read_status != 0 ||
      !weir__seq_in_one(&op->seq, &one))
    return start_any(stream);
  return ask(stream, op, &one, 1);
}

int weir__read_start(weir_stream_t *stream) {
  return start(stream);
}

static WEIR__APART unsigned window_any(const weir_stream_t *stream,
                                       uv_buf_t *out) {
  return stream->reader == NULL ? 0 : fill(stream->reader, out);
}

unsigned weir_stream_read_window(const weir_stream_t *stream, uv_buf_t *out) {
  const weir_op_t *op = stream->reader;
  if (op != NULL && plan_of(op)->plain && weir__seq_in_one(&op->seq, out))
    return 1;
  return window_any(stream, out);
}

int weir__read_plainly(weir_stream_t *stream, size_t *n) {
  uv_buf_t window[WEIR_WINDOW];
  unsigned used = weir_stream_read_window(stream, window);
  return stream->kind->read_some(stream, window, used, n);
}

void weir_stream_read_done(weir_stream_t *stream, int status, size_t n) {
  if ((stream->state & WEIR__READ_BUSY) == 0)
    return;
  stream->state &= ~WEIR__READ_BUSY;
  if (!came(stream, status, n))
    transferred(stream, status, n);
}

int weir__read_begin(weir_op_t *op, weir_stream_t *stream,
                     const weir_seq_t *into, size_t size,
                     const weir__read_plan_t *plan, weir_op_cb cb) {
  if (op == NULL || stream == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__stream_usable(stream);
  if (r == 0 && stream->reader != NULL)
    r = UV_EALREADY;
  if (r == 0)
    r = weir__op_start(op, stream->loop, stream, &plan->type, into, size, cb);
  if (r == 0) {
    stream->reader = op;
    weir__watch_told(stream, WEIR__READS);
  }
  return r;
}

/* Half of a turn's starts are kept for those that wait in the queue. What the
 * application may close waits as well: the number of that descriptor might come
 * again before the kernel is told. */
static int may_go(const weir_stream_t *stream) {
  const weir_loop_t *loop = stream->loop;
  const int waiting = WEIR__QUEUED | WEIR__DEFERRED | WEIR__ADOPTED;
  return (stream->state & waiting) == 0 && weir__stream_may_ask(stream) &&
         loop->starts_left > WEIR__LOOP_STARTS / 2;
}

int weir__read_go(weir_stream_t *stream) {
  weir_loop_t *loop = stream->loop;
  if (!may_go(stream)) {
    weir__stream_want(stream, WEIR__WANT_READ);
    return 0;
  }
  loop->starts_left--;
  loop->flags |= WEIR__LOOP_BEGINNING;
  stream->state |= WEIR__QUEUED;
  if (start(stream) != 0)
    stream->wants |= WEIR__WANT_READ;
  weir__stream_settle(stream, 0);
  loop->flags &= ~WEIR__LOOP_BEGINNING;
  weir__loop_wake(loop);
  return 0;
}

void weir__read_cancel(weir_op_t *op) {
  weir_stream_t *stream = *weir__op_owner(op);
  if ((stream->state & WEIR__READ_BUSY) != 0) {
    weir__stream_cancel_read(stream);
    return;
  }
  stream->wants &= ~WEIR__WANT_READ;
  finish(stream, UV_ECANCELED);
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
  if (r == UV_EBUSY)
    r = UV_EAGAIN;
  if (r == UV_EOF || (r != 0 && r != UV_EAGAIN && *n > 0))
    stream->read_status = r;
  if (*n == 0)
    return r;
  stream->loop->stats.reads++;
  stream->loop->stats.bytes_read += *n;
  return 0;
}
