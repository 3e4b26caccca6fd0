/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

static int write_block(struct conn *c, struct request *r, const void *base,
                       size_t len) {
  memset(r, 0, sizeof(*r));
  return weir_write(&r->op, &c->stream, weir_seq_block(base, len), on_done);
}

static char *new_pattern(size_t len) {
  char *bytes = malloc(len);

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, len);
  return bytes;
}

WEIR_TEST(write, arrives) {
  struct request r;
  struct conn c;
  char bytes[100];

  conn_tcp(f, &c);
  pattern_fill(bytes, 0, 100);
  check_is(write_block(&c, &r, bytes, 100), 0);
  check_is(r.calls, 0);
  check_is(weir_stream_queued(&c.stream), 100);
  finish(f, &r, 0, 100);
  check_is(weir_stream_queued(&c.stream), 0);
  peer_take(&c, 0, 100);
  conn_close(f, &c);
}

WEIR_TEST(write, that_finds_room_is_asked_for_once) {
  struct request r;
  struct conn c;
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 10; i++) {
    check_is(write_block(&c, &r, "x", 1), 0);
    finish(f, &r, 0, 1);
  }
  check_is(stats_of(f).retries, 0);
  check_is(stats_of(f).short_writes, 0);
  conn_close(f, &c);
}

static void write_much(struct weir_fixture *f, struct conn *c) {
  char *bytes = new_pattern(SLOW_BYTES);
  struct drain drain;
  struct request r;

  check_is(write_block(c, &r, bytes, SLOW_BYTES), 0);
  run_some_turns(f);
  check_is(r.calls, 0);
  cr_assert(weir_stream_queued(&c->stream) > 0);
  drain_start(&drain, c->peer);
  finish(f, &r, 0, SLOW_BYTES);
  close_stream(f, c);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  close_peer(c);
  free(bytes);
}

WEIR_TEST(write, of_more_than_the_socket_takes_is_completed) {
  struct conn c;

  conn_slow(f, &c);
  write_much(f, &c);
}

WEIR_TEST(write, of_more_than_a_unix_socket_takes_is_completed) {
  struct conn c;

  conn_unix(f, &c);
  write_much(f, &c);
}

WEIR_TEST(write, many_arrive_in_order) {
  enum { COUNT = 300 };
  static struct request r[COUNT];
  char *bytes;
  struct drain drain;
  struct conn c;
  size_t at = 0;
  int i;

  conn_slow(f, &c);
  bytes = new_pattern(COUNT * 4096);
  for (i = 0; i < COUNT; i++) {
    size_t len = (size_t)(i * 37 % 4096);

    check_is(write_block(&c, &r[i], bytes + at, len), 0);
    at += len;
  }
  /* The system has some of it already. */
  cr_assert(stats_of(f).bytes_written > 0);
  check_is(weir_stream_queued(&c.stream) + stats_of(f).bytes_written, at);
  drain_start(&drain, c.peer);
  for (i = 0; i < COUNT; i++)
    finish(f, &r[i], 0, (size_t)(i * 37 % 4096));
  close_stream(f, &c);
  drain_join(&drain);
  check_is(drain.received, at);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(write, callbacks_come_in_order) {
  struct request r[3];
  struct conn c;

  conn_tcp(f, &c);
  check_is(write_block(&c, &r[0], "ab", 2), 0);
  check_is(write_block(&c, &r[1], NULL, 0), 0);
  check_is(write_block(&c, &r[2], "c", 1), 0);
  run_until(f, &r[2].calls);
  check_is(r[0].calls, 1);
  check_is(r[1].calls, 1);
  finish(f, &r[1], 0, 0);
  conn_close(f, &c);
}

WEIR_TEST(write, sixty_four_small_ones_take_five_system_calls) {
  enum { COUNT = 64, SIZE = 64 };
  static char bytes[COUNT][SIZE * 2];
  static struct request r[COUNT];
  struct conn c;
  uint64_t before;
  int i;

  /* The first operation also sets up what is set up once. */
  conn_tcp(f, &c);
  check_is(write_block(&c, &r[0], "x", 1), 0);
  finish(f, &r[0], 0, 1);
  check_is(recv(c.peer, bytes[0], 1, 0), 1);
  before = stats_of(f).syscalls;
  for (i = 0; i < COUNT; i++) {
    pattern_fill(bytes[i], (size_t)i * SIZE, SIZE);
    check_is(write_block(&c, &r[i], bytes[i], SIZE), 0);
  }
  run_out(f);
  for (i = 0; i < COUNT; i++)
    finish(f, &r[i], 0, SIZE);
  cr_assert(stats_of(f).syscalls - before <= 5, "%llu system calls",
            (unsigned long long)(stats_of(f).syscalls - before));
  cr_assert(stats_of(f).syscalls > before, "nothing was counted");
  peer_take(&c, 0, COUNT * SIZE);
  conn_close(f, &c);
}

WEIR_TEST(write, gathers_any_number_of_segments) {
  static const size_t counts[] = {1, 4, 5, 15, 16, 17, 33, 1000};
  static char bytes[1000][8];
  static uv_buf_t bufs[1000];
  struct conn c;
  size_t i, k;

  conn_tcp(f, &c);
  for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
    struct request r = {0};
    size_t total = 0;

    for (k = 0; k < counts[i]; k++) {
      bufs[k] = uv_buf_init(bytes[k], k % 3 == 2 ? 0 : 5);
      pattern_fill(bytes[k], total, bufs[k].len);
      total += bufs[k].len;
    }
    check_is(
        weir_write(&r.op, &c.stream, weir_seq_bufs(bufs, counts[i]), on_done),
        0);
    memset(bufs, 0, sizeof(bufs));
    finish(f, &r, 0, total);
    peer_take(&c, 0, total);
  }
  conn_close(f, &c);
}

