/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <string.h>

#include "buffer.h"
#include "seq.h"
#include "support/alloc.h"

/* The contract that the three kinds share, on each of them; what is peculiar to
 * flat buffers and rings. Chains: test_buffer_chain.c. */

TestSuite(buffer, .timeout = 60);

enum { FLAT, RING, CHAIN, KINDS };

static weir_buffer_t b;

/* A buffer of the kind with a max_size of 64. */
static void make(int kind) {
  weir_buffer_options_t options = {0};
  int err;

  options.max_size = 64;
  options.block_size = 16;
  err = kind == FLAT   ? weir_flat_init(&b, &options)
        : kind == RING ? weir_ring_init(&b, 64, &options)
                       : weir_chain_init(&b, &options);
  cr_assert_eq(err, 0);
}

static void put(const char *text) {
  cr_assert_eq(weir_buffer_put(&b, weir_seq_block(text, strlen(text))), 0);
}

static void has(const char *text) {
  weir_seq_t want = weir_seq_block(text, strlen(text));

  cr_assert(weir__buffer_check(&b));
  cr_assert_eq(weir_seq_compare(weir_buffer_data(&b), want), 0);
  cr_assert_eq(weir_buffer_size(&b), strlen(text));
}

static void done(void) {
  cr_assert_eq(weir_buffer_reset(&b), 0);
  cr_assert_eq(weir_buffer_capacity(&b), 0);
  has("");
}

Test(buffer, bytes_come_out_as_they_went_in) {
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    int i;
    make(kind);
    has("");
    put("hello, ");
    put("world");
    has("hello, world");
    cr_assert_eq(weir_buffer_consume(&b, 5), 5);
    has(", world");
    for (i = 0; i < 100; i++) {
      put("0123456789");
      cr_assert_eq(weir_buffer_consume(&b, 10), 10);
    }
    has("3456789");
    cr_assert_eq(weir_buffer_consume(&b, SIZE_MAX), 7);
    has("");
    done();
  }
}

Test(buffer, max_size_bounds_what_is_prepared_too) {
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    weir_mseq_t room;
    make(kind);
    put("0123456789");
    cr_assert_eq(weir_buffer_max_size(&b), 64);
    cr_assert_eq(weir_buffer_prepare(&b, 54, &room), 0);
    cr_assert_eq(weir_buffer_prepare(&b, 55, &room), UV_ENOBUFS);
    cr_assert_eq(weir_buffer_prepare(&b, SIZE_MAX, &room), UV_ENOBUFS);
    cr_assert_eq(weir_buffer_prepared(&b), 54, "the earlier prepare stands");
    cr_assert_eq(weir_mseq_size(room), 54);
    has("0123456789");
    cr_assert_eq(weir_buffer_commit(&b, 0), 0);
    done();
  }
}

Test(buffer, commit_clamps_and_ends_the_prepare) {
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    weir_mseq_t room;
    make(kind);
    cr_assert_eq(weir_buffer_commit(&b, 9), 0, "nothing was prepared");
    cr_assert_eq(weir_buffer_prepare(&b, 4, &room), 0);
    weir_seq_copy(room, weir_seq_block("abcd", 4), SIZE_MAX);
    cr_assert_eq(weir_buffer_commit(&b, 99), 4);
    cr_assert_eq(weir_buffer_commit(&b, 1), 0);
    has("abcd");
    cr_assert_eq(weir_buffer_prepare(&b, 30, &room), 0);
    cr_assert_eq(weir_buffer_prepare(&b, 2, &room), 0);
    weir_seq_copy(room, weir_seq_block("ef", 2), SIZE_MAX);
    cr_assert_eq(weir_buffer_commit(&b, 1), 1);
    cr_assert_eq(weir_buffer_commit(&b, 1), 0);
    has("abcde");
    done();
  }
}

Test(buffer, prepare_of_nothing_is_legal) {
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    weir_mseq_t room;
    make(kind);
    cr_assert_eq(weir_buffer_prepare(&b, 0, &room), 0);
    cr_assert(weir_mseq_empty(room));
    cr_assert_eq(weir_buffer_capacity(&b), 0, "no memory was taken");
    cr_assert_eq(weir_buffer_commit(&b, 0), 0);
    done();
  }
}

