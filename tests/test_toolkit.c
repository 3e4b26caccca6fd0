/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/scripted.h"

/* The toolkit that users test with. */

/* ---- The pair ---- */

struct pair {
  weir_stream_t a;
  weir_stream_t b;
  int closed;
};

static void pair_open(struct weir_fixture *f, struct pair *p, size_t capacity) {
  p->closed = 0;
  p->a.data = p;
  p->b.data = p;
  check_is(weir_test_pair(f->loop, &p->a, &p->b, capacity), 0);
}

static void on_closed(weir_stream_t *stream) {
  struct pair *p = stream->data;

  p->closed++;
}

static void pair_close(struct weir_fixture *f, struct pair *p) {
  int before = p->closed;

  if (!weir_is_closing(&p->a))
    check_is(weir_close(&p->a, on_closed), 0);
  if (!weir_is_closing(&p->b))
    check_is(weir_close(&p->b, on_closed), 0);
  run_out(f);
  cr_assert(p->closed > before);
  check_is(p->closed, 2);
}

WEIR_TEST(toolkit, pair_refuses_nonsense) {
  struct pair p;

  check_is(weir_test_pair(NULL, &p.a, &p.b, 1), UV_EINVAL);
  check_is(weir_test_pair(f->loop, NULL, &p.b, 1), UV_EINVAL);
  check_is(weir_test_pair(f->loop, &p.a, NULL, 1), UV_EINVAL);
  check_is(weir_test_pair(f->loop, &p.a, &p.a, 1), UV_EINVAL);
  check_is(weir_test_pair(f->loop, &p.a, &p.b, 0), UV_EINVAL);
}

WEIR_TEST(toolkit, pair_moves_bytes_both_ways_through_a_small_ring) {
  char out[100], there[100], back[100];
  struct request w = {.calls = 0}, r = {.calls = 0};
  struct request w2 = {.calls = 0}, r2 = {.calls = 0};
  struct pair p;
  size_t i;

  for (i = 0; i < sizeof(out); i++)
    out[i] = (char)i;
  pair_open(f, &p, 3);
  check_is(weir_write(&w.op, &p.a, weir_seq_block(out, 100), on_done), 0);
  check_is(
      weir_read(&r.op, &p.b, weir_mseq_block(there, 100), weir_all(), on_done),
      0);
  check_is(weir_write(&w2.op, &p.b, weir_seq_block(out, 100), on_done), 0);
  check_is(
      weir_read(&r2.op, &p.a, weir_mseq_block(back, 100), weir_all(), on_done),
      0);
  finish(f, &w, 0, 100);
  finish(f, &r, 0, 100);
  finish(f, &w2, 0, 100);
  finish(f, &r2, 0, 100);
  cr_assert(memcmp(out, there, 100) == 0);
  cr_assert(memcmp(out, back, 100) == 0);
  pair_close(f, &p);
}

WEIR_TEST(toolkit, pair_ends_after_its_data) {
  char in[8];
  struct request w = {.calls = 0}, r = {.calls = 0};
  struct pair p;
  size_t n;

  pair_open(f, &p, 8);
  check_is(weir_read_now(&p.b, weir_mseq_block(in, 8), &n), UV_EAGAIN);
  check_is(weir_write_eof(&w.op, &p.a, weir_seq_block("abc", 3), on_done), 0);
  finish(f, &w, 0, 3);
  check_is(weir_read_now(&p.b, weir_mseq_block(in, 2), &n), 0);
  check_is(n, 2);
  check_is(weir_read(&r.op, &p.b, weir_mseq_block(in, 8), weir_all(), on_done),
           0);
  finish(f, &r, UV_EOF, 1);
  check_is(in[0], 'c');
  pair_close(f, &p);
}

