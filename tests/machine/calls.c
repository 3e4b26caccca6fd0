/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE 1
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "world.h"

/* What the C library offers, in the machine. */

int answer(const char *name, int fd, long result) {
  call_ends(name, fd, result);
  if (result >= 0)
    return (int)result;
  errno = (int)-result;
  return -1;
}

/* ---- Transfers ---- */

enum { READ, WRITE, EMPTY_PATH = 0x1000 };

static int blocks(const object_t *object, int flags) {
  return !object->nonblocking && !(flags & MSG_DONTWAIT);
}

static ssize_t transfer(const char *name, int fd, int write,
                        const struct iovec *v, int n, off_t offset, int flags) {
  call_begins(name, fd);
  object_t *object = fd_object(fd);
  ssize_t r;
  if (object == NULL)
    return answer(name, fd, -EBADF);
  ssize_t (*move)(object_t *, const struct iovec *, int, int64_t, int) =
      write ? object->kind->write : object->kind->read;
  if (happens(options()->interrupted))
    r = -EINTR;
  else
    r = move != NULL ? move(object, v, n, offset, flags) : -EINVAL;
  if (r == -EAGAIN && blocks(object, flags))
    machine_fail("%s of %d blocks", name, fd);
  return answer(name, fd, r);
}

ssize_t machine_sendmsg(int fd, const struct msghdr *msg, int flags) {
  return transfer("sendmsg", fd, WRITE, msg->msg_iov, (int)msg->msg_iovlen, -1,
                  flags);
}

ssize_t machine_recvmsg(int fd, struct msghdr *msg, int flags) {
  return transfer("recvmsg", fd, READ, msg->msg_iov, (int)msg->msg_iovlen, -1,
                  flags);
}

ssize_t machine_send(int fd, const void *base, size_t len, int flags) {
  struct iovec v = {(void *)(uintptr_t)base, len};
  return transfer("send", fd, WRITE, &v, 1, -1, flags);
}

ssize_t machine_recv(int fd, void *base, size_t len, int flags) {
  struct iovec v = {base, len};
  return transfer("recv", fd, READ, &v, 1, -1, flags);
}

ssize_t machine_read(int fd, void *base, size_t len) {
  struct iovec v = {base, len};
  return transfer("read", fd, READ, &v, 1, -1, 0);
}

ssize_t machine_write(int fd, const void *base, size_t len) {
  struct iovec v = {(void *)(uintptr_t)base, len};
  return transfer("write", fd, WRITE, &v, 1, -1, 0);
}

ssize_t machine_readv(int fd, const struct iovec *v, int n) {
  return transfer("readv", fd, READ, v, n, -1, 0);
}

ssize_t machine_writev(int fd, const struct iovec *v, int n) {
  return transfer("writev", fd, WRITE, v, n, -1, 0);
}

ssize_t machine_preadv(int fd, const struct iovec *v, int n, off_t offset) {
  return transfer("preadv", fd, READ, v, n, offset, 0);
}

ssize_t machine_pwritev(int fd, const struct iovec *v, int n, off_t offset) {
  return transfer("pwritev", fd, WRITE, v, n, offset, 0);
}

ssize_t machine_preadv2(int fd, const struct iovec *v, int n, off_t offset,
                        int flags) {
  return transfer("preadv2", fd, READ, v, n, offset,
                  transfer_flags((unsigned)flags));
}

ssize_t machine_pwritev2(int fd, const struct iovec *v, int n, off_t offset,
                         int flags) {
  return transfer("pwritev2", fd, WRITE, v, n, offset,
                  transfer_flags((unsigned)flags));
}

/* ---- Sockets ---- */

/* The socket of fd, or NULL and the error in *r. */
static object_t *socket_of(const char *name, int fd, int *r) {
  call_begins(name, fd);
  object_t *object = fd_object(fd);
  *r = 0;
  if (object == NULL)
    *r = -EBADF;
  else if (object->kind != &socket_kind)
    *r = -ENOTSOCK;
  return *r == 0 ? object : NULL;
}

int machine_socket(int family, int type, int protocol) {
  call_begins("socket", family);
  (void)protocol;
  int fd = socket_new(family);
  if (fd >= 0)
    fd_object(fd)->nonblocking = (type & SOCK_NONBLOCK) != 0;
  return answer("socket", family, fd);
}

int machine_socketpair(int family, int type, int protocol, int fds[2]) {
  call_begins("socketpair", family);
  (void)protocol;
  int r = socket_pair(family, 0, fds);
  if (r == 0)
    for (int i = 0; i < 2; i++)
      fd_object(fds[i])->nonblocking = (type & SOCK_NONBLOCK) != 0;
  return answer("socketpair", fds[0], r);
}

