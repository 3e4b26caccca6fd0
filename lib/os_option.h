/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OS_OPTION_H
#define WEIR__OS_OPTION_H

#include "os.h"

/* What each system has for settings of sockets, which lib/os_option.c sets. */

/* Where a setting is found; a level of -1: the system has none. What is of IP
 * has another place for IPv6. */
typedef struct weir__option_place_s {
  int any_socket; /* not TCP's alone */
  int level;
  int name;
  int v6_level;
  int v6_name;
} weir__option_place_t;

/* Of those that not every system has, or not by the same name. */
weir__option_place_t weir__os_option_place(weir__option_t option);

/* The family of a socket: 0, UV_ENOTSUP for what is none, or an error. */
int weir__os_family(weir__fd_t fd, int *family);

/* 0, UV_ENOPROTOOPT or UV_ENOTSUP where the system has nothing there, or an
 * error. */
int weir__os_set_at(weir__fd_t fd, int level, int name, int value);
int weir__os_get_at(weir__fd_t fd, int level, int name, int *value);

#endif
