/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "alarm.h"
#include "op.h"
#include "op_block.h"
#include "stream.h"

/* A close after what is queued: an operation of the library's own stands behind
 * the writes, and an alarm ends them. */

typedef struct linger_s {
  weir_op_t op;
  weir_alarm_t alarm;
  weir_stream_t *stream;
  weir_close_cb cb;
} linger_t;

/* The stream is still there: its own callback comes after this one. */
static void on_gone(weir_op_t *op, int status, size_t n) {
  linger_t *linger = (linger_t *)op;
  weir_stream_t *stream = linger->stream;
  weir_loop_t *loop = stream->loop;
  (void)status;
  (void)n;
  weir__alarm_end(loop, &linger->alarm);
  /* UV_EALREADY: it was closed meanwhile. */
  (void)weir_close(stream, linger->cb);
  weir__op_own_give(loop, linger);
}

static void late(weir_alarm_t *alarm) {
  const linger_t *linger =
      (linger_t *)((uintptr_t)alarm - offsetof(linger_t, alarm));
  if (linger->op.state != WEIR__OP_DONE)
    weir__stream_writes_late(linger->stream);
}

int weir_close_after(weir_stream_t *stream, uint64_t ms, weir_close_cb cb) {
  if (stream == NULL || stream->loop == NULL)
    return UV_EINVAL;
  if ((stream->state & (WEIR__CLOSING | WEIR__LINGERS)) != 0)
    return UV_EALREADY;
  if (weir__stream_usable(stream) != 0)
    return weir_close(stream, cb);
  linger_t *linger = weir__op_own_take(stream->loop, sizeof(*linger));
  if (linger == NULL)
    return UV_ENOMEM;
  linger->stream = stream;
  linger->cb = cb;
  linger->alarm = (weir_alarm_t){.ring = late};
  int r = weir__write_last(&linger->op, stream, on_gone);
  if (r != 0) {
    weir__op_own_give(stream->loop, linger);
    return r;
  }
  stream->state |= WEIR__LINGERS;
  weir__alarm_after(stream->loop, &linger->alarm, ms);
  return 0;
}
