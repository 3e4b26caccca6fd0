/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/inert.h"
#include "support/net.h"
#include "support/scripted.h"

/* A kind of stream that a user wrote: what the core does above it. */

/* `count` segments of `size` bytes with a gap behind each, so that none touch,
 * holding the pattern from 0 on; every `empty_every`th is empty. */
struct segments {
  uv_buf_t bufs[1000];
  size_t count;
  size_t total;
  char bytes[1000][24];
};

static void segments_make(struct segments *s, size_t count, size_t size,
                          size_t empty_every) {
  size_t i;

  s->count = count;
  s->total = 0;
  for (i = 0; i < count; i++) {
    size_t len = empty_every != 0 && i % empty_every == 0 ? 0 : size;

    pattern_fill(s->bytes[i], s->total, len);
    s->bufs[i] = uv_buf_init(s->bytes[i], (unsigned)len);
    s->total += len;
  }
}

static weir_seq_t segments_seq(const struct segments *s) {
  return weir_seq_bufs(s->bufs, s->count);
}

/* All transfers wait until they are told otherwise. */
static char input[256];
static const weir_test_options_t waiting = {
    .no_now = 1,
    .read = {.rest = {.turns = WEIR_TEST_NEVER}},
    .write = {.rest = {.turns = WEIR_TEST_NEVER}},
    .input = input,
    .input_size = sizeof(input)};

static void open_waiting(struct weir_fixture *f, struct scripted *s) {
  pattern_fill(input, 0, sizeof(input));
  scripted_open(f, s, &waiting);
}

/* Each write is taken at once, up to that many bytes; 0: all. */
static void open_taking(struct weir_fixture *f, struct scripted *s,
                        size_t most) {
  const weir_test_options_t options = {.no_now = 1,
                                       .write = {.rest = {.bytes = most}}};

  scripted_open(f, s, &options);
}

WEIR_TEST(kind, init_wants_every_function_but_now_and_fileno) {
  weir_stream_t stream, other;
  weir_stream_kind_t kind;
  uv_os_fd_t fd;
  size_t n = 1;
  char byte;

#define without(function)                                                      \
  kind = inert_kind;                                                           \
  kind.function = NULL;                                                        \
  check_is(weir_stream_init(f->loop, &other, &kind, NULL), UV_EINVAL)
  without(read_some);
  without(write_some);
  without(cancel_read);
  without(cancel_write);
  without(shutdown);
  without(close);
#undef without
  kind = inert_kind;
  kind.size = offsetof(weir_stream_kind_t, fileno) - 1;
  check_is(weir_stream_init(f->loop, &other, &kind, NULL), UV_EINVAL);
  kind.size = 0;
  check_is(weir_stream_init(f->loop, &other, &kind, NULL), UV_EINVAL);
  check_is(weir_stream_init(NULL, &other, &inert_kind, NULL), UV_EINVAL);
  check_is(weir_stream_init(f->loop, NULL, &inert_kind, NULL), UV_EINVAL);
  check_is(weir_stream_init(f->loop, &other, NULL, NULL), UV_EINVAL);

  check_is(weir_stream_init(f->loop, &stream, &inert_kind, &n), 0);
  cr_assert(weir_stream_impl(&stream) == &n);
  cr_assert(weir_stream_loop(&stream) == f->loop);
  check_is(weir_fileno(&stream, &fd), UV_ENOTSUP);
  check_is(weir_read_now(&stream, weir_mseq_block(&byte, 1), &n), UV_EAGAIN);
  check_is(n, 0);
  check_is(weir_close(&stream, NULL), 0);
  run_out(f);
}

static int never_asked(const weir_stream_t *stream, uv_os_fd_t *fd) {
  (void)stream;
  (void)fd;
  cr_assert(0, "what is behind the table's end was called");
  return 0;
}

/* As one that was compiled when the table was shorter, or will be when it is
 * longer. */
