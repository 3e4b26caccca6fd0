/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/inert.h"
#include "support/net.h"
#include "support/sanitized.h"

/* Floods: completions that come at once neither grow the stack nor starve the
 * rest of the loop. */

/* An operation whose callback starts it again. */
struct chain {
  weir_op_t op;
  weir_stream_t *stream;
  size_t len;
  long left;
  int failed;
  char byte;
};

static void write_again(weir_op_t *op, int status, size_t n) {
  struct chain *c = (struct chain *)op;

  if (status != 0 || n != c->len)
    c->failed = 1;
  if (c->failed || --c->left <= 0)
    return;
  if (weir_write(op, c->stream, weir_seq_block(&c->byte, c->len),
                 write_again) != 0)
    c->failed = 1;
}

static void read_again(weir_op_t *op, int status, size_t n) {
  struct chain *c = (struct chain *)op;

  if (status != 0 || n != 1)
    c->failed = 1;
  if (c->failed || --c->left <= 0)
    return;
  if (weir_read_some(op, c->stream, weir_mseq_block(&c->byte, 1), read_again) !=
      0)
    c->failed = 1;
}

/* A stream that never waits, and remembers nothing of millions. */
static int take_byte(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  (void)stream;
  (void)bufs;
  (void)nbufs;
  *n = 1;
  return 0;
}

static weir_stream_kind_t flood_kind(void) {
  weir_stream_kind_t kind = inert_kind;

  kind.read_some = take_byte;
  kind.write_some = take_byte;
  return kind;
}

static void chain_start(struct chain *c, weir_stream_t *stream, long count) {
  memset(c, 0, sizeof(*c));
  c->stream = stream;
  c->len = 1;
  c->left = count;
}

/* ---- The stack ---- */

enum { DEEP = 1000000 };

enum { STACK = (SANITIZED ? 512 : 64) * 1024 };

/* Some systems want more. */
static size_t small_stack(void) {
  const long least = PTHREAD_STACK_MIN;
  return least > STACK ? (size_t)least : STACK;
}

struct deep {
  weir_backend_t backend;
  weir_wait_t wait;
  int error;
  struct chain writes;
  struct chain reads;
};

