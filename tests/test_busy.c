/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* Kinds that have no room (UV_EBUSY): they are asked again, nobody waits for
 * them, and nobody spins. */

/* What has no room; one for each function that may say so. */
enum { READ, WRITE, SHUTDOWN, CANCEL_READ, CANCEL_WRITE, FUNCTIONS };

static const char *const names[FUNCTIONS] = {
    "read_some", "write_some", "shutdown", "cancel_read", "cancel_write"};

enum { FOR_EVER = 1 << 30 };

typedef struct busy_s {
  weir_stream_t stream;
  struct request r;
  int which;
  int left; /* so many times more */
  int asked;
  int pending;
  int closed;
  char byte;
} busy_t;

static busy_t *of(weir_stream_t *stream) {
  return weir_stream_impl(stream);
}

/* UV_EBUSY, if it is this function's turn to say so. */
static int refuse(busy_t *b, int which) {
  if (b->which != which)
    return 0;
  b->asked++;
  if (b->left == 0)
    return 0;
  b->left--;
  return UV_EBUSY;
}

/* What is to be cancelled has to wait. */
static int transfer(busy_t *b, int which, size_t *n) {
  int r = refuse(b, which);

  if (r != 0)
    return r;
  if (b->which == CANCEL_READ || b->which == CANCEL_WRITE) {
    b->pending = 1;
    return WEIR_PENDING;
  }
  *n = 1;
  return 0;
}

static int busy_read(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  (void)bufs;
  (void)nbufs;
  return transfer(of(stream), READ, n);
}

static int busy_write(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  (void)bufs;
  (void)nbufs;
  return transfer(of(stream), WRITE, n);
}

static int busy_shutdown(weir_stream_t *stream) {
  return refuse(of(stream), SHUTDOWN);
}

static int busy_cancel_read(weir_stream_t *stream) {
  busy_t *b = of(stream);
  int r = refuse(b, CANCEL_READ);

  if (r == 0 && b->pending) {
    b->pending = 0;
    weir_stream_read_done(stream, UV_ECANCELED, 0);
  }
  return r;
}

static int busy_cancel_write(weir_stream_t *stream) {
  busy_t *b = of(stream);
  int r = refuse(b, CANCEL_WRITE);

  if (r == 0 && b->pending) {
    b->pending = 0;
    weir_stream_write_done(stream, UV_ECANCELED, 0);
  }
  return r;
}

static void busy_close(weir_stream_t *stream) {
  check_is(of(stream)->pending, 0);
  weir_stream_close_done(stream);
}

static const weir_stream_kind_t busy_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "busy",
    .read_some = busy_read,
    .write_some = busy_write,
    .cancel_read = busy_cancel_read,
    .cancel_write = busy_cancel_write,
    .shutdown = busy_shutdown,
    .close = busy_close,
};

static void begin(busy_t *b) {
  if (b->which == READ || b->which == CANCEL_READ)
    check_is(weir_read_some(&b->r.op, &b->stream, weir_mseq_block(&b->byte, 1),
                            on_done),
             0);
  else if (b->which == SHUTDOWN)
    check_is(
        weir_write_eof(&b->r.op, &b->stream, weir_seq_block(NULL, 0), on_done),
        0);
  else
    check_is(weir_write(&b->r.op, &b->stream, weir_seq_block("x", 1), on_done),
             0);
}

/* An operation that has no room so many times, or whose end has none. */
static void busy_open(struct weir_fixture *f, busy_t *b, int which, int times) {
  memset(b, 0, sizeof(*b));
  b->which = which;
  b->left = times;
  check_is(weir_stream_init(f->loop, &b->stream, &busy_kind, b), 0);
  begin(b);
  if (which == CANCEL_READ || which == CANCEL_WRITE) {
    run_turn(f);
    check_is(b->pending, 1);
    weir_cancel(&b->r.op);
  }
}

static void on_busy_closed(weir_stream_t *stream) {
  of(stream)->closed++;
}

static void busy_end(struct weir_fixture *f, busy_t *b) {
  b->left = 0;
  check_is(weir_close(&b->stream, on_busy_closed), 0);
  run_until(f, &b->closed);
  check_is(b->closed, 1);
  check_is(b->r.calls, 1);
}

/* ---- They are asked again ---- */

/* Turns that may go by until something was asked for again a few times. */
enum { FEW = 5, MOST_TURNS = 200 };

