/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/borrow.h"
#include "support/child.h"
#include "support/rings.h"
#include "support/worker.h"

/* Buffers that are lent to the kernel, which chooses: also when the thread or
 * the process changes. */

static void read_once(struct weir_fixture *f, struct conn *c, weir_pool_t *pool,
                      size_t offset, int idle) {
  struct borrow b;

  borrow(&b, &c->stream, pool);
  if (idle)
    run_some_turns(f);
  peer_send(c, offset, 10);
  expect_bytes(f, &b, offset, 10);
  give_back(&b);
}

/* With system calls only to enter the ring, and to empty the eventfd where
 * there is one. */
static void read_by_ring(struct weir_fixture *f, struct conn *c,
                         weir_pool_t *pool, size_t offset, int idle) {
  weir_loop_stats_t before = stats_of(f), after;

  read_once(f, c, pool, offset, idle);
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

/* Each pool has a group of its own, and gives it back. */
WEIR_RING_TEST(lease, pools_do_not_share_what_they_lend) {
  enum { POOLS = 3, ROUNDS = 70 };
  weir_pool_t *pools[POOLS];
  struct conn c;
  size_t i, sent = 0;

  if (!ring_chooses(f))
    fixture_skip(f, "buffers cannot be lent to the kernel");
  conn_tcp(f, &c);
  for (i = 0; i < POOLS; i++) {
    pools[i] = new_pool(f, 4);
    read_once(f, &c, pools[i], sent, 0);
    sent += 10;
  }
  for (i = 0; i < ROUNDS; i++, sent += 10) {
    end_pool(pools[i % POOLS]);
    pools[i % POOLS] = new_pool(f, 4);
    read_once(f, &c, pools[i % POOLS], sent, 0);
  }
  for (i = 0; i < POOLS; i++, sent += 10) {
    read_by_ring(f, &c, pools[i], sent, 1);
    end_pool(pools[i]);
  }
  conn_close(f, &c);
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
      memset(bufs[i].base, i, BORROW_SIZE);
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
  must(weir_pool_create(f->loop, 4, BORROW_SIZE, &pool) == 0);
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