WEIR_TEST(kind, is_not_looked_at_beyond_its_size) {
  struct {
    weir_stream_kind_t known;
    void *more[2];
  } kind = {0};
  weir_stream_t other;
  uv_os_fd_t fd;

  kind.known = inert_kind;
  kind.known.fileno = never_asked;
  kind.known.size = offsetof(weir_stream_kind_t, fileno);
  check_is(weir_stream_init(f->loop, &other, &kind.known, NULL), 0);
  check_is(weir_fileno(&other, &fd), UV_ENOTSUP);
  check_is(weir_close(&other, NULL), 0);
  run_out(f);
  kind.known.fileno = NULL;
  kind.known.size = sizeof(kind);
  check_is(weir_stream_init(f->loop, &other, &kind.known, NULL), 0);
  check_is(weir_fileno(&other, &fd), UV_ENOTSUP);
  check_is(weir_close(&other, NULL), 0);
  run_out(f);
}

WEIR_TEST(kind, short_writes_leave_every_byte_in_order) {
  static const size_t caps[] = {1, 7, 20, 33, 320, 321, 0};
  static struct segments segments;
  struct scripted s;
  size_t i;

  segments_make(&segments, 50, 20, 3);
  for (i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
    struct request r = {0};

    open_taking(f, &s, caps[i]);
    check_is(weir_write(&r.op, &s.stream, segments_seq(&segments), on_done), 0);
    check_is(r.calls, 0);
    finish(f, &r, 0, segments.total);
    scripted_expect(&s, segments.total);
    scripted_close(f, &s);
  }
}

WEIR_TEST(kind, a_short_write_is_topped_up_at_the_first_unsent_byte) {
  static struct segments segments;
  struct scripted s;
  struct request r = {0};

  segments_make(&segments, 33, 20, 0);
  open_taking(f, &s, 50);
  check_is(weir_write(&r.op, &s.stream, segments_seq(&segments), on_done), 0);
  finish(f, &r, 0, 660);
  check_is(scripted_call(&s, 0, WEIR_TEST_WRITE)->segments, 16);
  check_is(scripted_call(&s, 0, WEIR_TEST_WRITE)->offered, 320);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->segments, 16);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->offered, 310);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->sizes[0], 10);
  check_is(scripted_call(&s, 2, WEIR_TEST_WRITE)->segments, 16);
  check_is(scripted_call(&s, 2, WEIR_TEST_WRITE)->sizes[0], 20);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 14);
  scripted_expect(&s, 660);
  scripted_close(f, &s);
}

WEIR_TEST(kind, queued_writes_are_gathered_and_top_up_a_remainder) {
  struct scripted s;
  static char bytes[20][32];
  struct request r[20];
  size_t i;

  memset(r, 0, sizeof(r));
  open_taking(f, &s, 25);
  for (i = 0; i < 20; i++) {
    pattern_fill(bytes[i], i * 10, 10);
    check_is(
        weir_write(&r[i].op, &s.stream, weir_seq_block(bytes[i], 10), on_done),
        0);
  }
  /* The sixteenth filled a window. */
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 1);
  check_is(weir_stream_queued(&s.stream), 175);
  for (i = 0; i < 20; i++)
    finish(f, &r[i], 0, 10);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 8);
  check_is(scripted_call(&s, 0, WEIR_TEST_WRITE)->segments, 16);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->segments, 16);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->offered, 155);
  check_is(scripted_call(&s, 2, WEIR_TEST_WRITE)->segments, 15);
  check_is(weir_stream_queued(&s.stream), 0);
  scripted_expect(&s, 200);
  check_is(stats_of(f).short_writes, 7);
  scripted_close(f, &s);
}

