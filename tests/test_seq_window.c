/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <string.h>

#include "seq.h"

TestSuite(seq_window, .timeout = 60);

#define MOST 1000

static uv_buf_t bufs[3 * MOST];
static char mem[4 * MOST];

/* n segments of three bytes that do not touch. */
static weir_seq_t apart(size_t n) {
  size_t i;

  for (i = 0; i < n; i++)
    bufs[i] = weir__buf(mem + 4 * i, 3);
  return weir_seq_bufs(bufs, n);
}

Test(seq_window, offers_sixteen_segments_at_most) {
  static const size_t counts[] = {0, 1, 15, 16, 17, 33, 64, 65, MOST};
  uv_buf_t out[WEIR_WINDOW + 1];
  size_t i, k;

  for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    size_t want = counts[i] < WEIR_WINDOW ? counts[i] : WEIR_WINDOW;
    memset(out, 0x5a, sizeof(out));
    cr_assert_eq(weir_seq_window(apart(counts[i]), out, SIZE_MAX), want);
    for (k = 0; k < want; k++) {
      cr_assert_eq(out[k].base, mem + 4 * k);
      cr_assert_eq(out[k].len, 3);
    }
    cr_assert_eq(*(unsigned char *)&out[WEIR_WINDOW], 0x5a,
                 "nothing is written behind the window");
  }
}

Test(seq_window, empties_cost_no_entry_wherever_they_are) {
  uv_buf_t out[WEIR_WINDOW];
  size_t n, at, k;

  for (n = 1; n <= 18; n++)
    for (at = 0; at <= n; at++)
      for (k = 1; k <= 40; k += 13) {
        size_t want = n < WEIR_WINDOW ? n : WEIR_WINDOW;
        size_t i;
        apart(n);
        memmove(bufs + at + k, bufs + at, (n - at) * sizeof(bufs[0]));
        for (i = 0; i < k; i++)
          bufs[at + i] = weir__buf(i % 2 != 0 ? mem : NULL, 0);
        cr_assert_eq(weir_seq_window(weir_seq_bufs(bufs, n + k), out, SIZE_MAX),
                     want);
        for (i = 0; i < want; i++) {
          cr_assert_eq(out[i].base, mem + 4 * i);
          cr_assert_eq(out[i].len, 3);
        }
      }
}

Test(seq_window, empties_between_every_two) {
  uv_buf_t out[WEIR_WINDOW];
  size_t i;

  for (i = 0; i < 3 * MOST; i++)
    bufs[i] = i % 3 != 2 ? weir__buf(NULL, 0) : weir__buf(mem + 2 * (i / 3), 1);
  cr_assert_eq(weir_seq_window(weir_seq_bufs(bufs, 3 * MOST), out, SIZE_MAX),
               WEIR_WINDOW);
  cr_assert_eq(out[15].base, mem + 30);
}

Test(seq_window, touching_segments_share_an_entry) {
  uv_buf_t out[WEIR_WINDOW];
  size_t i;

  for (i = 0; i < MOST; i++)
    bufs[i] = weir__buf(mem + i, 1);
  cr_assert_eq(weir_seq_window(weir_seq_bufs(bufs, MOST), out, SIZE_MAX), 1);
  cr_assert_eq(out[0].len, MOST);
  /* Also the ones behind the sixteenth entry. */
  for (i = 0; i < 15; i++)
    bufs[i] = weir__buf(mem + 2000 + 2 * i, 1);
  cr_assert_eq(weir_seq_window(weir_seq_bufs(bufs, MOST), out, SIZE_MAX), 16);
  cr_assert_eq(out[15].base, mem + 15);
  cr_assert_eq(out[15].len, MOST - 15);
}

Test(seq_window, seam_of_a_full_ring_does_not_touch) {
  uv_buf_t out[WEIR_WINDOW];

  cr_assert_eq(weir_seq_window(weir_seq_ring(mem, 8, 5, 8), out, SIZE_MAX), 2);
  cr_assert_eq(out[0].base, mem + 5);
  cr_assert_eq(out[0].len, 3);
  cr_assert_eq(out[1].base, mem);
  cr_assert_eq(out[1].len, 5);
}

Test(seq_window, slides_instead_of_sending_a_runt) {
  uv_buf_t out[WEIR_WINDOW];
  weir_seq_t s;
  size_t i;

  for (i = 0; i < 17; i++)
    bufs[i] = weir__buf(mem + 2 * i, 1);
  s = weir_seq_bufs(bufs, 17);
  cr_assert_eq(weir_seq_window(s, out, SIZE_MAX), 16);
  cr_assert_eq(weir_seq_advance(&s, 15), 15);
  cr_assert_eq(weir_seq_window(s, out, SIZE_MAX), 2);
  cr_assert_eq(out[0].base, mem + 30);
  cr_assert_eq(out[1].base, mem + 32);
}

