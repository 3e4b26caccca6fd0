/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

static int read_block(struct conn *c, struct request *r, void *base,
                      size_t len) {
  memset(r, 0, sizeof(*r));
  return weir_read_some(&r->op, &c->stream, weir_mseq_block(base, len),
                        on_done);
}

/* Reads until len bytes are there. */
static void read_exactly(struct weir_fixture *f, struct conn *c, char *base,
                         size_t len) {
  size_t got = 0;

  while (got < len) {
    struct request r;

    check_is(read_block(c, &r, base + got, len - got), 0);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    cr_assert(r.n >= 1 && r.n <= len - got);
    got += r.n;
  }
}

WEIR_TEST(read, takes_what_is_there) {
  struct request r;
  struct conn c;
  char bytes[100];

  conn_tcp(f, &c);
  peer_send(&c, 0, 60);
  check_is(read_block(&c, &r, bytes, 100), 0);
  check_is(r.calls, 0);
  finish(f, &r, 0, 60);
  cr_assert(pattern_holds(bytes, 0, 60));
  conn_close(f, &c);
}

static void on_send_timer(uv_timer_t *timer) {
  peer_send(timer->data, 0, 10);
  uv_close((uv_handle_t *)timer, NULL);
}

static void send_later(struct weir_fixture *f, struct conn *c, uv_timer_t *t) {
  t->data = c;
  check_is(uv_timer_init(&f->uv, t), 0);
  check_is(uv_timer_start(t, on_send_timer, 5, 0), 0);
}

WEIR_TEST(read, waits_for_data) {
  struct request r;
  struct conn c;
  uv_timer_t timer;
  char bytes[100];

  conn_tcp(f, &c);
  check_is(read_block(&c, &r, bytes, 100), 0);
  run_some_turns(f);
  check_is(r.calls, 0);
  send_later(f, &c, &timer);
  run_out(f);
  finish(f, &r, 0, 10);
  cr_assert(pattern_holds(bytes, 0, 10));
  conn_close(f, &c);
}

WEIR_TEST(read, works_on_unix_sockets) {
  struct request r;
  struct conn c;
  char bytes[100];

  conn_unix(f, &c);
  peer_send(&c, 0, 100);
  check_is(read_block(&c, &r, bytes, 40), 0);
  finish(f, &r, 0, 40);
  check_is(read_block(&c, &r, bytes + 40, 60), 0);
  finish(f, &r, 0, 60);
  cr_assert(pattern_holds(bytes, 0, 100));
  close_peer(&c);
  check_is(read_block(&c, &r, bytes, 40), 0);
  finish(f, &r, UV_EOF, 0);
  conn_close(f, &c);
}

WEIR_TEST(read, works_on_the_end_of_a_pipe) {
  struct request r;
  struct conn c;
  char bytes[16];
  int fds[2];

  memset(&c, 0, sizeof(c));
  check_is(pipe(fds), 0);
  c.peer = fds[1];
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[0]), 0);
  check_is(read_block(&c, &r, bytes, 16), 0);
  run_some_turns(f);
  check_is(r.calls, 0);
  check_is(write(fds[1], "hello", 5), 5);
  finish(f, &r, 0, 5);
  cr_assert(memcmp(bytes, "hello", 5) == 0);
  close_peer(&c);
  check_is(read_block(&c, &r, bytes, 16), 0);
  finish(f, &r, UV_EOF, 0);
  conn_close(f, &c);
}

WEIR_TEST(read, of_nothing_succeeds_without_a_system_call) {
  struct request r;
  struct conn c;
  uv_buf_t empties[3];
  uint64_t sqes;
  int i;

  conn_tcp(f, &c);
  sqes = stats_of(f).sqes;
  check_is(read_block(&c, &r, NULL, 0), 0);
  check_is(r.calls, 0);
  finish(f, &r, 0, 0);
  for (i = 0; i < 3; i++)
    empties[i] = uv_buf_init(NULL, 0);
  memset(&r, 0, sizeof(r));
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_bufs(empties, 3), on_done), 0);
  finish(f, &r, 0, 0);
  if (f->wait == WEIR_WAIT_UV)
    check_is(stats_of(f).sqes, sqes);
  conn_close(f, &c);
}

