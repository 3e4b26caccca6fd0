/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/box.h"
#include "support/scripted.h"

/* Reads up to a delimiter and to the end, one thing each. */

struct one {
  struct scripted s;
  struct box b;
  struct request r;
};

static void one_open(struct weir_fixture *f, struct one *o, int kind,
                     const weir_test_options_t *options) {
  o->r.calls = 0;
  o->b.pool = NULL;
  if (kind == LEASES)
    check_is(weir_pool_create(f->loop, 4, LIMIT, &o->b.pool), 0);
  box_open(&o->b, kind, 0);
  scripted_open(f, &o->s, options);
}

static int one_begin(struct one *o, weir_until_t until) {
  o->r.calls = 0;
  return weir_read_until(&o->r.op, &o->s.stream, &o->b.buffer, until, on_done);
}

static void one_close(struct weir_fixture *f, struct one *o) {
  scripted_close(f, &o->s);
  box_close(&o->b);
  if (o->b.pool != NULL)
    check_is(weir_pool_destroy(o->b.pool), 0);
}

WEIR_TEST(until, nonsense_is_refused) {
  struct one o;

  one_open(f, &o, FLAT, NULL);
  check_is(one_begin(&o, weir_until_bytes("", 0)), UV_EINVAL);
  check_is(one_begin(&o, weir_until_bytes(NULL, 3)), UV_EINVAL);
  check_is(one_begin(&o, weir_until_match(NULL, NULL)), UV_EINVAL);
  check_is(one_begin(&o, (weir_until_t){.how = 0}), UV_EINVAL);
  check_is(weir_read_until(&o.r.op, &o.s.stream, NULL, weir_until_byte('x'),
                           on_done),
           UV_EINVAL);
  check_is(weir_read_until(NULL, &o.s.stream, &o.b.buffer, weir_until_byte('x'),
                           on_done),
           UV_EINVAL);
  check_is(weir_read_until(&o.r.op, NULL, &o.b.buffer, weir_until_byte('x'),
                           on_done),
           UV_EINVAL);
  check_is(weir_read_until(&o.r.op, &o.s.stream, &o.b.buffer,
                           weir_until_byte('x'), NULL),
           UV_EINVAL);
  check_is(weir_read_to_end(&o.r.op, &o.s.stream, NULL, 0, on_done), UV_EINVAL);
  one_close(f, &o);
}

WEIR_TEST(until, what_is_held_needs_no_transfer) {
  struct one o;

  one_open(f, &o, RING, NULL);
  box_put(&o.b, "one\ntwo\nthr", 11);
  check_is(one_begin(&o, weir_until_byte('\n')), 0);
  check_is(o.r.calls, 0);
  finish(f, &o.r, 0, 4);
  check_is(weir_buffer_consume(&o.b.buffer, 4), 4);
  check_is(one_begin(&o, weir_until_byte('\n')), 0);
  finish(f, &o.r, 0, 4);
  check_is(weir_test_calls(o.s.script), 0);
  weir_buffer_consume(&o.b.buffer, 4);
  check_is(one_begin(&o, weir_until_byte('\n')), 0);
  finish(f, &o.r, UV_EOF, 3);
  one_close(f, &o);
}

WEIR_TEST(until, data_that_comes_with_the_end_is_searched) {
  const weir_test_step_t steps[] = {{.bytes = 3},
                                    {.bytes = 4, .status = UV_EOF}};
  weir_test_options_t options = {.read = {.steps = steps, .nsteps = 2},
                                 .input = "abcd\nef",
                                 .input_size = 7};
  struct one o;

  one_open(f, &o, FLAT, &options);
  check_is(one_begin(&o, weir_until_bytes("d\ne", 3)), 0);
  finish(f, &o.r, 0, 6);
  box_expect(&o.b, "abcd\nef", 7);
  weir_buffer_consume(&o.b.buffer, 6);
  check_is(one_begin(&o, weir_until_byte('\n')), 0);
  finish(f, &o.r, UV_EOF, 1);
  check_is(weir_test_calls(o.s.script), 2);
  one_close(f, &o);
}

