/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* File operations that begin within their call: in a callback, where a ring has
 * room for some of them. */

enum { MANY = 3000, ENTRIES = 8 };

struct crowd {
  weir_op_t first; /* whose callback begins the others */
  struct weir_fixture *f;
  struct scratch scratch;
  void (*begin)(struct crowd *c);
  int begun;
  int order; /* of those that have ended: 1 if that is how they began */
  int next;
  uint64_t sqes; /* when they had begun */
  struct request requests[MANY];
};

static struct crowd crowd;

static void on_first(weir_op_t *op, int status, size_t n) {
  struct crowd *c = op->data;
  check_is(status, 0);
  check_is(n, 0);
  c->begin(c);
  c->begun = 1;
  c->sqes = stats_of(c->f).sqes;
  for (int i = 0; i < MANY; i++)
    check_is(c->requests[i].calls, 0);
}

/* Has begin called within uv_run, in a turn that has its share. */
static void begin_in_callback(struct weir_fixture *f,
                              void (*begin)(struct crowd *c)) {
  struct crowd *c = &crowd;
  memset(c, 0, sizeof(*c));
  c->f = f;
  c->order = 1;
  c->begin = begin;
  c->first.data = c;
  scratch_make(&c->scratch, MANY);
  check_is(weir_file_fsync(f->loop, &c->first, c->scratch.fd, on_first), 0);
}

static void end(struct crowd *c) {
  scratch_remove(&c->scratch);
}

static void on_one(weir_op_t *op, int status, size_t n) {
  struct crowd *c = &crowd;
  struct request *r = (struct request *)op;
  c->order &= r == &c->requests[c->next++];
  on_done(op, status, n);
}

static void write_one(struct crowd *c, int i) {
  check_is(weir_file_pwrite(c->f->loop, &c->requests[i].op, c->scratch.fd,
                            weir_seq_block("\xff", 1), i, on_one),
           0);
}

/* No such descriptor: what was submitted says so, in its order. */
static void fail_with(struct crowd *c, int i, weir_op_cb cb) {
  static char byte;
  check_is(weir_file_pread(c->f->loop, &c->requests[i].op, 1 << 20,
                           weir_mseq_block(&byte, 1), 0, cb),
           0);
}

static void fail_one(struct crowd *c, int i) {
  fail_with(c, i, on_one);
}

/* ---- Cancelled before anything was submitted ---- */

static void write_and_cancel(struct crowd *c) {
  for (int i = 0; i < MANY; i++)
    write_one(c, i);
  for (int i = 0; i < MANY; i++)
    weir_cancel(&c->requests[i].op);
}

static void write_and_cancel_each(struct crowd *c) {
  for (int i = 0; i < MANY; i++) {
    write_one(c, i);
    weir_cancel(&c->requests[i].op);
    weir_cancel(&c->requests[i].op);
  }
}

static void check_undone(struct weir_fixture *f) {
  run_out(f);
  for (int i = 0; i < MANY; i++)
    finish(f, &crowd.requests[i], UV_ECANCELED, 0);
  scratch_expect(&crowd.scratch, 0, MANY);
  end(&crowd);
}

WEIR_TEST(file_begin, cancelled_in_the_callback_they_write_nothing) {
  begin_in_callback(f, write_and_cancel);
  check_undone(f);
}

WEIR_TEST(file_begin, cancelled_each_they_write_nothing) {
  begin_in_callback(f, write_and_cancel_each);
  check_undone(f);
}

WEIR_TEST(file_begin, cancelled_in_a_small_queue_they_write_nothing) {
  fixture_reattach(f, ENTRIES);
  begin_in_callback(f, write_and_cancel);
  check_undone(f);
}

static struct conn conn;
static struct request reading;

/* The stream's read needs the place in the queue that they have. */
static void fail_cancel_and_read(struct crowd *c) {
  static char byte;
  for (int i = 0; i < ENTRIES; i++)
    fail_one(c, i);
  for (int i = 0; i < ENTRIES; i++)
    weir_cancel(&c->requests[i].op);
  check_is(weir_read_some(&reading.op, &conn.stream, weir_mseq_block(&byte, 1),
                          on_done),
           0);
}

WEIR_TEST(file_begin, cancelled_they_are_not_submitted_for_another) {
  memset(&reading, 0, sizeof(reading));
  fixture_reattach(f, ENTRIES);
  conn_tcp(f, &conn);
  begin_in_callback(f, fail_cancel_and_read);
  for (int i = 0; i < ENTRIES; i++)
    finish(f, &crowd.requests[i], UV_ECANCELED, 0);
  peer_send(&conn, 0, 1);
  finish(f, &reading, 0, 1);
  end(&crowd);
  conn_close(f, &conn);
}

static void cancel_odd(struct crowd *c) {
  for (int i = 0; i < MANY; i++)
    write_one(c, i);
  for (int i = 1; i < MANY; i += 2)
    weir_cancel(&c->requests[i].op);
}

