/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/borrow.h"

/* Buffers that other threads give back. */

/* A thread that returns some, and then again if `times` says so. */
struct giver {
  uv_thread_t thread;
  weir_pool_t *pool;
  uv_buf_t bufs[16];
  size_t count;
  int times;
};

static void give_all(void *arg) {
  struct giver *g = arg;
  for (int k = 0; k < g->times; k++)
    for (size_t i = 0; i < g->count; i++)
      check_is(weir_pool_return(g->pool, &g->bufs[i]), 0);
}

static void start(struct giver *g) {
  if (g->times == 0)
    g->times = 1;
  check_is(uv_thread_create(&g->thread, give_all, g), 0);
}

static void join(struct giver *g) {
  check_is(uv_thread_join(&g->thread), 0);
}

static void away(struct giver *g) {
  start(g);
  join(g);
}

WEIR_TEST(pool_return, goes_back_when_none_is_free) {
  weir_pool_t *pool = new_pool(f, 4);
  struct giver g = {.pool = pool, .count = 4};
  uv_buf_t again;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 4; i++)
      check_is(weir_pool_acquire(pool, &g.bufs[i]), 0);
    check_is(weir_pool_acquire(pool, &again), UV_ENOBUFS);
    away(&g);
    check_is(weir_pool_available(pool), 0);
    check_is(weir_pool_acquire(pool, &again), 0);
    check_is(weir_pool_available(pool), 3);
    check_is(weir_pool_release(pool, &again), 0);
  }
  end_pool(pool);
}

WEIR_TEST(pool_return, destroy_counts_it) {
  weir_pool_t *pool = new_pool(f, 2);
  struct giver g = {.pool = pool, .count = 1};
  uv_buf_t other;
  check_is(weir_pool_acquire(pool, &g.bufs[0]), 0);
  check_is(weir_pool_acquire(pool, &other), 0);
  away(&g);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  check_is(weir_pool_available(pool), 1);
  check_is(weir_pool_return(pool, &other), 0);
  check_is(weir_pool_destroy(pool), 0);
}

/* As many as hold it, also of one that lies there already, by any address. */
WEIR_TEST(pool_return, each_holder_returns_his) {
  enum { THREADS = 4, TIMES = 50 };
  weir_pool_t *pool = new_pool(f, 1);
  struct giver g[THREADS];
  uv_buf_t buf, again;
  check_is(weir_pool_acquire(pool, &buf), 0);
  for (int i = 1; i < THREADS * TIMES; i++)
    check_is(weir_pool_retain(pool, &buf), 0);
  for (unsigned i = 0; i < THREADS; i++)
    g[i] = (struct giver){.pool = pool,
                          .bufs = {uv_buf_init(buf.base + i * 10 % 30, 1)},
                          .count = 1,
                          .times = TIMES - (i == 0)};
  for (int i = 0; i < THREADS; i++)
    start(&g[i]);
  for (int i = 0; i < THREADS; i++)
    join(&g[i]);
  check_is(weir_pool_acquire(pool, &again), UV_ENOBUFS);
  check_is(weir_pool_return(pool, &buf), 0);
  check_is(weir_pool_acquire(pool, &again), 0);
  check_is(weir_pool_release(pool, &again), 0);
  end_pool(pool);
}

WEIR_TEST(pool_return, what_is_not_out_is_left_alone) {
  weir_pool_t *pool = new_pool(f, 2);
  uv_buf_t a, b, foreign = uv_buf_init((char *)&a, 1);
  check_is(weir_pool_acquire(pool, &a), 0);
  check_is(weir_pool_return(NULL, &a), UV_EINVAL);
  check_is(weir_pool_return(pool, NULL), UV_EINVAL);
  check_is(weir_pool_return(pool, &foreign), UV_EINVAL);
  foreign.base = a.base + (size_t)2 * BORROW_SIZE;
  check_is(weir_pool_return(pool, &foreign), UV_EINVAL);
  for (int i = 0; i < 3; i++)
    check_is(weir_pool_return(pool, &a), 0);
  check_is(weir_pool_acquire(pool, &a), 0);
  check_is(weir_pool_acquire(pool, &b), 0);
  cr_assert(a.base != b.base);
  check_is(weir_pool_acquire(pool, &foreign), UV_ENOBUFS);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_release(pool, &b), 0);
  end_pool(pool);
}

/* What is cut small is one again when all of it has come back. */
WEIR_TEST(pool_return, pieces_become_whole) {
  const weir_pool_options_t options = {
      .size = sizeof(options), .count = 1, .buffer_size = 65536, .least = 4096};
  weir_pool_t *pool = NULL;
  struct giver g = {.count = 16};
  uv_buf_t whole;
  check_is(weir_pool_create_with(f->loop, &options, &pool), 0);
  g.pool = pool;
  for (int i = 0; i < 16; i++)
    check_is(weir_pool_acquire_size(pool, 4096, &g.bufs[i]), 0);
  away(&g);
  check_is(weir_pool_acquire(pool, &whole), 0);
  check_is(whole.len, 65536);
  check_is(weir_pool_release(pool, &whole), 0);
  end_pool(pool);
}

