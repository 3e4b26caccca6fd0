/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <string.h>

#include "buffer.h"
#include "seq.h"
#include "support/alloc.h"

/* What only chains do. */

TestSuite(buffer_chain, .timeout = 60);

static weir_buffer_t a, b;
static int released;

static void count_release(void *arg, const uv_buf_t *memory) {
  cr_assert_eq(arg, memory->base);
  released++;
}

static void make(weir_buffer_t *chain) {
  weir_buffer_options_t options = {0};

  options.block_size = 8;
  cr_assert_eq(weir_chain_init(chain, &options), 0);
}

static void put(weir_buffer_t *chain, const char *text) {
  cr_assert_eq(weir_buffer_put(chain, weir_seq_block(text, strlen(text))), 0);
}

static void adopt(weir_buffer_t *chain, const char *text) {
  cr_assert_eq(weir_chain_adopt(chain, text, strlen(text), count_release,
                                (void *)(uintptr_t)text),
               0);
}

static void has(const weir_buffer_t *chain, const char *text) {
  weir_seq_t want = weir_seq_block(text, strlen(text));

  cr_assert(weir__buffer_check(chain));
  cr_assert_eq(weir_seq_compare(weir_buffer_data(chain), want), 0);
  cr_assert_eq(weir_buffer_size(chain), strlen(text));
}

static const char *first_byte(const weir_buffer_t *chain) {
  weir_seq_t data = weir_buffer_data(chain);
  uv_buf_t segment = {0};

  weir_seq_next(&data, &segment);
  return segment.base;
}

Test(buffer_chain, adopted_memory_is_not_copied) {
  static const char text[] = "adopted";

  make(&a);
  adopt(&a, text);
  cr_assert_eq(first_byte(&a), text);
  put(&a, " and ");
  adopt(&a, "more");
  put(&a, "!");
  has(&a, "adopted and more!");
  cr_assert_eq(weir_buffer_consume(&a, 6), 6);
  cr_assert_eq(released, 0);
  cr_assert_eq(weir_buffer_consume(&a, 1), 1);
  cr_assert_eq(released, 1);
  has(&a, " and more!");
  cr_assert_eq(weir_buffer_reset(&a), 0);
  cr_assert_eq(released, 2);
}

Test(buffer_chain, adopting_nothing_releases_at_once) {
  make(&a);
  adopt(&a, "");
  cr_assert_eq(released, 1);
  has(&a, "");
}

Test(buffer_chain, adopting_behind_a_prepare_ends_it) {
  weir_mseq_t room;

  make(&a);
  cr_assert_eq(weir_buffer_prepare(&a, 4, &room), 0);
  weir_buffer_hold(&a, WEIR_HOLD_ROOM);
  cr_assert_eq(weir_chain_adopt(&a, "x", 1, NULL, NULL), UV_EBUSY);
  weir_buffer_unhold(&a, WEIR_HOLD_ROOM);
  cr_assert_eq(weir_chain_adopt(&a, "x", 1, NULL, NULL), 0);
  cr_assert_eq(weir_buffer_commit(&a, 4), 0);
  has(&a, "x");
  cr_assert_eq(weir_buffer_reset(&a), 0);
}

/* An operation on the data goes on while more comes behind them. */
Test(buffer_chain, data_stay_valid_when_more_comes_behind_them) {
  weir_seq_t want = weir_seq_block("0123456789AB", 12);
  weir_seq_t data;

  make(&a);
  make(&b);
  put(&a, "0123456789");
  adopt(&a, "AB");
  put(&b, "splitappended");
  data = weir_buffer_data(&a);
  put(&a, "put");
  cr_assert_eq(weir_seq_compare(data, want), 0);
  adopt(&a, "adopted");
  cr_assert_eq(weir_seq_compare(data, want), 0);
  cr_assert_eq(weir_chain_split(&b, 5, &a), 0);
  cr_assert_eq(weir_seq_compare(data, want), 0);
  cr_assert_eq(weir_chain_append(&a, &b), 0);
  cr_assert_eq(weir_seq_compare(data, want), 0);
  weir_buffer_shrink(&a);
  cr_assert_eq(weir_seq_compare(data, want), 0);
  has(&a, "0123456789ABputadoptedsplitappended");
  cr_assert_eq(weir_buffer_reset(&a), 0);
  cr_assert_eq(weir_buffer_reset(&b), 0);
}

