/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/loop.h"
#include "support/child.h"
#include "support/inert.h"
#include "support/net.h"

/* Late is what a test says: the time of the loop goes on when the machine's
 * does, so nothing here asserts a time. NEVER is later than any test. */
enum { SOON = 5, NEVER = 3600 * 1000 };

static void read_all(struct conn *c, struct request *r, void *base,
                     size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(weir_read(&r->op, &c->stream, weir_mseq_block(base, len), weir_all(),
                     on_done),
           0);
}

static void read_once(struct conn *c, struct request *r, void *base,
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

static void late_op(struct request *r, weir_deadline_t *d) {
  check_is(weir_deadline_op(d, &r->op, SOON), 0);
  check_is(weir_deadline_is_set(d), 1);
}

/* Lets at least so many milliseconds of the loop's go by. */
static void pass(struct weir_fixture *f, uint64_t ms) {
  uint64_t begin = uv_now(&f->uv);

  while (uv_now(&f->uv) - begin < ms)
    run_turn(f);
}

/* ---- Of an operation ---- */

WEIR_TEST(deadline, ends_a_read_with_what_came) {
  weir_deadline_t d = {0};
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  peer_send(&c, 0, 7);
  read_all(&c, &r, bytes, 16);
  while (r.op.done < 7)
    run_turn(f);
  late_op(&r, &d);
  finish(f, &r, UV_ETIMEDOUT, 7);
  check_is(weir_deadline_is_set(&d), 0);
  peer_send(&c, 7, 16);
  read_all(&c, &r, bytes, 16);
  check_is(weir_deadline_op(&d, &r.op, NEVER), 0);
  finish(f, &r, 0, 16);
  check_is(weir_deadline_is_set(&d), 0);
  cr_assert(pattern_holds(bytes, 7, 16));
  conn_close(f, &c);
}

WEIR_TEST(deadline, ends_a_write_that_stays_exact) {
  char *bytes = malloc(SLOW_BYTES);
  weir_deadline_t d = {0};
  struct request r, next;
  struct drain drain;
  struct conn c;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &r, bytes, SLOW_BYTES);
  late_op(&r, &d);
  run_until(f, &r.calls);
  check_is(r.status, UV_ETIMEDOUT);
  cr_assert(r.n < SLOW_BYTES);
  write_block(&c, &next, bytes + r.n, SLOW_BYTES - r.n);
  drain_start(&drain, c.peer);
  finish(f, &next, 0, SLOW_BYTES - r.n);
  close_stream(f, &c);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  check_is(drain.good, 1);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(deadline, ends_an_accept_and_not_the_next) {
  weir_stream_t listener, client, second;
  struct request r = {0}, next = {0};
  struct sockaddr_in addr;
  weir_deadline_t d = {0};

  check_is(weir_tcp_init(f->loop, &listener), 0);
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_bind(&listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&listener, 8), 0);
  check_is(weir_accept(&r.op, &listener, &client, on_done), 0);
  check_is(weir_accept(&next.op, &listener, &second, on_done), 0);
  late_op(&r, &d);
  finish(f, &r, UV_ETIMEDOUT, 0);
  run_some_turns(f);
  check_is(next.calls, 0);
  check_is(weir_close(&listener, NULL), 0);
  finish(f, &next, UV_ECANCELED, 0);
  run_out(f);
}

WEIR_TEST(deadline, ends_a_file_operation_that_waits) {
  static weir_deadline_t d;
  struct request r = {0};
  char byte;
  int ends[2];

  memset(&d, 0, sizeof(d));
  check_is(pipe(ends), 0);
  check_is(weir_file_pread(f->loop, &r.op, ends[0], weir_mseq_block(&byte, 1),
                           -1, on_done),
           0);
  late_op(&r, &d);
  finish(f, &r, UV_ETIMEDOUT, 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_pread(f->loop, &r.op, ends[0], weir_mseq_block(&byte, 1),
                           -1, on_done),
           0);
  check_is(weir_deadline_op(&d, &r.op, NEVER), 0);
  check_is(write(ends[1], "x", 1), 1);
  finish(f, &r, 0, 1);
  close(ends[0]);
  close(ends[1]);
}

/* A deadline that stands between the operation and its request is gone when
 * that is looked for. */
