/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os_memory.h"

#include <windows.h>

void *weir__os_slab(size_t size) {
  return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void weir__os_slab_free(void *slab, size_t size) {
  (void)size;
  VirtualFree(slab, 0, MEM_RELEASE);
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
