/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

WEIR_TEST(close, ends_every_operation_first) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct request r = {0}, w[3];
  struct conn c;
  char into[16];
  int i;

  cr_assert(bytes != NULL);
  memset(w, 0, sizeof(w));
  conn_slow(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(into, 16), on_done),
           0);
  for (i = 0; i < 3; i++)
    check_is(weir_write(&w[i].op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                        on_done),
             0);
  run_some_turns(f);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(r.calls + w[0].calls + w[1].calls + w[2].calls, 0);
  check_is(weir_is_closing(&c.stream), 1);
  while (!c.closed) {
    cr_assert(uv_run(&f->uv, UV_RUN_ONCE) || c.closed);
    if (c.closed)
      check_is(r.calls + w[0].calls + w[1].calls + w[2].calls, 4);
  }
  finish(f, &r, UV_ECANCELED, 0);
  check_is(w[0].status, UV_ECANCELED);
  cr_assert(w[0].n < SLOW_BYTES);
  finish(f, &w[1], UV_ECANCELED, 0);
  finish(f, &w[2], UV_ECANCELED, 0);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(close, with_operations_that_were_just_queued) {
  struct request r = {0}, w = {0};
  struct conn c;
  char into[16];

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(into, 16), on_done),
           0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("dropped", 7), on_done),
           0);
  close_stream(f, &c);
  finish(f, &r, UV_ECANCELED, 0);
  finish(f, &w, UV_ECANCELED, 0);
  peer_expect_end(&c);
  close_peer(&c);
}

WEIR_TEST(close, shows_the_peer_the_end_with_a_read_pending) {
  struct request r = {0};
  struct conn c;
  char into[16];

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(into, 16), on_done),
           0);
  run_some_turns(f);
  close_stream(f, &c);
  peer_expect_end(&c);
  finish(f, &r, UV_ECANCELED, 0);
  close_peer(&c);
}

WEIR_TEST(close, delivers_what_was_written_before) {
  struct request w = {0};
  struct conn c;
  char bytes[1000];

  conn_tcp(f, &c);
  pattern_fill(bytes, 0, 1000);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 1000), on_done),
           0);
  finish(f, &w, 0, 1000);
  close_stream(f, &c);
  peer_take(&c, 0, 1000);
  peer_expect_end(&c);
  close_peer(&c);
}

WEIR_TEST(close, refuses_everything_after_it) {
  struct request r = {0};
  struct conn c;
  char byte;
  size_t n;
  uv_os_fd_t fd;

  conn_tcp(f, &c);
  check_is(weir_is_closing(&c.stream), 0);
  check_is(weir_fileno(&c.stream, &fd), 0);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(weir_close(&c.stream, on_conn_closed), UV_EALREADY);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           UV_EBADF);
  check_is(weir_read_now(&c.stream, weir_mseq_block(&byte, 1), &n), UV_EBADF);
  check_is(weir_write(&r.op, &c.stream, weir_seq_block("x", 1), on_done),
           UV_EBADF);
  check_is(weir_write_eof(&r.op, &c.stream, weir_seq_block("x", 1), on_done),
           UV_EBADF);
  check_is(weir_close(NULL, NULL), UV_EINVAL);
  run_until(f, &c.closed);
  run_out(f);
  check_is(c.closed, 1);
  check_is(r.calls, 0);
  close_peer(&c);
}

WEIR_TEST(close, needs_no_callback) {
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_close(&c.stream, NULL), 0);
  run_out(f);
  peer_expect_end(&c);
  close_peer(&c);
}

WEIR_TEST(close, works_for_streams_that_were_never_connected) {
  struct conn tcp, pipe;

  memset(&tcp, 0, sizeof(tcp));
  memset(&pipe, 0, sizeof(pipe));
  check_is(weir_tcp_init(f->loop, &tcp.stream), 0);
  check_is(weir_pipe_init(f->loop, &pipe.stream), 0);
  close_stream(f, &tcp);
  close_stream(f, &pipe);
}

/* ---- Memory that goes in callbacks ---- */

struct owned {
  struct conn conn;
  weir_op_t *reader;
  weir_op_t *writer;
  int *closed;
  char byte;
};

static void free_owned(weir_stream_t *stream) {
  struct owned *o = (struct owned *)stream;

  ++*o->closed;
  free(o);
}