WEIR_TEST(deadline, may_be_cancelled_before) {
  weir_deadline_t d = {0}, of_file = {0};
  struct request r, file = {0};
  struct conn c;
  char bytes[16];
  int ends[2];

  check_is(pipe(ends), 0);
  conn_tcp(f, &c);
  read_all(&c, &r, bytes, 16);
  check_is(weir_file_pread(f->loop, &file.op, ends[0],
                           weir_mseq_block(bytes, 1), -1, on_done),
           0);
  late_op(&r, &d);
  check_is(weir_deadline_op(&of_file, &file.op, NEVER), 0);
  run_some_turns(f);
  weir_cancel(&file.op);
  if (r.calls == 0) {
    weir_cancel(&r.op);
    run_until(f, &r.calls);
    cr_assert(r.status == UV_ECANCELED || r.status == UV_ETIMEDOUT);
  }
  run_until(f, &file.calls);
  check_is(file.status, UV_ECANCELED);
  run_out(f);
  check_is(r.calls, 1);
  conn_close(f, &c);
  close(ends[0]);
  close(ends[1]);
}

/* The kind takes its time to give the memory back. */
WEIR_TEST(deadline, the_first_reason_is_said) {
  weir_deadline_t d = {0};
  struct request r;
  weir_stream_t stream;
  char bytes[16];
  int i;

  check_is(weir_stream_init(f->loop, &stream, &inert_kind, NULL), 0);
  for (i = 0; i < 2; i++) {
    memset(&r, 0, sizeof(r));
    check_is(
        weir_read_some(&r.op, &stream, weir_mseq_block(bytes, 16), on_done), 0);
    check_is(weir_deadline_op(&d, &r.op, i == 0 ? 0 : NEVER), 0);
    run_some_turns(f);
    weir_cancel(&r.op);
    check_is(weir_deadline_again(&d, 0), 0);
    run_some_turns(f);
    check_is(r.calls, 0);
    weir_stream_read_done(&stream, UV_ECANCELED, 0);
    finish(f, &r, i == 0 ? UV_ETIMEDOUT : UV_ECANCELED, 0);
  }
  check_is(weir_close(&stream, NULL), 0);
  run_out(f);
}

WEIR_TEST(deadline, stopped_or_put_off_is_never_late) {
  weir_deadline_t d = {0};
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  check_is(weir_deadline_again(&d, 1), UV_EINVAL);
  read_all(&c, &r, bytes, 16);
  late_op(&r, &d);
  check_is(weir_deadline_again(&d, NEVER), 0);
  pass(f, 3 * SOON);
  check_is(r.calls, 0);
  late_op(&r, &d);
  weir_deadline_stop(&d);
  weir_deadline_stop(&d);
  check_is(weir_deadline_is_set(&d), 0);
  pass(f, 3 * SOON);
  check_is(r.calls, 0);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  conn_close(f, &c);
}

WEIR_TEST(deadline, an_operation_has_one) {
  weir_deadline_t d = {0}, other = {0};
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  read_all(&c, &r, bytes, 16);
  check_is(weir_deadline_op(NULL, &r.op, 1), UV_EINVAL);
  check_is(weir_deadline_op(&d, NULL, 1), UV_EINVAL);
  check_is(weir_deadline_read(NULL, &c.stream, 1), UV_EINVAL);
  check_is(weir_deadline_read(&d, NULL, 1), UV_EINVAL);
  check_is(weir_deadline_write(NULL, &c.stream, 1), UV_EINVAL);
  check_is(weir_deadline_write(&d, NULL, 1), UV_EINVAL);
  check_is(weir_deadline_op(&d, &r.op, NEVER), 0);
  check_is(weir_deadline_op(&other, &r.op, 1), UV_EALREADY);
  check_is(weir_deadline_is_set(&other), 0);
  check_is(weir_deadline_op(&d, &r.op, NEVER), 0);
  weir_deadline_stop(&d);
  check_is(weir_deadline_op(&other, &r.op, SOON), 0);
  finish(f, &r, UV_ETIMEDOUT, 0);
  check_is(weir_deadline_op(&d, &r.op, 1), UV_EINVAL);
  memset(&r, 0, sizeof(r));
  check_is(weir_deadline_op(&d, &r.op, 1), UV_EINVAL);
  check_is(weir_deadline_is_set(&d), 0);
  conn_close(f, &c);
}

