/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "random.h"
#include "support/alloc.h"
#include "support/guard.h"
#include "support/net.h"
#include "support/passage.h"
#include "support/scripted.h"

enum { KIB = 1024 };

/* ---- Between scripts ---- */

typedef struct between_s {
  struct scripted source;
  struct scripted sink;
  char *input;
  size_t size;
  weir_test_options_t in;
  weir_test_options_t out;
  struct scripted *closed; /* by close_one */
  passage_t p;
} between_t;

static void between_init(between_t *b, size_t size, size_t capacity) {
  memset(b, 0, sizeof(*b));
  b->input = malloc(size + 1);
  b->size = size;
  pattern_fill(b->input, 0, size);
  b->in.input = b->input;
  b->in.input_size = size;
  passage_init(&b->p, capacity);
}

static void between_open(struct weir_fixture *f, between_t *b) {
  scripted_open(f, &b->source, &b->in);
  scripted_open(f, &b->sink, &b->out);
}

static void between_close(struct weir_fixture *f, between_t *b) {
  scripted_close(f, &b->source);
  scripted_close(f, &b->sink);
  passage_free(&b->p);
  free(b->input);
}

static void between_run(struct weir_fixture *f, between_t *b, int status) {
  between_open(f, b);
  passage_start(&b->p, &b->source.stream, &b->sink.stream);
  check_is(b->p.calls, 0);
  passage_end(f, &b->p, status);
  check_is(weir_test_delivered(b->source.script), b->p.info.bytes_read);
  scripted_expect(&b->sink, (size_t)b->p.info.bytes_written);
}

/* ---- How many writes it takes ---- */

static void check_writes(struct weir_fixture *f, size_t total, size_t ring,
                         size_t cap, unsigned flags, size_t writes) {
  between_t b;

  between_init(&b, total * KIB, ring * KIB);
  b.out.write.rest.bytes = cap * KIB;
  b.p.options.flags = flags;
  between_run(f, &b, 0);
  check_is(weir_test_count(b.sink.script, WEIR_TEST_WRITE), writes);
  check_is(weir_test_count(b.sink.script, WEIR_TEST_SHUTDOWN), 1);
  check_is(b.p.info.writes, writes);
  check_is(b.p.info.bytes_written, total * KIB);
  check_is(b.p.info.read_status, UV_EOF);
  check_is(b.p.info.write_status, UV_EOF);
  between_close(f, &b);
}

WEIR_TEST(relay, tops_up) {
  check_writes(f, 640, 64, 40, 0, 16);
  check_writes(f, 1024, 64, 60, 0, 18);
  check_writes(f, 1024, 64, 33, 0, 32);
}

WEIR_TEST(relay, does_not_top_up_when_asked_not_to) {
  check_writes(f, 640, 64, 40, WEIR_RELAY_NO_TOPUP, 20);
  check_writes(f, 1024, 64, 60, WEIR_RELAY_NO_TOPUP, 32);
  check_writes(f, 1024, 64, 33, WEIR_RELAY_NO_TOPUP, 32);
}

/* Where nothing is short, each chunk is a read and a write: no read in vain. */
WEIR_TEST(relay, asks_for_nothing_in_vain) {
  between_t b;
  size_t asked;

  between_init(&b, 640 * KIB, 64 * KIB);
  between_run(f, &b, 0);
  asked = weir_test_count(b.source.script, WEIR_TEST_READ) +
          weir_test_count(b.source.script, WEIR_TEST_READ_NOW);
  check_is(b.p.info.short_writes, 0);
  check_is(asked, b.p.info.reads + 1); /* and the end */
  between_close(f, &b);
}

/* Neither does it ask for little behind a write that was not short. */
WEIR_TEST(relay, does_not_top_up_where_that_does_not_pay) {
  const weir_test_step_t steps[] = {{.bytes = 20}, {.bytes = 80}};
  between_t b;

  between_init(&b, 200, 100);
  b.in.read.steps = steps;
  b.in.read.nsteps = 2;
  b.in.read.rest.turns = WEIR_TEST_NEVER;
  b.out.write.rest.turns = 3;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  while (b.p.progress < 20)
    run_turn(f);
  check_is(weir_test_delivered(b.source.script), 100);
  check_is(weir_test_count(b.source.script, WEIR_TEST_READ_NOW), 0);
  weir_relay_stop(&b.p.relay);
  passage_end(f, &b.p, UV_ECANCELED);
  between_close(f, &b);
}

