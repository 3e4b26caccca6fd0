/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <sys/socket.h>

#include "support/parser.h"
#include "support/worker.h"

/* Reads up to a delimiter that wait for a buffer of their pool. */

enum { SIZE = BORROW_SIZE };

WEIR_TEST(until_wait, an_empty_pool_serves_in_the_order_of_arrival) {
  enum { COUNT = 8 };
  weir_pool_t *pool = new_pool(f, 1);
  struct parser p[COUNT];
  size_t i, k;
  uv_buf_t all;

  check_is(weir_pool_acquire(pool, &all), 0);
  for (i = 0; i < COUNT; i++) {
    k = (i * 3 + 1) % COUNT;
    parser_open(f, &p[k], pool, 0, 0);
    parser_read(&p[k]);
    parser_feed(&p[k], k, 10);
    parser_feed_end(&p[k]);
    run_some_turns(f);
  }
  weir_loop_stats_t before = stats_of(f);
  for (i = 0; i < 5; i++)
    run_some_turns(f);
  weir_loop_stats_t after = stats_of(f);
  check_is(after.enters - before.enters, 0);
  check_is(after.callbacks, before.callbacks);
  check_is(weir_pool_release(pool, &all), 0);
  for (i = 0; i < COUNT; i++) {
    k = (i * 3 + 1) % COUNT;
    run_until(f, &p[k].r.calls);
    if (i + 1 < COUNT)
      check_is(p[(k + 3) % COUNT].r.calls, 0);
    parser_line(f, &p[k], k, 10);
  }
  for (i = 0; i < COUNT; i++)
    parser_close(f, &p[i]);
  end_pool(pool);
}

/* Two that are in the midst of a line; somebody else may have the last
 * buffer. */
struct two {
  weir_pool_t *pool;
  uv_buf_t last;
  struct parser a, b;
};

/* Each has a buffer full of its line, and no other is to be had. */
static void two_open(struct weir_fixture *f, struct two *t, size_t others) {
  t->pool = new_pool(f, 2 + others);
  if (others > 0)
    check_is(weir_pool_acquire(t->pool, &t->last), 0);
  parser_open(f, &t->a, t->pool, 0, 0);
  parser_open(f, &t->b, t->pool, 0, 0);
  parser_read(&t->a);
  parser_feed(&t->a, 0, SIZE);
  while (weir_buffer_size(&t->a.chain) < SIZE)
    run_turn(f);
  parser_read(&t->b);
  parser_feed(&t->b, 0, SIZE);
  while (weir_buffer_size(&t->b.chain) < SIZE)
    run_turn(f);
  run_some_turns(f);
}

static void two_close(struct weir_fixture *f, struct two *t) {
  parser_close(f, &t->a);
  parser_close(f, &t->b);
  end_pool(t->pool);
}

/* They go on with what is in their buffers, once another has come back. */
WEIR_TEST(until_wait, who_holds_a_part_waits_for_others) {
  struct two t;

  two_open(f, &t, 1);
  parser_feed(&t.a, SIZE, 10);
  run_some_turns(f);
  parser_feed(&t.b, SIZE, 10);
  run_some_turns(f);
  check_is(t.a.r.calls + t.b.r.calls, 0);
  check_is(weir_pool_destroy(t.pool), UV_EBUSY);
  check_is(weir_pool_release(t.pool, &t.last), 0);
  parser_feed_end(&t.a);
  parser_line(f, &t.a, 0, SIZE + 10);
  parser_feed_end(&t.b);
  parser_line(f, &t.b, 0, SIZE + 10);
  two_close(f, &t);
}

/* Where all buffers are parts of lines that wait, the last who comes is told.
 * Beginning again says so again; when he lets go the other goes on. */
WEIR_TEST(until_wait, nobody_waits_for_ever) {
  struct two t;

  two_open(f, &t, 0);
  parser_feed(&t.a, SIZE, 10);
  run_some_turns(f);
  check_is(t.a.r.calls, 0);
  parser_feed(&t.b, SIZE, 10);
  finish(f, &t.b.r, UV_ENOBUFS, SIZE);
  check_is(weir_buffer_size(&t.b.chain), SIZE);
  parser_read(&t.b);
  finish(f, &t.b.r, UV_ENOBUFS, SIZE);
  check_is(weir_buffer_consume(&t.b.chain, SIZE - 1), SIZE - 1);
  parser_read(&t.b);
  finish(f, &t.b.r, UV_ENOBUFS, 1);
  run_some_turns(f);
  check_is(t.a.r.calls, 0);
  check_is(weir_buffer_consume(&t.b.chain, 1), 1);
  parser_feed_end(&t.a);
  parser_line(f, &t.a, 0, SIZE + 10);
  parser_read(&t.b);
  parser_feed_end(&t.b);
  parser_line(f, &t.b, SIZE, 10);
  two_close(f, &t);
}

