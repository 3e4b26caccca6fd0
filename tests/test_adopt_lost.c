/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/loop.h"
#include "support/adopted.h"

/* Adopted handles that the application closes. */

/* Two adopted connections with a read and a blocked write each. */
struct lost {
  struct adopted a;
  struct request read;
  struct request write;
  char byte;
};

static void lost_open(struct weir_fixture *f, struct lost *l) {
  static char bytes[SLOW_BYTES];

  adopted_open(f, &l->a, 4096, 4096);
  adopted_take(f, &l->a);
  memset(&l->read, 0, sizeof(l->read));
  memset(&l->write, 0, sizeof(l->write));
  check_is(weir_read_some(&l->read.op, &l->a.conn.stream,
                          weir_mseq_block(&l->byte, 1), on_done),
           0);
  check_is(weir_write(&l->write.op, &l->a.conn.stream,
                      weir_seq_block(bytes, SLOW_BYTES), on_done),
           0);
}

/* What was sent is what the peer gets, and then the end. */
static void lost_expect(struct weir_fixture *f, struct lost *l) {
  struct request r = {0};
  size_t got = 0;
  char bytes[4096];
  ssize_t n;

  check_is(l->read.calls, 1);
  check_is(l->read.status, UV_ECANCELED);
  check_is(l->write.calls, 1);
  check_is(l->write.status, UV_ECANCELED);
  while ((n = recv(l->a.conn.peer, bytes, sizeof(bytes), 0)) > 0)
    got += (size_t)n;
  check_is(n, 0);
  check_is(got, l->write.n);

  check_is(weir_read_some(&r.op, &l->a.conn.stream,
                          weir_mseq_block(&l->byte, 1), on_done),
           0);
  finish(f, &r, UV_EBADF, 0);
  memset(&r, 0, sizeof(r));
  check_is(
      weir_write(&r.op, &l->a.conn.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &r, UV_EBADF, 0);
}

enum phase { OUTSIDE, TIMER, IDLE, PREPARE, POLL, CHECK, CLOSING, PHASES };

struct closer {
  struct lost *lost;
  enum phase phase;
  int done;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_async_t async;
  uv_check_t check;
};

static void close_now(struct closer *c, enum phase phase) {
  if (phase != c->phase || c->done)
    return;
  c->done = 1;
  uv_close((uv_handle_t *)&c->lost->a.handle, NULL);
}

static void in_closing(uv_handle_t *handle) {
  close_now(handle->data, CLOSING);
}

static void in_timer(uv_timer_t *timer) {
  struct closer *c = timer->data;

  close_now(c, TIMER);
  uv_async_send(&c->async);
  if (c->phase == CLOSING)
    uv_close((uv_handle_t *)timer, in_closing);
}

static void in_idle(uv_idle_t *idle) {
  close_now(idle->data, IDLE);
}

static void in_prepare(uv_prepare_t *prepare) {
  close_now(prepare->data, PREPARE);
}

static void in_poll(uv_async_t *async) {
  close_now(async->data, POLL);
}

static void in_check(uv_check_t *check) {
  close_now(check->data, CHECK);
}

static void closer_close(uv_handle_t *handle) {
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* Closes the handle of l in that phase, while the loop would else sleep. */
static void closer_run(struct weir_fixture *f, struct lost *l,
                       enum phase phase) {
  static struct closer c;

  memset(&c, 0, sizeof(c));
  c.lost = l;
  c.phase = phase;
  c.timer.data = c.idle.data = c.prepare.data = c.async.data = c.check.data =
      &c;
  uv_timer_init(&f->uv, &c.timer);
  uv_timer_start(&c.timer, in_timer, 5, 0);
  uv_idle_init(&f->uv, &c.idle);
  uv_prepare_init(&f->uv, &c.prepare);
  uv_async_init(&f->uv, &c.async, in_poll);
  uv_unref((uv_handle_t *)&c.async);
  uv_check_init(&f->uv, &c.check);
  if (phase == IDLE)
    uv_idle_start(&c.idle, in_idle);
  if (phase == PREPARE)
    uv_prepare_start(&c.prepare, in_prepare);
  if (phase == CHECK)
    uv_check_start(&c.check, in_check);
  close_now(&c, OUTSIDE);
  run_until(f, &l->read.calls);
  run_until(f, &l->write.calls);
  closer_close((uv_handle_t *)&c.timer);
  closer_close((uv_handle_t *)&c.idle);
  closer_close((uv_handle_t *)&c.prepare);
  closer_close((uv_handle_t *)&c.async);
  closer_close((uv_handle_t *)&c.check);
  run_turn(f);
}

WEIR_TEST(adopt_lost, closing_the_handle_ends_its_operations) {
  static struct lost l, other;
  int phase;

  for (phase = OUTSIDE; phase < PHASES; phase++) {
    lost_open(f, &l);
    lost_open(f, &other);
    run_some_turns(f);
    closer_run(f, &l, (enum phase)phase);
    lost_expect(f, &l);
    check_is(other.read.calls + other.write.calls, 0);
    adopted_close(f, &l.a);
    adopted_close(f, &other.a);
    check_is(other.read.calls + other.write.calls, 2);
  }
}

static void on_check(uv_check_t *check) {
  uv_handle_t *handle = check->data;

  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* libuv runs the check handle that was started first last: what it closes is
 * gone before weir's next phase. */
WEIR_TEST(adopt_lost,
          closing_the_handle_in_an_older_check_ends_its_operations) {
  static struct lost l;
  uv_check_t check;

  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  check_is(uv_check_init(&f->uv, &check), 0);
  check.data = &l.a.handle;
  check_is(uv_check_start(&check, on_check), 0);
  uv_unref((uv_handle_t *)&check);
  fixture_attach(f, NULL);
  lost_open(f, &l);
  run_until(f, &l.read.calls);
  run_until(f, &l.write.calls);
  lost_expect(f, &l);
  adopted_close(f, &l.a);
  uv_close((uv_handle_t *)&check, NULL);
  run_turn(f);
}

WEIR_TEST(adopt_lost, closing_the_handle_ends_operations_that_just_began) {
  static struct lost l;

  lost_open(f, &l);
  uv_close((uv_handle_t *)&l.a.handle, NULL);
  finish(f, &l.read, UV_ECANCELED, 0);
  finish(f, &l.write, UV_ECANCELED, 0);
  adopted_close(f, &l.a);
}

/* The number of its descriptor comes again before anything is submitted. */
WEIR_TEST(adopt_lost, what_just_began_does_not_read_from_the_next_connection) {
  static struct adopted a;
  struct request stale = {0}, r = {0};
  struct conn next;
  char bytes[8];
  uv_os_fd_t before, after;

  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  run_some_turns(f);
  check_is(weir_fileno(&a.conn.stream, &before), 0);
  check_is(weir_read_some(&stale.op, &a.conn.stream, weir_mseq_block(bytes, 8),
                          on_done),
           0);
  uv_close((uv_handle_t *)&a.handle, NULL);
  conn_unix(f, &next);
  check_is(weir_fileno(&next.stream, &after), 0);
  check_is(after, before);
  peer_send(&next, 0, 8);
  finish(f, &stale, UV_ECANCELED, 0);
  check_is(weir_read(&r.op, &next.stream, weir_mseq_block(bytes, 8), weir_all(),
                     on_done),
           0);
  finish(f, &r, 0, 8);
  cr_assert(pattern_holds(bytes, 0, 8));
  conn_close(f, &next);
  adopted_close(f, &a);
}

/* The number of its descriptor comes again. */
WEIR_TEST(adopt_lost, closing_the_handle_leaves_the_next_connection_alone) {
  static struct lost l;
  struct request r = {0}, w = {0};
  struct conn c;
  uv_os_fd_t before, after;
  char bytes[8];

  lost_open(f, &l);
  run_some_turns(f);
  check_is(weir_fileno(&l.a.conn.stream, &before), 0);
  uv_close((uv_handle_t *)&l.a.handle, NULL);
  check_is(weir_fileno(&l.a.conn.stream, &after), UV_EBADF);
  run_until(f, &l.read.calls);
  run_until(f, &l.write.calls);

  conn_unix(f, &c);
  check_is(weir_fileno(&c.stream, &after), 0);
  check_is(after, before);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  run_some_turns(f);
  adopted_close(f, &l.a);
  run_some_turns(f);
  check_is(r.calls, 0);
  peer_send(&c, 0, 8);
  finish(f, &r, 0, 8);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 8), on_done), 0);
  finish(f, &w, 0, 8);
  conn_close(f, &c);
}

