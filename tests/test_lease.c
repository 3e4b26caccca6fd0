/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/borrow.h"
#include "support/descriptor.h"
#include "support/scratch.h"

/* Reads of leases, one at a time. */

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
  peer_send(&c, 0, 10 * BORROW_SIZE + 5);
  for (offset = 0; offset < 10 * BORROW_SIZE + 5; offset += b.r.n) {
    borrow(&b, &c.stream, pool);
    run_until(f, &b.r.calls);
    check_is(b.r.status, 0);
    cr_assert(b.r.n > 0 && b.r.n <= BORROW_SIZE);
    cr_assert(pattern_holds(b.lease.buf.base, offset, b.r.n));
    give_back(&b);
  }
  check_is(offset, 10 * BORROW_SIZE + 5);
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
  check_is(weir_pool_create(second, 1, BORROW_SIZE, &pool), 0);
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
