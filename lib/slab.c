/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "slab.h"

#ifdef _WIN32
#include <windows.h>

void *weir__slab_alloc(size_t size) {
  return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void weir__slab_free(void *slab, size_t size) {
  (void)size;
  VirtualFree(slab, 0, MEM_RELEASE);
}

#else
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* A slab of a huge page or more begins at one, so that it can be mapped by
 * such pages: registering then pins fewer of them. */
static const size_t huge = (size_t)2 << 20;

static void *map(size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static void *map_aligned(size_t size) {
  char *base = map(size + huge);
  if (base == NULL)
    return NULL;
  size_t before = (size_t)(-(uintptr_t)base & (huge - 1));
  if (before > 0)
    munmap(base, before);
  if (before < huge)
    munmap(base + before + size, huge - before);
  return base + before;
}

void *weir__slab_alloc(size_t size) {
  void *slab = size >= huge ? map_aligned(size) : map(size);
  if (slab == NULL)
    return NULL;
#ifdef MADV_HUGEPAGE
  if (size >= huge)
    madvise(slab, size, MADV_HUGEPAGE);
#endif
#ifdef MADV_WIPEONFORK
  /* Else a fork could leave the kernel with the child's copy to write into. The
   * child finds memory there all the same. */
  madvise(slab, size, MADV_WIPEONFORK);
#endif
  memset(slab, 0, size);
  return slab;
}

void weir__slab_free(void *slab, size_t size) {
  munmap(slab, size);
}
#endif