WEIR_TEST(until, the_limit_and_the_end_are_different) {
  weir_test_options_t options = {.input = "0123456789abcdefghij",
                                 .input_size = 20};
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    struct one o;

    one_open(f, &o, kind, &options);
    check_is(one_begin(&o, weir_until_byte('x')), 0);
    finish(f, &o.r, UV_ENOBUFS, LIMIT);
    check_is(one_begin(&o, weir_until_byte('x')), 0);
    finish(f, &o.r, UV_ENOBUFS, LIMIT);
    check_is(weir_test_calls(o.s.script), 1);
    box_expect(&o.b, "0123456789abcdef", LIMIT);
    weir_buffer_consume(&o.b.buffer, LIMIT);
    check_is(one_begin(&o, weir_until_byte('x')), 0);
    finish(f, &o.r, UV_EOF, 4);
    box_expect(&o.b, "ghij", 4);
    one_close(f, &o);
  }
}

WEIR_TEST(until, success_without_a_byte_is_an_error) {
  const weir_test_step_t steps[] = {{.bytes = 2}, {.flags = WEIR_TEST_NOTHING}};
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 2}, .input = "ab", .input_size = 2};
  struct one o;

  one_open(f, &o, RING, &options);
  check_is(one_begin(&o, weir_until_byte('x')), 0);
  finish(f, &o.r, UV_EIO, 2);
  box_expect(&o.b, "ab", 2);
  one_close(f, &o);
}

WEIR_TEST(until, room_is_held_while_a_transfer_is_in_flight) {
  const weir_test_step_t steps[] = {{.bytes = 2}, {.turns = WEIR_TEST_NEVER}};
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 2}, .input = "abcd", .input_size = 4};
  weir_mseq_t room;
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    struct one o;

    one_open(f, &o, kind, &options);
    check_is(one_begin(&o, weir_until_byte('x')), 0);
    run_some_turns(f);
    check_is(o.r.calls, 0);
    check_is(weir_buffer_prepare(&o.b.buffer, 1, &room), UV_EBUSY);
    check_is(weir_buffer_reset(&o.b.buffer), UV_EBUSY);
    weir_cancel(&o.r.op);
    finish(f, &o.r, UV_ECANCELED, 2);
    box_expect(&o.b, "ab", 2);
    check_is(weir_buffer_prepare(&o.b.buffer, 1, &room), 0);
    weir_buffer_commit(&o.b.buffer, 0);
    /* What was interrupted goes on. */
    check_is(one_begin(&o, weir_until_byte('d')), 0);
    finish(f, &o.r, 0, 4);
    one_close(f, &o);
  }
}

WEIR_TEST(until, a_buffer_that_is_held_by_somebody_else) {
  weir_test_options_t options = {.input = "abcd", .input_size = 4};
  weir_mseq_t room;
  struct one o;

  one_open(f, &o, FLAT, &options);
  box_put(&o.b, "abc", 3);
  check_is(weir_buffer_prepare(&o.b.buffer, 4, &room), 0);
  weir_buffer_hold(&o.b.buffer, WEIR_HOLD_ROOM);
  check_is(one_begin(&o, weir_until_byte('x')), 0);
  finish(f, &o.r, UV_EBUSY, 3);
  check_is(weir_test_calls(o.s.script), 0);
  check_is(weir_buffer_prepared(&o.b.buffer), 4);
  weir_buffer_unhold(&o.b.buffer, WEIR_HOLD_ROOM);
  one_close(f, &o);
}

static int never(void *arg, const char *bytes, size_t len, size_t *end) {
  (void)arg;
  (void)bytes;
  (void)len;
  (void)end;
  cr_assert(0, "the matcher was called");
  return 0;
}

