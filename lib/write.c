/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "stream.h"

#include <assert.h>

#include "debug_op.h"
#include "op.h"
#include "queue.h"
#include "rare.h"
#include "seq.h"
#include "watch.h"

/* The writing side of a stream: a queue from whose front windows are filled,
 * across as many writes as fit. */

/* What finishes a write, and whether others may share its window. The last has
 * no bytes, and may stand behind the end. */
typedef enum form_e { WRITE_ALL, WRITE_SOME, WRITE_EOF, WRITE_BEHIND } form_t;

/* Several writes with so many bytes go like a full window. */
enum { PUSH_BYTES = 65536 };

/* So many writes and bytes of theirs are not in the queue any more. */
static inline void leave_queue(weir_stream_t *stream, unsigned writes,
                               size_t bytes) {
  stream->writers -= writes;
  stream->queued -= bytes;
  if (stream->queued == 0 && (stream->state & WEIR__HELD) != 0)
    weir__stream_push(stream);
  weir__watch_told(stream, WEIR__LEFT);
}

static inline void finish(weir_stream_t *stream, weir_op_t *op, int status) {
  weir__queue_remove(&op->node);
  leave_queue(stream, 1, op->left);
  weir__op_finish(op, status);
}

/* Fills window from the queue. Marks the writes that are in it as started and
 * counts them. */
static unsigned gather(weir_stream_t *stream, uv_buf_t *window) {
  const weir_node_t *head = stream->writes.next;
  size_t offered = 0;
  unsigned used = 0;
  unsigned writes = 0;
  for (const weir_node_t *node = head; node != &stream->writes;
       node = node->next) {
    weir_op_t *op = weir__op_of(node);
    size_t sum = offered;
    if (op->form == WRITE_SOME && node != head)
      break;
    used = weir__seq_fill(&op->seq, window, used, &sum, weir__seq_max_bytes());
    if (sum == offered && op->left > 0)
      break;
    size_t filled = sum - offered;
    offered = sum;
    op->state = WEIR__OP_STARTED;
    writes++;
    if (op->form == WRITE_SOME || filled < op->left)
      break;
  }
  stream->in_window = writes;
  stream->offered = offered;
  return used;
}

/* Finishes the writes at the front that n sent bytes complete, all together.
 * Returns what is left of n. */
static size_t finish_front(weir_stream_t *stream, size_t n) {
  weir_node_t *first = stream->writes.next;
  weir_node_t *node = first;
  size_t gone = 0;
  unsigned count = 0;
  for (; node != &stream->writes; node = node->next) {
    weir_op_t *op = weir__op_of(node);
    size_t take = weir__smaller(n, op->left);
    if (op->done + take < op->need || op->form == WRITE_EOF)
      break;
    n -= take;
    gone += op->left;
    op->done += take;
    op->left -= take;
    weir__op_ended(op, 0);
    count++;
  }
  if (count == 0)
    return n;
  stream->loop->stats.writes += count;
  leave_queue(stream, count, gone);
  weir__op_deliver(stream->loop, first, node->prev, count);
  return n;
}

/* Gives n sent bytes to the writes at the front. */
static void distribute(weir_stream_t *stream, size_t n) {
  n = finish_front(stream, n);
  weir_op_t *op = weir__write_head(stream);
  if (n == 0 || op == NULL)
    return;
  op->done += n;
  op->left -= n;
  stream->queued -= n;
  if (op->done < op->need)
    weir__seq_advance(&op->seq, n);
}

/* Says whether the window at hand, of which `used` entries are, has others
 * behind it that go at once. A full one is tried in this very call, and what is
 * behind it after the callbacks that are due, but only when these are being
 * run. What a write that is content with less leaves over does not go. */
static void foretell(weir_stream_t *stream, unsigned used) {
  if (used == WEIR_WINDOW && stream->queued > stream->offered &&
      (stream->loop->flags & WEIR__LOOP_DELIVERING) != 0 &&
      weir__write_head(stream)->form != WRITE_SOME)
    stream->state |= WEIR__MORE;
}

/* Whether the bytes of a file stand behind all of the window, and go at once
 * when it does. */