/* A source that has nothing more at the moment holds up no write. */
WEIR_TEST(relay, never_waits_for_the_source_to_top_up) {
  const weir_test_step_t steps[] = {{.bytes = 100}, {.turns = WEIR_TEST_NEVER}};
  between_t b;

  between_init(&b, 200, 100);
  b.in.read.steps = steps;
  b.in.read.nsteps = 2;
  b.in.read.rest.turns = WEIR_TEST_NEVER;
  b.out.write.rest.bytes = 30;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  run_some_turns(f);
  run_some_turns(f);
  scripted_expect(&b.sink, 100);
  weir_relay_stop(&b.p.relay);
  check_is(b.p.calls, 0);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.info.read_status, 0);
  check_is(b.p.info.write_status, 0);
  between_close(f, &b);
}

/* One that has no room for the question is no error either. */
WEIR_TEST(relay, may_find_the_source_busy_when_it_tops_up) {
  const weir_test_step_t steps[] = {{.bytes = 64}, {.status = UV_EBUSY}};
  between_t b;

  between_init(&b, 1000, 64);
  b.in.read.steps = steps;
  b.in.read.nsteps = 2;
  b.out.write.rest.bytes = 30;
  between_run(f, &b, 0);
  check_is(b.p.info.bytes_written, 1000);
  check_is(scripted_call(&b.source, 1, WEIR_TEST_READ_NOW)->status, UV_EBUSY);
  between_close(f, &b);
}

/* ---- Rings of all sizes ---- */

WEIR_TEST(relay, passes_on_every_byte_through_any_ring) {
  static const size_t rings[] = {1, 2, 3, 7, 64, 999, 5000};
  static const unsigned flags[] = {0, WEIR_RELAY_NO_TOPUP};
  size_t i, j, cap;

  for (i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
    for (j = 0; j < 2; j++) {
      for (cap = 1; cap < 80; cap += 13) {
        between_t b;

        between_init(&b, 1000, rings[i]);
        b.p.options.flags = flags[j];
        b.in.read.rest.bytes = (cap * 7) % 31 + 1;
        b.in.read.rest.turns = (unsigned)cap % 2;
        b.out.write.rest.bytes = cap;
        b.out.write.rest.turns = (unsigned)cap % 3;
        between_run(f, &b, 0);
        check_is(b.p.info.bytes_written, 1000);
        between_close(f, &b);
      }
    }
  }
}

WEIR_TEST(relay, passes_on_the_end_of_nothing) {
  between_t b;

  between_init(&b, 0, 10);
  between_run(f, &b, 0);
  check_is(weir_test_count(b.sink.script, WEIR_TEST_SHUTDOWN), 1);
  check_is(weir_test_count(b.sink.script, WEIR_TEST_WRITE), 0);
  check_is(b.p.told, 0);
  between_close(f, &b);
}