WEIR_TEST(kind, write_some_is_one_call_that_nothing_joins) {
  static struct segments segments;
  struct scripted s;
  struct request a = {0}, b = {0}, c = {0};
  char before[8], after[8];

  segments_make(&segments, 20, 10, 0);
  pattern_fill(before, 0, 8);
  memset(after, 'x', sizeof(after));
  open_taking(f, &s, 0);
  check_is(weir_write(&a.op, &s.stream, weir_seq_block(before, 8), on_done), 0);
  check_is(weir_write_some(&b.op, &s.stream, segments_seq(&segments), on_done),
           0);
  check_is(weir_write(&c.op, &s.stream, weir_seq_block(after, 8), on_done), 0);
  finish(f, &a, 0, 8);
  finish(f, &b, 0, 160);
  finish(f, &c, 0, 8);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 3);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->segments, 16);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->offered, 160);
  check_is(weir_stream_queued(&s.stream), 0);
  scripted_close(f, &s);
}

WEIR_TEST(kind, error_on_every_nth_call_has_the_exact_count) {
  static struct segments segments;
  struct scripted s;
  size_t at;

  segments_make(&segments, 33, 10, 4);
  for (at = 1; at <= 12; at++) {
    struct request r = {0}, behind = {0}, later = {0};
    size_t sent = 20 * (at - 1);
    weir_test_options_t options = {
        .no_now = 1,
        .write = {.rest = {.bytes = 20},
                  .fail_at = at,
                  .failure = {.status = UV_ETIMEDOUT}}};

    scripted_open(f, &s, &options);
    check_is(weir_write(&r.op, &s.stream, segments_seq(&segments), on_done), 0);
    check_is(
        weir_write(&behind.op, &s.stream, weir_seq_block("xy", 2), on_done), 0);
    finish(f, &r, UV_ETIMEDOUT, sent);
    finish(f, &behind, UV_ETIMEDOUT, 0);
    check_is(weir_stream_queued(&s.stream), 0);
    scripted_expect(&s, sent);

    if (weir_write(&later.op, &s.stream, weir_seq_block("z", 1), on_done) == 0)
      finish(f, &later, UV_ETIMEDOUT, 0);
    check_is(weir_test_count(s.script, WEIR_TEST_WRITE), at);
    scripted_close(f, &s);
  }
}

WEIR_TEST(kind, a_success_of_nothing_is_an_error) {
  const weir_test_options_t options = {
      .no_now = 1,
      .read = {.rest = {.flags = WEIR_TEST_NOTHING}},
      .write = {.rest = {.flags = WEIR_TEST_NOTHING}}};
  struct scripted s;
  struct request r = {0}, w = {0};
  char bytes[4];

  scripted_open(f, &s, &options);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("abcd", 4), on_done), 0);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 4), on_done),
           0);
  finish(f, &w, UV_EIO, 0);
  finish(f, &r, UV_EIO, 0);
  scripted_close(f, &s);
}

WEIR_TEST(kind, a_pending_success_of_nothing_is_an_error) {
  struct scripted s;
  struct request r = {0}, w = {0};
  char bytes[4];

  open_waiting(f, &s);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("abcd", 4), on_done), 0);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 4), on_done),
           0);
  run_some_turns(f);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 0);
  scripted_finish(&s, WEIR_TEST_READ, 0, 0);
  check_is(w.calls + r.calls, 0);
  finish(f, &w, UV_EIO, 0);
  finish(f, &r, UV_EIO, 0);
  scripted_close(f, &s);
}

WEIR_TEST(kind, busy_is_asked_again) {
  static struct segments segments;
  static const weir_test_step_t steps[] = {
      {.status = UV_EBUSY}, {0}, {.status = UV_EBUSY}, {0}};
  const weir_test_script_t busy = {.steps = steps, .nsteps = 4};
  const weir_test_options_t options = {.no_now = 1,
                                       .read = busy,
                                       .write = busy,
                                       .input = input,
                                       .input_size = sizeof(input)};
  struct scripted s;
  struct request r = {0}, w = {0};
  char bytes[64];

  segments_make(&segments, 20, 10, 0);
  pattern_fill(input, 0, sizeof(input));
  scripted_open(f, &s, &options);
  check_is(weir_write(&w.op, &s.stream, segments_seq(&segments), on_done), 0);
  finish(f, &w, 0, 200);
  check_is(
      weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 64), on_done), 0);
  finish(f, &r, 0, 64);
  cr_assert(pattern_holds(bytes, 0, 64));
  scripted_expect(&s, 200);
  scripted_close(f, &s);
}

