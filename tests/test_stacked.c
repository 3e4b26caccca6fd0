/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/net.h"

/* A kind that passes everything on to another stream, and so on, down to a
 * socket: what a layer of encryption does, without the encryption. Its
 * functions call the library's for the stream below, within which that one's
 * kind may answer at once. */

enum { DEEPEST = 20 };

typedef struct layer_s {
  weir_stream_t stream;
  weir_stream_t *below;
  weir_op_t read;
  weir_op_t write;
  int at_once; /* tries before it waits */
} layer_t;

static layer_t *layer_of(weir_stream_t *stream) {
  return weir_stream_impl(stream);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  weir_stream_read_done(op->data, status, n);
}

static void on_write(weir_op_t *op, int status, size_t n) {
  weir_stream_write_done(op->data, status, n);
}

static int layer_read_now(weir_stream_t *stream, const uv_buf_t *bufs,
                          unsigned nbufs, size_t *n) {
  return weir_read_now(layer_of(stream)->below, weir_mseq_bufs(bufs, nbufs), n);
}

static int layer_write_now(weir_stream_t *stream, const uv_buf_t *bufs,
                           unsigned nbufs, size_t *n) {
  return weir_write_try(layer_of(stream)->below, weir_seq_bufs(bufs, nbufs), n);
}

static int pending(int r) {
  return r == 0 ? WEIR_PENDING : r;
}

static int layer_read(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  layer_t *l = layer_of(stream);
  int r = l->at_once ? layer_read_now(stream, bufs, nbufs, n) : UV_EAGAIN;

  if (r != UV_EAGAIN)
    return r;
  return pending(
      weir_read_some(&l->read, l->below, weir_mseq_bufs(bufs, nbufs), on_read));
}

static int layer_write(weir_stream_t *stream, const uv_buf_t *bufs,
                       unsigned nbufs, size_t *n) {
  layer_t *l = layer_of(stream);
  int r = l->at_once ? layer_write_now(stream, bufs, nbufs, n) : UV_EAGAIN;

  if (r != UV_EAGAIN)
    return r;
  return pending(weir_write_some(&l->write, l->below,
                                 weir_seq_bufs(bufs, nbufs), on_write));
}

static int layer_cancel_read(weir_stream_t *stream) {
  weir_cancel(&layer_of(stream)->read);
  return 0;
}

static int layer_cancel_write(weir_stream_t *stream) {
  weir_cancel(&layer_of(stream)->write);
  return 0;
}

static int layer_shutdown(weir_stream_t *stream) {
  layer_t *l = layer_of(stream);

  return pending(
      weir_write_eof(&l->write, l->below, weir_seq_block("", 0), on_write));
}

static void on_below_closed(weir_stream_t *below) {
  weir_stream_close_done(below->data);
}

static void layer_close(weir_stream_t *stream) {
  layer_t *l = layer_of(stream);

  l->below->data = stream;
  check_is(weir_close(l->below, on_below_closed), 0);
}

static const weir_stream_kind_t layer_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "layer",
    .read_some = layer_read,
    .write_some = layer_write,
    .read_now = layer_read_now,
    .write_now = layer_write_now,
    .cancel_read = layer_cancel_read,
    .cancel_write = layer_cancel_write,
    .shutdown = layer_shutdown,
    .close = layer_close,
};

/* ---- Stacks ---- */

typedef struct pile_s {
  layer_t layers[DEEPEST];
  struct conn c; /* the lowest, and the peer */
  weir_stream_t *top;
  int closed;
  struct request read;
  struct request write;
  char into[64];
} pile_t;

static void on_top_closed(weir_stream_t *stream) {
  pile_t *s = stream->data;

  s->closed++;
}

/* Mode: 1, none waits without having tried; 2, every other one. */
static void stack_build(struct weir_fixture *f, pile_t *s, int depth,
                        int mode) {
  weir_stream_t *below = &s->c.stream;

  for (int i = 0; i < depth; i++) {
    layer_t *l = &s->layers[i];

    *l = (layer_t){.below = below, .at_once = mode == 1 || mode == 1 + i % 2};
    l->read.data = &l->stream;
    l->write.data = &l->stream;
    check_is(weir_stream_init(f->loop, &l->stream, &layer_kind, l), 0);
    below = &l->stream;
  }
  s->top = below;
  s->top->data = s;
}

static void stack_open(struct weir_fixture *f, pile_t *s, int depth, int mode) {
  memset(s, 0, sizeof(*s));
  conn_unix(f, &s->c);
  stack_build(f, s, depth, mode);
}

static void stack_close(struct weir_fixture *f, pile_t *s) {
  check_is(weir_close(s->top, on_top_closed), 0);
  run_until(f, &s->closed);
  close_peer(&s->c);
}

static void begin_read(pile_t *s) {
  s->read.calls = 0;
  check_is(weir_read_some(&s->read.op, s->top,
                          weir_mseq_block(s->into, sizeof(s->into)), on_done),
           0);
}