WEIR_TEST(until, cancelled_right_after_the_call) {
  weir_test_options_t options = {.at_end = WEIR_PENDING};
  struct one o;

  one_open(f, &o, FLAT, &options);
  box_put(&o.b, "abc", 3);
  check_is(one_begin(&o, weir_until_byte('x')), 0);
  weir_cancel(&o.r.op);
  finish(f, &o.r, UV_ECANCELED, 3);
  box_expect(&o.b, "abc", 3);
  scripted_call(&o.s, 0, WEIR_TEST_READ);
  scripted_call(&o.s, 1, WEIR_TEST_CANCEL_READ);
  one_close(f, &o);
}

/* A matcher is the program's, and called within uv_run. */
WEIR_TEST(until, cancelled_before_it_began) {
  struct one o;

  one_open(f, &o, FLAT, NULL);
  box_put(&o.b, "abc", 3);
  check_is(one_begin(&o, weir_until_match(never, NULL)), 0);
  weir_cancel(&o.r.op);
  finish(f, &o.r, UV_ECANCELED, 3);
  box_expect(&o.b, "abc", 3);
  check_is(weir_test_calls(o.s.script), 0);
  one_close(f, &o);
}

WEIR_TEST(until, a_match_that_comes_with_the_cancellation_counts) {
  weir_test_options_t options = {
      .read = {.rest = {.turns = 3, .flags = WEIR_TEST_DEAF}},
      .input = "ab\ncd",
      .input_size = 5};
  struct one o;

  one_open(f, &o, FLAT, &options);
  check_is(one_begin(&o, weir_until_byte('\n')), 0);
  run_turn(f);
  weir_cancel(&o.r.op);
  finish(f, &o.r, 0, 3);
  one_close(f, &o);
}

WEIR_TEST(until, a_second_read_is_refused) {
  struct one o;
  struct request second = {.calls = 0};
  weir_test_options_t options = {.at_end = WEIR_PENDING};

  one_open(f, &o, FLAT, &options);
  check_is(one_begin(&o, weir_until_byte('x')), 0);
  check_is(weir_read_to_end(&second.op, &o.s.stream, &o.b.buffer, 0, on_done),
           UV_EALREADY);
  weir_cancel(&o.r.op);
  finish(f, &o.r, UV_ECANCELED, 0);
  one_close(f, &o);
}

WEIR_TEST(until, closing_the_stream_ends_it) {
  const weir_test_step_t steps[] = {{.bytes = 2}, {.turns = WEIR_TEST_NEVER}};
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 2}, .input = "abcd", .input_size = 4};
  struct one o;

  one_open(f, &o, RING, &options);
  check_is(one_begin(&o, weir_until_byte('x')), 0);
  run_some_turns(f);
  scripted_close(f, &o.s);
  check_is(o.r.calls, 1);
  check_is(o.r.status, UV_ECANCELED);
  check_is(o.r.n, 2);
  box_expect(&o.b, "ab", 2);
  box_close(&o.b);
}

/* A kind that has no room, or nothing yet, is asked again with fresh room. */
WEIR_TEST(until, a_kind_that_wants_to_be_asked_again) {
  const weir_test_step_t steps[] = {{.status = UV_EBUSY},
                                    {.status = UV_EAGAIN},
                                    {.bytes = 2},
                                    {.status = UV_EAGAIN, .turns = 1},
                                    {.status = UV_EBUSY}};
  weir_test_options_t options = {.read = {.steps = steps, .nsteps = 5},
                                 .input = "ab\ncd",
                                 .input_size = 5};
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    struct one o;

    one_open(f, &o, kind, &options);
    check_is(one_begin(&o, weir_until_byte('\n')), 0);
    finish(f, &o.r, 0, 3);
    box_expect(&o.b, "ab\ncd", 5);
    check_is(weir_test_calls(o.s.script), 6);
    one_close(f, &o);
  }
}

