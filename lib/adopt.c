/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "backend.h"
#include "stream.h"

/* Streams of handles that are the application's. */

/* The mark of an adopted handle: where libuv has the callback that it asks for
 * memory to read into. libuv clears it when the handle is made and when its
 * reading is stopped, and never looks at it while nobody reads. */
static void taken(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle;
  (void)size;
  buf->len = 0;
}

/* A handle is readable from the beginning of its connect on, and its shutdown
 * waits in none of libuv's queues. */
static int adoptable(const weir_loop_t *loop, const uv_stream_t *handle) {
  const uv_handle_t *base = (const uv_handle_t *)handle;
  if (handle->loop != loop->uv || uv_is_closing(base) ||
      (handle->type != UV_TCP && handle->type != UV_NAMED_PIPE) ||
      (handle->type == UV_NAMED_PIPE && ((const uv_pipe_t *)handle)->ipc != 0))
    return UV_EINVAL;
  if (handle->alloc_cb == taken)
    return UV_EALREADY;
  if (handle->connect_req != NULL ||
      (!uv_is_readable(handle) && !uv_is_writable(handle)))
    return UV_ENOTCONN;
  if (uv_is_active(base) || uv_stream_get_write_queue_size(handle) != 0 ||
      handle->shutdown_req != NULL)
    return UV_EBUSY;
  return 0;
}

int weir_adopt(weir_loop_t *loop, weir_stream_t *stream, uv_stream_t *handle) {
  if (loop == NULL || stream == NULL || handle == NULL)
    return UV_EINVAL;
  int r = adoptable(loop, handle);
  if (r == 0)
    r = weir__loop_check(loop);
  if (r != 0)
    return r;
  weir__stream_prepare(loop, stream);
  r = loop->backend->net->adopt(stream, handle);
  if (r != 0)
    return r;
  handle->alloc_cb = taken;
  stream->state = WEIR__CONNECTED | WEIR__ADOPTED;
  weir__stream_open(stream);
  return 0;
}

void weir__adopted_close(uv_stream_t *handle) {
  handle->alloc_cb = NULL;
  if (!uv_is_closing((uv_handle_t *)handle))
    uv_close((uv_handle_t *)handle, NULL);
}

/* libuv keeps what is closing in a list until the end of the turn; what is
 * closed in a check callback behind ours we do not see there. */
static int any_closed(const uv_loop_t *uv) {
  const uv_handle_t *handle = uv->closing_handles;
  for (; handle != NULL; handle = handle->next_closing)
    if ((handle->type == UV_TCP || handle->type == UV_NAMED_PIPE) &&
        ((const uv_stream_t *)handle)->alloc_cb == taken)
      return 1;
  return 0;
}

void weir__adopted_check(weir_loop_t *loop) {
  weir_stream_t *stream = NULL;
  if ((loop->flags & WEIR__LOOP_CHECKED_LATE) == 0 && !any_closed(loop->uv))
    return;
  while ((stream = weir__stream_next(loop, stream)) != NULL) {
    if ((stream->state & WEIR__LOST) != 0 || !loop->backend->net->lost(stream))
      continue;
    stream->state |= WEIR__LOST;
    weir__stream_cancel_all(stream);
  }
}