/* An operation in memory of its own, with its deadline, freed when it ends. */
struct fleeting {
  weir_op_t op;
  weir_deadline_t deadline;
  int *left;
};

static void on_fleeting(weir_op_t *op, int status, size_t n) {
  struct fleeting *l = (struct fleeting *)op;

  (void)n;
  cr_assert(status == UV_ETIMEDOUT || status == UV_ECANCELED || status == 0);
  check_is(weir_deadline_is_set(&l->deadline), 0);
  --*l->left;
  memset(l, 0xa5, sizeof(*l));
  free(l);
}

static struct fleeting *fleeting_write(weir_stream_t *stream, uint64_t ms,
                                       int *left) {
  struct fleeting *l = calloc(1, sizeof(*l));

  cr_assert(l != NULL);
  l->left = left;
  ++*left;
  check_is(
      weir_write(&l->op, stream, weir_seq_block("0123456789", 10), on_fleeting),
      0);
  check_is(weir_deadline_op(&l->deadline, &l->op, ms), 0);
  return l;
}

/* Some are late, some are done, some are cancelled. */
WEIR_TEST(deadline, may_be_freed_with_its_operation) {
  struct conn c;
  int left = 0, i;

  conn_unix(f, &c);
  for (i = 0; i < 300; i++) {
    struct fleeting *l =
        fleeting_write(&c.stream, i % 3 == 0 ? 0 : SOON, &left);
    if (i % 3 == 1)
      weir_cancel(&l->op);
    if (i % 7 == 0)
      run_turn(f);
  }
  while (left > 0)
    run_turn(f);
  conn_close(f, &c);
}

WEIR_TEST(deadline, racing_the_end_is_one_callback_and_no_byte_lost) {
  enum { ROUNDS = 200 };
  weir_deadline_t d = {0};
  size_t got = 0, sent = 0;
  struct request r;
  struct conn c;
  char bytes[16];
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < ROUNDS; i++) {
    read_once(&c, &r, bytes, 16);
    check_is(weir_deadline_op(&d, &r.op, (uint64_t)(i % 2)), 0);
    if (i % 3 != 0)
      run_turn(f);
    peer_send(&c, sent, 7);
    sent += 7;
    run_until(f, &r.calls);
    check_is(r.calls, 1);
    if (r.status == 0)
      cr_assert(r.n >= 1 && pattern_holds(bytes, got, r.n));
    else
      cr_assert(r.status == UV_ETIMEDOUT && r.n == 0);
    got += r.n;
  }
  while (got < sent) {
    read_once(&c, &r, bytes, 16);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    cr_assert(pattern_holds(bytes, got, r.n));
    got += r.n;
  }
  conn_close(f, &c);
}

WEIR_TEST(deadline, goes_with_a_close) {
  weir_deadline_t d = {0}, of_stream = {0};
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  read_all(&c, &r, bytes, 16);
  check_is(weir_deadline_op(&d, &r.op, NEVER), 0);
  check_is(weir_deadline_read(&of_stream, &c.stream, NEVER), 0);
  close_stream(f, &c);
  check_is(r.status, UV_ECANCELED);
  check_is(weir_deadline_is_set(&d), 0);
  check_is(weir_deadline_is_set(&of_stream), 0);
  check_is(weir_deadline_read(&of_stream, &c.stream, NEVER), UV_EBADF);
  close_peer(&c);
}

/* ---- Of a stream ---- */

WEIR_TEST(deadline, a_stream_is_late_only_when_read) {
  weir_deadline_t d = {0};
  struct request r;
  struct conn c;
  char bytes[16];
  int i;

  conn_tcp(f, &c);
  check_is(weir_deadline_read(&d, &c.stream, SOON), 0);
  pass(f, 3 * SOON);
  for (i = 0; i < 3; i++) {
    read_all(&c, &r, bytes, 16);
    finish(f, &r, UV_ETIMEDOUT, 0);
    check_is(weir_deadline_is_set(&d), 1);
    pass(f, 2 * SOON);
  }
  weir_deadline_stop(&d);
  read_all(&c, &r, bytes, 16);
  pass(f, 3 * SOON);
  check_is(r.calls, 0);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  conn_close(f, &c);
}