WEIR_TEST(relay, leaves_the_sink_open_when_asked_to) {
  between_t b;
  struct request more = {.calls = 0};

  between_init(&b, 100, 10);
  b.p.options.flags = WEIR_RELAY_NO_EOF;
  between_run(f, &b, 0);
  check_is(weir_test_count(b.sink.script, WEIR_TEST_SHUTDOWN), 0);
  check_is(b.p.info.write_status, 0);
  check_is(
      weir_write(&more.op, &b.sink.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &more, 0, 1);
  between_close(f, &b);
}

WEIR_TEST(relay, allocates_nothing) {
  between_t b;
  size_t before;

  between_init(&b, 10000, 64);
  between_open(f, &b);
  before = alloc_calls();
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  passage_end(f, &b.p, 0);
  check_is(alloc_calls(), before);
  between_close(f, &b);
}

/* ---- Errors ---- */

/* Each read of the source fails once, those that top up too, with no bytes and
 * with some: all that came before is delivered, then the error is reported. */
static int source_fails(void *arg, size_t fail_at, int *reached) {
  struct weir_fixture *f = arg;
  size_t with;

  for (with = 0; with < 4; with += 3) {
    between_t b;

    between_init(&b, 1000, 64);
    b.in.read.rest.bytes = 50;
    b.in.read.fail_at = fail_at;
    b.in.read.failure.status = UV_ETIMEDOUT;
    b.in.read.failure.bytes = with;
    b.out.write.rest.bytes = 30;
    b.out.write.rest.turns = (unsigned)fail_at % 2;
    between_open(f, &b);
    passage_start(&b.p, &b.source.stream, &b.sink.stream);
    run_until(f, &b.p.calls);
    *reached = weir_test_failed(b.source.script);
    passage_end(f, &b.p, *reached ? UV_ETIMEDOUT : 0);
    check_is(b.p.nleft, 0);
    check_is(b.p.info.read_status, *reached ? UV_ETIMEDOUT : UV_EOF);
    check_is(b.p.info.write_status, *reached ? 0 : UV_EOF);
    check_is(weir_test_delivered(b.source.script), b.p.info.bytes_written);
    scripted_expect(&b.sink, (size_t)b.p.info.bytes_written);
    between_close(f, &b);
  }
  return 0;
}

WEIR_TEST(relay, delivers_what_came_before_an_error_of_the_source) {
  size_t runs;

  check_is(weir_test_each_failure(source_fails, f, &runs), 0);
  cr_assert(runs > 20, "only %zu runs", runs);
}

/* Each write fails once: what was not taken is still there, and the source goes
 * on behind it. */
static int sink_fails(void *arg, size_t fail_at, int *reached) {
  struct weir_fixture *f = arg;
  struct request rest = {.calls = 0};
  char bytes[8];
  between_t b;

  between_init(&b, 1000, 64);
  b.out.write.rest.bytes = 30;
  b.out.write.rest.turns = (unsigned)fail_at % 2;
  b.out.write.fail_at = fail_at;
  b.out.write.failure.status = UV_EPIPE;
  b.out.write.failure.bytes = fail_at % 3;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  run_until(f, &b.p.calls);
  *reached = weir_test_failed(b.sink.script);
  passage_end(f, &b.p, *reached ? UV_EPIPE : 0);
  check_is(b.p.info.write_status, *reached ? UV_EPIPE : UV_EOF);
  check_is(weir_test_delivered(b.source.script), b.p.info.bytes_read);
  scripted_expect(&b.sink, (size_t)b.p.info.bytes_written);
  if (*reached && b.p.info.bytes_read + sizeof(bytes) <= b.size) {
    check_is(weir_read(&rest.op, &b.source.stream,
                       weir_mseq_block(bytes, sizeof(bytes)), weir_all(),
                       on_done),
             0);
    finish(f, &rest, 0, sizeof(bytes));
    cr_assert(pattern_holds(bytes, (size_t)b.p.info.bytes_read, sizeof(bytes)));
  }
  between_close(f, &b);
  return 0;
}

WEIR_TEST(relay, keeps_what_a_sink_that_fails_did_not_take) {
  size_t runs;

  check_is(weir_test_each_failure(sink_fails, f, &runs), 0);
  cr_assert(runs > 20, "only %zu runs", runs);
}

WEIR_TEST(relay, tells_that_the_end_cannot_be_passed_on) {
  between_t b;

  between_init(&b, 100, 64);
  b.out.shutdown.status = UV_ENOTSOCK;
  between_run(f, &b, UV_ENOTSOCK);
  check_is(b.p.info.bytes_written, 100);
  check_is(b.p.info.read_status, UV_EOF);
  check_is(b.p.info.write_status, UV_ENOTSOCK);
  between_close(f, &b);
}

/* The source fails while the sink is busy with a write that then fails. */
WEIR_TEST(relay, reports_the_sink_if_both_fail) {
  const weir_test_step_t steps[] = {{.bytes = 40}, {.status = UV_ECONNRESET}};
  between_t b;

  between_init(&b, 100, 100);
  b.in.read.steps = steps;
  b.in.read.nsteps = 2;
  b.out.write.rest.turns = WEIR_TEST_NEVER;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  run_some_turns(f);
  check_is(b.p.calls, 0);
  scripted_finish(&b.sink, WEIR_TEST_WRITE, UV_EPIPE, 0);
  passage_end(f, &b.p, UV_EPIPE);
  check_is(b.p.nleft, 40);
  check_is(b.p.info.read_status, UV_ECONNRESET);
  check_is(b.p.info.write_status, UV_EPIPE);
  between_close(f, &b);
}

/* ---- Stopping ---- */

/* Goes on by hand where a relay was stopped. */
static void write_left(struct weir_fixture *f, between_t *b) {
  struct request left = {.calls = 0};

  check_is(weir_write(&left.op, &b->sink.stream,
                      weir_seq_block(b->p.left, b->p.nleft), on_done),
           0);
  finish(f, &left, 0, b->p.nleft);
}

static void go_on(struct weir_fixture *f, between_t *b) {
  weir_relay_options_t options = b->p.options;
  size_t done = (size_t)b->p.info.bytes_read;

  write_left(f, b);
  free(b->p.left);
  free(b->p.ring);
  passage_init(&b->p, options.capacity);
  b->p.options.progress = NULL;
  passage_start(&b->p, &b->source.stream, &b->sink.stream);
  run_until(f, &b->p.calls);
  check_is(b->p.status, 0);
  check_is(done + b->p.info.bytes_written, b->size);
  scripted_expect(&b->sink, b->size);
}

static void stop_it(struct weir_fixture *f, between_t *b, int at, int turns) {
  between_init(b, 1000, 64);
  b->in.read.rest.bytes = 50;
  b->in.read.rest.turns = (unsigned)turns % 3;
  b->out.write.rest.bytes = 30;
  b->out.write.rest.turns = (unsigned)turns % 2;
  b->p.stop_at = at;
  between_open(f, b);
  passage_start(&b->p, &b->source.stream, &b->sink.stream);
}

/* In each call of progress. The last of them may be too late to stop the
 * end. */
WEIR_TEST(relay, is_stopped_from_within_and_goes_on_without_a_gap) {
  between_t b;
  int at;

  for (at = 1; at < 25; at++) {
    stop_it(f, &b, at, at);
    passage_end(f, &b.p, UV_ECANCELED);
    check_is(b.p.told, at);
    go_on(f, &b);
    between_close(f, &b);
  }
}

/* After each number of turns. */
WEIR_TEST(relay, is_stopped_at_any_time_and_goes_on_without_a_gap) {
  between_t b;
  int turns, i;

  for (turns = 0; turns < 40; turns++) {
    stop_it(f, &b, 0, turns);
    for (i = 0; i < turns && b.p.calls == 0; i++)
      run_turn(f);
    if (b.p.calls == 0) {
      weir_relay_stop(&b.p.relay);
      weir_relay_stop(&b.p.relay);
      check_is(b.p.calls, 0);
    }
    run_until(f, &b.p.calls);
    passage_end(f, &b.p, b.p.status);
    if (b.p.status == UV_ECANCELED)
      go_on(f, &b);
    else
      check_is(b.p.info.write_status, UV_EOF);
    between_close(f, &b);
  }
}

WEIR_TEST(relay, that_is_stopped_does_not_wait_for_the_sink) {
  between_t b;

  between_init(&b, 100, 64);
  b.out.write.rest.turns = WEIR_TEST_NEVER;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  run_some_turns(f);
  weir_relay_stop(&b.p.relay);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.info.write_status, 0);
  check_is(b.p.nleft, 64);
  between_close(f, &b);
}

