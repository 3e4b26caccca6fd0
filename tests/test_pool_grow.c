/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weir/fault.h>

#include "support/borrow.h"
#include "support/scratch.h"

/* Pools that grow where no buffer is left, and shrink again. */

enum { WHOLE = 65536, MOST = 16, PATIENCE = 5000 };

static weir_pool_t *growing(struct weir_fixture *f, size_t count, size_t most,
                            size_t step, uint64_t idle) {
  const weir_pool_options_t options = {.size = sizeof(options),
                                       .count = count,
                                       .buffer_size = WHOLE,
                                       .least = 4096,
                                       .most = most,
                                       .step = step,
                                       .idle = idle};
  weir_pool_t *pool = NULL;
  check_is(weir_pool_create_with(f->loop, &options, &pool), 0);
  return pool;
}

static void take(weir_pool_t *pool, uv_buf_t *bufs, size_t n) {
  for (size_t i = 0; i < n; i++) {
    check_is(weir_pool_acquire(pool, &bufs[i]), 0);
    check_is(bufs[i].len, WHOLE);
    memset(bufs[i].base, (int)i, WHOLE);
  }
}

static void give(weir_pool_t *pool, const uv_buf_t *bufs, size_t n) {
  for (size_t i = 0; i < n; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
}

/* A turn some milliseconds later. */
static void later(struct weir_fixture *f) {
  uv_sleep(2);
  run_turn(f);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

/* Waits until so many are left; no turn takes more than a step. */
static void expect_shrunk(struct weir_fixture *f, const weir_pool_t *pool,
                          size_t count, size_t step) {
  uv_idle_t idle;
  uv_idle_init(&f->uv, &idle);
  uv_idle_start(&idle, on_idle);
  for (int i = 0; i < PATIENCE && weir_pool_count(pool) > count; i++) {
    size_t before = weir_pool_count(pool);
    uv_sleep(2);
    uv_run(&f->uv, UV_RUN_NOWAIT);
    cr_assert(before - weir_pool_count(pool) <= step);
  }
  check_is(weir_pool_count(pool), count);
  uv_close((uv_handle_t *)&idle, NULL);
  run_turn(f);
}

static void expect_stays(struct weir_fixture *f, const weir_pool_t *pool) {
  size_t before = weir_pool_count(pool);
  for (int i = 0; i < 20; i++)
    later(f);
  check_is(weir_pool_count(pool), before);
}

WEIR_TEST(pool_grow, comes_in_steps_up_to_its_limit) {
  weir_pool_t *pool = growing(f, 3, 10, 4, UINT64_MAX);
  uv_buf_t bufs[10], none;
  const size_t counts[] = {3, 3, 3, 7, 7, 7, 7, 10, 10, 10};
  for (size_t i = 0; i < 10; i++) {
    take(pool, &bufs[i], 1);
    memset(bufs[i].base, 'a' + (int)i, WHOLE);
    check_is(weir_pool_count(pool), counts[i]);
    check_is(weir_pool_available(pool), counts[i] - i - 1);
  }
  check_is(weir_pool_acquire(pool, &none), UV_ENOBUFS);
  check_is(weir_pool_acquire_size(pool, 1, &none), UV_ENOBUFS);
  for (size_t i = 0; i < 10; i++)
    for (size_t k = 0; k < WHOLE; k += WHOLE - 1)
      cr_assert(bufs[i].base[k] == (char)('a' + i));
  expect_stays(f, pool);
  give(pool, bufs, 10);
  expect_stays(f, pool);
  end_pool(pool);
}

WEIR_TEST(pool_grow, goes_in_steps_when_nobody_needs_it) {
  weir_pool_t *pool = growing(f, 2, 11, 3, 1);
  uv_buf_t bufs[11];
  for (int round = 0; round < 3; round++) {
    take(pool, bufs, 11);
    check_is(weir_pool_count(pool), 11);
    give(pool, bufs, 11);
    expect_shrunk(f, pool, 2, 3);
    check_is(weir_pool_available(pool), 2);
  }
  end_pool(pool);
}

/* Half as much again has to be free. */
WEIR_TEST(pool_grow, stays_where_little_would_be_left) {
  weir_pool_t *pool = growing(f, 2, 6, 4, 1);
  uv_buf_t bufs[6];
  take(pool, bufs, 6);
  give(pool, bufs + 1, 5);
  expect_stays(f, pool);
  check_is(weir_pool_release(pool, &bufs[0]), 0);
  expect_shrunk(f, pool, 2, 4);
  end_pool(pool);
}

/* The last that came waits for its holders, while others come and go. */
WEIR_TEST(pool_grow, what_somebody_holds_stays) {
  weir_pool_t *pool = growing(f, 2, 10, 4, 1);
  uv_buf_t bufs[10], one;
  take(pool, bufs, 10);
  give(pool, bufs, 9);
  expect_stays(f, pool);
  for (int i = 0; i < 10; i++) {
    take(pool, &one, 1);
    later(f);
    give(pool, &one, 1);
  }
  check_is(weir_pool_count(pool), 10);
  give(pool, &bufs[9], 1);
  expect_shrunk(f, pool, 2, 4);
  end_pool(pool);
}

/* An operation holds it, too, when nobody else does. */
WEIR_TEST(pool_grow, what_an_operation_holds_stays) {
  weir_pool_t *pool = growing(f, 1, 2, 1, 1);
  struct request r = {0};
  struct conn c;
  uv_buf_t bufs[2], low;
  conn_unix(f, &c);
  take(pool, bufs, 2);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bufs[1].base, 100),
                          on_done),
           0);
  give(pool, bufs, 2);
  expect_stays(f, pool);
  take(pool, &low, 1);
  peer_send(&c, 0, 10);
  finish(f, &r, 0, 10);
  give(pool, &low, 1);
  expect_shrunk(f, pool, 1, 1);
  conn_close(f, &c);
  end_pool(pool);
}

