/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/borrow.h"
#include "support/scratch.h"

/* Operations in flight hold the buffers that they use. */

/* A read on a stream into the only buffer of a pool, which is released while
 * that waits. */
struct held {
  weir_pool_t *pool;
  struct conn c;
  struct request r;
  uv_buf_t buf;
};

static void hold(struct weir_fixture *f, struct held *h) {
  memset(h, 0, sizeof(*h));
  h->pool = new_pool(f, 1);
  conn_unix(f, &h->c);
  check_is(weir_pool_acquire(h->pool, &h->buf), 0);
  check_is(weir_read_some(&h->r.op, &h->c.stream,
                          weir_mseq_block(h->buf.base, h->buf.len), on_done),
           0);
  check_is(weir_pool_release(h->pool, &h->buf), 0);
}

static void end_held(struct weir_fixture *f, struct held *h) {
  end_pool(h->pool);
  conn_close(f, &h->c);
}

/* It is nobody's and cannot be had. */
static void expect_held(const struct held *h) {
  uv_buf_t other;
  check_is(weir_pool_available(h->pool), 0);
  check_is(weir_pool_acquire(h->pool, &other), UV_ENOBUFS);
  check_is(weir_pool_release(h->pool, &h->buf), UV_EINVAL);
  check_is(weir_pool_retain(h->pool, &h->buf), UV_EINVAL);
  check_is(weir_pool_destroy(h->pool), UV_EBUSY);
}

WEIR_TEST(pool_hold, what_is_released_goes_back_when_the_read_ends) {
  struct held h;
  hold(f, &h);
  expect_held(&h);
  run_some_turns(f);
  expect_held(&h);
  peer_send(&h.c, 0, 100);
  finish(f, &h.r, 0, 100);
  cr_assert(pattern_holds(h.buf.base, 0, 100));
  end_held(f, &h);
}

WEIR_TEST(pool_hold, a_cancelled_read_holds_until_its_end) {
  struct held h;
  hold(f, &h);
  run_some_turns(f);
  weir_cancel(&h.r.op);
  finish(f, &h.r, UV_ECANCELED, 0);
  end_held(f, &h);
}

WEIR_TEST(pool_hold, who_waits_for_it_has_it_then) {
  struct borrow b;
  struct conn c;
  struct held h;
  hold(f, &h);
  conn_unix(f, &c);
  borrow(&b, &c.stream, h.pool);
  peer_send(&c, 0, 10);
  run_some_turns(f);
  check_is(b.r.calls, 0);
  peer_send(&h.c, 0, 100);
  finish(f, &h.r, 0, 100);
  expect_bytes(f, &b, 0, 10);
  cr_assert(b.lease.buf.base == h.buf.base);
  give_back(&b);
  conn_close(f, &c);
  end_held(f, &h);
}

WEIR_TEST(pool_hold, two_operations_hold_it_until_both_end) {
  struct request r = {0};
  struct conn c;
  struct held h;
  memset(&h, 0, sizeof(h));
  h.pool = new_pool(f, 1);
  conn_unix(f, &h.c);
  conn_unix(f, &c);
  check_is(weir_pool_acquire(h.pool, &h.buf), 0);
  check_is(weir_read_some(&h.r.op, &h.c.stream,
                          weir_mseq_block(h.buf.base, 100), on_done),
           0);
  check_is(weir_read_some(&r.op, &c.stream,
                          weir_mseq_block(h.buf.base + 100, 100), on_done),
           0);
  check_is(weir_pool_release(h.pool, &h.buf), 0);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  expect_held(&h);
  peer_send(&h.c, 0, 1);
  finish(f, &h.r, 0, 1);
  conn_close(f, &c);
  end_held(f, &h);
}