/* The end was sent in spite of it: then all is done. */
WEIR_TEST(relay, that_is_whole_when_it_is_stopped_says_so) {
  between_t b;

  between_init(&b, 100, 64);
  b.out.shutdown.turns = 2;
  b.out.shutdown.flags = WEIR_TEST_DEAF;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  while (weir_test_count(b.sink.script, WEIR_TEST_SHUTDOWN) == 0)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  weir_relay_stop(&b.p.relay);
  passage_end(f, &b.p, 0);
  check_is(b.p.info.write_status, UV_EOF);
  between_close(f, &b);
}

WEIR_TEST(relay, whose_source_is_closed_ends) {
  between_t b;

  between_init(&b, 100, 64);
  b.in.read.rest.turns = WEIR_TEST_NEVER;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  scripted_close(f, &b.source);
  check_is(b.p.calls, 1);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.info.read_status, UV_ECANCELED);
  scripted_close(f, &b.sink);
  passage_free(&b.p);
  free(b.input);
}

WEIR_TEST(relay, whose_sink_is_closed_ends) {
  between_t b;

  between_init(&b, 100, 64);
  b.out.write.rest.turns = WEIR_TEST_NEVER;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  run_some_turns(f);
  scripted_close(f, &b.sink);
  check_is(b.p.calls, 1);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.info.write_status, UV_ECANCELED);
  scripted_close(f, &b.source);
  passage_free(&b.p);
  free(b.input);
}

/* Closes one of them in the third call of progress. */
static void close_one(weir_relay_t *relay, size_t n) {
  passage_t *p = relay->data;
  between_t *b = (between_t *)((char *)p - offsetof(between_t, p));

  passage_progress(relay, n);
  if (p->told == 3)
    scripted_close_begin(b->closed);
}

