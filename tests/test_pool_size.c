/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <string.h>

#include "support/borrow.h"
#include "support/scratch.h"

/* Buffers of several sizes, and waiting for one. */

enum { LEAST = 4096, WHOLE = 262144 };

static weir_pool_t *cut_pool(struct weir_fixture *f, size_t count) {
  const weir_pool_options_t options = {.size = sizeof(options),
                                       .count = count,
                                       .buffer_size = WHOLE,
                                       .least = LEAST};
  weir_pool_t *pool = NULL;
  check_is(weir_pool_create_with(f->loop, &options, &pool), 0);
  return pool;
}

static uv_buf_t take(weir_pool_t *pool, size_t size, size_t expected) {
  uv_buf_t buf;
  check_is(weir_pool_acquire_size(pool, size, &buf), 0);
  check_is(buf.len, expected);
  check_is((uintptr_t)buf.base % LEAST, 0);
  return buf;
}

WEIR_TEST(pool_size, is_the_smallest_that_will_do) {
  const size_t sizes[][2] = {{1, 4096},       {4096, 4096},    {4097, 16384},
                             {16384, 16384},  {16385, 65536},  {65536, 65536},
                             {65537, 262144}, {262144, 262144}};
  weir_pool_t *pool = cut_pool(f, 2);
  uv_buf_t buf;
  check_is(weir_pool_buffer_size(pool), WHOLE);
  check_is(weir_pool_count(pool), 2);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    buf = take(pool, sizes[i][0], sizes[i][1]);
    memset(buf.base, 'x', buf.len);
    check_is(weir_pool_available(pool), 1);
    check_is(weir_pool_release(pool, &buf), 0);
    check_is(weir_pool_available(pool), 2);
  }
  buf = uv_buf_init((char *)&pool, 7);
  check_is(weir_pool_acquire_size(pool, 0, &buf), UV_EINVAL);
  check_is(weir_pool_acquire_size(pool, WHOLE + 1, &buf), UV_EINVAL);
  check_is(weir_pool_acquire_size(NULL, 1, &buf), UV_EINVAL);
  check_is(weir_pool_acquire_size(pool, 1, NULL), UV_EINVAL);
  cr_assert(buf.base == (char *)&pool && buf.len == 7);
  end_pool(pool);
}

WEIR_TEST(pool_size, all_of_a_buffer_can_be_had_in_pieces) {
  enum { PIECES = WHOLE / LEAST };
  weir_pool_t *pool = cut_pool(f, 1);
  uv_buf_t bufs[PIECES], none;
  for (int i = 0; i < PIECES; i++) {
    bufs[i] = take(pool, LEAST, LEAST);
    memset(bufs[i].base, i, LEAST);
  }
  check_is(weir_pool_acquire_size(pool, 1, &none), UV_ENOBUFS);
  for (int i = 0; i < PIECES; i++)
    for (size_t k = 0; k < LEAST; k += LEAST - 1)
      cr_assert(bufs[i].base[k] == (char)i);
  /* The one that is out keeps the whole from being one. */
  for (int i = 0; i < PIECES; i++) {
    check_is(weir_pool_available(pool), 0);
    check_is(weir_pool_acquire(pool, &none), UV_ENOBUFS);
    check_is(weir_pool_release(pool, &bufs[i * 29 % PIECES]), 0);
  }
  end_pool(pool);
}

WEIR_TEST(pool_size, four_that_are_free_are_one) {
  weir_pool_t *pool = cut_pool(f, 1);
  uv_buf_t small[4], large[3], again;
  for (int i = 0; i < 4; i++)
    small[i] = take(pool, LEAST, LEAST);
  for (int i = 0; i < 3; i++)
    large[i] = take(pool, 65536, 65536);
  check_is(weir_pool_acquire_size(pool, 65536, &again), UV_ENOBUFS);
  for (int i = 0; i < 3; i++) {
    again = take(pool, 16384, 16384);
    check_is(weir_pool_release(pool, &again), 0);
  }
  for (int i = 0; i < 4; i++)
    check_is(weir_pool_release(pool, &small[i]), 0);
  again = take(pool, 65536, 65536);
  cr_assert(again.base == small[0].base);
  check_is(weir_pool_release(pool, &again), 0);
  for (int i = 0; i < 3; i++)
    check_is(weir_pool_release(pool, &large[i]), 0);
  end_pool(pool);
}