/* ---- Somebody waits ---- */

/* Returns a while after the loop has gone to sleep, as far as can be. */
static void give_late(void *arg) {
  uv_sleep(20);
  give_all(arg);
}

static void start_late(struct giver *g) {
  g->times = 1;
  check_is(uv_thread_create(&g->thread, give_late, g), 0);
}

WEIR_TEST(pool_return, who_waits_is_woken) {
  enum { ROUNDS = 5 };
  weir_pool_t *pool = new_pool(f, 2);
  struct giver g = {.pool = pool, .count = 2};
  struct request r[3];
  uv_buf_t bufs[3];
  check_is(weir_post_open(f->loop), 0);
  for (int round = 0; round < ROUNDS; round++) {
    memset(r, 0, sizeof(r));
    for (int i = 0; i < 2; i++)
      check_is(weir_pool_acquire(pool, &g.bufs[i]), 0);
    for (int i = 0; i < 3; i++)
      check_is(weir_pool_acquire_wait(&r[i].op, pool, 1, &bufs[i], on_done), 0);
    g.count = 2;
    start_late(&g);
    for (int i = 0; i < 2; i++)
      run_until(f, &r[i].calls);
    join(&g);
    check_is(r[2].calls, 0);
    /* And so is who waits yet. */
    g.bufs[0] = bufs[0];
    g.count = 1;
    start_late(&g);
    run_until(f, &r[2].calls);
    join(&g);
    check_is(weir_pool_return(pool, &bufs[1]), 0);
    check_is(weir_pool_return(pool, &bufs[2]), 0);
    check_is(weir_pool_acquire(pool, &bufs[0]), 0);
    check_is(weir_pool_release(pool, &bufs[0]), 0);
  }
  check_is(weir_post_close(f->loop), 0);
  end_pool(pool);
}

/* Some come while another is given. */
WEIR_TEST(pool_return, who_waits_is_given_one_alone) {
  weir_pool_t *pool = new_pool(f, 3);
  struct request r[2] = {{.calls = 0}};
  uv_buf_t bufs[3], given[2];
  for (int i = 0; i < 3; i++)
    check_is(weir_pool_acquire(pool, &bufs[i]), 0);
  for (int i = 0; i < 2; i++)
    check_is(weir_pool_acquire_wait(&r[i].op, pool, 1, &given[i], on_done), 0);
  check_is(weir_pool_return(pool, &bufs[0]), 0);
  check_is(weir_pool_return(pool, &bufs[1]), 0);
  check_is(weir_pool_release(pool, &bufs[2]), 0);
  for (int i = 0; i < 2; i++)
    run_until(f, &r[i].calls);
  check_is(weir_pool_available(pool), 1);
  for (int i = 0; i < 2; i++) {
    check_is(r[i].calls, 1);
    check_is(weir_pool_release(pool, &given[i]), 0);
  }
  end_pool(pool);
}

/* What was returned before he came, he has at once. */
WEIR_TEST(pool_return, who_comes_later_need_not_wait) {
  weir_pool_t *pool = new_pool(f, 1);
  struct giver g = {.pool = pool, .count = 1};
  struct request r = {0};
  uv_buf_t buf;
  check_is(weir_pool_acquire(pool, &g.bufs[0]), 0);
  away(&g);
  check_is(weir_pool_acquire_wait(&r.op, pool, 1, &buf, on_done), 0);
  finish(f, &r, 0, 0);
  check_is(weir_pool_release(pool, &buf), 0);
  end_pool(pool);
}

/* A read of a stream that has as many leases as it may, and one that finds no
 * buffer. */
static void leases(struct weir_fixture *f, size_t count, size_t most) {
  weir_pool_t *pool = new_pool(f, count);
  struct giver g = {.pool = pool, .count = 1};
  struct borrow a, b;
  struct conn c;
  check_is(weir_post_open(f->loop), 0);
  conn_unix(f, &c);
  peer_send(&c, 0, 10);
  borrow_most(&a, &c.stream, pool, most);
  expect_bytes(f, &a, 0, 10);
  for (size_t i = 10; i < 100; i += 10) {
    peer_send(&c, i, 10);
    borrow_most(&b, &c.stream, pool, most);
    run_some_turns(f);
    check_is(b.r.calls, 0);
    g.bufs[0] = a.lease.buf;
    start_late(&g);
    expect_bytes(f, &b, i, 10);
    join(&g);
    a = b;
  }
  /* It is back before the read begins. */
  check_is(weir_pool_return(pool, &a.lease.buf), 0);
  peer_send(&c, 100, 10);
  borrow_most(&b, &c.stream, pool, most);
  expect_bytes(f, &b, 100, 10);
  give_back(&b);
  check_is(weir_post_close(f->loop), 0);
  conn_close(f, &c);
  end_pool(pool);
}

