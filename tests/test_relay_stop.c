/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "support/between.h"

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
  between_start(f, b);
}

/* In each call of progress. The last of them may be too late to stop the
 * end. */
WEIR_TEST(relay_stop, is_stopped_from_within_and_goes_on_without_a_gap) {
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
WEIR_TEST(relay_stop, is_stopped_at_any_time_and_goes_on_without_a_gap) {
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

WEIR_TEST(relay_stop, that_is_stopped_does_not_wait_for_the_sink) {
  between_t b;

  between_init(&b, 100, 64);
  b.out.write.rest.turns = WEIR_TEST_NEVER;
  between_start(f, &b);
  run_some_turns(f);
  weir_relay_stop(&b.p.relay);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.info.write_status, 0);
  check_is(b.p.nleft, 64);
  between_close(f, &b);
}

/* The end was sent in spite of it: then all is done. */
WEIR_TEST(relay_stop, that_is_whole_when_it_is_stopped_says_so) {
  between_t b;

  between_init(&b, 100, 64);
  b.out.shutdown.turns = 2;
  b.out.shutdown.flags = WEIR_TEST_DEAF;
  between_start(f, &b);
  while (weir_test_count(b.sink.script, WEIR_TEST_SHUTDOWN) == 0)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  weir_relay_stop(&b.p.relay);
  passage_end(f, &b.p, 0);
  check_is(b.p.info.write_status, UV_EOF);
  between_close(f, &b);
}

/* ---- Closing ---- */

WEIR_TEST(relay_stop, whose_source_is_closed_ends) {
  between_t b;

  between_init(&b, 100, 64);
  b.in.read.rest.turns = WEIR_TEST_NEVER;
  between_start(f, &b);
  scripted_close(f, &b.source);
  check_is(b.p.calls, 1);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.info.read_status, UV_ECANCELED);
  scripted_close(f, &b.sink);
  between_free(&b);
}

WEIR_TEST(relay_stop, whose_sink_is_closed_ends) {
  between_t b;

  between_init(&b, 100, 64);
  b.out.write.rest.turns = WEIR_TEST_NEVER;
  between_start(f, &b);
  run_some_turns(f);
  scripted_close(f, &b.sink);
  check_is(b.p.calls, 1);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.info.write_status, UV_ECANCELED);
  scripted_close(f, &b.source);
  between_free(&b);
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
  between_start(f, b);
  passage_end(f, &b->p, UV_ECANCELED);
  check_is(b->p.told, 3);
  scripted_close_end(f, closed);
  scripted_close(f, other);
  between_free(b);
}

WEIR_TEST(relay_stop, whose_sink_is_closed_in_its_callback_ends) {
  between_t b;

  between_init(&b, 1000, 64);
  b.out.write.rest.bytes = 30;
  check_closed(f, &b, &b.sink, &b.source);
  check_is(b.p.info.write_status, UV_ECANCELED);
}

WEIR_TEST(relay_stop, whose_source_is_closed_in_its_callback_ends) {
  between_t b;

  between_init(&b, 1000, 64);
  b.p.options.flags = WEIR_RELAY_NO_TOPUP;
  check_closed(f, &b, &b.source, &b.sink);
  check_is(b.p.info.read_status, UV_ECANCELED);
  check_is(b.p.info.write_status, 0);
}

/* ---- Without a sink ---- */

WEIR_TEST(relay_stop, fills_its_ring_until_it_has_a_sink) {
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
WEIR_TEST(relay_stop, keeps_the_end_until_it_has_a_sink) {
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
WEIR_TEST(relay_stop, that_has_nothing_to_pass_on_is_over_when_it_has_a_sink) {
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

WEIR_TEST(relay_stop, without_a_sink_can_be_stopped_with_a_full_ring) {
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

WEIR_TEST(relay_stop, without_a_sink_reports_an_error_at_once) {
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
WEIR_TEST(relay_stop, whose_sink_refuses_ends_later) {
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