/* All depths and modes. */
static void each_stack(struct weir_fixture *f,
                       void (*body)(struct weir_fixture *f, pile_t *s)) {
  static const int depths[] = {1, 2, 5, DEEPEST};
  static pile_t s;

  for (int i = 0; i < 4; i++)
    for (int mode = 0; mode < 3; mode++) {
      stack_open(f, &s, depths[i], mode);
      body(f, &s);
      stack_close(f, &s);
    }
}

/* ---- Bytes ---- */

static void read_some_and_all(struct weir_fixture *f, pile_t *s) {
  begin_read(s);
  run_some_turns(f);
  check_is(s->read.calls, 0);
  peer_send(&s->c, 0, 10);
  finish(f, &s->read, 0, 10);
  cr_assert(pattern_holds(s->into, 0, 10));
  peer_send(&s->c, 10, 20);
  s->read.calls = 0;
  check_is(weir_read(&s->read.op, s->top, weir_mseq_block(s->into, 40),
                     weir_all(), on_done),
           0);
  run_some_turns(f);
  check_is(s->read.calls, 0);
  peer_send(&s->c, 30, 30);
  finish(f, &s->read, 0, 40);
  cr_assert(pattern_holds(s->into, 10, 40));
  begin_read(s);
  finish(f, &s->read, 0, 10);
  cr_assert(pattern_holds(s->into, 50, 10));
}

WEIR_TEST(stacked, reads) {
  each_stack(f, read_some_and_all);
}

static void write_many(struct weir_fixture *f, pile_t *s) {
  enum { COUNT = 50 };
  static struct request r[COUNT];
  static char bytes[COUNT][8];

  memset(r, 0, sizeof(r));
  for (size_t i = 0; i < COUNT; i++) {
    pattern_fill(bytes[i], i * 7, 7);
    check_is(weir_write(&r[i].op, s->top, weir_seq_block(bytes[i], 7), on_done),
             0);
    if (i % 20 == 19)
      run_turn(f);
  }
  for (size_t i = 0; i < COUNT; i++)
    finish(f, &r[i], 0, 7);
  check_is(weir_stream_queued(s->top), 0);
  peer_take(&s->c, 0, (size_t)COUNT * 7);
  check_is(weir_write_eof(&s->write.op, s->top, weir_seq_block("", 0), on_done),
           0);
  finish(f, &s->write, 0, 0);
  peer_expect_end(&s->c);
}

WEIR_TEST(stacked, writes) {
  each_stack(f, write_many);
}

/* More than the socket takes. */
enum { BIG = 1 << 20 };

static void write_big(struct weir_fixture *f, pile_t *s) {
  char *bytes = malloc(BIG);
  struct drain drain;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, BIG);
  check_is(
      weir_write_eof(&s->write.op, s->top, weir_seq_block(bytes, BIG), on_done),
      0);
  run_some_turns(f);
  check_is(s->write.calls, 0);
  drain_start(&drain, s->c.peer);
  finish(f, &s->write, 0, BIG);
  drain_join(&drain);
  check_is(drain.received, BIG);
  free(bytes);
}

WEIR_TEST(stacked, writes_of_more_than_fits) {
  each_stack(f, write_big);
}

/* ---- Cancelled ---- */

/* The bytes are there for the next, wherever the read was. */
static void cancel_after(struct weir_fixture *f, pile_t *s, int turns) {
  begin_read(s);
  for (int i = 0; i < turns; i++)
    run_turn(f);
  weir_cancel(&s->read.op);
  check_is(s->read.calls, 0);
  finish(f, &s->read, UV_ECANCELED, 0);
  peer_send(&s->c, 0, 10);
  begin_read(s);
  finish(f, &s->read, 0, 10);
  cr_assert(pattern_holds(s->into, 0, 10));
}

static void cancel_reads(struct weir_fixture *f, pile_t *s) {
  cancel_after(f, s, 0);
  cancel_after(f, s, 1);
  cancel_after(f, s, 8);
}

WEIR_TEST(stacked, reads_are_cancelled) {
  each_stack(f, cancel_reads);
}

/* With the bytes there before the read begins: one that tries at once is done
 * in its call. */
static void cancel_fresh(struct weir_fixture *f, pile_t *s) {
  peer_send(&s->c, 0, 10);
  for (int i = 0; i < 3 && !layer_of(s->top)->at_once; i++) {
    begin_read(s);
    weir_cancel(&s->read.op);
    finish(f, &s->read, UV_ECANCELED, 0);
  }
  begin_read(s);
  if (layer_of(s->top)->at_once)
    weir_cancel(&s->read.op);
  finish(f, &s->read, 0, 10);
  cr_assert(pattern_holds(s->into, 0, 10));
  check_is(weir_write(&s->write.op, s->top, weir_seq_block("x", 1), on_done),
           0);
  weir_cancel(&s->write.op);
  finish(f, &s->write, UV_ECANCELED, 0);
  run_some_turns(f);
  check_is(peer_take_available(&s->c), 0);
}