WEIR_TEST(busy, is_asked_again_until_there_is_room) {
  for (int which = 0; which < FUNCTIONS; which++) {
    weir_loop_stats_t before = stats_of(f);
    int cancelled = which == CANCEL_READ || which == CANCEL_WRITE;
    size_t n = which == SHUTDOWN || cancelled ? 0 : 1;
    busy_t b;

    busy_open(f, &b, which, FEW);
    finish(f, &b.r, cancelled ? UV_ECANCELED : 0, n);
    check_is(b.asked, FEW + 1);
    cr_assert(
        stats_of(f).turns - before.turns <= MOST_TURNS, "%llu turns for %s",
        (unsigned long long)(stats_of(f).turns - before.turns), names[which]);
    busy_end(f, &b);
  }
}

static struct request behind;

static void write_behind(weir_op_t *op, int status, size_t n) {
  check_is(status, 0);
  check_is(n, 1);
  check_is(weir_write(&behind.op, op->data, weir_seq_block("y", 1), on_done),
           0);
}

/* What a callback asks for is not asked before the pause is over, either. */
WEIR_TEST(busy, a_callback_writes_behind_what_has_no_room) {
  busy_t b, other = {.which = FUNCTIONS, .r.calls = 1};

  memset(&behind, 0, sizeof(behind));
  busy_open(f, &b, WRITE, FEW);
  check_is(weir_stream_init(f->loop, &other.stream, &busy_kind, &other), 0);
  other.r.op.data = &b.stream;
  check_is(weir_write(&other.r.op, &other.stream, weir_seq_block("x", 1),
                      write_behind),
           0);
  finish(f, &b.r, 0, 1);
  finish(f, &behind, 0, 1);
  check_is(b.asked, FEW + 2);
  busy_end(f, &b);
  busy_end(f, &other);
}

WEIR_TEST(busy, is_asked_again_under_uv_run_default) {
  for (int which = 0; which < FUNCTIONS; which++) {
    busy_t b;

    busy_open(f, &b, which, 1);
    run_out(f);
    check_is(b.r.calls, 1);
    check_is(b.asked, 2);
    busy_end(f, &b);
  }
}

/* A loop that polls uv_backend_fd, and no longer than uv_backend_timeout. */
WEIR_TEST(busy, is_asked_again_in_an_embedded_loop) {
  for (int which = 0; which < FUNCTIONS; which++) {
    busy_t b;

    busy_open(f, &b, which, FEW);
    for (int i = 0; b.r.calls == 0; i++) {
      struct pollfd p = {.fd = uv_backend_fd(&f->uv), .events = POLLIN};
      int timeout = uv_backend_timeout(&f->uv);

      cr_assert(i < MOST_TURNS && timeout >= 0 && timeout < 1000,
                "turn %d for %s: the outer loop sleeps for %d ms", i,
                names[which], timeout);
      while (poll(&p, 1, timeout) < 0)
        check_is(errno, EINTR);
      uv_run(&f->uv, UV_RUN_NOWAIT);
    }
    busy_end(f, &b);
  }
}

WEIR_TEST(busy, is_asked_again_for_a_stream_that_is_closed) {
  for (int which = CANCEL_READ; which <= CANCEL_WRITE; which++) {
    busy_t b;

    busy_open(f, &b, which, FEW);
    check_is(weir_close(&b.stream, on_busy_closed), 0);
    run_until(f, &b.closed);
    check_is(b.closed, 1);
    check_is(b.r.calls, 1);
    check_is(b.asked, FEW + 1);
    run_out(f);
  }
}

/* ---- They may say so later ---- */

/* Transfers that wait, and then find that there is no room after all. */
typedef struct late_s {
  weir_stream_t stream;
  struct request r;
  int started;
  int closed;
  char byte;
} late_t;

static int late_start(weir_stream_t *stream) {
  late_t *l = weir_stream_impl(stream);

  l->started++;
  return WEIR_PENDING;
}

static int late_transfer(weir_stream_t *stream, const uv_buf_t *bufs,
                         unsigned nbufs, size_t *n) {
  (void)bufs;
  (void)nbufs;
  (void)n;
  return late_start(stream);
}

static int late_cancel(weir_stream_t *stream) {
  (void)stream;
  return 0;
}

static void late_close(weir_stream_t *stream) {
  weir_stream_close_done(stream);
}