static int file_follows(const weir_stream_t *stream) {
  const weir_op_t *op = weir__write_head(stream);
  size_t bytes = 0;
  if ((stream->state & (WEIR__WRITES_BY | WEIR__SHORT)) != WEIR__WRITES_BY ||
      (stream->loop->flags & WEIR__LOOP_DELIVERING) == 0 ||
      stream->kind->write_now == NULL)
    return 0;
  for (unsigned i = 0; i < stream->in_window && op != NULL; i++) {
    bytes += op->left;
    op = weir__write_next(stream, op);
  }
  return op != NULL && bytes == stream->offered && op->left > 0 &&
         (op->flags & WEIR__OP_OUTSIDE) != 0;
}

/* As gather, for a write whose bytes are not in memory. */
static unsigned gather_outside(weir_stream_t *stream, weir_op_t *op) {
  op->state = WEIR__OP_STARTED;
  stream->in_window = 1;
  stream->offered = weir__smaller(op->left, WEIR__OUTSIDE_MOST);
  return 0;
}

/* What it offers now. */
static unsigned gather_any(weir_stream_t *stream, weir_op_t *head,
                           uv_buf_t *window) {
  if ((head->flags & WEIR__OP_OUTSIDE) != 0)
    return gather_outside(stream, head);
  unsigned used = gather(stream, window);
  foretell(stream, used);
  return used;
}

/* What carries that: the function of a write's own, or `write`. */
static weir__write_fn carrier(const weir_op_t *head, weir__write_fn write) {
  const weir__write_by_t *by = weir__op_scratch(head);
  if ((head->flags & WEIR__OP_OUTSIDE) != 0 ||
      ((head->flags & WEIR__OP_BY) != 0 && head->done == 0))
    return by->first;
  return write;
}

/* Its end was asked for before it was finished; one that would have ended the
 * stream leaves that open again, unless it closes. */
static void withdraw(weir_stream_t *stream, weir_op_t *op) {
  if (op->form == WRITE_EOF && (stream->state & WEIR__LINGERS) == 0)
    stream->state &= ~WEIR__ENDED;
  finish(stream, op, UV_ECANCELED);
}

/* What was in the window is nobody's any more; writes in it whose end was
 * asked for end. */
static inline void release_window(weir_stream_t *stream) {
  weir_op_t *op = weir__write_head(stream);
  while (op != NULL && op->state == WEIR__OP_STARTED) {
    weir_op_t *next = weir__write_next(stream, op);
    op->state = WEIR__OP_QUEUED;
    if (weir__op_ending(op))
      withdraw(stream, op);
    op = next;
  }
  stream->in_window = 0;
  stream->state &= ~WEIR__MORE;
}

static void fail_all(weir_stream_t *stream, int status) {
  weir_op_t *op;
  stream->write_status = status;
  while ((op = weir__write_head(stream)) != NULL)
    finish(stream, op, status);
}

static int cancel_wanted(const weir_stream_t *stream) {
  const weir_op_t *op = weir__write_head(stream);
  for (; op != NULL; op = weir__write_next(stream, op))
    if (weir__op_ending(op))
      return 1;
  return 0;
}

/* The common case: there is one write, and all of it went. Returns 0 if it is
 * another. */
static inline int went(weir_stream_t *stream, int status, size_t n) {
  const int others = WEIR__MORE | WEIR__HELD | WEIR__CLOSING;
  weir_loop_stats_t *stats = &stream->loop->stats;
  weir_op_t *op = weir__op_of(stream->writes.next);
  if (status != 0 || stream->writers != 1 || n != stream->offered ||
      n != op->left || op->form == WRITE_EOF || (stream->state & others) != 0)
    return 0;
  stats->bytes_written += n;
  stats->writes++;
  weir__queue_init(&stream->writes);
  stream->wants &= ~WEIR__WANT_CANCEL_WRITE;
  stream->writers = 0;
  stream->queued = 0;
  stream->in_window = 0;
  op->done += n;
  op->left = 0;
  weir__watch_told(stream, WEIR__WROTE);
  weir__op_finish(op, 0);
  return 1;
}

