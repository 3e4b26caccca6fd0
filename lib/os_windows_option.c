/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os_option.h"
#include "os_windows.h"

/* Settings of sockets. One that the system takes and does not heed (the type of
 * service), or means something else by (an address in use), is none. */

/* Of Windows 10, which headers may not know. */
enum { KEEP_IDLE = 3, KEEP_COUNT = 16, KEEP_INTERVAL = 17 };

weir__option_place_t weir__os_option_place(weir__option_t option) {
  switch (option) {
  case WEIR__OPTION_KEEP_IDLE:
    return (weir__option_place_t){0, IPPROTO_TCP, KEEP_IDLE, 0, 0};
  case WEIR__OPTION_KEEP_INTERVAL:
    return (weir__option_place_t){0, IPPROTO_TCP, KEEP_INTERVAL, 0, 0};
  case WEIR__OPTION_KEEP_COUNT:
    return (weir__option_place_t){0, IPPROTO_TCP, KEEP_COUNT, 0, 0};
  default:
    return (weir__option_place_t){0, -1, 0, 0, 0};
  }
}

/* Of these, libuv knows nothing. */
static int last_error(void) {
  switch (WSAGetLastError()) {
  case WSAENOPROTOOPT:
    return UV_ENOPROTOOPT;
  case WSAEOPNOTSUPP:
    return UV_ENOTSUP;
  default:
    return weir__last_error();
  }
}

/* Also of a socket that is not bound, which has no name. */
int weir__os_family(weir__fd_t fd, int *family) {
  WSAPROTOCOL_INFOW info;
  int len = sizeof(info);
  if (getsockopt(weir__socket_of(fd), SOL_SOCKET, SO_PROTOCOL_INFOW,
                 (char *)&info, &len) != 0)
    return WSAGetLastError() == WSAENOTSOCK ? UV_ENOTSUP : last_error();
  *family = info.iAddressFamily;
  return 0;
}

int weir__os_set_at(weir__fd_t fd, int level, int name, int value) {
  return setsockopt(weir__socket_of(fd), level, name, (const char *)&value,
                    sizeof(value)) != 0
             ? last_error()
             : 0;
}

int weir__os_get_at(weir__fd_t fd, int level, int name, int *value) {
  int found = 0;
  int len = sizeof(found);
  if (getsockopt(weir__socket_of(fd), level, name, (char *)&found, &len) != 0)
    return last_error();
  *value = found;
  return 0;
}
