/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/loop.h"
#include "support/net.h"

/* weir_close_after. */

enum { SOON = 20, NEVER = 3600 * 1000 };

static void write_block(struct conn *c, struct request *r, const void *base,
                        size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(weir_write(&r->op, &c->stream, weir_seq_block(base, len), on_done),
           0);
}

WEIR_TEST(linger, what_is_queued_goes_first) {
  char *bytes = malloc(SLOW_BYTES);
  struct request first, second, read = {0};
  struct drain drain;
  struct conn c;
  char byte;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  check_is(
      weir_read_some(&read.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
      0);
  write_block(&c, &first, bytes, SLOW_BYTES - 10);
  write_block(&c, &second, bytes + SLOW_BYTES - 10, 10);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), UV_EALREADY);
  check_is(weir_is_closing(&c.stream), 0);
  check_is(weir_write_try(&c.stream, weir_seq_block(bytes, 1), &(size_t){0}),
           UV_EPIPE);
  run_some_turns(f);
  check_is(c.closed, 0);
  check_is(read.calls, 0);
  drain_start(&drain, c.peer);
  run_until(f, &c.closed);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  check_is(drain.good, 1);
  check_is(first.status, 0);
  check_is(second.status, 0);
  check_is(read.status, UV_ECANCELED);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(linger, nothing_queued_is_a_close) {
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  run_until(f, &c.closed);
  peer_expect_end(&c);
  close_peer(&c);
  conn_unix(f, &c);
  check_is(weir_close_after(&c.stream, 0, on_conn_closed), 0);
  run_until(f, &c.closed);
  close_peer(&c);
  check_is(weir_close_after(NULL, 0, NULL), UV_EINVAL);
}

WEIR_TEST(linger, what_is_late_is_dropped_and_told) {
  char *bytes = malloc(SLOW_BYTES);
  struct request first, second;
  struct conn c;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &first, bytes, SLOW_BYTES);
  write_block(&c, &second, bytes, 10);
  check_is(weir_close_after(&c.stream, SOON, on_conn_closed), 0);
  run_until(f, &c.closed);
  check_is(first.status, UV_ETIMEDOUT);
  check_is(second.status, UV_ETIMEDOUT);
  check_is(second.n, 0);
  peer_take(&c, 0, first.n);
  peer_expect_end(&c);
  close_peer(&c);
  free(bytes);
}

struct again {
  struct request first;
  struct request next;
  struct conn *conn;
};

static void on_late_write(weir_op_t *op, int status, size_t n) {
  struct again *a = (struct again *)op;

  on_done(op, status, n);
  check_is(weir_write(&a->next.op, &a->conn->stream, weir_seq_block("x", 1),
                      on_done),
           UV_EPIPE);
  check_is(weir_write_copy(&a->conn->stream, "x", 1), UV_EPIPE);
}

/* Between what is dropped and the close. */
WEIR_TEST(linger, nothing_is_written_behind_what_was_dropped) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct again a;
  struct conn c;

  cr_assert(bytes != NULL);
  conn_slow(f, &c);
  memset(&a, 0, sizeof(a));
  a.conn = &c;
  check_is(weir_write(&a.first.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                      on_late_write),
           0);
  check_is(weir_close_after(&c.stream, SOON, on_conn_closed), 0);
  run_until(f, &c.closed);
  check_is(a.first.status, UV_ETIMEDOUT);
  check_is(a.next.calls, 0);
  close_peer(&c);
  free(bytes);
}

/* One that was to end the stream, and does not any more. */
WEIR_TEST(linger, nothing_is_written_behind_an_end_that_was_cancelled) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct request first, end = {0}, next = {0};
  struct drain drain;
  struct conn c;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &first, bytes, SLOW_BYTES);
  check_is(
      weir_write_eof(&end.op, &c.stream, weir_seq_block(bytes, 10), on_done),
      0);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  weir_cancel(&end.op);
  run_until(f, &end.calls);
  check_is(end.status, UV_ECANCELED);
  check_is(weir_write(&next.op, &c.stream, weir_seq_block(bytes, 1), on_done),
           UV_EPIPE);
  drain_start(&drain, c.peer);
  run_until(f, &c.closed);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  check_is(first.status, 0);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(linger, a_close_cuts_it_short) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r;
  struct conn c;
  int i;

  cr_assert(bytes != NULL);
  memset(bytes, 0, SLOW_BYTES);
  for (i = 0; i < 4; i++) {
    conn_slow(f, &c);
    write_block(&c, &r, bytes, SLOW_BYTES);
    check_is(weir_close_after(&c.stream, NEVER, NULL), 0);
    if (i % 2)
      run_some_turns(f);
    if (i < 2)
      check_is(weir_close(&c.stream, on_conn_closed), 0);
    else
      check_is(weir_close_reset(&c.stream, on_conn_closed), 0);
    check_is(weir_close_after(&c.stream, NEVER, NULL), UV_EALREADY);
    run_until(f, &c.closed);
    check_is(r.calls, 1);
    check_is(r.status, UV_ECANCELED);
    close_peer(&c);
  }
  free(bytes);
}