/* The same with a connection of libuv's, and a write that waits for a peer
 * that has ended its own side. */
WEIR_TEST(adopt_lost, closing_the_handle_leaves_the_applications_next_alone) {
  static struct lost l;
  uv_pipe_t next;
  int fds[2];
  uv_os_fd_t before;

  lost_open(f, &l);
  check_is(shutdown(l.a.conn.peer, SHUT_WR), 0);
  finish(f, &l.read, UV_EOF, 0);
  run_some_turns(f);
  check_is(l.write.calls, 0);
  check_is(weir_fileno(&l.a.conn.stream, &before), 0);
  uv_close((uv_handle_t *)&l.a.handle, NULL);
  run_until(f, &l.write.calls);
  check_is(l.write.status, UV_ECANCELED);
  memset(&l.write, 0, sizeof(l.write));
  check_is(weir_write(&l.write.op, &l.a.conn.stream, weir_seq_block("x", 1),
                      on_done),
           0);
  finish(f, &l.write, UV_EBADF, 0);

  pair_unix(fds);
  check_is(fds[0], before);
  check_is(uv_pipe_init(&f->uv, &next, 0), 0);
  check_is(uv_pipe_open(&next, fds[0]), 0);
  check_is(libuv_reads((uv_stream_t *)&next), 0);
  run_some_turns(f);
  adopted_close(f, &l.a);
  check_is(write(fds[1], "there", 5), 5);
  check_is(libuv_has_read(f), 5);
  uv_close((uv_handle_t *)&next, NULL);
  run_out(f);
  close(fds[1]);
}

