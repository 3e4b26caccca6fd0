/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "buffer.h"

#include <stdint.h>

#ifdef __linux__

#include <sys/mman.h>
#include <unistd.h>

size_t weir__mirror_round(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);

  return size <= SIZE_MAX - page ? (size + page - 1) / page * page : size;
}

static int map_over(char *at, size_t size, int fd) {
  return mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
              0) == at;
}

/* Reserves the addresses first, then puts both views over them. */
void *weir__mirror_map(size_t size) {
  char *base;
  int fd;

  if (size == 0 || size > PTRDIFF_MAX / 2)
    return NULL;
  fd = memfd_create("weir-ring", MFD_CLOEXEC);
  if (fd < 0)
    return NULL;
  base = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    base = NULL;
  } else if (ftruncate(fd, (off_t)size) != 0 || !map_over(base, size, fd) ||
             !map_over(base + size, size, fd)) {
    munmap(base, 2 * size);
    base = NULL;
  }
  close(fd);
  return base;
}

void weir__mirror_unmap(void *base, size_t size) {
  munmap(base, 2 * size);
}

#else

size_t weir__mirror_round(size_t size) {
  return size;
}

void *weir__mirror_map(size_t size) {
  (void)size;
  return NULL;
}

void weir__mirror_unmap(void *base, size_t size) {
  (void)base;
  (void)size;
}

#endif