WEIR_TEST(read, only_one_may_be_outstanding) {
  struct request r, second;
  struct conn c;
  char bytes[16];
  size_t n = 99;

  conn_tcp(f, &c);
  check_is(read_block(&c, &r, bytes, 16), 0);
  check_is(read_block(&c, &second, bytes, 16), UV_EALREADY);
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 16), &n),
           UV_EALREADY);
  check_is(n, 0);
  run_some_turns(f);
  check_is(read_block(&c, &second, bytes, 16), UV_EALREADY);
  peer_send(&c, 0, 4);
  finish(f, &r, 0, 4);
  check_is(second.calls, 0);
  conn_close(f, &c);
}

WEIR_TEST(read, end_comes_after_the_data_and_stays) {
  struct request r;
  struct conn c;
  char bytes[200];
  size_t n = 99;
  int i;

  conn_tcp(f, &c);
  peer_send(&c, 0, 100);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  check_is(read_block(&c, &r, bytes, 200), 0);
  finish(f, &r, 0, 100);
  cr_assert(pattern_holds(bytes, 0, 100));
  for (i = 0; i < 3; i++) {
    check_is(read_block(&c, &r, bytes, 200), 0);
    finish(f, &r, UV_EOF, 0);
  }
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 16), &n), UV_EOF);
  check_is(n, 0);
  check_is(read_block(&c, &r, bytes, 0), 0);
  finish(f, &r, 0, 0);
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 0), &n), 0);
  conn_close(f, &c);
}

WEIR_TEST(read, end_wakes_a_waiting_read) {
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  check_is(read_block(&c, &r, bytes, 16), 0);
  run_some_turns(f);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  finish(f, &r, UV_EOF, 0);
  conn_close(f, &c);
}

WEIR_TEST(read, scatters_over_any_number_of_segments) {
  static const size_t counts[] = {1, 4, 5, 15, 16, 17, 33, 1000};
  static char bytes[1000][8];
  uv_buf_t bufs[1000];
  struct conn c;
  size_t i, k;

  conn_tcp(f, &c);
  for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
    size_t filled = 0, total = 0;
    struct request r = {0};

    /* Every third is empty, and none touches the next one. */
    for (k = 0; k < counts[i]; k++) {
      bufs[k] = uv_buf_init(bytes[k], k % 3 == 1 ? 0 : 5);
      total += bufs[k].len;
    }
    peer_send(&c, 0, total);
    check_is(weir_read_some(&r.op, &c.stream, weir_mseq_bufs(bufs, counts[i]),
                            on_done),
             0);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    check_is(r.n, total < 80 ? total : 80);
    for (k = 0; filled < r.n; k++) {
      cr_assert(pattern_holds(bytes[k], filled, bufs[k].len));
      filled += bufs[k].len;
    }
    /* What a window could not take is still there. */
    while (filled < total) {
      char rest[6000];

      check_is(read_block(&c, &r, rest, sizeof(rest)), 0);
      run_until(f, &r.calls);
      check_is(r.status, 0);
      cr_assert(pattern_holds(rest, filled, r.n));
      filled += r.n;
    }
  }
  conn_close(f, &c);
}

WEIR_TEST(read, copies_the_descriptors) {
  struct request r = {0};
  struct conn c;
  uv_buf_t bufs[20];
  static char bytes[20][8];
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 20; i++)
    bufs[i] = uv_buf_init(bytes[i], i < 15 ? 0 : 4);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_bufs(bufs, 20), on_done),
           0);
  memset(bufs, 0, sizeof(bufs));
  run_some_turns(f);
  peer_send(&c, 0, 20);
  finish(f, &r, 0, 20);
  for (i = 15; i < 20; i++)
    cr_assert(pattern_holds(bytes[i], (size_t)(i - 15) * 4, 4));
  conn_close(f, &c);
}

WEIR_TEST(read, pinned_descriptors_are_used_where_they_are) {
  struct request r = {0};
  struct conn c;
  uv_buf_t bufs[20];
  static char bytes[20][8];
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 20; i++)
    bufs[i] = uv_buf_init(bytes[i], 4);
  check_is(weir_read_some(&r.op, &c.stream,
                          weir_mseq_pinned(weir_mseq_bufs(bufs, 20)), on_done),
           0);
  peer_send(&c, 0, 64);
  finish(f, &r, 0, 64);
  for (i = 0; i < 16; i++)
    cr_assert(pattern_holds(bytes[i], (size_t)i * 4, 4));
  check_is(stats_of(f).allocations, 0);
  conn_close(f, &c);
}

