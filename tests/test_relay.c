/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "support/alloc.h"
#include "support/between.h"

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
  between_start(f, &b);
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
  between_start(f, &b);
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
  between_start(f, &b);
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
  between_start(f, &b);
  run_some_turns(f);
  check_is(b.p.calls, 0);
  scripted_finish(&b.sink, WEIR_TEST_WRITE, UV_EPIPE, 0);
  passage_end(f, &b.p, UV_EPIPE);
  check_is(b.p.nleft, 40);
  check_is(b.p.info.read_status, UV_ECONNRESET);
  check_is(b.p.info.write_status, UV_EPIPE);
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
