/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/descriptor.h"
#include "support/net.h"
#include "support/rings.h"
#include "support/scratch.h"
#include "support/scripted.h"
#include "support/worker.h"

TestSuite(lease);

enum { SIZE = 4096 };

/* A read of a lease, and what its callback said. */
struct borrow {
  struct request r;
  weir_lease_t lease;
};

static weir_pool_t *new_pool(struct weir_fixture *f, size_t count) {
  weir_pool_t *pool = NULL;

  check_is(weir_pool_create(f->loop, count, SIZE, &pool), 0);
  return pool;
}

/* Nothing of it is out. */
static void end_pool(weir_pool_t *pool) {
  check_is(weir_pool_available(pool), weir_pool_count(pool));
  check_is(weir_pool_destroy(pool), 0);
}

static void borrow_most(struct borrow *b, weir_stream_t *stream,
                        weir_pool_t *pool, size_t max) {
  memset(b, 0, sizeof(*b));
  b->lease.pool = pool;
  check_is(weir_read_lease(&b->r.op, stream, pool, &b->lease, max, on_done), 0);
}

static void borrow(struct borrow *b, weir_stream_t *stream, weir_pool_t *pool) {
  borrow_most(b, stream, pool, 0);
}

/* Waits for it, and asserts that it is these bytes of the pattern. */
static void expect_bytes(struct weir_fixture *f, struct borrow *b,
                         size_t offset, size_t n) {
  finish(f, &b->r, 0, n);
  check_is(b->lease.buf.len, n);
  check_is(weir_seq_size(weir_lease_seq(&b->lease)), n);
  cr_assert(pattern_holds(b->lease.buf.base, offset, n));
}

static void expect_none(struct weir_fixture *f, struct borrow *b, int status) {
  finish(f, &b->r, status, 0);
  cr_assert(b->lease.pool == NULL);
  check_is(weir_seq_size(weir_lease_seq(&b->lease)), 0);
}

static void give_back(struct borrow *b) {
  check_is(weir_lease_release(&b->lease), 0);
  cr_assert(b->lease.pool == NULL);
}

WEIR_TEST(lease, is_the_bytes_that_came) {
  weir_pool_t *pool = new_pool(f, 4);
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  borrow(&b, &c.stream, pool);
  run_some_turns(f);
  check_is(b.r.calls, 0);
  peer_send(&c, 0, 100);
  expect_bytes(f, &b, 0, 100);
  check_is(weir_pool_available(pool), 3);
  give_back(&b);
  check_is(weir_pool_available(pool), 4);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, is_at_most_a_buffer) {
  weir_pool_t *pool = new_pool(f, 4);
  struct borrow b;
  struct conn c;
  size_t offset;

  conn_unix(f, &c);
  peer_send(&c, 0, 10 * SIZE + 5);
  for (offset = 0; offset < 10 * SIZE + 5; offset += b.r.n) {
    borrow(&b, &c.stream, pool);
    run_until(f, &b.r.calls);
    check_is(b.r.status, 0);
    cr_assert(b.r.n > 0 && b.r.n <= SIZE);
    cr_assert(pattern_holds(b.lease.buf.base, offset, b.r.n));
    give_back(&b);
  }
  check_is(offset, 10 * SIZE + 5);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, is_not_held_while_nothing_comes) {
  enum { IDLE = 20 };
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow idle[IDLE], b;
  struct conn conns[IDLE], c;
  size_t i;

  conn_tcp(f, &c);
  for (i = 0; i < IDLE; i++) {
    conn_tcp(f, &conns[i]);
    borrow(&idle[i], &conns[i].stream, pool);
  }
  run_some_turns(f);
  check_is(weir_pool_available(pool), 1);
  for (i = 0; i < 5; i++) {
    borrow(&b, &c.stream, pool);
    peer_send(&c, i * 10, 10);
    expect_bytes(f, &b, i * 10, 10);
    give_back(&b);
  }
  for (i = 0; i < IDLE; i++) {
    conn_close(f, &conns[i]);
    check_is(idle[i].r.status, UV_ECANCELED);
  }
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, goes_back_with_its_last_holder) {
  weir_pool_t *pool = new_pool(f, 2);
  weir_lease_t copy, stale;
  uv_buf_t slice;
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  peer_send(&c, 0, 10);
  borrow(&b, &c.stream, pool);
  expect_bytes(f, &b, 0, 10);
  copy = stale = b.lease;
  check_is(weir_lease_retain(&b.lease), 0);
  slice = uv_buf_init(copy.buf.base + 5, 1);
  check_is(weir_pool_retain(pool, &slice), 0);
  give_back(&b);
  check_is(weir_lease_release(&b.lease), UV_EINVAL);
  check_is(weir_pool_available(pool), 1);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  check_is(weir_pool_release(pool, &slice), 0);
  check_is(weir_pool_available(pool), 1);
  cr_assert(pattern_holds(copy.buf.base, 0, 10));
  check_is(weir_lease_release(&copy), 0);
  check_is(weir_pool_available(pool), 2);
  check_is(weir_lease_release(&stale), UV_EINVAL);
  check_is(weir_lease_retain(&stale), UV_EINVAL);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, several_are_held_and_outlive_the_stream) {
  enum { COUNT = 5 };
  weir_pool_t *pool = new_pool(f, COUNT);
  struct borrow b[COUNT];
  struct conn c;
  size_t i;

  conn_tcp(f, &c);
  for (i = 0; i < COUNT; i++) {
    peer_send(&c, i * 100, 100);
    borrow(&b[i], &c.stream, pool);
    expect_bytes(f, &b[i], i * 100, 100);
  }
  check_is(weir_pool_available(pool), 0);
  conn_close(f, &c);
  memset(&c, 0xa5, sizeof(c));
  for (i = 0; i < COUNT; i++)
    cr_assert(pattern_holds(b[i].lease.buf.base, i * 100, 100));
  for (i = 0; i < COUNT; i++)
    give_back(&b[(i + 2) % COUNT]);
  end_pool(pool);
}

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

