/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/adopted.h"

/* Handles that are given back. */

static void on_closed(uv_handle_t *handle) {
  ++*(int *)handle->data;
}

static void release(struct weir_fixture *f, struct adopted *a) {
  a->conn.closed = 0;
  check_is(weir_release(&a->conn.stream, on_conn_closed), 0);
  check_is(weir_is_closing(&a->conn.stream), 1);
  check_is(weir_release(&a->conn.stream, on_conn_closed), UV_EALREADY);
  check_is(weir_close(&a->conn.stream, on_conn_closed), UV_EALREADY);
  run_until(f, &a->conn.closed);
  check_is(uv_is_closing((uv_handle_t *)&a->handle), 0);
}

static void close_handle(struct weir_fixture *f, struct adopted *a) {
  int closed = 0;

  a->handle.data = &closed;
  uv_close((uv_handle_t *)&a->handle, on_closed);
  run_until(f, &closed);
  close_peer(&a->conn);
}

struct sent {
  uv_write_t req;
  int calls;
  int status;
};

static void on_sent(uv_write_t *req, int status) {
  struct sent *s = req->data;

  s->status = status;
  s->calls++;
}

/* libuv writes the pattern from offset on. */
static void libuv_writes(struct weir_fixture *f, struct adopted *a,
                         size_t offset, size_t len) {
  char *bytes = malloc(len);
  uv_buf_t buf = uv_buf_init(bytes, (unsigned)len);
  struct sent s = {.calls = 0};

  cr_assert(bytes != NULL);
  pattern_fill(bytes, offset, len);
  s.req.data = &s;
  check_is(uv_write(&s.req, (uv_stream_t *)&a->handle, &buf, 1, on_sent), 0);
  run_until(f, &s.calls);
  check_is(s.status, 0);
  free(bytes);
}

WEIR_TEST(release, libuv_goes_on_with_the_handle) {
  struct request r = {0}, w = {0};
  struct adopted a;
  char bytes[100];

  adopted_open(f, &a, 0, 0);
  check_is(uv_has_ref((uv_handle_t *)&a.handle), 1);
  adopted_take(f, &a);
  check_is(uv_has_ref((uv_handle_t *)&a.handle), 0);
  pattern_fill(bytes, 0, 60);
  check_is(
      weir_write(&w.op, &a.conn.stream, weir_seq_block(bytes, 60), on_done), 0);
  finish(f, &w, 0, 60);
  check_is(weir_read_some(&r.op, &a.conn.stream, weir_mseq_block(bytes, 100),
                          on_done),
           0);
  run_some_turns(f);
  release(f, &a);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(uv_has_ref((uv_handle_t *)&a.handle), 1);
  check_is(weir_owns_handle(f->loop, (uv_handle_t *)&a.handle), 0);

  libuv_writes(f, &a, 60, 40);
  peer_take(&a.conn, 0, 100);
  peer_send(&a.conn, 0, 5);
  check_is(libuv_reads((uv_stream_t *)&a.handle), 0);
  check_is(libuv_has_read(f), 5);
  check_is(uv_read_stop((uv_stream_t *)&a.handle), 0);

  /* And once more. */
  adopted_take(f, &a);
  memset(&r, 0, sizeof(r));
  peer_send(&a.conn, 0, 7);
  check_is(weir_read_some(&r.op, &a.conn.stream, weir_mseq_block(bytes, 100),
                          on_done),
           0);
  finish(f, &r, 0, 7);
  release(f, &a);
  check_is(libuv_reads((uv_stream_t *)&a.handle), 0);
  peer_send(&a.conn, 0, 3);
  check_is(libuv_has_read(f), 3);
  close_handle(f, &a);
}

/* Runs until the socket has taken all that it takes: on a machine that is busy
 * the last of it comes late. */
static void come_to_rest(struct weir_fixture *f, weir_stream_t *stream) {
  size_t queued;

  do {
    queued = weir_stream_queued(stream);
    run_some_turns(f);
    uv_sleep(20);
    run_some_turns(f);
  } while (weir_stream_queued(stream) != queued);
}