Test(buffer_chain, adopt_fails_without_releasing) {
  weir_buffer_options_t options = {0};
  weir_buffer_t flat;

  alloc_install();
  options.max_size = 4;
  cr_assert_eq(weir_chain_init(&a, &options), 0);
  cr_assert_eq(weir_chain_adopt(&a, "abcde", 5, count_release, NULL),
               UV_ENOBUFS);
  alloc_fail_after(0);
  cr_assert_eq(weir_chain_adopt(&a, "abc", 3, count_release, NULL), UV_ENOMEM);
  alloc_fail_after(SIZE_MAX);
  cr_assert_eq(weir_flat_init(&flat, NULL), 0);
  cr_assert_eq(weir_chain_adopt(&flat, "abc", 3, count_release, NULL),
               UV_EINVAL);
  cr_assert_eq(released, 0);
  has(&a, "");
}

Test(buffer_chain, append_moves_everything_without_a_copy) {
  size_t calls;

  alloc_install();
  make(&a);
  make(&b);
  put(&a, "0123456789");
  put(&b, "abcdefghijkl");
  adopt(&b, "xyz");
  put(&b, "-");
  calls = alloc_calls();
  cr_assert_eq(weir_chain_append(&a, &b), 0);
  cr_assert_eq(alloc_calls(), calls);
  has(&a, "0123456789abcdefghijklxyz-");
  has(&b, "");
  put(&a, "+");
  put(&b, "again");
  has(&a, "0123456789abcdefghijklxyz-+");
  has(&b, "again");
  cr_assert_eq(weir_chain_append(&a, &a), UV_EINVAL);
  cr_assert_eq(weir_buffer_reset(&a), 0);
  cr_assert_eq(released, 1);
  cr_assert_eq(weir_buffer_reset(&b), 0);
  cr_assert_eq(alloc_blocks(), 0);
}

Test(buffer_chain, append_respects_holds_and_the_limit) {
  weir_buffer_options_t options = {0};

  options.max_size = 8;
  cr_assert_eq(weir_chain_init(&a, &options), 0);
  make(&b);
  put(&a, "12345");
  put(&b, "6789");
  cr_assert_eq(weir_chain_append(&a, &b), UV_ENOBUFS);
  weir_buffer_consume(&a, 1);
  weir_buffer_hold(&b, WEIR_HOLD_DATA);
  cr_assert_eq(weir_chain_append(&a, &b), UV_EBUSY);
  weir_buffer_unhold(&b, WEIR_HOLD_DATA);
  weir_buffer_hold(&a, WEIR_HOLD_DATA);
  cr_assert_eq(weir_chain_append(&a, &b), 0);
  weir_buffer_unhold(&a, WEIR_HOLD_DATA);
  has(&a, "23456789");
  cr_assert_eq(weir_buffer_reset(&a), 0);
}

Test(buffer_chain, split_at_every_byte) {
  static const char text[] = "0123456789ABCDEFabcdefgh";
  size_t n;

  alloc_install();
  for (n = 0; n <= 25; n++) {
    char want[32] = {0};
    make(&a);
    make(&b);
    put(&a, "0123456789");
    adopt(&a, "ABCDEF");
    put(&a, "abcdefgh");
    put(&b, "^");
    cr_assert_eq(weir_chain_split(&a, n, &b), 0);
    want[0] = '^';
    memcpy(want + 1, text, n < 24 ? n : 24);
    has(&b, want);
    has(&a, text + (n < 24 ? n : 24));
    /* Both halves of a block that is shared go on by themselves. */
    put(&a, "tail");
    put(&b, "front");
    cr_assert_eq(weir_buffer_consume(&a, SIZE_MAX), 28 - (n < 24 ? n : 24));
    strcat(want, "front");
    has(&b, want);
    cr_assert_eq(weir_buffer_reset(&a), 0);
    has(&b, want);
    cr_assert_eq(weir_buffer_reset(&b), 0);
    cr_assert_eq(released, (int)n + 1);
    cr_assert_eq(alloc_blocks(), 0);
  }
}