WEIR_TEST(lease, who_waits_for_a_buffer_can_be_cancelled) {
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow b[3];
  struct conn conns[3];
  uv_buf_t all;
  size_t i;

  check_is(weir_pool_acquire(pool, &all), 0);
  for (i = 0; i < 3; i++) {
    conn_tcp(f, &conns[i]);
    borrow(&b[i], &conns[i].stream, pool);
    peer_send(&conns[i], 0, 10);
    run_some_turns(f);
  }
  weir_cancel(&b[0].r.op);
  weir_cancel(&b[0].r.op);
  expect_none(f, &b[0], UV_ECANCELED);
  /* The second was given the buffer, and has not read into it. */
  check_is(weir_pool_release(pool, &all), 0);
  weir_cancel(&b[1].r.op);
  expect_none(f, &b[1], UV_ECANCELED);
  expect_bytes(f, &b[2], 0, 10);
  give_back(&b[2]);
  /* Nothing was lost. */
  for (i = 0; i < 2; i++) {
    borrow(&b[i], &conns[i].stream, pool);
    expect_bytes(f, &b[i], 0, 10);
    give_back(&b[i]);
  }
  for (i = 0; i < 3; i++)
    conn_close(f, &conns[i]);
  end_pool(pool);
}

WEIR_TEST(lease, who_waits_too_long_is_late) {
  weir_pool_t *pool = new_pool(f, 1);
  weir_deadline_t deadlines[3] = {{0}};
  struct borrow b[3];
  struct conn conns[3];
  uv_buf_t all;
  size_t i;

  /* For bytes, for a buffer; and not too long. */
  check_is(weir_pool_acquire(pool, &all), 0);
  for (i = 0; i < 3; i++) {
    conn_tcp(f, &conns[i]);
    borrow(&b[i], &conns[i].stream, pool);
    if (i > 0)
      peer_send(&conns[i], 0, 10);
    check_is(weir_deadline_op(&deadlines[i], &b[i].r.op, i < 2 ? 1 : 3600000),
             0);
  }
  expect_none(f, &b[0], UV_ETIMEDOUT);
  expect_none(f, &b[1], UV_ETIMEDOUT);
  run_some_turns(f);
  check_is(weir_pool_release(pool, &all), 0);
  expect_bytes(f, &b[2], 0, 10);
  give_back(&b[2]);
  for (i = 0; i < 3; i++)
    conn_close(f, &conns[i]);
  end_pool(pool);
}

