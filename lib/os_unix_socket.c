/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h" /* before all others: accept4 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os_option.h"

/* Making sockets, and asking and telling them what no transfer does. */

static int last_error(void) {
  return errno == EWOULDBLOCK ? UV_EAGAIN : uv_translate_sys_error(errno);
}

int weir__os_check_socket(weir__fd_t fd) {
  int type;
  socklen_t len = sizeof(type);
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ? last_error()
                                                              : 0;
}

int weir__os_is_standard(weir__fd_t fd) {
  return fd <= STDERR_FILENO;
}

int weir__os_set_nonblocking(weir__fd_t fd, int on) {
  int mode = fcntl(fd, F_GETFL);
  if (mode < 0)
    return last_error();
  int wanted = on ? mode | O_NONBLOCK : mode & ~O_NONBLOCK;
  if (wanted != mode && fcntl(fd, F_SETFL, wanted) < 0)
    return last_error();
  return 0;
}

void weir__os_close(weir__fd_t fd) {
  close(fd);
}

/* ---- Making ---- */

#if defined(HAVE_ACCEPT4) && defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
static int make(int family, int nonblocking) {
  int type = SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
  return socket(family, type, 0);
}

static int take(int fd) {
  return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
#else
/* Sets up what was just made. */
static int set_up(int fd, int nonblocking) {
  if (fd < 0)
    return fd;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
      (!nonblocking || fcntl(fd, F_SETFL, O_NONBLOCK) == 0))
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int make(int family, int nonblocking) {
  return set_up(socket(family, SOCK_STREAM, 0), nonblocking);
}

static int take(int fd) {
  return set_up(accept(fd, NULL, NULL), 1);
}
#endif

int weir__os_socket(int family, int nonblocking, weir__fd_t *made) {
  int fd = make(family, nonblocking);
  if (fd < 0)
    return last_error();
  *made = fd;
  return 0;
}

int weir__os_accept(weir__fd_t fd, weir__fd_t *client) {
  int got;
  do {
    got = take(fd);
    /* A connection that ended in the backlog is nobody's business. */
  } while (got < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (got < 0)
    return last_error();
  *client = got;
  return 0;
}

/* ---- Addresses ---- */

#if defined(__linux__)
enum { HAS_ABSTRACT = 1 };
#else
enum { HAS_ABSTRACT = 0 };
#endif

int weir__os_check_paths(void) {
  return 0;
}

int weir__os_set_path(weir__path_t *path, const char *name, size_t len) {
  const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);
  static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) <=
                    sizeof(path->bytes),
                "a stream can hold a path");
  if (len == 0 || (name[0] == '\0' && (len == 1 || !HAS_ABSTRACT)))
    return UV_EINVAL;
  if (name[0] == '\0') {
    if (len > room)
      return UV_ENAMETOOLONG;
    path->size = (unsigned)len;
    memcpy(path->bytes, name, len);
    return 0;
  }
  if (name[len - 1] == '\0')
    len--;
  if (memchr(name, '\0', len) != NULL)
    return UV_EINVAL;
  if (len >= room)
    return UV_ENAMETOOLONG;
  path->size = (unsigned)len + 1;
  memcpy(path->bytes, name, len);
  path->bytes[len] = '\0';
  return 0;
}

/* The size of an abstract name is part of it. */
static socklen_t fill(struct sockaddr_un *addr, const weir__path_t *path) {
  memset(addr, 0, sizeof(*addr));
  addr->sun_family = AF_UNIX;
  memcpy(addr->sun_path, path->bytes, path->size);
  return path->bytes[0] != '\0'
             ? (socklen_t)sizeof(*addr)
             : (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path->size);
}

int weir__os_bind(weir__fd_t fd, const struct sockaddr *addr, int ipv6_only) {
  int r = weir__os_set_at(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (r == 0 && addr->sa_family == AF_INET6)
    r = weir__os_set_at(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only);
  if (r != 0)
    return r;
  if (bind(fd, addr, weir__os_address_size(addr)) < 0)
    return errno == EAFNOSUPPORT ? UV_EINVAL : last_error();
  return 0;
}

int weir__os_bind_path(weir__fd_t fd, const weir__path_t *path) {
  struct sockaddr_un addr;
  socklen_t size = fill(&addr, path);
  if (bind(fd, (struct sockaddr *)&addr, size) < 0)
    return errno == ENOENT ? UV_EACCES : last_error();
  return 0;
}

void weir__os_unlink(const char *path) {
  unlink(path);
}

int weir__os_listen(weir__fd_t fd, int backlog) {
  return listen(fd, backlog) < 0 ? last_error() : 0;
}

/* ---- Connecting ---- */

/* Interrupted, it goes on. */
int weir__os_connect(weir__fd_t fd, const struct sockaddr *addr) {
  if (connect(fd, addr, weir__os_address_size(addr)) == 0 || errno == EISCONN)
    return 0;
  return errno == EINPROGRESS || errno == EINTR ? UV_EALREADY : last_error();
}

int weir__os_connect_path(weir__fd_t fd, const weir__path_t *path) {
  struct sockaddr_un addr;
  socklen_t size = fill(&addr, path);
  int r;
  do
    r = connect(fd, (struct sockaddr *)&addr, size);
  while (r < 0 && errno == EINTR);
  return r < 0 ? last_error() : 0;
}

int weir__os_error(weir__fd_t fd) {
  int error = 0;
  socklen_t len = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
    return last_error();
  return uv_translate_sys_error(error);
}

/* ---- Facts and settings ---- */

int weir__os_shutdown(weir__fd_t fd) {
  return shutdown(fd, SHUT_WR) < 0 ? last_error() : 0;
}

static int socket_name(int (*call)(int, struct sockaddr *, socklen_t *),
                       weir__fd_t fd, struct sockaddr *addr, int *len) {
  if (*len < 0)
    return UV_EINVAL;
  socklen_t size = (socklen_t)*len;
  if (call(fd, addr, &size) < 0)
    return errno == ENOTSOCK ? UV_ENOTSUP : last_error();
  *len = (int)size;
  return 0;
}

int weir__os_sockname(weir__fd_t fd, struct sockaddr *addr, int *len) {
  return socket_name(getsockname, fd, addr, len);
}

int weir__os_peername(weir__fd_t fd, struct sockaddr *addr, int *len) {
  return socket_name(getpeername, fd, addr, len);
}

/* The family tells: other sockets take the option, too, and then do nothing. */
int weir__os_reset_at_close(weir__fd_t fd) {
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  int family;
  int r = weir__os_family(fd, &family);
  if (r == 0 && family != AF_INET && family != AF_INET6)
    r = UV_ENOTSUP;
  if (r != 0)
    return r;
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0)
    return 0;
  /* macOS says EINVAL when the connection is over already. */
  return errno == EINVAL ? 0 : last_error();
}