Test(seq_window, starts_at_the_first_byte_not_taken) {
  uv_buf_t out[WEIR_WINDOW];
  size_t taken;

  for (taken = 0; taken <= 3 * 40; taken++) {
    weir_seq_t s = apart(40);
    size_t left = 40 - taken / 3;
    size_t want = left < WEIR_WINDOW ? left : WEIR_WINDOW;
    cr_assert_eq(weir_seq_advance(&s, taken), taken);
    cr_assert_eq(weir_seq_window(s, out, SIZE_MAX), want);
    if (want == 0)
      continue;
    cr_assert_eq(out[0].base, mem + 4 * (taken / 3) + taken % 3);
    cr_assert_eq(out[0].len, 3 - taken % 3);
  }
}

Test(seq_window, every_byte_once_for_every_accept) {
  static const size_t counts[] = {0, 1, 15, 16, 17, 33, 64, 65, MOST};
  size_t c, accept;

  for (c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
    for (accept = 1; accept <= 60; accept++) {
      weir_seq_t s = apart(counts[c]);
      size_t total = 0;
      uv_buf_t out[WEIR_WINDOW];
      size_t n;
      while ((n = weir_seq_window(s, out, SIZE_MAX)) != 0) {
        size_t offered = 0, i;
        for (i = 0; i < n; i++)
          offered += out[i].len;
        cr_assert_eq(out[0].base, mem + 4 * (total / 3) + total % 3);
        if (offered > accept)
          offered = accept;
        total += weir_seq_advance(&s, offered);
      }
      cr_assert_eq(total, 3 * counts[c]);
    }
}

Test(seq_window, clamps_to_max_bytes) {
  uv_buf_t out[WEIR_WINDOW];
  size_t max;

  for (max = 0; max <= 60; max++) {
    size_t n = weir_seq_window(apart(20), out, max);
    size_t total = 0, i;
    for (i = 0; i < n; i++) {
      cr_assert_neq(out[i].len, 0);
      total += out[i].len;
    }
    cr_assert_eq(total, max < 48 ? max : 48);
  }
}

Test(seq_window, respects_the_prefix_of_an_array) {
  uv_buf_t out[WEIR_WINDOW];
  size_t limit;

  for (limit = 0; limit <= 48; limit++) {
    weir_seq_t s = weir_seq_slice(apart(20), 2, limit);
    size_t n = weir_seq_window(s, out, SIZE_MAX);
    size_t total = 0, i;
    for (i = 0; i < n; i++)
      total += out[i].len;
    cr_assert_eq(total, limit < 46 ? limit : 46);
    cr_assert(limit == 0 || out[0].base == mem + 2);
  }
}

Test(seq_window, one_call_gets_a_gibibyte_at_most) {
  size_t gib = (size_t)1 << 30;
  uv_buf_t out[WEIR_WINDOW];
  weir_seq_t s = weir_seq_block(mem, 2 * gib + 5);

  cr_assert_eq(weir__seq_max_bytes(), gib);
  cr_assert_eq(weir_seq_window(s, out, SIZE_MAX), 1);
  cr_assert_eq(out[0].len, gib);
  weir_seq_advance(&s, 2 * gib);
  cr_assert_eq(weir_seq_window(s, out, SIZE_MAX), 1);
  cr_assert_eq(out[0].len, 5);
}

Test(seq_window, appends_to_what_it_holds) {
  uv_buf_t out[WEIR_WINDOW];
  size_t used_bytes = 0;
  weir_seq_t first = weir_seq_block(mem, 4);
  weir_seq_t touching = weir_seq_block(mem + 4, 4);
  weir_seq_t other = apart(20);
  unsigned n;

  n = weir__seq_fill(&first, out, 0, &used_bytes, SIZE_MAX);
  cr_assert_eq(n, 1);
  n = weir__seq_fill(&touching, out, n, &used_bytes, 6);
  cr_assert_eq(n, 1);
  cr_assert_eq(used_bytes, 6);
  cr_assert_eq(out[0].len, 6);
  n = weir__seq_fill(&first, out, n, &used_bytes, 6);
  cr_assert_eq(n, 1);
  cr_assert_eq(used_bytes, 6);
  n = weir__seq_fill(&other, out, n, &used_bytes, SIZE_MAX);
  cr_assert_eq(n, WEIR_WINDOW);
  cr_assert_eq(used_bytes, 6 + 3 * 15);
}

/* A window's worth of other kinds: they share the generic path. */
Test(seq_window, chain_concatenation_and_iterator) {
  static weir_link_t links[40];
  weir_seq_t parts[40];
  uv_buf_t out[WEIR_WINDOW];
  weir_seq_t s;
  size_t i, round;

  for (i = 0; i < 40; i++) {
    links[i].buf = weir__buf(mem + 4 * i, 3);
    links[i].next = i < 39 ? &links[i + 1] : NULL;
    parts[i] = weir_seq_block(mem + 4 * i, 3);
  }
  for (round = 0; round < 2; round++) {
    s = round == 0 ? weir_seq_chain(links) : weir_seq_concat(parts, 40);
    cr_assert_eq(weir_seq_window(s, out, SIZE_MAX), 16);
    weir_seq_advance(&s, 3 * 15 + 1);
    cr_assert_eq(weir_seq_window(s, out, SIZE_MAX), 16);
    cr_assert_eq(out[0].base, mem + 4 * 15 + 1);
    cr_assert_eq(out[15].base, mem + 4 * 30);
  }
}
