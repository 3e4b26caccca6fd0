/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/box.h"
#include "support/net.h"
#include "support/scripted.h"

/* A read begins in its call, where there is room. */

/* Every way to read but those that ask the program begins its read of s. */
static int begin_read(struct scripted *s, struct box *b, struct request *r,
                      int way) {
  static char bytes[16];
  weir_mseq_t into = weir_mseq_block(bytes, sizeof(bytes));

  memset(r, 0, sizeof(*r));
  switch (way) {
  case 0:
    return weir_read_some(&r->op, &s->stream, into, on_done);
  case 1:
    return weir_read(&r->op, &s->stream, into, weir_all(), on_done);
  case 2:
    return weir_read(&r->op, &s->stream, into, weir_at_least(3), on_done);
  case 3:
    return weir_read(&r->op, &s->stream, into, weir_exactly(3), on_done);
  case 4:
    return weir_read_until(&r->op, &s->stream, &b->buffer, weir_until_byte('x'),
                           on_done);
  case 5:
    return weir_read_until(&r->op, &s->stream, &b->buffer,
                           weir_until_bytes("xy", 2), on_done);
  default:
    return weir_read_to_end(&r->op, &s->stream, &b->buffer, 0, on_done);
  }
}

enum { WAYS = 7 };

WEIR_TEST(begin, a_read_begins_in_its_call) {
  weir_test_options_t options = {.at_end = WEIR_PENDING};
  struct scripted s;
  struct request r;
  struct box b;
  int way;

  for (way = 0; way < WAYS; way++) {
    box_open(&b, FLAT, 0);
    scripted_open(f, &s, &options);
    check_is(begin_read(&s, &b, &r, way), 0);
    check_is(weir_test_count(s.script, WEIR_TEST_READ), 1);
    run_some_turns(f);
    check_is(weir_test_count(s.script, WEIR_TEST_READ), 1);
    check_is(r.calls, 0);
    weir_cancel(&r.op);
    finish(f, &r, UV_ECANCELED, 0);
    scripted_close(f, &s);
    box_close(&b);
  }
}

/* It is done in its call, and its callback runs later. */
WEIR_TEST(begin, the_callback_never_runs_in_the_call) {
  weir_test_options_t options = {.input = "abcxyz", .input_size = 6};
  struct scripted s;
  struct request r;
  struct box b;
  int way;

  for (way = 0; way < WAYS; way++) {
    box_open(&b, FLAT, 0);
    scripted_open(f, &s, &options);
    check_is(begin_read(&s, &b, &r, way), 0);
    check_is(weir_test_delivered(s.script), way == 3 ? 3 : 6);
    check_is(r.calls, 0);
    run_until(f, &r.calls);
    scripted_close(f, &s);
    box_close(&b);
  }
}

static size_t asked(void *arg, size_t n) {
  int *calls = arg;

  (*calls)++;
  return n == 3 ? 0 : 3 - n;
}

static int matched(void *arg, const char *bytes, size_t len, size_t *end) {
  int *calls = arg;

  (void)bytes;
  (*calls)++;
  *end = len;
  return 1;
}

WEIR_TEST(begin, no_function_of_the_program_runs_in_the_call) {
  weir_test_options_t options = {.input = "abcxyz", .input_size = 6};
  struct request r = {0};
  struct scripted s;
  struct box b;
  int calls = 0;
  char bytes[3];

  box_open(&b, FLAT, 0);
  scripted_open(f, &s, &options);
  check_is(weir_read(&r.op, &s.stream, weir_mseq_block(bytes, 3),
                     weir_when(asked, &calls), on_done),
           0);
  check_is(calls, 0);
  finish(f, &r, 0, 3);
  cr_assert(calls > 0);

  calls = 0;
  memset(&r, 0, sizeof(r));
  box_put(&b, "held", 4);
  check_is(weir_read_until(&r.op, &s.stream, &b.buffer,
                           weir_until_match(matched, &calls), on_done),
           0);
  check_is(calls, 0);
  finish(f, &r, 0, 4);
  check_is(calls, 1);
  scripted_close(f, &s);
  box_close(&b);
}

WEIR_TEST(begin, what_finds_no_room_is_asked_for_again) {
  static const weir_test_step_t busy = {.status = UV_EBUSY};
  weir_test_options_t options = {.input = "abcdefgh",
                                 .input_size = 8,
                                 .read = {.steps = &busy, .nsteps = 1}};
  struct request r = {0};
  struct scripted s;
  char bytes[8];

  scripted_open(f, &s, &options);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  check_is(weir_test_count(s.script, WEIR_TEST_READ), 1);
  check_is(r.calls, 0);
  finish(f, &r, 0, 8);
  scripted_close(f, &s);
}

enum { CROWD = 600, SHARE = 512 };

/* The other half of a turn's starts is for what waits. */
WEIR_TEST(begin, half_of_a_turn_is_begun_in_calls) {
  static struct scripted crowd[CROWD];
  static struct request r[CROWD];
  weir_test_options_t options = {.input = "a", .input_size = 1};
  size_t begun = 0, i;
  char byte;

  memset(r, 0, sizeof(r));
  for (i = 0; i < CROWD; i++)
    scripted_open(f, &crowd[i], &options);
  for (i = 0; i < CROWD; i++) {
    check_is(weir_read_some(&r[i].op, &crowd[i].stream,
                            weir_mseq_block(&byte, 1), on_done),
             0);
    begun += weir_test_calls(crowd[i].script);
  }
  check_is(begun, SHARE);
  for (i = 0; i < CROWD; i++)
    finish(f, &r[i], 0, 1);
  for (i = 0; i < CROWD; i++)
    scripted_close(f, &crowd[i]);
}