/* Entries that were taken back leave those around them alone. */
WEIR_TEST(file_begin, the_others_go_on) {
  char bytes[MANY];
  begin_in_callback(f, cancel_odd);
  run_out(f);
  check_is(pread(crowd.scratch.fd, bytes, MANY, 0), MANY);
  for (int i = 0; i < MANY; i++) {
    int odd = i % 2;
    finish(f, &crowd.requests[i], odd ? UV_ECANCELED : 0, odd ? 0 : 1);
    if (!odd)
      check_is(bytes[i], (char)0xff);
    else
      scratch_expect(&crowd.scratch, (size_t)i, 1);
  }
  end(&crowd);
}

/* ---- A turn's share ---- */

static void fail_all(struct crowd *c) {
  for (int i = 0; i < MANY; i++)
    fail_one(c, i);
}

struct turns {
  uv_prepare_t handle;
  uint64_t sqes;
  uint64_t most;
  int ended;
  int most_ended;
};

static void note_turn(uv_prepare_t *handle) {
  struct turns *t = (struct turns *)handle;
  uint64_t sqes = stats_of(crowd.f).sqes;
  if (sqes - t->sqes > t->most)
    t->most = sqes - t->sqes;
  if (crowd.next - t->ended > t->most_ended)
    t->most_ended = crowd.next - t->ended;
  t->sqes = sqes;
  t->ended = crowd.next;
}

static void check_share(struct weir_fixture *f) {
  struct turns t;
  memset(&t, 0, sizeof(t));
  begin_in_callback(f, fail_all);
  check_is(uv_prepare_init(&f->uv, &t.handle), 0);
  check_is(uv_prepare_start(&t.handle, note_turn), 0);
  uv_unref((uv_handle_t *)&t.handle);
  t.sqes = stats_of(f).sqes;
  run_out(f);
  note_turn(&t.handle);
  uv_close((uv_handle_t *)&t.handle, NULL);
  run_out(f);
  for (int i = 0; i < MANY; i++)
    finish(f, &crowd.requests[i], UV_EBADF, 0);
  cr_assert(t.most_ended > 0 && t.most_ended <= 1024);
  /* What a turn has left in the queue goes with the next wait; and the ring
   * polls libuv's descriptor. */
  cr_assert(t.most <= (f->wait == WEIR_WAIT_RING ? 2 : 1) * 1024 + 2);
  if (f->backend == WEIR_BACKEND_URING)
    check_is(crowd.order, 1);
  end(&crowd);
}

WEIR_TEST(file_begin, a_flood_is_spread_over_turns_in_order) {
  fixture_reattach(f, 4096);
  check_share(f);
}

WEIR_TEST(file_begin, a_flood_goes_through_a_small_queue_in_order) {
  fixture_reattach(f, ENTRIES);
  check_share(f);
}

static int left;

static void on_chained(weir_op_t *op, int status, size_t n);

static void fail_some(struct crowd *c, int count) {
  for (; count > 0 && left > 0; count--, left--)
    fail_with(c, MANY - left, on_chained);
}

static void on_chained(weir_op_t *op, int status, size_t n) {
  on_one(op, status, n);
  fail_some(&crowd, 2);
}

static void fail_first(struct crowd *c) {
  fail_some(c, 100);
}

/* There is room again while some of those before still wait for it. */
WEIR_TEST(file_begin, none_overtakes_those_that_wait) {
  left = MANY;
  fixture_reattach(f, ENTRIES);
  begin_in_callback(f, fail_first);
  run_out(f);
  check_is(left, 0);
  for (int i = 0; i < MANY; i++)
    finish(f, &crowd.requests[i], UV_EBADF, 0);
  if (f->backend == WEIR_BACKEND_URING)
    check_is(crowd.order, 1);
  end(&crowd);
}

/* ---- No system call, and what is begun is submitted ---- */

static uint64_t calls_made;

static void count_calls(struct crowd *c) {
  uint64_t before = stats_of(c->f).syscalls;
  fail_all(c);
  calls_made = stats_of(c->f).syscalls - before;
}

WEIR_TEST(file_begin, makes_no_system_call) {
  fixture_reattach(f, ENTRIES);
  begin_in_callback(f, count_calls);
  run_out(f);
  check_is(crowd.begun, 1);
  check_is(calls_made, 0);
  end(&crowd);
}

struct late {
  uv_timer_t timer;
  struct request request;
};

static void begin_late(uv_timer_t *timer) {
  struct late *l = (struct late *)timer;
  struct weir_fixture *f = timer->data;
  check_is(weir_file_fsync(f->loop, &l->request.op, 1 << 20, on_done), 0);
}

/* Between two turns, when each has left a share. */
WEIR_TEST(file_begin, what_a_timer_begins_is_submitted_before_a_sleep) {
  struct late l;
  memset(&l, 0, sizeof(l));
  check_is(uv_timer_init(&f->uv, &l.timer), 0);
  l.timer.data = f;
  check_is(uv_timer_start(&l.timer, begin_late, 1, 0), 0);
  run_until(f, &l.request.calls);
  finish(f, &l.request, UV_EBADF, 0);
  uv_close((uv_handle_t *)&l.timer, NULL);
  run_out(f);
}
