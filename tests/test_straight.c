/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <weir/kind.h>

#include "support/inert.h"
#include "support/net.h"

/* A transfer that ends as most do goes a short way through the library. These
 * look like it and are not: what a kind says here, it might say. */

/* A kind whose transfers end as the test says, whatever was asked for. */
struct puppet {
  weir_stream_t stream;
  int closed;
  int read_pending;
  int write_pending;
  int at_once;
};

static struct puppet *puppet_of(weir_stream_t *stream) {
  return weir_stream_impl(stream);
}

static int read_some(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  (void)bufs;
  (void)nbufs;
  (void)n;
  puppet_of(stream)->read_pending = 1;
  return WEIR_PENDING;
}

static int write_some(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  (void)bufs;
  (void)nbufs;
  (void)n;
  puppet_of(stream)->write_pending = 1;
  return WEIR_PENDING;
}

static int write_now(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  (void)nbufs;
  puppet_of(stream)->at_once++;
  *n = bufs[0].len;
  return 0;
}

static void open_puppet(struct weir_fixture *f, struct puppet *s) {
  static weir_stream_kind_t kind;

  kind = inert_kind;
  kind.read_some = read_some;
  kind.write_some = write_some;
  kind.write_now = write_now;
  memset(s, 0, sizeof(*s));
  check_is(weir_stream_init(f->loop, &s->stream, &kind, s), 0);
}

static void on_puppet_closed(weir_stream_t *stream) {
  puppet_of(stream)->closed = 1;
}

static void close_puppet(struct weir_fixture *f, struct puppet *s) {
  check_is(weir_close(&s->stream, on_puppet_closed), 0);
  run_until(f, &s->closed);
}

static void begin_write(struct weir_fixture *f, struct puppet *s,
                        struct request *r, weir_seq_t from) {
  check_is(weir_write(&r->op, &s->stream, from, on_done), 0);
  run_turn(f);
  check_is(s->write_pending, 1);
}

static void write_ends(struct puppet *s, int status, size_t n) {
  s->write_pending = 0;
  weir_stream_write_done(&s->stream, status, n);
}

static void read_ends(struct puppet *s, int status, size_t n) {
  s->read_pending = 0;
  weir_stream_read_done(&s->stream, status, n);
}

WEIR_TEST(straight, a_write_is_counted) {
  static struct puppet s;
  struct request r = {0}, empty = {0};
  weir_loop_stats_t before;

  open_puppet(f, &s);
  before = stats_of(f);
  begin_write(f, &s, &r, weir_seq_block("abc", 3));
  write_ends(&s, 0, 3);
  finish(f, &r, 0, 3);
  check_is(stats_of(f).writes, before.writes + 1);
  check_is(stats_of(f).bytes_written, before.bytes_written + 3);
  check_is(stats_of(f).writes_gathered, before.writes_gathered);
  /* One without bytes shares the window of the one before. */
  memset(&r, 0, sizeof(r));
  check_is(weir_write(&r.op, &s.stream, weir_seq_block("abc", 3), on_done), 0);
  begin_write(f, &s, &empty, weir_seq_block(NULL, 0));
  write_ends(&s, 0, 3);
  finish(f, &r, 0, 3);
  finish(f, &empty, 0, 0);
  check_is(stats_of(f).writes, before.writes + 3);
  check_is(stats_of(f).writes_gathered, before.writes_gathered + 1);
  close_puppet(f, &s);
}

/* Outside of all callbacks, while a read is outstanding. */
WEIR_TEST(straight, a_write_wakes_who_would_sleep) {
  static struct puppet s;
  struct request read = {0}, r = {0};
  char byte;

  open_puppet(f, &s);
  check_is(
      weir_read_some(&read.op, &s.stream, weir_mseq_block(&byte, 1), on_done),
      0);
  for (int i = 0; i < 5; i++)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  check_is(uv_backend_timeout(&f->uv) != 0, 1);
  check_is(weir_write(&r.op, &s.stream, weir_seq_block("a", 1), on_done), 0);
  check_is(uv_backend_timeout(&f->uv), 0);
  run_turn(f);
  write_ends(&s, 0, 1);
  finish(f, &r, 0, 1);
  read_ends(&s, 0, 1);
  finish(f, &read, 0, 1);
  close_puppet(f, &s);
}

WEIR_TEST(straight, nothing_goes_at_once_behind_the_end) {
  static struct puppet s;
  struct request r = {0};
  size_t n = 0;

  open_puppet(f, &s);
  check_is(weir_write_try(&s.stream, weir_seq_block("ab", 2), &n), 0);
  check_is(n, 2);
  check_is(weir_write_eof(&r.op, &s.stream, weir_seq_block(NULL, 0), on_done),
           0);
  finish(f, &r, 0, 0);
  check_is(weir_write_try(&s.stream, weir_seq_block("c", 1), &n), UV_EPIPE);
  check_is(n, 0);
  check_is(s.at_once, 1);
  close_puppet(f, &s);
}

/* All of the write, but more than the window had. Nobody looks at the memory.
 */
WEIR_TEST(straight, more_than_the_window_is_no_write) {
  static struct puppet s;
  size_t size = ((size_t)1 << 30) + 1;
  struct request r = {0};
  char byte = 0;

  open_puppet(f, &s);
  begin_write(f, &s, &r, weir_seq_block(&byte, size));
  write_ends(&s, 0, size);
  finish(f, &r, UV_EIO, 0);
  close_puppet(f, &s);
}