WEIR_TEST(toolkit, pair_closed_at_one_end) {
  char in[8];
  struct request w = {.calls = 0}, r = {.calls = 0}, late = {.calls = 0};
  struct pair p;

  pair_open(f, &p, 4);
  check_is(weir_write(&w.op, &p.a, weir_seq_block("abcdefgh", 8), on_done), 0);
  run_some_turns(f);
  check_is(w.calls, 0);
  check_is(weir_close(&p.b, on_closed), 0);
  finish(f, &w, UV_EPIPE, 4);
  check_is(weir_read_some(&r.op, &p.a, weir_mseq_block(in, 8), on_done), 0);
  finish(f, &r, UV_EOF, 0);
  check_is(weir_write(&late.op, &p.a, weir_seq_block("i", 1), on_done), 0);
  finish(f, &late, UV_EPIPE, 0);
  pair_close(f, &p);
}

WEIR_TEST(toolkit, pair_is_cancelled_while_it_waits) {
  char in[8];
  struct request w = {.calls = 0}, r = {.calls = 0};
  struct pair p;

  pair_open(f, &p, 4);
  check_is(weir_read_some(&r.op, &p.a, weir_mseq_block(in, 8), on_done), 0);
  check_is(weir_write(&w.op, &p.a, weir_seq_block("abcdefgh", 8), on_done), 0);
  run_some_turns(f);
  weir_cancel(&r.op);
  weir_cancel(&w.op);
  finish(f, &r, UV_ECANCELED, 0);
  finish(f, &w, UV_ECANCELED, 4);
  pair_close(f, &p);
}

/* ---- The script ---- */

WEIR_TEST(toolkit, script_refuses_nonsense) {
  weir_stream_t stream;
  weir_test_stream_t *script;

  check_is(weir_test_stream(NULL, &stream, NULL, &script), UV_EINVAL);
  check_is(weir_test_stream(f->loop, NULL, NULL, &script), UV_EINVAL);
  check_is(weir_test_stream(f->loop, &stream, NULL, NULL), UV_EINVAL);
  check_is(weir_test_stream_free(NULL), 0);
}

WEIR_TEST(toolkit, without_options_writes_go_and_reads_end) {
  char in[4];
  struct request w = {.calls = 0}, r = {.calls = 0};
  struct scripted s;
  size_t size;

  scripted_open(f, &s, NULL);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("abc", 3), on_done), 0);
  finish(f, &w, 0, 3);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 4), on_done),
           0);
  finish(f, &r, UV_EOF, 0);
  cr_assert(memcmp(weir_test_written(s.script, &size), "abc", 3) == 0);
  check_is(size, 3);
  check_is(weir_test_failed(s.script), 0);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, reads_deliver_the_sizes_of_the_script) {
  const weir_test_step_t steps[] = {{.bytes = 1}, {.bytes = 3}, {.turns = 2}};
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 3, .rest = {.bytes = 2}},
      .input = "abcdefghij",
      .input_size = 10};
  char in[10];
  uv_buf_t bufs[2] = {{in, 3}, {in + 3, 5}};
  struct request r = {.calls = 0};
  struct scripted s;
  const weir_test_call_t *call;

  scripted_open(f, &s, &options);
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(in, 10), weir_all(), on_done),
      0);
  finish(f, &r, 0, 10);
  cr_assert(memcmp(in, "abcdefghij", 10) == 0);
  check_is(weir_test_delivered(s.script), 10);
  check_is(weir_test_calls(s.script), 3);
  check_is(weir_test_count(s.script, WEIR_TEST_READ), 3);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 0);
  call = scripted_call(&s, 0, WEIR_TEST_READ);
  check_is(call->segments, 1);
  check_is(call->offered, 10);
  check_is(call->n, 1);
  call = scripted_call(&s, 2, WEIR_TEST_READ);
  check_is(call->offered, 6);
  check_is(call->status, 0);
  check_is(call->n, 6);
  cr_assert(weir_test_call(s.script, 3) == NULL);
  r.calls = 0;
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_bufs(bufs, 2), on_done),
           0);
  finish(f, &r, UV_EOF, 0);
  scripted_close(f, &s);
}

