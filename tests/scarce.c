/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A library to be loaded before a program, by LD_PRELOAD, for the smoke tests:
 * while the file that the environment variable SCARCE names exists, there is no
 * memory for what a server needs for one connection; while NAME.send exists,
 * nothing can be sent; while NAME.preadv does, reading a file hangs. The last
 * two reach what goes through the C library, as the libuv backend does. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Around 64 KiB: the samples' buffers, and nothing that a loop is made of. */
enum { AT_LEAST = 64 << 10, AT_MOST = 72 << 10 };

static int is_scarce(const char *what) {
  const char *name = getenv("SCARCE");
  char path[4096];
  if (name == NULL)
    return 0;
  snprintf(path, sizeof path, "%s%s", name, what);
  return access(path, F_OK) == 0;
}

static int none_left(size_t size) {
  if (size < AT_LEAST || size > AT_MOST || !is_scarce(""))
    return 0;
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t size) {
  static void *(*next)(size_t);
  if (next == NULL)
    *(void **)&next = dlsym(RTLD_NEXT, "malloc");
  return none_left(size) ? NULL : next(size);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
  static ssize_t (*next)(int, const void *, size_t, int);
  if (next == NULL)
    *(void **)&next = dlsym(RTLD_NEXT, "send");
  if (!is_scarce(".send"))
    return next(fd, bytes, len, flags);
  errno = EHOSTUNREACH;
  return -1;
}

ssize_t preadv(int fd, const struct iovec *into, int count, off_t offset) {
  static ssize_t (*next)(int, const struct iovec *, int, off_t);
  if (next == NULL)
    *(void **)&next = dlsym(RTLD_NEXT, "preadv");
  while (is_scarce(".preadv"))
    usleep(10000);
  return next(fd, into, count, offset);
}
