/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "alloc.h"

#include <stdlib.h>

#include <uv.h>

static weir_malloc_func malloc_in_use = malloc;
static weir_realloc_func realloc_in_use = realloc;
static weir_calloc_func calloc_in_use = calloc;
static weir_free_func free_in_use = free;

int weir_replace_allocator(weir_malloc_func malloc_func,
                           weir_realloc_func realloc_func,
                           weir_calloc_func calloc_func,
                           weir_free_func free_func) {
  if (malloc_func == NULL || realloc_func == NULL || calloc_func == NULL ||
      free_func == NULL)
    return UV_EINVAL;

  malloc_in_use = malloc_func;
  realloc_in_use = realloc_func;
  calloc_in_use = calloc_func;
  free_in_use = free_func;
  return 0;
}

void *weir__malloc(size_t size) {
  return malloc_in_use(size);
}

void *weir__realloc(void *ptr, size_t size) {
  return realloc_in_use(ptr, size);
}

void *weir__calloc(size_t count, size_t size) {
  return calloc_in_use(count, size);
}

void weir__free(void *ptr) {
  free_in_use(ptr);
}
