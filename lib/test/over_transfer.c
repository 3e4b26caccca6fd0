/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"
#include "system.h"
#include "transfer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>

/* What takes the place of the C library's reads and writes. */

enum { SEGMENTS = 64, NOWAIT = 8 /* RWF_NOWAIT */ };

/* Segments, or the first bytes of them. */
typedef struct window_s {
  const struct iovec *iov;
  size_t count;
  struct iovec cut[SEGMENTS];
} window_t;

static void open_window(window_t *window, const struct iovec *iov,
                        size_t count) {
  window->iov = iov;
  window->count = count;
}

/* An error of SIGPIPE's comes with it. */
static int failed(const weir__transfer_t *t, int quiet, int error) {
  if (error == 0)
    return 0;
  if (error == EPIPE && t->write && !quiet)
    raise(SIGPIPE);
  errno = error;
  return 1;
}

/* 0 if it fails, with errno set; else window may be smaller. */
static int pass(weir__transfer_t *t, int quiet, window_t *window) {
  if (weir__plan == NULL)
    return 1;
  t->size = weir__iov_size(window->iov, window->count);
  weir__verdict_t verdict = weir__transfer_ask(weir__plan, t);
  if (failed(t, quiet, verdict.error))
    return 0;
  if (verdict.bytes < t->size) {
    window->count = weir__iov_cut(window->iov, window->count, verdict.bytes,
                                  window->cut, SEGMENTS);
    window->iov = window->cut;
  }
  return 1;
}

/* The same for one segment: how much of it may go, or -1. */
static ssize_t pass_one(weir__transfer_t *t, int quiet, size_t size) {
  if (weir__plan == NULL)
    return (ssize_t)size;
  t->size = size;
  weir__verdict_t verdict = weir__transfer_ask(weir__plan, t);
  if (failed(t, quiet, verdict.error))
    return -1;
  return (ssize_t)(verdict.bytes < size ? verdict.bytes : size);
}

/* ---- One segment ---- */

ssize_t weir__over_read(int fd, void *buf, size_t size) WEIR__OVER("read");
ssize_t weir__over_read(int fd, void *buf, size_t size) {
  weir__transfer_t t = {.fd = fd};
  ssize_t n = pass_one(&t, 0, size);
  return n < 0 ? -1 : weir__system_get()->read(fd, buf, (size_t)n);
}

ssize_t weir__over_write(int fd, const void *buf, size_t size)
    WEIR__OVER("write");
ssize_t weir__over_write(int fd, const void *buf, size_t size) {
  weir__transfer_t t = {.fd = fd, .write = 1};
  ssize_t n = pass_one(&t, 0, size);
  return n < 0 ? -1 : weir__system_get()->write(fd, buf, (size_t)n);
}

ssize_t weir__over_recv(int fd, void *buf, size_t size, int flags)
    WEIR__OVER("recv");
ssize_t weir__over_recv(int fd, void *buf, size_t size, int flags) {
  weir__transfer_t t = {
      .fd = fd, .nowait = flags & MSG_DONTWAIT, .whole = flags & MSG_WAITALL};
  ssize_t n = pass_one(&t, 1, size);
  return n < 0 ? -1 : weir__system_get()->recv(fd, buf, (size_t)n, flags);
}

/* What _FORTIFY_SOURCE makes of these two where it knows the room. */
ssize_t weir__over_checked_read(int fd, void *buf, size_t size, size_t room)
    WEIR__OVER("__read_chk");
ssize_t weir__over_checked_read(int fd, void *buf, size_t size, size_t room) {
  if (size > room)
    abort();
  return weir__over_read(fd, buf, size);
}

ssize_t weir__over_checked_recv(int fd, void *buf, size_t size, size_t room,
                                int flags) WEIR__OVER("__recv_chk");
ssize_t weir__over_checked_recv(int fd, void *buf, size_t size, size_t room,
                                int flags) {
  if (size > room)
    abort();
  return weir__over_recv(fd, buf, size, flags);
}

