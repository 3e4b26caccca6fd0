/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <string.h>

#include "seq.h"

TestSuite(seq, .timeout = 60);

static char text[] = "abcdefghijklmnopqrstuvwxyz";

/* The sequence's bytes, for comparing with a literal. */
static const char *bytes(weir_seq_t s) {
  static char out[256];
  size_t n = weir_seq_copy(weir_mseq_block(out, sizeof(out) - 1), s, SIZE_MAX);

  out[n] = '\0';
  return out;
}

Test(seq, nothing_is_empty_in_every_kind) {
  weir_seq_t parts[2] = {weir_seq_block(NULL, 0), weir_seq_bufs(NULL, 0)};
  weir_seq_t kinds[] = {
      weir_seq_block(NULL, 0),      weir_seq_bufs(NULL, 0),
      weir_seq_chain(NULL),         weir_seq_ring(NULL, 0, 0, 0),
      weir_seq_ring(NULL, 0, 7, 9), weir_seq_concat(NULL, 0),
      weir_seq_concat(parts, 2)};
  size_t i;

  for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    weir_seq_t s = kinds[i];
    uv_buf_t window[WEIR_WINDOW];
    cr_assert(weir_seq_empty(s));
    cr_assert_eq(weir_seq_size(s), 0);
    cr_assert_eq(weir_seq_count(s), 0);
    cr_assert_eq(weir_seq_window(s, window, SIZE_MAX), 0);
    cr_assert_eq(weir_seq_advance(&s, SIZE_MAX), 0);
    cr_assert_eq(weir_seq_size(weir_seq_suffix(s, 3)), 0);
    cr_assert_eq(weir_seq_byte(s, 0), UV_EOF);
    cr_assert_eq(weir_seq_find_byte(s, 0), SIZE_MAX);
  }
}

Test(seq, empty_looks_past_any_number_of_empty_segments) {
  static uv_buf_t bufs[1000];

  cr_assert(weir_seq_empty(weir_seq_bufs(bufs, 1000)));
  bufs[999] = weir__buf(text, 1);
  cr_assert_not(weir_seq_empty(weir_seq_bufs(bufs, 1000)));
  cr_assert_eq(weir_seq_count(weir_seq_bufs(bufs, 1000)), 1);
}

Test(seq, slices_clamp_and_never_fail) {
  weir_seq_t s = weir_seq_block("hello", 5);

  cr_assert_str_eq(bytes(weir_seq_prefix(s, 2)), "he");
  cr_assert_str_eq(bytes(weir_seq_prefix(s, 99)), "hello");
  cr_assert_str_eq(bytes(weir_seq_suffix(s, 2)), "lo");
  cr_assert_str_eq(bytes(weir_seq_suffix(s, SIZE_MAX)), "hello");
  cr_assert_str_eq(bytes(weir_seq_suffix(s, 0)), "");
  cr_assert_str_eq(bytes(weir_seq_slice(s, 1, 3)), "ell");
  cr_assert_str_eq(bytes(weir_seq_slice(s, 3, SIZE_MAX)), "lo");
  cr_assert_str_eq(bytes(weir_seq_slice(s, SIZE_MAX, SIZE_MAX)), "");
  cr_assert_eq(weir_seq_advance(&s, 99), 5);
  cr_assert(weir_seq_empty(s));
}

Test(seq, prefix_of_a_prefix_is_the_smaller) {
  uv_buf_t bufs[2] = {weir__buf(text, 3), weir__buf(text + 10, 3)};
  weir_seq_t s = weir_seq_prefix(weir_seq_bufs(bufs, 2), 4);

  cr_assert_str_eq(bytes(weir_seq_prefix(s, SIZE_MAX)), "abck");
  cr_assert_str_eq(bytes(weir_seq_suffix(s, 2)), "ck");
}

Test(seq, ring_goes_round) {
  weir_seq_t s = weir_seq_ring("cdab", 4, 2, 4);

  cr_assert_str_eq(bytes(s), "abcd");
  cr_assert_eq(weir_seq_count(s), 2);
  cr_assert_eq(weir_seq_advance(&s, 2), 2);
  cr_assert_eq(weir_seq_count(s), 1);
  cr_assert_str_eq(bytes(s), "cd");
  cr_assert_str_eq(bytes(weir_seq_ring("cdab", 4, 6, 99)), "abcd");
  cr_assert_str_eq(bytes(weir_seq_ring("cdab", 4, 3, 2)), "bc");
}

/* Nothing of it is touched: places from which as many bytes again would lead
 * past the last address. */
Test(seq, ring_of_nearly_all_memory_goes_round) {
  const size_t capacity = SIZE_MAX - 64, n = SIZE_MAX / 2;
  weir_seq_t s = weir_seq_ring(text, capacity, capacity - 100, capacity);
  uv_buf_t out[WEIR_WINDOW];

  cr_assert_eq(weir_seq_advance(&s, n), n);
  cr_assert_eq(weir_seq_size(s), capacity - n);
  cr_assert_eq(weir_seq_window(s, out, 1), 1);
  cr_assert_eq((uintptr_t)out[0].base, (uintptr_t)text + n - 100);
}

