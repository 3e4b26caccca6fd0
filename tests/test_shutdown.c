/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/adopted.h"
#include "support/child.h"
#include "support/scripted.h"

/* A loop that is ended with all that is on it, and what it is found by. */

static int detached;
static void *detached_data;

static void on_detached(weir_loop_t *loop) {
  detached++;
  detached_data = weir_loop_data(loop);
}

static void shut_down(struct weir_fixture *f, weir_close_cb stream_cb) {
  struct request late = {0};

  detached = 0;
  check_is(weir_loop_shutdown(f->loop, stream_cb, on_detached), 0);
  check_is(weir_loop_shutdown(f->loop, stream_cb, on_detached), UV_EALREADY);
  check_is(weir_loop_detach(f->loop, on_detached), UV_EALREADY);
  check_is(weir_post(&late.op, f->loop, on_done), UV_ECANCELED);
  run_until(f, &detached);
  check_is(weir_loop_of(&f->uv) == NULL, 1);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}

WEIR_TEST(shutdown, of_an_unused_loop) {
  int mine;

  check_is(weir_loop_shutdown(NULL, NULL, NULL), UV_EINVAL);
  cr_assert(weir_loop_data(f->loop) == NULL);
  weir_loop_set_data(f->loop, &mine);
  cr_assert(weir_loop_data(f->loop) == &mine);
  cr_assert(weir_loop_of(&f->uv) == f->loop);
  cr_assert(weir_loop_of(NULL) == NULL);
  shut_down(f, NULL);
  cr_assert(detached_data == &mine);
}

struct busy_loop {
  struct conn read, write, own, idle;
  struct request reading, writing, queued, accepting, posting, threaded;
  struct request waiting, pread, connecting;
  weir_stream_t listener, client, dialing;
  weir_pool_t *pool;
  uv_buf_t acquired;
  int streams;
};

static struct busy_loop *busy;

static void on_stream(weir_stream_t *stream) {
  (void)stream;
  busy->streams++;
}

/* A program that closes its stream in the callback of its read. */
static void on_read(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  check_is(weir_close(&busy->own.stream, on_conn_closed), 0);
}

static void make_busy(struct weir_fixture *f, struct busy_loop *b, char *bytes,
                      int *pipes) {
  static char byte;
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  conn_tcp(f, &b->read);
  conn_slow(f, &b->write);
  conn_unix(f, &b->own);
  conn_tcp(f, &b->idle);
  check_is(weir_read_some(&b->reading.op, &b->read.stream,
                          weir_mseq_block(&byte, 1), on_done),
           0);
  check_is(weir_wait(&b->waiting.op, &b->read.stream, WEIR_READABLE, on_done),
           0);
  check_is(weir_write(&b->writing.op, &b->write.stream,
                      weir_seq_block(bytes, SLOW_BYTES), on_done),
           0);
  check_is(weir_write(&b->queued.op, &b->write.stream, weir_seq_block(bytes, 1),
                      on_done),
           0);
  check_is(weir_read_some(&b->posting.op, &b->own.stream,
                          weir_mseq_block(&byte, 1), on_read),
           0);
  weir_unref(&b->posting.op);
  check_is(weir_tcp_init(f->loop, &b->dialing), 0);
  check_is(weir_tcp_init(f->loop, &b->listener), 0);
  check_is(weir_tcp_bind(&b->listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&b->listener, 5), 0);
  check_is(weir_accept(&b->accepting.op, &b->listener, &b->client, on_done), 0);
  check_is(weir_post_open(f->loop), 0);
  check_is(weir_post_from_thread(&b->threaded.op, f->loop, on_done), 0);
  check_is(weir_pool_create(f->loop, 2, 4096, &b->pool), 0);
  check_is(weir_pool_acquire(b->pool, &b->acquired), 0);
  check_is(pipe(pipes), 0);
  check_is(weir_file_pread(f->loop, &b->pread.op, pipes[0],
                           weir_mseq_block(&byte, 1), -1, on_done),
           0);
}

static void check_over(struct busy_loop *b) {
  check_is(b->reading.status, UV_ECANCELED);
  check_is(b->waiting.status, UV_ECANCELED);
  check_is(b->writing.status, UV_ECANCELED);
  cr_assert(b->writing.n < SLOW_BYTES);
  check_is(b->queued.status, UV_ECANCELED);
  check_is(b->posting.status, UV_ECANCELED);
  check_is(b->accepting.status, UV_ECANCELED);
  check_is(b->pread.status, UV_ECANCELED);
  check_is(b->reading.calls + b->waiting.calls + b->writing.calls +
               b->queued.calls + b->posting.calls + b->accepting.calls +
               b->pread.calls + b->threaded.calls,
           8);
  check_is(b->own.closed, 1);
  check_is(b->streams, 5);
}