static void free_op(weir_op_t *op, int status, size_t n) {
  (void)n;
  cr_assert(status == UV_ECANCELED || status == 0);
  free(op);
}

static void free_op_and_close(weir_op_t *op, int status, size_t n) {
  struct owned *o = op->data;

  free_op(op, status, n);
  check_is(weir_close(&o->conn.stream, free_owned), 0);
}

WEIR_TEST(close, operations_and_streams_are_freed_in_their_callbacks) {
  int closed = 0, i;

  for (i = 0; i < 20; i++) {
    struct owned *o = calloc(1, sizeof(*o));
    int peer;

    cr_assert(o != NULL);
    conn_tcp(f, &o->conn);
    peer = o->conn.peer;
    o->closed = &closed;
    o->reader = malloc(sizeof(*o->reader));
    o->writer = malloc(sizeof(*o->writer));
    o->writer->data = o;
    check_is(weir_read_some(o->reader, &o->conn.stream,
                            weir_mseq_block(&o->byte, 1), free_op),
             0);
    if (i % 2)
      run_turn(f);
    check_is(weir_write(o->writer, &o->conn.stream, weir_seq_block("x", 1),
                        free_op_and_close),
             0);
    run_out(f);
    check_is(closed, i + 1);
    close(peer);
  }
}

static void reuse_op(weir_op_t *op, int status, size_t n) {
  struct owned *o = op->data;

  check_is(status, 0);
  check_is(n, 1);
  check_is(weir_write(op, &o->conn.stream, weir_seq_block("y", 1), free_op), 0);
}

WEIR_TEST(close, an_op_is_free_for_reuse_in_its_callback) {
  struct owned o;
  char got[2];

  memset(&o, 0, sizeof(o));
  conn_tcp(f, &o.conn);
  o.writer = malloc(sizeof(*o.writer));
  o.writer->data = &o;
  check_is(
      weir_write(o.writer, &o.conn.stream, weir_seq_block("x", 1), reuse_op),
      0);
  run_out(f);
  check_is(recv(o.conn.peer, got, 2, MSG_WAITALL), 2);
  cr_assert(got[0] == 'x' && got[1] == 'y');
  conn_close(f, &o.conn);
}

/* ---- Descriptors that come again ---- */

WEIR_TEST(close, a_descriptor_number_that_comes_again_is_another_stream) {
  enum { ROUNDS = 100 };
  int i;

  for (i = 0; i < ROUNDS; i++) {
    struct request before = {0}, after = {0};
    struct conn a, b;
    char bytes[8];

    conn_tcp(f, &a);
    check_is(weir_read_some(&before.op, &a.stream, weir_mseq_block(bytes, 8),
                            on_done),
             0);
    if (i % 3)
      run_turn(f);
    check_is(weir_close(&a.stream, on_conn_closed), 0);
    if (i % 2)
      run_until(f, &a.closed);
    conn_tcp(f, &b);
    check_is(weir_read_some(&after.op, &b.stream, weir_mseq_block(bytes, 8),
                            on_done),
             0);
    run_until(f, &a.closed);
    finish(f, &before, UV_ECANCELED, 0);
    check_is(after.calls, 0);
    peer_send(&b, 0, 8);
    finish(f, &after, 0, 8);
    cr_assert(pattern_holds(bytes, 0, 8));
    peer_expect_end(&a);
    close_peer(&a);
    conn_close(f, &b);
  }
}

WEIR_TEST(close, of_many_streams_at_once) {
  enum { COUNT = 50 };
  static struct conn conns[COUNT];
  static struct request reads[COUNT], writes[COUNT];
  static char bytes[COUNT][4];
  int i;

  for (i = 0; i < COUNT; i++) {
    conn_tcp(f, &conns[i]);
    check_is(weir_read_some(&reads[i].op, &conns[i].stream,
                            weir_mseq_block(bytes[i], 4), on_done),
             0);
    check_is(weir_write(&writes[i].op, &conns[i].stream,
                        weir_seq_block("abcd", 4), on_done),
             0);
  }
  run_some_turns(f);
  for (i = 0; i < COUNT; i++)
    check_is(weir_close(&conns[i].stream, on_conn_closed), 0);
  run_out(f);
  for (i = 0; i < COUNT; i++) {
    check_is(conns[i].closed, 1);
    finish(f, &reads[i], UV_ECANCELED, 0);
    check_is(writes[i].calls, 1);
    close_peer(&conns[i]);
  }
}