WEIR_TEST(until, cancelled_while_the_kind_has_no_room) {
  weir_test_options_t options = {.read = {.rest = {.status = UV_EBUSY}}};
  struct one o;

  one_open(f, &o, FLAT, &options);
  box_put(&o.b, "abc", 3);
  check_is(one_begin(&o, weir_until_byte('x')), 0);
  while (weir_test_calls(o.s.script) < 2)
    uv_run(&f->uv, UV_RUN_ONCE);
  weir_cancel(&o.r.op);
  finish(f, &o.r, UV_ECANCELED, 3);
  box_expect(&o.b, "abc", 3);
  one_close(f, &o);
}

/* ---- Matchers ---- */

/* Counts the bytes and remembers them. */
struct watcher {
  char seen[64];
  size_t size;
  size_t pieces;
  size_t stop; /* the byte at which it gives `result` */
  int result;
};

static int watch(void *arg, const char *bytes, size_t len, size_t *end) {
  struct watcher *w = arg;

  w->pieces++;
  memcpy(w->seen + w->size, bytes, len);
  if (w->size + len >= w->stop) {
    *end = w->stop - w->size;
    w->size += len;
    return w->result;
  }
  w->size += len;
  return 0;
}

WEIR_TEST(until, a_matcher_sees_every_byte_once_and_in_order) {
  weir_test_options_t options = {.read = {.rest = {.bytes = 1}},
                                 .input = "defghijklmnop",
                                 .input_size = 13};
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    struct watcher w = {.stop = 14, .result = 1};
    struct one o;

    one_open(f, &o, kind, &options);
    box_put(&o.b, "abc", 3);
    check_is(one_begin(&o, weir_until_match(watch, &w)), 0);
    finish(f, &o.r, 0, 14);
    check_is(w.size, 14);
    check_is(w.pieces, 12);
    cr_assert(memcmp(w.seen, "abcdefghijklmn", 14) == 0);
    one_close(f, &o);
  }
}

WEIR_TEST(until, an_error_of_the_matcher_ends_the_read) {
  weir_test_options_t options = {
      .read = {.rest = {.bytes = 2}}, .input = "abcdefgh", .input_size = 8};
  struct watcher w = {.stop = 3, .result = UV_EPROTO};
  struct one o;

  one_open(f, &o, FLAT, &options);
  check_is(one_begin(&o, weir_until_match(watch, &w)), 0);
  finish(f, &o.r, UV_EPROTO, 4);
  box_expect(&o.b, "abcd", 4);
  one_close(f, &o);
}

/* Says that the match ended far behind the piece. */
static int boast(void *arg, const char *bytes, size_t len, size_t *end) {
  (void)arg;
  (void)bytes;
  *end = len + 1000;
  return 1;
}

WEIR_TEST(until, a_matcher_cannot_go_beyond_what_it_was_given) {
  weir_test_options_t options = {.input = "abcd", .input_size = 4};
  struct one o;

  one_open(f, &o, FLAT, &options);
  check_is(one_begin(&o, weir_until_match(boast, NULL)), 0);
  finish(f, &o.r, 0, 4);
  one_close(f, &o);
}

/* ---- To the end ---- */

static void expect_to_end(struct weir_fixture *f, const char *input,
                          weir_test_step_t rest, int kind, size_t cap,
                          int status, size_t n) {
  weir_test_options_t options = {
      .read = {.rest = rest}, .input = input, .input_size = strlen(input)};
  struct one o;

  one_open(f, &o, kind, &options);
  check_is(weir_read_to_end(&o.r.op, &o.s.stream, &o.b.buffer, cap, on_done),
           0);
  finish(f, &o.r, status, n);
  box_expect(&o.b, input, n);
  if (cap != 0)
    cr_assert(scripted_call(&o.s, 0, WEIR_TEST_READ)->offered <= cap);
  one_close(f, &o);
}

