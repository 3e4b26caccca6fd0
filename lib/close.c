/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <assert.h>

#include "os.h"
#include "queue.h"
#include "stream.h"
#include "tally.h"
#include "watch.h"

/* The end of a stream: its operations first, then its kind's part, then its
 * callback. */

/* 0 if stream can begin to close. */
static int closable(const weir_stream_t *stream) {
  if (stream == NULL || stream->loop == NULL)
    return UV_EINVAL;
  if ((stream->state & WEIR__CLOSING) != 0)
    return UV_EALREADY;
  return weir__loop_revive(stream->loop);
}

static void begin(weir_stream_t *stream, weir_close_cb cb) {
  stream->state |= WEIR__CLOSING;
  stream->close_cb = cb;
  weir__watch_end(stream);
  weir__loop_ref(stream->loop);
  weir__stream_cancel_all(stream);
  weir__stream_idle(stream);
}

int weir_close(weir_stream_t *stream, weir_close_cb cb) {
  int r = closable(stream);
  if (r == 0)
    begin(stream, cb);
  return r;
}

int weir_close_reset(weir_stream_t *stream, weir_close_cb cb) {
  weir__fd_t fd;
  int r = closable(stream);
  if (r == 0 && (stream->state & WEIR__CONNECTED) == 0)
    r = UV_ENOTCONN;
  if (r == 0)
    r = weir__stream_fd(stream, &fd);
  if (r == 0)
    r = weir__os_reset_at_close(fd);
  if (r == 0)
    begin(stream, cb);
  return r;
}

/* The same, but for the end of the handle. */
int weir_release(weir_stream_t *stream, weir_close_cb cb) {
  int r = closable(stream);
  if (r == 0 && (stream->state & WEIR__ADOPTED) == 0)
    r = UV_EINVAL;
  if (r == 0 && weir__own_fd(stream) < 0)
    r = UV_EBADF;
  if (r != 0)
    return r;
  stream->state |= WEIR__RELEASED;
  begin(stream, cb);
  return 0;
}

void weir_stream_close_done(weir_stream_t *stream) {
  weir_loop_t *loop = stream->loop;
  assert((stream->state & WEIR__CLOSE_BUSY) != 0);
  assert((stream->state & (WEIR__QUEUED | WEIR__DEFERRED)) == 0);
  weir__tally_end(&stream->leases);
  weir__queue_remove(&stream->open);
  weir__queue_push(&loop->closed, &stream->node);
  stream->due = loop->due++;
  weir__loop_wake(loop);
}
