/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "os_handle.h"

/* libuv does not clear its callbacks when it makes a handle. So the owner is
 * where it keeps an event for a read, which it has for sockets of foreign
 * providers alone; and that it is an owner says the callback that libuv asks
 * for memory to read into. */
static void taken(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle, (void)size;
  buf->len = 0;
}

static void left(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  taken(handle, size, buf);
}

/* A read that was stopped is with the system yet, and takes what comes. Named
 * pipes do nothing but by such requests. */
int weir__os_handle_check(const uv_stream_t *handle) {
  if (handle->type != UV_TCP)
    return UV_ENOTSUP;
  if (!uv_is_readable(handle) && !uv_is_writable(handle))
    return UV_ENOTCONN;
  if (uv_is_active((const uv_handle_t *)handle) || handle->reqs_pending != 0 ||
      uv_stream_get_write_queue_size(handle) != 0 ||
      handle->stream.conn.shutdown_req != NULL)
    return UV_EBUSY;
  return handle->read_req.event_handle != NULL ? UV_ENOTSUP : 0;
}

void weir__os_handle_mark(uv_stream_t *handle, void *owner) {
  handle->alloc_cb = taken;
  handle->read_req.event_handle = owner;
}

void weir__os_handle_leave(uv_stream_t *handle) {
  handle->alloc_cb = left;
}

void weir__os_handle_unmark(uv_stream_t *handle) {
  handle->alloc_cb = NULL;
  handle->read_req.event_handle = NULL;
}

static uv_alloc_cb mark(const uv_handle_t *handle) {
  const uv_stream_t *stream = (const uv_stream_t *)handle;
  return handle->type == UV_TCP && stream->read_req.event_handle != NULL
             ? stream->alloc_cb
             : NULL;
}

void *weir__os_handle_owner(const uv_handle_t *handle) {
  return mark(handle) == taken || mark(handle) == left
             ? ((const uv_stream_t *)handle)->read_req.event_handle
             : NULL;
}

int weir__os_handle_lends(const uv_stream_t *handle, const void *owner) {
  const uv_handle_t *base = (const uv_handle_t *)handle;
  return !uv_is_closing(base) && weir__os_handle_owner(base) == owner;
}

/* One that is closed in a close callback is in no list any more when that ends,
 * since libuv goes on until all are done. So each turn has to look itself. */
int weir__os_handle_lost(const uv_loop_t *uv) {
  (void)uv;
  return 1;
}

/* Nothing of a marked handle is with the system, and so its close waits for
 * nothing but the end of the turn. */
void weir__os_handle_each_lost(const uv_loop_t *uv, void (*lost)(void *owner)) {
  const uv_handle_t *handle = uv->endgame_handles;
  for (; handle != NULL; handle = handle->endgame_next)
    if (mark(handle) == taken)
      lost(weir__os_handle_owner(handle));
}

void weir__os_handle_hide(uv_idle_t *handle, int on) {
  const unsigned internal = 0x10; /* libuv's UV_HANDLE_INTERNAL */
  if (on)
    handle->flags |= internal;
  else
    handle->flags &= ~internal;
}

/* There is no fork. */
void weir__os_handle_unsend(uv_async_t *async) {
  (void)async;
}