/* A buffer that lies in it with two of its parts counts once. */
WEIR_TEST(until_wait, parts_of_a_buffer_are_one) {
  weir_pool_t *pool = new_pool(f, 2);
  weir_lease_t half = {.pool = pool};
  struct parser p;
  uv_buf_t other;

  parser_open(f, &p, pool, 0, 0);
  check_is(weir_pool_acquire(pool, &half.buf), 0);
  check_is(weir_pool_acquire(pool, &other), 0);
  half.buf.len = 1;
  *half.buf.base = 'x';
  check_is(weir_chain_push_lease(&p.chain, &half), 0);
  check_is(weir_chain_push_lease(&p.chain, &half), 0);
  check_is(weir_lease_release(&half), 0);
  parser_read(&p);
  parser_feed(&p, 0, 10);
  parser_feed_end(&p);
  run_some_turns(f);
  check_is(p.r.calls, 0);
  check_is(weir_pool_release(pool, &other), 0);
  finish(f, &p.r, 0, 13);
  check_is(weir_buffer_consume(&p.chain, 1), 1);
  check_is(pool_out(pool), 2);
  check_is(weir_buffer_consume(&p.chain, 1), 1);
  check_is(pool_out(pool), 1);
  parser_close(f, &p);
  end_pool(pool);
}

/* What lies behind a lease in it and is nobody's buffer keeps none. */
WEIR_TEST(until_wait, memory_of_others_is_no_buffer) {
  weir_pool_t *pool = new_pool(f, 2);
  weir_lease_t lease = {.pool = pool};
  struct parser p;
  uv_buf_t first;

  parser_open(f, &p, pool, 0, 0);
  check_is(weir_pool_acquire(pool, &first), 0);
  check_is(weir_pool_acquire(pool, &lease.buf), 0);
  lease.buf.len = 1;
  *lease.buf.base = 'x';
  check_is(weir_chain_push_lease(&p.chain, &lease), 0);
  check_is(weir_lease_release(&lease), 0);
  check_is(weir_chain_adopt(&p.chain, "y", 1, NULL, NULL), 0);
  parser_read(&p);
  parser_feed(&p, 0, 10);
  parser_feed_end(&p);
  run_some_turns(f);
  check_is(p.r.calls, 0);
  check_is(weir_pool_release(pool, &first), 0);
  finish(f, &p.r, 0, 13);
  parser_close(f, &p);
  end_pool(pool);
}

WEIR_TEST(until_wait, a_line_longer_than_the_pool_is_told) {
  weir_pool_t *pool = new_pool(f, 1);
  struct parser p;

  parser_open(f, &p, pool, 0, 0);
  parser_read(&p);
  parser_feed(&p, 0, SIZE + 1);
  finish(f, &p.r, UV_ENOBUFS, SIZE);
  check_is(weir_buffer_consume(&p.chain, SIZE), SIZE);
  parser_feed_end(&p);
  parser_read(&p);
  parser_line(f, &p, SIZE, 1);
  parser_close(f, &p);
  end_pool(pool);
}

/* Of those who wait, one is cancelled, one late, one closed, each with what
 * there is of its line; who keeps nothing any more is no reason to tell
 * others. */
WEIR_TEST(until_wait, who_holds_a_part_can_be_ended) {
  weir_deadline_t deadline = {0};
  struct two t;

  two_open(f, &t, 1);
  parser_feed(&t.a, SIZE, 10);
  parser_feed(&t.b, SIZE, 10);
  run_some_turns(f);
  weir_cancel(&t.a.r.op);
  finish(f, &t.a.r, UV_ECANCELED, SIZE);
  check_is(weir_deadline_op(&deadline, &t.b.r.op, 1), 0);
  finish(f, &t.b.r, UV_ETIMEDOUT, SIZE);
  parser_read(&t.a);
  run_some_turns(f);
  check_is(t.a.r.calls, 0);
  conn_close(f, &t.b.c);
  check_is(weir_buffer_reset(&t.b.chain), 0);
  run_some_turns(f);
  parser_feed_end(&t.a);
  parser_line(f, &t.a, 0, SIZE + 10);
  parser_open(f, &t.b, t.pool, 0, 0);
  parser_read(&t.b);
  parser_feed(&t.b, 0, 2 * SIZE + 10);
  run_some_turns(f);
  parser_close(f, &t.b);
  check_is(t.b.r.status, UV_ECANCELED);
  check_is(weir_pool_release(t.pool, &t.last), 0);
  parser_open(f, &t.b, t.pool, 0, 0);
  two_close(f, &t);
}