WEIR_TEST(until, to_the_end) {
  const weir_test_step_t one_byte = {.bytes = 1}, later = {.turns = 1};
  const weir_test_step_t with_end = {.bytes = LIMIT, .status = UV_EOF};
  int kind;

  for (kind = 0; kind < KINDS; kind++) {
    expect_to_end(f, "", later, kind, 0, 0, 0);
    expect_to_end(f, "hello", later, kind, 0, 0, 5);
    expect_to_end(f, "hello", one_byte, kind, 0, 0, 5);
    expect_to_end(f, "hello", later, kind, 2, 0, 5);
    expect_to_end(f, "0123456789abcde", later, kind, 0, 0, 15);
    expect_to_end(f, "0123456789abcdef", later, kind, 0, UV_ENOBUFS, LIMIT);
    expect_to_end(f, "0123456789abcdef", with_end, kind, 0, 0, LIMIT);
  }
}

WEIR_TEST(until, to_the_end_with_an_error) {
  const weir_test_step_t steps[] = {{.bytes = 3},
                                    {.bytes = 1, .status = UV_ECONNRESET}};
  weir_test_options_t options = {.read = {.steps = steps, .nsteps = 2},
                                 .input = "abcdefgh",
                                 .input_size = 8};
  struct one o;

  one_open(f, &o, CHAIN, &options);
  check_is(weir_read_to_end(&o.r.op, &o.s.stream, &o.b.buffer, 0, on_done), 0);
  finish(f, &o.r, UV_ECONNRESET, 4);
  o.r.calls = 0;
  check_is(weir_read_to_end(&o.r.op, &o.s.stream, &o.b.buffer, 0, on_done), 0);
  finish(f, &o.r, 0, 8);
  o.r.calls = 0;
  check_is(weir_read_to_end(&o.r.op, &o.s.stream, &o.b.buffer, 0, on_done), 0);
  finish(f, &o.r, 0, 8);
  check_is(weir_test_calls(o.s.script), 4);
  one_close(f, &o);
}

/* ---- What each transfer asks for ---- */

WEIR_TEST(until, transfers_ask_for_what_the_memory_has_room_for) {
  static char storage[10000];
  weir_test_options_t options = {.read = {.rest = {.bytes = 1000}},
                                 .input = storage,
                                 .input_size = sizeof(storage)};
  weir_until_t until = weir_until_byte('x');
  weir_buffer_t growing;
  struct one o;

  one_open(f, &o, FLAT, &options);
  box_close(&o.b);
  weir_flat_init_fixed(&o.b.buffer, storage, sizeof(storage));
  memset(storage, '-', sizeof(storage));
  check_is(one_begin(&o, until), 0);
  finish(f, &o.r, UV_ENOBUFS, sizeof(storage));
  check_is(scripted_call(&o.s, 0, WEIR_TEST_READ)->offered, 10000);
  check_is(scripted_call(&o.s, 1, WEIR_TEST_READ)->offered, 9000);
  scripted_close(f, &o.s);

  scripted_open(f, &o.s, &options);
  weir_buffer_consume(&o.b.buffer, SIZE_MAX);
  until.cap = 700;
  check_is(one_begin(&o, until), 0);
  finish(f, &o.r, UV_ENOBUFS, sizeof(storage));
  check_is(scripted_call(&o.s, 0, WEIR_TEST_READ)->offered, 700);
  check_is(scripted_call(&o.s, 14, WEIR_TEST_READ)->offered, 200);
  one_close(f, &o);

  scripted_open(f, &o.s, &options);
  check_is(weir_flat_init(&growing, NULL), 0);
  o.r.calls = 0;
  check_is(weir_read_to_end(&o.r.op, &o.s.stream, &growing, 0, on_done), 0);
  finish(f, &o.r, 0, sizeof(storage));
  cr_assert(scripted_call(&o.s, 0, WEIR_TEST_READ)->offered >= 4096);
  check_is(weir_buffer_reset(&growing), 0);
  scripted_close(f, &o.s);
}

