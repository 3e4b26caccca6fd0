/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os_option.h"

/* Settings of sockets. libuv's header has the names that all systems share. */

static weir__option_place_t place_of(weir__option_t option) {
  switch (option) {
  case WEIR__OPTION_NODELAY:
    return (weir__option_place_t){0, IPPROTO_TCP, TCP_NODELAY, 0, 0};
  case WEIR__OPTION_KEEPALIVE:
    return (weir__option_place_t){0, SOL_SOCKET, SO_KEEPALIVE, 0, 0};
  case WEIR__OPTION_SEND_BUFFER:
    return (weir__option_place_t){1, SOL_SOCKET, SO_SNDBUF, 0, 0};
  case WEIR__OPTION_RECV_BUFFER:
    return (weir__option_place_t){1, SOL_SOCKET, SO_RCVBUF, 0, 0};
  case WEIR__OPTION_TTL:
    return (weir__option_place_t){0, IPPROTO_IP, IP_TTL, IPPROTO_IPV6,
                                  IPV6_UNICAST_HOPS};
  default:
    return weir__os_option_place(option);
  }
}

/* Finds the place for fd, and in *v6 whether it is that of IPv6: 0, UV_ENOTSUP
 * or an error. A setting of TCP's own no other socket takes; others do, and do
 * nothing. */
static int find(weir__fd_t fd, weir__option_t option,
                weir__option_place_t *place, int *v6) {
  int family;
  *place = place_of(option);
  *v6 = 0;
  if (place->level < 0)
    return UV_ENOTSUP;
  if (place->any_socket || place->level == IPPROTO_TCP)
    return 0;
  int r = weir__os_family(fd, &family);
  if (r != 0)
    return r;
  *v6 = family == AF_INET6 && place->v6_level != 0;
  return family == AF_INET || family == AF_INET6 ? 0 : UV_ENOTSUP;
}

/* What the system has none of, it says in several ways. */
static int said(int r) {
  return r == UV_ENOPROTOOPT || r == UV_ENOTSOCK ? UV_ENOTSUP : r;
}

/* A socket of IPv6 may be connected over IPv4, and then heeds the setting of
 * that one; where it has none, there is nothing to be set. */
int weir__os_set_option(weir__fd_t fd, weir__option_t option, int value) {
  weir__option_place_t place;
  int v6;
  int r = find(fd, option, &place, &v6);
  if (r != 0)
    return r;
  r = weir__os_set_at(fd, place.level, place.name, value);
  if (v6)
    r = weir__os_set_at(fd, place.v6_level, place.v6_name, value);
  return said(r);
}

int weir__os_get_option(weir__fd_t fd, weir__option_t option, int *value) {
  weir__option_place_t place;
  int v6;
  int r = find(fd, option, &place, &v6);
  if (r != 0)
    return r;
  return said(weir__os_get_at(fd, v6 ? place.v6_level : place.level,
                              v6 ? place.v6_name : place.name, value));
}