/* What is to go is used again before any more comes. */
WEIR_TEST(pool_grow, what_is_to_go_may_stay) {
  weir_pool_t *pool = growing(f, 2, 100, 2, 40);
  uv_buf_t bufs[4];
  for (int round = 0; round < 40; round++) {
    take(pool, bufs, 4);
    check_is(weir_pool_count(pool), 4);
    give(pool, bufs, 4);
    later(f);
    check_is(weir_pool_available(pool), weir_pool_count(pool));
  }
  end_pool(pool);
}

WEIR_TEST(pool_grow, is_cut_as_the_rest) {
  enum { PIECES = 3 * 16 };
  weir_pool_t *pool = growing(f, 1, 3, 1, 1);
  uv_buf_t bufs[PIECES], none;
  for (int i = 0; i < PIECES; i++) {
    check_is(weir_pool_acquire_size(pool, 4096, &bufs[i]), 0);
    memset(bufs[i].base, i, 4096);
  }
  check_is(weir_pool_count(pool), 3);
  check_is(weir_pool_acquire_size(pool, 4096, &none), UV_ENOBUFS);
  for (int i = 0; i < PIECES; i++)
    for (int k = 0; k < 4096; k += 4095)
      cr_assert(bufs[i].base[k] == (char)i);
  /* Every third stays out for a while; the pieces of what is to go come back
   * in any order, and are one. */
  for (int i = 0; i < PIECES; i++)
    if (i % 3 != 0)
      give(pool, &bufs[i], 1);
  expect_stays(f, pool);
  for (int i = 0; i < PIECES; i += 3) {
    give(pool, &bufs[(i * 7) % PIECES], 1);
    later(f);
  }
  expect_shrunk(f, pool, 1, 1);
  end_pool(pool);
}