WEIR_TEST(pool_hold, who_keeps_it_has_it_after_the_read) {
  struct held h;
  memset(&h, 0, sizeof(h));
  h.pool = new_pool(f, 1);
  conn_unix(f, &h.c);
  check_is(weir_pool_acquire(h.pool, &h.buf), 0);
  check_is(weir_read_some(&h.r.op, &h.c.stream,
                          weir_mseq_block(h.buf.base, h.buf.len), on_done),
           0);
  check_is(weir_pool_destroy(h.pool), UV_EBUSY);
  peer_send(&h.c, 0, 100);
  finish(f, &h.r, 0, 100);
  check_is(weir_pool_available(h.pool), 0);
  check_is(weir_pool_release(h.pool, &h.buf), 0);
  end_held(f, &h);
}

/* Begins a transfer of the file in each direction and gives the buffers back
 * at once; bufs are all of a pool. */
static void transfer_all(struct weir_fixture *f, const struct scratch *s,
                         weir_pool_t *pool, const uv_buf_t *bufs, size_t n) {
  struct request r = {0}, w = {0};
  size_t all = 0;
  for (size_t i = 0; i < n; i++)
    all += bufs[i].len;
  check_is(weir_file_pread_all(f->loop, &r.op, s->fd, weir_mseq_bufs(bufs, n),
                               0, on_done),
           0);
  finish(f, &r, 0, all);
  check_is(weir_file_pwrite_all(f->loop, &w.op, s->fd, weir_seq_bufs(bufs, n),
                                0, on_done),
           0);
  for (size_t i = 0; i < n; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
  check_is(weir_pool_available(pool), weir_pool_count(pool) - n);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  finish(f, &w, 0, all);
  check_is(weir_pool_available(pool), weir_pool_count(pool));
  scratch_expect(s, 0, all);
}

WEIR_TEST(pool_hold, all_buffers_of_a_sequence) {
  enum { MOST = 40 };
  const size_t counts[] = {1, 2, 4, 5, 16, 17, MOST};
  weir_pool_t *pool = new_pool(f, MOST);
  uv_buf_t bufs[MOST];
  struct scratch s;
  scratch_make(&s, MOST * BORROW_SIZE);
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    for (size_t k = 0; k < counts[i]; k++)
      check_is(weir_pool_acquire(pool, &bufs[k]), 0);
    transfer_all(f, &s, pool, bufs, counts[i]);
  }
  scratch_remove(&s);
  end_pool(pool);
}

/* Two that lie side by side. */
static void acquire_two(weir_pool_t *pool, uv_buf_t *a, uv_buf_t *b) {
  check_is(weir_pool_acquire(pool, a), 0);
  check_is(weir_pool_acquire(pool, b), 0);
  cr_assert(a->base + BORROW_SIZE == b->base);
}

/* A block across two of them, and one that has more of the second behind the
 * first transfer. */
WEIR_TEST(pool_hold, both_buffers_in_which_a_block_lies) {
  weir_pool_t *pool = new_pool(f, 3);
  struct request r = {0};
  struct conn c;
  uv_buf_t a, b;
  conn_unix(f, &c);
  acquire_two(pool, &a, &b);
  check_is(weir_read(&r.op, &c.stream,
                     weir_mseq_block(a.base + 10, BORROW_SIZE + 10), weir_all(),
                     on_done),
           0);
  check_is(weir_pool_release(pool, &b), 0);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_available(pool), 1);
  peer_send(&c, 0, BORROW_SIZE);
  run_some_turns(f);
  check_is(weir_pool_available(pool), 1);
  peer_send(&c, BORROW_SIZE, 10);
  finish(f, &r, 0, BORROW_SIZE + 10);
  cr_assert(pattern_holds(a.base + 10, 0, BORROW_SIZE + 10));
  end_pool(pool);
  conn_close(f, &c);
}