/* The writing side was ended before, with something queued or without. */
WEIR_TEST(linger, may_follow_an_end) {
  char *bytes = malloc(SLOW_BYTES);
  struct request end = {0};
  struct drain drain;
  struct conn c;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  check_is(weir_write_eof(&end.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                          on_done),
           0);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  run_some_turns(f);
  check_is(c.closed, 0);
  drain_start(&drain, c.peer);
  run_until(f, &c.closed);
  drain_join(&drain);
  check_is(end.status, 0);
  check_is(end.n, SLOW_BYTES);
  check_is(drain.received, SLOW_BYTES);
  close_peer(&c);

  conn_tcp(f, &c);
  memset(&end, 0, sizeof(end));
  check_is(weir_write_eof(&end.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  finish(f, &end, 0, 0);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  run_until(f, &c.closed);
  close_peer(&c);

  conn_slow(f, &c);
  memset(&end, 0, sizeof(end));
  check_is(weir_write_eof(&end.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                          on_done),
           0);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  run_some_turns(f);
  weir_cancel(&end.op);
  run_until(f, &c.closed);
  check_is(end.status, UV_ECANCELED);
  close_peer(&c);
  free(bytes);
}

static void write_more(weir_op_t *op, int status, size_t n) {
  struct conn *c = op->data;
  size_t none;

  (void)n;
  cr_assert(status != 0);
  check_is(weir_is_closing(&c->stream), 0);
  check_is(weir_write_copy(&c->stream, "more", 4), UV_EPIPE);
  check_is(weir_write_try(&c->stream, weir_seq_block("more", 4), &none),
           UV_EPIPE);
}

/* Neither is there more to be written after it was late, nor when the end that
 * it followed was cancelled. */
WEIR_TEST(linger, refuses_writes_to_the_last) {
  char *bytes = malloc(SLOW_BYTES);
  struct conn c;
  weir_op_t op;
  int i;

  cr_assert(bytes != NULL);
  memset(bytes, 0, SLOW_BYTES);
  for (i = 0; i < 2; i++) {
    weir_seq_t all = weir_seq_block(bytes, SLOW_BYTES);

    conn_slow(f, &c);
    op.data = &c;
    check_is(
        (i == 0 ? weir_write : weir_write_eof)(&op, &c.stream, all, write_more),
        0);
    check_is(weir_close_after(&c.stream, i == 0 ? SOON : NEVER, on_conn_closed),
             0);
    run_some_turns(f);
    if (i == 1)
      weir_cancel(&op);
    run_until(f, &c.closed);
    close_peer(&c);
  }
  free(bytes);
}

WEIR_TEST(linger, a_broken_connection_closes) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r;
  struct conn c;

  cr_assert(bytes != NULL);
  memset(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &r, bytes, SLOW_BYTES);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  run_some_turns(f);
  reset_peer(&c);
  run_until(f, &c.closed);
  cr_assert(r.status < 0 && r.status != UV_ETIMEDOUT);
  free(bytes);
}

WEIR_TEST(linger, what_is_not_connected_closes_at_once) {
  struct conn c;

  memset(&c, 0, sizeof(c));
  check_is(weir_tcp_init(f->loop, &c.stream), 0);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  check_is(weir_is_closing(&c.stream), 1);
  run_until(f, &c.closed);
}

static void in_its_callback(weir_op_t *op, int status, size_t n) {
  struct conn *c = op->data;

  check_is(status, 0);
  check_is(n, 5);
  check_is(weir_close_after(&c->stream, NEVER, on_conn_closed), 0);
}

/* Thousands, one after the other, from memory that comes again. */
WEIR_TEST(linger, takes_no_more_memory_each_time) {
  uint64_t allocations = 0;
  weir_op_t op;
  struct conn c;
  int i;

  for (i = 0; i < 200; i++) {
    conn_unix(f, &c);
    op.data = &c;
    check_is(
        weir_write(&op, &c.stream, weir_seq_block("hello", 5), in_its_callback),
        0);
    run_until(f, &c.closed);
    close_peer(&c);
    if (i == 0)
      allocations = stats_of(f).allocations;
  }
  check_is(stats_of(f).allocations, allocations);
  check_is(weir__wheel_next(&f->loop->wheel), UINT64_MAX);
}

WEIR_TEST(linger, the_application_closes_all_handles) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r;
  struct conn c;

  cr_assert(bytes != NULL);
  memset(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  write_block(&c, &r, bytes, SLOW_BYTES);
  check_is(weir_close_after(&c.stream, NEVER, on_conn_closed), 0);
  run_some_turns(f);
  uv_walk(&f->uv, close_each, NULL);
  run_out(f);
  check_is(c.closed, 0);
  /* Which is where the library sees it. */
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  run_out(f);
  check_is(c.closed, 1);
  check_is(r.status, UV_ECANCELED);
  close_peer(&c);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  f->loop = NULL;
  free(bytes);
}
