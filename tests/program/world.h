/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PROGRAM_WORLD_H
#define PROGRAM_WORLD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/loop.h>

/* All that a program finds outside of its loop: what makes descriptors, and who
 * has the other ends of them. Nothing here waits. */

typedef enum world_link_e {
  WORLD_TCP,
  WORLD_TCP_SLOW, /* with so little room that writes are cut */
  WORLD_UNIX,
  WORLD_UNIX_SLOW,
  WORLD_PIPE, /* fds[0] reads and fds[1] writes */
  WORLD_LINKS
} world_link_t;

enum { WORLD_PATH = 100 };

typedef struct world_s world_t;
struct weir_loop_s;
struct world_s {
  /* Two connected descriptors. Returns 0, or -1 where they cannot be had. */
  int (*pair)(world_t *world, world_link_t kind, int fds[2]);

  /* What a bare end does: sends, receives (0 is the end), ends its side, goes
   * away, with a reset if that is asked for and can be. give and take return
   * the bytes moved or a negative UV_E*, UV_EAGAIN among them. */
  ssize_t (*give)(world_t *world, int fd, const void *bytes, size_t len);
  ssize_t (*take)(world_t *world, int fd, void *bytes, size_t len);
  void (*end)(world_t *world, int fd);
  void (*drop)(world_t *world, int fd, int reset);

  /* A path where nothing is, for a file or a UNIX socket. */
  void (*path)(world_t *world, char path[WORLD_PATH], const char *name);

  /* Makes a file with those bytes; reads it, at most room bytes; removes it. */
  int (*make)(world_t *world, const char *path, const void *bytes, size_t len);
  ssize_t (*look)(world_t *world, const char *path, void *bytes, size_t room);
  void (*remove)(world_t *world, const char *path);

  /* Open descriptors of the process, or any other number that is the same
   * again when all of them are closed. */
  int (*descriptors)(world_t *world);

  /* The loop that the program runs on, while weir is attached to it; else
   * NULL. May be left out. */
  void (*attached)(world_t *world, weir_loop_t *loop);
};

/* The one that the kernel provides. close_real takes it back. */
world_t *world_real_open(void);
void world_real_close(world_t *world);

#endif
