/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <unistd.h>

#include "support/borrow.h"

/* Many who share a few buffers. */

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