WEIR_TEST(lease, who_waits_for_a_buffer_can_be_closed) {
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow b[3];
  struct conn conns[3];
  uv_buf_t all;
  size_t i;

  check_is(weir_pool_acquire(pool, &all), 0);
  for (i = 0; i < 3; i++) {
    conn_tcp(f, &conns[i]);
    borrow(&b[i], &conns[i].stream, pool);
    peer_send(&conns[i], 0, 10);
    run_some_turns(f);
  }
  conn_close(f, &conns[0]);
  check_is(b[0].r.status, UV_ECANCELED);
  check_is(weir_pool_release(pool, &all), 0);
  conn_close(f, &conns[1]);
  check_is(b[1].r.status, UV_ECANCELED);
  expect_bytes(f, &b[2], 0, 10);
  conn_close(f, &conns[2]);
  give_back(&b[2]);
  end_pool(pool);
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

/* ---- Ends ---- */

WEIR_TEST(lease, the_end_of_the_stream_takes_no_buffer) {
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  peer_send(&c, 0, 10);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  borrow(&b, &c.stream, pool);
  expect_bytes(f, &b, 0, 10);
  give_back(&b);
  borrow(&b, &c.stream, pool);
  expect_none(f, &b, UV_EOF);
  borrow(&b, &c.stream, pool);
  expect_none(f, &b, UV_EOF);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, a_reset_takes_no_buffer) {
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  borrow(&b, &c.stream, pool);
  run_some_turns(f);
  reset_peer(&c);
  expect_none(f, &b, UV_ECONNRESET);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, a_read_that_waits_is_cancelled_and_loses_nothing) {
  weir_pool_t *pool = new_pool(f, 2);
  size_t received = 0, i;
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  /* Not begun, under way, and with bytes that have come meanwhile. */
  for (i = 0; i < 30; i++) {
    borrow(&b, &c.stream, pool);
    if (i % 3 > 0)
      run_some_turns(f);
    if (i % 3 > 1)
      peer_send(&c, i / 3 * 7, 7);
    weir_cancel(&b.r.op);
    run_until(f, &b.r.calls);
    if (b.r.status != 0) {
      check_is(b.r.status, UV_ECANCELED);
      check_is(b.r.n, 0);
      cr_assert(b.lease.pool == NULL);
      continue;
    }
    cr_assert(pattern_holds(b.lease.buf.base, received, b.r.n));
    received += b.r.n;
    give_back(&b);
  }
  while (received < 70) {
    borrow(&b, &c.stream, pool);
    run_until(f, &b.r.calls);
    check_is(b.r.status, 0);
    cr_assert(pattern_holds(b.lease.buf.base, received, b.r.n));
    received += b.r.n;
    give_back(&b);
  }
  check_is(received, 70);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, a_close_ends_it_with_what_has_come) {
  weir_pool_t *pool = new_pool(f, 2);
  struct borrow b;
  struct conn c;
  int i;

  for (i = 0; i < 10; i++) {
    conn_tcp(f, &c);
    borrow(&b, &c.stream, pool);
    if (i % 2 > 0)
      run_some_turns(f);
    peer_send(&c, 0, 10);
    conn_close(f, &c);
    check_is(b.r.calls, 1);
    if (b.r.status == 0)
      give_back(&b);
    else
      check_is(b.r.status, UV_ECANCELED);
  }
  end_pool(pool);
}

WEIR_TEST(lease, the_pool_stays_while_a_read_may_take_of_it) {
  weir_pool_t *pool = new_pool(f, 2);
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  borrow(&b, &c.stream, pool);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  run_some_turns(f);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  conn_close(f, &c);
  check_is(weir_pool_destroy(pool), 0);
}

/* ---- Refused ---- */

WEIR_TEST(lease, refuses_bad_arguments) {
  weir_pool_t *pool = new_pool(f, 2);
  weir_lease_t none = {.pool = NULL}, lease;
  struct borrow b;
  char byte;
  size_t n;
  struct conn c;
  weir_op_t op;

  conn_tcp(f, &c);
  check_is(weir_read_lease(NULL, &c.stream, pool, &lease, 0, on_done),
           UV_EINVAL);
  check_is(weir_read_lease(&op, NULL, pool, &lease, 0, on_done), UV_EINVAL);
  check_is(weir_read_lease(&op, &c.stream, NULL, &lease, 0, on_done),
           UV_EINVAL);
  check_is(weir_read_lease(&op, &c.stream, pool, NULL, 0, on_done), UV_EINVAL);
  check_is(weir_read_lease(&op, &c.stream, pool, &lease, 0, NULL), UV_EINVAL);
  check_is(weir_lease_release(NULL), UV_EINVAL);
  check_is(weir_lease_retain(NULL), UV_EINVAL);
  check_is(weir_lease_release(&none), UV_EINVAL);
  check_is(weir_lease_retain(&none), UV_EINVAL);
  check_is(weir_seq_size(weir_lease_seq(NULL)), 0);
  check_is(weir_seq_size(weir_lease_seq(&none)), 0);
  borrow(&b, &c.stream, pool);
  check_is(weir_read_lease(&op, &c.stream, pool, &lease, 0, on_done),
           UV_EALREADY);
  check_is(weir_read_now(&c.stream, weir_mseq_block(&byte, 1), &n),
           UV_EALREADY);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, refuses_another_loops_pool) {
  weir_loop_options_t options = {.backend = f->backend};
  weir_loop_t *second;
  weir_pool_t *pool;
  struct conn c;
  weir_lease_t lease;
  weir_op_t op;
  uv_loop_t uv;

  check_is(uv_loop_init(&uv), 0);
  options.size = sizeof(options);
  check_is(weir_loop_attach(&uv, &options, &second), 0);
  check_is(weir_pool_create(second, 1, SIZE, &pool), 0);
  conn_tcp(f, &c);
  check_is(weir_read_lease(&op, &c.stream, pool, &lease, 0, on_done),
           UV_EINVAL);
  conn_close(f, &c);
  check_is(weir_pool_destroy(pool), 0);
  check_is(weir_loop_detach(second, NULL), 0);
  check_is(uv_run(&uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&uv), 0);
}

WEIR_TEST(lease, a_closing_stream_and_one_without_a_peer_refuse) {
  weir_pool_t *pool = new_pool(f, 2);
  weir_lease_t lease;
  weir_op_t op;
  struct conn c;

  check_is(weir_tcp_init(f->loop, &c.stream), 0);
  c.closed = 0;
  c.peer = -1;
  check_is(weir_read_lease(&op, &c.stream, pool, &lease, 0, on_done),
           UV_ENOTCONN);
  c.stream.data = &c;
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(weir_read_lease(&op, &c.stream, pool, &lease, 0, on_done), UV_EBADF);
  run_until(f, &c.closed);
  end_pool(pool);
}

/* ---- Of any sort ---- */

WEIR_TEST(lease, serves_pipes_and_files) {
  weir_pool_t *pool = new_pool(f, 2);
  struct scratch s;
  struct borrow b;
  struct conn c = {.peer = -1};
  int fds[2];

  make_pipe(fds, 0);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  c.stream.data = &c;
  check_is(weir_pipe_open(&c.stream, fds[0]), 0);
  borrow(&b, &c.stream, pool);
  run_some_turns(f);
  check_is(write(fds[1], "abc", 3), 3);
  finish(f, &b.r, 0, 3);
  check_is(memcmp(b.lease.buf.base, "abc", 3), 0);
  give_back(&b);
  close_stream(f, &c);
  close(fds[1]);
  scratch_make(&s, SIZE + 10);
  c = (struct conn){.peer = -1};
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  c.stream.data = &c;
  check_is(weir_pipe_open(&c.stream, dup(s.fd)), 0);
  check_is(lseek(s.fd, 0, SEEK_SET), 0);
  borrow(&b, &c.stream, pool);
  expect_bytes(f, &b, 0, SIZE);
  give_back(&b);
  borrow(&b, &c.stream, pool);
  expect_bytes(f, &b, SIZE, 10);
  give_back(&b);
  borrow(&b, &c.stream, pool);
  expect_none(f, &b, UV_EOF);
  close_stream(f, &c);
  scratch_remove(&s);
  end_pool(pool);
}

WEIR_TEST(lease, serves_kinds_of_ones_own) {
  const weir_test_step_t steps[] = {{.bytes = 10, .turns = 2},
                                    {.status = UV_EAGAIN},
                                    {.bytes = 5},
                                    {.status = UV_ECONNRESET, .bytes = 3},
                                    {.turns = WEIR_TEST_NEVER}};
  char input[100];
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 5}, .input = input, .input_size = 100};
  weir_pool_t *pool = new_pool(f, 1);
  struct scripted s;
  struct borrow b;

  pattern_fill(input, 0, 100);
  scripted_open(f, &s, &options);
  borrow(&b, &s.stream, pool);
  expect_bytes(f, &b, 0, 10);
  give_back(&b);
  borrow(&b, &s.stream, pool);
  expect_bytes(f, &b, 10, 5);
  give_back(&b);
  borrow(&b, &s.stream, pool);
  expect_bytes(f, &b, 15, 3);
  give_back(&b);
  borrow(&b, &s.stream, pool);
  expect_none(f, &b, UV_ECONNRESET);
  borrow(&b, &s.stream, pool);
  run_some_turns(f);
  check_is(weir_pool_available(pool), 0);
  weir_cancel(&b.r.op);
  expect_none(f, &b, UV_ECANCELED);
  scripted_close(f, &s);
  end_pool(pool);
}