WEIR_TEST(until, nothing_is_allocated_on_fixed_storage) {
  weir_test_options_t options = {
      .read = {.rest = {.bytes = 1}}, .input = "abc\r\ndef", .input_size = 8};
  int kind;

  for (kind = FLAT_FIXED; kind <= RING; kind++) {
    size_t calls;
    struct one o;

    one_open(f, &o, kind, &options);
    calls = alloc_calls();
    check_is(one_begin(&o, weir_until_bytes("\r\n", 2)), 0);
    finish(f, &o.r, 0, 5);
    o.r.calls = 0;
    check_is(weir_read_to_end(&o.r.op, &o.s.stream, &o.b.buffer, 0, on_done),
             0);
    finish(f, &o.r, 0, 8);
    check_is(alloc_calls(), calls);
    check_is(stats_of(f).allocations, 0);
    one_close(f, &o);
  }
}

/* A delimiter that has nearly come again and again, byte by byte. */
WEIR_TEST(until, a_long_delimiter_in_pieces) {
  enum { LEN = 300, TOTAL = 2000 };
  static char delimiter[LEN], input[TOTAL];
  weir_test_options_t options = {
      .read = {.rest = {.bytes = 1}}, .input = input, .input_size = TOTAL};
  weir_buffer_t buffer;
  struct request r = {.calls = 0};
  struct scripted s;

  memset(delimiter, 'a', LEN);
  delimiter[LEN - 1] = 'b';
  memset(input, 'a', TOTAL);
  input[TOTAL - 3] = 'b';
  scripted_open(f, &s, &options);
  check_is(weir_flat_init(&buffer, NULL), 0);
  check_is(weir_read_until(&r.op, &s.stream, &buffer,
                           weir_until_bytes(delimiter, LEN), on_done),
           0);
  finish(f, &r, 0, TOTAL - 2);
  check_is(weir_buffer_reset(&buffer), 0);
  scripted_close(f, &s);
}

/* ---- Over a pair, as a program uses it ---- */

struct reader {
  weir_op_t op;
  weir_stream_t *stream;
  weir_buffer_t buffer;
  size_t lines[8];
  size_t count;
  int status;
};

static void on_line(weir_op_t *op, int status, size_t n) {
  struct reader *r = (struct reader *)op;

  r->lines[r->count++] = n;
  r->status = status;
  if (status != 0)
    return;
  weir_buffer_consume(&r->buffer, n);
  check_is(weir_read_until(&r->op, r->stream, &r->buffer, weir_until_byte('\n'),
                           on_line),
           0);
}

WEIR_TEST(until, lines_over_a_small_pipe) {
  static const char text[] = "first\nsecond, longer\n\nfourth";
  const size_t lines[] = {6, 15, 1, 6};
  weir_stream_t a, b;
  struct request w = {.calls = 0};
  struct reader r = {.stream = &b};
  size_t i;

  check_is(weir_test_pair(f->loop, &a, &b, 4), 0);
  check_is(weir_chain_init(&r.buffer, NULL), 0);
  check_is(weir_write_eof(&w.op, &a, weir_seq_block(text, sizeof(text) - 1),
                          on_done),
           0);
  check_is(
      weir_read_until(&r.op, &b, &r.buffer, weir_until_byte('\n'), on_line), 0);
  run_out(f);
  check_is(r.status, UV_EOF);
  check_is(r.count, 4);
  for (i = 0; i < 4; i++)
    check_is(r.lines[i], lines[i]);
  finish(f, &w, 0, sizeof(text) - 1);
  check_is(weir_close(&a, NULL), 0);
  check_is(weir_close(&b, NULL), 0);
  run_out(f);
  check_is(weir_buffer_reset(&r.buffer), 0);
}