WEIR_TEST(write, some_moves_a_window_at_most) {
  static char bytes[20][16];
  uv_buf_t bufs[20];
  struct request r = {0};
  struct conn c;
  size_t i;

  conn_tcp(f, &c);
  for (i = 0; i < 20; i++) {
    bufs[i] = uv_buf_init(bytes[i], 10);
    pattern_fill(bytes[i], i * 10, 10);
  }
  check_is(weir_write_some(&r.op, &c.stream, weir_seq_bufs(bufs, 20), on_done),
           0);
  finish(f, &r, 0, 160);
  check_is(weir_stream_queued(&c.stream), 0);
  peer_take(&c, 0, 160);
  conn_close(f, &c);
}

WEIR_TEST(write, some_may_be_short_and_the_caller_goes_on) {
  char *bytes = new_pattern(SLOW_BYTES);
  struct drain drain;
  struct conn c;
  size_t at = 0;
  int calls = 0;

  conn_slow(f, &c);
  drain_start(&drain, c.peer);
  while (at < SLOW_BYTES) {
    struct request r = {0};

    check_is(weir_write_some(&r.op, &c.stream,
                             weir_seq_block(bytes + at, SLOW_BYTES - at),
                             on_done),
             0);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    cr_assert(r.n >= 1 && r.n <= SLOW_BYTES - at);
    at += r.n;
    calls++;
  }
  cr_assert(calls > 1, "a small socket buffer took it all at once");
  close_stream(f, &c);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(write, to_a_peer_that_is_gone_fails_for_all) {
  static char bytes[65536];
  struct request r[3];
  struct request later;
  struct conn c;
  int i, error;

  conn_tcp(f, &c);
  reset_peer(&c);
  /* The first may still be taken by the system. */
  check_is(write_block(&c, &later, bytes, 1), 0);
  run_until(f, &later.calls);
  for (i = 0; i < 3; i++)
    check_is(write_block(&c, &r[i], bytes, sizeof(bytes)), 0);
  run_out(f);
  error = r[0].status;
  cr_assert(error == UV_EPIPE || error == UV_ECONNRESET, "status %s",
            error ? uv_err_name(error) : "0");
  cr_assert(r[0].n < sizeof(bytes));
  finish(f, &r[1], error, 0);
  finish(f, &r[2], error, 0);
  check_is(weir_stream_queued(&c.stream), 0);
  for (i = 0; i < 2; i++) {
    check_is(write_block(&c, &later, bytes, (size_t)i), 0);
    finish(f, &later, error, 0);
  }
  conn_close(f, &c);
}

WEIR_TEST(write, to_a_pipe_without_a_reader_raises_no_signal) {
  struct request r;
  struct conn c;
  int fds[2];

  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(pipe(fds), 0);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[1]), 0);
  close(fds[0]);
  check_is(write_block(&c, &r, "x", 1), 0);
  finish(f, &r, UV_EPIPE, 0);
  conn_close(f, &c);
  check_is(count_sigpipe(), 0);
}

WEIR_TEST(write, to_a_unix_socket_without_a_reader_raises_no_signal) {
  struct request r;
  struct conn c;
  size_t n;

  conn_unix(f, &c);
  close_peer(&c);
  check_is(write_block(&c, &r, "x", 1), 0);
  finish(f, &r, UV_EPIPE, 0);
  check_is(
      weir_write_now(&r.op, &c.stream, weir_seq_block("x", 1), &n, on_done),
      UV_EPIPE);
  conn_close(f, &c);
  check_is(count_sigpipe(), 0);
}