WEIR_TEST(shutdown, ends_all_that_a_loop_has) {
  char *bytes = calloc(1, SLOW_BYTES);
  int turns, pipes[2];

  cr_assert(bytes != NULL);
  for (turns = 0; turns < 3; turns++) {
    busy = calloc(1, sizeof(*busy));
    cr_assert(busy != NULL);
    make_busy(f, busy, bytes, pipes);
    if (turns > 0)
      run_turn(f);
    if (turns > 1)
      run_some_turns(f);
    shut_down(f, on_stream);
    check_over(busy);
    close_peer(&busy->read);
    close_peer(&busy->write);
    close_peer(&busy->own);
    close_peer(&busy->idle);
    close(pipes[0]);
    close(pipes[1]);
    free(busy);
  }
  free(bytes);
}

/* ---- A kind that stands on another ---- */

struct stacked {
  weir_stream_t lower, upper;
  int order[2];
};

static struct stacked *stacked;
static int closes;

static int no_transfer(weir_stream_t *stream, const uv_buf_t *bufs,
                       unsigned nbufs, size_t *n) {
  (void)stream, (void)bufs, (void)nbufs, (void)n;
  return WEIR_PENDING;
}

static int end_read(weir_stream_t *stream) {
  weir_stream_read_done(stream, UV_ECANCELED, 0);
  return 0;
}

static int end_write(weir_stream_t *stream) {
  weir_stream_write_done(stream, UV_ECANCELED, 0);
  return 0;
}

static int no_shutdown(weir_stream_t *stream) {
  (void)stream;
  return 0;
}

static void lower_closed(weir_stream_t *stream) {
  (void)stream;
  stacked->order[closes++] = 1;
  weir_stream_close_done(&stacked->upper);
}

static void close_both(weir_stream_t *stream) {
  check_is(weir_close(weir_stream_impl(stream), lower_closed), 0);
}

static void upper_closed(weir_stream_t *stream) {
  cr_assert(stream == &stacked->upper);
  stacked->order[closes++] = 2;
}

static const weir_stream_kind_t upper_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "upper",
    .read_some = no_transfer,
    .write_some = no_transfer,
    .cancel_read = end_read,
    .cancel_write = end_write,
    .shutdown = no_shutdown,
    .close = close_both,
};