/* What the kind said of one window. Bytes may have gone before an error. */
static void transferred(weir_stream_t *stream, int status, size_t n) {
  weir_loop_stats_t *stats = &stream->loop->stats;
  int cancelled = status == UV_ECANCELED && cancel_wanted(stream);
  /* The next window may be handed over before this is looked at. */
  stream->wants &= ~WEIR__WANT_CANCEL_WRITE;
  if (n > stream->offered || (status == 0 && n == 0)) {
    status = UV_EIO;
    n = 0;
  }
  if (n > 0) {
    stats->bytes_written += n;
    stats->writes_gathered += stream->in_window - 1;
    stream->state &= ~WEIR__SHORT;
    if ((stream->state & WEIR__MORE) == 0)
      stream->state &= ~WEIR__HELD;
    if (n < stream->offered) {
      stats->short_writes++;
      stream->state |= WEIR__SHORT;
    }
    distribute(stream, n);
    weir__watch_told(stream, WEIR__WROTE);
  }
  if (weir__asks_again(status))
    stats->retries++;
  else if (status != 0 && !cancelled)
    fail_all(stream, status);
  release_window(stream);
  if (!weir__queue_empty(&stream->writes))
    weir__stream_want_again(stream, WEIR__WANT_WRITE, status);
  weir__stream_idle(stream);
}

static void shut(weir_stream_t *stream, int status) {
  weir_op_t *op = weir__write_head(stream);
  if (weir__asks_again(status) && !weir__op_ending(op)) {
    op->state = WEIR__OP_QUEUED;
  } else if (weir__asks_again(status) || status == UV_ECANCELED) {
    withdraw(stream, op);
    status = 0;
  } else {
    stream->loop->stats.writes++;
    finish(stream, op, status);
  }
  if (!weir__queue_empty(&stream->writes))
    weir__stream_want_again(stream, WEIR__WANT_WRITE, status);
  weir__stream_idle(stream);
}

static int shutdown_start(weir_stream_t *stream, weir_op_t *op) {
  stream->state |= WEIR__WRITE_BUSY | WEIR__SHUT_BUSY;
  op->state = WEIR__OP_STARTED;
  int r = stream->kind->shutdown(stream);
  if (r == WEIR_PENDING)
    return 0;
  stream->state &= ~(WEIR__WRITE_BUSY | WEIR__SHUT_BUSY);
  op->state = WEIR__OP_QUEUED;
  if (r == UV_EBUSY)
    return UV_EBUSY;
  shut(stream, r);
  return 0;
}

/* What the kind answered at once. */
static WEIR__APART int answered(weir_stream_t *stream, int r, size_t n) {
  stream->state &= ~WEIR__WRITE_BUSY;
  if (!went(stream, r, n))
    transferred(stream, r, n);
  return r;
}

/* Hands a window to a function of the kind: what that says, 0 if it waits. */
static inline int hand(weir_stream_t *stream, weir__write_fn write,
                       const uv_buf_t *window, unsigned used) {
  size_t n = 0;
  stream->state |= WEIR__WRITE_BUSY;
  int r = write(stream, window, used, &n);
  return r == WEIR_PENDING ? 0 : answered(stream, r, n);
}

static int write_any(weir_stream_t *stream, weir__write_fn write);

/* What a file follows goes in this call, as the file does, so that both leave
 * together; where there is no room for it, as ever. */
static int write_ahead(weir_stream_t *stream, weir__write_fn write,
                       const uv_buf_t *window, unsigned used) {
  stream->state |= WEIR__MORE;
  int r = hand(stream, stream->kind->write_now, window, used);
  if (r != UV_EAGAIN)
    return r;
  stream->state |= WEIR__SHORT;
  return write_any(stream, write);
}

/* Does the same with whatever is next, if anything is. */
static WEIR__APART int write_any(weir_stream_t *stream, weir__write_fn write) {
  uv_buf_t window[WEIR_WINDOW];
  if ((stream->state & (WEIR__WRITE_BUSY | WEIR__CONNECTED)) != WEIR__CONNECTED)
    return 0;
  if (stream->write_status != 0)
    fail_all(stream, stream->write_status);
  weir_op_t *head = weir__write_head(stream);
  if (head != NULL && head->done >= head->need) {
    distribute(stream, 0);
    head = weir__write_head(stream);
  }
  if (head == NULL)
    return 0;
  if (head->left == 0)
    return shutdown_start(stream, head);
  unsigned used = gather_any(stream, head, window);
  if (used > 0 && (head->flags & WEIR__OP_BY) == 0 && file_follows(stream))
    return write_ahead(stream, write, window, used);
  if ((stream->state & WEIR__SHORT) != 0)
    stream->loop->stats.windows_refilled++;
  stream->state &= ~WEIR__SHORT;
  return hand(stream, carrier(head, write), window, used);
}

