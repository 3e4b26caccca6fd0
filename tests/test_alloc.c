/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>

#include <stdlib.h>

#include <uv.h>

#include "alloc.h"

TestSuite(alloc, .timeout = 10);

static struct {
  int mallocs;
  int reallocs;
  int callocs;
  int frees;
} calls;

static void *count_malloc(size_t size) {
  calls.mallocs++;
  return malloc(size);
}

static void *count_realloc(void *ptr, size_t size) {
  calls.reallocs++;
  return realloc(ptr, size);
}

static void *count_calloc(size_t count, size_t size) {
  calls.callocs++;
  return calloc(count, size);
}

static void count_free(void *ptr) {
  calls.frees++;
  free(ptr);
}

Test(alloc, every_function_goes_through_the_replacement) {
  char *block;

  cr_assert_eq(weir_replace_allocator(count_malloc, count_realloc, count_calloc,
                                      count_free),
               0);

  block = weir__malloc(8);
  cr_assert_not_null(block);
  block = weir__realloc(block, 16);
  cr_assert_not_null(block);
  weir__free(block);

  block = weir__calloc(4, 4);
  cr_assert_not_null(block);
  for (int i = 0; i < 16; i++)
    cr_assert_eq(block[i], 0);
  weir__free(block);

  cr_assert_eq(calls.mallocs, 1);
  cr_assert_eq(calls.reallocs, 1);
  cr_assert_eq(calls.callocs, 1);
  cr_assert_eq(calls.frees, 2);
}

Test(alloc, a_missing_function_is_refused_and_changes_nothing) {
  cr_assert_eq(
      weir_replace_allocator(NULL, count_realloc, count_calloc, count_free),
      UV_EINVAL);
  cr_assert_eq(
      weir_replace_allocator(count_malloc, NULL, count_calloc, count_free),
      UV_EINVAL);
  cr_assert_eq(
      weir_replace_allocator(count_malloc, count_realloc, NULL, count_free),
      UV_EINVAL);
  cr_assert_eq(
      weir_replace_allocator(count_malloc, count_realloc, count_calloc, NULL),
      UV_EINVAL);

  weir__free(weir__malloc(1));
  cr_assert_eq(calls.mallocs, 0);
  cr_assert_eq(calls.frees, 0);
}

Test(alloc, freeing_null_is_allowed) {
  weir__free(NULL);
  weir__free(weir__realloc(NULL, 1));
}