/* Ready for ever, and nothing there: another reads it first. */
WEIR_TEST(lease, what_another_has_taken_is_waited_for_again) {
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow b;
  struct conn c;
  char bytes[10];
  uv_buf_t all;
  uv_os_fd_t fd;

  conn_tcp(f, &c);
  check_is(weir_pool_acquire(pool, &all), 0);
  borrow(&b, &c.stream, pool);
  peer_send(&c, 0, 10);
  run_some_turns(f);
  check_is(weir_fileno(&c.stream, &fd), 0);
  check_is(recv(fd, bytes, 10, 0), 10);
  check_is(weir_pool_release(pool, &all), 0);
  run_some_turns(f);
  check_is(b.r.calls, 0);
  check_is(weir_pool_available(pool), 1);
  peer_send(&c, 10, 10);
  expect_bytes(f, &b, 10, 10);
  give_back(&b);
  conn_close(f, &c);
  end_pool(pool);
}

static void on_freed(weir_op_t *op, int status, size_t n) {
  struct borrow *b = op->data;
  int *calls = b->r.op.data == b ? (int *)(uintptr_t)b->r.n : NULL;

  (void)status;
  (void)n;
  cr_assert(calls != NULL);
  ++*calls;
  if (b->lease.pool != NULL)
    check_is(weir_lease_release(&b->lease), 0);
  memset(b, 0xa5, sizeof(*b));
  free(b);
}