Test(seq, chain_skips_empty_links) {
  weir_link_t d = {{0}, NULL};
  weir_link_t c = {{0}, &d};
  weir_link_t b = {{0}, &c};
  weir_link_t a = {{0}, &b};

  b.buf = weir__buf(text, 2);
  d.buf = weir__buf(text + 5, 2);
  cr_assert_str_eq(bytes(weir_seq_chain(&a)), "abfg");
  cr_assert_eq(weir_seq_count(weir_seq_chain(&a)), 2);
  cr_assert_str_eq(bytes(weir_seq_slice(weir_seq_chain(&a), 1, 2)), "bf");
}

/* Every third letter, a segment each, up to position 26; an empty segment in
 * between. */
static int every_third(void *context, uintptr_t *position, uv_buf_t *segment) {
  if (*position >= 52)
    return 0;
  *segment = weir__buf((char *)context + *position / 2, *position % 2);
  *position += *position % 2 != 0 ? 5 : 1;
  return 1;
}

Test(seq, iterator_carries_its_cursor) {
  weir_seq_t s = weir_seq_iterator(every_third, text, 0);
  weir_seq_t copy = s;

  cr_assert_str_eq(bytes(s), "adgjmpsvy");
  cr_assert_eq(weir_seq_advance(&s, 4), 4);
  cr_assert_str_eq(bytes(s), "mpsvy");
  cr_assert_str_eq(bytes(copy), "adgjmpsvy");
  cr_assert_eq(weir_seq_count(weir_seq_prefix(copy, 3)), 3);
}

Test(seq, mutable_ones_are_walked_and_cut_alike) {
  weir_mseq_t m = weir_mseq_iterator(every_third, text, 0);
  uv_buf_t segment;

  cr_assert_str_eq(bytes(weir_seq_from(weir_mseq_prefix(m, 5))), "adgjm");
  cr_assert_eq(weir_mseq_next(&m, &segment), 1);
  cr_assert(segment.base == text && segment.len == 1);
  cr_assert_str_eq(bytes(weir_seq_from(m)), "dgjmpsvy");
  m = weir_mseq_block(text, 4);
  cr_assert_str_eq(bytes(weir_seq_from(weir_mseq_suffix(m, 3))), "bcd");
  cr_assert_str_eq(bytes(weir_seq_from(weir_mseq_suffix(m, 9))), "abcd");
  cr_assert_eq(weir_mseq_next(&m, &segment), 1);
  cr_assert_eq(weir_mseq_next(&m, &segment), 0);
}

Test(seq, concatenation_of_all_kinds_and_of_itself) {
  uv_buf_t bufs[3] = {weir__buf("1", 1), weir__buf(NULL, 0),
                      weir__buf("23", 2)};
  weir_link_t link = {{0}, NULL};
  weir_seq_t parts[6];
  weir_seq_t twice[2];
  weir_seq_t s;
  size_t i;

  link.buf = weir__buf("xyz", 3);
  parts[0] = weir_seq_block(NULL, 0);
  parts[1] = weir_seq_bufs(bufs, 3);
  parts[2] = weir_seq_ring("BA", 2, 1, 2);
  parts[3] = weir_seq_chain(&link);
  parts[4] = weir_seq_prefix(weir_seq_iterator(every_third, text, 0), 2);
  parts[5] = weir_seq_block("!", 1);
  twice[0] = weir_seq_concat(parts, 6);
  twice[1] = weir_seq_slice(weir_seq_concat(parts, 6), 2, 5);
  cr_assert_str_eq(bytes(twice[0]), "123ABxyzad!");
  cr_assert_str_eq(bytes(twice[1]), "3ABxy");
  for (i = 0; i <= 16; i++) {
    s = weir_seq_concat(twice, 2);
    cr_assert_eq(weir_seq_advance(&s, i), i);
    cr_assert_str_eq(bytes(s), &"123ABxyzad!3ABxy"[i]);
    cr_assert_eq(weir_seq_size(s), 16 - i);
  }
}

Test(seq, concatenations_nested_four_deep) {
  weir_seq_t one[2] = {weir_seq_block("a", 1), weir_seq_block("b", 1)};
  weir_seq_t two[2], three[2], four[1];
  weir_seq_t s;
  size_t i;

  two[0] = two[1] = weir_seq_concat(one, 2);
  three[0] = three[1] = weir_seq_concat(two, 2);
  four[0] = weir_seq_concat(three, 2);
  for (i = 0; i <= 8; i++) {
    size_t k;
    s = weir_seq_concat(four, 1);
    cr_assert_eq(weir_seq_advance(&s, i), i);
    cr_assert_str_eq(bytes(s), &"abababab"[i]);
    for (k = i; k < 8; k++) {
      cr_assert_eq(weir_seq_byte(s, 0), "abababab"[k]);
      cr_assert_eq(weir_seq_advance(&s, 1), 1);
    }
    cr_assert(weir_seq_empty(s));
  }
}

