/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Its inline functions would stand where ours have to. */
#undef _FORTIFY_SOURCE

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include "calls.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Shared libraries have to find the functions here. */
#pragma GCC visibility push(default)

static atomic_int counting;
static atomic_ulong made;

int calls_count(int on) {
  return atomic_exchange(&counting, on);
}

unsigned long calls_made(void) {
  return atomic_load(&made);
}

/* Notes a call. Returns its number, so that it is a call's first argument. */
static long noted(long number) {
  if (atomic_load_explicit(&counting, memory_order_relaxed))
    atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
  return number;
}

ssize_t read(int fd, void *buf, size_t len) {
  return syscall(noted(SYS_read), fd, buf, len);
}

ssize_t write(int fd, const void *buf, size_t len) {
  return syscall(noted(SYS_write), fd, buf, len);
}

ssize_t readv(int fd, const struct iovec *iov, int count) {
  return syscall(noted(SYS_readv), fd, iov, count);
}

ssize_t writev(int fd, const struct iovec *iov, int count) {
  return syscall(noted(SYS_writev), fd, iov, count);
}

ssize_t recv(int fd, void *buf, size_t len, int flags) {
  return syscall(noted(SYS_recvfrom), fd, buf, len, flags, NULL, NULL);
}

ssize_t send(int fd, const void *buf, size_t len, int flags) {
  return syscall(noted(SYS_sendto), fd, buf, len, flags, NULL, 0);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags) {
  return syscall(noted(SYS_recvmsg), fd, msg, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) {
  return syscall(noted(SYS_sendmsg), fd, msg, flags);
}

int epoll_ctl(int fd, int how, int other, struct epoll_event *event) {
  return (int)syscall(noted(SYS_epoll_ctl), fd, how, other, event);
}

int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout,
                const sigset_t *mask) {
  return (int)syscall(noted(SYS_epoll_pwait), fd, events, count, timeout, mask,
                      _NSIG / 8);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout) {
  return epoll_pwait(fd, events, count, timeout, NULL);
}

/* ---- Files ---- */

int fsync(int fd) {
  return (int)syscall(noted(SYS_fsync), fd);
}

int fdatasync(int fd) {
  return (int)syscall(noted(SYS_fdatasync), fd);
}

/* Elsewhere an offset is more than one argument. Both names are in use. */
#ifdef __LP64__
ssize_t pread(int fd, void *buf, size_t len, off_t offset) {
  return syscall(noted(SYS_pread64), fd, buf, len, offset);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset) {
  return syscall(noted(SYS_pwrite64), fd, buf, len, offset);
}

ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset) {
  return syscall(noted(SYS_preadv), fd, iov, count, offset, 0);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
  return syscall(noted(SYS_pwritev), fd, iov, count, offset, 0);
}

/* By another name; C libraries' headers differ in whether there is one. */
ssize_t other_pread(int fd, void *buf, size_t len,
                    off_t offset) __asm__("pread64");
ssize_t other_pread(int fd, void *buf, size_t len, off_t offset) {
  return pread(fd, buf, len, offset);
}

ssize_t other_pwrite(int fd, const void *buf, size_t len,
                     off_t offset) __asm__("pwrite64");
ssize_t other_pwrite(int fd, const void *buf, size_t len, off_t offset) {
  return pwrite(fd, buf, len, offset);
}

ssize_t other_preadv(int fd, const struct iovec *iov, int count,
                     off_t offset) __asm__("preadv64");
ssize_t other_preadv(int fd, const struct iovec *iov, int count, off_t offset) {
  return preadv(fd, iov, count, offset);
}

ssize_t other_pwritev(int fd, const struct iovec *iov, int count,
                      off_t offset) __asm__("pwritev64");
ssize_t other_pwritev(int fd, const struct iovec *iov, int count,
                      off_t offset) {
  return pwritev(fd, iov, count, offset);
}
#endif

/* ---- Connections ---- */

/* Its address is a union with GNU's headers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags) {
  return (int)syscall(noted(SYS_accept4), fd, addr, len, flags);
}
#pragma GCC diagnostic pop

int close(int fd) {
  return (int)syscall(noted(SYS_close), fd);
}

int shutdown(int fd, int how) {
  return (int)syscall(noted(SYS_shutdown), fd, how);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len) {
  return (int)syscall(noted(SYS_getsockopt), fd, level, name, value, len);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
  return (int)syscall(noted(SYS_setsockopt), fd, level, name, value, len);
}

/* Its request has several types. */
int any_ioctl(int fd, unsigned long request, ...) __asm__("ioctl");
int any_ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  return (int)syscall(noted(SYS_ioctl), fd, request, argument);
}

#pragma GCC visibility pop