static void check_closed(struct weir_fixture *f, between_t *b,
                         struct scripted *closed, struct scripted *other) {
  b->closed = closed;
  b->p.options.progress = close_one;
  between_open(f, b);
  passage_start(&b->p, &b->source.stream, &b->sink.stream);
  passage_end(f, &b->p, UV_ECANCELED);
  check_is(b->p.told, 3);
  scripted_close_end(f, closed);
  scripted_close(f, other);
  passage_free(&b->p);
  free(b->input);
}

WEIR_TEST(relay, whose_sink_is_closed_in_its_callback_ends) {
  between_t b;

  between_init(&b, 1000, 64);
  b.out.write.rest.bytes = 30;
  check_closed(f, &b, &b.sink, &b.source);
  check_is(b.p.info.write_status, UV_ECANCELED);
}

WEIR_TEST(relay, whose_source_is_closed_in_its_callback_ends) {
  between_t b;

  between_init(&b, 1000, 64);
  b.p.options.flags = WEIR_RELAY_NO_TOPUP;
  check_closed(f, &b, &b.source, &b.sink);
  check_is(b.p.info.read_status, UV_ECANCELED);
  check_is(b.p.info.write_status, 0);
}

/* ---- Without a sink ---- */

WEIR_TEST(relay, fills_its_ring_until_it_has_a_sink) {
  between_t b;

  between_init(&b, 1000, 64);
  b.in.read.rest.bytes = 20;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, NULL);
  run_some_turns(f);
  cr_assert(weir_test_delivered(b.source.script) > 32);
  check_is(b.p.calls, 0);
  check_is(weir_relay_set_sink(&b.p.relay, &b.sink.stream), 0);
  check_is(weir_relay_set_sink(&b.p.relay, &b.sink.stream), UV_EALREADY);
  passage_end(f, &b.p, 0);
  scripted_expect(&b.sink, 1000);
  between_close(f, &b);
}

/* The source has ended already. */
WEIR_TEST(relay, keeps_the_end_until_it_has_a_sink) {
  between_t b;

  between_init(&b, 20, 64);
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, NULL);
  run_out(f);
  check_is(b.p.calls, 0);
  check_is(weir_relay_set_sink(&b.p.relay, &b.sink.stream), 0);
  passage_end(f, &b.p, 0);
  scripted_expect(&b.sink, 20);
  between_close(f, &b);
}

/* All is done as soon as it has one; to stop it then is too late. */
WEIR_TEST(relay, that_has_nothing_to_pass_on_is_over_when_it_has_a_sink) {
  between_t b;

  between_init(&b, 0, 64);
  b.p.options.flags = WEIR_RELAY_NO_EOF;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, NULL);
  run_out(f);
  check_is(weir_relay_set_sink(&b.p.relay, &b.sink.stream), 0);
  weir_relay_stop(&b.p.relay);
  check_is(b.p.calls, 0);
  passage_end(f, &b.p, 0);
  between_close(f, &b);
}

WEIR_TEST(relay, without_a_sink_can_be_stopped_with_a_full_ring) {
  between_t b;

  between_init(&b, 1000, 64);
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, NULL);
  run_out(f);
  weir_relay_stop(&b.p.relay);
  check_is(b.p.calls, 0);
  weir_relay_stop(&b.p.relay);
  check_is(weir_relay_set_sink(&b.p.relay, &b.sink.stream), UV_ECANCELED);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.nleft, 64);
  run_some_turns(f);
  check_is(b.p.calls, 1);
  between_close(f, &b);
}

WEIR_TEST(relay, without_a_sink_reports_an_error_at_once) {
  between_t b;

  between_init(&b, 1000, 64);
  b.in.read.rest.bytes = 20;
  b.in.read.fail_at = 2;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, NULL);
  passage_end(f, &b.p, UV_ECONNRESET);
  check_is(b.p.nleft, 20);
  between_close(f, &b);
}

/* A sink that refuses: the relay ends, though nothing is outstanding. */
WEIR_TEST(relay, whose_sink_refuses_ends_later) {
  struct request end = {.calls = 0};
  between_t b;

  between_init(&b, 1000, 64);
  between_open(f, &b);
  check_is(
      weir_write_eof(&end.op, &b.sink.stream, weir_seq_block(NULL, 0), on_done),
      0);
  passage_start(&b.p, &b.source.stream, NULL);
  finish(f, &end, 0, 0);
  run_out(f);
  check_is(weir_relay_set_sink(&b.p.relay, &b.sink.stream), 0);
  check_is(b.p.calls, 0);
  passage_end(f, &b.p, UV_EPIPE);
  check_is(b.p.nleft, 64);
  between_close(f, &b);
}

