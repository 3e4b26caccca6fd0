/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/between.h"

/* Relays that begin with bytes which were read before. */

enum { SIZE = 1000, RING = 64 };

/* All of size bytes, of which the first are in the ring. */
static void begun_init(between_t *b, size_t size, size_t held) {
  between_init(b, size, RING);
  b->in.input = b->input + held;
  b->in.input_size -= held;
  memcpy(b->p.ring, b->input, held);
  b->p.options.held = held;
}

static void check_passed(struct weir_fixture *f, size_t held, size_t cap,
                         unsigned flags, int late) {
  between_t b;
  weir_stream_t *sink = &b.sink.stream;

  begun_init(&b, SIZE, held);
  b.out.write.rest.bytes = cap;
  b.p.options.flags = flags;
  between_open(f, &b);
  passage_start(&b.p, &b.source.stream, late ? NULL : sink);
  check_is(b.p.calls, 0);
  if (late) {
    run_some_turns(f);
    check_is(weir_relay_set_sink(&b.p.relay, sink), 0);
  }
  passage_end(f, &b.p, 0);
  check_is(b.p.info.bytes_read, SIZE);
  scripted_expect(&b.sink, SIZE);
  between_close(f, &b);
}

WEIR_TEST(relay_held, goes_first_through_any_room) {
  static const size_t held[] = {1, 15, 16, 17, 31, 32, 33, 63, 64};

  for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
    for (size_t cap = 1; cap < 80; cap += 13)
      for (unsigned flags = 0; flags <= WEIR_RELAY_NO_TOPUP; flags++) {
        check_passed(f, held[i], cap, flags, 0);
        check_passed(f, held[i], cap, flags, 1);
      }
}

/* And waits for nothing. */
WEIR_TEST(relay_held, goes_before_the_source_has_more) {
  between_t b;

  begun_init(&b, SIZE, 20);
  b.in.read.rest.turns = WEIR_TEST_NEVER;
  between_start(f, &b);
  while (b.p.progress < 20)
    run_turn(f);
  weir_relay_stop(&b.p.relay);
  passage_end(f, &b.p, UV_ECANCELED);
  scripted_expect(&b.sink, 20);
  between_close(f, &b);
}

/* Also when nothing will follow it. */
WEIR_TEST(relay_held, goes_before_the_end_of_the_source) {
  between_t b;

  begun_init(&b, 20, 20);
  between_start(f, &b);
  passage_end(f, &b.p, 0);
  check_is(b.p.info.write_status, UV_EOF);
  scripted_expect(&b.sink, 20);
  between_close(f, &b);
}

WEIR_TEST(relay_held, goes_before_an_error_of_the_source) {
  between_t b;

  begun_init(&b, SIZE, RING);
  b.in.read.fail_at = 1;
  b.out.write.rest.bytes = 7;
  between_start(f, &b);
  passage_end(f, &b.p, UV_ECONNRESET);
  scripted_expect(&b.sink, RING);
  between_close(f, &b);
}

/* A sink that refuses says so in the callback, with nothing lost. */
WEIR_TEST(relay_held, is_kept_by_a_sink_that_refuses) {
  struct request end = {.calls = 0};
  between_t b;

  begun_init(&b, SIZE, RING);
  between_open(f, &b);
  check_is(
      weir_write_eof(&end.op, &b.sink.stream, weir_seq_block(NULL, 0), on_done),
      0);
  finish(f, &end, 0, 0);
  passage_start(&b.p, &b.source.stream, &b.sink.stream);
  check_is(b.p.calls, 0);
  passage_end(f, &b.p, UV_EPIPE);
  check_is(b.p.nleft, RING);
  between_close(f, &b);
}

WEIR_TEST(relay_held, is_left_by_one_that_is_stopped_at_once) {
  between_t b;

  begun_init(&b, SIZE, RING);
  b.out.write.rest.turns = WEIR_TEST_NEVER;
  between_start(f, &b);
  weir_relay_stop(&b.p.relay);
  passage_end(f, &b.p, UV_ECANCELED);
  check_is(b.p.nleft, RING);
  check_is(weir_test_delivered(b.source.script), 0);
  between_close(f, &b);
}

static void check_refused(between_t *b, int error) {
  check_is(weir_relay_start(&b->p.relay, &b->source.stream, &b->sink.stream,
                            &b->p.options, passage_over),
           error);
}

WEIR_TEST(relay_held, needs_a_ring_that_has_it_and_a_source_at_rest) {
  struct request read = {.calls = 0};
  weir_pool_t *pool;
  char byte;
  between_t b;

  begun_init(&b, SIZE, RING);
  b.in.read.rest.turns = WEIR_TEST_NEVER;
  between_open(f, &b);
  b.p.options.held = RING + 1;
  check_refused(&b, UV_EINVAL);
  check_is(weir_pool_create(f->loop, 1, 4096, &pool), 0);
  b.p.options.pool = pool;
  b.p.options.held = 1;
  check_refused(&b, UV_EINVAL);
  check_is(weir_pool_available(pool), 1);
  check_is(weir_pool_destroy(pool), 0);
  b.p.options.pool = NULL;
  b.p.options.held = RING;
  check_is(weir_read_some(&read.op, &b.source.stream, weir_mseq_block(&byte, 1),
                          on_done),
           0);
  check_refused(&b, UV_EALREADY);
  weir_cancel(&read.op);
  finish(f, &read, UV_ECANCELED, 0);
  between_close(f, &b);
}
