/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "alloc.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <uv.h>
#include <weir.h>

static atomic_size_t blocks;
static atomic_size_t calls;
static atomic_size_t calls_of_uv;
static size_t left = SIZE_MAX;

static int refuse(void) {
  atomic_fetch_add(&calls, 1);
  if (left == SIZE_MAX)
    return 0;
  if (left == 0)
    return 1;
  left--;
  return 0;
}

static void *counted(void *block) {
  if (block != NULL)
    atomic_fetch_add(&blocks, 1);
  return block;
}

static void *weir_malloc_(size_t size) {
  return refuse() ? NULL : counted(malloc(size));
}

static void *weir_calloc_(size_t count, size_t size) {
  return refuse() ? NULL : counted(calloc(count, size));
}

static void *weir_realloc_(void *block, size_t size) {
  void *moved;

  if (refuse())
    return NULL;
  moved = realloc(block, size);
  return block == NULL ? counted(moved) : moved;
}

static void weir_free_(void *block) {
  if (block != NULL)
    atomic_fetch_sub(&blocks, 1);
  free(block);
}

static void *uv_malloc_(size_t size) {
  atomic_fetch_add(&calls_of_uv, 1);
  return malloc(size);
}

static void *uv_calloc_(size_t count, size_t size) {
  atomic_fetch_add(&calls_of_uv, 1);
  return calloc(count, size);
}

static void *uv_realloc_(void *block, size_t size) {
  atomic_fetch_add(&calls_of_uv, 1);
  return realloc(block, size);
}

void alloc_install(void) {
  static int installed;

  if (installed)
    return;
  installed = 1;
  cr_assert(uv_replace_allocator(uv_malloc_, uv_realloc_, uv_calloc_, free) ==
            0);
  cr_assert(weir_replace_allocator(weir_malloc_, weir_realloc_, weir_calloc_,
                                   weir_free_) == 0);
}

size_t alloc_blocks(void) {
  return atomic_load(&blocks);
}

size_t alloc_calls(void) {
  return atomic_load(&calls);
}

size_t alloc_calls_of_uv(void) {
  return atomic_load(&calls_of_uv);
}

void alloc_fail_after(size_t count) {
  left = count;
}