/* What n says was sent, and libuv goes on from there. */
WEIR_TEST(release, a_blocked_write_ends_with_an_exact_count) {
  char *bytes = malloc(SLOW_BYTES);
  struct request w = {0}, next = {0}, wait = {0};
  struct drain drain;
  struct adopted a;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  adopted_open(f, &a, 4096, 4096);
  uv_unref((uv_handle_t *)&a.handle);
  adopted_take(f, &a);
  check_is(weir_write(&w.op, &a.conn.stream, weir_seq_block(bytes, SLOW_BYTES),
                      on_done),
           0);
  check_is(
      weir_write(&next.op, &a.conn.stream, weir_seq_block(bytes, 1), on_done),
      0);
  come_to_rest(f, &a.conn.stream);
  check_is(weir_wait(&wait.op, &a.conn.stream, WEIR_WRITABLE, on_done), 0);
  run_some_turns(f);
  check_is(w.calls + wait.calls, 0);
  release(f, &a);
  finish(f, &next, UV_ECANCELED, 0);
  check_is(wait.status, UV_ECANCELED);
  check_is(w.calls, 1);
  check_is(w.status, UV_ECANCELED);
  cr_assert(w.n > 0 && w.n < SLOW_BYTES);
  check_is(uv_has_ref((uv_handle_t *)&a.handle), 0);
  uv_ref((uv_handle_t *)&a.handle);
  drain_start(&drain, a.conn.peer);
  libuv_writes(f, &a, w.n, SLOW_BYTES - w.n);
  int closed = 0;
  a.handle.data = &closed;
  uv_close((uv_handle_t *)&a.handle, on_closed);
  run_until(f, &closed);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  check_is(drain.good, 1);
  close_peer(&a.conn);
  free(bytes);
}

WEIR_TEST(release, only_of_what_was_adopted) {
  struct adopted a;
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_release(NULL, NULL), UV_EINVAL);
  check_is(weir_release(&c.stream, NULL), UV_EINVAL);
  check_is(weir_is_closing(&c.stream), 0);
  conn_close(f, &c);

  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  uv_close((uv_handle_t *)&a.handle, NULL);
  check_is(weir_release(&a.conn.stream, NULL), UV_EBADF);
  check_is(weir_close(&a.conn.stream, on_conn_closed), 0);
  run_until(f, &a.conn.closed);
  close_peer(&a.conn);
}

/* The application does not wait for the callback. */
WEIR_TEST(release, the_handle_is_closed_meanwhile) {
  struct request r = {0};
  struct adopted a;
  int closed = 0, turns;
  char byte;

  for (turns = 0; turns < 3; turns++) {
    closed = 0;
    memset(&r, 0, sizeof(r));
    adopted_open(f, &a, 0, 0);
    adopted_take(f, &a);
    check_is(weir_read_some(&r.op, &a.conn.stream, weir_mseq_block(&byte, 1),
                            on_done),
             0);
    run_some_turns(f);
    a.conn.closed = 0;
    check_is(weir_release(&a.conn.stream, on_conn_closed), 0);
    if (turns > 0)
      run_turn(f);
    if (turns > 1 && !a.conn.closed)
      run_turn(f);
    a.handle.data = &closed;
    uv_close((uv_handle_t *)&a.handle, on_closed);
    run_until(f, &a.conn.closed);
    run_until(f, &closed);
    finish(f, &r, UV_ECANCELED, 0);
    close_peer(&a.conn);
  }
}

static void on_free(weir_stream_t *stream) {
  free(stream);
}

WEIR_TEST(release, the_stream_may_be_freed_in_the_callback) {
  weir_stream_t *stream = malloc(sizeof(*stream));
  struct adopted a;

  cr_assert(stream != NULL);
  adopted_open(f, &a, 0, 0);
  check_is(weir_adopt(f->loop, stream, (uv_stream_t *)&a.handle), 0);
  check_is(weir_release(stream, on_free), 0);
  uv_unref((uv_handle_t *)&a.handle);
  run_out(f);
  uv_unref((uv_handle_t *)&a.handle);
  close_handle(f, &a);
}