WEIR_TEST(pool_return, a_stream_has_its_lease_back) {
  leases(f, 8, 1);
}

WEIR_TEST(pool_return, a_read_has_the_last_buffer) {
  leases(f, 1, 0);
}

/* The first who goes on does not keep the other from being told. */
WEIR_TEST(pool_return, each_stream_has_its_lease_back) {
  weir_pool_t *pool = new_pool(f, 8);
  struct giver g = {.pool = pool, .count = 1};
  struct borrow a[2], b[2];
  struct conn c[2];
  check_is(weir_post_open(f->loop), 0);
  for (int i = 0; i < 2; i++) {
    conn_unix(f, &c[i]);
    peer_send(&c[i], 0, 20);
    borrow_most(&a[i], &c[i].stream, pool, 1);
    run_until(f, &a[i].r.calls);
    peer_send(&c[i], 20, 10);
    borrow_most(&b[i], &c[i].stream, pool, 1);
  }
  run_some_turns(f);
  for (int i = 0; i < 2; i++) {
    check_is(b[i].r.calls, 0);
    g.bufs[0] = a[i].lease.buf;
    start_late(&g);
    expect_bytes(f, &b[i], 20, 10);
    join(&g);
    give_back(&b[i]);
    conn_close(f, &c[i]);
  }
  check_is(weir_post_close(f->loop), 0);
  end_pool(pool);
}

/* Nobody waits any more: nothing is told in vain, and nothing is lost. */
WEIR_TEST(pool_return, who_gave_up_is_not_woken) {
  weir_pool_t *pool = new_pool(f, 1);
  struct giver g = {.pool = pool, .count = 1};
  struct request r = {0};
  uv_buf_t buf;
  check_is(weir_post_open(f->loop), 0);
  check_is(weir_pool_acquire(pool, &g.bufs[0]), 0);
  check_is(weir_pool_acquire_wait(&r.op, pool, 1, &buf, on_done), 0);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  away(&g);
  check_is(weir_pool_acquire(pool, &buf), 0);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_post_close(f->loop), 0);
  end_pool(pool);
}

/* ---- Many threads ---- */

/* Buffers go round: the loop's thread acquires, another returns. */
enum { LANES = 3 };

struct lane {
  uv_thread_t thread;
  weir_pool_t *pool;
  _Atomic(char *) place;
  atomic_int over;
  size_t returned;
};

static int empty_place(struct lane *lane) {
  char *base = atomic_exchange(&lane->place, NULL);
  if (base == NULL)
    return 0;
  const uv_buf_t buf = uv_buf_init(base, 1);
  base[0]++;
  lane->returned++;
  check_is(weir_pool_return(lane->pool, &buf), 0);
  return 1;
}

static void run_lane(void *arg) {
  struct lane *lane = arg;
  while (!atomic_load(&lane->over))
    if (!empty_place(lane))
      sched_yield();
  empty_place(lane);
}

static size_t cycles(void) {
  const char *given = getenv("WEIR_TEST_POOL_CYCLES");
  return given == NULL ? 3000 : strtoul(given, NULL, 10);
}

/* Puts it where there is room, or gives it back itself. */
static void pass_on(struct lane *lane, uv_buf_t buf) {
  char *none = NULL;
  if (!atomic_compare_exchange_strong(&lane->place, &none, buf.base))
    check_is(weir_pool_release(lane->pool, &buf), 0);
}

WEIR_TEST(pool_return, many_threads_give_back) {
  weir_pool_t *pool = new_pool(f, LANES);
  struct lane lanes[LANES];
  struct request r;
  size_t waited = 0, returned = 0, n = cycles();
  check_is(weir_post_open(f->loop), 0);
  memset(lanes, 0, sizeof(lanes));
  for (int i = 0; i < LANES; i++) {
    lanes[i].pool = pool;
    check_is(uv_thread_create(&lanes[i].thread, run_lane, &lanes[i]), 0);
  }
  for (size_t i = 0; i < n; i++) {
    uv_buf_t buf;
    if (weir_pool_acquire(pool, &buf) != 0) {
      memset(&r, 0, sizeof(r));
      check_is(weir_pool_acquire_wait(&r.op, pool, BORROW_SIZE, &buf, on_done),
               0);
      run_until(f, &r.calls);
      waited++;
    }
    pass_on(&lanes[i % LANES], buf);
  }
  for (int i = 0; i < LANES; i++) {
    atomic_store(&lanes[i].over, 1);
    check_is(uv_thread_join(&lanes[i].thread), 0);
    returned += lanes[i].returned;
  }
  cr_assert(waited > 0 && returned > 0);
  check_is(weir_post_close(f->loop), 0);
  check_is(weir_pool_destroy(pool), 0);
}