WEIR_TEST(pool_grow, who_waits_has_what_comes) {
  weir_pool_t *pool = growing(f, 1, 2, 1, 1);
  struct request waits[3] = {{.calls = 0}};
  uv_buf_t bufs[4], none;
  take(pool, bufs, 1);
  for (int i = 0; i < 3; i++)
    check_is(
        weir_pool_acquire_wait(&waits[i].op, pool, 1, &bufs[1 + i], on_done),
        0);
  for (int i = 0; i < 3; i++)
    run_until(f, &waits[i].calls);
  check_is(weir_pool_count(pool), 2);
  waits[0].calls = 0;
  check_is(weir_pool_acquire_wait(&waits[0].op, pool, WHOLE, &none, on_done),
           0);
  run_some_turns(f);
  check_is(waits[0].calls, 0);
  give(pool, &bufs[0], 1);
  finish(f, &waits[0], 0, 0);
  give(pool, &none, 1);
  give(pool, bufs + 1, 3);
  expect_shrunk(f, pool, 1, 1);
  end_pool(pool);
}

/* What is lent to the system lies in what is to go, too. */
WEIR_TEST(pool_grow, leases_may_lie_in_it) {
  enum { CONNS = 6 };
  weir_pool_t *pool = growing(f, 2, 8, 2, 1);
  struct borrow b[CONNS];
  struct conn c[CONNS];
  for (int i = 0; i < CONNS; i++)
    conn_unix(f, &c[i]);
  for (size_t round = 0; round < 10; round++) {
    for (int i = 0; i < CONNS; i++) {
      borrow(&b[i], &c[i].stream, pool);
      peer_send(&c[i], round, 10);
    }
    for (int i = 0; i < CONNS; i++) {
      run_until(f, &b[i].r.calls);
      check_is(b[i].r.status, 0);
      cr_assert(pattern_holds(b[i].lease.buf.base, round, 10));
    }
    check_is(weir_pool_count(pool), 6);
    for (int i = 0; i < CONNS; i++) {
      check_is(weir_lease_release(&b[i].lease), 0);
      if (round % 2 == 1)
        later(f);
    }
    /* So many have not come. */
    if (round % 2 == 1)
      expect_shrunk(f, pool, 2, 2);
  }
  for (int i = 0; i < CONNS; i++)
    conn_close(f, &c[i]);
  end_pool(pool);
}

/* What is lent while a read waits is had back for that. */
WEIR_TEST(pool_grow, what_is_lent_goes_too) {
  weir_pool_t *pool = growing(f, 2, 4, 2, 1);
  struct borrow b;
  struct conn c;
  uv_buf_t bufs[4];
  conn_unix(f, &c);
  for (size_t round = 0; round < 3; round++) {
    /* The last to come back are the first to be lent. */
    take(pool, bufs, 4);
    give(pool, bufs, 4);
    borrow(&b, &c.stream, pool);
    expect_shrunk(f, pool, 2, 2);
    peer_send(&c, round, 10);
    expect_bytes(f, &b, round, 10);
    give_back(&b);
  }
  conn_close(f, &c);
  end_pool(pool);
}

/* The system has it back: nobody can read there. */
WEIR_TEST(pool_grow, what_has_gone_is_no_memory) {
  weir_pool_t *pool = growing(f, 1, 3, 2, 1);
  uv_buf_t bufs[3];
  int ends[2];
  check_is(pipe(ends), 0);
  for (int round = 0; round < 2; round++) {
    take(pool, bufs, 3);
    for (int i = 0; i < 3; i++)
      check_is(write(ends[1], bufs[i].base, 10), 10);
    give(pool, bufs, 3);
    expect_shrunk(f, pool, 1, 2);
    /* The lowest is the first that there was. */
    for (int i = 0; i < 3; i++) {
      int low = bufs[i].base <= bufs[0].base && bufs[i].base <= bufs[1].base &&
                bufs[i].base <= bufs[2].base;
      check_is(write(ends[1], bufs[i].base, 10), low ? 10 : -1);
    }
  }
  close(ends[0]);
  close(ends[1]);
  end_pool(pool);
}

/* ---- Registration ---- */

static int transfer(struct weir_fixture *f, const struct scratch *s,
                    uv_buf_t buf) {
  uint64_t before = stats_of(f).fixed_ops;
  struct request r = {0};
  check_is(weir_file_pread(f->loop, &r.op, s->fd,
                           weir_mseq_block(buf.base, buf.len), 0, on_done),
           0);
  finish(f, &r, 0, buf.len);
  cr_assert(pattern_holds(buf.base, 0, buf.len));
  return (int)(stats_of(f).fixed_ops - before);
}

