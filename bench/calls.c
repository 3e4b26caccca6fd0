/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Its inline functions would stand where ours have to. */
#undef _FORTIFY_SOURCE

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include "calls.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Shared libraries have to find the functions here. */
#pragma GCC visibility push(default)

static _Thread_local int counting;
static _Thread_local unsigned long made;

int calls_count(int on) {
  int before = counting;

  counting = on;
  return before;
}

unsigned long calls_made(void) {
  return made;
}

/* Notes a call. Returns its number, so that it is a call's first argument. */
static long noted(long number) {
  made += (unsigned long)counting;
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

#pragma GCC visibility pop