/* As if its time were over and it was looked at now. */
static void ring_late(weir_deadline_t *d) {
  d->own.still.since -= NEVER;
  d->alarm.ring(&d->alarm);
}

WEIR_TEST(deadline, progress_puts_it_off) {
  char *bytes = malloc(SLOW_BYTES);
  weir_deadline_t in = {0}, out = {0};
  struct request r, w;
  struct conn c;
  char in_bytes[16];
  size_t taken = 0, i, n;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  check_is(weir_deadline_read(&in, &c.stream, NEVER), 0);
  check_is(weir_deadline_write(&out, &c.stream, NEVER), 0);
  read_all(&c, &r, in_bytes, 16);
  write_block(&c, &w, bytes, SLOW_BYTES);
  run_some_turns(f);
  for (i = 0; i < 10; i++) {
    in.own.still.since -= NEVER;
    out.own.still.since -= NEVER;
    n = weir_stream_queued(&c.stream);
    peer_send(&c, 0, 1);
    while (r.op.done < i + 1 || weir_stream_queued(&c.stream) == n) {
      cr_assert(take_pattern(c.peer, &taken));
      run_turn(f);
    }
    in.alarm.ring(&in.alarm);
    out.alarm.ring(&out.alarm);
    run_some_turns(f);
    check_is(r.calls + w.calls, 0);
  }
  ring_late(&in);
  finish(f, &r, UV_ETIMEDOUT, 10);
  check_is(w.calls, 0);
  check_is(weir_read_now(&c.stream, weir_mseq_block(in_bytes, 1), &n),
           UV_EAGAIN);
  ring_late(&out);
  run_until(f, &w.calls);
  check_is(w.status, UV_ETIMEDOUT);
  conn_close(f, &c);
  free(bytes);
}

WEIR_TEST(deadline, a_write_that_stands_still_fails_them_all) {
  char *bytes = malloc(SLOW_BYTES);
  struct request first, second, later;
  weir_deadline_t d = {0};
  struct conn c;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  check_is(weir_deadline_write(&d, &c.stream, 4 * SOON), 0);
  pass(f, 8 * SOON);
  write_block(&c, &first, bytes, SLOW_BYTES);
  write_block(&c, &second, bytes, 100);
  run_until(f, &first.calls);
  check_is(first.status, UV_ETIMEDOUT);
  finish(f, &second, UV_ETIMEDOUT, 0);
  check_is(weir_stream_queued(&c.stream), 0);
  /* There is room again. */
  peer_take(&c, 0, first.n);
  write_block(&c, &later, bytes, 100);
  finish(f, &later, UV_ETIMEDOUT, 0);
  peer_send(&c, 0, 5);
  read_all(&c, &later, bytes, 5);
  finish(f, &later, 0, 5);
  close_stream(f, &c);
  peer_expect_end(&c);
  close_peer(&c);
  free(bytes);
}

/* What it counts from is the last thing that began or moved. */
WEIR_TEST(deadline, a_read_has_all_of_it) {
  enum { EACH = 60 };
  weir_deadline_t d = {0};
  struct request r;
  struct conn c;
  uint64_t began;
  char byte;

  conn_tcp(f, &c);
  check_is(weir_deadline_read(&d, &c.stream, EACH), 0);
  pass(f, EACH / 2);
  began = uv_now(&f->uv);
  read_once(&c, &r, &byte, 1);
  finish(f, &r, UV_ETIMEDOUT, 0);
  cr_assert(uv_now(&f->uv) - began >= EACH);
  conn_close(f, &c);
}

/* One after the other, without weir_deadline_init. */
WEIR_TEST(deadline, serves_a_stream_and_then_an_operation) {
  weir_deadline_t d = {0};
  struct request r;
  struct conn c;
  char bytes[2];
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 2; i++) {
    check_is(weir_deadline_read(&d, &c.stream, NEVER), 0);
    read_once(&c, &r, bytes, 2);
    check_is(weir_deadline_op(&d, &r.op, NEVER), 0);
    check_is(weir_deadline_again(&d, SOON), 0);
    finish(f, &r, UV_ETIMEDOUT, 0);
    check_is(weir_deadline_is_set(&d), 0);
  }
  conn_close(f, &c);
}