WEIR_TEST(stacked, what_has_just_begun_is_cancelled) {
  each_stack(f, cancel_fresh);
}

/* A write that is blocked at the bottom: what was taken is counted. */
static void cancel_blocked(struct weir_fixture *f, pile_t *s) {
  char *bytes = malloc(BIG);
  struct drain drain;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, BIG);
  check_is(
      weir_write(&s->write.op, s->top, weir_seq_block(bytes, BIG), on_done), 0);
  run_some_turns(f);
  weir_cancel(&s->write.op);
  run_until(f, &s->write.calls);
  check_is(s->write.status, UV_ECANCELED);
  check_is(weir_stream_queued(s->top), 0);
  drain_start(&drain, s->c.peer);
  check_is(weir_close(s->top, on_top_closed), 0);
  run_until(f, &s->closed);
  drain_join(&drain);
  check_is(drain.received, s->write.n);
  free(bytes);
}

WEIR_TEST(stacked, a_blocked_write_is_cancelled) {
  for (int mode = 0; mode < 3; mode++) {
    static pile_t s;

    stack_open(f, &s, 5, mode);
    cancel_blocked(f, &s);
    close_peer(&s.c);
  }
}

/* ---- Closed ---- */

static void close_top(weir_op_t *op, int status, size_t n) {
  pile_t *s = op->data;

  on_done(op, status, n);
  check_is(weir_close(s->top, on_top_closed), 0);
}

/* In a callback, with a read and a write that wait below. */
static void close_in_callback(struct weir_fixture *f, int depth, int mode) {
  char *bytes = malloc(BIG);
  struct request first;
  pile_t s;

  cr_assert(bytes != NULL);
  memset(bytes, 0, BIG);
  memset(&first, 0, sizeof(first));
  stack_open(f, &s, depth, mode);
  first.op.data = &s;
  check_is(weir_write(&first.op, s.top, weir_seq_block("", 0), close_top), 0);
  check_is(weir_write(&s.write.op, s.top, weir_seq_block(bytes, BIG), on_done),
           0);
  begin_read(&s);
  finish(f, &first, 0, 0);
  finish(f, &s.read, UV_ECANCELED, 0);
  run_until(f, &s.write.calls);
  check_is(s.write.status, UV_ECANCELED);
  run_until(f, &s.closed);
  check_is(s.closed, 1);
  close_peer(&s.c);
  free(bytes);
}

WEIR_TEST(stacked, is_closed_in_a_callback) {
  for (int mode = 0; mode < 3; mode++) {
    close_in_callback(f, 1, mode);
    close_in_callback(f, 2, mode);
    close_in_callback(f, DEEPEST, mode);
  }
}

/* In the callback of its own read, which had bytes. */
static void close_in_read(struct weir_fixture *f, int depth, int mode) {
  pile_t s;

  stack_open(f, &s, depth, mode);
  s.read.op.data = &s;
  peer_send(&s.c, 0, 10);
  check_is(
      weir_read_some(&s.read.op, s.top, weir_mseq_block(s.into, 64), close_top),
      0);
  finish(f, &s.read, 0, 10);
  run_until(f, &s.closed);
  close_peer(&s.c);
}

WEIR_TEST(stacked, is_closed_in_the_callback_of_its_read) {
  for (int mode = 0; mode < 3; mode++)
    for (int depth = 1; depth <= DEEPEST; depth++)
      close_in_read(f, depth, mode);
}

WEIR_TEST(stacked, many_are_closed_at_once) {
  enum { MANY = 200 };
  pile_t *all = calloc(MANY, sizeof(*all));

  cr_assert(all != NULL);
  fixture_descriptors(f, MANY);
  for (int i = 0; i < MANY; i++) {
    stack_open(f, &all[i], 1 + i % 7, i % 3);
    begin_read(&all[i]);
    if (i % 2 == 0)
      peer_send(&all[i].c, 0, 10);
  }
  run_turn(f);
  for (int i = 0; i < MANY; i++)
    check_is(weir_close(all[i].top, on_top_closed), 0);
  for (int i = 0; i < MANY; i++) {
    run_until(f, &all[i].closed);
    check_is(all[i].read.calls, 1);
    check_is(all[i].read.n, all[i].read.status == 0 ? 10 : 0);
    close_peer(&all[i].c);
  }
  free(all);
}

/* The end of the stream comes up, and an error does. */
static void ends(struct weir_fixture *f, pile_t *s) {
  begin_read(s);
  run_some_turns(f);
  close_peer(&s->c);
  finish(f, &s->read, UV_EOF, 0);
  begin_read(s);
  finish(f, &s->read, UV_EOF, 0);
  check_is(weir_write(&s->write.op, s->top, weir_seq_block("x", 1), on_done),
           0);
  finish(f, &s->write, UV_EPIPE, 0);
}

WEIR_TEST(stacked, the_end_and_errors_come_up) {
  each_stack(f, ends);
}