static void flood(struct deep *d, uv_loop_t *uv) {
  const weir_stream_kind_t kind = flood_kind();
  static weir_stream_t stream;
  weir_loop_options_t options = {0};
  weir_loop_t *loop;

  options.backend = d->backend;
  options.wait = d->wait;
  d->error = weir_loop_attach(uv, &options, &loop);
  if (d->error != 0)
    return;
  d->error = weir_stream_init(loop, &stream, &kind, NULL);
  chain_start(&d->writes, &stream, DEEP);
  chain_start(&d->reads, &stream, DEEP);
  d->error |=
      weir_write(&d->writes.op, &stream, weir_seq_block("x", 1), write_again);
  d->error |= weir_read_some(&d->reads.op, &stream,
                             weir_mseq_block(&d->reads.byte, 1), read_again);
  uv_run(uv, UV_RUN_DEFAULT);
  d->error |= weir_close(&stream, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  d->error |= weir_loop_detach(loop, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
}

static void *on_small_stack(void *arg) {
  struct deep *d = arg;
  uv_loop_t uv;

  d->error = uv_loop_init(&uv);
  if (d->error != 0)
    return NULL;
  flood(d, &uv);
  d->error |= uv_loop_close(&uv);
  return NULL;
}

WEIR_TEST(fair, a_million_inline_completions_fit_a_small_stack) {
  static struct deep d;
  pthread_attr_t attr;
  pthread_t thread;

  memset(&d, 0, sizeof(d));
  d.backend = f->backend;
  d.wait = f->wait;
  check_is(pthread_attr_init(&attr), 0);
  check_is(pthread_attr_setstacksize(&attr, small_stack()), 0);
  check_is(pthread_create(&thread, &attr, on_small_stack, &d), 0);
  check_is(pthread_join(thread, NULL), 0);
  pthread_attr_destroy(&attr);
  check_is(d.error, 0);
  check_is(d.writes.failed, 0);
  check_is(d.writes.left, 0);
  check_is(d.reads.failed, 0);
  check_is(d.reads.left, 0);
}

/* ---- The rest of the loop ---- */

struct ticker {
  uv_timer_t timer;
  int ticks;
};

static void on_tick(uv_timer_t *timer) {
  struct ticker *t = timer->data;

  if (++t->ticks == 3)
    uv_close((uv_handle_t *)timer, NULL);
}

static void ticker_start(struct weir_fixture *f, struct ticker *t) {
  t->ticks = 0;
  t->timer.data = t;
  check_is(uv_timer_init(&f->uv, &t->timer), 0);
  check_is(uv_timer_start(&t->timer, on_tick, 1, 1), 0);
}

/* Chains without an end, which only Criterion's timeout would stop. */
static void stop_chains(struct chain *a, struct chain *b) {
  a->left = 0;
  b->left = 0;
}

WEIR_TEST(fair, timers_fire_under_a_flood_of_inline_completions) {
  const weir_stream_kind_t kind = flood_kind();
  static weir_stream_t s;
  static struct chain reads, writes;
  struct ticker ticker;

  check_is(weir_stream_init(f->loop, &s, &kind, NULL), 0);
  chain_start(&writes, &s, LONG_MAX);
  chain_start(&reads, &s, LONG_MAX);
  check_is(weir_write(&writes.op, &s, weir_seq_block("x", 1), write_again), 0);
  check_is(weir_read_some(&reads.op, &s, weir_mseq_block(&reads.byte, 1),
                          read_again),
           0);
  ticker_start(f, &ticker);
  while (ticker.ticks < 3)
    uv_run(&f->uv, UV_RUN_ONCE);
  stop_chains(&reads, &writes);
  run_out(f);
  check_is(reads.failed + writes.failed, 0);
  check_is(weir_close(&s, NULL), 0);
  run_out(f);
}

WEIR_TEST(fair, timers_fire_under_a_flood_of_empty_writes) {
  static struct chain a, b;
  struct conn c;
  struct ticker ticker;

  conn_tcp(f, &c);
  chain_start(&a, &c.stream, LONG_MAX);
  chain_start(&b, &c.stream, LONG_MAX);
  a.len = b.len = 0;
  check_is(weir_write(&a.op, &c.stream, weir_seq_block(NULL, 0), write_again),
           0);
  check_is(weir_write(&b.op, &c.stream, weir_seq_block(NULL, 0), write_again),
           0);
  ticker_start(f, &ticker);
  while (ticker.ticks < 3)
    uv_run(&f->uv, UV_RUN_ONCE);
  stop_chains(&a, &b);
  run_out(f);
  check_is(a.failed + b.failed, 0);
  conn_close(f, &c);
}

WEIR_TEST(fair, a_flooding_stream_lets_another_through) {
  const weir_stream_kind_t kind = flood_kind();
  static weir_stream_t s;
  static struct chain reads, writes;
  struct request r = {0};
  struct conn c;
  char bytes[16];

  check_is(weir_stream_init(f->loop, &s, &kind, NULL), 0);
  conn_tcp(f, &c);
  chain_start(&writes, &s, LONG_MAX);
  chain_start(&reads, &s, LONG_MAX);
  check_is(weir_write(&writes.op, &s, weir_seq_block("x", 1), write_again), 0);
  check_is(weir_read_some(&reads.op, &s, weir_mseq_block(&reads.byte, 1),
                          read_again),
           0);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 16), on_done), 0);
  peer_send(&c, 0, 16);
  finish(f, &r, 0, 16);
  stop_chains(&reads, &writes);
  run_out(f);
  check_is(weir_close(&s, NULL), 0);
  run_out(f);
  conn_close(f, &c);
}

/* ---- A peer that floods ---- */

struct flooder {
  uv_thread_t thread;
  int fd;
};

static void flood_peer(void *arg) {
  struct flooder *fl = arg;
  static const char bytes[16384];

  while (send(fl->fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
    continue;
}

struct sink {
  weir_op_t op;
  struct conn *conn;
  int stop;
  int failed;
  char bytes[512];
};

static void sink_read(weir_op_t *op, int status, size_t n) {
  struct sink *s = (struct sink *)op;

  if (status != 0 || n == 0)
    s->failed = 1;
  if (s->stop || s->failed)
    return;
  if (weir_read_some(op, &s->conn->stream,
                     weir_mseq_block(s->bytes, sizeof(s->bytes)),
                     sink_read) != 0)
    s->failed = 1;
}

WEIR_TEST(fair, a_flooding_peer_lets_timers_and_others_through) {
  static struct sink sink;
  struct flooder flooder;
  struct request r = {0};
  struct ticker ticker;
  struct conn c, other;
  char bytes[16];

  conn_unix(f, &c);
  conn_tcp(f, &other);
  memset(&sink, 0, sizeof(sink));
  sink.conn = &c;
  flooder.fd = c.peer;
  check_is(uv_thread_create(&flooder.thread, flood_peer, &flooder), 0);
  check_is(weir_read_some(&sink.op, &c.stream,
                          weir_mseq_block(sink.bytes, sizeof(sink.bytes)),
                          sink_read),
           0);
  check_is(
      weir_read_some(&r.op, &other.stream, weir_mseq_block(bytes, 16), on_done),
      0);
  ticker_start(f, &ticker);
  peer_send(&other, 0, 16);
  while (ticker.ticks < 3)
    uv_run(&f->uv, UV_RUN_ONCE);
  finish(f, &r, 0, 16);
  sink.stop = 1;
  run_out(f);
  check_is(sink.failed, 0);
  close_stream(f, &c);
  check_is(uv_thread_join(&flooder.thread), 0);
  close_peer(&c);
  conn_close(f, &other);
}