WEIR_TEST(pool_grow, is_registered_as_it_comes) {
  weir_pool_t *pool = growing(f, 2, 8, 2, 1);
  int fixed = weir_pool_status(pool, NULL) == 0;
  struct scratch s;
  uv_buf_t bufs[8];
  scratch_make(&s, WHOLE);
  for (int round = 0; round < 3; round++) {
    take(pool, bufs, 8);
    check_is(weir_pool_registered(pool), fixed ? 8 : 0);
    for (int i = 0; i < 8; i++)
      check_is(transfer(f, &s, bufs[i]), fixed);
    give(pool, bufs, 8);
    expect_shrunk(f, pool, 2, 2);
    check_is(weir_pool_registered(pool), fixed ? 2 : 0);
  }
  check_is(stats_of(f).unfixed_pools, fixed ? 0 : 24);
  end_pool(pool);
  scratch_remove(&s);
}

/* What goes gives its slot back. */
WEIR_TEST(pool_grow, comes_and_goes_more_often_than_there_are_slots) {
  weir_pool_t *pool = growing(f, 1, 2, 1, 1);
  int status = weir_pool_status(pool, NULL);
  uv_buf_t bufs[2];
  for (int round = 0; round < 70; round++) {
    take(pool, bufs, 2);
    check_is(weir_pool_status(pool, NULL), status);
    give(pool, bufs, 2);
    expect_shrunk(f, pool, 1, 1);
  }
  end_pool(pool);
}

/* Reads that go on while memory comes and goes, and is registered. */
struct reader {
  struct request r;
  uv_buf_t buf;
  int busy;
};

enum { READERS = 8, LOADS = 400 };

WEIR_TEST(pool_grow, reads_go_on_meanwhile) {
  weir_pool_t *pool = growing(f, 2, 2 + READERS, 1, 1);
  struct reader readers[READERS];
  int fixed = weir_pool_status(pool, NULL) == 0;
  size_t grown = 0;
  struct scratch s;
  uint64_t reads = 0;
  scratch_make(&s, WHOLE + READERS);
  memset(readers, 0, sizeof(readers));
  for (int load = 0; load < LOADS; load++) {
    size_t before = weir_pool_count(pool);
    /* Waves: all are at it, then two. */
    int many = load % 100 < 30 ? READERS : 2;
    for (int i = 0; i < many; i++) {
      struct reader *it = &readers[i];
      if (it->busy)
        continue;
      it->r.calls = 0;
      it->busy = 1;
      take(pool, &it->buf, 1);
      reads++;
      check_is(weir_file_pread(f->loop, &it->r.op, s.fd,
                               weir_mseq_block(it->buf.base, WHOLE), i,
                               on_done),
               0);
    }
    grown += weir_pool_count(pool) - before;
    if (load % 100 >= 30)
      uv_sleep(1);
    uv_run(&f->uv, UV_RUN_NOWAIT);
    for (int i = 0; i < READERS; i++)
      if (readers[i].busy && readers[i].r.calls > 0) {
        check_is(readers[i].r.status, 0);
        cr_assert(pattern_holds(readers[i].buf.base, (size_t)i, WHOLE));
        give(pool, &readers[i].buf, 1);
        readers[i].busy = 0;
      }
  }
  for (int i = 0; i < READERS; i++)
    if (readers[i].busy) {
      run_until(f, &readers[i].r.calls);
      give(pool, &readers[i].buf, 1);
    }
  /* It has shrunk, too. */
  cr_assert(grown > READERS, "%zu", grown);
  check_is(stats_of(f).fixed_ops, fixed ? reads : 0);
  end_pool(pool);
  scratch_remove(&s);
}

/* ---- What cannot be had ---- */

