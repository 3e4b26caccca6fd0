/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "settle.h"

#include <stddef.h>

/* libuv calls the close callbacks of one turn together, in an order of its own.
 * What was closed before the first of two closes in a row is over at the
 * second's callback. */

static void on_closed(uv_handle_t *handle) {
  weir__settle_t *settle =
      (weir__settle_t *)((char *)handle - offsetof(weir__settle_t, handle));

  if (settle->rounds-- == 0) {
    settle->cb(settle->arg);
    return;
  }
  uv_check_init(handle->loop, &settle->handle);
  uv_close(handle, on_closed);
}

void weir__settle(uv_loop_t *uv, weir__settle_t *settle, void (*cb)(void *),
                  void *arg) {
  settle->cb = cb;
  settle->arg = arg;
  settle->rounds = 1;
  uv_check_init(uv, &settle->handle);
  uv_close((uv_handle_t *)&settle->handle, on_closed);
}