WEIR_TEST(lease, its_memory_may_go_in_the_callback) {
  weir_pool_t *pool = new_pool(f, 1);
  struct conn conns[4];
  int calls = 0, i;

  for (i = 0; i < 4; i++) {
    struct borrow *b = calloc(1, sizeof(*b));
    conn_tcp(f, &conns[i]);
    b->r.op.data = b;
    b->r.n = (uintptr_t)&calls;
    check_is(weir_read_lease(&b->r.op, &conns[i].stream, pool, &b->lease, 1,
                             on_freed),
             0);
    if (i < 3)
      peer_send(&conns[i], 0, 10);
  }
  while (calls < 3)
    run_turn(f);
  weir_close(&conns[3].stream, on_conn_closed);
  run_until(f, &conns[3].closed);
  check_is(calls, 4);
  close_peer(&conns[3]);
  for (i = 0; i < 3; i++)
    conn_close(f, &conns[i]);
  end_pool(pool);
}

/* ---- Onwards without a copy ---- */

WEIR_TEST(lease, goes_to_a_file_by_its_registration) {
  weir_pool_t *pool = new_pool(f, 4);
  uint64_t fixed = weir_pool_status(pool, NULL) == 0;
  struct request w = {0};
  struct scratch s;
  struct borrow b;
  struct conn c;

  scratch_make(&s, 1000);
  check_is(ftruncate(s.fd, 0), 0);
  conn_tcp(f, &c);
  peer_send(&c, 0, 1000);
  borrow(&b, &c.stream, pool);
  expect_bytes(f, &b, 0, 1000);
  uint64_t before = stats_of(f).fixed_ops;
  check_is(weir_file_pwrite(f->loop, &w.op, s.fd, weir_lease_seq(&b.lease), 0,
                            on_done),
           0);
  finish(f, &w, 0, 1000);
  check_is(stats_of(f).fixed_ops - before, fixed);
  scratch_expect(&s, 0, 1000);
  give_back(&b);
  conn_close(f, &c);
  scratch_remove(&s);
  end_pool(pool);
}

/* ---- Lent to the kernel ---- */

/* Reads once, with system calls only to enter the ring, and to empty the
 * eventfd where there is one. */
