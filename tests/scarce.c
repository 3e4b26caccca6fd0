/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A library to be loaded before a program, by LD_PRELOAD, for the smoke tests:
 * while the file that the environment variable SCARCE names exists, there is no
 * memory for what a server needs for one connection; while NAME.send exists,
 * nothing can be sent; while NAME.preadv does, reading a file hangs; while
 * NAME.sync does, fdatasync fails. The last three reach what goes through the C
 * library, as the libuv backend does.
 *
 * With SCARCE_NTH set to a number, from 1, the allocation of that number fails
 * and makes NAME.met. Two kinds do not count, without which libuv ends the
 * program: what is allocated anew, as the table of its descriptors, and what
 * the dynamic linker takes for a new thread.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Around 64 KiB: the samples' buffers, and nothing that a loop is made of. */
enum { AT_LEAST = 64 << 10, AT_MOST = 72 << 10 };

static int file_of(char path[4096], const char *what) {
  const char *name = getenv("SCARCE");
  if (name != NULL)
    snprintf(path, 4096, "%s%s", name, what);
  return name != NULL;
}

static int is_scarce(const char *what) {
  char path[4096];
  return file_of(path, what) && access(path, F_OK) == 0;
}

static int is_of_linker(const void *caller) {
  Dl_info info;
  return dladdr(caller, &info) != 0 && strstr(info.dli_fname, "/ld-") != NULL;
}

static int is_the_nth(const void *caller) {
  static atomic_ulong calls;
  const char *nth = getenv("SCARCE_NTH");
  char path[4096];
  int fd = -1;
  if (nth == NULL || is_of_linker(caller) ||
      atomic_fetch_add(&calls, 1) + 1 != strtoul(nth, NULL, 10))
    return 0;
  if (file_of(path, ".met"))
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0)
    close(fd);
  return 1;
}

static int none_left(size_t size, const void *caller) {
  if (!is_the_nth(caller) &&
      (size < AT_LEAST || size > AT_MOST || !is_scarce("")))
    return 0;
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t size) {
  static void *(*next)(size_t);
  if (next == NULL)
    *(void **)&next = dlsym(RTLD_NEXT, "malloc");
  return none_left(size, __builtin_return_address(0)) ? NULL : next(size);
}

void *calloc(size_t count, size_t size) {
  static void *(*next)(size_t, size_t);
  if (next == NULL)
    *(void **)&next = dlsym(RTLD_NEXT, "calloc");
  return none_left(size, __builtin_return_address(0)) ? NULL
                                                      : next(count, size);
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

int fdatasync(int fd) {
  static int (*next)(int);
  char path[4096];
  if (next == NULL)
    *(void **)&next = dlsym(RTLD_NEXT, "fdatasync");
  if (!is_scarce(".sync"))
    return next(fd);
  /* The next one succeeds, as the kernel's does. */
  if (file_of(path, ".sync"))
    unlink(path);
  errno = EIO;
  return -1;
}
