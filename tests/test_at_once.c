/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <weir/test.h>

#include "support/guard.h"
#include "support/net.h"

/* Kinds that report from within cancel_read, cancel_write and close, as kind.h
 * allows: a stream may be over before the call that ended it returns. All
 * memory ends in its callback. */

/* ---- A kind that never lets anybody wait ---- */

/* How a cancelled transfer ends. */
typedef struct answer_s {
  int status;
  size_t n;
  int busy; /* so many times UV_EBUSY first */
} answer_t;

static const answer_t answers[] = {
    {UV_ECANCELED, 0, 0},  {UV_EAGAIN, 0, 0},    {UV_EIO, 0, 0}, {0, 1, 0},
    {UV_ECONNRESET, 1, 0}, {UV_ECANCELED, 0, 2},
};

enum { ANSWERS = sizeof(answers) / sizeof(*answers) };

/* What became of a stream; it outlives it. */
typedef struct fate_s {
  weir_op_t *ops[3]; /* NULL: not begun */
  int calls[3];
  int closes;
  int late;                   /* operations that ended after the stream */
  struct eager_s *close_with; /* closed in the callback of an operation */
} fate_t;

enum { READ, WRITE, END };

typedef struct eager_s {
  weir_stream_t stream;
  answer_t read_answer;
  answer_t write_answer;
  int reading;
  int writing;
  int shutting;
  int over;              /* close was called */
  struct eager_s *buddy; /* whose transfers end with this one's */
} eager_t;

static int eager_read(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  eager_t *e = weir_stream_impl(stream);

  (void)bufs;
  (void)nbufs;
  (void)n;
  check_is(e->reading + e->over, 0);
  e->reading = 1;
  return WEIR_PENDING;
}

static int eager_write(weir_stream_t *stream, const uv_buf_t *bufs,
                       unsigned nbufs, size_t *n) {
  eager_t *e = weir_stream_impl(stream);

  (void)bufs;
  (void)nbufs;
  (void)n;
  check_is(e->writing + e->over, 0);
  e->writing = 1;
  return WEIR_PENDING;
}

static int eager_shutdown(weir_stream_t *stream) {
  eager_t *e = weir_stream_impl(stream);

  check_is(e->writing + e->shutting + e->over, 0);
  e->shutting = 1;
  return WEIR_PENDING;
}

static void end_read(eager_t *e, int status, size_t n) {
  if (!e->reading)
    return;
  e->reading = 0;
  weir_stream_read_done(&e->stream, status, n);
}

static void end_write(eager_t *e, int status, size_t n) {
  if (!e->writing && !e->shutting)
    return;
  e->writing = 0;
  e->shutting = 0;
  weir_stream_write_done(&e->stream, status, n);
}

/* What ends here ends the other one's too. */
static void tell(const eager_t *e) {
  if (e->buddy == NULL)
    return;
  end_read(e->buddy, UV_EOF, 0);
  end_write(e->buddy, UV_EPIPE, 0);
}

static int eager_cancel_read(weir_stream_t *stream) {
  eager_t *e = weir_stream_impl(stream);

  if (e->read_answer.busy-- > 0)
    return UV_EBUSY;
  end_read(e, e->read_answer.status, e->read_answer.n);
  tell(e);
  return 0;
}

static int eager_cancel_write(weir_stream_t *stream) {
  eager_t *e = weir_stream_impl(stream);

  if (e->write_answer.busy-- > 0)
    return UV_EBUSY;
  end_write(e, e->write_answer.status, e->shutting ? 0 : e->write_answer.n);
  tell(e);
  return 0;
}

static void eager_close(weir_stream_t *stream) {
  eager_t *e = weir_stream_impl(stream);

  check_is(e->reading + e->writing + e->shutting + e->over, 0);
  e->over = 1;
  tell(e);
  if (e->buddy != NULL)
    e->buddy->buddy = NULL;
  weir_stream_close_done(stream);
}

static const weir_stream_kind_t eager_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "eager",
    .read_some = eager_read,
    .write_some = eager_write,
    .cancel_read = eager_cancel_read,
    .cancel_write = eager_cancel_write,
    .shutdown = eager_shutdown,
    .close = eager_close,
};

