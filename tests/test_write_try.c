/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/net.h"
#include "support/scripted.h"

/* Writing what goes now, and nothing later. */

static int attempt(weir_stream_t *stream, const void *base, size_t len,
                   size_t *n) {
  *n = 12345;
  return weir_write_try(stream, weir_seq_block(base, len), n);
}

WEIR_TEST(write_try, takes_what_there_is_room_for_and_queues_none) {
  char *bytes = malloc(SLOW_BYTES);
  size_t sent = 0, taken = 0, n;
  uint64_t writes;
  struct conn c;
  int error;

  conn_slow(f, &c);
  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  writes = stats_of(f).writes;
  check_is(attempt(&c.stream, bytes, SLOW_BYTES, &sent), 0);
  check_is(stats_of(f).writes, writes + 1);
  cr_assert(sent > 0 && sent < SLOW_BYTES);
  while ((error = attempt(&c.stream, bytes + sent, SLOW_BYTES - sent, &n)) ==
         0) {
    cr_assert(n > 0);
    sent += n;
    cr_assert(sent < SLOW_BYTES);
  }
  check_is(error, UV_EAGAIN);
  check_is(n, 0);
  check_is(weir_stream_queued(&c.stream), 0);
  writes = stats_of(f).writes;
  check_is(attempt(&c.stream, bytes, 1, &n), UV_EAGAIN);
  check_is(stats_of(f).writes, writes);
  run_out(f);
  peer_take(&c, 0, sent);
  taken = sent;
  while (sent < SLOW_BYTES) {
    error = attempt(&c.stream, bytes + sent, SLOW_BYTES - sent, &n);
    cr_assert(error == 0 || error == UV_EAGAIN);
    sent += n;
    take_pattern(c.peer, &taken);
  }
  while (taken < SLOW_BYTES)
    take_pattern(c.peer, &taken);
  conn_close(f, &c);
  free(bytes);
}

WEIR_TEST(write_try, takes_more_than_one_window) {
  static char bytes[100][16];
  uint64_t writes = stats_of(f).writes;
  uv_buf_t bufs[100];
  struct conn c;
  size_t i, n = 0;

  conn_unix(f, &c);
  for (i = 0; i < 100; i++) {
    bufs[i] = uv_buf_init(bytes[i], 10);
    pattern_fill(bytes[i], i * 10, 10);
  }
  check_is(weir_write_try(&c.stream, weir_seq_bufs(bufs, 100), &n), 0);
  check_is(n, 1000);
  check_is(stats_of(f).writes, writes + 1);
  peer_take(&c, 0, 1000);
  check_is(attempt(&c.stream, NULL, 0, &n), 0);
  check_is(n, 0);
  conn_close(f, &c);
}

WEIR_TEST(write_try, does_not_overtake_what_is_queued) {
  struct request a = {0};
  struct conn c;
  char bytes[20];
  size_t n;

  conn_tcp(f, &c);
  pattern_fill(bytes, 0, 20);
  check_is(weir_write(&a.op, &c.stream, weir_seq_block(bytes, 10), on_done), 0);
  check_is(attempt(&c.stream, bytes + 10, 10, &n), UV_EAGAIN);
  check_is(n, 0);
  check_is(attempt(&c.stream, NULL, 0, &n), UV_EAGAIN);
  check_is(weir_stream_queued(&c.stream), 10);
  finish(f, &a, 0, 10);
  check_is(attempt(&c.stream, bytes + 10, 10, &n), 0);
  check_is(n, 10);
  peer_take(&c, 0, 20);
  conn_close(f, &c);
}

