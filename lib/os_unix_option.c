/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h" /* before all others: what is not POSIX's */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "os_option.h"

/* Settings of sockets, as systems of Unix name them. */

#if defined(TCP_KEEPIDLE)
#define KEEP_IDLE TCP_KEEPIDLE
#elif defined(TCP_KEEPALIVE)
#define KEEP_IDLE TCP_KEEPALIVE
#endif
#if defined(TCP_CORK)
#define CORK TCP_CORK
#elif defined(TCP_NOPUSH)
#define CORK TCP_NOPUSH
#endif
/* Elsewhere it is another thing: the newest socket gets all. */
#if defined(SO_REUSEPORT_LB)
#define REUSEPORT SO_REUSEPORT_LB
#elif defined(SO_REUSEPORT) && (defined(__linux__) || defined(__DragonFly__))
#define REUSEPORT SO_REUSEPORT
#endif

weir__option_place_t weir__os_option_place(weir__option_t option) {
  switch (option) {
#ifdef KEEP_IDLE
  case WEIR__OPTION_KEEP_IDLE:
    return (weir__option_place_t){0, IPPROTO_TCP, KEEP_IDLE, 0, 0};
#endif
#ifdef TCP_KEEPINTVL
  case WEIR__OPTION_KEEP_INTERVAL:
    return (weir__option_place_t){0, IPPROTO_TCP, TCP_KEEPINTVL, 0, 0};
#endif
#ifdef TCP_KEEPCNT
  case WEIR__OPTION_KEEP_COUNT:
    return (weir__option_place_t){0, IPPROTO_TCP, TCP_KEEPCNT, 0, 0};
#endif
#ifdef CORK
  case WEIR__OPTION_CORK:
    return (weir__option_place_t){0, IPPROTO_TCP, CORK, 0, 0};
#endif
#ifdef TCP_FASTOPEN
  case WEIR__OPTION_FASTOPEN:
    return (weir__option_place_t){0, IPPROTO_TCP, TCP_FASTOPEN, 0, 0};
#endif
#ifdef TCP_FASTOPEN_CONNECT
  case WEIR__OPTION_FASTOPEN_CONNECT:
    return (weir__option_place_t){0, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0, 0};
#endif
#ifdef REUSEPORT
  case WEIR__OPTION_REUSEPORT:
    return (weir__option_place_t){0, SOL_SOCKET, REUSEPORT, 0, 0};
#endif
  case WEIR__OPTION_TOS:
    return (weir__option_place_t){0, IPPROTO_IP, IP_TOS, IPPROTO_IPV6,
                                  IPV6_TCLASS};
  default:
    return (weir__option_place_t){0, -1, 0, 0, 0};
  }
}

/* libuv knows of one of these two. */
static int last_error(void) {
  return errno == EOPNOTSUPP ? UV_ENOTSUP : uv_translate_sys_error(errno);
}

int weir__os_family(weir__fd_t fd, int *family) {
  struct sockaddr_storage name;
  socklen_t size = sizeof(name);
  if (getsockname(fd, (struct sockaddr *)&name, &size) < 0)
    return errno == ENOTSOCK ? UV_ENOTSUP : last_error();
  *family = name.ss_family;
  return 0;
}

int weir__os_set_at(weir__fd_t fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? last_error()
                                                                : 0;
}

int weir__os_get_at(weir__fd_t fd, int level, int name, int *value) {
  int found = 0;
  socklen_t len = sizeof(found);
  if (getsockopt(fd, level, name, &found, &len) < 0)
    return last_error();
  *value = found;
  return 0;
}
