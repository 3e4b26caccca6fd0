/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/sweep.h"

/* Writes: every cut of the memory, every cut of what the stream takes, and an
 * error at every transfer, with and without bytes. */

enum { SIZE = 5, ALL = -1, SOME = -2, TRANSFERS = 6 };

static const char BYTES[] = "abcde";

/* What is varied. */
struct writing {
  struct sweep sweep;
  int need; /* ALL, SOME, or the k of weir_write_at_least */
  weir_seq_t from;
};

static size_t needed(const struct writing *w) {
  return w->need == ALL ? SIZE : w->need == SOME ? 1 : (size_t)w->need;
}

static struct outcome expected(const struct writing *w, size_t fail_at,
                               int *reached) {
  struct outcome o = {0, 0};

  for (size_t transfer = 1; o.n < needed(w) && !*reached; transfer++) {
    size_t give;

    *reached = sweep_give(&w->sweep, transfer, fail_at, SIZE - o.n, &give);
    o.n += give;
  }
  if (o.n < needed(w))
    o.status = UV_ETIMEDOUT;
  return o;
}

static int begin(struct writing *w, struct request *r, weir_stream_t *stream) {
  if (w->need == ALL)
    return weir_write(&r->op, stream, w->from, on_done);
  if (w->need == SOME)
    return weir_write_some(&r->op, stream, w->from, on_done);
  return weir_write_at_least(&r->op, stream, w->from, (size_t)w->need, on_done);
}

static int run(void *arg, size_t fail_at, int *reached) {
  struct writing *w = arg;
  weir_test_options_t options = {.write = sweep_script(&w->sweep, fail_at)};
  struct outcome o = expected(w, fail_at, reached);
  struct request r = {.calls = 0};
  struct scripted s;
  const void *log;
  size_t size;

  scripted_open(w->sweep.f, &s, &options);
  check_is(begin(w, &r, &s.stream), 0);
  finish(w->sweep.f, &r, o.status, o.n);
  check_is(weir_test_failed(s.script), *reached);
  log = weir_test_written(s.script, &size);
  check_is(size, o.n);
  cr_assert(o.n == 0 || memcmp(log, BYTES, o.n) == 0);
  check_is(weir_stream_queued(&s.stream), 0);
  scripted_close(w->sweep.f, &s);
  return 0;
}

static int each_failure(void *arg, weir_seq_t from) {
  struct writing *w = arg;

  w->from = from;
  sweep_failures(&w->sweep, run, TRANSFERS);
  return 0;
}

static void each_cut(struct sweep *w) {
  check_is(weir_test_splits3(weir_seq_block(BYTES, SIZE), each_failure, w), 0);
}

static void every_cut_and_failure(struct weir_fixture *f, int need) {
  struct writing w = {.sweep = {.f = f}, .need = need};

  sweep_cuts(&w.sweep, SIZE, each_cut);
}

WEIR_TEST(write_cond, all_at_every_cut_and_failure) {
  every_cut_and_failure(f, ALL);
}

WEIR_TEST(write_cond, some_at_every_cut_and_failure) {
  every_cut_and_failure(f, SOME);
}

WEIR_TEST(write_cond, at_least_at_every_cut_and_failure) {
  int k;

  for (k = 0; k <= SIZE; k++)
    every_cut_and_failure(f, k);
}

WEIR_TEST(write_cond, at_least_gives_control_back_before_all_is_sent) {
  weir_test_options_t options = {.write = {.rest = {.bytes = 2}}};
  struct request w = {.calls = 0};
  struct scripted s;

  scripted_open(f, &s, &options);
  check_is(weir_write_at_least(&w.op, &s.stream, weir_seq_block(BYTES, SIZE), 3,
                               on_done),
           0);
  finish(f, &w, 0, 4);
  check_is(weir_test_calls(s.script), 2);
  check_is(weir_write_at_least(&w.op, &s.stream, weir_seq_block(BYTES, SIZE),
                               SIZE + 1, on_done),
           UV_EINVAL);
  scripted_close(f, &s);
}

/* Queued writes of one byte each: the error comes in the middle of a window,
 * and everybody learns exactly what became of his. */
WEIR_TEST(write_cond, an_error_in_a_gathered_window_is_shared_out_exactly) {
  size_t partial, i;

  for (partial = 0; partial <= SIZE; partial++) {
    weir_test_options_t options = {
        .write = {.fail_at = 1,
                  .failure = {.status = UV_ECONNRESET, .bytes = partial}}};
    struct request w[SIZE];
    struct scripted s;

    scripted_open(f, &s, &options);
    for (i = 0; i < SIZE; i++) {
      w[i].calls = 0;
      check_is(weir_write(&w[i].op, &s.stream, weir_seq_block(BYTES + i, 1),
                          on_done),
               0);
    }
    for (i = 0; i < SIZE; i++)
      finish(f, &w[i], i < partial ? 0 : UV_ECONNRESET, i < partial);
    scripted_close(f, &s);
  }
}

WEIR_TEST(write_cond, now_counts_the_bytes_before_an_error) {
  weir_test_options_t options = {
      .write = {.fail_at = 1,
                .failure = {.status = UV_ECONNRESET, .bytes = 3}}};
  struct request w = {.calls = 0};
  struct scripted s;
  size_t n;

  scripted_open(f, &s, &options);
  check_is(weir_write_now(&w.op, &s.stream, weir_seq_block(BYTES, SIZE), &n,
                          on_done),
           UV_ECONNRESET);
  check_is(n, 3);
  scripted_close(f, &s);

  scripted_open(f, &s, &options);
  check_is(
      weir_write_now(&w.op, &s.stream, weir_seq_block(BYTES, 3), &n, on_done),
      0);
  check_is(n, 3);
  check_is(
      weir_write_now(&w.op, &s.stream, weir_seq_block(BYTES, 3), &n, on_done),
      UV_ECONNRESET);
  check_is(n, 0);
  check_is(w.calls, 0);
  scripted_close(f, &s);
}
