/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <assert.h>
#include <string.h>

#include "os_handle.h"

/* The marks are where libuv has the callback that it asks for memory to read
 * into, and the owner is where it has the one for what was read. */
static void taken(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle, (void)size;
  buf->len = 0;
}

static void left(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  taken(handle, size, buf);
}

static_assert(sizeof(uv_read_cb) == sizeof(void *),
              "a pointer fits where libuv has a callback");

/* A handle is readable from the beginning of its connect on, and its shutdown
 * waits in none of libuv's queues. */
int weir__os_handle_check(const uv_stream_t *handle) {
  if (handle->connect_req != NULL ||
      (!uv_is_readable(handle) && !uv_is_writable(handle)))
    return UV_ENOTCONN;
  if (uv_is_active((const uv_handle_t *)handle) ||
      uv_stream_get_write_queue_size(handle) != 0 ||
      handle->shutdown_req != NULL)
    return UV_EBUSY;
  return 0;
}

void weir__os_handle_mark(uv_stream_t *handle, void *owner) {
  handle->alloc_cb = taken;
  memcpy(&handle->read_cb, &owner, sizeof(owner));
}

void weir__os_handle_leave(uv_stream_t *handle) {
  handle->alloc_cb = left;
}

void weir__os_handle_unmark(uv_stream_t *handle) {
  handle->alloc_cb = NULL;
  handle->read_cb = NULL;
}

static uv_alloc_cb mark(const uv_handle_t *handle) {
  return handle->type == UV_TCP || handle->type == UV_NAMED_PIPE
             ? ((const uv_stream_t *)handle)->alloc_cb
             : NULL;
}

void *weir__os_handle_owner(const uv_handle_t *handle) {
  void *owner = NULL;
  if (mark(handle) == taken || mark(handle) == left)
    memcpy(&owner, &((const uv_stream_t *)handle)->read_cb, sizeof(owner));
  return owner;
}

int weir__os_handle_lends(const uv_stream_t *handle, const void *owner) {
  const uv_handle_t *base = (const uv_handle_t *)handle;
  return !uv_is_closing(base) && weir__os_handle_owner(base) == owner;
}

/* libuv keeps what is closing in a list until the end of the turn. */
int weir__os_handle_lost(const uv_loop_t *uv) {
  const uv_handle_t *handle = uv->closing_handles;
  while (handle != NULL && mark(handle) != taken)
    handle = handle->next_closing;
  return handle != NULL;
}

void weir__os_handle_each_lost(const uv_loop_t *uv, void (*lost)(void *owner)) {
  const uv_handle_t *handle = uv->closing_handles;
  for (; handle != NULL; handle = handle->next_closing)
    if (mark(handle) == taken)
      lost(weir__os_handle_owner(handle));
}

void weir__os_handle_hide(uv_idle_t *handle, int on) {
  (void)handle, (void)on;
}

void weir__os_handle_unsend(uv_async_t *async) {
  async->pending = 0;
}
