/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef OS_WINDOWS_H
#define OS_WINDOWS_H

#include "os_windows/posix.h"

/* Whether it is a socket's number; sets its mode. */
int os_is_socket(int fd);
int os_set_nonblocking(int fd, int on);

/* What its mode was as far as the tests know; -1: it stays. */
int os_is_nonblocking(SOCKET s, int on);

int os_close_socket(int fd);
int os_count_sockets(void);

#endif