int machine_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags) {
  int r;
  object_t *object = socket_of("accept4", fd, &r);
  (void)addr;
  (void)len;
  if (r == 0)
    r = happens(options()->interrupted) ? -EINTR : socket_accept(object, flags);
  if (r == -EAGAIN && blocks(object, 0))
    machine_fail("accept4 of %d blocks", fd);
  return answer("accept4", fd, r);
}

int machine_bind(int fd, const struct sockaddr *addr, socklen_t len) {
  int r;
  object_t *object = socket_of("bind", fd, &r);
  (void)len;
  return answer("bind", fd, r == 0 ? socket_bind(object, addr) : r);
}

int machine_listen(int fd, int backlog) {
  int r;
  object_t *object = socket_of("listen", fd, &r);
  return answer("listen", fd, r == 0 ? socket_listen(object, backlog) : r);
}

int machine_connect(int fd, const struct sockaddr *addr, socklen_t len) {
  int r;
  object_t *object = socket_of("connect", fd, &r);
  (void)len;
  if (r == 0)
    r = socket_connect(object, addr);
  if ((r == -EINPROGRESS || r == -EALREADY) && blocks(object, 0))
    machine_fail("connect of %d blocks", fd);
  return answer("connect", fd, r);
}

int machine_shutdown(int fd, int how) {
  int r;
  object_t *object = socket_of("shutdown", fd, &r);
  return answer("shutdown", fd, r == 0 ? socket_shutdown(object, how) : r);
}

static int name_of(const char *call, int fd, int peer, struct sockaddr *addr,
                   socklen_t *len) {
  int r;
  object_t *object = socket_of(call, fd, &r);
  return answer(call, fd, r == 0 ? socket_name(object, peer, addr, len) : r);
}

int machine_getsockname(int fd, struct sockaddr *addr, socklen_t *len) {
  return name_of("getsockname", fd, 0, addr, len);
}

int machine_getpeername(int fd, struct sockaddr *addr, socklen_t *len) {
  return name_of("getpeername", fd, 1, addr, len);
}

int machine_getsockopt(int fd, int level, int name, void *value,
                       socklen_t *len) {
  int r;
  int found = 0;
  object_t *object = socket_of("getsockopt", fd, &r);
  if (r == 0 && level == IPPROTO_TCP && socket_family(object) == AF_UNIX)
    r = -EOPNOTSUPP;
  if (r != 0)
    return answer("getsockopt", fd, r);
  if (level == SOL_SOCKET && name == SO_ERROR)
    found = socket_error(object);
  else if (level == SOL_SOCKET && name == SO_TYPE)
    found = SOCK_STREAM;
  memcpy(value, &found, *len < sizeof(found) ? *len : sizeof(found));
  machine_note("found", found, name);
  return answer("getsockopt", fd, 0);
}

int machine_setsockopt(int fd, int level, int name, const void *value,
                       socklen_t len) {
  int r;
  object_t *object = socket_of("setsockopt", fd, &r);
  (void)value;
  (void)len;
  if (r == 0 && level == IPPROTO_TCP && socket_family(object) == AF_UNIX)
    r = -EOPNOTSUPP;
  else if (r == 0 && level == IPPROTO_TCP && name == TCP_CORK)
    socket_push(object);
  else if (r == 0 && level == SOL_SOCKET && name == SO_LINGER)
    socket_linger(object);
  return answer("setsockopt", fd, r);
}

/* ---- Files and pipes ---- */

int machine_open(const char *path, int flags, mode_t mode) {
  call_begins("open", 0);
  (void)mode;
  return answer("open", 0, file_open(path, flags));
}

int machine_unlink(const char *path) {
  call_begins("unlink", 0);
  return answer("unlink", 0, file_unlink(path));
}

int machine_fsync(int fd) {
  call_begins("fsync", fd);
  object_t *object = fd_object(fd);
  int r = object == NULL ? -EBADF : object->kind != &file_kind ? -EINVAL : 0;
  progress();
  return answer("fsync", fd, r);
}

static int sync_range(const object_t *object) {
  if (object == NULL)
    return -EBADF;
  return object->kind == &file_kind ? 0 : -ESPIPE;
}

int machine_sync_file_range(int fd, off_t offset, off_t len, unsigned flags) {
  call_begins("sync_file_range", fd);
  (void)offset, (void)len, (void)flags;
  progress();
  return answer("sync_file_range", fd, sync_range(fd_object(fd)));
}