/* A broken kind ends the operation, whenever it says so. */
static void expect_broken(struct weir_fixture *f, int flags, unsigned turns) {
  weir_test_options_t options = {
      .read = {.rest = {.flags = flags, .turns = turns}},
      .write = {.rest = {.flags = flags, .turns = turns}},
      .input = "abc",
      .input_size = 3};
  char in[4];
  struct request w = {.calls = 0}, r = {.calls = 0};
  struct scripted s;
  size_t n = 1;

  scripted_open(f, &s, &options);
  check_is(weir_read_now(&s.stream, weir_mseq_block(in, 4), &n),
           turns == 0 ? UV_EIO : UV_EAGAIN);
  check_is(n, 0);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 4), on_done),
           0);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("abc", 3), on_done), 0);
  finish(f, &r, UV_EIO, 0);
  finish(f, &w, UV_EIO, 0);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, success_without_a_byte_is_an_error) {
  expect_broken(f, WEIR_TEST_NOTHING, 0);
  expect_broken(f, WEIR_TEST_NOTHING, 1);
}

WEIR_TEST(toolkit, success_with_too_many_bytes_is_an_error) {
  expect_broken(f, WEIR_TEST_TOO_MUCH, 0);
  expect_broken(f, WEIR_TEST_TOO_MUCH, 1);
}

