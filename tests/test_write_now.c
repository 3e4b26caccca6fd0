/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/net.h"

static int write_now(struct conn *c, struct request *r, const void *base,
                     size_t len, size_t *n) {
  memset(r, 0, sizeof(*r));
  *n = 12345;
  return weir_write_now(&r->op, &c->stream, weir_seq_block(base, len), n,
                        on_done);
}

WEIR_TEST(write_now, is_done_at_once_where_there_is_room) {
  struct request r;
  struct conn c;
  char bytes[300];
  size_t n;
  int i;

  conn_tcp(f, &c);
  pattern_fill(bytes, 0, 300);
  for (i = 0; i < 3; i++) {
    check_is(write_now(&c, &r, bytes + i * 100, 100, &n), 0);
    check_is(n, 100);
  }
  peer_take(&c, 0, 300);
  check_is(write_now(&c, &r, NULL, 0, &n), 0);
  check_is(n, 0);
  check_is(weir_stream_queued(&c.stream), 0);
  run_out(f);
  check_is(r.calls, 0);
  conn_close(f, &c);
}

WEIR_TEST(write_now, takes_more_than_one_window) {
  static char bytes[100][16];
  uv_buf_t bufs[100];
  struct request r = {0};
  struct conn c;
  size_t i, n = 0;

  conn_tcp(f, &c);
  for (i = 0; i < 100; i++) {
    bufs[i] = uv_buf_init(bytes[i], 10);
    pattern_fill(bytes[i], i * 10, 10);
  }
  check_is(
      weir_write_now(&r.op, &c.stream, weir_seq_bufs(bufs, 100), &n, on_done),
      0);
  check_is(n, 1000);
  peer_take(&c, 0, 1000);
  conn_close(f, &c);
}

WEIR_TEST(write_now, leaves_the_rest_pending_and_counts_all_of_it) {
  char *bytes = malloc(SLOW_BYTES);
  struct drain drain;
  struct request r;
  struct conn c;
  size_t n;

  conn_slow(f, &c);
  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  check_is(write_now(&c, &r, bytes, SLOW_BYTES, &n), WEIR_PENDING);
  cr_assert(n < SLOW_BYTES);
  check_is(weir_stream_queued(&c.stream), SLOW_BYTES - n);
  drain_start(&drain, c.peer);
  finish(f, &r, 0, SLOW_BYTES);
  close_stream(f, &c);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(write_now, does_not_overtake_what_is_queued) {
  struct request a = {0}, b;
  struct conn c;
  char bytes[20];
  size_t n;

  conn_tcp(f, &c);
  pattern_fill(bytes, 0, 20);
  check_is(weir_write(&a.op, &c.stream, weir_seq_block(bytes, 10), on_done), 0);
  check_is(write_now(&c, &b, bytes + 10, 10, &n), WEIR_PENDING);
  check_is(n, 0);
  finish(f, &a, 0, 10);
  finish(f, &b, 0, 10);
  peer_take(&c, 0, 20);
  conn_close(f, &c);
}

WEIR_TEST(write_now, from_a_callback_is_done_at_once) {
  struct request r;
  struct conn c;
  char bytes[20];
  size_t n;
  int i;

  /* A write that has just been completed leaves nothing in the way. */
  conn_tcp(f, &c);
  pattern_fill(bytes, 0, 20);
  for (i = 0; i < 2; i++) {
    struct request w = {0};

    check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 10), on_done),
             0);
    finish(f, &w, 0, 10);
    check_is(write_now(&c, &r, bytes + 10, 10, &n), 0);
    check_is(n, 10);
    peer_take(&c, 0, 20);
  }
  conn_close(f, &c);
}

WEIR_TEST(write_now, fails_at_once_with_the_count) {
  static char bytes[65536];
  struct request r;
  struct conn c;
  size_t n;
  int error = 0, tries;

  conn_tcp(f, &c);
  reset_peer(&c);
  for (tries = 0; tries < 10 && error == 0; tries++) {
    error = write_now(&c, &r, bytes, sizeof(bytes), &n);
    cr_assert(error != WEIR_PENDING, "the peer is gone");
    cr_assert(error == 0 || n < sizeof(bytes));
  }
  cr_assert(error == UV_EPIPE || error == UV_ECONNRESET);
  check_is(write_now(&c, &r, bytes, 1, &n), error);
  check_is(n, 0);
  run_out(f);
  check_is(r.calls, 0);
  conn_close(f, &c);
}

WEIR_TEST(write_now, is_refused_on_a_closing_stream) {
  struct request r;
  struct conn c;
  size_t n;

  conn_tcp(f, &c);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(write_now(&c, &r, "x", 1, &n), UV_EBADF);
  check_is(n, 0);
  run_until(f, &c.closed);
  close_peer(&c);
}