WEIR_TEST(write, to_a_slow_pipe_is_completed) {
  struct conn c;
  int fds[2];

  memset(&c, 0, sizeof(c));
  check_is(pipe(fds), 0);
  c.peer = fds[0];
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[1]), 0);
  write_much(f, &c);
}

WEIR_TEST(write, eof_ends_this_side_only) {
  struct request r, later;
  struct conn c;
  char bytes[64];
  size_t n = 99;

  conn_tcp(f, &c);
  pattern_fill(bytes, 0, 64);
  check_is(write_block(&c, &r, bytes, 32), 0);
  memset(&later, 0, sizeof(later));
  check_is(weir_write_eof(&later.op, &c.stream, weir_seq_block(bytes + 32, 32),
                          on_done),
           0);
  finish(f, &later, 0, 32);
  finish(f, &r, 0, 32);
  peer_take(&c, 0, 64);
  peer_expect_end(&c);

  check_is(write_block(&c, &later, "x", 1), UV_EPIPE);
  check_is(
      weir_write_some(&later.op, &c.stream, weir_seq_block("x", 1), on_done),
      UV_EPIPE);
  check_is(
      weir_write_eof(&later.op, &c.stream, weir_seq_block(NULL, 0), on_done),
      UV_EPIPE);
  check_is(
      weir_write_now(&later.op, &c.stream, weir_seq_block("x", 1), &n, on_done),
      UV_EPIPE);
  check_is(n, 0);

  peer_send(&c, 0, 40);
  close_peer(&c);
  memset(&r, 0, sizeof(r));
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 64), on_done), 0);
  finish(f, &r, 0, 40);
  memset(&r, 0, sizeof(r));
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 64), on_done), 0);
  finish(f, &r, UV_EOF, 0);
  conn_close(f, &c);
}

WEIR_TEST(write, eof_without_data_ends_unix_sockets_too) {
  struct request r = {0};
  struct conn c;

  conn_unix(f, &c);
  check_is(weir_write_eof(&r.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  finish(f, &r, 0, 0);
  peer_expect_end(&c);
  conn_close(f, &c);
}

WEIR_TEST(write, eof_waits_for_a_slow_peer) {
  char *bytes = new_pattern(SLOW_BYTES);
  struct request r = {0};
  struct drain drain;
  struct conn c;

  conn_slow(f, &c);
  check_is(weir_write_eof(&r.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                          on_done),
           0);
  run_some_turns(f);
  check_is(r.calls, 0);
  drain_start(&drain, c.peer);
  finish(f, &r, 0, SLOW_BYTES);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  conn_close(f, &c);
  free(bytes);
}

WEIR_TEST(write, ten_thousand_pass_a_queue_of_eight_entries) {
  enum { STREAMS = 100, WRITES = 100 };
  struct one {
    struct conn conn;
    struct request requests[WRITES];
    char bytes[WRITES * 4];
  };
  struct one *all;
  int i, k;

  fixture_descriptors(f, STREAMS);
  all = calloc(STREAMS, sizeof(*all));
  cr_assert(all != NULL);
  fixture_reattach(f, 8);
  for (i = 0; i < STREAMS; i++) {
    conn_unix(f, &all[i].conn);
    pattern_fill(all[i].bytes, 0, sizeof(all[i].bytes));
    for (k = 0; k < WRITES; k++)
      check_is(write_block(&all[i].conn, &all[i].requests[k],
                           all[i].bytes + k * 4, 4),
               0);
  }
  run_out(f);
  for (i = 0; i < STREAMS; i++) {
    for (k = 0; k < WRITES; k++)
      finish(f, &all[i].requests[k], 0, 4);
    peer_take(&all[i].conn, 0, WRITES * 4);
    conn_close(f, &all[i].conn);
  }
  free(all);
}

WEIR_TEST(write, refuses_bad_arguments) {
  struct request r = {0};
  weir_seq_t one = weir_seq_block("x", 1);
  struct conn c;
  size_t n;

  conn_tcp(f, &c);
  check_is(weir_write(NULL, &c.stream, one, on_done), UV_EINVAL);
  check_is(weir_write(&r.op, NULL, one, on_done), UV_EINVAL);
  check_is(weir_write(&r.op, &c.stream, one, NULL), UV_EINVAL);
  check_is(weir_write_some(NULL, &c.stream, one, on_done), UV_EINVAL);
  check_is(weir_write_eof(&r.op, &c.stream, one, NULL), UV_EINVAL);
  check_is(weir_write_now(&r.op, &c.stream, one, NULL, on_done), UV_EINVAL);
  check_is(weir_write_now(&r.op, &c.stream, one, &n, NULL), UV_EINVAL);
  check_is(n, 0);
  check_is(weir_stream_queued(&c.stream), 0);
  conn_close(f, &c);
}