/* ---- A handle that is closed by a callback of the same turn ---- */

struct closing {
  struct weir_fixture *f;
  struct adopted a;
  struct conn beside;
  weir_op_t first, second;
  struct request stale;
  char bytes[8];
  uv_os_fd_t number;
  int writes;
  int reuses;
  int full; /* nothing more is started in that turn */
  int other[2];
  int closed;
};

static void close_and_reuse(weir_op_t *op, int status, size_t n) {
  struct closing *c =
      (struct closing *)((char *)op - offsetof(struct closing, second));

  (void)status;
  (void)n;
  uv_close((uv_handle_t *)&c->a.handle, NULL);
  c->closed = 1;
  if (c->full)
    c->f->loop->starts_left = 0;
  if (!c->reuses)
    return;
  pair_unix(c->other);
  check_is(c->other[0], c->number);
  check_is(write(c->other[1], "theirs", 6), 6);
}

/* The transfer is begun at the next flush, which has the other callback run
 * right after it. */
static void begin_both(weir_op_t *op, int status, size_t n) {
  struct closing *c =
      (struct closing *)((char *)op - offsetof(struct closing, first));

  (void)status;
  (void)n;
  if (c->writes)
    check_is(weir_write(&c->stale.op, &c->a.conn.stream,
                        weir_seq_block("stale", 5), on_done),
             0);
  else
    check_is(weir_read_some(&c->stale.op, &c->a.conn.stream,
                            weir_mseq_block(c->bytes, 8), on_done),
             0);
  check_is(weir_write(&c->second, &c->beside.stream, weir_seq_block(NULL, 0),
                      close_and_reuse),
           0);
}