Test(buffer, room_in_flight_is_not_given_twice) {
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    weir_mseq_t room, other;
    make(kind);
    cr_assert_eq(weir_buffer_prepare(&b, 8, &room), 0);
    weir_buffer_hold(&b, WEIR_HOLD_ROOM);
    cr_assert_eq(weir_buffer_prepare(&b, 8, &other), UV_EBUSY);
    cr_assert_eq(weir_buffer_reset(&b), UV_EBUSY);
    weir_seq_copy(room, weir_seq_block("abcdefgh", 8), SIZE_MAX);
    cr_assert_eq(weir_buffer_commit(&b, 8), 8);
    cr_assert_eq(weir_buffer_prepare(&b, 8, &other), UV_EBUSY);
    weir_buffer_unhold(&b, WEIR_HOLD_ROOM);
    cr_assert_eq(weir_buffer_prepare(&b, 8, &other), 0);
    has("abcdefgh");
    done();
  }
}

Test(buffer, data_in_flight_stay_where_they_are) {
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    weir_mseq_t room;
    weir_seq_t data;
    make(kind);
    put("abcdefgh");
    cr_assert_eq(weir_buffer_consume(&b, 2), 2);
    data = weir_buffer_data(&b);
    weir_buffer_hold(&b, WEIR_HOLD_DATA);
    weir_buffer_hold(&b, WEIR_HOLD_DATA);
    cr_assert_eq(weir_buffer_consume(&b, 1), 0);
    weir_buffer_unhold(&b, WEIR_HOLD_DATA);
    cr_assert_eq(weir_buffer_consume(&b, 1), 0, "holds are counted");
    cr_assert_eq(weir_buffer_reset(&b), UV_EBUSY);
    if (weir_buffer_prepare(&b, 50, &room) == 0)
      weir_buffer_commit(&b, 0);
    cr_assert_eq(weir_seq_compare(data, weir_seq_block("cdefgh", 6)), 0);
    weir_buffer_unhold(&b, WEIR_HOLD_DATA);
    cr_assert_eq(weir_buffer_consume(&b, 1), 1);
    has("defgh");
    done();
  }
}

Test(buffer, flat_says_so_when_it_would_move_held_data) {
  char storage[8];
  weir_mseq_t room;

  weir_flat_init_fixed(&b, storage, 8);
  put("abcdef");
  weir_buffer_consume(&b, 4);
  weir_buffer_hold(&b, WEIR_HOLD_DATA);
  cr_assert_eq(weir_buffer_prepare(&b, 2, &room), 0);
  cr_assert_eq(weir_buffer_prepare(&b, 3, &room), UV_EBUSY);
  cr_assert_eq(weir_buffer_prepared(&b), 2);
  weir_buffer_unhold(&b, WEIR_HOLD_DATA);
  cr_assert_eq(weir_buffer_prepare(&b, 6, &room), 0, "compacts");
  has("ef");
}

Test(buffer, flat_is_one_segment_always) {
  int i;

  make(FLAT);
  for (i = 0; i < 30; i++) {
    weir_mseq_t room;
    put("0123456");
    cr_assert_eq(weir_seq_count(weir_buffer_data(&b)), 1);
    cr_assert_eq(weir_buffer_prepare(&b, 20, &room), 0);
    cr_assert_eq(weir_mseq_count(room), 1);
    weir_buffer_consume(&b, 6);
    weir_buffer_consume(&b, i % 2 != 0 ? 1 : 2);
  }
  done();
}

Test(buffer, failed_allocation_changes_nothing) {
  int kind;

  alloc_install();
  for (kind = 0; kind < KINDS; kind++) {
    weir_mseq_t room;
    make(kind);
    alloc_fail_after(0);
    cr_assert_eq(weir_buffer_prepare(&b, 8, &room), UV_ENOMEM);
    cr_assert_eq(weir_buffer_put(&b, weir_seq_block("x", 1)), UV_ENOMEM);
    has("");
    alloc_fail_after(SIZE_MAX);
    put("abc");
    has("abc");
    done();
    cr_assert_eq(alloc_blocks(), 0);
  }
}