WEIR_TEST(kind, again_starts_with_a_window_filled_anew) {
  struct scripted s;
  struct request a = {0}, b = {0};
  char first[16], second[16];

  pattern_fill(first, 0, 10);
  pattern_fill(second, 10, 10);
  open_waiting(f, &s);
  check_is(weir_write(&a.op, &s.stream, weir_seq_block(first, 10), on_done), 0);
  run_some_turns(f);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 1);
  check_is(scripted_call(&s, 0, WEIR_TEST_WRITE)->segments, 1);
  check_is(weir_write(&b.op, &s.stream, weir_seq_block(second, 10), on_done),
           0);
  run_some_turns(f);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 1);
  scripted_finish(&s, WEIR_TEST_WRITE, UV_EAGAIN, 0);
  run_some_turns(f);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 2);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->segments, 2);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 20);
  finish(f, &a, 0, 10);
  finish(f, &b, 0, 10);
  scripted_expect(&s, 20);
  scripted_close(f, &s);
}

WEIR_TEST(kind, end_of_stream_is_sticky_and_errors_are_not) {
  const weir_test_options_t options = {.no_now = 1,
                                       .read = {.rest = {.bytes = 30},
                                                .fail_at = 2,
                                                .failure = {.status = UV_EIO}},
                                       .input = input,
                                       .input_size = 40};
  struct scripted s;
  struct request r[5];
  char bytes[64];
  int i;

  memset(r, 0, sizeof(r));
  scripted_open(f, &s, &options);
  for (i = 0; i < 5; i++) {
    static const int status[] = {0, UV_EIO, 0, UV_EOF, UV_EOF};
    static const size_t n[] = {30, 0, 10, 0, 0};

    check_is(weir_read_some(&r[i].op, &s.stream, weir_mseq_block(bytes, 64),
                            on_done),
             0);
    finish(f, &r[i], status[i], n[i]);
  }
  check_is(weir_test_count(s.script, WEIR_TEST_READ), 4);
  scripted_close(f, &s);
}

WEIR_TEST(kind, no_more_than_sixteen_segments_are_offered_to_a_read) {
  struct scripted s;
  static char bytes[40][16];
  uv_buf_t bufs[40], window[WEIR_WINDOW];
  struct request r = {0};
  size_t i, at = 0;

  for (i = 0; i < 40; i++)
    bufs[i] = uv_buf_init(bytes[i], i % 2 ? 8 : 0);
  open_waiting(f, &s);
  check_is(weir_stream_read_window(&s.stream, window), 0);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_bufs(bufs, 40), on_done),
           0);
  run_some_turns(f);
  check_is(weir_stream_read_window(&s.stream, window), 16);
  scripted_finish(&s, WEIR_TEST_READ, 0, SIZE_MAX);
  finish(f, &r, 0, 128);
  for (i = 1; i < 32; i += 2, at += 8)
    cr_assert(pattern_holds(bytes[i], at, 8));
  scripted_close(f, &s);
}

WEIR_TEST(kind, eof_follows_the_data_once) {
  struct scripted s;
  size_t size;
  struct request a = {0}, b = {0}, c = {0};

  open_taking(f, &s, 3);
  check_is(weir_write(&a.op, &s.stream, weir_seq_block("abcd", 4), on_done), 0);
  check_is(weir_write_eof(&b.op, &s.stream, weir_seq_block("efgh", 4), on_done),
           0);
  check_is(weir_write(&c.op, &s.stream, weir_seq_block("i", 1), on_done),
           UV_EPIPE);
  finish(f, &a, 0, 4);
  finish(f, &b, 0, 4);
  check_is(weir_test_count(s.script, WEIR_TEST_SHUTDOWN), 1);
  cr_assert(memcmp(weir_test_written(s.script, &size), "abcdefgh", 8) == 0);
  check_is(size, 8);
  scripted_close(f, &s);
  check_is(c.calls, 0);
}

