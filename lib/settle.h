/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SETTLE_H
#define WEIR__SETTLE_H

#include <uv.h>

/* Waits until closes that are in libuv's hands already are over, also those
 * whose callback is not ours: handles that the application has closed, or that
 * are its own. The memory must stay until cb. */
typedef struct weir__settle_s {
  uv_check_t handle;
  void (*cb)(struct weir__settle_s *settle);
} weir__settle_t;

/* Calls cb then. owner is what weir__settle_owner says of the handle. */
void weir__settle(uv_loop_t *uv, weir__settle_t *settle, void *owner,
                  void (*cb)(weir__settle_t *settle));

/* Whose handle is, of any type; NULL: it is none of these. */
void *weir__settle_owner(const uv_handle_t *handle);

#endif