WEIR_TEST(toolkit, bytes_that_come_with_an_error_count) {
  const weir_test_step_t steps[] = {{.bytes = 2, .status = UV_ECONNRESET},
                                    {.bytes = 3, .status = UV_ETIMEDOUT}};
  weir_test_options_t options = {.read = {.steps = steps, .nsteps = 2},
                                 .write = {.steps = steps, .nsteps = 1},
                                 .input = "abcdefgh",
                                 .input_size = 8};
  char in[8];
  struct request w = {.calls = 0}, r = {.calls = 0}, behind = {.calls = 0};
  struct scripted s;
  size_t size;

  scripted_open(f, &s, &options);
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(in, 8), weir_all(), on_done),
      0);
  finish(f, &r, UV_ECONNRESET, 2);
  /* Finished by the last bytes: the error is the next read's, once. */
  r.calls = 0;
  check_is(weir_read(&r.op, &s.stream, weir_mseq_block(in + 2, 3), weir_all(),
                     on_done),
           0);
  finish(f, &r, 0, 3);
  cr_assert(memcmp(in, "abcde", 5) == 0);
  check_is(weir_test_calls(s.script), 2);
  check_is(weir_read_now(&s.stream, weir_mseq_block(in, 8), &size),
           UV_ETIMEDOUT);
  r.calls = 0;
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 8), on_done),
           0);
  finish(f, &r, 0, 3);

  check_is(weir_write(&w.op, &s.stream, weir_seq_block("AB", 2), on_done), 0);
  check_is(weir_write(&behind.op, &s.stream, weir_seq_block("CD", 2), on_done),
           0);
  finish(f, &w, 0, 2);
  finish(f, &behind, UV_ECONNRESET, 0);
  cr_assert(memcmp(weir_test_written(s.script, &size), "AB", 2) == 0);
  check_is(size, 2);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, the_nth_transfer_fails) {
  weir_test_options_t options = {
      .read = {.fail_at = 2}, .input = "abc", .input_size = 3};
  char in[4];
  struct request r = {.calls = 0};
  struct scripted s;

  scripted_open(f, &s, &options);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 1), on_done),
           0);
  finish(f, &r, 0, 1);
  check_is(weir_test_failed(s.script), 0);
  r.calls = 0;
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 1), on_done),
           0);
  finish(f, &r, UV_ECONNRESET, 0);
  check_is(weir_test_failed(s.script), 1);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, a_transfer_that_never_ends_is_cancelled) {
  weir_test_options_t options = {.read = {.rest = {.turns = WEIR_TEST_NEVER}},
                                 .write = {.rest = {.turns = WEIR_TEST_NEVER}}};
  char in[4];
  struct request w = {.calls = 0}, r = {.calls = 0};
  struct scripted s;

  scripted_open(f, &s, &options);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 4), on_done),
           0);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("abc", 3), on_done), 0);
  run_some_turns(f);
  weir_cancel(&r.op);
  weir_cancel(&w.op);
  finish(f, &r, UV_ECANCELED, 0);
  finish(f, &w, UV_ECANCELED, 0);
  check_is(weir_test_count(s.script, WEIR_TEST_CANCEL_READ), 1);
  check_is(weir_test_count(s.script, WEIR_TEST_CANCEL_WRITE), 1);
  check_is(scripted_call(&s, 0, weir_test_call(s.script, 0)->what)->status,
           UV_ECANCELED);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, a_transfer_that_waits_is_finished) {
  const weir_test_script_t never = {.rest = {.turns = WEIR_TEST_NEVER}};
  const weir_test_options_t options = {
      .read = never,
      .write = never,
      .shutdown = {.turns = WEIR_TEST_NEVER},
      .input = "abc",
      .input_size = 3,
      .at_end = WEIR_PENDING,
  };
  const weir_test_step_t step = {.bytes = 3}, good = {0};
  struct request r = {0}, w = {0};
  struct scripted s;
  char bytes[4];

  scripted_open(f, &s, &options);
  check_is(weir_test_finish(NULL, WEIR_TEST_READ, &step), UV_EINVAL);
  check_is(weir_test_finish(s.script, WEIR_TEST_READ, &step), UV_EINVAL);
  check_is(weir_read(&r.op, &s.stream, weir_mseq_block(bytes, 4), weir_all(),
                     on_done),
           0);
  check_is(weir_write_eof(&w.op, &s.stream, weir_seq_block("wxyz", 4), on_done),
           0);
  run_some_turns(f);
  check_is(weir_test_finish(s.script, WEIR_TEST_READ, NULL), UV_EINVAL);
  check_is(weir_test_finish(s.script, WEIR_TEST_CLOSE, &step), UV_EINVAL);
  check_is(weir_test_finish(s.script, WEIR_TEST_SHUTDOWN, &good), UV_EINVAL);
  check_is(weir_test_finish(s.script, WEIR_TEST_READ, &step), 0);
  check_is(weir_test_finish(s.script, WEIR_TEST_READ, &step), UV_EINVAL);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 3);
  run_some_turns(f);
  /* Of the input there is no more. */
  check_is(weir_test_finish(s.script, WEIR_TEST_READ, &good), WEIR_PENDING);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 1);
  run_some_turns(f);
  check_is(w.calls, 0);
  check_is(weir_test_finish(s.script, WEIR_TEST_SHUTDOWN, &good), 0);
  finish(f, &w, 0, 4);
  scripted_finish(&s, WEIR_TEST_READ, UV_ETIMEDOUT, 0);
  finish(f, &r, UV_ETIMEDOUT, 3);
  cr_assert(memcmp(bytes, "abc", 3) == 0);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, a_deaf_transfer_completes_in_spite_of_its_cancellation) {
  const weir_test_step_t deaf = {.turns = 3, .flags = WEIR_TEST_DEAF};
  weir_test_options_t options = {.read = {.rest = deaf},
                                 .write = {.rest = deaf},
                                 .input = "abc",
                                 .input_size = 3};
  char in[4];
  struct request w = {.calls = 0}, r = {.calls = 0};
  struct scripted s;

  scripted_open(f, &s, &options);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 4), on_done),
           0);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("abc", 3), on_done), 0);
  run_turn(f);
  weir_cancel(&r.op);
  weir_cancel(&w.op);
  finish(f, &r, 0, 3);
  finish(f, &w, 0, 3);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, reads_wait_at_the_end_if_told_so) {
  weir_test_options_t options = {.at_end = WEIR_PENDING};
  char in[4];
  struct request r = {.calls = 0};
  struct scripted s;
  size_t n;

  scripted_open(f, &s, &options);
  check_is(weir_read_now(&s.stream, weir_mseq_block(in, 4), &n), UV_EAGAIN);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 4), on_done),
           0);
  run_some_turns(f);
  check_is(r.calls, 0);
  scripted_close(f, &s);
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
}

