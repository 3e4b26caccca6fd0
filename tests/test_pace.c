/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/inert.h"
#include "support/net.h"
#include "support/scripted.h"

/* Reading and writing keep pace: what is read leaves again before much more is
 * read, and a write does not wait for the callbacks of others. */

/* ---- An echo under a flood ---- */

enum {
  PIECE = 256,
  READ = 64 * 1024,
  TOTAL = 8 << 20,
  FEW = 8,                /* pieces */
  MOST_QUEUED = 32 * READ /* what a turn or a few may read */
};

struct piece {
  weir_op_t op;
  struct piece *next;
  char bytes[PIECE];
};

/* What comes goes out again in small pieces; nobody waits for them. The peer
 * has always more, and takes what it is sent at once. */
struct echo {
  struct conn conn;
  weir_op_t reading;
  struct piece *pool;
  size_t sent;     /* by the peer */
  size_t received; /* by the peer */
  size_t read;
  size_t queued; /* at most */
  int bad;
  char room[READ];
};

static void on_piece(weir_op_t *op, int status, size_t n) {
  struct piece *p = (struct piece *)op;
  struct echo *e = op->data;

  if (status != 0 || n == 0)
    e->bad = 1;
  p->next = e->pool;
  e->pool = p;
}

static void send_piece(struct echo *e, const char *bytes, size_t len) {
  struct piece *p = e->pool;

  if (p != NULL)
    e->pool = p->next;
  else
    p = malloc(sizeof(*p));
  if (p == NULL)
    abort();
  memcpy(p->bytes, bytes, len);
  p->op.data = e;
  if (weir_write(&p->op, &e->conn.stream, weir_seq_block(p->bytes, len),
                 on_piece) != 0)
    e->bad = 1;
}

static void take_echo(struct echo *e) {
  if (!take_pattern(e->conn.peer, &e->received))
    e->bad = 1;
}

static void on_read(weir_op_t *op, int status, size_t n) {
  struct echo *e = op->data;
  size_t at;

  if (status != 0) {
    e->bad = 1;
    return;
  }
  e->read += n;
  for (at = 0; at < n; at += PIECE) {
    send_piece(e, e->room + at, n - at < PIECE ? n - at : PIECE);
    if (at % (FEW * PIECE) == 0)
      take_echo(e);
  }
  if (weir_stream_queued(&e->conn.stream) > e->queued)
    e->queued = weir_stream_queued(&e->conn.stream);
  offer_pattern(e->conn.peer, &e->sent, TOTAL);
  if (e->read < TOTAL &&
      weir_read_some(op, &e->conn.stream, weir_mseq_block(e->room, READ),
                     on_read) != 0)
    e->bad = 1;
}

WEIR_TEST(pace, reading_does_not_outrun_writing) {
  static struct echo e;
  struct piece *p;

  memset(&e, 0, sizeof(e));
  conn_unix(f, &e.conn);
  e.reading.data = &e;
  offer_pattern(e.conn.peer, &e.sent, TOTAL);
  check_is(weir_read_some(&e.reading, &e.conn.stream,
                          weir_mseq_block(e.room, READ), on_read),
           0);
  while (e.received < TOTAL && !e.bad) {
    take_echo(&e);
    uv_run(&f->uv, UV_RUN_ONCE);
  }
  run_out(f);
  check_is(e.bad, 0);
  check_is(e.received, TOTAL);
  cr_assert(e.queued <= MOST_QUEUED, "%zu bytes were queued", e.queued);
  while ((p = e.pool) != NULL) {
    e.pool = p->next;
    free(p);
  }
  conn_close(f, &e.conn);
}

/* ---- Callbacks that are due ---- */

enum { DUE = 1024, SEGMENT = 16 };

/* A stream of which reads are pending until they are told otherwise. */
struct source {
  weir_stream_t stream;
  weir_op_t op;
  struct crowd *crowd;
  char byte;
};

/* Many such, whose callbacks come in a row; each of the first `writers` puts
 * `writes` segments, none of which touches another, into the sink's queue. */