Test(seq, mutable_parts_are_written_through) {
  char a[2], b[3];
  weir_mseq_t parts[2] = {weir_mseq_block(a, 2), weir_mseq_ring(b, 3, 2, 3)};

  cr_assert_eq(weir_seq_copy(weir_mseq_concat(parts, 2),
                             weir_seq_block("12345", 5), SIZE_MAX),
               5);
  cr_assert_arr_eq(a, "12", 2);
  cr_assert_arr_eq(b, "453", 3);
}

Test(seq, every_edge_against_every_edge_when_copying) {
  char mem[6];
  size_t i, j, n;

  for (i = 0; i <= 6; i++)
    for (j = 0; j <= 6; j++)
      for (n = 0; n <= 7; n++) {
        uv_buf_t to[2] = {weir__buf(mem, i), weir__buf(mem + i, 6 - i)};
        uv_buf_t from[2] = {weir__buf(text, j), weir__buf(text + j, 6 - j)};
        size_t want = n < 6 ? n : 6;
        memset(mem, '.', 6);
        cr_assert_eq(
            weir_seq_copy(weir_mseq_bufs(to, 2), weir_seq_bufs(from, 2), n),
            want);
        cr_assert_arr_eq(mem, text, want);
        cr_assert(want == 6 || mem[want] == '.');
      }
}

Test(seq, copy_stops_at_the_shorter) {
  char mem[3];

  cr_assert_eq(
      weir_seq_copy(weir_mseq_block(mem, 3), weir_seq_block(text, 9), SIZE_MAX),
      3);
  cr_assert_eq(
      weir_seq_copy(weir_mseq_block(mem, 3), weir_seq_block(text, 2), SIZE_MAX),
      2);
}

Test(seq, size_saturates_and_the_ends_stay_exact) {
  size_t half = SIZE_MAX / 2 + 1;
  uv_buf_t bufs[3] = {weir__buf(text, half), weir__buf(text + 1, half),
                      weir__buf(text + 2, 7)};
  weir_seq_t s = weir_seq_bufs(bufs, 3);
  uv_buf_t segment;

  if (bufs[0].len != half)
    cr_skip("a segment holds less than 4 GiB");
  cr_assert_eq(weir_seq_size(s), SIZE_MAX);
  cr_assert_eq(weir_seq_size(weir_seq_suffix(s, 9)), 9);
  s = weir_seq_suffix(s, 7);
  cr_assert(weir_seq_next(&s, &segment));
  cr_assert_eq(segment.base, text + 2);
  cr_assert_eq(segment.len, 7);
  cr_assert_not(weir_seq_next(&s, &segment));
}

Test(seq, owning_needs_the_fewest_descriptors) {
  uv_buf_t bufs[3] = {weir__buf(NULL, 0), weir__buf(text, 4),
                      weir__buf(text + 9, 2)};
  uv_buf_t store[2];
  weir_seq_t s = weir_seq_bufs(bufs, 3);
  weir_seq_t one = weir_seq_prefix(s, 3);
  weir_seq_t pinned = weir_seq_pinned(s);
  weir_seq_t ring = weir_seq_ring(text, 4, 3, 2);

  cr_assert_eq(weir__seq_descriptors(&one), 0);
  cr_assert_eq(weir__seq_descriptors(&pinned), 0);
  cr_assert_eq(weir__seq_descriptors(&ring), 0);
  cr_assert_eq(weir__seq_descriptors(&s), 2);
  weir__seq_own(&s, store);
  weir__seq_own(&one, NULL);
  weir__seq_own(&ring, NULL);
  memset(bufs, 0xff, sizeof(bufs));
  cr_assert_str_eq(bytes(s), "abcdjk");
  cr_assert_str_eq(bytes(one), "abc");
  cr_assert_str_eq(bytes(ring), "da");
}

Test(seq, owning_flattens_every_kind_within_its_prefix) {
  weir_link_t b = {{0}, NULL};
  weir_link_t a = {{0}, &b};
  weir_seq_t parts[2];
  uv_buf_t store[8];
  weir_seq_t s;

  a.buf = weir__buf(text, 2);
  b.buf = weir__buf(text + 4, 20);
  parts[0] = weir_seq_chain(&a);
  parts[1] = weir_seq_iterator(every_third, text, 0);
  s = weir_seq_prefix(weir_seq_concat(parts, 2), 24);
  cr_assert_eq(weir__seq_descriptors(&s), 4);
  weir__seq_own(&s, store);
  memset(parts, 0xff, sizeof(parts));
  memset(&a, 0xff, sizeof(a));
  cr_assert_str_eq(bytes(s), "abefghijklmnopqrstuvwxad");
}