static const weir_stream_kind_t late_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "late",
    .read_some = late_transfer,
    .write_some = late_transfer,
    .cancel_read = late_cancel,
    .cancel_write = late_cancel,
    .shutdown = late_start,
    .close = late_close,
};

static void late_begin(late_t *l, int which) {
  if (which == READ)
    check_is(weir_read_some(&l->r.op, &l->stream, weir_mseq_block(&l->byte, 1),
                            on_done),
             0);
  else if (which == WRITE)
    check_is(weir_write(&l->r.op, &l->stream, weir_seq_block("x", 1), on_done),
             0);
  else
    check_is(
        weir_write_eof(&l->r.op, &l->stream, weir_seq_block(NULL, 0), on_done),
        0);
}

static void late_done(late_t *l, int which, int status, size_t n) {
  if (which == READ)
    weir_stream_read_done(&l->stream, status, n);
  else
    weir_stream_write_done(&l->stream, status, n);
}

static void on_late_closed(weir_stream_t *stream) {
  late_t *l = weir_stream_impl(stream);

  l->closed++;
}

WEIR_TEST(busy, is_asked_again_when_it_says_so_later) {
  for (int which = READ; which <= SHUTDOWN; which++) {
    late_t l;

    memset(&l, 0, sizeof(l));
    check_is(weir_stream_init(f->loop, &l.stream, &late_kind, &l), 0);
    late_begin(&l, which);
    run_some_turns(f);
    for (int i = 1; i <= FEW; i++) {
      check_is(l.started, i);
      late_done(&l, which, UV_EBUSY, 0);
      for (int turns = 0; l.started == i && l.r.calls == 0; turns++) {
        cr_assert(turns < MOST_TURNS, "%s is not called again", names[which]);
        uv_run(&f->uv, UV_RUN_ONCE);
      }
      cr_assert(l.r.calls == 0, "%s failed with UV_EBUSY", names[which]);
    }
    late_done(&l, which, 0, which != SHUTDOWN);
    finish(f, &l.r, 0, which != SHUTDOWN);
    check_is(weir_close(&l.stream, on_late_closed), 0);
    run_until(f, &l.closed);
  }
}

/* ---- Nobody spins ---- */

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

/* An upper limit that is far from both: once in a millisecond makes 200, a
 * spin 200 000. */
enum { WHILE_MS = 200, MOST_MEANWHILE = 1000 };

static void expect_no_spin(struct weir_fixture *f, const char *what) {
  weir_loop_stats_t before = stats_of(f);
  uv_timer_t timer;
  int over = 0;

  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &over;
  check_is(uv_timer_start(&timer, on_timer, WHILE_MS, 0), 0);
  run_until(f, &over);
  uv_close((uv_handle_t *)&timer, NULL);
  run_turn(f);
  cr_assert(stats_of(f).turns - before.turns <= MOST_MEANWHILE,
            "%llu turns while %s had no room",
            (unsigned long long)(stats_of(f).turns - before.turns), what);
}

WEIR_TEST(busy, does_not_make_the_loop_spin) {
  for (int which = 0; which < FUNCTIONS; which++) {
    busy_t b;

    busy_open(f, &b, which, FOR_EVER);
    expect_no_spin(f, names[which]);
    cr_assert(b.asked <= MOST_MEANWHILE, "%s was called %d times", names[which],
              b.asked);
    check_is(b.r.calls, 0);
    busy_end(f, &b);
  }
}

WEIR_TEST(busy, a_hundred_of_them_do_not_make_the_loop_spin) {
  enum { COUNT = 100 };
  static busy_t all[COUNT];

  for (int i = 0; i < COUNT; i++)
    busy_open(f, &all[i], i % FUNCTIONS, FOR_EVER);
  expect_no_spin(f, "a hundred of them");
  for (int i = 0; i < COUNT; i++)
    cr_assert(all[i].asked <= MOST_MEANWHILE);
  for (int i = 0; i < COUNT; i++)
    busy_end(f, &all[i]);
}

