/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/borrow.h"

/* Reads of leases that wait for a buffer. */

/* ---- An empty pool ---- */

WEIR_TEST(lease, an_empty_pool_serves_in_the_order_of_arrival) {
  enum { COUNT = 10 };
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow b[COUNT];
  struct conn conns[COUNT];
  size_t i, k, order[COUNT] = {0};
  uv_buf_t all;

  check_is(weir_pool_acquire(pool, &all), 0);
  for (i = 0; i < COUNT; i++) {
    order[i] = (i * 7 + 3) % COUNT;
    k = order[i];
    conn_tcp(f, &conns[k]);
    borrow(&b[k], &conns[k].stream, pool);
    peer_send(&conns[k], k, 10 + k);
    run_some_turns(f);
  }
  weir_loop_stats_t before = stats_of(f);
  for (i = 0; i < 5; i++)
    run_some_turns(f);
  weir_loop_stats_t after = stats_of(f);
  check_is(after.enters - before.enters, 0);
  check_is(after.callbacks, before.callbacks);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  check_is(weir_pool_release(pool, &all), 0);
  check_is(weir_pool_available(pool), 0);
  for (i = 0; i < COUNT; i++) {
    k = order[i];
    expect_bytes(f, &b[k], k, 10 + k);
    if (i + 1 < COUNT)
      check_is(b[order[i + 1]].r.calls, 0);
    give_back(&b[k]);
  }
  for (i = 0; i < COUNT; i++)
    conn_close(f, &conns[i]);
  end_pool(pool);
}

/* Reads that wait for the only buffer, in this order; the first `idle` of them
 * have nothing to read. */
struct queue {
  weir_pool_t *pool;
  uv_buf_t all;
  struct borrow b[3];
  struct conn conns[3];
};

static void queue_open(struct weir_fixture *f, struct queue *q, size_t idle) {
  size_t i;

  q->pool = new_pool(f, 1);
  check_is(weir_pool_acquire(q->pool, &q->all), 0);
  for (i = 0; i < 3; i++) {
    conn_tcp(f, &q->conns[i]);
    borrow(&q->b[i], &q->conns[i].stream, q->pool);
    if (i >= idle)
      peer_send(&q->conns[i], 0, 10);
    run_some_turns(f);
  }
}

static void queue_move(struct queue *q) {
  check_is(weir_pool_release(q->pool, &q->all), 0);
}

/* Those that are not closed yet. */
static void queue_close(struct weir_fixture *f, struct queue *q) {
  size_t i;

  for (i = 0; i < 3; i++)
    if (!q->conns[i].closed)
      conn_close(f, &q->conns[i]);
  end_pool(q->pool);
}

WEIR_TEST(lease, who_waits_for_a_buffer_can_be_cancelled) {
  struct queue q;
  size_t i;

  queue_open(f, &q, 0);
  weir_cancel(&q.b[0].r.op);
  weir_cancel(&q.b[0].r.op);
  expect_none(f, &q.b[0], UV_ECANCELED);
  /* The second was given the buffer, and has not read into it. */
  queue_move(&q);
  weir_cancel(&q.b[1].r.op);
  expect_none(f, &q.b[1], UV_ECANCELED);
  expect_bytes(f, &q.b[2], 0, 10);
  give_back(&q.b[2]);
  /* Nothing was lost. */
  for (i = 0; i < 2; i++) {
    borrow(&q.b[i], &q.conns[i].stream, q.pool);
    expect_bytes(f, &q.b[i], 0, 10);
    give_back(&q.b[i]);
  }
  queue_close(f, &q);
}

WEIR_TEST(lease, who_waits_too_long_is_late) {
  weir_deadline_t deadlines[3] = {{0}};
  struct queue q;
  size_t i;

  /* For bytes, for a buffer; and not too long. */
  queue_open(f, &q, 1);
  for (i = 0; i < 3; i++)
    check_is(weir_deadline_op(&deadlines[i], &q.b[i].r.op, i < 2 ? 1 : 3600000),
             0);
  expect_none(f, &q.b[0], UV_ETIMEDOUT);
  expect_none(f, &q.b[1], UV_ETIMEDOUT);
  run_some_turns(f);
  queue_move(&q);
  expect_bytes(f, &q.b[2], 0, 10);
  give_back(&q.b[2]);
  queue_close(f, &q);
}

WEIR_TEST(lease, who_waits_for_a_buffer_can_be_closed) {
  struct queue q;

  queue_open(f, &q, 0);
  conn_close(f, &q.conns[0]);
  check_is(q.b[0].r.status, UV_ECANCELED);
  queue_move(&q);
  conn_close(f, &q.conns[1]);
  check_is(q.b[1].r.status, UV_ECANCELED);
  expect_bytes(f, &q.b[2], 0, 10);
  conn_close(f, &q.conns[2]);
  give_back(&q.b[2]);
  queue_close(f, &q);
}

/* ---- A limit ---- */