WEIR_TEST(toolkit, now_follows_the_script_or_is_not_there) {
  const weir_test_step_t steps[] = {{.bytes = 2}, {.turns = 1}};
  weir_test_options_t options = {.write = {.steps = steps, .nsteps = 2}};
  struct request w = {.calls = 0};
  struct scripted s;
  size_t n;

  scripted_open(f, &s, &options);
  check_is(
      weir_write_now(&w.op, &s.stream, weir_seq_block("abc", 3), &n, on_done),
      WEIR_PENDING);
  check_is(n, 2);
  finish(f, &w, 0, 3);
  check_is(weir_test_calls(s.script), 2);
  check_is(scripted_call(&s, 0, WEIR_TEST_WRITE_NOW)->n, 2);
  scripted_call(&s, 1, WEIR_TEST_WRITE);
  scripted_close(f, &s);

  options.no_now = 1;
  scripted_open(f, &s, &options);
  w.calls = 0;
  check_is(
      weir_write_now(&w.op, &s.stream, weir_seq_block("abc", 3), &n, on_done),
      WEIR_PENDING);
  check_is(n, 0);
  finish(f, &w, 0, 3);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, the_shutdown_is_scripted_too) {
  weir_test_options_t options = {
      .shutdown = {.status = UV_ENOTCONN, .turns = 2}};
  struct request w = {.calls = 0};
  struct scripted s;

  scripted_open(f, &s, &options);
  check_is(weir_write_eof(&w.op, &s.stream, weir_seq_block("abc", 3), on_done),
           0);
  finish(f, &w, UV_ENOTCONN, 3);
  check_is(weir_test_count(s.script, WEIR_TEST_SHUTDOWN), 1);
  scripted_close(f, &s);
}

/* ---- What it shows of the window ---- */

enum { SEGMENTS = 17 };

/* One-byte segments that do not touch. */
static void spread(uv_buf_t *bufs, char bytes[SEGMENTS][2]) {
  size_t i;

  for (i = 0; i < SEGMENTS; i++) {
    bytes[i][0] = (char)('a' + i);
    bufs[i] = uv_buf_init(bytes[i], 1);
  }
}

WEIR_TEST(toolkit, a_window_slides_to_the_first_byte_not_written) {
  const weir_test_step_t steps[] = {{.bytes = 15}};
  weir_test_options_t options = {.write = {.steps = steps, .nsteps = 1}};
  char bytes[SEGMENTS][2];
  uv_buf_t bufs[SEGMENTS];
  struct request w = {.calls = 0};
  struct scripted s;
  size_t size;

  spread(bufs, bytes);
  scripted_open(f, &s, &options);
  check_is(weir_write(&w.op, &s.stream, weir_seq_bufs(bufs, SEGMENTS), on_done),
           0);
  finish(f, &w, 0, SEGMENTS);
  check_is(weir_test_calls(s.script), 2);
  check_is(scripted_call(&s, 0, WEIR_TEST_WRITE)->segments, 16);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->segments, 2);
  cr_assert(memcmp(weir_test_written(s.script, &size), "abcdefghijklmnopq",
                   SEGMENTS) == 0);
  scripted_close(f, &s);
}

WEIR_TEST(toolkit, a_window_slides_to_the_first_byte_not_read) {
  const weir_test_step_t steps[] = {{.bytes = 15, .turns = 1}};
  weir_test_options_t options = {.read = {.steps = steps, .nsteps = 1},
                                 .input = "ABCDEFGHIJKLMNOPQ",
                                 .input_size = SEGMENTS};
  char bytes[SEGMENTS][2];
  uv_buf_t bufs[SEGMENTS];
  struct request r = {.calls = 0};
  struct scripted s;
  size_t i;

  spread(bufs, bytes);
  scripted_open(f, &s, &options);
  check_is(weir_read(&r.op, &s.stream, weir_mseq_bufs(bufs, SEGMENTS),
                     weir_all(), on_done),
           0);
  finish(f, &r, 0, SEGMENTS);
  check_is(weir_test_calls(s.script), 2);
  check_is(scripted_call(&s, 0, WEIR_TEST_READ)->segments, 16);
  check_is(scripted_call(&s, 1, WEIR_TEST_READ)->segments, 2);
  for (i = 0; i < SEGMENTS; i++)
    check_is(bytes[i][0], 'A' + (int)i);
  scripted_close(f, &s);
}