/* The second takes what there is and waits for more, for what the program may
 * give back of the first. */
static void two_need_more(struct weir_fixture *f, struct two *t,
                          weir_buffer_t *rest) {
  parser_feed(&t->b, SIZE, SIZE + 10);
  while (weir_buffer_size(&t->b.chain) < 2 * SIZE)
    run_turn(f);
  run_some_turns(f);
  check_is(t->b.r.calls, 0);
  check_is(weir_buffer_reset(rest), 0);
  parser_feed_end(&t->b);
  parser_line(f, &t->b, 0, 2 * SIZE + 10);
}

WEIR_TEST(until_wait, what_was_waited_with_can_come_back) {
  weir_buffer_t front;
  struct two t;

  two_open(f, &t, 1);
  parser_feed(&t.a, SIZE, 10);
  run_some_turns(f);
  check_is(weir_pool_release(t.pool, &t.last), 0);
  parser_feed_end(&t.a);
  parser_expect(f, &t.a, 0, SIZE + 10);
  check_is(weir_chain_init(&front, NULL), 0);
  check_is(weir_chain_split(&t.a.chain, SIZE, &front), 0);
  check_is(weir_buffer_consume(&t.a.chain, 11), 11);
  two_need_more(f, &t, &front);
  two_close(f, &t);
}

WEIR_TEST(until_wait, what_was_cancelled_can_come_back) {
  struct two t;

  two_open(f, &t, 1);
  parser_feed(&t.a, SIZE, 10);
  run_some_turns(f);
  check_is(weir_buffer_consume(&t.a.chain, 1), 0);
  check_is(weir_buffer_reset(&t.a.chain), UV_EBUSY);
  weir_cancel(&t.a.r.op);
  finish(f, &t.a.r, UV_ECANCELED, SIZE);
  check_is(weir_pool_release(t.pool, &t.last), 0);
  two_need_more(f, &t, &t.a.chain);
  two_close(f, &t);
}

/* Of a buffer that was split it keeps its part, and so all of it. */
WEIR_TEST(until_wait, a_part_keeps_all_of_its_buffer) {
  weir_pool_t *pool = new_pool(f, 1);
  weir_buffer_t front;
  struct parser p;

  parser_open(f, &p, pool, 0, 0);
  check_is(weir_chain_init_leases(&front, pool, 0, NULL), 0);
  parser_feed(&p, 0, 20);
  parser_feed_end(&p);
  parser_read(&p);
  parser_expect(f, &p, 0, 20);
  check_is(weir_chain_split(&p.chain, 5, &front), 0);
  check_is(weir_buffer_consume(&p.chain, 16), 16);
  parser_feed(&p, 0, 10);
  p.r.calls = 0;
  check_is(weir_read_to_end(&p.r.op, &p.c.stream, &front, 0, on_done), 0);
  finish(f, &p.r, UV_ENOBUFS, 5);
  check_is(weir_buffer_reset(&front), 0);
  parser_feed_end(&p);
  parser_read(&p);
  parser_line(f, &p, 0, 10);
  parser_close(f, &p);
  end_pool(pool);
}

/* It may be given a buffer and cancelled before it reads. */
WEIR_TEST(until_wait, who_was_given_a_buffer_can_be_cancelled) {
  struct two t;

  two_open(f, &t, 1);
  parser_feed(&t.a, SIZE, 10);
  run_some_turns(f);
  parser_feed(&t.b, SIZE, 10);
  run_some_turns(f);
  check_is(weir_pool_release(t.pool, &t.last), 0);
  weir_cancel(&t.a.r.op);
  finish(f, &t.a.r, UV_ECANCELED, SIZE);
  parser_feed_end(&t.b);
  parser_line(f, &t.b, 0, SIZE + 10);
  two_close(f, &t);
}

