/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os_map.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int weir__os_map_size(uv_file fd, int64_t *size) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return uv_translate_sys_error(errno);
  if (!S_ISREG(info.st_mode))
    return UV_ENODEV;
  *size = info.st_size;
  return 0;
}

size_t weir__os_map_page(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

int weir__os_map(uv_file fd, int64_t offset, size_t size, int writable,
                 void **base) {
  int rights = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  /* Only one that is shared is sure to show what others write. */
  int sort = writable ? MAP_PRIVATE : MAP_SHARED;
  void *p = mmap(NULL, size, rights, sort, fd, (off_t)offset);
  if (p == MAP_FAILED)
    return uv_translate_sys_error(errno);
  *base = p;
  return 0;
}

void weir__os_unmap(void *base, size_t size) {
  munmap(base, size);
}

int weir__os_map_advise(void *base, size_t size, int advice) {
  static const int known[] = {MADV_NORMAL, MADV_SEQUENTIAL, MADV_RANDOM,
                              MADV_WILLNEED, MADV_DONTNEED};
  return madvise(base, size, known[advice]) == 0
             ? 0
             : uv_translate_sys_error(errno);
}