struct crowd {
  struct scripted sink;
  int writers;
  int writes;
  int callbacks;
  int accepted;
  int finished;
  int failed;
  int started;   /* the callback that first saw a write started */
  size_t queued; /* at most, in segments */
  struct source sources[DUE];
  weir_op_t ops[DUE];
  char bytes[DUE][2 * SEGMENT];
};

static void on_segment(weir_op_t *op, int status, size_t n) {
  struct crowd *c = op->data;

  c->finished++;
  if (status != 0 || n != SEGMENT)
    c->failed = 1;
}

static void put(struct crowd *c) {
  weir_op_t *op = &c->ops[c->accepted];
  char *bytes = c->bytes[c->accepted++];

  op->data = c;
  if (weir_write(op, &c->sink.stream, weir_seq_block(bytes, SEGMENT),
                 on_segment) != 0)
    c->failed = 1;
}

static void on_byte(weir_op_t *op, int status, size_t n) {
  struct crowd *c = ((struct source *)op->data)->crowd;
  size_t queued = weir_stream_queued(&c->sink.stream) / SEGMENT;
  int i;

  if (status != 0 || n != 1)
    c->failed = 1;
  c->callbacks++;
  if (c->started == 0 && weir_test_calls(c->sink.script) > 0)
    c->started = c->callbacks;
  if (queued > c->queued)
    c->queued = queued;
  if (c->callbacks <= c->writers)
    for (i = 0; i < c->writes; i++)
      put(c);
}

static void crowd_open(struct weir_fixture *f, struct crowd *c) {
  const weir_test_options_t options = {.no_now = 1};
  int i;

  memset(c, 0, sizeof(*c));
  scripted_open(f, &c->sink, &options);
  for (i = 0; i < DUE; i++) {
    struct source *s = &c->sources[i];

    s->crowd = c;
    s->op.data = s;
    check_is(weir_stream_init(f->loop, &s->stream, &inert_kind, NULL), 0);
    check_is(weir_read_some(&s->op, &s->stream, weir_mseq_block(&s->byte, 1),
                            on_byte),
             0);
  }
  run_some_turns(f);
}

static size_t calls_of(const struct crowd *c) {
  return weir_test_count(c->sink.script, WEIR_TEST_WRITE);
}

/* Has all callbacks come due at once, and waits until all is written. */
static void crowd_run(struct weir_fixture *f, struct crowd *c, int writers,
                      int writes) {
  int i;

  c->writers = writers;
  c->writes = writes;
  for (i = 0; i < DUE; i++)
    weir_stream_read_done(&c->sources[i].stream, 0, 1);
  run_out(f);
  check_is(c->failed, 0);
  check_is(c->callbacks, DUE);
  check_is(c->finished, writers * writes);
}

static void crowd_close(struct weir_fixture *f, struct crowd *c) {
  int i;

  for (i = 0; i < DUE; i++)
    check_is(weir_close(&c->sources[i].stream, NULL), 0);
  scripted_close(f, &c->sink);
  run_out(f);
}

WEIR_TEST(pace, a_write_of_an_idle_stream_waits_for_few_callbacks) {
  static struct crowd c;

  crowd_open(f, &c);
  crowd_run(f, &c, 1, 1);
  cr_assert(c.started > 0 && c.started <= DUE / 4,
            "%d callbacks came before the write was started",
            c.started > 0 ? c.started : DUE);
  crowd_close(f, &c);
}

WEIR_TEST(pace, a_full_window_waits_for_no_callback) {
  static struct crowd c;

  crowd_open(f, &c);
  crowd_run(f, &c, 1, WEIR_WINDOW);
  check_is(c.started, 2);
  check_is(calls_of(&c), 1);
  crowd_close(f, &c);
}

WEIR_TEST(pace, writes_of_many_callbacks_leave_in_full_windows) {
  static struct crowd c;

  crowd_open(f, &c);
  crowd_run(f, &c, DUE, 1);
  cr_assert(c.queued <= 4 * WEIR_WINDOW, "%zu segments were queued", c.queued);
  cr_assert(calls_of(&c) <= DUE / (WEIR_WINDOW / 2),
            "%zu calls for %d segments", calls_of(&c), DUE);
  crowd_close(f, &c);
}
