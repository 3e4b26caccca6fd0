/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os_option.h"
#include "os_windows.h"

/* Making sockets, and asking and telling them what no transfer does. libuv has
 * started Winsock for the loop. */

int weir__os_check_socket(weir__fd_t fd) {
  int type;
  int len = sizeof(type);
  if (fd < 0)
    return UV_EBADF;
  return getsockopt(weir__socket_of(fd), SOL_SOCKET, SO_TYPE, (char *)&type,
                    &len) != 0
             ? weir__last_error()
             : 0;
}

int weir__os_is_standard(weir__fd_t fd) {
  HANDLE handle = (HANDLE)fd;
  return handle == GetStdHandle(STD_INPUT_HANDLE) ||
         handle == GetStdHandle(STD_OUTPUT_HANDLE) ||
         handle == GetStdHandle(STD_ERROR_HANDLE);
}

int weir__os_set_nonblocking(weir__fd_t fd, int on) {
  u_long mode = on != 0;
  return ioctlsocket(weir__socket_of(fd), (long)FIONBIO, &mode) != 0
             ? weir__last_error()
             : 0;
}

void weir__os_close(weir__fd_t fd) {
  closesocket(weir__socket_of(fd));
}

/* ---- Making ---- */

/* A program that is started is not to have it; that it waits for nothing
 * depends on the listener it came from. */
static int set_up(SOCKET fd, int nonblocking, weir__fd_t *made) {
  u_long mode = 1;
  if (SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0) &&
      (!nonblocking || ioctlsocket(fd, (long)FIONBIO, &mode) == 0)) {
    *made = (weir__fd_t)fd;
    return 0;
  }
  int r = weir__last_error();
  closesocket(fd);
  return r;
}

int weir__os_socket(int family, int nonblocking, weir__fd_t *made) {
  SOCKET fd = socket(family, SOCK_STREAM, 0);
  return fd == INVALID_SOCKET ? weir__last_error()
                              : set_up(fd, nonblocking, made);
}

int weir__os_accept(weir__fd_t fd, weir__fd_t *client) {
  SOCKET got;
  do {
    got = accept(weir__socket_of(fd), NULL, NULL);
    /* A connection that ended in the backlog is nobody's business. */
  } while (got == INVALID_SOCKET && (WSAGetLastError() == WSAECONNRESET ||
                                     WSAGetLastError() == WSAECONNABORTED));
  return got == INVALID_SOCKET ? weir__last_error() : set_up(got, 1, client);
}

/* ---- Addresses ---- */

/* Another program's SO_REUSEADDR would take the port away from its owner, and
 * an address whose connections are over can be bound without. */
int weir__os_bind(weir__fd_t fd, const struct sockaddr *addr, int ipv6_only) {
  int r = 0;
  if (addr->sa_family == AF_INET6)
    r = weir__os_set_at(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only);
  if (r != 0)
    return r;
  if (bind(weir__socket_of(fd), addr, (int)weir__os_address_size(addr)) == 0)
    return 0;
  switch (WSAGetLastError()) {
  case WSAEFAULT:
  case WSAEAFNOSUPPORT:
    return UV_EINVAL; /* the socket is of another family */
  default:
    return weir__last_error();
  }
}

int weir__os_listen(weir__fd_t fd, int backlog) {
  return listen(weir__socket_of(fd), backlog) != 0 ? weir__last_error() : 0;
}

/* ---- Connecting ---- */

/* Nobody can be connected to at any address; others take it for this host. */
static void specify(weir__peer_t *peer) {
  struct sockaddr_in *in4 = (struct sockaddr_in *)&peer->addr;
  if (peer->addr.sa_family == AF_INET &&
      in4->sin_addr.s_addr == htonl(INADDR_ANY))
    in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else if (peer->addr.sa_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&peer->in6.sin6_addr))
    peer->in6.sin6_addr = in6addr_loopback;
}

int weir__os_connect(weir__fd_t fd, const struct sockaddr *addr) {
  unsigned size = weir__os_address_size(addr);
  weir__peer_t peer;
  memcpy(&peer, addr, size);
  specify(&peer);
  if (connect(weir__socket_of(fd), &peer.addr, (int)size) == 0)
    return 0;
  switch (WSAGetLastError()) {
  case WSAEISCONN:
    return 0;
  case WSAEWOULDBLOCK:
  case WSAEINPROGRESS:
    return UV_EALREADY;
  default:
    return weir__last_error();
  }
}

int weir__os_error(weir__fd_t fd) {
  int error = 0;
  int len = sizeof(error);
  if (getsockopt(weir__socket_of(fd), SOL_SOCKET, SO_ERROR, (char *)&error,
                 &len) != 0)
    return weir__last_error();
  return uv_translate_sys_error(error);
}

/* ---- Facts ---- */

int weir__os_shutdown(weir__fd_t fd) {
  return shutdown(weir__socket_of(fd), SD_SEND) != 0 ? weir__last_error() : 0;
}

static int name_error(void) {
  return WSAGetLastError() == WSAENOTSOCK ? UV_ENOTSUP : weir__last_error();
}

int weir__os_sockname(weir__fd_t fd, struct sockaddr *addr, int *len) {
  if (*len < 0)
    return UV_EINVAL;
  return getsockname(weir__socket_of(fd), addr, len) != 0 ? name_error() : 0;
}

int weir__os_peername(weir__fd_t fd, struct sockaddr *addr, int *len) {
  if (*len < 0)
    return UV_EINVAL;
  return getpeername(weir__socket_of(fd), addr, len) != 0 ? name_error() : 0;
}

int weir__os_reset_at_close(weir__fd_t fd) {
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  int family;
  int r = weir__os_family(fd, &family);
  if (r == 0 && family != AF_INET && family != AF_INET6)
    r = UV_ENOTSUP;
  if (r == 0 && setsockopt(weir__socket_of(fd), SOL_SOCKET, SO_LINGER,
                           (const char *)&now, sizeof(now)) != 0)
    r = weir__last_error();
  return r;
}

/* ---- Paths ---- */

int weir__os_check_paths(void) {
  return UV_ENOTSUP;
}

int weir__os_set_path(weir__path_t *path, const char *name, size_t len) {
  (void)path, (void)name, (void)len;
  return UV_ENOTSUP;
}

int weir__os_bind_path(weir__fd_t fd, const weir__path_t *path) {
  (void)fd, (void)path;
  return UV_ENOTSUP;
}

int weir__os_connect_path(weir__fd_t fd, const weir__path_t *path) {
  (void)fd, (void)path;
  return UV_ENOTSUP;
}

void weir__os_unlink(const char *path) {
  (void)path;
}
