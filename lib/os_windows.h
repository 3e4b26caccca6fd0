/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OS_WINDOWS_H
#define WEIR__OS_WINDOWS_H

#include <uv.h>

#include "os_fd.h"

/* What the parts of lib/os_windows*.c have in common. */

/* Of the last call of this thread that failed: Winsock keeps its errors where
 * all others are. */
static inline int weir__last_error(void) {
  return uv_translate_sys_error((int)GetLastError());
}

static inline SOCKET weir__socket_of(weir__fd_t fd) {
  return (SOCKET)fd;
}

/* INVALID_HANDLE_VALUE if there is no such file. */
static inline HANDLE weir__handle_of(uv_file file) {
  return file < 0 ? INVALID_HANDLE_VALUE : uv_get_osfhandle(file);
}

#endif
