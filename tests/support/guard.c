/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "guard.h"

#include <criterion/criterion.h>
#include <sys/mman.h>

void *guard_new(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  cr_assert(memory != MAP_FAILED);
  return memory;
}

void guard_end(void *memory, size_t size) {
  cr_assert(mprotect(memory, size, PROT_NONE) == 0);
}
