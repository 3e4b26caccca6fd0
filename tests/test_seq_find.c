/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <string.h>

#include "seq.h"

TestSuite(seq_find, .timeout = 60);

/* Runs `want == find(needle)` over every 3-way split of the text. */
static void find_in_all_splits(const char *text, const char *needle) {
  const char *at = strstr(text, needle);
  size_t want = at != NULL ? (size_t)(at - text) : SIZE_MAX;
  size_t n = strlen(text);
  size_t i, j;

  for (i = 0; i <= n; i++)
    for (j = i; j <= n; j++) {
      uv_buf_t bufs[3] = {weir__buf(text, i), weir__buf(text + i, j - i),
                          weir__buf(text + j, n - j)};
      cr_assert_eq(
          weir_seq_find(weir_seq_bufs(bufs, 3), needle, strlen(needle)), want,
          "'%s' in '%s' split at %zu, %zu", needle, text, i, j);
    }
}

Test(seq_find, a_string_at_every_split) {
  find_in_all_splits("aaab", "aab");
  find_in_all_splits("aabaabaaab", "aabaaab");
  find_in_all_splits("abababc", "ababc");
  find_in_all_splits("GET / HTTP/1.1\r\n\r\r\n\r\n", "\r\n\r\n");
  find_in_all_splits("abcabcabd", "abcabd");
  find_in_all_splits("aaaaaaaaaaaaaaaab", "aaaab");
  find_in_all_splits("no such thing", "x");
  find_in_all_splits("almost the en", "end");
  find_in_all_splits("short", "longer than that");
  find_in_all_splits("x", "x");
  find_in_all_splits("", "x");
}

/* All texts of nine letters against all needles of up to four, from an
 * alphabet of two, a segment for each letter and two letters. */
Test(seq_find, all_small_texts_against_all_small_needles) {
  size_t bits, size, nbits, i;

  for (bits = 0; bits < 512; bits++)
    for (size = 1; size <= 4; size++)
      for (nbits = 0; nbits < (size_t)1 << size; nbits++) {
        char text[10] = {0}, needle[5] = {0};
        uv_buf_t one[9], two[5];
        const char *at;
        size_t want;
        for (i = 0; i < 9; i++)
          text[i] = bits >> i & 1 ? 'b' : 'a';
        for (i = 0; i < size; i++)
          needle[i] = nbits >> i & 1 ? 'b' : 'a';
        for (i = 0; i < 9; i++) {
          one[i] = weir__buf(text + i, 1);
          two[i / 2] = weir__buf(text + i / 2 * 2, i == 8 ? 1 : 2);
        }
        at = strstr(text, needle);
        want = at != NULL ? (size_t)(at - text) : SIZE_MAX;
        cr_assert_eq(weir_seq_find(weir_seq_bufs(one, 9), needle, size), want,
                     "%s in %s", needle, text);
        cr_assert_eq(weir_seq_find(weir_seq_bufs(two, 5), needle, size), want,
                     "%s in %s by twos", needle, text);
      }
}

Test(seq_find, nothing_is_found_at_once) {
  cr_assert_eq(weir_seq_find(weir_seq_block("abc", 3), "", 0), 0);
  cr_assert_eq(weir_seq_find(weir_seq_block("", 0), "", 0), 0);
}

Test(seq_find, a_byte_within_the_slice_only) {
  weir_seq_t ring = weir_seq_ring("defabc", 6, 3, 6);

  cr_assert_eq(weir_seq_find_byte(ring, 'e'), 4);
  cr_assert_eq(weir_seq_find_byte(weir_seq_prefix(ring, 4), 'e'), SIZE_MAX);
  cr_assert_eq(weir_seq_find_byte(weir_seq_slice(ring, 3, 9), 'e'), 1);
  cr_assert_eq(weir_seq_find(ring, "cd", 2), 2);
}

Test(seq_find, search_goes_on_across_pieces_and_behind_a_match) {
  weir_search_t search;
  size_t end;

  weir_search_init(&search, "aab", 3);
  cr_assert_not(weir_search_feed(&search, weir_seq_block("xaa", 3), &end));
  cr_assert_not(weir_search_feed(&search, weir_seq_block("", 0), &end));
  cr_assert(weir_search_feed(&search, weir_seq_block("abaa", 4), &end));
  cr_assert_eq(end, 2);
  /* The search begins anew behind the match. */
  cr_assert_not(weir_search_feed(&search, weir_seq_block("aa", 2), &end));
  cr_assert(weir_search_feed(&search, weir_seq_block("b", 1), &end));
  cr_assert_eq(end, 1);
}