/* ---- What is refused ---- */

static void check_refused(between_t *b, weir_stream_t *source,
                          weir_stream_t *sink, int error) {
  check_is(
      weir_relay_start(&b->p.relay, source, sink, &b->p.options, passage_over),
      error);
}

WEIR_TEST(relay, refuses_what_it_cannot_do) {
  struct later_s {
    weir_relay_options_t known;
    int more;
  } later;
  weir_stream_t *in, *out;
  weir_stream_t new;
  between_t b;

  between_init(&b, 10, 64);
  between_open(f, &b);
  in = &b.source.stream;
  out = &b.sink.stream;
  check_is(weir_relay_start(NULL, in, out, &b.p.options, passage_over),
           UV_EINVAL);
  check_is(weir_relay_start(&b.p.relay, in, out, NULL, passage_over),
           UV_EINVAL);
  check_is(weir_relay_start(&b.p.relay, in, out, &b.p.options, NULL),
           UV_EINVAL);
  check_refused(&b, NULL, out, UV_EINVAL);
  b.p.options.flags = 128;
  check_refused(&b, in, out, UV_EINVAL);
  b.p.options.flags = 0;
  b.p.options.capacity = 0;
  check_refused(&b, in, out, UV_EINVAL);
  b.p.options.capacity = 64;
  b.p.options.ring = NULL;
  check_refused(&b, in, out, UV_EINVAL);
  b.p.options.ring = b.p.ring;
  b.p.options.size = 8;
  check_refused(&b, in, out, UV_EINVAL);
  memset(&later, 0, sizeof(later));
  later.known = b.p.options;
  later.known.size = sizeof(later);
  later.more = 1;
  check_is(weir_relay_start(&b.p.relay, in, out, &later.known, passage_over),
           UV_EINVAL);
  b.p.options.size = 0;
  check_is(weir_tcp_init(f->loop, &new), 0);
  check_refused(&b, &new, out, UV_ENOTCONN);
  check_refused(&b, in, &new, UV_ENOTCONN);
  check_is(weir_close(&new, NULL), 0);
  check_refused(&b, &new, out, UV_EBADF);
  check_refused(&b, in, &new, UV_EBADF);
  check_is(weir_relay_set_sink(NULL, out), UV_EINVAL);
  run_out(f);
  /* And is as it was. */
  passage_start(&b.p, in, NULL);
  check_is(weir_relay_set_sink(&b.p.relay, NULL), UV_EINVAL);
  check_is(weir_relay_set_sink(&b.p.relay, &new), UV_EBADF);
  check_is(weir_relay_set_sink(&b.p.relay, out), 0);
  passage_end(f, &b.p, 0);
  between_close(f, &b);
}

WEIR_TEST(relay, info_is_as_long_as_is_asked_for) {
  struct longer_s {
    weir_relay_info_t known;
    char more[8];
  } longer;
  uint64_t first[2] = {7, 7};
  between_t b;

  between_init(&b, 100, 64);
  between_run(f, &b, 0);
  memset(&longer, 1, sizeof(longer));
  weir_relay_info(&b.p.relay, &longer.known, sizeof(longer));
  check_is(longer.known.bytes_written, 100);
  check_is(longer.more[0], 0);
  check_is(longer.more[7], 0);
  weir_relay_info(&b.p.relay, (weir_relay_info_t *)(void *)first, 8);
  check_is(first[0], 100);
  check_is(first[1], 7);
  between_close(f, &b);
}

/* ---- The ring in a pool ---- */

WEIR_TEST(relay, takes_its_ring_from_a_pool_and_gives_it_back) {
  weir_pool_t *pool;
  passage_t second;
  between_t b;

  check_is(weir_pool_create(f->loop, 1, 64, &pool), 0);
  between_init(&b, 1000, 1);
  b.p.options.ring = NULL;
  b.p.options.pool = pool;
  b.out.write.fail_at = 5;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  check_is(weir_pool_available(pool), 0);
  passage_init(&second, 1);
  second.options.pool = pool;
  check_is(weir_relay_start(&second.relay, &b.sink.stream, &b.source.stream,
                            &second.options, passage_over),
           UV_ENOBUFS);
  passage_end(f, &b.p, UV_ECONNRESET);
  check_is(b.p.nleft, 64);
  check_is(b.p.available, 0);
  check_is(weir_pool_available(pool), 1);
  /* One that is refused holds nothing. */
  scripted_close(f, &b.source);
  check_is(weir_relay_start(&second.relay, &b.source.stream, NULL,
                            &second.options, passage_over),
           UV_EBADF);
  check_is(weir_pool_destroy(pool), 0);
  scripted_close(f, &b.sink);
  passage_free(&second);
  passage_free(&b.p);
  free(b.input);
}

