/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>

#include "seq.h"

/* Sequences of more than 2 and 4 GiB, on a mapping without memory behind it.
 */

TestSuite(seq_big, .timeout = 60);

#define GIB ((uint64_t)1 << 30)

#if UINTPTR_MAX > UINT32_MAX && __has_include(<sys/mman.h>)
#include <sys/mman.h>

static char *map(size_t size) {
  void *at = mmap(NULL, size, PROT_READ,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (at == MAP_FAILED)
    cr_skip("no address space for a sparse mapping");
  return at;
}

/* Takes everything by windows as a sender would; returns the bytes. */
static uint64_t drain(weir_seq_t s) {
  uv_buf_t out[WEIR_WINDOW];
  uint64_t total = 0;
  size_t n;

  while ((n = weir_seq_window(s, out, SIZE_MAX)) != 0) {
    size_t offered = 0, i;
    for (i = 0; i < n; i++)
      offered += out[i].len;
    cr_assert(offered == GIB || offered == weir_seq_size(s),
              "a call that was clamped is full, and so ends at a page");
    cr_assert_eq(weir_seq_advance(&s, offered), offered);
    total += offered;
  }
  cr_assert(weir_seq_empty(s));
  return total;
}

Test(seq_big, one_block) {
  size_t sizes[] = {2 * GIB - 1, 2 * GIB, 2 * GIB + 1, 4 * GIB, 4 * GIB + 4097};
  char *base = map(5 * GIB);
  size_t i;

  for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    weir_seq_t s = weir_seq_block(base, sizes[i]);
    cr_assert_eq(weir_seq_size(s), sizes[i]);
    cr_assert_eq(drain(s), sizes[i]);
    cr_assert_eq(weir_seq_size(weir_seq_suffix(s, 5)), 5);
    cr_assert_eq(weir_seq_byte(s, sizes[i] - 1), 0);
    cr_assert_eq(weir_seq_byte(s, sizes[i]), UV_EOF);
  }
  munmap(base, 5 * GIB);
}

Test(seq_big, many_segments) {
  char *base = map(5 * GIB);
  uv_buf_t bufs[40];
  size_t i;

  for (i = 0; i < 40; i++)
    bufs[i] = weir__buf(base + (i % 2) * 2 * GIB, 2 * GIB);
  cr_assert_eq(weir_seq_size(weir_seq_bufs(bufs, 40)), 80 * GIB);
  cr_assert_eq(drain(weir_seq_bufs(bufs, 40)), 80 * GIB);
  cr_assert_eq(drain(weir_seq_slice(weir_seq_bufs(bufs, 40), GIB, 5 * GIB)),
               5 * GIB);
  munmap(base, 5 * GIB);
}

Test(seq_big, ring_and_concatenation) {
  char *base = map(5 * GIB);
  weir_seq_t parts[2] = {weir_seq_ring(base, 5 * GIB, 3 * GIB, 5 * GIB),
                         weir_seq_block(base, 3 * GIB)};

  cr_assert_eq(weir_seq_size(weir_seq_concat(parts, 2)), 8 * GIB);
  cr_assert_eq(drain(weir_seq_concat(parts, 2)), 8 * GIB);
  munmap(base, 5 * GIB);
}
#else
Test(seq_big, one_block) {
  cr_skip("size_t holds less than 4 GiB, or files are not mapped so");
}
#endif