/* In two buffers, of which what is read at first lies in one. */
WEIR_TEST(pool_hold, the_storage_of_a_ring) {
  enum { CAPACITY = 2 * BORROW_SIZE };
  weir_pool_t *pool = new_pool(f, 2);
  struct request r = {0};
  struct conn c;
  uv_buf_t a, b;
  conn_unix(f, &c);
  acquire_two(pool, &a, &b);
  check_is(weir_read(&r.op, &c.stream,
                     weir_mseq_ring(a.base, CAPACITY, CAPACITY - 5, 10),
                     weir_all(), on_done),
           0);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_release(pool, &b), 0);
  peer_send(&c, 0, 7);
  run_some_turns(f);
  check_is(weir_pool_available(pool), 0);
  peer_send(&c, 7, 3);
  finish(f, &r, 0, 10);
  cr_assert(pattern_holds(a.base + CAPACITY - 5, 0, 5));
  cr_assert(pattern_holds(a.base, 5, 5));
  end_pool(pool);
  conn_close(f, &c);
}

WEIR_TEST(pool_hold, what_a_write_has_queued) {
  enum { COUNT = 10 };
  weir_pool_t *pool = new_pool(f, COUNT);
  struct request w[COUNT];
  struct conn c;
  uv_buf_t a;
  memset(w, 0, sizeof(w));
  conn_tcp(f, &c);
  for (size_t i = 0; i < COUNT; i++) {
    check_is(weir_pool_acquire(pool, &a), 0);
    pattern_fill(a.base, i * BORROW_SIZE, BORROW_SIZE);
    check_is(weir_write(&w[i].op, &c.stream,
                        weir_seq_block(a.base, BORROW_SIZE), on_done),
             0);
    check_is(weir_pool_release(pool, &a), 0);
  }
  check_is(weir_pool_acquire(pool, &a), UV_ENOBUFS);
  run_until(f, &w[COUNT - 1].calls);
  for (size_t i = 0; i < COUNT; i++)
    check_is(w[i].status, 0);
  peer_take(&c, 0, (size_t)COUNT * BORROW_SIZE);
  end_pool(pool);
  conn_close(f, &c);
}

/* A program that uses what is not its own is not helped, but what others have
 * is not taken from them either. */
WEIR_TEST(pool_hold, nothing_that_is_not_out) {
  weir_pool_t *pool = new_pool(f, 1);
  struct request r = {0}, own = {0};
  struct conn c, d;
  uv_buf_t a, b;
  conn_unix(f, &c);
  conn_unix(f, &d);
  check_is(weir_pool_acquire(pool, &a), 0);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(a.base, 100), on_done),
      0);
  check_is(weir_pool_available(pool), 1);
  check_is(weir_pool_acquire(pool, &b), 0);
  check_is(
      weir_read_some(&own.op, &d.stream, weir_mseq_block(b.base, 100), on_done),
      0);
  check_is(weir_pool_release(pool, &b), 0);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  check_is(weir_pool_available(pool), 0);
  peer_send(&d, 0, 1);
  finish(f, &own, 0, 1);
  end_pool(pool);
  conn_close(f, &c);
  conn_close(f, &d);
}

WEIR_TEST(pool_hold, each_of_many_pools_its_own) {
  enum { POOLS = 70 };
  weir_pool_t *pools[POOLS];
  struct conn c[POOLS];
  struct request r[POOLS];
  uv_buf_t bufs[POOLS];
  fixture_descriptors(f, POOLS);
  memset(r, 0, sizeof(r));
  for (int i = 0; i < POOLS; i++) {
    pools[i] = new_pool(f, 1);
    conn_unix(f, &c[i]);
    check_is(weir_pool_acquire(pools[i], &bufs[i]), 0);
  }
  for (int i = 0; i < POOLS; i++) {
    int k = i * 29 % POOLS;
    check_is(weir_read_some(&r[k].op, &c[k].stream,
                            weir_mseq_block(bufs[k].base, 100), on_done),
             0);
    check_is(weir_pool_release(pools[k], &bufs[k]), 0);
    check_is(weir_pool_available(pools[k]), 0);
  }
  for (int i = 0; i < POOLS; i++) {
    peer_send(&c[i], 0, 1);
    finish(f, &r[i], 0, 1);
    end_pool(pools[i]);
    conn_close(f, &c[i]);
  }
}