WEIR_TEST(shutdown, of_a_kind_that_closes_what_it_stands_on) {
  struct stacked s;
  struct request r = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  stacked = &s;
  closes = 0;
  check_is(weir_stream_init(f->loop, &s.upper, &upper_kind, &c.stream), 0);
  check_is(weir_read_some(&r.op, &s.upper, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  shut_down(f, upper_closed);
  check_is(r.status, UV_ECANCELED);
  check_is(closes, 2);
  check_is(s.order[0], 1);
  check_is(s.order[1], 2);
  close_peer(&c);
}

static void free_stream(weir_stream_t *stream) {
  free(stream);
}

WEIR_TEST(shutdown, frees_thousands_in_their_callback) {
  enum { STREAMS = 3000 };
  int i;

  for (i = 0; i < STREAMS; i++) {
    weir_stream_t *stream = malloc(sizeof(*stream));
    cr_assert(stream != NULL);
    check_is(weir_tcp_init(f->loop, stream), 0);
  }
  shut_down(f, free_stream);
}

/* However many there are, a turn closes so many. */
WEIR_TEST(shutdown, does_not_close_thousands_in_one_turn) {
  enum { STREAMS = 5000, MOST = 1024 };
  weir_stream_t *streams = calloc(STREAMS, sizeof(*streams));
  int i, closing, before = 0;

  cr_assert(streams != NULL);
  for (i = 0; i < STREAMS; i++)
    check_is(weir_tcp_init(f->loop, &streams[i]), 0);
  detached = 0;
  check_is(weir_loop_shutdown(f->loop, NULL, on_detached), 0);
  while (before < STREAMS) {
    uv_run(&f->uv, UV_RUN_ONCE);
    for (i = closing = 0; i < STREAMS; i++)
      closing += weir_is_closing(&streams[i]);
    cr_assert(closing - before <= MOST, "%d in a turn", closing - before);
    before = closing;
  }
  run_until(f, &detached);
  free(streams);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}

/* Adopted handles are closed, too. */
WEIR_TEST(shutdown, of_an_adopted_handle_from_a_callback) {
  struct adopted a;

  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  shut_down(f, on_conn_closed);
  check_is(a.conn.closed, 1);
  close_peer(&a.conn);
}

WEIR_TEST(shutdown, after_the_application_closed_all_handles) {
  struct request r = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  uv_walk(&f->uv, close_owned, f->loop);
  shut_down(f, on_conn_closed);
  check_is(r.status, UV_ECANCELED);
  check_is(c.closed, 1);
  close_peer(&c);
}

static void child_goes_on(struct weir_fixture *f, void *arg) {
  (void)arg;
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  while (detached == 0)
    must(uv_run(&f->uv, UV_RUN_NOWAIT) >= 0);
}

WEIR_TEST(shutdown, goes_on_in_a_child) {
  struct request r = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  detached = 0;
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  check_is(weir_loop_shutdown(f->loop, on_conn_closed, on_detached), 0);
  child_run(child_goes_on, f, NULL);
  run_until(f, &detached);
  check_is(r.status, UV_ECANCELED);
  check_is(c.closed, 1);
  close_peer(&c);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}

/* ---- What asks for something after that ---- */

static weir_stream_t *make_none(weir_server_t *server) {
  (void)server;
  cr_assert_fail("no room is asked for");
  return NULL;
}

static void serve_none(weir_server_t *server, weir_stream_t *client,
                       int status) {
  (void)server;
  (void)client;
  (void)status;
}

static void tell_none(weir_water_t *water, weir_stream_t *stream, int high) {
  (void)water;
  (void)stream;
  (void)high;
  cr_assert_fail("no level is told");
}

static struct latecomers {
  struct conn c;
  weir_stream_t listener, fresh;
  struct request r[9];
  weir_server_t server;
  weir_water_t water;
  weir_deadline_t deadlines[3];
  weir_message_t message;
  weir_connect_host_t host;
  uv_file numbers[2];
  weir_fds_t fds;
} late;

static void prepare_late(struct weir_fixture *f) {
  struct sockaddr_in addr;

  memset(&late, 0, sizeof(late));
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  conn_unix(f, &late.c);
  check_is(weir_tcp_init(f->loop, &late.fresh), 0);
  check_is(weir_tcp_init(f->loop, &late.listener), 0);
  check_is(weir_tcp_bind(&late.listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&late.listener, 5), 0);
  check_is(weir_message_init(&late.message, weir_seq_block("x", 1), NULL), 0);
  late.fds.fds = late.numbers;
  late.fds.room = 2;
}

static void refuse_late(struct weir_fixture *f) {
  weir_stream_t *stream = &late.c.stream;
  struct request *r = late.r;
  size_t n;
  char byte;

  check_is(weir_serve(&late.server, &late.listener, 1, make_none, serve_none),
           UV_ECANCELED);
  check_is(weir_stream_water(stream, &late.water, 2, 1, tell_none),
           UV_ECANCELED);
  check_is(weir_deadline_op(&late.deadlines[0], &r[0].op, 1), UV_ECANCELED);
  check_is(weir_deadline_read(&late.deadlines[1], stream, 1), UV_ECANCELED);
  check_is(weir_deadline_write(&late.deadlines[2], stream, 1), UV_ECANCELED);
  for (int i = 0; i < 3; i++)
    check_is(weir_deadline_is_set(&late.deadlines[i]), 0);
  check_is(weir_post_open(f->loop), UV_ECANCELED);
  check_is(weir_write_copy(stream, "x", 1), UV_ECANCELED);
  check_is(weir_message_write(&late.message, stream), UV_ECANCELED);
  check_is(late.message.holds, 1);
  check_is(weir_wait(&r[1].op, stream, WEIR_READABLE, on_done), UV_ECANCELED);
  check_is(weir_write_fd(&r[2].op, stream, weir_seq_block("x", 1), late.numbers,
                         2, on_done),
           UV_ECANCELED);
  check_is(weir_read_fd(&r[3].op, stream, weir_mseq_block(&byte, 1), &late.fds,
                        on_done),
           UV_ECANCELED);
  check_is(weir_connect_host(&r[4].op, &late.fresh, &late.host, "127.0.0.1",
                             "1", 0, on_done),
           UV_ECANCELED);
  check_is(weir_listen_host(&late.fresh, "127.0.0.1", "0", 5, 0), UV_ECANCELED);
  check_is(weir_write_try(stream, weir_seq_block("x", 1), &n), UV_ECANCELED);
  check_is(n, 0);
  check_is(
      weir_write_now(&r[5].op, stream, weir_seq_block("x", 1), &n, on_done),
      UV_ECANCELED);
  check_is(weir_read_some(&r[6].op, stream, weir_mseq_block(&byte, 1), on_done),
           UV_ECANCELED);
}

WEIR_TEST(shutdown, nothing_begins_meanwhile) {
  int calls = 0;
  char byte;

  prepare_late(f);
  check_is(weir_read_some(&late.r[0].op, &late.c.stream,
                          weir_mseq_block(&byte, 1), on_done),
           0);
  detached = 0;
  check_is(weir_loop_shutdown(f->loop, NULL, on_detached), 0);
  refuse_late(f);
  run_until(f, &detached);
  check_is(late.r[0].status, UV_ECANCELED);
  for (int i = 0; i < 9; i++)
    calls += late.r[i].calls;
  check_is(calls, 1);
  peer_expect_end(&late.c);
  close_peer(&late.c);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}
