/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "settle.h"

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
  uv_close((uv_handle_t *)idle, on_second);
}

void weir__settle_again(weir__settle_t *settle) {
  uv_idle_init(settle->handle.loop, &settle->handle);
  uv_idle_start(&settle->handle, on_turn);
}

/* Such a handle is closing, for which libuv has set the callback, or waits for
 * a turn. */
void *weir__settle_owner(const uv_handle_t *handle) {
  if (uv_is_closing(handle))
    return handle->close_cb == on_first || handle->close_cb == on_second
               ? handle->data
               : NULL;
  return handle->type == UV_IDLE && uv_is_active(handle) &&
                 ((const uv_idle_t *)handle)->idle_cb == on_turn
             ? handle->data
             : NULL;
}
