/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os_handle.h"
#include "stream.h"

/* Streams of handles that are the application's. */

static int adoptable(const weir_loop_t *loop, const uv_stream_t *handle) {
  const uv_handle_t *base = (const uv_handle_t *)handle;
  if (handle->loop != loop->uv || uv_is_closing(base) ||
      (handle->type != UV_TCP && handle->type != UV_NAMED_PIPE) ||
      (handle->type == UV_NAMED_PIPE && ((const uv_pipe_t *)handle)->ipc != 0))
    return UV_EINVAL;
  if (weir__os_handle_owner(base) != NULL)
    return UV_EALREADY;
  return weir__os_handle_check(handle);
}

int weir_adopt(weir_loop_t *loop, weir_stream_t *stream, uv_stream_t *handle) {
  uv_os_fd_t found;
  if (loop == NULL || stream == NULL || handle == NULL)
    return UV_EINVAL;
  int r = adoptable(loop, handle);
  if (r == 0)
    r = weir__loop_check(loop);
  if (r != 0)
    return r;
  if (uv_fileno((uv_handle_t *)handle, &found) != 0)
    return UV_ENOTCONN;
  weir__fd_t fd = (weir__fd_t)found;
  weir__stream_prepare(loop, stream);
  weir__own_init(stream, fd, weir__os_check_socket(fd) == 0);
  stream->impl = handle;
  stream->state = WEIR__CONNECTED | WEIR__ADOPTED;
  loop->stats.syscalls++;
  if (uv_has_ref((uv_handle_t *)handle))
    weir__own(stream)->flags |= WEIR__OWN_REFFED;
  uv_unref((uv_handle_t *)handle);
  loop->flags |= WEIR__LOOP_ADOPTS;
  weir__os_handle_mark(handle, stream);
  weir__stream_open(stream);
  return 0;
}

/* Its handle was closed by the application. A write that was not submitted yet
 * must not be any more: the number of the descriptor may come again. */
static void lose(weir_stream_t *stream) {
  weir__kind(stream)->unwatch(stream);
  stream->state |= WEIR__LOST;
  weir__stream_cancel_all(stream);
  weir__cancel_write_start(stream);
}

/* What is closed in a check callback behind ours we do not see in the turn. */
void weir__adopted_check(weir_loop_t *loop) {
  weir_stream_t *stream = NULL;
  if ((loop->flags & WEIR__LOOP_CHECKED_LATE) == 0 &&
      !weir__os_handle_lost(loop->uv))
    return;
  while ((stream = weir__stream_next(loop, stream)) != NULL)
    if ((stream->state & WEIR__LOST) == 0 && weir__kind(stream) != NULL &&
        stream->impl != NULL && !weir__os_handle_lends(stream->impl, stream))
      lose(stream);
}

static void lose_once(void *owner) {
  weir_stream_t *stream = owner;
  if ((stream->state & WEIR__LOST) == 0 && !weir__loop_foreign(stream->loop))
    lose(stream);
}

void weir__adopted_closed(const uv_loop_t *uv) {
  weir__os_handle_each_lost(uv, lose_once);
}