Test(seq_find, compare_orders_like_memcmp) {
  uv_buf_t split[2] = {weir__buf("ab", 2), weir__buf("cd", 2)};
  weir_seq_t abcd = weir_seq_bufs(split, 2);

  cr_assert_eq(weir_seq_compare(abcd, weir_seq_block("abcd", 4)), 0);
  cr_assert_lt(weir_seq_compare(abcd, weir_seq_block("abce", 4)), 0);
  cr_assert_gt(weir_seq_compare(abcd, weir_seq_block("abc", 3)), 0);
  cr_assert_lt(weir_seq_compare(weir_seq_block("", 0), abcd), 0);
  cr_assert_gt(weir_seq_compare(weir_seq_block("\xff", 1), abcd), 0);
  cr_assert_eq(weir_seq_compare(weir_seq_block("", 0), weir_seq_bufs(NULL, 0)),
               0);
}

Test(seq_find, integers_across_every_seam) {
  static const unsigned char raw[] = {1, 2, 3, 4, 5, 6, 7, 0xf8, 9};
  size_t i, j;
  uint64_t value;

  for (i = 0; i <= 9; i++)
    for (j = i; j <= 9; j++) {
      uv_buf_t bufs[3] = {weir__buf(raw, i), weir__buf(raw + i, j - i),
                          weir__buf(raw + j, 9 - j)};
      weir_seq_t s = weir_seq_bufs(bufs, 3);
      cr_assert_eq(weir_seq_load(s, 0, 8, WEIR_BE, &value), 0);
      cr_assert_eq(value, UINT64_C(0x01020304050607f8));
      cr_assert_eq(weir_seq_load(s, 0, 8, WEIR_LE, &value), 0);
      cr_assert_eq(value, UINT64_C(0xf807060504030201));
      cr_assert_eq(weir_seq_load(s, 6, 2, WEIR_LE, &value), 0);
      cr_assert_eq(value, 0xf807);
      cr_assert_eq(weir_seq_load(s, 6, 3, WEIR_BE, &value), 0);
      cr_assert_eq(value, 0x07f809);
      cr_assert_eq(weir_seq_load(s, 7, 1, WEIR_BE, &value), 0);
      cr_assert_eq(value, 0xf8);
      cr_assert_eq(weir_seq_byte(s, 7), 0xf8);
    }
}

Test(seq_find, loads_that_cannot_be_leave_the_value_alone) {
  weir_seq_t s = weir_seq_block("abc", 3);
  uint64_t value = 42;

  cr_assert_eq(weir_seq_load(s, 0, 4, WEIR_LE, &value), UV_EOF);
  cr_assert_eq(weir_seq_load(s, 2, 2, WEIR_LE, &value), UV_EOF);
  cr_assert_eq(weir_seq_load(s, SIZE_MAX, 1, WEIR_LE, &value), UV_EOF);
  cr_assert_eq(weir_seq_load(s, 0, 0, WEIR_LE, &value), UV_EINVAL);
  cr_assert_eq(weir_seq_load(s, 0, 9, WEIR_LE, &value), UV_EINVAL);
  cr_assert_eq(value, 42);
  cr_assert_eq(weir_seq_byte(s, 3), UV_EOF);
}

Test(seq_find, cursor_remembers_its_place) {
  uv_buf_t bufs[4] = {weir__buf("ab", 2), weir__buf("", 0), weir__buf("c", 1),
                      weir__buf("defgh", 5)};
  weir_seq_cursor_t cursor = weir_seq_cursor(weir_seq_bufs(bufs, 4));
  weir_seq_cursor_t mark;
  uint64_t value;
  char out[4];

  cr_assert_eq(weir_seq_cursor_byte(&cursor), 'a');
  mark = cursor;
  cr_assert_eq(weir_seq_cursor_load(&cursor, 3, WEIR_BE, &value), 0);
  cr_assert_eq(value, 0x626364);
  cr_assert_eq(weir_seq_cursor_offset(&cursor), 4);
  cr_assert_eq(weir_seq_compare(weir_seq_cursor_rest(&cursor),
                                weir_seq_block("efgh", 4)),
               0);
  cr_assert_eq(weir_seq_cursor_load(&cursor, 5, WEIR_BE, &value), UV_EOF);
  cr_assert_eq(weir_seq_cursor_offset(&cursor), 4);
  cr_assert_eq(weir_seq_cursor_read(&cursor, NULL, 2), 2);
  cr_assert_eq(weir_seq_cursor_read(&cursor, out, 4), 2);
  cr_assert_arr_eq(out, "gh", 2);
  cr_assert_eq(weir_seq_cursor_byte(&cursor), UV_EOF);
  cr_assert_eq(weir_seq_cursor_byte(&cursor), UV_EOF);
  cr_assert_eq(weir_seq_cursor_offset(&cursor), 8);
  cr_assert(weir_seq_empty(weir_seq_cursor_rest(&cursor)));
  cr_assert_eq(weir_seq_cursor_byte(&mark), 'b');
}