static void read_by_ring(struct weir_fixture *f, struct conn *c,
                         weir_pool_t *pool, size_t offset, int idle) {
  weir_loop_stats_t before = stats_of(f), after;
  struct borrow b;

  borrow(&b, &c->stream, pool);
  if (idle)
    run_some_turns(f);
  peer_send(c, offset, 10);
  expect_bytes(f, &b, offset, 10);
  give_back(&b);
  after = stats_of(f);
  uint64_t others = after.syscalls - before.syscalls;
  others -= after.enters - before.enters;
  cr_assert(others <= (f->wait == WEIR_WAIT_UV));
}

WEIR_RING_TEST(lease, the_kernel_chooses) {
  enum { ENDS = 10 };
  weir_pool_t *pool = new_pool(f, 4);
  struct borrow b;
  struct conn c, ending;
  size_t i;

  if (!ring_chooses(f)) {
    end_pool(pool);
    fixture_skip(f, "buffers cannot be lent to the kernel");
  }
  conn_tcp(f, &c);
  borrow(&b, &c.stream, pool);
  weir_cancel(&b.r.op);
  expect_none(f, &b, UV_ECANCELED);
  for (i = 0; i < 10; i++)
    read_by_ring(f, &c, pool, i * 10, (int)i % 2);
  /* What ends, fails or is cancelled uses up no buffer. */
  for (i = 0; i < 3 * ENDS; i++) {
    conn_tcp(f, &ending);
    borrow(&b, &ending.stream, pool);
    run_some_turns(f);
    if (i % 3 == 0) {
      shutdown(ending.peer, SHUT_WR);
      expect_none(f, &b, UV_EOF);
    } else if (i % 3 == 1) {
      reset_peer(&ending);
      expect_none(f, &b, UV_ECONNRESET);
    } else {
      weir_cancel(&b.r.op);
      expect_none(f, &b, UV_ECANCELED);
    }
    conn_close(f, &ending);
  }
  read_by_ring(f, &c, pool, 100, 1);
  conn_close(f, &c);
  end_pool(pool);
}

/* Whoever wants a buffer has it though a read might have taken it. */
WEIR_TEST(lease, a_read_that_waits_keeps_no_buffer_from_others) {
  weir_pool_t *pool = new_pool(f, 4);
  uv_buf_t bufs[4], none;
  struct borrow b;
  struct conn c;
  int i, come;

  for (come = 0; come < 2; come++) {
    conn_tcp(f, &c);
    borrow(&b, &c.stream, pool);
    run_some_turns(f);
    if (come)
      peer_send(&c, 0, 10);
    for (i = 0; i < 4; i++)
      check_is(weir_pool_acquire(pool, &bufs[i]), 0);
    check_is(weir_pool_acquire(pool, &none), UV_ENOBUFS);
    check_is(weir_pool_available(pool), 0);
    if (!come)
      peer_send(&c, 0, 10);
    run_some_turns(f);
    check_is(b.r.calls, 0);
    for (i = 0; i < 4; i++)
      memset(bufs[i].base, i, SIZE);
    check_is(weir_pool_release(pool, &bufs[2]), 0);
    expect_bytes(f, &b, 0, 10);
    for (i = 0; i < 4; i++)
      cr_assert(i == 2 || bufs[i].base[0] == i);
    give_back(&b);
    for (i = 0; i < 4; i++)
      if (i != 2)
        check_is(weir_pool_release(pool, &bufs[i]), 0);
    conn_close(f, &c);
  }
  end_pool(pool);
}

