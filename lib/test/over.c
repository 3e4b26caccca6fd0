/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"
#include "system.h"

#ifdef __linux__

#include <stdarg.h>

/* What takes the place of the C library's functions and libuv's. */

ssize_t weir__over_read(int fd, void *buf, size_t size) WEIR__OVER("read");
ssize_t weir__over_read(int fd, void *buf, size_t size) {
  return weir__system_get()->read(fd, buf, size);
}

ssize_t weir__over_write(int fd, const void *buf, size_t size)
    WEIR__OVER("write");
ssize_t weir__over_write(int fd, const void *buf, size_t size) {
  return weir__system_get()->write(fd, buf, size);
}

ssize_t weir__over_readv(int fd, const struct iovec *iov, int count)
    WEIR__OVER("readv");
ssize_t weir__over_readv(int fd, const struct iovec *iov, int count) {
  return weir__system_get()->readv(fd, iov, count);
}

ssize_t weir__over_writev(int fd, const struct iovec *iov, int count)
    WEIR__OVER("writev");
ssize_t weir__over_writev(int fd, const struct iovec *iov, int count) {
  return weir__system_get()->writev(fd, iov, count);
}

ssize_t weir__over_preadv(int fd, const struct iovec *iov, int count,
                          off_t offset) WEIR__OVER("preadv");
ssize_t weir__over_preadv(int fd, const struct iovec *iov, int count,
                          off_t offset) {
  return weir__system_get()->preadv(fd, iov, count, offset);
}

ssize_t weir__over_pwritev(int fd, const struct iovec *iov, int count,
                           off_t offset) WEIR__OVER("pwritev");
ssize_t weir__over_pwritev(int fd, const struct iovec *iov, int count,
                           off_t offset) {
  return weir__system_get()->pwritev(fd, iov, count, offset);
}

ssize_t weir__over_send(int fd, const void *buf, size_t size, int flags)
    WEIR__OVER("send");
ssize_t weir__over_send(int fd, const void *buf, size_t size, int flags) {
  return weir__system_get()->send(fd, buf, size, flags);
}

ssize_t weir__over_recv(int fd, void *buf, size_t size, int flags)
    WEIR__OVER("recv");
ssize_t weir__over_recv(int fd, void *buf, size_t size, int flags) {
  return weir__system_get()->recv(fd, buf, size, flags);
}

ssize_t weir__over_sendmsg(int fd, const struct msghdr *msg, int flags)
    WEIR__OVER("sendmsg");
ssize_t weir__over_sendmsg(int fd, const struct msghdr *msg, int flags) {
  return weir__system_get()->sendmsg(fd, msg, flags);
}

ssize_t weir__over_recvmsg(int fd, struct msghdr *msg, int flags)
    WEIR__OVER("recvmsg");
ssize_t weir__over_recvmsg(int fd, struct msghdr *msg, int flags) {
  return weir__system_get()->recvmsg(fd, msg, flags);
}

int weir__over_socket(int domain, int type, int protocol) WEIR__OVER("socket");
int weir__over_socket(int domain, int type, int protocol) {
  return weir__system_get()->socket(domain, type, protocol);
}

int weir__over_bind(int fd, const struct sockaddr *addr, socklen_t size)
    WEIR__OVER("bind");
int weir__over_bind(int fd, const struct sockaddr *addr, socklen_t size) {
  return weir__system_get()->bind(fd, addr, size);
}

int weir__over_listen(int fd, int backlog) WEIR__OVER("listen");
int weir__over_listen(int fd, int backlog) {
  return weir__system_get()->listen(fd, backlog);
}

int weir__over_accept4(int fd, struct sockaddr *addr, socklen_t *size,
                       int flags) WEIR__OVER("accept4");
int weir__over_accept4(int fd, struct sockaddr *addr, socklen_t *size,
                       int flags) {
  return weir__system_get()->accept4(fd, addr, size, flags);
}

int weir__over_connect(int fd, const struct sockaddr *addr, socklen_t size)
    WEIR__OVER("connect");
int weir__over_connect(int fd, const struct sockaddr *addr, socklen_t size) {
  return weir__system_get()->connect(fd, addr, size);
}

int weir__over_shutdown(int fd, int how) WEIR__OVER("shutdown");
int weir__over_shutdown(int fd, int how) {
  return weir__system_get()->shutdown(fd, how);
}

int weir__over_getsockname(int fd, struct sockaddr *addr, socklen_t *size)
    WEIR__OVER("getsockname");
int weir__over_getsockname(int fd, struct sockaddr *addr, socklen_t *size) {
  return weir__system_get()->getsockname(fd, addr, size);
}

int weir__over_getpeername(int fd, struct sockaddr *addr, socklen_t *size)
    WEIR__OVER("getpeername");
int weir__over_getpeername(int fd, struct sockaddr *addr, socklen_t *size) {
  return weir__system_get()->getpeername(fd, addr, size);
}

int weir__over_getsockopt(int fd, int level, int name, void *value,
                          socklen_t *size) WEIR__OVER("getsockopt");
int weir__over_getsockopt(int fd, int level, int name, void *value,
                          socklen_t *size) {
  return weir__system_get()->getsockopt(fd, level, name, value, size);
}

int weir__over_setsockopt(int fd, int level, int name, const void *value,
                          socklen_t size) WEIR__OVER("setsockopt");
int weir__over_setsockopt(int fd, int level, int name, const void *value,
                          socklen_t size) {
  return weir__system_get()->setsockopt(fd, level, name, value, size);
}