Test(buffer_chain, split_keeps_an_outstanding_prepare) {
  weir_mseq_t room;

  make(&a);
  make(&b);
  put(&a, "0123456789");
  cr_assert_eq(weir_buffer_prepare(&a, 20, &room), 0);
  cr_assert_eq(weir_chain_split(&a, 10, &b), 0);
  weir_seq_copy(room, weir_seq_block("abcdefghijklmnopqrst", 20), SIZE_MAX);
  cr_assert_eq(weir_buffer_commit(&a, 20), 20);
  has(&a, "abcdefghijklmnopqrst");
  has(&b, "0123456789");
  cr_assert_eq(weir_buffer_reset(&a), 0);
  cr_assert_eq(weir_buffer_reset(&b), 0);
}

Test(buffer_chain, split_that_cannot_be_changes_nothing) {
  alloc_install();
  make(&a);
  make(&b);
  put(&a, "0123456789");
  alloc_fail_after(0);
  cr_assert_eq(weir_chain_split(&a, 3, &b), UV_ENOMEM);
  alloc_fail_after(SIZE_MAX);
  weir_buffer_hold(&a, WEIR_HOLD_DATA);
  cr_assert_eq(weir_chain_split(&a, 3, &b), UV_EBUSY);
  weir_buffer_unhold(&a, WEIR_HOLD_DATA);
  has(&a, "0123456789");
  has(&b, "");
  cr_assert_eq(weir_buffer_reset(&a), 0);
}

Test(buffer_chain, pullup_joins_the_front_only) {
  const void *at, *again;

  make(&a);
  put(&a, "0123456789");
  adopt(&a, "ABCDEF");
  cr_assert_eq(weir_chain_pullup(&a, 3, &at), 0);
  cr_assert_eq(at, first_byte(&a), "it was one segment before");
  cr_assert_eq(weir_chain_pullup(&a, 12, &at), 0);
  cr_assert_arr_eq(at, "0123456789AB", 12);
  cr_assert_eq(at, first_byte(&a));
  cr_assert_eq(weir_chain_pullup(&a, 11, &again), 0);
  cr_assert_eq(again, at);
  has(&a, "0123456789ABCDEF");
  cr_assert_eq(weir_chain_pullup(&a, 17, &at), UV_EINVAL);
  cr_assert_eq(weir_chain_pullup(&a, 0, &at), 0);
  weir_buffer_hold(&a, WEIR_HOLD_DATA);
  cr_assert_eq(weir_chain_pullup(&a, 16, &at), UV_EBUSY);
  cr_assert_eq(weir_chain_pullup(&a, 12, &at), 0);
  weir_buffer_unhold(&a, WEIR_HOLD_DATA);
  cr_assert_eq(weir_chain_pullup(&a, 16, &at), 0);
  cr_assert_eq(released, 1);
  put(&a, "!");
  has(&a, "0123456789ABCDEF!");
  cr_assert_eq(weir_buffer_reset(&a), 0);
}

Test(buffer_chain, shrink_gives_the_spare_blocks_back) {
  alloc_install();
  make(&a);
  put(&a, "0123456789abcdefghijklmnopqrstuvwxyz");
  weir_buffer_consume(&a, 30);
  cr_assert_gt(alloc_blocks(), 2);
  weir_buffer_shrink(&a);
  cr_assert_leq(alloc_blocks(), 2);
  has(&a, "uvwxyz");
  weir_buffer_consume(&a, 6);
  weir_buffer_shrink(&a);
  cr_assert_eq(alloc_blocks(), 0);
  has(&a, "");
}

Test(buffer_chain, large_prepare_fits_a_window) {
  uv_buf_t out[WEIR_WINDOW];
  weir_mseq_t room;

  make(&a);
  cr_assert_eq(weir_buffer_prepare(&a, 100000, &room), 0);
  cr_assert_leq(weir_mseq_window(room, out, SIZE_MAX), WEIR_WINDOW);
  weir_mseq_advance(&room, out[0].len);
  cr_assert_leq(weir_mseq_count(room), WEIR_WINDOW - 1);
  cr_assert_eq(weir_buffer_reset(&a), 0);
}

Test(buffer_chain, prepare_of_the_impossible_is_refused) {
  weir_mseq_t room;

  alloc_install();
  make(&a);
  alloc_fail_after(3);
  cr_assert_eq(weir_buffer_prepare(&a, 100, &room), UV_ENOMEM);
  alloc_fail_after(SIZE_MAX);
  cr_assert_eq(alloc_blocks(), 0);
  cr_assert_eq(weir_buffer_capacity(&a), 0);
}
