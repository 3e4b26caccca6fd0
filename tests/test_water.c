/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/loop.h"
#include "support/inert.h"
#include "support/net.h"

/* A stream whose kind takes what it is told to take, and says when. */
struct tank {
  weir_stream_t stream;
  int closed;
};

static int give_up(weir_stream_t *stream) {
  weir_stream_write_done(stream, UV_ECANCELED, 0);
  return 0;
}

static void tank_open(struct weir_fixture *f, struct tank *t) {
  static weir_stream_kind_t kind;

  kind = inert_kind;
  kind.cancel_write = give_up;
  memset(t, 0, sizeof(*t));
  check_is(weir_stream_init(f->loop, &t->stream, &kind, NULL), 0);
}

static void on_tank_closed(weir_stream_t *stream) {
  ((struct tank *)stream)->closed++;
}

static void tank_close(struct weir_fixture *f, struct tank *t) {
  check_is(weir_close(&t->stream, on_tank_closed), 0);
  run_until(f, &t->closed);
}

/* So many bytes of what is queued go. */
static void drain(struct weir_fixture *f, struct tank *t, size_t n) {
  run_some_turns(f);
  weir_stream_write_done(&t->stream, 0, n);
}

static char bytes[4096];

static void fill(struct tank *t, struct request *r, size_t n) {
  memset(r, 0, sizeof(*r));
  check_is(weir_write(&r->op, &t->stream, weir_seq_block(bytes, n), on_done),
           0);
}

/* What was told: how often, and what last. */
struct mark {
  weir_water_t water;
  int calls;
  int high;
  int inside; /* set while a call of the test is under way */
};

static void on_water(weir_water_t *water, weir_stream_t *stream, int high) {
  struct mark *m = (struct mark *)water;

  (void)stream;
  cr_assert(!m->inside);
  cr_assert(m->high != high);
  m->high = high;
  m->calls++;
}

static void mark_at(struct mark *m, struct tank *t, size_t high, size_t low) {
  memset(m, 0x5a, sizeof(*m));
  m->calls = m->high = m->inside = 0;
  check_is(weir_stream_water(&t->stream, &m->water, high, low, on_water), 0);
}

WEIR_TEST(water, takes_turns_at_two_marks) {
  struct request r[6];
  struct mark m;
  struct tank t;

  tank_open(f, &t);
  mark_at(&m, &t, 300, 100);
  fill(&t, &r[0], 200);
  run_some_turns(f);
  check_is(m.calls, 0);
  m.inside = 1;
  fill(&t, &r[1], 100);
  m.inside = 0;
  run_some_turns(f);
  check_is(m.calls, 1);
  check_is(m.high, 1);
  /* Up and down between the marks tells nothing. */
  fill(&t, &r[2], 100);
  drain(f, &t, 200);
  run_some_turns(f);
  fill(&t, &r[3], 100);
  run_some_turns(f);
  check_is(m.calls, 1);
  m.inside = 1;
  drain(f, &t, 200);
  check_is(weir_stream_queued(&t.stream), 100);
  m.inside = 0;
  run_some_turns(f);
  check_is(m.calls, 2);
  check_is(m.high, 0);
  fill(&t, &r[4], 199);
  run_some_turns(f);
  check_is(m.calls, 2);
  fill(&t, &r[5], 1);
  run_some_turns(f);
  check_is(m.calls, 3);
  tank_close(f, &t);
  check_is(m.calls, 3);
}

/* What goes of one write counts, too. */
WEIR_TEST(water, goes_down_within_a_write) {
  struct request r;
  struct mark m;
  struct tank t;

  tank_open(f, &t);
  mark_at(&m, &t, 1000, 100);
  fill(&t, &r, 1000);
  run_some_turns(f);
  check_is(m.high, 1);
  drain(f, &t, 899);
  run_some_turns(f);
  check_is(m.high, 1);
  drain(f, &t, 1);
  run_some_turns(f);
  check_is(m.high, 0);
  check_is(r.calls, 0);
  tank_close(f, &t);
}

/* Who has seen it by himself and waits for its end must not wait for ever. */
WEIR_TEST(water, a_wave_is_told_when_it_is_over) {
  struct request r;
  struct mark m;
  struct tank t;

  tank_open(f, &t);
  mark_at(&m, &t, 300, 100);
  m.high = 1;
  fill(&t, &r, 1000);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  run_some_turns(f);
  check_is(m.calls, 1);
  check_is(m.high, 0);
  fill(&t, &r, 1000);
  run_some_turns(f);
  check_is(m.calls, 2);
  check_is(m.high, 1);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  run_some_turns(f);
  check_is(m.calls, 3);
  tank_close(f, &t);
}

WEIR_TEST(water, tells_what_is_there_already) {
  struct mark low, high;
  struct request r;
  struct tank t;

  tank_open(f, &t);
  fill(&t, &r, 300);
  mark_at(&low, &t, 300, 0);
  mark_at(&high, &t, 301, 300);
  run_some_turns(f);
  check_is(low.calls, 1);
  check_is(high.calls, 0);
  /* Other marks of the same water. */
  check_is(weir_stream_water(&t.stream, &low.water, 1000, 400, on_water), 0);
  run_some_turns(f);
  check_is(low.calls, 2);
  check_is(low.high, 0);
  check_is(weir_stream_water(&t.stream, &high.water, 10, 0, on_water), 0);
  check_is(weir_stream_water(&t.stream, &high.water, 0, 0, NULL), 0);
  check_is(weir_stream_water(&t.stream, &high.water, 0, 0, NULL), 0);
  run_some_turns(f);
  check_is(high.calls, 0);
  tank_close(f, &t);
}

