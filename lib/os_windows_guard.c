/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os_map.h"

/* Windows does not let a file become shorter than what is mapped of it. */

int weir__os_guard_take(int writable, int *guard) {
  (void)writable, (void)guard;
  return UV_ENOTSUP;
}

void weir__os_guard_give(int guard) {
  (void)guard;
}

void weir__os_guard_cover(int guard, const void *base, size_t size) {
  (void)guard, (void)base, (void)size;
}

int weir__os_guard_hit(int guard) {
  (void)guard;
  return 0;
}
