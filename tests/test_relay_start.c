/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/between.h"
#include "support/guard.h"

/* ---- What is refused ---- */

static void check_refused(between_t *b, weir_stream_t *source,
                          weir_stream_t *sink, int error) {
  check_is(
      weir_relay_start(&b->p.relay, source, sink, &b->p.options, passage_over),
      error);
}

WEIR_TEST(relay_start, refuses_what_it_cannot_do) {
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

WEIR_TEST(relay_start, info_is_as_long_as_is_asked_for) {
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

WEIR_TEST(relay_start, takes_its_ring_from_a_pool_and_gives_it_back) {
  weir_pool_t *pool;
  passage_t second;
  between_t b;

  check_is(weir_pool_create(f->loop, 1, 64, &pool), 0);
  between_init(&b, 1000, 1);
  b.p.options.ring = NULL;
  b.p.options.pool = pool;
  b.out.write.fail_at = 5;
  between_start(f, &b);
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
  between_free(&b);
}

WEIR_TEST(relay_start, that_is_refused_its_read_gives_the_ring_back) {
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

WEIR_TEST(relay_start, may_be_freed_in_its_callback) {
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
WEIR_TEST(relay_start, may_be_started_anew_in_its_callback) {
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
