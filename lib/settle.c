/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "settle.h"

#include "os_handle.h"

/* libuv calls the close callbacks of one turn together, in an order of its own.
 * What was closed before the first of two closes in a row is over at the
 * second's callback. */

static void on_second(uv_handle_t *handle) {
  weir__settle_t *settle = (weir__settle_t *)handle;
  settle->cb(settle);
}

static void on_first(uv_handle_t *handle) {
  uv_idle_init(handle->loop, (uv_idle_t *)handle);
  uv_close(handle, on_second);
}

void weir__settle(uv_loop_t *uv, weir__settle_t *settle, void *owner,
                  void (*cb)(weir__settle_t *settle)) {
  settle->cb = cb;
  settle->handle.data = owner;
  uv_idle_init(uv, &settle->handle);
  uv_close((uv_handle_t *)&settle->handle, on_first);
}

static void on_turn(uv_idle_t *idle) {
  weir__os_handle_hide(idle, 0);
  uv_close((uv_handle_t *)idle, on_second);
}

void weir__settle_again(weir__settle_t *settle) {
  uv_idle_init(settle->handle.loop, &settle->handle);
  uv_idle_start(&settle->handle, on_turn);
  weir__os_handle_hide(&settle->handle, 1);
}

/* Such a handle is never anything but closing to those who see it, and libuv
 * has set the callback of each that is. */
void *weir__settle_owner(const uv_handle_t *handle) {
  if (!uv_is_closing(handle) ||
      (handle->close_cb != on_first && handle->close_cb != on_second))
    return NULL;
  return handle->data;
}