WEIR_TEST(water, refuses_what_makes_no_sense) {
  weir_water_t water;
  struct tank t;

  tank_open(f, &t);
  check_is(weir_stream_water(NULL, &water, 2, 1, on_water), UV_EINVAL);
  check_is(weir_stream_water(&t.stream, NULL, 2, 1, on_water), UV_EINVAL);
  check_is(weir_stream_water(&t.stream, &water, 2, 2, on_water), UV_EINVAL);
  check_is(weir_stream_water(&t.stream, &water, 0, 0, on_water), UV_EINVAL);
  check_is(weir_close(&t.stream, on_tank_closed), 0);
  check_is(weir_stream_water(&t.stream, &water, 2, 1, on_water), UV_EBADF);
  run_until(f, &t.closed);
}

static void write_none(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)status;
  (void)n;
}

/* What is due to be told holds the loop open, and goes with a close. */
WEIR_TEST(water, is_told_before_the_loop_ends) {
  struct mark m, gone;
  struct request r;
  struct tank t;

  tank_open(f, &t);
  mark_at(&m, &t, 10, 5);
  fill(&t, &r, 20);
  r.op.cb = write_none;
  drain(f, &t, 20);
  check_is(m.high, 1);
  run_out(f);
  check_is(m.calls, 2);
  fill(&t, &r, 20);
  mark_at(&gone, &t, 10, 5);
  tank_close(f, &t);
  check_is(m.calls, 2);
  check_is(gone.calls, 0);
  run_out(f);
}

/* In the callback of the water: taken off, its memory gone, the stream
 * closed. */
static void on_last(weir_water_t *water, weir_stream_t *stream, int high) {
  check_is(high, 1);
  if (water->data != NULL)
    check_is(weir_close(stream, on_tank_closed), 0);
  else
    check_is(weir_stream_water(stream, water, 0, 0, NULL), 0);
  memset(water, 0xa5, sizeof(*water));
  free(water);
}

WEIR_TEST(water, may_go_in_its_callback) {
  weir_water_t *water = malloc(sizeof(*water));
  struct request r;
  struct tank t;

  cr_assert(water != NULL);
  tank_open(f, &t);
  fill(&t, &r, 20);
  water->data = NULL;
  check_is(weir_stream_water(&t.stream, water, 10, 5, on_last), 0);
  run_some_turns(f);
  water = malloc(sizeof(*water));
  cr_assert(water != NULL);
  water->data = &t;
  check_is(weir_stream_water(&t.stream, water, 10, 5, on_last), 0);
  run_until(f, &t.closed);
  check_is(r.status, UV_ECANCELED);
}

/* So many callbacks in a turn, and no more. */
WEIR_TEST(water, thousands_keep_the_bound_of_a_turn) {
  enum { MANY = 5000 };
  struct mark *m = calloc(MANY, sizeof(*m));
  weir_loop_stats_t before;
  struct request r;
  struct tank t;
  int i, told;

  cr_assert(m != NULL);
  tank_open(f, &t);
  run_some_turns(f);
  fill(&t, &r, 1000);
  for (i = 0; i < MANY; i++)
    mark_at(&m[i], &t, 1000, 0);
  do {
    before = stats_of(f);
    uv_run(&f->uv, UV_RUN_NOWAIT);
    cr_assert(stats_of(f).callbacks - before.callbacks <= WEIR__LOOP_CALLBACKS);
    for (told = 0, i = 0; i < MANY; i++)
      told += m[i].calls;
  } while (told < MANY);
  tank_close(f, &t);
  free(m);
}

/* The program: a producer that stops and goes on. */
struct producer {
  struct mark mark;
  struct conn c;
  size_t sent;
  int stopped;
};

enum { PIECE = 2048, TOTAL = 1 << 20, HIGH = 65536, LOW = 16384 };

static void produce(struct producer *p);

static void on_piece(weir_op_t *op, int status, size_t n) {
  (void)op;
  check_is(status, 0);
  check_is(n, PIECE);
  free(op);
}

static void on_level(weir_water_t *water, weir_stream_t *stream, int high) {
  struct producer *p = (struct producer *)water;

  (void)stream;
  p->stopped = high;
  if (!high)
    produce(p);
}

static char all[TOTAL];

static void produce(struct producer *p) {
  while (p->sent < TOTAL && weir_stream_queued(&p->c.stream) < HIGH) {
    weir_op_t *op = malloc(sizeof(*op));
    cr_assert(op != NULL);
    check_is(weir_write(op, &p->c.stream, weir_seq_block(all + p->sent, PIECE),
                        on_piece),
             0);
    p->sent += PIECE;
  }
}

WEIR_TEST(water, holds_a_producer_back) {
  struct producer p;
  size_t taken = 0;

  memset(&p, 0, sizeof(p));
  pattern_fill(all, 0, TOTAL);
  conn_slow(f, &p.c);
  check_is(weir_stream_water(&p.c.stream, &p.mark.water, HIGH, LOW, on_level),
           0);
  produce(&p);
  run_some_turns(f);
  check_is(p.stopped, 1);
  while (taken < TOTAL) {
    peer_take(&p.c, taken, PIECE);
    taken += PIECE;
    run_turn(f);
    cr_assert(weir_stream_queued(&p.c.stream) <= HIGH);
  }
  check_is(p.sent, TOTAL);
  check_is(p.stopped, 0);
  conn_close(f, &p.c);
}
