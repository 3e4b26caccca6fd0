/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "want.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>
#include <weir.h>

static atomic_int wanting;
static struct want now;
static atomic_size_t calls;
static atomic_size_t failures;
static atomic_long blocks;

static int refuse(int of_uv) {
  size_t number;

  if (!atomic_load(&wanting) || of_uv != now.of_uv)
    return 0;
  number = atomic_fetch_add(&calls, 1);
  if (number != now.at && (number < now.at || !now.for_good))
    return 0;
  atomic_fetch_add(&failures, 1);
  return 1;
}

static void *counted(void *block) {
  if (block != NULL)
    atomic_fetch_add(&blocks, 1);
  return block;
}

static void *resized(void *block, size_t size) {
  void *moved = realloc(block, size);

  return block == NULL ? counted(moved) : moved;
}

static void *weir_malloc_(size_t size) {
  return refuse(0) ? NULL : counted(malloc(size));
}

static void *weir_calloc_(size_t count, size_t size) {
  return refuse(0) ? NULL : counted(calloc(count, size));
}

static void *weir_realloc_(void *block, size_t size) {
  return refuse(0) ? NULL : resized(block, size);
}

static void *uv_malloc_(size_t size) {
  return refuse(1) ? NULL : counted(malloc(size));
}

static void *uv_calloc_(size_t count, size_t size) {
  return refuse(1) ? NULL : counted(calloc(count, size));
}

static void count_free(void *block) {
  if (block != NULL)
    atomic_fetch_sub(&blocks, 1);
  free(block);
}

void want_install(void) {
  cr_assert(uv_replace_allocator(uv_malloc_, resized, uv_calloc_, count_free) ==
            0);
  cr_assert(weir_replace_allocator(weir_malloc_, weir_realloc_, weir_calloc_,
                                   count_free) == 0);
}

void want_begin(const struct want *want) {
  now = *want;
  atomic_store(&calls, 0);
  atomic_store(&failures, 0);
  atomic_store(&wanting, 1);
}

size_t want_end(void) {
  atomic_store(&wanting, 0);
  return want_failures();
}

size_t want_failures(void) {
  return atomic_load(&failures);
}

long want_blocks(void) {
  return atomic_load(&blocks);
}