WEIR_TEST(pool_size, release_takes_any_address_of_a_piece) {
  weir_pool_t *pool = cut_pool(f, 1);
  uv_buf_t a = take(pool, 16384, 16384), b = take(pool, 65536, 65536);
  uv_buf_t in_a = uv_buf_init(a.base + 16383, 1);
  uv_buf_t behind = uv_buf_init(a.base + 16384, 1);
  uv_buf_t in_b = uv_buf_init(b.base + 20000, 0);
  check_is(weir_pool_retain(pool, &in_a), 0);
  check_is(weir_pool_release(pool, &behind), UV_EINVAL);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_release(pool, &in_b), 0);
  check_is(weir_pool_release(pool, &in_b), UV_EINVAL);
  check_is(weir_pool_available(pool), 0);
  check_is(weir_pool_release(pool, &in_a), 0);
  check_is(weir_pool_release(pool, &in_a), UV_EINVAL);
  end_pool(pool);
}

WEIR_TEST(pool_size, refuses_what_cannot_be_cut_so) {
  weir_pool_options_t options = {
      .count = 1, .buffer_size = 65536, .least = 65536};
  weir_pool_t *pool = NULL;
  check_is(weir_pool_create_with(NULL, &options, &pool), UV_EINVAL);
  check_is(weir_pool_create_with(f->loop, NULL, &pool), UV_EINVAL);
  check_is(weir_pool_create_with(f->loop, &options, NULL), UV_EINVAL);
  const size_t bad[] = {1,     4095,  8192,  32768, 131072,
                        16383, 65535, 16420, 21845, SIZE_MAX};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    options.least = bad[i];
    check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  }
  options = (weir_pool_options_t){.count = 0, .buffer_size = 64};
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  options = (weir_pool_options_t){.count = 1, .buffer_size = 0, .least = 64};
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  options = (weir_pool_options_t){
      .count = 1025, .buffer_size = 1 << 20, .least = 1 << 20};
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  options = (weir_pool_options_t){.size = 1, .count = 1, .buffer_size = 64};
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  cr_assert(pool == NULL);
  /* A whole that is its own smallest, and one cut as often as can be. */
  options =
      (weir_pool_options_t){.count = 2, .buffer_size = 65536, .least = 65536};
  check_is(weir_pool_create_with(f->loop, &options, &pool), 0);
  end_pool(pool);
  options =
      (weir_pool_options_t){.count = 1, .buffer_size = 1 << 20, .least = 64};
  check_is(weir_pool_create_with(f->loop, &options, &pool), 0);
  uv_buf_t buf;
  check_is(weir_pool_acquire_size(pool, 64, &buf), 0);
  check_is(buf.len, 64);
  check_is(weir_pool_release(pool, &buf), 0);
  end_pool(pool);
  options.least = 16;
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
}

WEIR_TEST(pool_size, pieces_make_file_operations_fixed) {
  weir_pool_t *pool = cut_pool(f, 1);
  struct request r = {0};
  struct scratch s;
  scratch_make(&s, 65536);
  for (size_t size = LEAST; size <= 65536; size *= 4) {
    uv_buf_t buf = take(pool, size, size);
    uint64_t before = stats_of(f).fixed_ops;
    memset(&r, 0, sizeof(r));
    check_is(weir_file_pread_all(f->loop, &r.op, s.fd,
                                 weir_mseq_block(buf.base, buf.len), 0,
                                 on_done),
             0);
    check_is(weir_pool_release(pool, &buf), 0);
    check_is(weir_pool_available(pool), 0);
    finish(f, &r, 0, size);
    cr_assert(pattern_holds(buf.base, 0, size));
    uint64_t fixed = stats_of(f).fixed_ops - before;
    cr_assert(weir_pool_status(pool, NULL) == 0 ? fixed >= 1 : fixed == 0);
    check_is(weir_pool_available(pool), 1);
  }
  scratch_remove(&s);
  end_pool(pool);
}

WEIR_TEST(pool_size, leases_are_whole_buffers_beside_pieces) {
  weir_pool_t *pool = cut_pool(f, 8);
  uv_buf_t small = take(pool, 1, LEAST);
  struct borrow b;
  struct conn c;
  conn_unix(f, &c);
  for (size_t i = 0; i < 20; i++) {
    borrow(&b, &c.stream, pool);
    run_some_turns(f);
    peer_send(&c, i * 100, 100);
    expect_bytes(f, &b, i * 100, 100);
    cr_assert(b.lease.buf.base + WHOLE <= small.base ||
              small.base + LEAST <= b.lease.buf.base);
    check_is(weir_pool_available(pool), 6);
    give_back(&b);
  }
  check_is(weir_pool_release(pool, &small), 0);
  conn_close(f, &c);
  end_pool(pool);
}

