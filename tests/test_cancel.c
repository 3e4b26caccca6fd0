/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/net.h"
#include "support/scripted.h"

static void read_block(struct conn *c, struct request *r, void *base,
                       size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(base, len), on_done),
      0);
}

static void write_block(struct conn *c, struct request *r, const void *base,
                        size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(weir_write(&r->op, &c->stream, weir_seq_block(base, len), on_done),
           0);
}

WEIR_TEST(cancel, a_waiting_read_and_read_on) {
  struct request r;
  struct conn c;
  char bytes[16];
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 5; i++) {
    read_block(&c, &r, bytes, 16);
    if (i % 2)
      run_some_turns(f);
    weir_cancel(&r.op);
    check_is(r.calls, 0);
    finish(f, &r, UV_ECANCELED, 0);
  }
  peer_send(&c, 0, 10);
  read_block(&c, &r, bytes, 16);
  finish(f, &r, 0, 10);
  cr_assert(pattern_holds(bytes, 0, 10));
  conn_close(f, &c);
}

WEIR_TEST(cancel, twice_is_cancelled_once) {
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  read_block(&c, &r, bytes, 16);
  run_some_turns(f);
  weir_cancel(&r.op);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  run_out(f);
  check_is(r.calls, 1);
  conn_close(f, &c);
}

WEIR_TEST(cancel, racing_a_read_loses_no_byte) {
  enum { ROUNDS = 300 };
  struct request r;
  struct conn c;
  char bytes[16];
  size_t got = 0, sent = 0;
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < ROUNDS; i++) {
    read_block(&c, &r, bytes, 16);
    if (i % 3 != 0)
      run_turn(f);
    peer_send(&c, sent, 7);
    sent += 7;
    if (i % 5 == 0 && r.calls == 0)
      run_turn(f);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    check_is(r.calls, 1);
    if (r.status == 0)
      cr_assert(r.n >= 1 && pattern_holds(bytes, got, r.n));
    else
      cr_assert(r.status == UV_ECANCELED && r.n == 0);
    got += r.n;
  }
  while (got < sent) {
    read_block(&c, &r, bytes, 16);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    cr_assert(pattern_holds(bytes, got, r.n));
    got += r.n;
  }
  conn_close(f, &c);
}

static void take_all(struct weir_fixture *f, struct conn *c, size_t expected) {
  struct drain drain;

  drain_start(&drain, c->peer);
  close_stream(f, c);
  drain_join(&drain);
  check_is(drain.received, expected);
  close_peer(c);
}

WEIR_TEST(cancel, a_write_in_flight_counts_what_the_peer_gets) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r;
  struct conn c;
  int turns;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  for (turns = 0; turns < 8; turns++) {
    int i;

    conn_slow(f, &c);
    write_block(&c, &r, bytes, SLOW_BYTES);
    for (i = 0; i < turns; i++)
      run_turn(f);
    check_is(r.calls, 0);
    weir_cancel(&r.op);
    check_is(r.calls, 0);
    run_until(f, &r.calls);
    check_is(r.status, UV_ECANCELED);
    cr_assert(r.n < SLOW_BYTES);
    check_is(weir_stream_queued(&c.stream), 0);
    take_all(f, &c, r.n);
  }
  free(bytes);
}

WEIR_TEST(cancel, racing_a_draining_peer_counts_what_it_gets) {
  enum { ROUNDS = 30, LEN = 200000 };
  char *bytes = malloc(LEN);
  int i;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, LEN);
  for (i = 0; i < ROUNDS; i++) {
    struct drain drain;
    struct request r;
    struct conn c;
    int k;

    conn_slow(f, &c);
    drain_start(&drain, c.peer);
    write_block(&c, &r, bytes, LEN);
    for (k = 0; k < i && r.calls == 0; k++)
      run_turn(f);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    cr_assert((r.status == 0 && r.n == LEN) ||
              (r.status == UV_ECANCELED && r.n < LEN));
    close_stream(f, &c);
    drain_join(&drain);
    check_is(drain.received, r.n);
    close_peer(&c);
  }
  free(bytes);
}