WEIR_TEST(straight, an_error_with_all_bytes_is_the_next_write_s) {
  static struct puppet s;
  struct request r = {0}, next = {0};

  open_puppet(f, &s);
  begin_write(f, &s, &r, weir_seq_block("abc", 3));
  write_ends(&s, UV_ECONNRESET, 3);
  finish(f, &r, 0, 3);
  check_is(weir_write(&next.op, &s.stream, weir_seq_block("d", 1), on_done), 0);
  finish(f, &next, UV_ECONNRESET, 0);
  close_puppet(f, &s);
}

WEIR_TEST(straight, a_write_that_goes_while_the_stream_closes) {
  static struct puppet s;
  struct request r = {0};

  open_puppet(f, &s);
  begin_write(f, &s, &r, weir_seq_block("abc", 3));
  check_is(weir_close(&s.stream, on_puppet_closed), 0);
  write_ends(&s, 0, 3);
  finish(f, &r, 0, 3);
  run_until(f, &s.closed);
}

WEIR_TEST(straight, an_error_with_bytes_is_the_next_read_s) {
  static struct puppet s;
  struct request r = {0}, next = {0}, last = {0};
  static const int errors[] = {UV_ECONNRESET, UV_EOF};
  char bytes[8];
  size_t i;

  for (i = 0; i < 2; i++) {
    memset(&r, 0, sizeof(r));
    memset(&next, 0, sizeof(next));
    memset(&last, 0, sizeof(last));
    open_puppet(f, &s);
    check_is(
        weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
        0);
    run_turn(f);
    read_ends(&s, errors[i], 5);
    finish(f, &r, 0, 5);
    check_is(
        weir_read_some(&next.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
        0);
    finish(f, &next, errors[i], 0);
    check_is(
        weir_read_some(&last.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
        0);
    run_turn(f);
    check_is(s.read_pending, errors[i] != UV_EOF);
    if (s.read_pending)
      read_ends(&s, UV_ECANCELED, 0);
    close_puppet(f, &s);
    check_is(last.status, errors[i] == UV_EOF ? UV_EOF : UV_ECANCELED);
  }
}

/* Within what is wanted, and beyond what was asked for. */
/* What was asked for has come all the same, and nothing is left to be told. */
WEIR_TEST(straight, a_cancellation_with_bytes_is_nobodys) {
  static struct puppet s;
  struct request r = {0}, next = {0};
  char bytes[8];

  open_puppet(f, &s);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  run_turn(f);
  weir_cancel(&r.op);
  read_ends(&s, UV_ECANCELED, 5);
  finish(f, &r, 0, 5);
  check_is(
      weir_read_some(&next.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
      0);
  run_turn(f);
  check_is(next.calls, 0);
  check_is(s.read_pending, 1);
  read_ends(&s, 0, 8);
  finish(f, &next, 0, 8);
  close_puppet(f, &s);
}

static int read_now(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                    size_t *n) {
  (void)stream;
  (void)bufs;
  (void)nbufs;
  *n = 2;
  return UV_EAGAIN;
}

/* That there are no more is no error to be kept. */
WEIR_TEST(straight, bytes_and_no_more_now_are_a_read) {
  static struct puppet s;
  weir_stream_kind_t kind = inert_kind;
  char bytes[8];
  size_t n;

  kind.read_now = read_now;
  memset(&s, 0, sizeof(s));
  check_is(weir_stream_init(f->loop, &s.stream, &kind, &s), 0);
  for (int i = 0; i < 2; i++) {
    check_is(weir_read_now(&s.stream, weir_mseq_block(bytes, 8), &n), 0);
    check_is(n, 2);
  }
  close_puppet(f, &s);
}

WEIR_TEST(straight, more_than_was_asked_for_is_no_read) {
  static struct puppet s;
  struct request r = {0}, big = {0};
  weir_cond_t cond = weir_at_least(5);
  char bytes[8];

  open_puppet(f, &s);
  cond.cap = 4;
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(bytes, 8), cond, on_done), 0);
  run_turn(f);
  read_ends(&s, 0, 5);
  finish(f, &r, UV_EIO, 0);
  /* Nobody looks at this memory. */
  check_is(weir_read_some(&big.op, &s.stream,
                          weir_mseq_block(bytes, (size_t)2 << 30), on_done),
           0);
  run_turn(f);
  check_is(s.read_pending, 1);
  read_ends(&s, 0, ((size_t)1 << 30) + 1);
  finish(f, &big, UV_EIO, 0);
  close_puppet(f, &s);
}

WEIR_TEST(straight, a_read_ends_when_there_is_enough) {
  static struct puppet s;
  struct request r = {0};
  weir_loop_stats_t before;
  char bytes[8];

  open_puppet(f, &s);
  before = stats_of(f);
  check_is(weir_read(&r.op, &s.stream, weir_mseq_block(bytes, 8),
                     weir_at_least(5), on_done),
           0);
  run_turn(f);
  read_ends(&s, 0, 4);
  run_turn(f);
  check_is(r.calls, 0);
  check_is(s.read_pending, 1);
  read_ends(&s, 0, 2);
  finish(f, &r, 0, 6);
  check_is(stats_of(f).reads, before.reads + 2);
  check_is(stats_of(f).bytes_read, before.bytes_read + 6);
  close_puppet(f, &s);
}

WEIR_TEST(straight, a_read_that_ends_while_the_stream_closes) {
  static struct puppet s;
  struct request r = {0};
  char bytes[8];

  open_puppet(f, &s);
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  run_turn(f);
  check_is(weir_close(&s.stream, on_puppet_closed), 0);
  read_ends(&s, 0, 5);
  finish(f, &r, 0, 5);
  run_until(f, &s.closed);
}