WEIR_TEST(write_try, fails_once_and_for_good) {
  static char bytes[65536];
  struct request r = {0};
  struct conn c;
  size_t n;
  int error = 0, tries;

  conn_tcp(f, &c);
  reset_peer(&c);
  for (tries = 0; tries < 10 && error == 0; tries++)
    error = attempt(&c.stream, bytes, sizeof(bytes), &n);
  cr_assert(error == UV_EPIPE || error == UV_ECONNRESET);
  check_is(attempt(&c.stream, bytes, 1, &n), error);
  check_is(n, 0);
  check_is(weir_write(&r.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &r, error, 0);
  conn_close(f, &c);
}

WEIR_TEST(write_try, is_refused_where_writes_are) {
  struct request end = {0};
  struct conn c;
  weir_stream_t fresh;
  size_t n = 1;

  check_is(weir_tcp_init(f->loop, &fresh), 0);
  check_is(attempt(&fresh, "x", 1, &n), UV_ENOTCONN);
  check_is(n, 0);
  check_is(weir_close(&fresh, NULL), 0);
  conn_tcp(f, &c);
  check_is(weir_write_try(&c.stream, weir_seq_block("x", 1), NULL), UV_EINVAL);
  n = 1;
  check_is(weir_write_try(NULL, weir_seq_block("x", 1), &n), UV_EINVAL);
  check_is(n, 0);
  check_is(weir_write_eof(&end.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  check_is(attempt(&c.stream, "x", 1, &n), UV_EPIPE);
  finish(f, &end, 0, 0);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(attempt(&c.stream, "x", 1, &n), UV_EBADF);
  check_is(n, 0);
  run_until(f, &c.closed);
  close_peer(&c);
}

/* 20 segments of 2 bytes, which do not touch: a window of 32 and one of 8. */
enum { SEGMENTS = 20 };

static void expect_outcome(struct weir_fixture *f, weir_test_step_t second,
                           int no_now, int status, size_t sum, int then) {
  static char bytes[3 * SEGMENTS];
  weir_test_step_t steps[2] = {{0}, second};
  weir_test_options_t options = {.write = {.steps = steps, .nsteps = 2},
                                 .no_now = no_now};
  uv_buf_t bufs[SEGMENTS];
  struct scripted s;
  size_t n = 1;

  for (int i = 0; i < SEGMENTS; i++)
    bufs[i] = uv_buf_init(bytes + 3 * i, 2);
  scripted_open(f, &s, &options);
  check_is(weir_write_try(&s.stream, weir_seq_bufs(bufs, SEGMENTS), &n),
           status);
  check_is(n, sum);
  check_is(weir_stream_queued(&s.stream), 0);
  check_is(attempt(&s.stream, "x", 1, &n), then);
  check_is(n, then == 0 ? 1 : 0);
  scripted_close(f, &s);
}

WEIR_TEST(write_try, counts_exactly_what_went) {
  expect_outcome(f, (weir_test_step_t){0}, 0, 0, 40, 0);
  expect_outcome(f, (weir_test_step_t){.bytes = 3}, 0, 0, 35, 0);
  expect_outcome(f, (weir_test_step_t){.status = UV_EAGAIN}, 0, 0, 32, 0);
  expect_outcome(f, (weir_test_step_t){.turns = 1}, 0, 0, 32, 0);
  expect_outcome(f, (weir_test_step_t){.bytes = 3, .status = UV_EPIPE}, 0,
                 UV_EPIPE, 35, UV_EPIPE);
  /* All of it went: the next one is told. */
  expect_outcome(f, (weir_test_step_t){.bytes = 8, .status = UV_EPIPE}, 0, 0,
                 40, UV_EPIPE);
  expect_outcome(f, (weir_test_step_t){.flags = WEIR_TEST_TOO_MUCH}, 0, UV_EIO,
                 32, UV_EIO);
}

WEIR_TEST(write_try, tells_nothing_of_a_kind_without_write_now) {
  weir_test_options_t options = {.no_now = 1};
  struct scripted s;
  size_t n;

  expect_outcome(f, (weir_test_step_t){0}, 1, UV_EAGAIN, 0, UV_EAGAIN);
  scripted_open(f, &s, &options);
  check_is(attempt(&s.stream, NULL, 0, &n), 0);
  check_is(n, 0);
  check_is(weir_test_count(s.script, WEIR_TEST_WRITE), 0);
  scripted_close(f, &s);
}