WEIR_TEST(read, reset_with_data_queued_is_reported_after_it) {
  struct request r;
  struct conn c;
  char bytes[1000];
  size_t got = 0;
  int status = 0;

  conn_tcp(f, &c);
  peer_send(&c, 0, 100);
  reset_peer(&c);
  while (status == 0) {
    check_is(read_block(&c, &r, bytes + got, sizeof(bytes) - got), 0);
    run_until(f, &r.calls);
    status = r.status;
    if (status != 0)
      check_is(r.n, 0);
    got += r.n;
  }
  check_is(status, UV_ECONNRESET);
  cr_assert(got == 0 || got == 100);
  cr_assert(pattern_holds(bytes, 0, got));
  conn_close(f, &c);
}

WEIR_TEST(read, reset_wakes_a_waiting_read) {
  struct request r;
  struct conn c;
  char bytes[16];

  conn_tcp(f, &c);
  check_is(read_block(&c, &r, bytes, 16), 0);
  run_some_turns(f);
  reset_peer(&c);
  finish(f, &r, UV_ECONNRESET, 0);
  conn_close(f, &c);
}

/* What was sent over loopback arrives soon, but not always at once. */
static void await_arrival(const struct conn *c) {
  struct pollfd fd = {.events = POLLIN};

  check_is(weir_fileno(&c->stream, &fd.fd), 0);
  check_is(poll(&fd, 1, 20000), 1);
}

WEIR_TEST(read, now_takes_what_is_there_or_nothing) {
  struct conn c;
  char bytes[32];
  size_t n = 99;

  conn_tcp(f, &c);
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 32), &n), UV_EAGAIN);
  check_is(n, 0);
  check_is(weir_read_now(&c.stream, weir_mseq_block(NULL, 0), &n), 0);
  check_is(n, 0);
  peer_send(&c, 0, 20);
  await_arrival(&c);
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 12), &n), 0);
  check_is(n, 12);
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes + 12, 20), &n), 0);
  check_is(n, 8);
  cr_assert(pattern_holds(bytes, 0, 20));
  close_peer(&c);
  await_arrival(&c);
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 32), &n), UV_EOF);
  check_is(n, 0);
  conn_close(f, &c);
}

WEIR_TEST(read, now_and_waiting_reads_take_turns) {
  struct request r;
  struct conn c;
  char bytes[256];
  size_t i, n, at = 0;

  conn_tcp(f, &c);
  for (i = 0; i < 20; i++) {
    peer_send(&c, at, 8);
    check_is(read_block(&c, &r, bytes, 3), 0);
    finish(f, &r, 0, 3);
    cr_assert(pattern_holds(bytes, at, 3));
    check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 256), &n), 0);
    check_is(n, 5);
    cr_assert(pattern_holds(bytes, at + 3, 5));
    at += 8;
  }
  conn_close(f, &c);
}

WEIR_TEST(read, data_that_nobody_asked_for_stays_in_the_system) {
  struct request r;
  struct conn c;
  static char bytes[50000];
  char first[1];

  conn_tcp(f, &c);
  peer_send(&c, 0, 1);
  check_is(read_block(&c, &r, first, 1), 0);
  finish(f, &r, 0, 1);
  peer_send(&c, 1, sizeof(bytes));
  run_some_turns(f);
  read_exactly(f, &c, bytes, sizeof(bytes));
  cr_assert(pattern_holds(bytes, 1, sizeof(bytes)));
  conn_close(f, &c);
}

WEIR_TEST(read, refuses_bad_arguments) {
  struct request r = {0};
  weir_mseq_t one;
  struct conn c;
  char byte;
  size_t n;

  conn_tcp(f, &c);
  one = weir_mseq_block(&byte, 1);
  check_is(weir_read_some(NULL, &c.stream, one, on_done), UV_EINVAL);
  check_is(weir_read_some(&r.op, NULL, one, on_done), UV_EINVAL);
  check_is(weir_read_some(&r.op, &c.stream, one, NULL), UV_EINVAL);
  check_is(weir_read_now(NULL, one, &n), UV_EINVAL);
  check_is(weir_read_now(&c.stream, one, NULL), UV_EINVAL);
  conn_close(f, &c);
}
