/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h" /* before all others: what is not POSIX's */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "os.h"

/* Settings of sockets, as systems name them. */

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

/* Where a setting is found; a level of -1: the system has none. What is of IP
 * has another place for IPv6. */
typedef struct place_s {
  int any_socket; /* not TCP's alone */
  int level;
  int name;
  int v6_level;
  int v6_name;
} place_t;

static place_t place_of(weir__option_t option) {
  switch (option) {
  case WEIR__OPTION_NODELAY:
    return (place_t){0, IPPROTO_TCP, TCP_NODELAY, 0, 0};
  case WEIR__OPTION_KEEPALIVE:
    return (place_t){0, SOL_SOCKET, SO_KEEPALIVE, 0, 0};
#ifdef KEEP_IDLE
  case WEIR__OPTION_KEEP_IDLE:
    return (place_t){0, IPPROTO_TCP, KEEP_IDLE, 0, 0};
#endif
#ifdef TCP_KEEPINTVL
  case WEIR__OPTION_KEEP_INTERVAL:
    return (place_t){0, IPPROTO_TCP, TCP_KEEPINTVL, 0, 0};
#endif
#ifdef TCP_KEEPCNT
  case WEIR__OPTION_KEEP_COUNT:
    return (place_t){0, IPPROTO_TCP, TCP_KEEPCNT, 0, 0};
#endif
#ifdef CORK
  case WEIR__OPTION_CORK:
    return (place_t){0, IPPROTO_TCP, CORK, 0, 0};
#endif
#ifdef TCP_FASTOPEN
  case WEIR__OPTION_FASTOPEN:
    return (place_t){0, IPPROTO_TCP, TCP_FASTOPEN, 0, 0};
#endif
#ifdef TCP_FASTOPEN_CONNECT
  case WEIR__OPTION_FASTOPEN_CONNECT:
    return (place_t){0, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0, 0};
#endif
#ifdef REUSEPORT
  case WEIR__OPTION_REUSEPORT:
    return (place_t){0, SOL_SOCKET, REUSEPORT, 0, 0};
#endif
  case WEIR__OPTION_SEND_BUFFER:
    return (place_t){1, SOL_SOCKET, SO_SNDBUF, 0, 0};
  case WEIR__OPTION_RECV_BUFFER:
    return (place_t){1, SOL_SOCKET, SO_RCVBUF, 0, 0};
  case WEIR__OPTION_TTL:
    return (place_t){0, IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS};
  case WEIR__OPTION_TOS:
    return (place_t){0, IPPROTO_IP, IP_TOS, IPPROTO_IPV6, IPV6_TCLASS};
  default:
    return (place_t){0, -1, 0, 0, 0};
  }
}

/* What the system has none of, it says in several ways. */
static int last_error(void) {
  return errno == ENOPROTOOPT || errno == EOPNOTSUPP || errno == ENOTSOCK
             ? UV_ENOTSUP
             : uv_translate_sys_error(errno);
}

/* Finds the place for fd, and in *v6 whether it is that of IPv6: 0, UV_ENOTSUP
 * or an error. A setting of TCP's own no other socket takes; others do, and do
 * nothing. */
static int find(weir__fd_t fd, weir__option_t option, place_t *place, int *v6) {
  struct sockaddr_storage name;
  int len = sizeof(name);
  *place = place_of(option);
  *v6 = 0;
  if (place->level < 0)
    return UV_ENOTSUP;
  if (place->any_socket || place->level == IPPROTO_TCP)
    return 0;
  int r = weir__os_sockname(fd, (struct sockaddr *)&name, &len);
  if (r != 0)
    return r;
  *v6 = name.ss_family == AF_INET6 && place->v6_level != 0;
  return name.ss_family == AF_INET || name.ss_family == AF_INET6 ? 0
                                                                 : UV_ENOTSUP;
}

static int set_at(weir__fd_t fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? last_error()
                                                                : 0;
}

/* A socket of IPv6 may be connected over IPv4, and then heeds the setting of
 * that one; where it has none, there is nothing to be set. */
int weir__os_set_option(weir__fd_t fd, weir__option_t option, int value) {
  place_t place;
  int v6;
  int r = find(fd, option, &place, &v6);
  if (r != 0)
    return r;
  r = set_at(fd, place.level, place.name, value);
  return v6 ? set_at(fd, place.v6_level, place.v6_name, value) : r;
}

int weir__os_get_option(weir__fd_t fd, weir__option_t option, int *value) {
  place_t place;
  int found = 0;
  socklen_t len = sizeof(found);
  int v6;
  int r = find(fd, option, &place, &v6);
  if (r != 0)
    return r;
  if (getsockopt(fd, v6 ? place.v6_level : place.level,
                 v6 ? place.v6_name : place.name, &found, &len) < 0)
    return last_error();
  *value = found;
  return 0;
}
