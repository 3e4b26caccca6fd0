/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OS_FD_H
#define WEIR__OS_FD_H

#include <stdint.h>

/* What a stream transfers by: a descriptor, or on Windows the handle of a
 * socket, which is a uv_os_fd_t to applications, and a uv_os_sock_t. A negative
 * one is none, or an error. Files are uv_file everywhere. */
#ifdef _WIN32
typedef intptr_t weir__fd_t;
#else
typedef int weir__fd_t;
#endif

#endif