ssize_t weir__over_send(int fd, const void *buf, size_t size, int flags)
    WEIR__OVER("send");
ssize_t weir__over_send(int fd, const void *buf, size_t size, int flags) {
  weir__transfer_t t = {.fd = fd, .write = 1, .nowait = flags & MSG_DONTWAIT};
  ssize_t n = pass_one(&t, flags & MSG_NOSIGNAL, size);
  return n < 0 ? -1 : weir__system_get()->send(fd, buf, (size_t)n, flags);
}

/* ---- Several ---- */

ssize_t weir__over_readv(int fd, const struct iovec *iov, int count)
    WEIR__OVER("readv");
ssize_t weir__over_readv(int fd, const struct iovec *iov, int count) {
  weir__transfer_t t = {.fd = fd};
  window_t window;
  open_window(&window, iov, (size_t)count);
  return pass(&t, 0, &window)
             ? weir__system_get()->readv(fd, window.iov, (int)window.count)
             : -1;
}

ssize_t weir__over_writev(int fd, const struct iovec *iov, int count)
    WEIR__OVER("writev");
ssize_t weir__over_writev(int fd, const struct iovec *iov, int count) {
  weir__transfer_t t = {.fd = fd, .write = 1};
  window_t window;
  open_window(&window, iov, (size_t)count);
  return pass(&t, 0, &window)
             ? weir__system_get()->writev(fd, window.iov, (int)window.count)
             : -1;
}

ssize_t weir__over_preadv(int fd, const struct iovec *iov, int count,
                          off_t offset) WEIR__OVER(WEIR__LARGE("preadv"));
ssize_t weir__over_preadv(int fd, const struct iovec *iov, int count,
                          off_t offset) {
  weir__transfer_t t = {.fd = fd, .placed = 1};
  window_t window;
  open_window(&window, iov, (size_t)count);
  return pass(&t, 0, &window) ? weir__system_get()->preadv(
                                    fd, window.iov, (int)window.count, offset)
                              : -1;
}

ssize_t weir__over_pwritev(int fd, const struct iovec *iov, int count,
                           off_t offset) WEIR__OVER(WEIR__LARGE("pwritev"));
ssize_t weir__over_pwritev(int fd, const struct iovec *iov, int count,
                           off_t offset) {
  weir__transfer_t t = {.fd = fd, .write = 1, .placed = 1};
  window_t window;
  open_window(&window, iov, (size_t)count);
  return pass(&t, 0, &window) ? weir__system_get()->pwritev(
                                    fd, window.iov, (int)window.count, offset)
                              : -1;
}

ssize_t weir__over_recvmsg(int fd, struct msghdr *msg, int flags)
    WEIR__OVER("recvmsg");
ssize_t weir__over_recvmsg(int fd, struct msghdr *msg, int flags) {
  struct iovec *iov = msg->msg_iov;
  size_t count = (size_t)msg->msg_iovlen;
  weir__transfer_t t = {
      .fd = fd, .nowait = flags & MSG_DONTWAIT, .whole = flags & MSG_WAITALL};
  window_t window;
  open_window(&window, iov, count);
  if (!pass(&t, 1, &window))
    return -1;
  msg->msg_iov = (struct iovec *)window.iov;
  msg->msg_iovlen = (__typeof__(msg->msg_iovlen))window.count;
  ssize_t n = weir__system_get()->recvmsg(fd, msg, flags);
  msg->msg_iov = iov;
  msg->msg_iovlen = (__typeof__(msg->msg_iovlen))count;
  return n;
}

ssize_t weir__over_sendmsg(int fd, const struct msghdr *msg, int flags)
    WEIR__OVER("sendmsg");
ssize_t weir__over_sendmsg(int fd, const struct msghdr *msg, int flags) {
  weir__transfer_t t = {.fd = fd, .write = 1, .nowait = flags & MSG_DONTWAIT};
  struct msghdr less = *msg;
  window_t window;
  open_window(&window, msg->msg_iov, (size_t)msg->msg_iovlen);
  if (!pass(&t, flags & MSG_NOSIGNAL, &window))
    return -1;
  less.msg_iov = (struct iovec *)window.iov;
  less.msg_iovlen = (__typeof__(less.msg_iovlen))window.count;
  return weir__system_get()->sendmsg(fd, &less, flags);
}