WEIR_TEST(lease, a_stream_at_its_limit_leaves_the_others_theirs) {
  weir_pool_t *pool = new_pool(f, 4);
  struct borrow slow[3], quick;
  struct conn a, c;
  size_t i;

  conn_tcp(f, &a);
  conn_tcp(f, &c);
  for (i = 0; i < 3; i++) {
    peer_send(&a, i * 10, 10);
    borrow_most(&slow[i], &a.stream, pool, 2);
    if (i < 2)
      expect_bytes(f, &slow[i], i * 10, 10);
  }
  for (i = 0; i < 3; i++) {
    peer_send(&c, i * 10, 10);
    borrow_most(&quick, &c.stream, pool, 1);
    expect_bytes(f, &quick, i * 10, 10);
    give_back(&quick);
  }
  run_some_turns(f);
  check_is(slow[2].r.calls, 0);
  check_is(weir_pool_available(pool), 2);
  check_is(weir_lease_retain(&slow[0].lease), 0);
  weir_lease_t copy = slow[0].lease;
  give_back(&slow[0]);
  run_some_turns(f);
  check_is(slow[2].r.calls, 0);
  check_is(weir_lease_release(&copy), 0);
  expect_bytes(f, &slow[2], 20, 10);
  /* One that has no limit goes beyond it. */
  peer_send(&a, 30, 10);
  borrow(&slow[0], &a.stream, pool);
  expect_bytes(f, &slow[0], 30, 10);
  for (i = 0; i < 3; i++)
    give_back(&slow[i]);
  conn_close(f, &a);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, a_limit_counts_in_whatever_order_they_go_back) {
  enum { COUNT = 4 };
  static const int orders[][3] = {{0, 2, 1}, {1, 0, 2}, {2, 1, 0}, {0, 1, 2}};
  weir_pool_t *pool = new_pool(f, COUNT);
  struct borrow b[COUNT];
  size_t i, k, offset;
  struct conn c;

  conn_tcp(f, &c);
  for (k = offset = 0; k < sizeof(orders) / sizeof(orders[0]); k++) {
    for (i = 0; i < 3; i++, offset += 10) {
      peer_send(&c, offset, 10);
      borrow(&b[i], &c.stream, pool);
      expect_bytes(f, &b[i], offset, 10);
    }
    /* One is left, and a second allowed, but no third. */
    give_back(&b[orders[k][0]]);
    give_back(&b[orders[k][1]]);
    peer_send(&c, offset, 10);
    borrow_most(&b[3], &c.stream, pool, 2);
    expect_bytes(f, &b[3], offset, 10);
    offset += 10;
    borrow_most(&b[orders[k][0]], &c.stream, pool, 2);
    peer_send(&c, offset, 10);
    run_some_turns(f);
    check_is(b[orders[k][0]].r.calls, 0);
    give_back(&b[orders[k][2]]);
    expect_bytes(f, &b[orders[k][0]], offset, 10);
    offset += 10;
    give_back(&b[orders[k][0]]);
    give_back(&b[3]);
  }
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, who_waits_at_a_limit_can_be_ended) {
  weir_pool_t *pool = new_pool(f, 4), *other = new_pool(f, 2);
  struct borrow held, b;
  struct conn c;

  conn_tcp(f, &c);
  peer_send(&c, 0, 10);
  borrow_most(&held, &c.stream, pool, 1);
  expect_bytes(f, &held, 0, 10);
  peer_send(&c, 10, 10);
  borrow_most(&b, &c.stream, other, 1);
  run_some_turns(f);
  check_is(weir_pool_destroy(other), UV_EBUSY);
  weir_cancel(&b.r.op);
  expect_none(f, &b, UV_ECANCELED);
  /* Nobody is told of it any more. */
  memset(&b, 0xa5, sizeof(b));
  check_is(weir_lease_retain(&held.lease), 0);
  weir_lease_t copy = held.lease;
  give_back(&held);
  check_is(weir_lease_release(&copy), 0);
  borrow_most(&held, &c.stream, pool, 1);
  expect_bytes(f, &held, 10, 10);
  peer_send(&c, 20, 10);
  borrow_most(&b, &c.stream, other, 1);
  run_some_turns(f);
  check_is(b.r.calls, 0);
  /* It may go on, and is cancelled before it does. */
  give_back(&held);
  weir_cancel(&b.r.op);
  expect_none(f, &b, UV_ECANCELED);
  borrow_most(&held, &c.stream, other, 1);
  expect_bytes(f, &held, 20, 10);
  borrow_most(&b, &c.stream, pool, 1);
  conn_close(f, &c);
  check_is(b.r.status, UV_ECANCELED);
  give_back(&held);
  end_pool(pool);
  end_pool(other);
}

static void close_ours(uv_handle_t *handle, void *loop) {
  if (weir_owns_handle(loop, handle) && !uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* The application closes all handles: the reads end, one that waits for a
 * buffer as well. */
WEIR_TEST(lease, ends_when_the_loops_handles_are_closed) {
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow waits, parked;
  struct conn a, c;
  uv_buf_t all;

  check_is(weir_pool_acquire(pool, &all), 0);
  conn_tcp(f, &a);
  conn_tcp(f, &c);
  borrow(&waits, &a.stream, pool);
  borrow(&parked, &c.stream, pool);
  peer_send(&c, 0, 10);
  run_some_turns(f);
  uv_walk(&f->uv, close_ours, f->loop);
  conn_close(f, &a);
  conn_close(f, &c);
  check_is(waits.r.status, UV_ECANCELED);
  check_is(parked.r.status, UV_ECANCELED);
  cr_assert(waits.lease.pool == NULL && parked.lease.pool == NULL);
  check_is(weir_pool_release(pool, &all), 0);
  end_pool(pool);
}