/* One that waits for bytes, and one for a buffer, with a part each. */
static void there_and_back(struct weir_fixture *f, int state) {
  struct worker w;
  struct two t;

  two_open(f, &t, 1);
  parser_feed(&t.a, SIZE, 10);
  run_some_turns(f);
  elsewhere(f, &w, state);
  run_some_turns(f);
  check_is(t.a.r.calls + t.b.r.calls, 0);
  check_is(weir_pool_release(t.pool, &t.last), 0);
  parser_feed_end(&t.a);
  parser_line(f, &t.a, 0, SIZE + 10);
  parser_feed_end(&t.b);
  parser_line(f, &t.b, 0, SIZE);
  back(&w, state);
  two_close(f, &t);
}

WEIR_TEST(until_wait, goes_on_in_another_thread) {
  there_and_back(f, ENDED);
}

WEIR_TEST(until_wait, goes_on_beside_another_thread) {
  there_and_back(f, ALIVE);
}

/* ---- A limit ---- */

/* Reads a line of 10 bytes, takes it out and keeps it. */
static weir_lease_t line_kept(struct weir_fixture *f, struct parser *p,
                              weir_pool_t *pool) {
  weir_lease_t kept = {.pool = pool};
  weir_seq_t data;

  parser_read(p);
  parser_feed(p, 0, 10);
  parser_feed_end(p);
  parser_expect(f, p, 0, 10);
  data = weir_buffer_data(&p->chain);
  cr_assert(weir_seq_next(&data, &kept.buf));
  check_is(weir_lease_retain(&kept), 0);
  check_is(weir_buffer_consume(&p->chain, 11), 11);
  return kept;
}

/* Lines that are kept count; what is in the chain would never go back. */
WEIR_TEST(until_wait, a_stream_at_its_limit) {
  weir_pool_t *pool = new_pool(f, 4);
  weir_lease_t kept;
  struct parser p, other;

  parser_open(f, &p, pool, 2, 0);
  parser_open(f, &other, pool, 1, 0);
  kept = line_kept(f, &p, pool);
  parser_read(&p);
  parser_feed(&p, 0, SIZE + 10);
  run_some_turns(f);
  run_some_turns(f);
  check_is(p.r.calls, 0);
  check_is(pool_out(pool), 2);
  parser_read(&other);
  parser_feed(&other, 0, 10);
  parser_feed_end(&other);
  parser_line(f, &other, 0, 10);
  check_is(weir_lease_release(&kept), 0);
  parser_feed_end(&p);
  parser_line(f, &p, 0, SIZE + 10);
  parser_read(&p);
  parser_feed(&p, 0, 2 * SIZE + 10);
  finish(f, &p.r, UV_ENOBUFS, 2 * SIZE);
  parser_close(f, &p);
  parser_close(f, &other);
  end_pool(pool);
}

WEIR_TEST(until_wait, at_a_limit_parts_of_a_buffer_are_one) {
  weir_pool_t *pool = new_pool(f, 4);
  weir_lease_t one, other;
  struct parser p;

  parser_open(f, &p, pool, 2, 0);
  one = line_kept(f, &p, pool);
  other = line_kept(f, &p, pool);
  one.buf.len = 1;
  check_is(weir_chain_push_lease(&p.chain, &one), 0);
  check_is(weir_chain_push_lease(&p.chain, &one), 0);
  check_is(weir_lease_release(&one), 0);
  parser_read(&p);
  parser_feed(&p, 0, 10);
  parser_feed_end(&p);
  run_some_turns(f);
  check_is(p.r.calls, 0);
  check_is(weir_lease_release(&other), 0);
  finish(f, &p.r, 0, 13);
  parser_close(f, &p);
  end_pool(pool);
}

WEIR_TEST(until_wait, who_waits_at_a_limit_can_be_ended) {
  weir_pool_t *pool = new_pool(f, 4);
  weir_lease_t kept;
  struct parser p;

  parser_open(f, &p, pool, 1, 0);
  kept = line_kept(f, &p, pool);
  parser_read(&p);
  parser_feed(&p, 0, 10);
  run_some_turns(f);
  check_is(p.r.calls, 0);
  weir_cancel(&p.r.op);
  finish(f, &p.r, UV_ECANCELED, 0);
  parser_read(&p);
  run_some_turns(f);
  conn_close(f, &p.c);
  check_is(p.r.status, UV_ECANCELED);
  check_is(weir_lease_release(&kept), 0);
  end_pool(pool);
}