/* One write in one piece that is all there is, the common case, needs no window
 * of many. */
static inline int write_window(weir_stream_t *stream, weir__write_fn write) {
  const int states =
      WEIR__WRITE_BUSY | WEIR__CONNECTED | WEIR__SHORT | WEIR__WRITES_BY;
  weir_op_t *op = weir__op_of(stream->writes.next);
  uv_buf_t one;
  if ((stream->state & states) != WEIR__CONNECTED || stream->writers != 1 ||
      stream->write_status != 0 || op->done >= op->need ||
      !weir__seq_in_one(&op->seq, &one))
    return write_any(stream, write);
  op->state = WEIR__OP_STARTED;
  stream->in_window = 1;
  stream->offered = one.len;
  return hand(stream, write, &one, 1);
}

int weir__write_start(weir_stream_t *stream) {
  stream->state &= ~WEIR__PUSHED;
  int r = write_window(stream, stream->kind->write_some);
  return r == UV_EBUSY ? r : 0;
}

/* Whether what is queued fills a window, or goes like a full one. */
static inline int fills(const weir_stream_t *stream) {
  unsigned full = WEIR_WINDOW + ((stream->state & WEIR__PUSHED) != 0);
  return stream->writers >= 2 &&
         (stream->writers >= full || stream->queued >= PUSH_BYTES);
}

/* At once if that is possible, so that the queue of a peer that keeps up stays
 * short however long the callbacks go on; else what is to wait begins to. */
static WEIR__APART int push(weir_stream_t *stream) {
  weir__write_fn now = stream->kind->write_now;
  if ((stream->state & (WEIR__WRITE_BUSY | WEIR__DEFERRED | WEIR__SHORT)) != 0)
    return 0;
  stream->state |= WEIR__PUSHED;
  if (now == NULL || (stream->state & WEIR__UNHURRIED) != 0 ||
      write_window(stream, now) == UV_EAGAIN)
    write_window(stream, stream->kind->write_some);
  return 0;
}

void weir_stream_write_done(weir_stream_t *stream, int status, size_t n) {
  if ((stream->state & WEIR__WRITE_BUSY) == 0)
    return;
  int shutting = (stream->state & WEIR__SHUT_BUSY) != 0;
  stream->state &= ~(WEIR__WRITE_BUSY | WEIR__SHUT_BUSY);
  if (shutting)
    shut(stream, status);
  else if (!went(stream, status, n))
    transferred(stream, status, n);
}

void weir__write_unpark(weir_op_t *op) {
  op->flags &= (unsigned short)~WEIR__OP_PARKED;
  weir_stream_write_done(*weir__op_owner(op), UV_EAGAIN, 0);
}

static void cancel(weir_op_t *op) {
  weir_stream_t *stream = *weir__op_owner(op);
  if (op->state == WEIR__OP_STARTED)
    weir__stream_want(stream, WEIR__WANT_CANCEL_WRITE);
  else
    withdraw(stream, op);
}

static const weir__op_class_t write_class = {"write", cancel};

/* ---- The calls ---- */

/* 0 if the stream takes writes, else why not. */
static inline int writable(const weir_stream_t *stream) {
  int r = weir__stream_usable(stream);
  return r == 0 && (stream->state & WEIR__ENDED) != 0 ? UV_EPIPE : r;
}

/* Puts a write that has begun at the end of the queue. */
static inline void enqueue(weir_op_t *op, weir_stream_t *stream, form_t form,
                           size_t need) {
  op->form = (unsigned char)form;
  op->need = need;
  stream->writers++;
  stream->queued += op->left;
  weir__queue_push(&stream->writes, &op->node);
  weir__watch_told(stream, WEIR__QUEUES);
}

/* A write of `left` bytes, which are from's if it has any. need is how many
 * finish it, SIZE_MAX: all. */
static WEIR__APART int add(weir_op_t *op, weir_stream_t *stream,
                           const weir_seq_t *from, size_t left, form_t form,
                           size_t need, weir_op_cb cb) {
  if (op == NULL || stream == NULL || cb == NULL)
    return UV_EINVAL;
  int r = form == WRITE_BEHIND ? weir__stream_usable(stream) : writable(stream);
  if (need == SIZE_MAX)
    need = left;
  if (r == 0 && (need > left || left > SIZE_MAX - stream->queued))
    r = UV_EINVAL;
  if (r == 0)
    r = weir__op_start(op, stream->loop, stream, &write_class, from, left, cb);
  if (r != 0)
    return r;
  enqueue(op, stream, form, need);
  weir__stream_want(stream, WEIR__WANT_WRITE);
  return 0;
}

