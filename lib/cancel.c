/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "queue.h"
#include "stream.h"

/* The early end of what a stream is doing. */

int weir__cancel_read_start(weir_stream_t *stream) {
  if ((stream->state & WEIR__READ_BUSY) == 0)
    return 0;
  return stream->kind->cancel_read(stream);
}

int weir__cancel_write_start(weir_stream_t *stream) {
  weir_op_t *op = weir__write_head(stream);
  if ((stream->state & WEIR__WRITE_BUSY) == 0)
    return 0;
  if (op == NULL || (op->flags & WEIR__OP_PARKED) == 0)
    return stream->kind->cancel_write(stream);
  ((weir__write_outside_t *)weir__op_scratch(op))->leave(op);
  return 0;
}

int weir__cancel_net_start(weir_stream_t *stream) {
  if ((stream->state & WEIR__NET_BUSY) == 0)
    return 0;
  return weir__kind(stream)->cancel(stream);
}

void weir__stream_cancel_read(weir_stream_t *stream) {
  weir_loop_t *loop = stream->loop;
  int r = UV_EBUSY;
  if (weir__stream_may_ask(stream)) {
    loop->flags |= WEIR__LOOP_BEGINNING;
    r = weir__cancel_read_start(stream);
    loop->flags &= ~WEIR__LOOP_BEGINNING;
  }
  if (r == UV_EBUSY)
    weir__stream_want(stream, WEIR__WANT_CANCEL_READ);
  else
    weir__loop_wake(loop);
}

static void cancel_waits(weir_stream_t *stream) {
  weir_op_t *op = weir__own(stream)->waits;
  weir_op_t *next;
  for (; op != NULL; op = next) {
    next = weir__wait_of(op)->next;
    weir__op_end(op, UV_ECANCELED);
  }
}

static void end_queue(weir_stream_t *stream, int status) {
  weir_op_t *op = weir__write_head(stream);
  weir_op_t *next;
  for (; op != NULL; op = next) {
    next = weir__write_next(stream, op);
    weir__op_end(op, status);
  }
}

void weir__stream_cancel_all(weir_stream_t *stream) {
  if (stream->reader != NULL)
    weir__op_end(stream->reader, UV_ECANCELED);
  if ((stream->state & WEIR__WAITS) != 0)
    cancel_waits(stream);
  end_queue(stream, UV_ECANCELED);
}

void weir__stream_writes_late(weir_stream_t *stream) {
  stream->write_status = UV_ETIMEDOUT;
  end_queue(stream, UV_ETIMEDOUT);
}
