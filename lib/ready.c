/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/ready.h>

#include "stream.h"

/* Waits of a stream for readiness. There are two at most, in a list of their
 * own: they neither hold up transfers nor wait for them. */

static_assert(sizeof(weir__wait_t) <= WEIR_OP_SCRATCH, "a wait fits in its op");

static void finish(weir_stream_t *stream, weir_op_t *op, int status) {
  weir_op_t **at = &weir__own(stream)->waits;
  while (*at != op)
    at = &weir__wait_of(*at)->next;
  *at = weir__wait_of(op)->next;
  if (weir__own(stream)->waits == NULL)
    stream->state &= ~WEIR__WAITS;
  weir__op_finish(op, status);
}

static void cancel(weir_op_t *op) {
  if (op->state == WEIR__OP_QUEUED)
    finish(*weir__op_owner(op), op, UV_ECANCELED);
  else
    weir__stream_want(*weir__op_owner(op), WEIR__WANT_WAIT);
}

static const weir__op_class_t wait_class = {"wait", cancel};

void weir__wait_done(weir_op_t *op, int status, int events) {
  weir_stream_t *stream = *weir__op_owner(op);
  weir__wait_t *wait = weir__wait_of(op);
  if (weir__asks_again(status) && !weir__op_ending(op)) {
    op->state = WEIR__OP_QUEUED;
    weir__stream_want_again(stream, WEIR__WANT_WAIT, status);
    return;
  }
  wait->ready = (unsigned char)(events & wait->events);
  finish(stream, op, weir__asks_again(status) ? UV_ECANCELED : status);
  weir__stream_idle(stream);
}

/* What an earlier transfer has left for the next one comes at once. */
static int kept(const weir_stream_t *stream) {
  return (stream->read_status != 0 ? WEIR_READABLE : 0) |
         (stream->write_status != 0 ? WEIR_WRITABLE : 0);
}

static int start_one(weir_stream_t *stream, weir_op_t *op) {
  int events = kept(stream) & weir__wait_of(op)->events;
  op->state = WEIR__OP_STARTED;
  int r = events != 0 ? 0 : weir__kind(stream)->wait(stream, op);
  if (r == WEIR_PENDING)
    return 0;
  if (r == UV_EBUSY) {
    op->state = WEIR__OP_QUEUED;
    return UV_EBUSY;
  }
  /* What cannot be watched is always ready. */
  if (r == UV_EPERM) {
    r = 0;
    events = weir__wait_of(op)->events;
  }
  weir__wait_done(op, r, events);
  return 0;
}

int weir__wait_start(weir_stream_t *stream) {
  weir_op_t *op = weir__own(stream)->waits;
  weir_op_t *next;
  int refused = 0;
  for (; op != NULL; op = next) {
    int r = 0;
    next = weir__wait_of(op)->next;
    if (op->state == WEIR__OP_QUEUED)
      r = start_one(stream, op);
    else if (weir__op_ending(op))
      r = weir__kind(stream)->unwait(stream, op);
    if (r == UV_EBUSY)
      refused = UV_EBUSY;
  }
  return refused;
}

/* What the waits of stream wait for. */
static int waited_for(const weir_stream_t *stream) {
  const weir_op_t *op = weir__own(stream)->waits;
  int events = 0;
  for (; op != NULL; op = weir__wait_of(op)->next)
    events |= weir__wait_of(op)->events;
  return events;
}

static int usable(const weir_stream_t *stream, int events) {
  int r = weir__stream_usable(stream);
  if (r != 0)
    return r;
  if (weir__kind(stream) == NULL)
    return UV_ENOTSUP;
  if ((events & WEIR_WRITABLE) != 0 && (stream->state & WEIR__ENDED) != 0)
    return UV_EPIPE;
  return (waited_for(stream) & events) != 0 ? UV_EALREADY : 0;
}

int weir_wait(weir_op_t *op, weir_stream_t *stream, int events, weir_op_cb cb) {
  const int known = WEIR_READABLE | WEIR_WRITABLE;
  if (op == NULL || stream == NULL || cb == NULL || events == 0 ||
      (events & ~known) != 0)
    return UV_EINVAL;
  int r = usable(stream, events);
  if (r != 0)
    return r;
  weir__op_begin_plain(op, stream->loop, stream, &wait_class, cb);
  *weir__wait_of(op) = (weir__wait_t){.next = weir__own(stream)->waits,
                                      .events = (unsigned char)events};
  weir__own(stream)->waits = op;
  stream->state |= WEIR__WAITS;
  weir__stream_want(stream, WEIR__WANT_WAIT);
  return 0;
}

int weir_wait_result(const weir_op_t *op) {
  return weir__wait_of(op)->ready;
}