/* Beside a read that waits in the kernel. */
WEIR_TEST(busy, does_not_make_the_loop_spin_beside_what_waits) {
  struct request r = {0};
  struct conn c;
  busy_t b;
  char byte;

  conn_unix(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  busy_open(f, &b, WRITE, FOR_EVER);
  expect_no_spin(f, "a write beside a read");
  check_is(r.calls, 0);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
  busy_end(f, &b);
}

/* ---- Nobody waits for them ---- */

/* Calls of uv_run in which somebody else's operation has to be done. */
static void few_calls(struct weir_fixture *f, const struct request *r,
                      const char *what, int most) {
  for (int i = 0; r->calls == 0; i++) {
    cr_assert(i < most, "%s is held up", what);
    uv_run(&f->uv, UV_RUN_ONCE);
  }
  check_is(r->status, 0);
}

static void others_go_on(struct weir_fixture *f) {
  struct request r = {0}, w = {0}, file = {0};
  struct scratch s;
  struct conn c;
  char bytes[16];

  conn_unix(f, &c);
  peer_send(&c, 0, 1);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 1), on_done),
           0);
  few_calls(f, &r, "a read", 4);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  few_calls(f, &w, "a write", 4);
  scratch_make(&s, 16);
  check_is(weir_file_pread(f->loop, &file.op, s.fd, weir_mseq_block(bytes, 16),
                           0, on_done),
           0);
  /* It may take a thread some time, which goes by in pauses. */
  run_until(f, &file.calls);
  check_is(file.status, 0);
  check_is(file.n, 16);
  scratch_remove(&s);
  conn_close(f, &c);
}

WEIR_TEST(busy, holds_up_nobody_else) {
  for (int which = 0; which < FUNCTIONS; which++) {
    busy_t b;

    busy_open(f, &b, which, FOR_EVER);
    for (int i = 0; i < 3; i++)
      others_go_on(f);
    check_is(b.r.calls, 0);
    busy_end(f, &b);
  }
}

WEIR_TEST(busy, a_hundred_of_them_hold_up_nobody_else) {
  enum { COUNT = 100 };
  static busy_t all[COUNT];

  for (int i = 0; i < COUNT; i++)
    busy_open(f, &all[i], i % FUNCTIONS, FOR_EVER);
  others_go_on(f);
  for (int i = 0; i < COUNT; i++)
    busy_end(f, &all[i]);
}

/* The other direction of the same stream has room. */
WEIR_TEST(busy, holds_up_one_direction_only) {
  struct request w = {0}, r = {0};
  busy_t b;

  busy_open(f, &b, READ, FOR_EVER);
  run_turn(f);
  check_is(weir_write(&w.op, &b.stream, weir_seq_block("x", 1), on_done), 0);
  few_calls(f, &w, "a write beside a read of the same stream", 4);
  busy_end(f, &b);

  busy_open(f, &b, WRITE, FOR_EVER);
  run_turn(f);
  check_is(
      weir_read_some(&r.op, &b.stream, weir_mseq_block(&b.byte, 1), on_done),
      0);
  few_calls(f, &r, "a read beside a write of the same stream", 4);
  busy_end(f, &b);
}

/* ---- What waits for room can be ended ---- */

WEIR_TEST(busy, can_be_cancelled_meanwhile) {
  for (int which = READ; which <= SHUTDOWN; which++) {
    busy_t b;

    busy_open(f, &b, which, FOR_EVER);
    run_some_turns(f);
    check_is(b.r.calls, 0);
    weir_cancel(&b.r.op);
    finish(f, &b.r, UV_ECANCELED, 0);
    busy_end(f, &b);
  }
}

WEIR_TEST(busy, can_be_closed_meanwhile) {
  for (int which = READ; which <= SHUTDOWN; which++) {
    busy_t b;

    busy_open(f, &b, which, FOR_EVER);
    run_some_turns(f);
    check_is(weir_close(&b.stream, on_busy_closed), 0);
    run_until(f, &b.closed);
    finish(f, &b.r, UV_ECANCELED, 0);
    check_is(b.closed, 1);
    run_out(f);
  }
}

/* ---- More of the same is no reason to ask again ---- */

WEIR_TEST(busy, is_not_asked_again_for_every_write) {
  enum { WRITES = 1000 };
  static struct request more[WRITES];
  busy_t b;

  memset(more, 0, sizeof(more));
  busy_open(f, &b, WRITE, FOR_EVER);
  run_turn(f);
  int asked = b.asked;
  cr_assert(asked > 0);
  for (int i = 0; i < WRITES; i++)
    check_is(
        weir_write(&more[i].op, &b.stream, weir_seq_block("x", 1), on_done), 0);
  check_is(b.asked, asked);
  busy_end(f, &b);
}