int machine_ftruncate(int fd, off_t size) {
  call_begins("ftruncate", fd);
  object_t *object = fd_of_kind(fd, &file_kind);
  return answer("ftruncate", fd,
                object != NULL ? file_truncate(object, size) : -EINVAL);
}

int machine_fstat(int fd, struct stat *info) {
  call_begins("fstat", fd);
  const object_t *object = fd_object(fd);
  if (object == NULL)
    return answer("fstat", fd, -EBADF);
  memset(info, 0, sizeof(*info));
  info->st_mode = object->kind->type | 0600;
  if (object->kind == &file_kind)
    info->st_size = file_size(object);
  return answer("fstat", fd, 0);
}

int machine_statx(int fd, const char *path, int flags, void *record) {
  call_begins("statx", fd);
  const object_t *object = flags & EMPTY_PATH ? fd_object(fd) : NULL;
  if (flags & EMPTY_PATH && object == NULL)
    return answer("statx", fd, -EBADF);
  return answer("statx", fd, file_tell(object, path, record));
}

int machine_pipe2(int fds[2], int flags) {
  call_begins("pipe2", 0);
  return answer("pipe2", 0, pipe_new(fds, (flags & O_NONBLOCK) != 0));
}

int machine_eventfd(unsigned count, int flags) {
  call_begins("eventfd", 0);
  return answer("eventfd", 0, counter_new(count, (flags & O_NONBLOCK) != 0));
}

/* ---- Descriptors ---- */

int machine_close(int fd) {
  call_begins("close", fd);
  return answer("close", fd, fd_close(fd));
}

int machine_dup3(int from, int to, int flags) {
  (void)flags;
  machine_fail("dup3 of %d to %d", from, to);
}

int machine_fcntl(int fd, int op, long arg) {
  call_begins("fcntl", fd);
  object_t *object = fd_object(fd);
  int r = 0;
  if (object == NULL)
    r = -EBADF;
  else if (op == F_GETFL)
    r = O_RDWR | (object->nonblocking ? O_NONBLOCK : 0);
  else if (op == F_SETFL)
    object->nonblocking = (arg & O_NONBLOCK) != 0;
  return answer("fcntl", fd, r);
}

int machine_ioctl(int fd, unsigned long request, void *arg) {
  call_begins("ioctl", fd);
  object_t *object = fd_object(fd);
  int r = object == NULL ? -EBADF : request == FIONBIO ? 0 : -ENOTTY;
  if (r == 0)
    object->nonblocking = *(int *)arg != 0;
  return answer("ioctl", fd, r);
}

/* ---- For who is outside of the program ---- */

int machine_pair(int tcp, size_t buffer, int fds[2]) {
  call_begins("pair", tcp);
  return answer("pair", tcp, socket_pair(tcp ? AF_INET : AF_UNIX, buffer, fds));
}

int machine_is_socket(int fd) {
  return fd_of_kind(fd, &socket_kind) != NULL;
}

static object_t *opened(const char *path, int flags, int *fd) {
  *fd = file_open(path, flags);
  return *fd >= 0 ? fd_object(*fd) : NULL;
}

int machine_make(const char *path, const void *bytes, size_t len) {
  char *from = (char *)(uintptr_t)bytes;
  int fd;
  object_t *file = opened(path, O_RDWR | O_CREAT | O_EXCL, &fd);
  if (file == NULL)
    return fd;
  for (size_t at = 0; at < len;)
    at += (size_t)file->kind->write(file, &(struct iovec){from + at, len - at},
                                    1, (int64_t)at, 0);
  return fd_close(fd);
}

long machine_look(const char *path, void *bytes, size_t room) {
  int fd;
  size_t at = 0;
  ssize_t n = 1;
  object_t *file = opened(path, O_RDONLY, &fd);
  if (file == NULL)
    return fd;
  while (at < room && n > 0) {
    n = file->kind->read(file, &(struct iovec){(char *)bytes + at, room - at},
                         1, (int64_t)at, 0);
    at += n > 0 ? (size_t)n : 0;
  }
  fd_close(fd);
  return (long)at;
}

/* ---- Time ---- */

int machine_clock_gettime(clockid_t clock, struct timespec *ts) {
  uint64_t now = machine_now();
  (void)clock;
  ts->tv_sec = (time_t)(now / 1000000000);
  ts->tv_nsec = (long)(now % 1000000000);
  return 0;
}

static int never(void *arg) {
  (void)arg;
  return 0;
}

int machine_nanosleep(const struct timespec *ts, struct timespec *left) {
  call_begins("nanosleep", 0);
  (void)left;
  sleep_until(never, NULL,
              (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec);
  return answer("nanosleep", 0, 0);
}