static eager_t *eager_new(struct weir_fixture *f, fate_t *fate,
                          const answer_t *answer) {
  eager_t *e = guard_new(sizeof(*e));

  *fate = (fate_t){.closes = 0};
  check_is(weir_stream_init(f->loop, &e->stream, &eager_kind, e), 0);
  e->stream.data = fate;
  e->read_answer = *answer;
  e->write_answer = *answer;
  return e;
}

static void on_eager_closed(weir_stream_t *stream) {
  fate_t *fate = stream->data;

  for (int i = READ; i <= END; i++)
    if (fate->ops[i] != NULL && fate->calls[i] != 1)
      fate->late++;
  fate->closes++;
  guard_end(stream, sizeof(eager_t));
}

static void leave(eager_t *e) {
  check_is(weir_close(&e->stream, on_eager_closed), 0);
}

/* ---- Its operations ---- */

static char into[4];

static void on_op(weir_op_t *op, int status, size_t n) {
  fate_t *fate = op->data;
  int which = READ;

  (void)status;
  cr_assert(n <= 4);
  while (fate->ops[which] != op)
    which++;
  fate->calls[which]++;
  fate->late += fate->closes;
  guard_end(op, sizeof(*op));
  if (fate->close_with != NULL)
    leave(fate->close_with);
  fate->close_with = NULL;
}

static weir_op_t *op_new(fate_t *fate, int which) {
  weir_op_t *op = guard_new(sizeof(*op));

  op->data = fate;
  fate->ops[which] = op;
  return op;
}

/* pending is a set of bits. */
static void begin(eager_t *e, int pending) {
  fate_t *fate = e->stream.data;

  if ((pending & 1 << READ) != 0)
    check_is(weir_read(op_new(fate, READ), &e->stream, weir_mseq_block(into, 4),
                       weir_all(), on_op),
             0);
  if ((pending & 1 << WRITE) != 0)
    check_is(weir_write(op_new(fate, WRITE), &e->stream,
                        weir_seq_block("abcd", 4), on_op),
             0);
  if ((pending & 1 << END) != 0)
    check_is(weir_write_eof(op_new(fate, END), &e->stream,
                            weir_seq_block(NULL, 0), on_op),
             0);
}

static void expect(struct weir_fixture *f, const fate_t *fate) {
  run_until(f, &fate->closes);
  check_is(fate->closes, 1);
  check_is(fate->late, 0);
  for (int i = READ; i <= END; i++)
    check_is(fate->calls[i], fate->ops[i] != NULL);
}

/* Calls body with every set of pending operations and every answer. */
static void each(struct weir_fixture *f,
                 void (*body)(struct weir_fixture *f, int pending,
                              const answer_t *answer)) {
  for (int pending = 0; pending < 8; pending++)
    for (int i = 0; i < ANSWERS; i++)
      body(f, pending, &answers[i]);
  run_out(f);
}

/* ---- One stream ---- */

static void close_one(struct weir_fixture *f, int pending,
                      const answer_t *answer) {
  fate_t fate;
  eager_t *e = eager_new(f, &fate, answer);

  begin(e, pending);
  run_some_turns(f);
  leave(e);
  expect(f, &fate);
  run_turn(f);
}

WEIR_TEST(at_once, one_stream_is_closed) {
  each(f, close_one);
}

static void close_unstarted(struct weir_fixture *f, int pending,
                            const answer_t *answer) {
  fate_t fate;
  eager_t *e = eager_new(f, &fate, answer);

  begin(e, pending);
  leave(e);
  expect(f, &fate);
  run_turn(f);
}

WEIR_TEST(at_once, one_stream_is_closed_before_it_was_started) {
  each(f, close_unstarted);
}

static void cancel_and_close(struct weir_fixture *f, int pending,
                             const answer_t *answer) {
  fate_t fate;
  eager_t *e = eager_new(f, &fate, answer);

  begin(e, pending);
  run_some_turns(f);
  for (int i = READ; i <= END; i++)
    if (fate.ops[i] != NULL)
      weir_cancel(fate.ops[i]);
  leave(e);
  expect(f, &fate);
  run_turn(f);
}