static WEIR__APART int begin(weir_op_t *op, weir_stream_t *stream,
                             const weir_seq_t *from, form_t form, size_t need,
                             weir_op_cb cb) {
  int r = add(op, stream, from, weir__seq_size(from), form, need, cb);
  if (r == 0 && fills(stream))
    push(stream);
  return r;
}

/* What is common calls nothing. */
int weir_write(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
               weir_op_cb cb) {
  const int bars = WEIR__ENDED | WEIR__DEFERRED;
  if (op == NULL || stream == NULL || cb == NULL ||
      from.left > SIZE_MAX - stream->queued ||
      !weir__stream_ready(stream, bars, &from) ||
      !weir__loop_looks(stream->loop))
    return begin(op, stream, &from, WRITE_ALL, SIZE_MAX, cb);
  weir__op_begin_simple(op, stream->loop, stream, &write_class, &from, cb);
  enqueue(op, stream, WRITE_ALL, from.left);
  if ((stream->state & WEIR__QUEUED) == 0)
    weir__stream_push_start(stream, WEIR__WANT_WRITE);
  else
    stream->wants |= WEIR__WANT_WRITE;
  return fills(stream) ? push(stream) : 0;
}

int weir_write_some(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                    weir_op_cb cb) {
  size_t need = weir_seq_empty(from) ? 0 : 1;
  return begin(op, stream, &from, WRITE_SOME, need, cb);
}

int weir_write_at_least(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                        size_t k, weir_op_cb cb) {
  if (k == SIZE_MAX && weir__seq_size(&from) != SIZE_MAX)
    return UV_EINVAL;
  return begin(op, stream, &from, WRITE_SOME, k, cb);
}

static void take_by(weir_op_t *op, weir_stream_t *stream, unsigned flags,
                    weir__write_fn by) {
  op->flags |= (unsigned short)flags;
  stream->state |= WEIR__WRITES_BY;
  ((weir__write_by_t *)weir__op_scratch(op))->first = by;
}

int weir__write_by(weir_op_t *op, weir_stream_t *stream, const weir_seq_t *from,
                   size_t need, weir__write_fn first, weir_op_cb cb) {
  int r = add(op, stream, from, weir__seq_size(from), WRITE_SOME, need, cb);
  if (r == 0)
    take_by(op, stream, WEIR__OP_BY, first);
  return r;
}

int weir__write_outside(weir_op_t *op, weir_stream_t *stream, size_t len,
                        weir__write_fn each, weir_op_cb cb) {
  const weir_seq_t none = weir_seq_block(NULL, 0);
  int r = add(op, stream, &none, len, WRITE_SOME, SIZE_MAX, cb);
  if (r == 0)
    take_by(op, stream, WEIR__OP_BY | WEIR__OP_OUTSIDE, each);
  return r;
}

int weir_write_eof(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                   weir_op_cb cb) {
  int r = begin(op, stream, &from, WRITE_EOF, SIZE_MAX, cb);
  if (r == 0)
    stream->state |= WEIR__ENDED;
  return r;
}

int weir__write_last(weir_op_t *op, weir_stream_t *stream, weir_op_cb cb) {
  const weir_seq_t none = weir_seq_block(NULL, 0);
  int ended = stream->state & WEIR__ENDED;
  int r = begin(op, stream, &none, ended ? WRITE_BEHIND : WRITE_EOF, 0, cb);
  if (r == 0)
    stream->state |= WEIR__ENDED;
  return r;
}

/* Offers a window of so many bytes to the kind and adds to *n what went: 0 if
 * that was all of it. */
static inline int offer(weir_stream_t *stream, const uv_buf_t *window,
                        unsigned used, size_t bytes, size_t *n) {
  weir_loop_stats_t *stats = &stream->loop->stats;
  size_t sent = 0;
  int r = stream->kind->write_now(stream, window, used, &sent);
  if (sent > bytes || (r == 0 && sent == 0)) {
    r = UV_EIO;
    sent = 0;
  }
  *n += sent;
  stats->bytes_written += sent;
  if (r != 0 || sent == bytes)
    return r == UV_EBUSY ? UV_EAGAIN : r;
  stats->short_writes++;
  return UV_EAGAIN;
}

