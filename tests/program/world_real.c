/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "world.h"

/* The world as the kernel provides it. One listener serves for all TCP pairs of
 * a kind, so that thousands of programs do not use up the ports. */

enum { SLOW = 4096 };

typedef struct real_s {
  world_t world;
  int listeners[2];
  struct sockaddr_in addresses[2];
  char dir[64];
} real_t;

static void expect(int truth, const char *what) {
  if (truth)
    return;
  perror(what);
  abort();
}

static void make_slow(int fd) {
  int size = SLOW;

  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int pair_tcp(real_t *real, int slow, int fds[2]) {
  socklen_t len = sizeof(real->addresses[0]);

  fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fds[1] < 0)
    return -1;
  if (slow)
    make_slow(fds[1]);
  expect(connect(fds[1], (struct sockaddr *)&real->addresses[slow], len) == 0,
         "connect");
  fds[0] =
      accept4(real->listeners[slow], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  expect(fds[0] >= 0, "accept");
  return 0;
}

static int pair_unix(int slow, int fds[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return -1;
  if (slow) {
    make_slow(fds[0]);
    make_slow(fds[1]);
  }
  return 0;
}

static int real_pair(world_t *world, world_link_t kind, int fds[2]) {
  switch (kind) {
  case WORLD_TCP:
  case WORLD_TCP_SLOW:
    return pair_tcp((real_t *)world, kind == WORLD_TCP_SLOW, fds);
  case WORLD_PIPE:
    return pipe2(fds, O_CLOEXEC | O_NONBLOCK);
  default:
    return pair_unix(kind == WORLD_UNIX_SLOW, fds);
  }
}

static ssize_t result(ssize_t n) {
  return n >= 0 ? n : -errno;
}

/* A pipe is no socket; it is made non-blocking. */
static ssize_t real_give(world_t *world, int fd, const void *bytes,
                         size_t len) {
  ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

  (void)world;
  return result(n < 0 && errno == ENOTSOCK ? write(fd, bytes, len) : n);
}

static ssize_t real_take(world_t *world, int fd, void *bytes, size_t len) {
  ssize_t n = recv(fd, bytes, len, MSG_DONTWAIT);

  (void)world;
  return result(n < 0 && errno == ENOTSOCK ? read(fd, bytes, len) : n);
}

static void real_end(world_t *world, int fd) {
  (void)world;
  shutdown(fd, SHUT_WR);
}

static void real_drop(world_t *world, int fd, int reset) {
  struct linger now = {1, 0};

  (void)world;
  if (reset)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(fd);
}

static void real_path(world_t *world, char path[WORLD_PATH], const char *name) {
  snprintf(path, WORLD_PATH, "%s/%s", ((real_t *)world)->dir, name);
}

static int real_make(world_t *world, const char *path, const void *bytes,
                     size_t len) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  ssize_t n;

  (void)world;
  if (fd < 0)
    return -1;
  n = write(fd, bytes, len);
  close(fd);
  return n == (ssize_t)len ? 0 : -1;
}

static ssize_t real_look(world_t *world, const char *path, void *bytes,
                         size_t room) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n;

  (void)world;
  if (fd < 0)
    return -errno;
  n = read(fd, bytes, room);
  close(fd);
  return n;
}

static void real_remove(world_t *world, const char *path) {
  (void)world;
  unlink(path);
}

static int real_descriptors(world_t *world) {
  DIR *dir = opendir("/proc/self/fd");
  int count = 0;

  (void)world;
  expect(dir != NULL, "/proc/self/fd");
  while (readdir(dir) != NULL)
    count++;
  closedir(dir);
  return count;
}

static void listen_on(real_t *real, int slow) {
  struct sockaddr_in *address = &real->addresses[slow];
  socklen_t len = sizeof(*address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (slow)
    make_slow(fd);
  expect(bind(fd, (struct sockaddr *)address, len) == 0, "bind");
  expect(listen(fd, 8) == 0, "listen");
  expect(getsockname(fd, (struct sockaddr *)address, &len) == 0, "getsockname");
  real->listeners[slow] = fd;
}

/* libuv makes some descriptors once for each process. */
static void warm_up(void) {
  uv_loop_t uv;

  expect(uv_loop_init(&uv) == 0, "uv_loop_init");
  expect(uv_loop_close(&uv) == 0, "uv_loop_close");
}

world_t *world_real_open(void) {
  static const world_t functions = {
      .pair = real_pair,
      .give = real_give,
      .take = real_take,
      .end = real_end,
      .drop = real_drop,
      .path = real_path,
      .make = real_make,
      .look = real_look,
      .remove = real_remove,
      .descriptors = real_descriptors,
  };
  const char *tmp = getenv("TMPDIR");
  real_t *real = calloc(1, sizeof(*real));

  expect(real != NULL, "calloc");
  warm_up();
  real->world = functions;
  snprintf(real->dir, sizeof(real->dir), "%s/weir-XXXXXX",
           tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
  expect(mkdtemp(real->dir) != NULL, real->dir);
  listen_on(real, 0);
  listen_on(real, 1);
  return &real->world;
}

void world_real_close(world_t *world) {
  real_t *real = (real_t *)world;

  close(real->listeners[0]);
  close(real->listeners[1]);
  expect(rmdir(real->dir) == 0, real->dir);
  free(real);
}