/* ---- Kinds above kinds ---- */

enum { LAYERS = 5 };

/* Each reads from the next. */
struct layer {
  weir_stream_t stream;
  struct layer *below;
  weir_stream_t *source;
  weir_op_t op;
  int closed;
};

static int depth, deepest;

static void on_below(weir_op_t *op, int status, size_t n) {
  struct layer *layer =
      (struct layer *)((char *)op - offsetof(struct layer, op));

  weir_stream_read_done(&layer->stream, status, n);
}

static int layer_read(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  struct layer *layer = weir_stream_impl(stream);
  int r;

  (void)n;
  deepest = ++depth > deepest ? depth : deepest;
  r = weir_read_some(&layer->op, layer->source, weir_mseq_bufs(bufs, nbufs),
                     on_below);
  depth--;
  return r == 0 ? WEIR_PENDING : r;
}

static int layer_write(weir_stream_t *stream, const uv_buf_t *bufs,
                       unsigned nbufs, size_t *n) {
  (void)stream;
  (void)bufs;
  (void)nbufs;
  (void)n;
  return UV_ENOTSUP;
}

static int layer_cancel(weir_stream_t *stream) {
  struct layer *layer = weir_stream_impl(stream);

  deepest = ++depth > deepest ? depth : deepest;
  weir_cancel(&layer->op);
  depth--;
  return 0;
}

static int layer_nothing(weir_stream_t *stream) {
  (void)stream;
  return 0;
}

static void on_layer_closed(weir_stream_t *stream) {
  struct layer *layer = weir_stream_impl(stream);

  layer->closed = 1;
}

static const weir_stream_kind_t layer_kind = {.size =
                                                  sizeof(weir_stream_kind_t),
                                              .name = "layer",
                                              .read_some = layer_read,
                                              .write_some = layer_write,
                                              .cancel_read = layer_cancel,
                                              .cancel_write = layer_nothing,
                                              .shutdown = layer_nothing,
                                              .close = weir_stream_close_done};

WEIR_TEST(begin, layers_do_not_recurse) {
  static struct layer layers[LAYERS];
  struct request r = {0}, late = {0};
  struct conn c;
  char bytes[8];
  int i;

  depth = deepest = 0;
  conn_tcp(f, &c);
  for (i = 0; i < LAYERS; i++) {
    layers[i].source = i == 0 ? &c.stream : &layers[i - 1].stream;
    layers[i].closed = 0;
    check_is(
        weir_stream_init(f->loop, &layers[i].stream, &layer_kind, &layers[i]),
        0);
  }
  check_is(weir_read(&r.op, &layers[LAYERS - 1].stream,
                     weir_mseq_block(bytes, 8), weir_all(), on_done),
           0);
  check_is(deepest, 1);
  peer_send(&c, 0, 4);
  run_some_turns(f);
  peer_send(&c, 4, 4);
  finish(f, &r, 0, 8);
  check_is(deepest, 1);
  cr_assert(pattern_holds(bytes, 0, 8));

  check_is(weir_read_some(&late.op, &layers[LAYERS - 1].stream,
                          weir_mseq_block(bytes, 8), on_done),
           0);
  run_some_turns(f);
  weir_cancel(&late.op);
  finish(f, &late, UV_ECANCELED, 0);
  check_is(deepest, 1);
  for (i = LAYERS - 1; i >= 0; i--) {
    check_is(weir_close(&layers[i].stream, on_layer_closed), 0);
    run_until(f, &layers[i].closed);
  }
  conn_close(f, &c);
}

/* ---- Sockets ---- */

/* What was not submitted yet moves nothing. */
WEIR_TEST(begin, cancelled_in_the_same_breath_it_takes_nothing) {
  struct conn c;
  char bytes[8];
  int i;

  conn_tcp(f, &c);
  peer_send(&c, 0, 8);
  for (i = 0; i < 3; i++) {
    struct request r = {0};

    check_is(
        weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
        0);
    weir_cancel(&r.op);
    finish(f, &r, UV_ECANCELED, 0);
  }
  for (i = 0; i < 2; i++) {
    struct request r = {0};

    check_is(weir_read(&r.op, &c.stream, weir_mseq_block(bytes, 4), weir_all(),
                       on_done),
             0);
    finish(f, &r, 0, 4);
    cr_assert(pattern_holds(bytes, (size_t)i * 4, 4));
  }
  conn_close(f, &c);
}

WEIR_TEST(begin, closed_in_the_same_breath_it_is_cancelled) {
  struct request r = {0};
  struct conn c;
  char bytes[8];

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  run_until(f, &c.closed);
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
  peer_expect_end(&c);
  close_peer(&c);
}

/* From outside of uv_run: what lies in a ring is submitted, whoever sleeps. */
WEIR_TEST(begin, nobody_sleeps_on_it) {
  struct request r = {0};
  struct conn c;
  char bytes[8];

  conn_tcp(f, &c);
  run_some_turns(f);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  check_is(uv_backend_timeout(&f->uv), 0);
  peer_send(&c, 0, 8);
  finish(f, &r, 0, 8);
  conn_close(f, &c);
}
