/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"
#include "plan.h"
#include "system.h"

#include <errno.h>
#include <stdarg.h>

/* What takes the place of the C library's functions and libuv's, but for those
 * that transfer or wait. */

static int refused(unsigned what, int fd) {
  int error = weir__plan_error(what, fd);
  if (error != 0)
    errno = error;
  return error != 0;
}

int weir__over_socket(int domain, int type, int protocol) WEIR__OVER("socket");
int weir__over_socket(int domain, int type, int protocol) {
  if (refused(WEIR_FAULT_SOCKET, -1))
    return -1;
  return weir__system_get()->socket(domain, type, protocol);
}

int weir__over_bind(int fd, const struct sockaddr *addr, socklen_t size)
    WEIR__OVER("bind");
int weir__over_bind(int fd, const struct sockaddr *addr, socklen_t size) {
  if (refused(WEIR_FAULT_BIND, fd))
    return -1;
  return weir__system_get()->bind(fd, addr, size);
}

int weir__over_listen(int fd, int backlog) WEIR__OVER("listen");
int weir__over_listen(int fd, int backlog) {
  if (refused(WEIR_FAULT_BIND, fd))
    return -1;
  return weir__system_get()->listen(fd, backlog);
}

int weir__over_shutdown(int fd, int how) WEIR__OVER("shutdown");
int weir__over_shutdown(int fd, int how) {
  if (refused(WEIR_FAULT_SHUTDOWN, fd))
    return -1;
  return weir__system_get()->shutdown(fd, how);
}

int weir__over_getsockname(int fd, struct sockaddr *addr, socklen_t *size)
    WEIR__OVER("getsockname");
int weir__over_getsockname(int fd, struct sockaddr *addr, socklen_t *size) {
  if (refused(WEIR_FAULT_NAME, fd))
    return -1;
  return weir__system_get()->getsockname(fd, addr, size);
}

int weir__over_getpeername(int fd, struct sockaddr *addr, socklen_t *size)
    WEIR__OVER("getpeername");
int weir__over_getpeername(int fd, struct sockaddr *addr, socklen_t *size) {
  if (refused(WEIR_FAULT_NAME, fd))
    return -1;
  return weir__system_get()->getpeername(fd, addr, size);
}

int weir__over_getsockopt(int fd, int level, int name, void *value,
                          socklen_t *size) WEIR__OVER("getsockopt");
int weir__over_getsockopt(int fd, int level, int name, void *value,
                          socklen_t *size) {
  if (refused(WEIR_FAULT_OPTION, fd))
    return -1;
  return weir__system_get()->getsockopt(fd, level, name, value, size);
}

int weir__over_setsockopt(int fd, int level, int name, const void *value,
                          socklen_t size) WEIR__OVER("setsockopt");
int weir__over_setsockopt(int fd, int level, int name, const void *value,
                          socklen_t size) {
  if (refused(WEIR_FAULT_OPTION, fd))
    return -1;
  return weir__system_get()->setsockopt(fd, level, name, value, size);
}

int weir__over_fstat(int fd, struct stat *info)
    WEIR__OVER(WEIR__LARGE("fstat"));
int weir__over_fstat(int fd, struct stat *info) {
  return weir__system_get()->fstat(fd, info);
}

int weir__over_ftruncate(int fd, off_t size)
    WEIR__OVER(WEIR__LARGE("ftruncate"));
int weir__over_ftruncate(int fd, off_t size) {
  return weir__system_get()->ftruncate(fd, size);
}

int weir__over_eventfd(unsigned count, int flags) WEIR__OVER("eventfd");
int weir__over_eventfd(unsigned count, int flags) {
  if (refused(WEIR_FAULT_CREATE, -1))
    return -1;
  return weir__system_get()->eventfd(count, flags);
}

int weir__over_pipe2(int fds[2], int flags) WEIR__OVER("pipe2");
int weir__over_pipe2(int fds[2], int flags) {
  if (refused(WEIR_FAULT_CREATE, -1))
    return -1;
  return weir__system_get()->pipe2(fds, flags);
}

int weir__over_dup3(int fd, int other, int flags) WEIR__OVER("dup3");
int weir__over_dup3(int fd, int other, int flags) {
  if (refused(WEIR_FAULT_CREATE, -1))
    return -1;
  return weir__system_get()->dup3(fd, other, flags);
}

int weir__over_close(int fd) WEIR__OVER("close");
int weir__over_close(int fd) {
  return weir__system_get()->close(fd);
}

int weir__over_fsync(int fd) WEIR__OVER("fsync");
int weir__over_fsync(int fd) {
  if (refused(WEIR_FAULT_SYNC, fd))
    return -1;
  return weir__system_get()->fsync(fd);
}

int weir__over_fdatasync(int fd) WEIR__OVER("fdatasync");
int weir__over_fdatasync(int fd) {
  if (refused(WEIR_FAULT_SYNC, fd))
    return -1;
  return weir__system_get()->fdatasync(fd);
}

