/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Sockets by their numbers, with the errors of POSIX. */

#undef socket
#undef bind
#undef listen
#undef accept
#undef connect
#undef shutdown
#undef getsockname
#undef getpeername
#undef getsockopt
#undef setsockopt
#undef send
#undef recv

#include "os_windows.h"

/* Windows does not say whether a socket is non-blocking. What number is one's
 * is a multiple of 4. */
enum { MOST_HANDLES = 1 << 16 };
static unsigned char nonblocking[MOST_HANDLES / 4];

__attribute__((constructor)) static void begin(void) {
  WSADATA data;
  WSAStartup(MAKEWORD(2, 2), &data);
}

static int error_of(int error) {
  switch (error) {
  case WSAEWOULDBLOCK:
    return EAGAIN;
  case WSAETIMEDOUT:
    return EAGAIN; /* a timeout of the socket's own */
  case WSAECONNRESET:
  case WSAENETRESET:
    return ECONNRESET;
  case WSAECONNABORTED:
    return ECONNABORTED;
  case WSAECONNREFUSED:
    return ECONNREFUSED;
  case WSAESHUTDOWN:
    return EPIPE;
  case WSAEADDRINUSE:
    return EADDRINUSE;
  case WSAENOTSOCK:
    return ENOTSOCK;
  case WSAENOTCONN:
    return ENOTCONN;
  case WSAEINVAL:
    return EINVAL;
  case WSAEMFILE:
    return EMFILE;
  default:
    return EIO;
  }
}

static int said(int r) {
  if (r == SOCKET_ERROR)
    errno = error_of(WSAGetLastError());
  return r;
}

static int fd_of(SOCKET s) {
  if (s == INVALID_SOCKET)
    return said(SOCKET_ERROR);
  SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
  os_is_nonblocking(s, 0);
  return (int)s;
}

int os_is_socket(int fd) {
  int type;
  int len = sizeof(type);
  return fd > 0 && fd % 4 == 0 &&
         getsockopt((SOCKET)fd, SOL_SOCKET, SO_TYPE, (char *)&type, &len) == 0;
}

int os_is_nonblocking(SOCKET s, int on) {
  int was = 0;
  if (s < MOST_HANDLES) {
    was = nonblocking[s / 4];
    if (on >= 0)
      nonblocking[s / 4] = (unsigned char)on;
  }
  return was;
}

int os_set_nonblocking(int fd, int on) {
  u_long value = (u_long)on;
  os_is_nonblocking((SOCKET)fd, on);
  return said(ioctlsocket((SOCKET)fd, (long)FIONBIO, &value));
}

int os_socket(int domain, int type, int protocol) {
  int fd =
      fd_of(socket(domain, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), protocol));
  if (fd >= 0 && (type & SOCK_NONBLOCK) != 0)
    os_set_nonblocking(fd, 1);
  return fd;
}

/* No more is on its way than a pair of UNIX sockets holds. */
static void set_sizes(int fd) {
  const int size = 65536;
  os_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  os_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* Over loopback, whatever domain is asked for. */
int os_socketpair(int domain, int type, int protocol, int fds[2]) {
  struct sockaddr_in addr = {.sin_family = AF_INET};
  socklen_t len = sizeof(addr);
  int listener = os_socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  (void)domain;
  (void)protocol;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fds[0] = os_socket(AF_INET, type, 0);
  set_sizes(listener);
  set_sizes(fds[0]);
  if (listener < 0 || fds[0] < 0 ||
      os_bind(listener, (struct sockaddr *)&addr, len) != 0 ||
      os_listen(listener, 1) != 0 ||
      os_getsockname(listener, (struct sockaddr *)&addr, &len) != 0)
    return -1;
  os_set_nonblocking(fds[0], 0);
  if (os_connect(fds[0], (struct sockaddr *)&addr, len) != 0)
    return -1;
  fds[1] = os_accept4(listener, NULL, NULL, type);
  os_set_nonblocking(fds[0], (type & SOCK_NONBLOCK) != 0);
  os_close(listener);
  for (int i = 0; i < 2; i++)
    os_setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fds[1] < 0 ? -1 : 0;
}

int os_bind(int fd, const struct sockaddr *addr, socklen_t len) {
  return said(bind((SOCKET)fd, addr, len));
}

int os_listen(int fd, int backlog) {
  return said(listen((SOCKET)fd, backlog));
}

int os_accept(int fd, struct sockaddr *addr, socklen_t *len) {
  return fd_of(accept((SOCKET)fd, addr, len));
}

/* What is accepted is as its listener. */
int os_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags) {
  int made = os_accept(fd, addr, len);
  if (made >= 0)
    os_set_nonblocking(made, (flags & SOCK_NONBLOCK) != 0);
  return made;
}

int os_connect(int fd, const struct sockaddr *addr, socklen_t len) {
  int r = said(connect((SOCKET)fd, addr, len));
  if (r != 0 && errno == EAGAIN)
    errno = EINPROGRESS;
  return r;
}

int os_shutdown(int fd, int how) {
  return said(shutdown((SOCKET)fd, how));
}

int os_getsockname(int fd, struct sockaddr *addr, socklen_t *len) {
  return said(getsockname((SOCKET)fd, addr, len));
}

int os_getpeername(int fd, struct sockaddr *addr, socklen_t *len) {
  return said(getpeername((SOCKET)fd, addr, len));
}

int os_getsockopt(int fd, int level, int name, void *value, socklen_t *len) {
  return said(getsockopt((SOCKET)fd, level, name, value, len));
}

/* A timeout is in milliseconds here, and lingering has a struct of its own. */
int os_setsockopt(int fd, int level, int name, const void *value,
                  socklen_t len) {
  DWORD ms;
  if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
    const struct timeval *time = value;
    ms = (DWORD)(time->tv_sec * 1000 + time->tv_usec / 1000);
    value = &ms;
    len = sizeof(ms);
  }
  return said(setsockopt((SOCKET)fd, level, name, value, len));
}

/* ---- Bytes ---- */

/* Windows has no MSG_DONTWAIT. */
static int begin_call(int fd, int flags) {
  int change =
      (flags & MSG_DONTWAIT) != 0 && !os_is_nonblocking((SOCKET)fd, -1);
  if (change)
    os_set_nonblocking(fd, 1);
  return change;
}

static ssize_t end_call(int fd, int changed, int r) {
  said(r);
  int error = errno;
  if (changed)
    os_set_nonblocking(fd, 0);
  errno = error;
  return r;
}

ssize_t os_send(int fd, const void *bytes, size_t len, int flags) {
  int changed = begin_call(fd, flags);
  int r =
      send((SOCKET)fd, bytes, (int)len, flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL));
  return end_call(fd, changed, r);
}

ssize_t os_recv(int fd, void *bytes, size_t len, int flags) {
  int changed = begin_call(fd, flags);
  int r = recv((SOCKET)fd, bytes, (int)len, flags & ~MSG_DONTWAIT);
  return end_call(fd, changed, r);
}

/* For the wait, the socket's number has to be whole. */
int os_poll(struct pollfd *fds, nfds_t count, int timeout) {
  for (nfds_t i = 0; i < count; i++)
    fds[i].fd &= 0xffffffff;
  return said(WSAPoll(fds, count, timeout));
}

int os_close_socket(int fd) {
  os_is_nonblocking((SOCKET)fd, 0);
  return said(closesocket((SOCKET)fd));
}

int os_count_sockets(void) {
  int count = 0;
  for (int fd = 4; fd < MOST_HANDLES / 16; fd += 4)
    count += os_is_socket(fd);
  return count;
}