static void expect_untouched(struct closing *c) {
  char bytes[16];

  check_is(recv(c->other[0], bytes, sizeof(bytes), MSG_DONTWAIT), 6);
  check_is(recv(c->other[1], bytes, sizeof(bytes), MSG_DONTWAIT), -1);
  close(c->other[0]);
  close(c->other[1]);
}

static void closed_by_a_callback(struct weir_fixture *f, int writes, int reuses,
                                 int full) {
  static struct closing c;

  memset(&c, 0, sizeof(c));
  c.f = f;
  c.writes = writes;
  c.reuses = reuses;
  c.full = full;
  conn_unix(f, &c.beside);
  adopted_open(f, &c.a, 0, 0);
  adopted_take(f, &c.a);
  run_some_turns(f);
  check_is(weir_fileno(&c.a.conn.stream, &c.number), 0);
  check_is(weir_write(&c.first, &c.beside.stream, weir_seq_block(NULL, 0),
                      begin_both),
           0);
  run_until(f, &c.closed);
  run_until(f, &c.stale.calls);
  if (!writes || c.stale.status != 0)
    check_is(c.stale.status, UV_ECANCELED);
  if (reuses)
    expect_untouched(&c);
  adopted_close(f, &c.a);
  conn_close(f, &c.beside);
}

WEIR_TEST(adopt_lost, closed_by_a_callback_it_reads_from_no_other) {
  closed_by_a_callback(f, 0, 1, 0);
}

WEIR_TEST(adopt_lost, closed_by_a_callback_it_writes_to_no_other) {
  closed_by_a_callback(f, 1, 1, 0);
}

WEIR_TEST(adopt_lost, closed_in_a_full_turn_it_reads_from_no_other) {
  closed_by_a_callback(f, 0, 1, 1);
}

WEIR_TEST(adopt_lost, closed_in_a_full_turn_it_writes_to_no_other) {
  closed_by_a_callback(f, 1, 1, 1);
}

/* The same for one of another loop, which has begun in the same phase. */
static void on_second(weir_op_t *op, int status, size_t n) {
  struct closing *c =
      (struct closing *)((char *)op - offsetof(struct closing, second));

  (void)status;
  (void)n;
  uv_close((uv_handle_t *)&c->a.handle, NULL);
}

WEIR_TEST(adopt_lost, closed_by_another_loops_callback_it_is_not_watched) {
  weir_loop_options_t options = {.backend = f->backend};
  static struct closing c;
  weir_loop_t *second;

  memset(&c, 0, sizeof(c));
  check_is(weir_loop_attach(&f->uv, &options, &second), 0);
  conn_unix(f, &c.beside);
  adopted_open(f, &c.a, 0, 0);
  check_is(weir_adopt(second, &c.a.conn.stream, (uv_stream_t *)&c.a.handle), 0);
  run_some_turns(f);
  check_is(weir_write(&c.second, &c.beside.stream, weir_seq_block(NULL, 0),
                      on_second),
           0);
  check_is(weir_read_some(&c.stale.op, &c.a.conn.stream,
                          weir_mseq_block(c.bytes, 8), on_done),
           0);
  finish(f, &c.stale, UV_ECANCELED, 0);
  adopted_close(f, &c.a);
  conn_close(f, &c.beside);
  check_is(weir_loop_detach(second, NULL), 0);
  run_out(f);
}

/* libuv ends a program that has it watch a descriptor which is closed. */
WEIR_TEST(adopt_lost, closed_by_a_callback_it_is_not_watched) {
  closed_by_a_callback(f, 0, 0, 0);
  closed_by_a_callback(f, 1, 0, 0);
}
