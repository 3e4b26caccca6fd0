/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "support/net.h"

/* Many writes, and nobody who writes behind them: when their callbacks have
 * come, the kernel keeps none of their bytes back to send them with more. All
 * of them fit into the peer's window and none wait for an answer, so that there
 * is no other reason to keep one. */

/* Less than ten windows: so many packets may be on their way. */
enum { LEN = 64, MOST = 72 };

struct train;

struct wagon {
  weir_op_t op;
  struct train *train;
  int calls;
  int status;
  size_t n;
  char bytes[LEN + 1];
  uv_buf_t segments[2];
};

struct train {
  struct conn c;
  struct conn beside;
  weir_op_t trigger;
  struct wagon wagons[MOST + 1];
  size_t count;
  size_t from;   /* the tail that is cancelled */
  size_t at;     /* in the callback of that one; count: at once */
  size_t two_of; /* every so many have their bytes in two places; 0: none */
  size_t ended;
};

static void cancel_tail(struct train *t) {
  for (size_t i = t->from; i < t->count; i++)
    if (t->wagons[i].train != NULL && t->wagons[i].calls == 0)
      weir_cancel(&t->wagons[i].op);
}

static void on_wagon(weir_op_t *op, int status, size_t n) {
  struct wagon *w = op->data;
  struct train *t = w->train;

  check_is(w->calls++, 0);
  w->status = status;
  w->n = n;
  t->ended++;
  if (w == &t->wagons[t->at])
    cancel_tail(t);
}

static void begin(struct train *t, size_t i) {
  struct wagon *w = &t->wagons[i];
  size_t gap = t->two_of != 0 && i % t->two_of == 0;
  size_t half = LEN / 2;

  w->train = t;
  w->op.data = w;
  pattern_fill(w->bytes, i * LEN, half);
  pattern_fill(w->bytes + half + gap, i * LEN + half, half);
  w->segments[0] = uv_buf_init(w->bytes, (unsigned)half);
  w->segments[1] = uv_buf_init(w->bytes + half + gap, (unsigned)half);
  check_is(
      weir_write(&w->op, &t->c.stream, weir_seq_bufs(w->segments, 2), on_wagon),
      0);
}

static void begin_rest(weir_op_t *op, int status, size_t n) {
  struct train *t = op->data;

  check_is(status + (int)n, 0);
  for (size_t i = 1; i < t->count; i++)
    begin(t, i);
  if (t->at == t->count || t->wagons[t->at].calls > 0)
    cancel_tail(t);
}

/* All at once; or while the first is under way, so that what comes behind it
 * makes a queue of many windows. */
static void begin_all(struct train *t, int queued) {
  begin(t, 0);
  t->trigger.data = t;
  if (!queued)
    begin_rest(&t->trigger, 0, 0);
  else
    check_is(weir_write(&t->trigger, &t->beside.stream, weir_seq_block("", 0),
                        begin_rest),
             0);
}

/* Bytes that the kernel has taken and not sent. */
static int held_back(const struct train *t) {
  uv_os_fd_t fd;
  int bytes = -1;

  check_is(weir_fileno(&t->c.stream, &fd), 0);
  check_is(ioctl(fd, SIOCOUTQNSD, &bytes), 0);
  return bytes;
}

/* The peer gets what they say that they sent. */
static void expect_taken(struct train *t) {
  for (size_t i = 0; i < t->count; i++) {
    const struct wagon *w = &t->wagons[i];

    check_is(w->calls, 1);
    check_is(w->status, w->n == LEN ? 0 : UV_ECANCELED);
    if (i < t->from)
      check_is(w->n, LEN);
    if (w->n > 0)
      peer_take(&t->c, i * LEN, w->n);
  }
  check_is(peer_take_available(&t->c), 0);
}

static struct train *train_open(struct weir_fixture *f) {
  struct train *t = calloc(1, sizeof(*t));

  cr_assert(t != NULL);
  conn_tcp(f, &t->c);
  conn_unix(f, &t->beside);
  check_is(weir_tcp_nodelay(&t->c.stream, 1), 0);
  return t;
}

static void train_close(struct weir_fixture *f, struct train *t) {
  reset_peer(&t->c);
  close_stream(f, &t->c);
  conn_close(f, &t->beside);
  free(t);
}

/* Begins count writes and cancels those from `from` on. */
static void run(struct weir_fixture *f, size_t count, size_t from, size_t at,
                int queued) {
  struct train *t = train_open(f);

  t->count = count;
  t->from = from;
  t->at = at;
  t->two_of = from % 3 == 0 ? 0 : 1 + from % 3;
  begin_all(t, queued);
  while (t->ended < count)
    cr_assert(uv_run(&f->uv, UV_RUN_ONCE) || t->ended == count);
  check_is(weir_stream_queued(&t->c.stream), 0);
  check_is(held_back(t), 0);
  expect_taken(t);
  train_close(f, t);
}