/* What is with the kernel when another thread runs the loop is not lost. */
static void there_and_back(struct weir_fixture *f, int state) {
  weir_pool_t *pool = new_pool(f, 4);
  struct borrow b, parked;
  struct conn c, other;
  struct worker w;
  uv_buf_t bufs[4];
  int i;

  conn_tcp(f, &c);
  conn_tcp(f, &other);
  borrow(&b, &c.stream, pool);
  for (i = 0; i < 4; i++)
    check_is(weir_pool_acquire(pool, &bufs[i]), 0);
  borrow(&parked, &other.stream, pool);
  peer_send(&other, 0, 20);
  elsewhere(f, &w, state);
  check_is(b.r.calls + parked.r.calls, 0);
  for (i = 0; i < 4; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
  peer_send(&c, 0, 10);
  run_until(f, &b.r.calls);
  run_until(f, &parked.r.calls);
  check_is(b.r.status, 0);
  check_is(parked.r.status, 0);
  check_is(b.r.n, 10);
  check_is(parked.r.n, 20);
  cr_assert(pattern_holds(b.lease.buf.base, 0, 10));
  cr_assert(pattern_holds(parked.lease.buf.base, 0, 20));
  back(&w, state);
  give_back(&b);
  give_back(&parked);
  conn_close(f, &c);
  conn_close(f, &other);
  end_pool(pool);
}

/* What was lent in the other's ring is the pool's again. */
WEIR_TEST(lease, all_buffers_are_there_in_another_thread) {
  weir_pool_t *pool = new_pool(f, 4);
  struct worker w;
  struct borrow b;
  uv_buf_t bufs[4];
  struct conn c;
  int i;

  conn_tcp(f, &c);
  borrow(&b, &c.stream, pool);
  elsewhere(f, &w, ENDED);
  run_some_turns(f);
  for (i = 0; i < 4; i++)
    check_is(weir_pool_acquire(pool, &bufs[i]), 0);
  for (i = 0; i < 4; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
  peer_send(&c, 0, 10);
  expect_bytes(f, &b, 0, 10);
  back(&w, ENDED);
  give_back(&b);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(lease, goes_on_in_another_thread) {
  there_and_back(f, ENDED);
}

WEIR_TEST(lease, goes_on_beside_another_thread) {
  there_and_back(f, ALIVE);
}

static void in_a_child(struct weir_fixture *f, void *arg) {
  struct conn *c = arg;
  weir_pool_t *pool = NULL;
  struct borrow b = {.lease = {.pool = NULL}};
  struct conn own;

  (void)c;
  must(weir_loop_fork(f->loop) == 0);
  must_work(f);
  must(weir_pool_create(f->loop, 4, SIZE, &pool) == 0);
  int fds[2];
  pair_unix(fds);
  must(weir_pipe_init(f->loop, &own.stream) == 0);
  must(weir_pipe_open(&own.stream, fds[0]) == 0);
  must(weir_read_lease(&b.r.op, &own.stream, pool, &b.lease, 1, on_done) == 0);
  must(write(fds[1], "abc", 3) == 3);
  while (b.r.calls == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  must(b.r.status == 0 && b.r.n == 3);
  must(memcmp(b.lease.buf.base, "abc", 3) == 0);
  must(weir_lease_release(&b.lease) == 0);
  child_leave(0);
}

/* The child's part of it does not disturb the parent. */
WEIR_TEST(lease, a_child_does_not_take_what_comes) {
  weir_pool_t *pool = new_pool(f, 4);
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  borrow(&b, &c.stream, pool);
  run_some_turns(f);
  child_run(in_a_child, f, &c);
  peer_send(&c, 0, 10);
  expect_bytes(f, &b, 0, 10);
  give_back(&b);
  conn_close(f, &c);
  end_pool(pool);
}

/* ---- Many ---- */

/* A connection that sends back what comes, from the buffer that it came in. */
struct echo {
  struct conn c;
  weir_op_t read;
  weir_op_t write;
  weir_lease_t lease;
  weir_pool_t *pool;
  size_t max;
  size_t taken; /* by the peer */
  int ended;
};

static size_t most_out;

static void echo_read(struct echo *e);

static void on_echoed(weir_op_t *op, int status, size_t n) {
  struct echo *e = op->data;

  check_is(status, 0);
  check_is(n, e->lease.buf.len);
  check_is(weir_lease_release(&e->lease), 0);
  echo_read(e);
}

static void on_lease(weir_op_t *op, int status, size_t n) {
  struct echo *e = op->data;
  size_t out = weir_pool_count(e->pool) - weir_pool_available(e->pool);

  most_out = out > most_out ? out : most_out;
  if (status != 0) {
    cr_assert(status == UV_EOF || status == UV_ECANCELED);
    e->ended = 1;
    return;
  }
  check_is(e->lease.buf.len, n);
  e->write.data = e;
  check_is(
      weir_write(&e->write, &e->c.stream, weir_lease_seq(&e->lease), on_echoed),
      0);
}

static void echo_read(struct echo *e) {
  e->read.data = e;
  check_is(
      weir_read_lease(&e->read, &e->c.stream, e->pool, &e->lease, 1, on_lease),
      0);
}

static struct echo *echo_crowd(struct weir_fixture *f, weir_pool_t *pool,
                               size_t count) {
  struct echo *echoes = calloc(count, sizeof(*echoes));
  size_t i;

  most_out = 0;
  for (i = 0; i < count; i++) {
    conn_unix(f, &echoes[i].c);
    echoes[i].pool = pool;
    echo_read(&echoes[i]);
  }
  return echoes;
}

/* The peer takes until it has so many. */
static void echo_take(struct weir_fixture *f, struct echo *e, size_t total) {
  while (e->taken < total) {
    run_turn(f);
    cr_assert(take_pattern(e->c.peer, &e->taken));
  }
}

static void on_echo_closed(weir_stream_t *stream) {
  struct conn *c = (struct conn *)(void *)stream;

  c->closed = 1;
}

static void echo_disperse(struct weir_fixture *f, struct echo *echoes,
                          size_t count) {
  size_t i;

  for (i = 0; i < count; i++) {
    check_is(weir_close(&echoes[i].c.stream, on_echo_closed), 0);
    close(echoes[i].c.peer);
  }
  for (i = 0; i < count; i++)
    run_until(f, &echoes[i].c.closed);
  for (i = 0; i < count; i++)
    check_is(echoes[i].ended, 1);
  free(echoes);
}

/* How many: WEIR_TEST_CROWD, or some. */
static size_t crowd_size(void) {
  const char *given = getenv("WEIR_TEST_CROWD");

  return given != NULL ? strtoul(given, NULL, 10) : 400;
}

/* Some of a crowd speak at a time, each of which gets its own bytes back. */
WEIR_TEST(lease, a_crowd_shares_a_few) {
  enum { BUFFERS = 64, ROUNDS = 3, EACH = 300 };
  size_t i, round, crowd = crowd_size();
  struct echo *echoes;
  weir_pool_t *pool;

  fixture_descriptors(f, crowd);
  pool = new_pool(f, BUFFERS);
  echoes = echo_crowd(f, pool, crowd);
  for (round = 0; round < ROUNDS; round++) {
    for (i = round; i < crowd; i += round + 1)
      peer_send(&echoes[i].c, echoes[i].taken, EACH);
    for (i = round; i < crowd; i += round + 1)
      echo_take(f, &echoes[i], echoes[i].taken + EACH);
    run_some_turns(f);
    check_is(weir_pool_available(pool), BUFFERS);
  }
  cr_assert(most_out > 0 && most_out <= BUFFERS);
  echo_disperse(f, echoes, crowd);
  end_pool(pool);
}

/* A flood for two buffers: nobody's bytes are mixed up, all are served, and
 * nothing is asked more often than something comes of it. */
WEIR_TEST(lease, a_flood_for_two_buffers_does_not_spin) {
  enum { CROWD = 100, BUFFERS = 2, TOTAL = 50000 };
  size_t i, left, sent[CROWD] = {0};
  struct echo *echoes;
  weir_pool_t *pool;

  fixture_descriptors(f, CROWD);
  pool = new_pool(f, BUFFERS);
  echoes = echo_crowd(f, pool, CROWD);
  weir_loop_stats_t before = stats_of(f);
  do {
    left = 0;
    for (i = 0; i < CROWD; i++) {
      offer_pattern(echoes[i].c.peer, &sent[i], TOTAL);
      cr_assert(take_pattern(echoes[i].c.peer, &echoes[i].taken));
      left += TOTAL - echoes[i].taken;
    }
    run_turn(f);
  } while (left > 0);
  weir_loop_stats_t after = stats_of(f);
  uint64_t reads = after.reads - before.reads;
  cr_assert(after.retries - before.retries <= 2 * reads + 2 * CROWD);
  cr_assert(after.syscalls - before.syscalls <=
                8 * reads + 2 * (after.turns - before.turns),
            "%llu calls for %llu reads",
            (unsigned long long)(after.syscalls - before.syscalls),
            (unsigned long long)reads);
  cr_assert(most_out <= BUFFERS);
  echo_disperse(f, echoes, CROWD);
  end_pool(pool);
}

WEIR_TEST(lease, a_small_ring_serves_many) {
  enum { CROWD = 50, BUFFERS = 4 };
  weir_pool_t *pool;
  struct echo *echoes;
  size_t i;

  fixture_reattach(f, 4);
  pool = new_pool(f, BUFFERS);
  echoes = echo_crowd(f, pool, CROWD);
  for (i = 0; i < CROWD; i++)
    peer_send(&echoes[i].c, 0, 10);
  for (i = 0; i < CROWD; i++)
    echo_take(f, &echoes[i], 10);
  echo_disperse(f, echoes, CROWD);
  end_pool(pool);
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