WEIR_TEST(deadline, both_ways_are_apart) {
  weir_deadline_t in = {0}, out = {0};
  struct request r, w;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  check_is(weir_deadline_write(&out, &c.stream, SOON), 0);
  read_all(&c, &r, bytes, 16);
  pass(f, 3 * SOON);
  check_is(r.calls, 0);
  check_is(weir_deadline_again(&out, NEVER), 0);
  check_is(weir_deadline_read(&in, &c.stream, NEVER), 0);
  write_block(&c, &w, "x", 1);
  finish(f, &w, 0, 1);
  check_is(r.calls, 0);
  check_is(weir_deadline_again(&in, SOON), 0);
  finish(f, &r, UV_ETIMEDOUT, 0);
  write_block(&c, &w, "x", 1);
  finish(f, &w, 0, 1);
  conn_close(f, &c);
}

/* ---- Many ---- */

/* Deadlines that nobody has to look at cost a turn nothing: counted are the
 * slots and alarms that the wheel looks at. */
WEIR_TEST(deadline, a_hundred_thousand_cost_a_turn_nothing) {
  enum { MANY = 100000 };
  const weir__wheel_t *wheel = &f->loop->wheel;
  weir_deadline_t *d = calloc(MANY, sizeof(*d));
  struct request *r = calloc(MANY, sizeof(*r));
  weir_loop_stats_t before;
  struct request echo;
  uint64_t steps;
  struct conn c;
  char *bytes = malloc(SLOW_BYTES);
  int i, round;

  cr_assert(d != NULL && r != NULL && bytes != NULL);
  memset(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &echo, bytes, SLOW_BYTES);
  for (i = 0; i < MANY; i++)
    check_is(weir_write(&r[i].op, &c.stream, weir_seq_block("x", 1), on_done),
             0);
  run_some_turns(f);
  steps = wheel->steps;
  before = stats_of(f);
  for (round = 0; round < 3; round++)
    for (i = 0; i < MANY; i++)
      check_is(weir_deadline_op(&d[i], &r[i].op,
                                (uint64_t)(NEVER + i * (round + 1))),
               0);
  check_is(wheel->steps, steps);
  check_is(stats_of(f).syscalls, before.syscalls);
  check_is(stats_of(f).allocations, before.allocations);
  run_some_turns(f);
  cr_assert(wheel->steps - steps <= 8, "%llu",
            (unsigned long long)(wheel->steps - steps));
  for (i = 0; i < MANY; i += 2)
    weir_deadline_stop(&d[i]);
  run_some_turns(f);
  cr_assert(wheel->steps - steps <= 8);
  weir_close(&c.stream, on_conn_closed);
  run_until(f, &c.closed);
  for (i = 0; i < MANY; i++) {
    check_is(r[i].calls, 1);
    check_is(weir_deadline_is_set(&d[i]), 0);
  }
  for (i = 0; i < WEIR__WHEEL_DIGITS; i++)
    check_is(wheel->used[i], 0);
  close_peer(&c);
  free(bytes);
  free(d);
  free(r);
}

struct turns {
  uv_prepare_t prepare; /* runs before weir's: it was started after it */
  struct weir_fixture *f;
  uint64_t steps;
  uint64_t most;
};

static void on_turn(uv_prepare_t *prepare) {
  struct turns *t = prepare->data;
  uint64_t steps = t->f->loop->wheel.steps;

  if (steps - t->steps > t->most)
    t->most = steps - t->steps;
  t->steps = steps;
}

/* Thousands that are late at once are so many turns' work, and each gets its
 * callback. */