static const size_t counts[] = {1, 2, 15, 16, 17, 18, 31, 32, 33, 47, 64, MOST};
enum { COUNTS = sizeof(counts) / sizeof(*counts) };

/* Tails of up to more than a window. */
static void tails(struct weir_fixture *f, int inside, int queued) {
  for (int i = 0; i < COUNTS; i++)
    for (size_t tail = 0; tail <= 18 && tail < counts[i]; tail++) {
      size_t from = counts[i] - tail;

      run(f, counts[i], from, inside ? from / 2 : counts[i], queued);
    }
}

WEIR_TEST(push, nothing_is_held_back_with_a_tail_cancelled_at_once) {
  tails(f, 0, 0);
}

WEIR_TEST(push, nothing_is_held_back_with_a_tail_cancelled_in_a_callback) {
  tails(f, 1, 0);
}

WEIR_TEST(push, nothing_is_held_back_of_a_queue_with_a_tail_cancelled_at_once) {
  tails(f, 0, 1);
}

WEIR_TEST(push, nothing_is_held_back_of_a_queue_cut_in_a_callback) {
  tails(f, 1, 1);
}

/* In the callback of each, all but a few behind it. */
static void cut_anywhere(struct weir_fixture *f, int queued) {
  for (size_t at = 0; at < 40; at++)
    for (size_t from = at + 1; from < MOST; from += 5)
      run(f, MOST, from, at, queued);
}

WEIR_TEST(push, nothing_is_held_back_with_the_rest_cancelled) {
  cut_anywhere(f, 0);
}

WEIR_TEST(push, nothing_is_held_back_of_a_queue_with_the_rest_cancelled) {
  cut_anywhere(f, 1);
}

/* ---- One after another ---- */

static void on_last(weir_op_t *op, int status, size_t n) {
  struct wagon *w = op->data;

  check_is(status, 0);
  check_is(n, LEN);
  w->calls++;
}

/* By each of the calls that write. */
static void write_one(struct train *t, size_t i) {
  struct wagon *w = &t->wagons[i];
  weir_seq_t seq = weir_seq_block(w->bytes, LEN);
  size_t n;

  w->op.data = w;
  pattern_fill(w->bytes, i * LEN, LEN);
  if (i % 4 == 0)
    check_is(weir_write_now(&w->op, &t->c.stream, seq, &n, on_last), 0);
  else if (i % 4 == 1)
    check_is(weir_write_try(&t->c.stream, seq, &n), 0);
  else if (i % 4 == 2)
    check_is(weir_write_some(&w->op, &t->c.stream, seq, on_last), 0);
  else
    check_is(weir_write(&w->op, &t->c.stream, seq, on_last), 0);
}

WEIR_TEST(push, nothing_is_held_back_by_a_single_write) {
  struct train *t = train_open(f);

  for (size_t i = 0; i < 50; i++) {
    write_one(t, i);
    if (i % 4 >= 2)
      run_until(f, &t->wagons[i].calls);
    check_is(held_back(t), 0);
    peer_take(&t->c, i * LEN, LEN);
  }
  train_close(f, t);
}

/* ---- To a peer that is slow ---- */

enum { BIG = 65536, BIGS = 40 };

static void cancelled_amid(struct weir_fixture *f, const char *bytes,
                           int from) {
  struct request r[BIGS];
  size_t taken = 0, total = 0;
  struct conn c;

  memset(r, 0, sizeof(r));
  conn_slow(f, &c);
  for (size_t i = 0; i < BIGS; i++)
    check_is(weir_write(&r[i].op, &c.stream,
                        weir_seq_block(bytes + i * BIG, BIG), on_done),
             0);
  run_some_turns(f);
  for (int i = from; i < BIGS; i++)
    if (r[i].calls == 0)
      weir_cancel(&r[i].op);
  for (int i = 0; i < BIGS; i++) {
    while (r[i].calls == 0) {
      cr_assert(take_pattern(c.peer, &taken));
      run_turn(f);
    }
    total += r[i].n;
  }
  cr_assert(taken <= total);
  peer_take(&c, taken, total - taken);
  check_is(peer_take_available(&c), 0);
  conn_close(f, &c);
}

/* Many windows wait when the tail is cancelled; the peer takes what is there
 * and needs no further write to get it all. */
WEIR_TEST(push, a_slow_peer_gets_all_that_was_not_cancelled) {
  char *bytes = malloc((size_t)BIG * BIGS);

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, (size_t)BIG * BIGS);
  for (int from = 1; from < BIGS; from += 6)
    cancelled_amid(f, bytes, from);
  free(bytes);
}