/* Without memory it is as if it did not grow; in a later turn it does. */
WEIR_TEST(pool_grow, goes_on_without_memory) {
  weir_pool_t *pool = growing(f, 1, 2, 1, UINT64_MAX);
  struct rlimit was, none = {.rlim_cur = 1 << 16, .rlim_max = RLIM_INFINITY};
  uv_buf_t bufs[2];
  take(pool, bufs, 1);
  getrlimit(RLIMIT_DATA, &was);
  none.rlim_max = was.rlim_max;
  setrlimit(RLIMIT_DATA, &none);
  int r = weir_pool_acquire(pool, &bufs[1]);
  setrlimit(RLIMIT_DATA, &was);
  check_is(r, UV_ENOBUFS);
  check_is(weir_pool_count(pool), 1);
  run_some_turns(f);
  take(pool, bufs + 1, 1);
  give(pool, bufs, 2);
  end_pool(pool);
}

/* The steps in which a pool is less and less registered. */
static void expect_step(const weir_pool_t *pool, int status, size_t registered,
                        const char *sentence) {
  const char *said = NULL;
  check_is(weir_pool_status(pool, &said), status);
  check_is(weir_pool_registered(pool), registered);
  cr_assert_str_eq(said, sentence);
}

static void refuse(weir_fault_t *fault, size_t times, int error) {
  const weir_fault_rule_t rule = {
      .what = WEIR_FAULT_REGISTER, .times = times, .error = error};
  check_is(weir_fault_add(fault, &rule), 0);
}

/* A pool that is refused so often. */
static void step(struct weir_fixture *f, weir_fault_t *fault, size_t times,
                 int error, size_t registered, const char *sentence) {
  struct scratch s;
  uv_buf_t bufs[8];
  if (times > 0)
    refuse(fault, times, error);
  weir_pool_t *pool = growing(f, 8, 8, 8, 1);
  expect_step(pool, times > 0 ? error : 0, registered, sentence);
  uint64_t before = stats_of(f).unfixed_pools;
  scratch_make(&s, WHOLE);
  take(pool, bufs, 8);
  for (size_t i = 0; i < 8; i++)
    check_is(transfer(f, &s, bufs[i]), i < registered);
  check_is(stats_of(f).unfixed_pools - before, 8 - registered);
  give(pool, bufs, 8);
  end_pool(pool);
  scratch_remove(&s);
}

#define IN_PART "registered in part: "
#define NOT "not registered: "

/* The other pool keeps the table. */
WEIR_RING_TEST(pool_grow, is_registered_as_far_as_can_be) {
  const weir_fault_options_t options = {.seed = 1};
  weir_fault_t *fault = NULL;
  if (weir_fault_begin(&options, &fault) != 0) {
    fixture_skip(f, "no faults here");
    return;
  }
  fixture_reattach(f, 64);
  weir_pool_t *other = growing(f, 1, 1, 1, 1);
  if (weir_pool_status(other, NULL) == 0) {
    const char *all = "the buffers are registered with io_uring";
    const char *some = IN_PART "RLIMIT_MEMLOCK is too low for the rest";
    step(f, fault, 0, 0, 8, all);
    step(f, fault, 1, UV_ENOMEM, 4, some);
    step(f, fault, 2, UV_ENOMEM, 2, some);
    step(f, fault, 3, UV_ENOMEM, 1, some);
    step(f, fault, 4, UV_ENOMEM, 0,
         NOT "RLIMIT_MEMLOCK is too low for the slab");
    step(f, fault, 1, UV_EFAULT, 0, NOT "the kernel refused");
    step(f, fault, 0, 0, 8, all);
  }
  end_pool(other);
  fixture_reattach(f, 64);
  weir_fault_end(fault);
}

/* Somebody who may lock that much memory, and of whom there is no other. */
static void become_scarce(rlim_t most) {
  struct rlimit limit = {.rlim_cur = most};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  limit.rlim_cur = most;
  setrlimit(RLIMIT_MEMLOCK, &limit);
  if (geteuid() == 0)
    check_is(seteuid((uid_t)(100000 + getpid())), 0);
}

/* The kernel's own count: 64 KiB are 16 pages, of which a ring may need some.
 * The others are registered to the last. */
