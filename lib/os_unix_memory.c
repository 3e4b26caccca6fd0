/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h" /* before all others: memfd_create */

#include "os_memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

static void *map(size_t size, int rights) {
  void *p = mmap(NULL, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

/* ---- Slabs ---- */

/* One of a huge page or more begins at one, so that it can be mapped by such
 * pages: registering then pins fewer of them. */
static const size_t huge = (size_t)2 << 20;

static void *map_aligned(size_t size) {
  if (size > SIZE_MAX - huge)
    return NULL;
  char *base = map(size + huge, PROT_NONE);
  if (base == NULL)
    return NULL;
  size_t before = (size_t)(-(uintptr_t)base & (huge - 1));
  if (before > 0)
    munmap(base, before);
  if (before < huge)
    munmap(base + before + size, huge - before);
  return base + before;
}

/* Where the first page begins that does not before offset; offset itself, if
 * there is no such address. */
static size_t page_behind(size_t offset) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return offset <= SIZE_MAX - page ? (offset + page - 1) / page * page : offset;
}

void *weir__os_slab_reserve(size_t size) {
  size = page_behind(size);
  return size >= huge ? map_aligned(size) : map(size, PROT_NONE);
}

int weir__os_slab_extend(void *slab, size_t from, size_t to) {
  char *at = (char *)slab + page_behind(from);
  size_t size = page_behind(to) - page_behind(from);
  if (mprotect(at, size, PROT_READ | PROT_WRITE) != 0)
    return UV_ENOMEM;
#ifdef MADV_HUGEPAGE
  if (size >= huge)
    madvise(at, size, MADV_HUGEPAGE);
#endif
#ifdef MADV_WIPEONFORK
  /* Else a fork could leave the kernel with the child's copy to write into. */
  madvise(at, size, MADV_WIPEONFORK);
#endif
  return 0;
}

/* What comes in its place has nothing of what was advised. */
void weir__os_slab_withdraw(void *slab, size_t from, size_t to) {
  mmap((char *)slab + page_behind(from), page_behind(to) - page_behind(from),
       PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void *weir__os_slab(size_t size) {
  void *slab = weir__os_slab_reserve(size);
  if (slab == NULL)
    return NULL;
  if (weir__os_slab_extend(slab, 0, size) == 0)
    return memset(slab, 0, size);
  weir__os_slab_free(slab, size);
  return NULL;
}

void weir__os_slab_free(void *slab, size_t size) {
  munmap(slab, size);
}

/* ---- Mirrors ---- */

#ifdef MFD_CLOEXEC
size_t weir__os_mirror_round(size_t size) {
  return page_behind(size);
}

static int map_over(char *at, size_t size, int fd) {
  return mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
              0) == at;
}

/* Reserves the addresses first, then puts both views over them. */
void *weir__os_mirror(size_t size) {
  if (size == 0 || size > PTRDIFF_MAX / 2)
    return NULL;
  int fd = memfd_create("weir-ring", MFD_CLOEXEC);
  if (fd < 0)
    return NULL;
  char *base = map(2 * size, PROT_NONE);
  if (base != NULL &&
      (ftruncate(fd, (off_t)size) != 0 || !map_over(base, size, fd) ||
       !map_over(base + size, size, fd))) {
    munmap(base, 2 * size);
    base = NULL;
  }
  close(fd);
  return base;
}

void weir__os_mirror_free(void *base, size_t size) {
  munmap(base, 2 * size);
}
#else
size_t weir__os_mirror_round(size_t size) {
  return size;
}

void *weir__os_mirror(size_t size) {
  (void)size;
  return NULL;
}

void weir__os_mirror_free(void *base, size_t size) {
  (void)base, (void)size;
}
#endif
