/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os_memory.h"

#include <windows.h>

enum { PAGE = 4096 };

void *weir__os_slab(size_t size) {
  return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void weir__os_slab_free(void *slab, size_t size) {
  (void)size;
  VirtualFree(slab, 0, MEM_RELEASE);
}

void *weir__os_slab_reserve(size_t size) {
  return VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
}

/* Where the first page begins that does not before offset. */
static size_t page_behind(size_t offset) {
  return (offset + PAGE - 1) / PAGE * PAGE;
}

int weir__os_slab_extend(void *slab, size_t from, size_t to) {
  size_t first = page_behind(from);
  size_t end = page_behind(to);
  return first == end || VirtualAlloc((char *)slab + first, end - first,
                                      MEM_COMMIT, PAGE_READWRITE) != NULL
             ? 0
             : UV_ENOMEM;
}

void weir__os_slab_withdraw(void *slab, size_t from, size_t to) {
  size_t first = page_behind(from);
  size_t end = page_behind(to);
  if (first < end)
    VirtualFree((char *)slab + first, end - first, MEM_DECOMMIT);
}

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