/* What is with the system is had back for pieces. */
WEIR_TEST(pool_size, pieces_are_cut_from_what_was_lent) {
  enum { COUNT = 4, PIECES = COUNT * 16 };
  weir_pool_t *pool = cut_pool(f, COUNT);
  uv_buf_t bufs[PIECES];
  struct borrow b;
  struct conn c;
  conn_unix(f, &c);
  borrow(&b, &c.stream, pool);
  run_some_turns(f);
  for (int i = 0; i < PIECES; i++)
    bufs[i] = take(pool, 16384, 16384);
  check_is(weir_pool_acquire_size(pool, 1, &b.lease.buf), UV_ENOBUFS);
  for (int i = 0; i < PIECES; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
  peer_send(&c, 0, 10);
  expect_bytes(f, &b, 0, 10);
  give_back(&b);
  conn_close(f, &c);
  end_pool(pool);
}

/* ---- Waiting ---- */

struct wait {
  struct request r;
  uv_buf_t buf;
};

static void await(struct wait *w, weir_pool_t *pool, size_t size) {
  memset(w, 0, sizeof(*w));
  check_is(weir_pool_acquire_wait(&w->r.op, pool, size, &w->buf, on_done), 0);
}

static void expect_given(struct weir_fixture *f, struct wait *w, size_t len) {
  finish(f, &w->r, 0, 0);
  check_is(w->buf.len, len);
}

WEIR_TEST(pool_wait, what_is_there_is_given_at_once) {
  weir_pool_t *pool = cut_pool(f, 1);
  struct wait w;
  await(&w, pool, 5000);
  check_is(w.r.calls, 0);
  check_is(weir_op_active(&w.r.op), 1);
  expect_given(f, &w, 16384);
  check_is(weir_pool_release(pool, &w.buf), 0);
  end_pool(pool);
}

WEIR_TEST(pool_wait, is_served_in_the_order_of_coming) {
  enum { COUNT = 5 };
  weir_pool_t *pool = cut_pool(f, 1);
  struct wait w[COUNT];
  uv_buf_t buf = take(pool, WHOLE, WHOLE);
  const size_t sizes[COUNT] = {65536, 4096, 262144, 4096, 16384};
  for (int i = 0; i < COUNT; i++)
    await(&w[i], pool, sizes[i]);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  run_some_turns(f);
  check_is(w[0].r.calls, 0);
  check_is(weir_pool_release(pool, &buf), 0);
  expect_given(f, &w[0], 65536);
  run_some_turns(f);
  check_is(w[1].r.calls, 1);
  /* The third wants all; nobody overtakes it. */
  check_is(w[2].r.calls, 0);
  check_is(w[3].r.calls, 0);
  check_is(weir_pool_acquire_size(pool, 1, &buf), UV_ENOBUFS);
  check_is(weir_pool_release(pool, &w[0].buf), 0);
  run_some_turns(f);
  check_is(w[2].r.calls, 0);
  check_is(weir_pool_release(pool, &w[1].buf), 0);
  expect_given(f, &w[2], WHOLE);
  check_is(weir_pool_release(pool, &w[2].buf), 0);
  expect_given(f, &w[3], 4096);
  run_until(f, &w[4].r.calls);
  check_is(w[4].buf.len, 16384);
  check_is(weir_pool_release(pool, &w[3].buf), 0);
  check_is(weir_pool_release(pool, &w[4].buf), 0);
  end_pool(pool);
}

WEIR_TEST(pool_wait, who_gives_up_lets_others_pass) {
  weir_pool_t *pool = cut_pool(f, 1);
  struct wait large, small;
  uv_buf_t buf = take(pool, 65536, 65536);
  await(&large, pool, WHOLE);
  await(&small, pool, 1);
  run_some_turns(f);
  check_is(small.r.calls, 0);
  weir_cancel(&large.r.op);
  check_is(large.r.calls, 0);
  finish(f, &large.r, UV_ECANCELED, 0);
  cr_assert(large.buf.base == NULL);
  run_until(f, &small.r.calls);
  check_is(small.r.status, 0);
  check_is(weir_pool_release(pool, &small.buf), 0);
  check_is(weir_pool_release(pool, &buf), 0);
  end_pool(pool);
}

WEIR_TEST(pool_wait, stands_in_one_queue_with_leases) {
  weir_pool_t *pool = new_pool(f, 1);
  struct wait first, last;
  struct borrow b;
  struct conn c;
  uv_buf_t buf;
  conn_unix(f, &c);
  check_is(weir_pool_acquire(pool, &buf), 0);
  await(&first, pool, 1);
  peer_send(&c, 0, 10);
  borrow(&b, &c.stream, pool);
  run_some_turns(f);
  await(&last, pool, BORROW_SIZE);
  check_is(weir_pool_release(pool, &buf), 0);
  expect_given(f, &first, BORROW_SIZE);
  run_some_turns(f);
  check_is(b.r.calls, 0);
  check_is(weir_pool_release(pool, &first.buf), 0);
  expect_bytes(f, &b, 0, 10);
  run_some_turns(f);
  check_is(last.r.calls, 0);
  give_back(&b);
  expect_given(f, &last, BORROW_SIZE);
  check_is(weir_pool_release(pool, &last.buf), 0);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(pool_wait, goes_on_when_an_operation_ends) {
  weir_pool_t *pool = cut_pool(f, 1);
  struct request r = {0};
  struct wait w;
  struct conn c;
  conn_unix(f, &c);
  uv_buf_t buf = take(pool, 1, LEAST);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(buf.base, 10), on_done),
      0);
  await(&w, pool, WHOLE);
  check_is(weir_pool_release(pool, &buf), 0);
  run_some_turns(f);
  check_is(w.r.calls, 0);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  run_until(f, &w.r.calls);
  check_is(w.buf.len, WHOLE);
  check_is(weir_pool_release(pool, &w.buf), 0);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(pool_wait, refuses_bad_arguments) {
  weir_pool_t *pool = cut_pool(f, 1);
  struct wait w = {.r = {.calls = 0}};
  weir_op_t *op = &w.r.op;
  check_is(weir_pool_acquire_wait(NULL, pool, 1, &w.buf, on_done), UV_EINVAL);
  check_is(weir_pool_acquire_wait(op, NULL, 1, &w.buf, on_done), UV_EINVAL);
  check_is(weir_pool_acquire_wait(op, pool, 0, &w.buf, on_done), UV_EINVAL);
  check_is(weir_pool_acquire_wait(op, pool, WHOLE + 1, &w.buf, on_done),
           UV_EINVAL);
  check_is(weir_pool_acquire_wait(op, pool, 1, NULL, on_done), UV_EINVAL);
  check_is(weir_pool_acquire_wait(op, pool, 1, &w.buf, NULL), UV_EINVAL);
  check_is(weir_op_active(op), 0);
  end_pool(pool);
}

static int detached;

static void on_detached(weir_loop_t *loop) {
  (void)loop;
  detached = 1;
}

/* Those who wait end, and the pool goes with what is out of it. */
WEIR_TEST(pool_wait, ends_with_the_loop) {
  weir_pool_t *pool = cut_pool(f, 1);
  struct wait w[3];
  take(pool, WHOLE, WHOLE);
  for (int i = 0; i < 3; i++)
    await(&w[i], pool, (size_t)LEAST << 2 * i);
  detached = 0;
  check_is(weir_loop_shutdown(f->loop, NULL, on_detached), 0);
  run_until(f, &detached);
  for (int i = 0; i < 3; i++) {
    check_is(w[i].r.calls, 1);
    check_is(w[i].r.status, UV_ECANCELED);
  }
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}

WEIR_TEST(pool_wait, ends_where_the_application_closes_our_handles) {
  weir_pool_t *pool = cut_pool(f, 1);
  struct wait w, late;
  uv_buf_t buf = take(pool, WHOLE, WHOLE);
  await(&w, pool, 1);
  uv_walk(&f->uv, close_owned, f->loop);
  uv_run(&f->uv, UV_RUN_NOWAIT);
  memset(&late, 0, sizeof(late));
  check_is(weir_pool_acquire_wait(&late.r.op, pool, 1, &late.buf, on_done),
           UV_ECANCELED);
  check_is(w.r.calls, 0);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  finish(f, &w.r, UV_ECANCELED, 0);
  check_is(weir_pool_release(pool, &buf), 0);
  end_pool(pool);
}