WEIR_TEST(kind, no_eof_after_data_that_failed) {
  const weir_test_options_t options = {
      .no_now = 1, .write = {.rest = {.bytes = 3}, .fail_at = 2}};
  struct scripted s;
  struct request a = {0};

  scripted_open(f, &s, &options);
  check_is(weir_write_eof(&a.op, &s.stream, weir_seq_block("efgh", 4), on_done),
           0);
  finish(f, &a, UV_ECONNRESET, 3);
  check_is(weir_test_count(s.script, WEIR_TEST_SHUTDOWN), 0);
  scripted_close(f, &s);
}

WEIR_TEST(kind, a_failed_shutdown_fails_the_eof) {
  const weir_test_options_t options = {.shutdown = {.status = UV_ENOTCONN}};
  struct scripted s;
  struct request a = {0};

  scripted_open(f, &s, &options);
  check_is(weir_write_eof(&a.op, &s.stream, weir_seq_block(NULL, 0), on_done),
           0);
  finish(f, &a, UV_ENOTCONN, 0);
  check_is(weir_test_count(s.script, WEIR_TEST_SHUTDOWN), 1);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 0);
  scripted_close(f, &s);
}

WEIR_TEST(kind, cancelled_write_counts_what_was_sent_and_the_rest_goes_on) {
  struct scripted s;
  size_t size;
  struct request a = {0}, b = {0}, c = {0};

  open_waiting(f, &s);
  check_is(weir_write(&a.op, &s.stream, weir_seq_block("abcdef", 6), on_done),
           0);
  run_some_turns(f);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 4);
  check_is(weir_write(&b.op, &s.stream, weir_seq_block("XXXX", 4), on_done), 0);
  check_is(weir_write(&c.op, &s.stream, weir_seq_block("gh", 2), on_done), 0);
  run_some_turns(f);
  check_is(scripted_call(&s, 1, WEIR_TEST_WRITE)->offered, 8);
  weir_cancel(&a.op);
  weir_cancel(&b.op);
  weir_cancel(&b.op);
  check_is(a.calls + b.calls, 0);
  finish(f, &a, UV_ECANCELED, 4);
  finish(f, &b, UV_ECANCELED, 0);
  run_some_turns(f);
  check_is(c.calls, 0);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 2);
  finish(f, &c, 0, 2);
  cr_assert(memcmp(weir_test_written(s.script, &size), "abcdgh", 6) == 0);
  check_is(size, 6);
  scripted_close(f, &s);
}