WEIR_TEST(deadline, thousands_at_once_keep_the_bound_of_a_turn) {
  enum { MANY = 10000 };
  weir_deadline_t *d = calloc(MANY, sizeof(*d));
  struct request *r = calloc(MANY, sizeof(*r));
  char *bytes = malloc(SLOW_BYTES);
  struct turns turns = {.f = f};
  struct request first;
  struct conn c;
  int i;

  cr_assert(d != NULL && r != NULL && bytes != NULL);
  memset(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &first, bytes, SLOW_BYTES);
  for (i = 0; i < MANY; i++)
    check_is(weir_write(&r[i].op, &c.stream, weir_seq_block("x", 1), on_done),
             0);
  run_some_turns(f);
  turns.steps = f->loop->wheel.steps;
  check_is(uv_prepare_init(&f->uv, &turns.prepare), 0);
  turns.prepare.data = &turns;
  check_is(uv_prepare_start(&turns.prepare, on_turn), 0);
  uv_unref((uv_handle_t *)&turns.prepare);
  uv_update_time(&f->uv);
  for (i = 0; i < MANY; i++)
    check_is(weir_deadline_op(&d[i], &r[i].op, SOON), 0);
  for (i = 0; i < MANY; i++) {
    run_until(f, &r[i].calls);
    check_is(r[i].status, UV_ETIMEDOUT);
    check_is(r[i].calls, 1);
  }
  /* A flush is a prepare or a check phase; a slot is a step, too. */
  cr_assert(turns.most <= 2 * WEIR__LOOP_STARTS + 64, "%llu",
            (unsigned long long)turns.most);
  check_is(first.calls, 0);
  uv_close((uv_handle_t *)&turns.prepare, NULL);
  weir_close(&c.stream, on_conn_closed);
  run_until(f, &c.closed);
  close_peer(&c);
  free(bytes);
  free(d);
  free(r);
}

/* ---- The loop ---- */

/* Deadlines are no reason for uv_run to go on; what they stand for is. */
WEIR_TEST(deadline, keeps_no_loop_going) {
  weir_deadline_t d = {0};
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  peer_send(&c, 0, 16);
  check_is(weir_deadline_read(&d, &c.stream, NEVER), 0);
  read_all(&c, &r, bytes, 16);
  run_out(f);
  check_is(r.calls, 1);
  check_is(weir_deadline_is_set(&d), 1);
  conn_close(f, &c);
}

static void count_owned(uv_handle_t *handle, void *arg) {
  struct weir_fixture *f = arg;

  if (handle == (uv_handle_t *)&f->loop->hooks->alarm)
    cr_assert(weir_owns_handle(f->loop, handle));
}

WEIR_TEST(deadline, the_application_closes_all_handles) {
  weir_deadline_t d = {0}, of_stream = {0};
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  read_all(&c, &r, bytes, 16);
  late_op(&r, &d);
  check_is(weir_deadline_write(&of_stream, &c.stream, NEVER), 0);
  uv_walk(&f->uv, count_owned, f);
  uv_walk(&f->uv, close_each, NULL);
  check_is(weir_deadline_op(&d, &r.op, SOON), UV_ECANCELED);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
  check_is(c.closed, 1);
  check_is(weir_deadline_is_set(&of_stream), 0);
  close_peer(&c);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  f->loop = NULL;
}

struct family {
  struct conn c;
  struct request r;
  weir_deadline_t d;
  weir_deadline_t of_stream;
  char bytes[16];
};

/* The child ends what is the parent's; its own deadlines work. */
static void in_child(struct weir_fixture *f, void *arg) {
  struct family *b = arg;

  must(weir_deadline_op(&b->d, &b->r.op, SOON) == UV_ESRCH);
  must(!weir_deadline_is_set(&b->d));
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_finish(f, &b->r, UV_ECANCELED, 0);
  memset(&b->r, 0, sizeof(b->r));
  must_close(f, &b->c);
  must(!weir_deadline_is_set(&b->of_stream));
  must_work(f);
  must_leave(f);
}

WEIR_TEST(deadline, a_child_has_none_of_the_parents) {
  static struct family b;

  memset(&b, 0, sizeof(b));
  conn_tcp(f, &b.c);
  read_all(&b.c, &b.r, b.bytes, 16);
  check_is(weir_deadline_op(&b.d, &b.r.op, NEVER), 0);
  check_is(weir_deadline_read(&b.of_stream, &b.c.stream, NEVER), 0);
  run_some_turns(f);
  child_run(in_child, f, &b);
  check_is(weir_deadline_again(&b.d, SOON), 0);
  finish(f, &b.r, UV_ETIMEDOUT, 0);
  conn_close(f, &b.c);
}