WEIR_RING_TEST(pool_grow, is_registered_as_far_as_memory_may_be_locked) {
  enum { POOLS = 12, COUNT = 7, PAGES = 16 };
  weir_pool_t *pools[POOLS];
  size_t sum = 0, last = COUNT, in_part = 0;
  if (geteuid() != 0) {
    fixture_skip(f, "this has to become somebody else");
    return;
  }
  become_scarce(1 << 16);
  fixture_reattach(f, 64);
  for (int i = 0; i < POOLS; i++) {
    check_is(weir_pool_create(f->loop, COUNT, 4096, &pools[i]), 0);
    if (weir_pool_status(pools[i], NULL) == UV_ENOTSUP)
      continue;
    size_t n = weir_pool_registered(pools[i]);
    if (n == COUNT)
      expect_step(pools[i], 0, n, "the buffers are registered with io_uring");
    else
      expect_step(pools[i], UV_ENOMEM, n,
                  n > 0 ? IN_PART "RLIMIT_MEMLOCK is too low for the rest"
                        : NOT "RLIMIT_MEMLOCK is too low for the slab");
    cr_assert(n <= last);
    last = n;
    sum += n;
    in_part += n > 0 && n < COUNT;
  }
  cr_assert(sum <= PAGES);
  if (sum > 0) {
    check_is(last, 0);
    check_is(in_part > 0, sum % COUNT != 0);
  }
  for (int i = 0; i < POOLS; i++)
    check_is(weir_pool_destroy(pools[i]), 0);
  check_is(seteuid(0), 0);
  fixture_reattach(f, 64);
}

/* What comes and cannot be registered serves all the same. */
WEIR_RING_TEST(pool_grow, what_comes_may_not_be_registered) {
  const weir_fault_options_t options = {.seed = 1};
  weir_fault_t *fault = NULL;
  struct scratch s;
  uv_buf_t bufs[6];
  if (weir_fault_begin(&options, &fault) != 0) {
    fixture_skip(f, "no faults here");
    return;
  }
  fixture_reattach(f, 64);
  scratch_make(&s, WHOLE);
  weir_pool_t *pool = growing(f, 2, 6, 2, 1);
  if (weir_pool_status(pool, NULL) == 0) {
    take(pool, bufs, 2);
    refuse(fault, 2, UV_ENOMEM);
    take(pool, bufs + 2, 2);
    expect_step(pool, UV_ENOMEM, 2,
                IN_PART "RLIMIT_MEMLOCK is too low for the rest");
    /* The next part can be. */
    take(pool, bufs + 4, 2);
    check_is(weir_pool_registered(pool), 4);
    for (int i = 0; i < 6; i++)
      check_is(transfer(f, &s, bufs[i]), i / 2 != 1);
    check_is(stats_of(f).unfixed_pools, 2);
    give(pool, bufs, 6);
    expect_shrunk(f, pool, 2, 2);
    expect_step(pool, 0, 2, "the buffers are registered with io_uring");
  }
  end_pool(pool);
  scratch_remove(&s);
  fixture_reattach(f, 64);
  weir_fault_end(fault);
}

/* More steps than there are slots in the kernel's table. */
WEIR_TEST(pool_grow, slots_may_run_out) {
  enum { COUNT = 80, SLOTS = 64 };
  weir_pool_t *pool = growing(f, 1, COUNT, 1, 1);
  int fixed = weir_pool_status(pool, NULL) == 0;
  uv_buf_t bufs[COUNT];
  take(pool, bufs, COUNT);
  if (fixed)
    expect_step(pool, UV_ENOBUFS, SLOTS,
                IN_PART "all slots for fixed buffers are taken");
  give(pool, bufs, COUNT);
  expect_shrunk(f, pool, SLOTS, 1);
  if (fixed)
    check_is(weir_pool_status(pool, NULL), 0);
  end_pool(pool);
}

WEIR_TEST(pool_grow, refuses_limits_that_are_none) {
  weir_pool_options_t options = {
      .count = 4, .buffer_size = 4096, .most = 3, .step = 1};
  weir_pool_t *pool = NULL;
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  options.most = ((size_t)1 << 30) / 4096 + 1;
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  options.most = SIZE_MAX;
  check_is(weir_pool_create_with(f->loop, &options, &pool), UV_EINVAL);
  cr_assert(pool == NULL);
}