WEIR_TEST(at_once, one_stream_is_cancelled_and_closed) {
  each(f, cancel_and_close);
}

/* One of its operations ends by itself. */
static void close_in_own_callback(struct weir_fixture *f, int pending,
                                  const answer_t *answer) {
  fate_t fate;
  eager_t *e = eager_new(f, &fate, answer);

  begin(e, pending | 1 << READ);
  run_some_turns(f);
  fate.close_with = e;
  end_read(e, UV_EOF, 0);
  expect(f, &fate);
  run_turn(f);
}

WEIR_TEST(at_once, one_stream_is_closed_in_its_own_callback) {
  each(f, close_in_own_callback);
}

/* ---- Two that have to do with each other ---- */

static void close_both(struct weir_fixture *f, int pending,
                       const answer_t *answer) {
  fate_t fates[2];
  eager_t *a = eager_new(f, &fates[0], answer);
  eager_t *b = eager_new(f, &fates[1], answer);

  begin(a, pending);
  begin(b, 7);
  run_some_turns(f);
  leave(a);
  leave(b);
  expect(f, &fates[0]);
  expect(f, &fates[1]);
  run_turn(f);
}

WEIR_TEST(at_once, two_streams_are_closed) {
  each(f, close_both);
}

static void close_buddies(struct weir_fixture *f, int pending,
                          const answer_t *answer) {
  fate_t fates[2];
  eager_t *a = eager_new(f, &fates[0], answer);
  eager_t *b = eager_new(f, &fates[1], answer);

  a->buddy = b;
  b->buddy = a;
  begin(a, pending);
  begin(b, 7);
  run_some_turns(f);
  leave(a);
  leave(b);
  expect(f, &fates[0]);
  expect(f, &fates[1]);
  run_turn(f);
}

WEIR_TEST(at_once, two_streams_that_report_for_each_other_are_closed) {
  each(f, close_buddies);
}

/* The end of one is what the other's callback closes it for. */
static void close_in_buddys_callback(struct weir_fixture *f, int pending,
                                     const answer_t *answer) {
  fate_t fates[2];
  eager_t *a = eager_new(f, &fates[0], answer);
  eager_t *b = eager_new(f, &fates[1], answer);

  a->buddy = b;
  b->buddy = a;
  begin(a, pending);
  begin(b, 7);
  run_some_turns(f);
  fates[1].close_with = b;
  leave(a);
  expect(f, &fates[0]);
  expect(f, &fates[1]);
  run_turn(f);
}

WEIR_TEST(at_once, a_stream_is_closed_when_the_other_ends) {
  each(f, close_in_buddys_callback);
}

static void close_in_others_callback(struct weir_fixture *f, int pending,
                                     const answer_t *answer) {
  fate_t fates[2];
  eager_t *a = eager_new(f, &fates[0], answer);
  eager_t *b = eager_new(f, &fates[1], answer);

  begin(a, pending | 1 << READ);
  begin(b, 7);
  run_some_turns(f);
  fates[0].close_with = b;
  leave(a);
  expect(f, &fates[0]);
  expect(f, &fates[1]);
  run_turn(f);
}

WEIR_TEST(at_once, a_stream_is_closed_in_the_callback_of_another) {
  each(f, close_in_others_callback);
}

/* ---- More than a turn has room for ---- */

enum { CROWD = 3000 };

WEIR_TEST(at_once, thousands_are_closed) {
  static fate_t fates[CROWD];
  static eager_t *all[CROWD];

  for (int i = 0; i < CROWD; i++) {
    all[i] = eager_new(f, &fates[i], &answers[i % ANSWERS]);
    begin(all[i], 7);
  }
  for (int i = 0; i < 4; i++)
    run_some_turns(f);
  for (int i = 0; i < CROWD; i++)
    leave(all[i]);
  for (int i = 0; i < CROWD; i++)
    expect(f, &fates[i]);
  run_out(f);
}

/* ---- Beside a stream that fills the turn ---- */

enum { FROM = 900, TO = 1800, BEHIND = 700 };

typedef struct busy_s {
  weir_op_t op;
  weir_stream_t *stream;
  eager_t *victim;
  int at;
  int calls;
} busy_t;