int weir__over_sync_file_range(int fd, off_t offset, off_t len, unsigned flags)
    WEIR__OVER("sync_file_range");
int weir__over_sync_file_range(int fd, off_t offset, off_t len,
                               unsigned flags) {
  if (refused(WEIR_FAULT_SYNC, fd))
    return -1;
  return weir__system_get()->sync_file_range(fd, offset, len, flags);
}

int weir__over_epoll_create1(int flags) WEIR__OVER("epoll_create1");
int weir__over_epoll_create1(int flags) {
  if (refused(WEIR_FAULT_CREATE, -1))
    return -1;
  return weir__system_get()->epoll_create1(flags);
}

int weir__over_epoll_ctl(int epfd, int what, int fd, struct epoll_event *event)
    WEIR__OVER("epoll_ctl");
int weir__over_epoll_ctl(int epfd, int what, int fd,
                         struct epoll_event *event) {
  if (refused(WEIR_FAULT_WATCH, fd))
    return -1;
  return weir__system_get()->epoll_ctl(epfd, what, fd, event);
}

int weir__over_clock_gettime(clockid_t clock, struct timespec *time)
    WEIR__OVER("clock_gettime");
int weir__over_clock_gettime(clockid_t clock, struct timespec *time) {
  return weir__system_get()->clock_gettime(clock, time);
}

int weir__over_uv_fs_open(uv_loop_t *loop, uv_fs_t *req, const char *path,
                          int flags, int mode, uv_fs_cb cb)
    WEIR__OVER("uv_fs_open");
int weir__over_uv_fs_open(uv_loop_t *loop, uv_fs_t *req, const char *path,
                          int flags, int mode, uv_fs_cb cb) {
  return weir__system_get()->uv_fs_open(loop, req, path, flags, mode, cb);
}

int weir__over_uv_fs_close(uv_loop_t *loop, uv_fs_t *req, uv_file file,
                           uv_fs_cb cb) WEIR__OVER("uv_fs_close");
int weir__over_uv_fs_close(uv_loop_t *loop, uv_fs_t *req, uv_file file,
                           uv_fs_cb cb) {
  return weir__system_get()->uv_fs_close(loop, req, file, cb);
}

int weir__over_uv_fs_fsync(uv_loop_t *loop, uv_fs_t *req, uv_file file,
                           uv_fs_cb cb) WEIR__OVER("uv_fs_fsync");
int weir__over_uv_fs_fsync(uv_loop_t *loop, uv_fs_t *req, uv_file file,
                           uv_fs_cb cb) {
  return weir__system_get()->uv_fs_fsync(loop, req, file, cb);
}

void weir__over_uv_sleep(unsigned ms) WEIR__OVER("uv_sleep");
void weir__over_uv_sleep(unsigned ms) {
  weir__system_get()->uv_sleep(ms);
}

/* ---- Functions with arguments that are not declared ---- */

int weir__over_fcntl(int fd, int command, ...) WEIR__OVER(WEIR__LARGE("fcntl"));
int weir__over_fcntl(int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  long arg = va_arg(args, long);
  va_end(args);
  if (refused(WEIR_FAULT_CONTROL, fd))
    return -1;
  return weir__system_get()->fcntl(fd, command, arg);
}

int weir__over_ioctl(int fd, unsigned long command, ...) WEIR__OVER("ioctl");
int weir__over_ioctl(int fd, unsigned long command, ...) {
  va_list args;
  va_start(args, command);
  long arg = va_arg(args, long);
  va_end(args);
  if (refused(WEIR_FAULT_CONTROL, fd))
    return -1;
  return weir__system_get()->ioctl(fd, command, arg);
}

int weir__over_open(const char *path, int flags, ...)
    WEIR__OVER(WEIR__LARGE("open"));
int weir__over_open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  int mode = va_arg(args, int);
  va_end(args);
  if (refused(WEIR_FAULT_OPEN, -1))
    return -1;
  return weir__system_get()->open(path, flags, mode);
}

/* ---- The same functions under other names ---- */

#ifndef _FILE_OFFSET_BITS
int weir__over_ftruncate64(int fd, off_t size) WEIR__OVER("ftruncate64");
int weir__over_ftruncate64(int fd, off_t size) {
  return weir__over_ftruncate(fd, size);
}

int weir__over_open64(const char *path, int flags, ...) WEIR__OVER("open64");
int weir__over_open64(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  int mode = va_arg(args, int);
  va_end(args);
  return weir__over_open(path, flags, mode);
}

int weir__over_fcntl64(int fd, int command, ...) WEIR__OVER("fcntl64");
int weir__over_fcntl64(int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  long arg = va_arg(args, long);
  va_end(args);
  return weir__over_fcntl(fd, command, arg);
}
#endif

int weir__over_in_place(void) {
  int r =
      weir__system_calls("epoll_ctl", (void (*)(void))weir__over_epoll_ctl) &&
      weir__over_transfers() && weir__over_waits() && weir__over_pool();
#if WEIR_HAVE_URING
  r = r && weir__over_rings();
#endif
  return r;
}
