/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <sys/stat.h>

/* Descriptors that are no pipe and no socket, as long as writes to them are
 * outstanding: so long a descriptor stays what it is. */

static weir__plain_t *place_of(weir__ring_t *ring, int fd) {
  return &ring->plain[(unsigned)fd % WEIR__PLAIN_SLOTS];
}

int weir__plain_begin(weir__ring_t *ring, int fd) {
  weir__plain_t *plain = place_of(ring, fd);
  struct stat info;
  if (plain->writes == 0 || plain->fd != fd) {
    ring->loop->stats.syscalls++;
    if (fstat(fd, &info) == 0 &&
        (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)))
      return 0;
    if (plain->writes == 0)
      plain->fd = fd;
  }
  plain->writes += plain->fd == fd;
  return 1;
}

/* Two descriptors in one place: the count is then too low, which costs a
 * question more. */
void weir__plain_end(weir__ring_t *ring, int fd) {
  weir__plain_t *plain = place_of(ring, fd);
  if (plain->fd == fd && plain->writes > 0)
    plain->writes--;
}
