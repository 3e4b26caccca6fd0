/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os.h"

#include "os_windows.h"

/* Settings of sockets. One that the system takes and does not heed (the type of
 * service), or means something else by (an address in use), is none. */

typedef struct place_s {
  int any_socket; /* not TCP's alone */
  int level;      /* -1: there is none */
  int name;
  int v6_level;
  int v6_name;
} place_t;

/* Of Windows 10, which headers may not know. */
enum { KEEP_IDLE = 3, KEEP_COUNT = 16, KEEP_INTERVAL = 17 };

static place_t place_of(weir__option_t option) {
  switch (option) {
  case WEIR__OPTION_NODELAY:
    return (place_t){0, IPPROTO_TCP, TCP_NODELAY, 0, 0};
  case WEIR__OPTION_KEEPALIVE:
    return (place_t){0, SOL_SOCKET, SO_KEEPALIVE, 0, 0};
  case WEIR__OPTION_KEEP_IDLE:
    return (place_t){0, IPPROTO_TCP, KEEP_IDLE, 0, 0};
  case WEIR__OPTION_KEEP_INTERVAL:
    return (place_t){0, IPPROTO_TCP, KEEP_INTERVAL, 0, 0};
  case WEIR__OPTION_KEEP_COUNT:
    return (place_t){0, IPPROTO_TCP, KEEP_COUNT, 0, 0};
  case WEIR__OPTION_SEND_BUFFER:
    return (place_t){1, SOL_SOCKET, SO_SNDBUF, 0, 0};
  case WEIR__OPTION_RECV_BUFFER:
    return (place_t){1, SOL_SOCKET, SO_RCVBUF, 0, 0};
  case WEIR__OPTION_TTL:
    return (place_t){0, IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS};
  default:
    return (place_t){0, -1, 0, 0, 0};
  }
}

static int last_error(void) {
  switch (WSAGetLastError()) {
  case WSAENOPROTOOPT:
  case WSAEOPNOTSUPP:
  case WSAENOTSOCK:
    return UV_ENOTSUP;
  default:
    return weir__last_error();
  }
}

/* Also of a socket that is not bound, which has no name. */
static int family_of(weir__fd_t fd, int *family) {
  WSAPROTOCOL_INFOW info;
  int len = sizeof(info);
  if (getsockopt(weir__socket_of(fd), SOL_SOCKET, SO_PROTOCOL_INFOW,
                 (char *)&info, &len) != 0)
    return last_error();
  *family = info.iAddressFamily;
  return 0;
}

static int find(weir__fd_t fd, weir__option_t option, place_t *place, int *v6) {
  int family;
  *place = place_of(option);
  *v6 = 0;
  if (place->level < 0)
    return UV_ENOTSUP;
  if (place->any_socket || place->level == IPPROTO_TCP)
    return 0;
  int r = family_of(fd, &family);
  if (r != 0)
    return r;
  *v6 = family == AF_INET6 && place->v6_level != 0;
  return family == AF_INET || family == AF_INET6 ? 0 : UV_ENOTSUP;
}

static int set_at(weir__fd_t fd, int level, int name, int value) {
  return setsockopt(weir__socket_of(fd), level, name, (const char *)&value,
                    sizeof(value)) != 0
             ? last_error()
             : 0;
}

/* A socket of IPv6 may be connected over IPv4. */
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
  int len = sizeof(found);
  int v6;
  int r = find(fd, option, &place, &v6);
  if (r != 0)
    return r;
  if (getsockopt(weir__socket_of(fd), v6 ? place.v6_level : place.level,
                 v6 ? place.v6_name : place.name, (char *)&found, &len) != 0)
    return last_error();
  *value = found;
  return 0;
}

int weir__os_reset_at_close(weir__fd_t fd) {
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  int family;
  int r = family_of(fd, &family);
  if (r == 0 && family != AF_INET && family != AF_INET6)
    r = UV_ENOTSUP;
  if (r == 0 && setsockopt(weir__socket_of(fd), SOL_SOCKET, SO_LINGER,
                           (const char *)&now, sizeof(now)) != 0)
    r = last_error();
  return r;
}