WEIR_TEST(relay, that_is_refused_its_read_gives_the_ring_back) {
  struct request read = {.calls = 0};
  weir_pool_t *pool;
  char byte;
  between_t b;

  check_is(weir_pool_create(f->loop, 1, 64, &pool), 0);
  between_init(&b, 1000, 1);
  b.p.options.pool = pool;
  b.in.read.rest.turns = WEIR_TEST_NEVER;
  between_open(f, &b);
  check_is(weir_read_some(&read.op, &b.source.stream, weir_mseq_block(&byte, 1),
                          on_done),
           0);
  check_refused(&b, &b.source.stream, &b.sink.stream, UV_EALREADY);
  check_is(weir_pool_available(pool), 1);
  weir_cancel(&read.op);
  finish(f, &read, UV_ECANCELED, 0);
  check_is(weir_pool_destroy(pool), 0);
  between_close(f, &b);
}

/* ---- The relay's memory ---- */

typedef struct mortal_s {
  weir_relay_t relay;
  char ring[64];
  int *calls;
} mortal_t;

static void end_mortal(weir_relay_t *relay, int status) {
  mortal_t *m = (mortal_t *)(void *)relay;

  check_is(status, 0);
  ++*m->calls;
  guard_end(m, sizeof(*m));
}

WEIR_TEST(relay, may_be_freed_in_its_callback) {
  mortal_t *m = guard_new(sizeof(*m));
  weir_relay_options_t options = {.ring = m->ring, .capacity = 64};
  between_t b;
  int calls = 0;

  between_init(&b, 1000, 1);
  between_open(f, &b);
  m->calls = &calls;
  check_is(weir_relay_start(&m->relay, &b.source.stream, &b.sink.stream,
                            &options, end_mortal),
           0);
  run_until(f, &calls);
  run_some_turns(f);
  check_is(calls, 1);
  between_close(f, &b);
}

static void again(weir_relay_t *relay, int status) {
  passage_t *p = relay->data;

  check_is(status, 0);
  p->calls++;
  p->info.reads += relay->reads;
  if (p->calls < 5)
    check_is(
        weir_relay_start(relay, relay->source, relay->sink, &p->options, again),
        0);
}

/* The source is at its end again and again. */
WEIR_TEST(relay, may_be_started_anew_in_its_callback) {
  weir_pool_t *pool;
  between_t b;

  check_is(weir_pool_create(f->loop, 2, 64, &pool), 0);
  between_init(&b, 1000, 1);
  b.p.options.pool = pool;
  b.p.options.flags = WEIR_RELAY_NO_EOF;
  between_open(f, &b);
  b.p.relay.data = &b.p;
  check_is(weir_relay_start(&b.p.relay, &b.source.stream, &b.sink.stream,
                            &b.p.options, again),
           0);
  run_out(f);
  check_is(b.p.calls, 5);
  check_is(weir_pool_available(pool), 2);
  check_is(weir_pool_destroy(pool), 0);
  scripted_expect(&b.sink, 1000);
  between_close(f, &b);
}

/* ---- Many ---- */

enum { CHAIN = 1500, MESSAGE = 1000 };

typedef struct hop_s {
  weir_stream_t in, out; /* the ends of one pair in memory */
  weir_relay_t relay;    /* to the next hop */
  char ring[16];
} hop_t;

static void count_hop(weir_relay_t *relay, int status) {
  check_is(status, 0);
  ++*(int *)relay->data;
}

static void chain_open(struct weir_fixture *f, hop_t *hops, int *over) {
  int i;

  for (i = 0; i < CHAIN; i++)
    check_is(weir_test_pair(f->loop, &hops[i].in, &hops[i].out, 64), 0);
  for (i = 0; i + 1 < CHAIN; i++) {
    weir_relay_options_t options = {.ring = hops[i].ring, .capacity = 16};

    hops[i].relay.data = over;
    check_is(weir_relay_start(&hops[i].relay, &hops[i].out, &hops[i + 1].in,
                              &options, count_hop),
             0);
  }
}

static void chain_close(struct weir_fixture *f, hop_t *hops) {
  int i;

  for (i = 0; i < CHAIN; i++) {
    check_is(weir_close(&hops[i].in, NULL), 0);
    check_is(weir_close(&hops[i].out, NULL), 0);
  }
  run_out(f);
}