WEIR_TEST(kind, cancel_that_comes_too_late_reports_success) {
  struct scripted s;
  struct request a = {0}, b = {0};
  char bytes[8];

  open_waiting(f, &s);
  check_is(
      weir_write_some(&a.op, &s.stream, weir_seq_block("abcdef", 6), on_done),
      0);
  check_is(weir_read_some(&b.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  run_some_turns(f);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 2);
  scripted_finish(&s, WEIR_TEST_READ, 0, 3);
  weir_cancel(&a.op);
  weir_cancel(&b.op);
  finish(f, &a, 0, 2);
  finish(f, &b, 0, 3);
  scripted_close(f, &s);
}

WEIR_TEST(kind, close_ends_what_is_pending_before_its_callback) {
  struct scripted s;
  struct request r = {0}, w = {0}, queued = {0};
  char bytes[8];

  open_waiting(f, &s);
  check_is(weir_write(&w.op, &s.stream, weir_seq_block("abcdef", 6), on_done),
           0);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  run_some_turns(f);
  scripted_finish(&s, WEIR_TEST_WRITE, 0, 1);
  check_is(weir_write(&queued.op, &s.stream, weir_seq_block("gh", 2), on_done),
           0);
  run_some_turns(f);
  scripted_close_begin(&s);
  run_until(f, &s.closed);
  check_is(weir_test_count(s.script, WEIR_TEST_CANCEL_WRITE), 1);
  check_is(weir_test_count(s.script, WEIR_TEST_CANCEL_READ), 1);
  finish(f, &w, UV_ECANCELED, 1);
  finish(f, &r, UV_ECANCELED, 0);
  finish(f, &queued, UV_ECANCELED, 0);
  scripted_close_end(f, &s);
}

/* ---- A cancellation that the end of what it is for overtakes ---- */

static int cancels;
static weir_op_t *reading;

static int count_cancel(weir_stream_t *stream) {
  (void)stream;
  cancels++;
  return 0;
}

static int shut_later(weir_stream_t *stream) {
  (void)stream;
  return WEIR_PENDING;
}

/* Asked to write, it has something for the read that is no longer wanted. */
static int write_and_answer(weir_stream_t *stream, const uv_buf_t *bufs,
                            unsigned nbufs, size_t *n) {
  check_is(nbufs, 1);
  *n = bufs->len;
  weir_cancel(reading);
  weir_stream_read_done(stream, 0, 1);
  return 0;
}

WEIR_TEST(kind, is_not_asked_to_cancel_what_has_ended) {
  weir_stream_kind_t kind = inert_kind;
  struct request end = {0}, r = {0}, w = {0};
  struct conn c = {.peer = -1};
  char byte;

  kind.write_some = write_and_answer;
  kind.shutdown = shut_later;
  kind.cancel_read = kind.cancel_write = count_cancel;
  cancels = 0;
  reading = &r.op;
  check_is(weir_stream_init(f->loop, &c.stream, &kind, NULL), 0);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, 0, 1);
  finish(f, &r, 0, 1);
  run_some_turns(f);
  check_is(cancels, 0);
  check_is(weir_write_eof(&end.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  run_some_turns(f);
  weir_cancel(&end.op);
  weir_stream_write_done(&c.stream, 0, 0);
  finish(f, &end, 0, 0);
  run_some_turns(f);
  check_is(cancels, 0);
  close_stream(f, &c);
}

/* ---- An end that is not taken at first ---- */

static int shuts;

static int shut_reluctantly(weir_stream_t *stream) {
  static const int answers[] = {UV_EAGAIN, UV_EBUSY, WEIR_PENDING, 0};

  (void)stream;
  cr_assert(shuts < 4);
  return answers[shuts++];
}

WEIR_TEST(kind, an_end_is_asked_for_again) {
  weir_stream_kind_t kind = inert_kind;
  struct request end = {0};
  struct conn c = {.peer = -1};

  kind.shutdown = shut_reluctantly;
  shuts = 0;
  check_is(weir_stream_init(f->loop, &c.stream, &kind, NULL), 0);
  check_is(weir_write_eof(&end.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  while (shuts < 3)
    run_turn(f);
  run_some_turns(f);
  check_is(end.calls, 0);
  weir_stream_write_done(&c.stream, UV_EAGAIN, 0);
  finish(f, &end, 0, 0);
  check_is(shuts, 4);
  close_stream(f, &c);
}

/* ---- A read that there is no room for ---- */

static int reads;

static int read_after_a_while(weir_stream_t *stream, const uv_buf_t *bufs,
                              unsigned nbufs, size_t *n) {
  (void)stream;
  (void)bufs;
  (void)nbufs;
  (void)n;
  return ++reads == 1 ? UV_EBUSY : WEIR_PENDING;
}

WEIR_TEST(kind, what_waits_for_room_is_cancelled_at_once) {
  weir_stream_kind_t kind = inert_kind;
  struct conn c = {.peer = -1};
  struct request r = {0};
  char byte;

  kind.read_some = read_after_a_while;
  reads = 0;
  check_is(weir_stream_init(f->loop, &c.stream, &kind, NULL), 0);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  while (reads == 0)
    run_turn(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(reads, 1);
  close_stream(f, &c);
}
