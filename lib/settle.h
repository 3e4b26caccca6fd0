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
  uv_idle_t handle;
  void (*cb)(struct weir__settle_s *settle);
} weir__settle_t;

/* Calls cb then. owner is what weir__settle_owner says of the handle. */
void weir__settle(uv_loop_t *uv, weir__settle_t *settle, void *owner,
                  void (*cb)(weir__settle_t *settle));

/* In cb, when some of those are not over: has it called again, a turn later. Of
 * Windows's closes some wait for the system, and the others go in an order of
 * their own. */
void weir__settle_again(weir__settle_t *settle);

/* Whether libuv is done with a handle that may have been closed; closing is the
 * loop's, see weir_loop_t. */
static inline int weir__settle_over(const uv_handle_t *handle,
                                    unsigned closing) {
  return (handle->flags & closing) == 0 || (handle->flags & closing) == closing;
}

/* Whose handle is, of any type; NULL: it is none of these. */
void *weir__settle_owner(const uv_handle_t *handle);

#endif