WEIR_TEST(cancel, a_write_and_those_behind_it_go_on) {
  char *bytes = malloc(SLOW_BYTES);
  struct request a, b, d;
  struct drain drain;
  struct conn c;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &a, bytes, SLOW_BYTES);
  run_some_turns(f);
  write_block(&c, &b, "never", 5);
  weir_cancel(&a.op);
  weir_cancel(&b.op);
  finish(f, &b, UV_ECANCELED, 0);
  run_until(f, &a.calls);
  check_is(a.status, UV_ECANCELED);

  /* The hole is filled with what belongs there, so that the peer can tell. */
  write_block(&c, &d, bytes + a.n, SLOW_BYTES - a.n);
  drain_start(&drain, c.peer);
  finish(f, &d, 0, SLOW_BYTES - a.n);
  close_stream(f, &c);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(cancel, a_queued_write_leaves_the_others_alone) {
  struct request a, b, d;
  struct conn c;

  conn_tcp(f, &c);
  write_block(&c, &a, "ab", 2);
  write_block(&c, &b, "XX", 2);
  write_block(&c, &d, "cd", 2);
  weir_cancel(&b.op);
  check_is(b.calls, 0);
  check_is(weir_stream_queued(&c.stream), 4);
  finish(f, &b, UV_ECANCELED, 0);
  finish(f, &a, 0, 2);
  finish(f, &d, 0, 2);
  {
    char got[4];

    check_is(recv(c.peer, got, 4, MSG_WAITALL), 4);
    cr_assert(memcmp(got, "abcd", 4) == 0);
  }
  conn_close(f, &c);
}

WEIR_TEST(cancel, a_queued_eof_leaves_the_stream_open) {
  struct request a = {0}, b;
  struct conn c;
  char bytes[2];

  conn_tcp(f, &c);
  check_is(weir_write_eof(&a.op, &c.stream, weir_seq_block("XX", 2), on_done),
           0);
  weir_cancel(&a.op);
  finish(f, &a, UV_ECANCELED, 0);
  pattern_fill(bytes, 0, 2);
  write_block(&c, &b, bytes, 2);
  finish(f, &b, 0, 2);
  peer_take(&c, 0, 2);
  conn_close(f, &c);
}

/* A callback that cancels its neighbour. */
struct canceller {
  struct request request;
  struct request *other;
};

static void cancel_other(weir_op_t *op, int status, size_t n) {
  struct canceller *c = (struct canceller *)op;

  on_done(op, status, n);
  weir_cancel(&c->other->op);
}

WEIR_TEST(cancel, from_a_callback) {
  struct canceller w;
  struct request r;
  struct conn c;
  char bytes[8];

  conn_tcp(f, &c);
  memset(&w, 0, sizeof(w));
  w.other = &r;
  read_block(&c, &r, bytes, 8);
  check_is(weir_write(&w.request.op, &c.stream, weir_seq_block("x", 1),
                      cancel_other),
           0);
  finish(f, &w.request, 0, 1);
  finish(f, &r, UV_ECANCELED, 0);
  conn_close(f, &c);
}

/* A callback that starts its own operation again and cancels that. */
static int again_left;

static void again_and_cancel(weir_op_t *op, int status, size_t n) {
  struct canceller *c = (struct canceller *)op;
  struct conn *conn = (struct conn *)(void *)c->other;
  static char byte;

  on_done(op, status, n);
  if (again_left-- == 0)
    return;
  check_is(weir_read_some(op, &conn->stream, weir_mseq_block(&byte, 1),
                          again_and_cancel),
           0);
  weir_cancel(op);
}

WEIR_TEST(cancel, an_op_that_its_callback_started_again) {
  struct canceller r;
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  memset(&r, 0, sizeof(r));
  r.other = (struct request *)(void *)&c;
  again_left = 20;
  check_is(weir_read_some(&r.request.op, &c.stream, weir_mseq_block(&byte, 1),
                          again_and_cancel),
           0);
  run_turn(f);
  weir_cancel(&r.request.op);
  run_out(f);
  check_is(r.request.calls, 21);
  check_is(r.request.status, UV_ECANCELED);
  conn_close(f, &c);
}

/* The write that it was for is done; the window behind it was handed over from
 * within weir_write, before the loop looked at anything. */
WEIR_TEST(cancel, too_late_does_not_hit_what_was_written_next) {
  const weir_test_options_t waiting = {
      .no_now = 1, .write = {.rest = {.turns = WEIR_TEST_NEVER}}};
  struct scripted s;
  struct request first = {0}, next[WEIR_WINDOW];
  int i;

  memset(next, 0, sizeof(next));
  scripted_open(f, &s, &waiting);
  check_is(weir_write(&first.op, &s.stream, weir_seq_block("x", 1), on_done),
           0);
  run_turn(f);
  weir_cancel(&first.op);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 1);
  for (i = 0; i < WEIR_WINDOW; i++)
    check_is(
        weir_write(&next[i].op, &s.stream, weir_seq_block("y", 1), on_done), 0);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 2);
  run_some_turns(f);
  check_is(weir_test_count(s.script, WEIR_TEST_CANCEL_WRITE), 0);
  finish(f, &first, 0, 1);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, WEIR_WINDOW);
  for (i = 0; i < WEIR_WINDOW; i++)
    finish(f, &next[i], 0, 1);
  scripted_close(f, &s);
}