/* Writes windows of *from until one is not taken whole. */
static int offer_windows(weir_stream_t *stream, weir_seq_t *from, size_t *n) {
  uv_buf_t window[WEIR_WINDOW];
  int r = 0;
  while (r == 0) {
    weir_seq_t rest = *from;
    size_t bytes = 0;
    size_t before = *n;
    unsigned used =
        weir__seq_fill(from, window, 0, &bytes, weir__seq_max_bytes());
    weir__seq_advance(&rest, bytes);
    if (used == 0)
      break;
    if (!weir_seq_empty(rest))
      stream->state |= WEIR__MORE;
    r = offer(stream, window, used, bytes, n);
    stream->state &= ~WEIR__MORE;
    if (*n - before == bytes)
      *from = rest;
    else
      weir__seq_advance(from, *n - before);
  }
  if (r != 0 && (stream->state & WEIR__HELD) != 0)
    weir__stream_push(stream);
  stream->state &= ~WEIR__HELD;
  return r;
}

/* After what was offered at once: *from is what is left of it. */
static inline int offered(weir_stream_t *stream, const weir_seq_t *from,
                          int r) {
  if (r == 0) {
    stream->loop->stats.writes++;
  } else if (r != UV_EAGAIN) {
    stream->write_status = r;
    if (weir_seq_empty(*from))
      r = 0;
  }
  return r;
}

static WEIR__APART int write_at_once_any(weir_stream_t *stream,
                                         weir_seq_t *from, size_t *n) {
  int r = writable(stream);
  if (r == 0)
    r = stream->write_status;
  if (r != 0)
    return r;
  if (!weir__queue_empty(&stream->writes))
    return UV_EAGAIN;
  if (stream->kind->write_now == NULL)
    return weir_seq_empty(*from) ? 0 : UV_EAGAIN;
  r = offer_windows(stream, from, n);
  return offered(stream, from, r);
}

static WEIR__APART int not_at_once(weir_stream_t *stream, weir_seq_t *from,
                                   size_t n, int r) {
  weir__seq_advance(from, n);
  return offered(stream, from, r);
}

/* Writes what can go now of *from, and sets *n, which is 0, to that: 0,
 * UV_EAGAIN when all or a rest of it would have to wait, or why writing fails.
 * One piece, the common case, needs no window of many. */
static inline int write_at_once(weir_stream_t *stream, weir_seq_t *from,
                                size_t *n) {
  const int states = WEIR__CONNECTED | WEIR__CLOSING | WEIR__ENDED;
  uv_buf_t one;
  if ((stream->state & states) != WEIR__CONNECTED ||
      !weir__loop_open(stream->loop) || stream->writers != 0 ||
      stream->write_status != 0 || stream->kind->write_now == NULL ||
      from->left - 1 >= weir__seq_max_bytes() || !weir__seq_in_one(from, &one))
    return write_at_once_any(stream, from, n);
  int r = offer(stream, &one, 1, one.len, n);
  if (r != 0)
    return not_at_once(stream, from, *n, r);
  stream->loop->stats.writes++;
  return 0;
}

int weir_write_now(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                   size_t *n, weir_op_cb cb) {
  if (n != NULL)
    *n = 0;
  if (op == NULL || stream == NULL || n == NULL || cb == NULL)
    return UV_EINVAL;
  int r = write_at_once(stream, &from, n);
  if (r != UV_EAGAIN)
    return r;
  r = begin(op, stream, &from, WRITE_ALL, SIZE_MAX, cb);
  if (r == 0) {
    op->done += *n;
    op->need += *n;
    return WEIR_PENDING;
  }
  if (*n > 0)
    stream->write_status = r;
  return r;
}

int weir_write_try(weir_stream_t *stream, weir_seq_t from, size_t *n) {
  if (n != NULL)
    *n = 0;
  if (stream == NULL || n == NULL)
    return UV_EINVAL;
  int r = write_at_once(stream, &from, n);
  if (r == UV_EAGAIN && *n > 0) {
    stream->loop->stats.writes++;
    r = 0;
  }
  return r;
}

size_t weir_stream_queued(const weir_stream_t *stream) {
  return stream->queued;
}