static void on_busy(weir_op_t *op, int status, size_t n) {
  busy_t *busy = (busy_t *)op;

  check_is(status, 0);
  check_is(n, 0);
  if (++busy->calls == busy->at)
    leave(busy->victim);
  if (busy->calls < busy->at + BEHIND)
    check_is(weir_write(op, busy->stream, weir_seq_block(NULL, 0), on_busy), 0);
}

WEIR_TEST(at_once, one_is_closed_in_any_callback_of_a_busy_one) {
  struct conn c;

  conn_unix(f, &c);
  for (int at = FROM; at < TO; at++) {
    busy_t busy = {.stream = &c.stream, .at = at};
    fate_t fate;

    busy.victim = eager_new(f, &fate, &answers[at % ANSWERS]);
    begin(busy.victim, 7);
    run_turn(f);
    check_is(weir_write(&busy.op, &c.stream, weir_seq_block(NULL, 0), on_busy),
             0);
    run_out(f);
    check_is(busy.calls, at + BEHIND);
    expect(f, &fate);
  }
  conn_close(f, &c);
}

/* ---- The toolkit's pair ---- */

typedef struct end_s {
  weir_stream_t stream;
  struct end_s *close_with; /* closed in this one's close callback */
  fate_t *fate;
} end_t;

static void on_end_closed(weir_stream_t *stream);

static void end_leave(end_t *end) {
  check_is(weir_close(&end->stream, on_end_closed), 0);
}

static void on_end_closed(weir_stream_t *stream) {
  end_t *end = (end_t *)stream;
  end_t *other = end->close_with;
  fate_t *fate = end->fate;

  for (int i = READ; i <= WRITE; i++)
    if (fate->ops[i] != NULL && fate->calls[i] != 1)
      fate->late++;
  fate->closes++;
  guard_end(end, sizeof(*end));
  if (other != NULL)
    end_leave(other);
}

static void end_begin(end_t *end, int pending) {
  fate_t *fate = end->fate;

  if ((pending & 1 << READ) != 0)
    check_is(weir_read(op_new(fate, READ), &end->stream,
                       weir_mseq_block(into, 4), weir_all(), on_op),
             0);
  if ((pending & 1 << WRITE) != 0)
    check_is(weir_write(op_new(fate, WRITE), &end->stream,
                        weir_seq_block("abcd", 4), on_op),
             0);
}

enum { TOGETHER, LATER, IN_CLOSE, ORDERS };

/* pending: two bits for each end. The last bit swaps the ends. */
static void close_pair(struct weir_fixture *f, int order, int pending,
                       int swapped) {
  fate_t fates[2] = {{.closes = 0}, {.closes = 0}};
  end_t *ends[2];

  for (int i = 0; i < 2; i++) {
    ends[i] = guard_new(sizeof(end_t));
    ends[i]->fate = &fates[i];
  }
  check_is(weir_test_pair(f->loop, &ends[0]->stream, &ends[1]->stream, 1), 0);
  end_begin(ends[0], pending & 3);
  end_begin(ends[1], pending >> 2);
  run_some_turns(f);
  end_t *first = ends[swapped];
  end_t *second = ends[1 - swapped];
  if (order == IN_CLOSE)
    first->close_with = second;
  end_leave(first);
  if (order == LATER)
    expect(f, &fates[swapped]);
  if (order != IN_CLOSE)
    end_leave(second);
  expect(f, &fates[0]);
  expect(f, &fates[1]);
  run_out(f);
}

static void close_pairs(struct weir_fixture *f, int order) {
  for (int pending = 0; pending < 16; pending++)
    for (int swapped = 0; swapped < 2; swapped++)
      close_pair(f, order, pending, swapped);
}

WEIR_TEST(at_once, both_ends_of_a_pair_are_closed_together) {
  close_pairs(f, TOGETHER);
}

WEIR_TEST(at_once, one_end_of_a_pair_is_closed_after_the_other) {
  close_pairs(f, LATER);
}

WEIR_TEST(at_once, one_end_of_a_pair_is_closed_in_the_others_callback) {
  close_pairs(f, IN_CLOSE);
}