Test(buffer, flat_compacts_when_it_cannot_grow) {
  weir_mseq_t room;
  weir_buffer_options_t options = {0};

  alloc_install();
  options.max_size = 4096;
  cr_assert_eq(weir_flat_init(&b, &options), 0);
  cr_assert_eq(weir_buffer_prepare(&b, 512, &room), 0);
  weir_buffer_commit(&b, 512);
  weir_buffer_consume(&b, 100);
  alloc_fail_after(0);
  cr_assert_eq(weir_buffer_prepare(&b, 100, &room), 0);
  cr_assert_eq(weir_buffer_prepare(&b, 101, &room), UV_ENOMEM);
  cr_assert_eq(weir_buffer_prepared(&b), 100);
  alloc_fail_after(SIZE_MAX);
  cr_assert_eq(weir_buffer_prepare(&b, 101, &room), 0);
  cr_assert_eq(weir_buffer_reset(&b), 0);
}

Test(buffer, options_are_of_one_version_or_another) {
  struct {
    weir_buffer_options_t known;
    unsigned char more[8];
  } options = {.known = {.max_size = 100}};

  cr_assert_eq(weir_flat_init(&b, &options.known), 0);
  cr_assert_eq(weir_buffer_max_size(&b), 100);
  options.known.size = sizeof(options.known) - 1;
  cr_assert_eq(weir_flat_init(&b, &options.known), UV_EINVAL);
  options.known.size = sizeof(options.known);
  options.more[7] = 1;
  cr_assert_eq(weir_flat_init(&b, &options.known), 0);
  options.known.size = sizeof(options);
  cr_assert_eq(weir_flat_init(&b, &options.known), UV_EINVAL);
  options.more[7] = 0;
  cr_assert_eq(weir_chain_init(&b, &options.known), 0);
  cr_assert_eq(weir_buffer_max_size(&b), 100);
}

Test(buffer, flat_grows_by_doubling) {
  size_t calls;
  int i;

  alloc_install();
  cr_assert_eq(weir_flat_init(&b, NULL), 0);
  calls = alloc_calls();
  for (i = 0; i < 100000; i++)
    put("0123456789");
  cr_assert_leq(alloc_calls() - calls, 12);
  cr_assert_eq(weir_buffer_reset(&b), 0);
}

Test(buffer, fixed_storage_never_allocates) {
  char flat[64], ring[64];
  int i, kind;

  alloc_install();
  for (kind = FLAT; kind <= RING; kind++) {
    size_t calls = alloc_calls();
    if (kind == FLAT)
      weir_flat_init_fixed(&b, flat, sizeof(flat));
    else
      weir_ring_init_fixed(&b, ring, sizeof(ring));
    for (i = 0; i < 1000; i++) {
      put("0123456789abcdef");
      cr_assert_eq(weir_buffer_consume(&b, 16), 16);
      if (i % 64 == 0)
        put("x");
    }
    cr_assert_eq(weir_buffer_prepare(&b, 64, &(weir_mseq_t){{0}}), UV_ENOBUFS);
    cr_assert_eq(weir_buffer_reset(&b), 0);
    cr_assert_eq(weir_buffer_capacity(&b), 64);
    cr_assert_eq(alloc_calls(), calls);
  }
}

Test(buffer, blocks_of_a_chain_are_recycled) {
  size_t calls;
  int i;

  alloc_install();
  make(CHAIN);
  put("0123456789abcdef0123456789abcdef0123456789abcdef");
  calls = alloc_calls();
  for (i = 0; i < 1000; i++) {
    cr_assert_eq(weir_buffer_consume(&b, 16), 16);
    put("0123456789abcdef");
  }
  cr_assert_eq(alloc_calls(), calls);
  done();
  cr_assert_eq(alloc_blocks(), 0);
}

Test(buffer, ring_of_no_bytes) {
  weir_mseq_t room;

  weir_ring_init_fixed(&b, NULL, 0);
  cr_assert_eq(weir_buffer_prepare(&b, 0, &room), 0);
  cr_assert_eq(weir_buffer_prepare(&b, 1, &room), UV_ENOBUFS);
  cr_assert_eq(weir_buffer_commit(&b, 1), 0);
  cr_assert_eq(weir_buffer_consume(&b, 1), 0);
  has("");
}