/* A read of the one and a write of the other. */
ssize_t weir__over_splice(int from, off_t *from_at, int to, off_t *to_at,
                          size_t size, unsigned flags) WEIR__OVER("splice");
ssize_t weir__over_splice(int from, off_t *from_at, int to, off_t *to_at,
                          size_t size, unsigned flags) {
  weir__transfer_t in = {.fd = from};
  weir__transfer_t out = {.fd = to, .write = 1};
  ssize_t n = pass_one(&in, 1, size);
  if (n >= 0)
    n = pass_one(&out, 0, (size_t)n);
  return n < 0 ? -1
               : weir__system_get()->splice(from, from_at, to, to_at, (size_t)n,
                                            flags);
}

ssize_t weir__over_sendfile(int to, int from, off_t *at, size_t size)
    WEIR__OVER(WEIR__LARGE("sendfile"));
ssize_t weir__over_sendfile(int to, int from, off_t *at, size_t size) {
  weir__transfer_t in = {.fd = from};
  weir__transfer_t out = {.fd = to, .write = 1};
  ssize_t n = pass_one(&in, 1, size);
  if (n >= 0)
    n = pass_one(&out, 0, (size_t)n);
  return n < 0 ? -1 : weir__system_get()->sendfile(to, from, at, (size_t)n);
}

#ifndef _FILE_OFFSET_BITS
ssize_t weir__over_sendfile64(int to, int from, off_t *at, size_t size)
    WEIR__OVER("sendfile64");
ssize_t weir__over_sendfile64(int to, int from, off_t *at, size_t size) {
  return weir__over_sendfile(to, from, at, size);
}

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
#endif

/* ---- Those that the C library need not have ---- */

/* preadv2 or pwritev2, of these arguments. */
static long transfer_by_number(long number, const long a[6]) {
  weir__transfer_t t = {.fd = (int)a[0],
                        .write = number == SYS_pwritev2,
                        .placed = a[3] != -1,
                        .nowait = (a[5] & NOWAIT) != 0};
  window_t window;
  open_window(&window, (const struct iovec *)a[1], (size_t)a[2]);
  if (!pass(&t, 0, &window))
    return -1;
  return weir__system_get()->syscall(number, a[0], (long)window.iov,
                                     (long)window.count, a[3], a[4], a[5]);
}

/* copy_file_range, of these: a read of the one and a write of the other. */
static long copy_by_number(long number, const long a[6]) {
  weir__transfer_t in = {.fd = (int)a[0], .placed = 1};
  weir__transfer_t out = {.fd = (int)a[2], .write = 1, .placed = 1};
  ssize_t n = pass_one(&in, 1, (size_t)a[4]);
  if (n >= 0)
    n = pass_one(&out, 1, (size_t)n);
  return n < 0 ? -1
               : weir__system_get()->syscall(number, a[0], a[1], a[2], a[3],
                                             (long)n, a[5]);
}

/* Which calls have fewer arguments is not known here: what is read beyond them
 * the kernel does not look at. */
long weir__over_syscall(long number, ...) WEIR__OVER("syscall")
    __attribute__((no_sanitize_address));
long weir__over_syscall(long number, ...) {
  va_list args;
  long a[6];
  va_start(args, number);
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(args, long);
  va_end(args);
  if (weir__plan != NULL && (number == SYS_preadv2 || number == SYS_pwritev2))
    return transfer_by_number(number, a);
  if (weir__plan != NULL && number == SYS_copy_file_range)
    return copy_by_number(number, a);
  return weir__system_get()->syscall(number, a[0], a[1], a[2], a[3], a[4],
                                     a[5]);
}

int weir__over_transfers(void) {
  return weir__system_calls("recvmsg", (void (*)(void))weir__over_recvmsg);
}