int weir__over_fstat(int fd, struct stat *info) WEIR__OVER("fstat");
int weir__over_fstat(int fd, struct stat *info) {
  return weir__system_get()->fstat(fd, info);
}

int weir__over_ftruncate(int fd, off_t size) WEIR__OVER("ftruncate");
int weir__over_ftruncate(int fd, off_t size) {
  return weir__system_get()->ftruncate(fd, size);
}

int weir__over_eventfd(unsigned count, int flags) WEIR__OVER("eventfd");
int weir__over_eventfd(unsigned count, int flags) {
  return weir__system_get()->eventfd(count, flags);
}

int weir__over_pipe2(int fds[2], int flags) WEIR__OVER("pipe2");
int weir__over_pipe2(int fds[2], int flags) {
  return weir__system_get()->pipe2(fds, flags);
}

int weir__over_dup3(int fd, int other, int flags) WEIR__OVER("dup3");
int weir__over_dup3(int fd, int other, int flags) {
  return weir__system_get()->dup3(fd, other, flags);
}

int weir__over_close(int fd) WEIR__OVER("close");
int weir__over_close(int fd) {
  return weir__system_get()->close(fd);
}

int weir__over_fsync(int fd) WEIR__OVER("fsync");
int weir__over_fsync(int fd) {
  return weir__system_get()->fsync(fd);
}

int weir__over_poll(struct pollfd *fds, nfds_t count, int timeout)
    WEIR__OVER("poll");
int weir__over_poll(struct pollfd *fds, nfds_t count, int timeout) {
  return weir__system_get()->poll(fds, count, timeout);
}

int weir__over_epoll_create1(int flags) WEIR__OVER("epoll_create1");
int weir__over_epoll_create1(int flags) {
  return weir__system_get()->epoll_create1(flags);
}

int weir__over_epoll_ctl(int epfd, int what, int fd, struct epoll_event *event)
    WEIR__OVER("epoll_ctl");
int weir__over_epoll_ctl(int epfd, int what, int fd,
                         struct epoll_event *event) {
  return weir__system_get()->epoll_ctl(epfd, what, fd, event);
}

int weir__over_epoll_wait(int epfd, struct epoll_event *events, int count,
                          int timeout) WEIR__OVER("epoll_wait");
int weir__over_epoll_wait(int epfd, struct epoll_event *events, int count,
                          int timeout) {
  return weir__system_get()->epoll_wait(epfd, events, count, timeout);
}

int weir__over_epoll_pwait(int epfd, struct epoll_event *events, int count,
                           int timeout, const sigset_t *mask)
    WEIR__OVER("epoll_pwait");
int weir__over_epoll_pwait(int epfd, struct epoll_event *events, int count,
                           int timeout, const sigset_t *mask) {
  return weir__system_get()->epoll_pwait(epfd, events, count, timeout, mask);
}

int weir__over_clock_gettime(clockid_t clock, struct timespec *time)
    WEIR__OVER("clock_gettime");
int weir__over_clock_gettime(clockid_t clock, struct timespec *time) {
  return weir__system_get()->clock_gettime(clock, time);
}

int weir__over_uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                             uv_after_work_cb after)
    WEIR__OVER("uv_queue_work");
int weir__over_uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                             uv_after_work_cb after) {
  return weir__system_get()->uv_queue_work(loop, req, work, after);
}

int weir__over_uv_cancel(uv_req_t *req) WEIR__OVER("uv_cancel");
int weir__over_uv_cancel(uv_req_t *req) {
  return weir__system_get()->uv_cancel(req);
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

int weir__over_fcntl(int fd, int command, ...) WEIR__OVER("fcntl");
int weir__over_fcntl(int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  long arg = va_arg(args, long);
  va_end(args);
  return weir__system_get()->fcntl(fd, command, arg);
}

int weir__over_ioctl(int fd, unsigned long command, ...) WEIR__OVER("ioctl");
int weir__over_ioctl(int fd, unsigned long command, ...) {
  va_list args;
  va_start(args, command);
  long arg = va_arg(args, long);
  va_end(args);
  return weir__system_get()->ioctl(fd, command, arg);
}

int weir__over_open(const char *path, int flags, ...) WEIR__OVER("open");
int weir__over_open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  int mode = va_arg(args, int);
  va_end(args);
  return weir__system_get()->open(path, flags, mode);
}

long weir__over_syscall(long number, ...) WEIR__OVER("syscall");
long weir__over_syscall(long number, ...) {
  va_list args;
  long a[6];
  va_start(args, number);
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(args, long);
  va_end(args);
  return weir__system_get()->syscall(number, a[0], a[1], a[2], a[3], a[4],
                                     a[5]);
}

/* ---- The same functions under other names ---- */

#if __SIZEOF_LONG__ == 8
ssize_t weir__over_preadv64(int fd, const struct iovec *iov, int count,
                            off_t offset) WEIR__OVER("preadv64");
ssize_t weir__over_preadv64(int fd, const struct iovec *iov, int count,
                            off_t offset) {
  return weir__over_preadv(fd, iov, count, offset);
}

ssize_t weir__over_pwritev64(int fd, const struct iovec *iov, int count,
                             off_t offset) WEIR__OVER("pwritev64");
ssize_t weir__over_pwritev64(int fd, const struct iovec *iov, int count,
                             off_t offset) {
  return weir__over_pwritev(fd, iov, count, offset);
}

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

#endif