Test(buffer, ring_goes_round_in_two_spans) {
  char storage[8];
  weir_mseq_t room;

  weir_ring_init_fixed(&b, storage, 8);
  put("abcdef");
  weir_buffer_consume(&b, 4);
  cr_assert_eq(weir_buffer_prepare(&b, 6, &room), 0);
  cr_assert_eq(weir_mseq_count(room), 2);
  weir_seq_copy(room, weir_seq_block("ghijkl", 6), SIZE_MAX);
  weir_buffer_commit(&b, 6);
  has("efghijkl");
  cr_assert_eq(weir_seq_count(weir_buffer_data(&b)), 2);
  cr_assert_arr_eq(storage, "ijklefgh", 8);
}

Test(buffer, ring_does_not_rewind_under_a_prepare) {
  char storage[8];
  weir_mseq_t room;

  weir_ring_init_fixed(&b, storage, 8);
  put("abc");
  cr_assert_eq(weir_buffer_prepare(&b, 2, &room), 0);
  weir_buffer_hold(&b, WEIR_HOLD_ROOM);
  cr_assert_eq(weir_buffer_consume(&b, 3), 3);
  weir_seq_copy(room, weir_seq_block("de", 2), SIZE_MAX);
  cr_assert_eq(weir_buffer_commit(&b, 2), 2);
  has("de");
  weir_buffer_unhold(&b, WEIR_HOLD_ROOM);
}

Test(buffer, mirrored_ring_is_one_span) {
  weir_buffer_options_t options = {0};
  weir_mseq_t room;
  size_t n;

  options.flags = WEIR_BUFFER_MIRROR;
  cr_assert_eq(weir_ring_init(&b, 100, &options), 0);
  n = weir_buffer_max_size(&b);
  cr_assert_geq(n, 100);
  cr_assert_eq(weir_buffer_prepare(&b, n, &room), 0);
  if (!weir_ring_is_mirrored(&b))
    cr_skip("the system maps no memory twice");
  weir_buffer_commit(&b, n);
  weir_buffer_consume(&b, n - 3);
  cr_assert_eq(weir_buffer_prepare(&b, 6, &room), 0);
  cr_assert_eq(weir_mseq_count(room), 1);
  weir_seq_copy(room, weir_seq_block("abcdef", 6), SIZE_MAX);
  weir_buffer_commit(&b, 6);
  weir_buffer_consume(&b, 2);
  cr_assert_eq(weir_seq_count(weir_buffer_data(&b)), 1);
  weir_buffer_consume(&b, 1);
  has("abcdef");
  done();
}

/* A source of one block. */
static char block[32];
static int blocks_out;

static int acquire(void *source, uv_buf_t *memory) {
  (void)source;
  if (blocks_out != 0)
    return UV_ENOBUFS;
  blocks_out++;
  *memory = weir__buf(block, sizeof(block));
  return 0;
}

static void release(void *source, const uv_buf_t *memory) {
  (void)source;
  cr_assert_eq(memory->base, block);
  cr_assert_eq(memory->len, sizeof(block));
  blocks_out--;
}

Test(buffer, source_gives_the_memory_and_bounds_it) {
  weir_buffer_options_t options = {0};
  weir_mseq_t room;
  int kind;

  options.acquire = acquire;
  cr_assert_eq(weir_flat_init(&b, &options), UV_EINVAL);
  options.release = release;
  for (kind = FLAT; kind <= RING; kind++) {
    cr_assert_eq(kind == FLAT ? weir_flat_init(&b, &options)
                              : weir_ring_init(&b, SIZE_MAX, &options),
                 0);
    cr_assert_eq(weir_buffer_prepare(&b, 33, &room), UV_ENOBUFS);
    cr_assert_eq(blocks_out, 0, "a block that does not help goes back");
    put("abc");
    cr_assert_eq(blocks_out, 1);
    cr_assert_eq(weir_buffer_max_size(&b), 32);
    cr_assert_eq(weir_buffer_prepare(&b, 30, &room), UV_ENOBUFS);
    weir_buffer_shrink(&b);
    cr_assert_eq(blocks_out, 1);
    weir_buffer_consume(&b, 3);
    weir_buffer_shrink(&b);
    cr_assert_eq(blocks_out, 0);
    put("abcd");
    has("abcd");
    done();
    cr_assert_eq(blocks_out, 0);
  }
}