/* A chain of relays, all of them at work at once. */
WEIR_TEST(relay, many_pass_on_what_others_pass_on) {
  static char from[MESSAGE], into[MESSAGE];
  hop_t *hops = calloc(CHAIN, sizeof(*hops));
  struct request sent = {.calls = 0}, got = {.calls = 0};
  int over = 0;

  pattern_fill(from, 0, MESSAGE);
  chain_open(f, hops, &over);
  check_is(weir_write_eof(&sent.op, &hops[0].in, weir_seq_block(from, MESSAGE),
                          on_done),
           0);
  check_is(weir_read(&got.op, &hops[CHAIN - 1].out,
                     weir_mseq_block(into, MESSAGE), weir_all(), on_done),
           0);
  finish(f, &got, 0, MESSAGE);
  finish(f, &sent, 0, MESSAGE);
  cr_assert(pattern_holds(into, 0, MESSAGE));
  while (over < CHAIN - 1)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  chain_close(f, hops);
  free(hops);
}

/* ---- At random ---- */

/* A transfer that moves some bytes, asks to be called again or takes turns. */
static weir_test_step_t some_step(random_t *dice) {
  static const int busy[] = {UV_EAGAIN, UV_EBUSY};
  weir_test_step_t step = {.turns = (unsigned)random_below(dice, 3)};

  if (random_below(dice, 8) == 0)
    step.status = busy[random_below(dice, 2)];
  else
    step.bytes = 1 + random_below(dice, 60);
  return step;
}

static void write_script(weir_test_script_t *script, weir_test_step_t *steps,
                         random_t *dice) {
  size_t i;

  script->nsteps = random_below(dice, 40);
  for (i = 0; i < script->nsteps; i++)
    steps[i] = some_step(dice);
  script->steps = steps;
  script->rest.turns = (unsigned)random_below(dice, 2);
  if (random_below(dice, 3) > 0)
    return;
  script->fail_at = 1 + random_below(dice, 30);
  script->failure.status = UV_ETIMEDOUT;
  script->failure.bytes = random_below(dice, 2) * 5;
}

static void check_random(between_t *b, int had_sink) {
  weir_relay_info_t *info = &b->p.info;

  switch (b->p.status) {
  case 0:
    check_is(info->bytes_written, b->size);
    check_is(info->read_status, UV_EOF);
    check_is(info->write_status, UV_EOF);
    break;
  case UV_ETIMEDOUT:
    check_is(info->write_status == UV_ETIMEDOUT
                 ? weir_test_failed(b->sink.script)
                 : weir_test_failed(b->source.script),
             1);
    cr_assert(info->write_status != 0 || !had_sink || b->p.nleft == 0);
    break;
  default:
    check_is(b->p.status, UV_ECANCELED);
    check_is(info->write_status, 0);
  }
  check_is(weir_test_delivered(b->source.script), info->bytes_read);
  scripted_expect(&b->sink, (size_t)info->bytes_written);
}

static void play_random(struct weir_fixture *f, random_t *dice) {
  weir_test_step_t in[40], out[40];
  size_t sink_at = random_below(dice, 3) * random_below(dice, 10);
  size_t stop_at = 1 + random_below(dice, 200);
  size_t turn = 0;
  between_t b;

  between_init(&b, random_below(dice, 2000), 1 + random_below(dice, 100));
  write_script(&b.in.read, in, dice);
  write_script(&b.out.write, out, dice);
  b.out.shutdown.turns = (unsigned)random_below(dice, 3);
  b.p.options.flags = (unsigned)random_below(dice, 2);
  b.p.stop_at = (int)random_below(dice, 60);
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, sink_at > 0 ? NULL : &b.sink.stream);
  for (; b.p.calls == 0 && turn < stop_at; turn++) {
    if (sink_at > 0 && turn == sink_at)
      check_is(weir_relay_set_sink(&b.p.relay, &b.sink.stream), 0);
    run_turn(f);
  }
  if (b.p.calls == 0)
    weir_relay_stop(&b.p.relay);
  run_until(f, &b.p.calls);
  passage_end(f, &b.p, b.p.status);
  check_random(&b, turn > sink_at || sink_at == 0);
  between_close(f, &b);
}

WEIR_TEST(relay, keeps_its_word_at_random) {
  random_t dice = random_seeded("relay");
  int i;

  for (i = 0; i < 100; i++)
    play_random(f, &dice);
}