/* ---- Runs ---- */

struct runs {
  size_t count;
  size_t stop_at;
  size_t longest_first; /* bytes of the longest first segment */
  const char *bytes;
};

static int see(struct runs *runs, weir_seq_t seq) {
  uv_buf_t first;
  weir_seq_t whole = weir_seq_block(runs->bytes, strlen(runs->bytes));

  check_is(weir_seq_compare(seq, whole), 0);
  if (weir_seq_next(&seq, &first) && first.len > runs->longest_first)
    runs->longest_first = first.len;
  return ++runs->count == runs->stop_at ? -7 : 0;
}

static int see_seq(void *arg, weir_seq_t seq) {
  return see(arg, seq);
}

static int see_mseq(void *arg, weir_mseq_t mseq) {
  return see(arg, weir_seq_from(mseq));
}

Test(toolkit, splits_cut_in_every_place) {
  char bytes[] = "abcdef";
  struct runs runs = {.bytes = bytes};

  check_is(weir_test_splits2(weir_seq_block(bytes, 6), see_seq, &runs), 0);
  check_is(runs.count, 7);
  check_is(runs.longest_first, 6);
  runs.count = 0;
  check_is(weir_test_splits3(weir_seq_block(bytes, 6), see_seq, &runs), 0);
  check_is(runs.count, 28);
  runs.count = 0;
  check_is(weir_test_msplits2(weir_mseq_block(bytes, 6), see_mseq, &runs), 0);
  check_is(runs.count, 7);
  runs.count = 0;
  check_is(weir_test_msplits3(weir_mseq_block(bytes, 6), see_mseq, &runs), 0);
  check_is(runs.count, 28);
}

Test(toolkit, splits_stop_when_the_body_says_so) {
  char bytes[] = "abcdef";
  struct runs runs = {.bytes = bytes, .stop_at = 3};

  check_is(weir_test_splits2(weir_seq_block(bytes, 6), see_seq, &runs), -7);
  check_is(runs.count, 3);
  runs.count = 0;
  check_is(weir_test_msplits3(weir_mseq_block(bytes, 6), see_mseq, &runs), -7);
  check_is(runs.count, 3);
  check_is(weir_test_splits2(weir_seq_block(bytes, 6), NULL, &runs), UV_EINVAL);
  check_is(weir_test_splits3(weir_seq_block(bytes, 6), NULL, &runs), UV_EINVAL);
}

static int fails_up_to(void *arg, size_t fail_at, int *reached) {
  size_t last = *(size_t *)arg;

  check_is(*reached, 0);
  *reached = fail_at <= last;
  return fail_at == 1000 ? -9 : 0;
}

Test(toolkit, each_failure_goes_on_until_a_clean_run) {
  size_t last = 4;
  size_t runs = 0;

  check_is(weir_test_each_failure(fails_up_to, &last, &runs), 0);
  check_is(runs, 5);
  last = 0;
  check_is(weir_test_each_failure(fails_up_to, &last, &runs), 0);
  check_is(runs, 1);
  last = 2000;
  check_is(weir_test_each_failure(fails_up_to, &last, &runs), -9);
  check_is(runs, 1000);
  check_is(weir_test_each_failure(NULL, &last, &runs), UV_EINVAL);
}

static int always_fails(void *arg, size_t fail_at, int *reached) {
  (void)arg;
  (void)fail_at;
  *reached = 1;
  return 0;
}

Test(toolkit, each_failure_does_not_go_on_for_ever) {
  check_is(weir_test_each_failure(always_fails, NULL, NULL), UV_E2BIG);
}
