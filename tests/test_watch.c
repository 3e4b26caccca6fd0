/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* What libuv cannot watch, or will not, and what it has watched for nobody. */

static int refusals;
static int starts;

/* In front of libuv's. */
int uv_poll_start(uv_poll_t *poll, int events, uv_poll_cb cb) {
  static int (*real)(uv_poll_t *, int, uv_poll_cb);

  if (refusals > 0) {
    refusals--;
    return UV_ENOMEM;
  }
  starts++;
  if (real == NULL) {
    void *found = dlsym(RTLD_NEXT, "uv_poll_start");

    memcpy(&real, &found, sizeof(real));
  }
  return real(poll, events, cb);
}

#define UV_TEST(name)                                                          \
  static void watch_##name(struct weir_fixture *f);                            \
  Test(watch, name, .timeout = 60) {                                           \
    fixture_run(watch_##name, WEIR_BACKEND_UV, WEIR_WAIT_UV);                  \
  }                                                                            \
  static void watch_##name(struct weir_fixture *f)

/* ---- Refused ---- */

UV_TEST(a_read_that_is_not_watched_fails) {
  struct request r = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  refusals = 1;
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  finish(f, &r, UV_ENOMEM, 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

/* On io_uring too: what the ring cannot wait for. */
static void write_fails(struct weir_fixture *f) {
  static char much[SLOW_BYTES];
  struct request w = {0};
  struct conn c;

  pattern_fill(much, 0, sizeof(much));
  conn_slow(f, &c);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  refusals = 1;
  check_is(
      weir_write(&w.op, &c.stream, weir_seq_block(much, sizeof(much)), on_done),
      0);
  run_until(f, &w.calls);
  check_is(refusals, 0);
  check_is(w.status, UV_ENOMEM);
  check_is(w.n, peer_take_available(&c));
  cr_assert(w.n > 0);
  conn_close(f, &c);
}

WEIR_TEST(watch, a_write_that_is_not_watched_fails) {
  write_fails(f);
}

static void connect_to(struct weir_fixture *f, struct conn *client,
                       struct conn *listener, struct request *r) {
  struct sockaddr_in addr;
  int len = sizeof(addr);

  memset(client, 0, sizeof(*client));
  memset(listener, 0, sizeof(*listener));
  client->peer = listener->peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &listener->stream), 0);
  check_is(weir_tcp_bind(&listener->stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&listener->stream, 5), 0);
  check_is(weir_getsockname(&listener->stream, (struct sockaddr *)&addr, &len),
           0);
  check_is(weir_tcp_init(f->loop, &client->stream), 0);
  check_is(weir_tcp_connect(&r->op, &client->stream, (struct sockaddr *)&addr,
                            on_done),
           0);
}

UV_TEST(a_connect_that_is_not_watched_fails) {
  struct conn client, listener;
  struct request r = {0};

  refusals = 1;
  connect_to(f, &client, &listener, &r);
  finish(f, &r, UV_ENOMEM, 0);
  check_is(refusals, 0);
  conn_close(f, &client);
  conn_close(f, &listener);
}

UV_TEST(an_accept_that_is_not_watched_fails) {
  struct conn client, listener;
  struct request r = {0}, a = {0};
  weir_stream_t accepted;

  connect_to(f, &client, &listener, &r);
  finish(f, &r, 0, 0);
  refusals = 1;
  check_is(weir_accept(&a.op, &listener.stream, &accepted, on_done), 0);
  finish(f, &a, UV_ENOMEM, 0);
  memset(&a, 0, sizeof(a));
  check_is(weir_accept(&a.op, &listener.stream, &accepted, on_done), 0);
  finish(f, &a, 0, 0);
  check_is(weir_close(&accepted, NULL), 0);
  conn_close(f, &client);
  conn_close(f, &listener);
}

/* ---- Not to be watched ---- */

/* A regular file as a stream. */
enum { FILE_BYTES = 100, PIECE = 30 };

WEIR_TEST(watch, a_file_is_always_ready) {
  struct scratch s;
  struct conn c;
  char bytes[PIECE];
  size_t taken = 0;

  scratch_make(&s, FILE_BYTES);
  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, open(s.path, O_RDWR | O_CLOEXEC)), 0);
  while (taken < FILE_BYTES) {
    struct request r = {0};

    check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, PIECE),
                            on_done),
             0);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    check_is(r.n, FILE_BYTES - taken < PIECE ? FILE_BYTES - taken : PIECE);
    cr_assert(pattern_holds(bytes, taken, r.n));
    taken += r.n;
  }
  struct request w = {0}, end = {0};
  pattern_fill(bytes, FILE_BYTES, PIECE);
  check_is(
      weir_read_some(&end.op, &c.stream, weir_mseq_block(bytes, 1), on_done),
      0);
  finish(f, &end, UV_EOF, 0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, PIECE), on_done),
           0);
  finish(f, &w, 0, PIECE);
  scratch_expect(&s, 0, FILE_BYTES + PIECE);
  conn_close(f, &c);
  scratch_remove(&s);
}

/* ---- Watched for nobody ---- */

/* Watching goes on from one read to the next, and ends when something came that
 * nobody waited for. */
UV_TEST(a_descriptor_stays_watched) {
  struct request r;
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  starts = 0;
  for (int i = 0; i < 10; i++) {
    memset(&r, 0, sizeof(r));
    check_is(
        weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
        0);
    run_some_turns(f);
    peer_send(&c, 0, 1);
    finish(f, &r, 0, 1);
  }
  cr_assert(starts <= 2, "%d starts", starts);
  conn_close(f, &c);
}

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

UV_TEST(what_nobody_reads_wakes_the_loop_once) {
  struct request r = {0};
  struct conn c;
  char byte;
  uv_timer_t timer;
  int over = 0;

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  peer_send(&c, 0, 2);
  finish(f, &r, 0, 1);
  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &over;
  check_is(uv_timer_start(&timer, on_timer, 50, 0), 0);
  uint64_t turns = stats_of(f).turns;
  run_until(f, &over);
  uv_close((uv_handle_t *)&timer, NULL);
  cr_assert(stats_of(f).turns - turns <= 10);
  memset(&r, 0, sizeof(r));
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
}

/* A write that waits goes on being watched while what comes is for nobody. */
UV_TEST(the_other_side_is_still_watched) {
  static char much[SLOW_BYTES];
  struct request r = {0}, w = {0};
  struct conn c;
  struct drain d;
  char byte;

  pattern_fill(much, 0, sizeof(much));
  conn_slow(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  check_is(
      weir_write(&w.op, &c.stream, weir_seq_block(much, sizeof(much)), on_done),
      0);
  run_some_turns(f);
  peer_send(&c, 0, 2);
  finish(f, &r, 0, 1);
  run_some_turns(f);
  check_is(w.calls, 0);
  drain_start(&d, c.peer);
  finish(f, &w, 0, sizeof(much));
  /* A close with something unread would be a reset. */
  memset(&r, 0, sizeof(r));
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  finish(f, &r, 0, 1);
  close_stream(f, &c);
  drain_join(&d);
  check_is(d.received, sizeof(much));
  close_peer(&c);
}

/* ---- Much to read ---- */

struct eager {
  weir_op_t op;
  struct conn c;
  char byte;
  int reads;
};

static void on_byte(weir_op_t *op, int status, size_t n) {
  struct eager *e = op->data;

  if (status != 0 || n == 0)
    return;
  e->reads++;
  check_is(weir_read_some(&e->op, &e->c.stream, weir_mseq_block(&e->byte, 1),
                          on_byte),
           0);
}

/* Libuv looks at the others after every few, not when a turn's share is used
 * up. */
enum { MUCH_TO_READ = 2000, FEW = 64 };

UV_TEST(who_has_much_to_read_lets_libuv_look) {
  struct eager e;
  int before = 0;

  memset(&e, 0, sizeof(e));
  e.op.data = &e;
  conn_tcp(f, &e.c);
  peer_send(&e.c, 0, MUCH_TO_READ);
  check_is(
      weir_read_some(&e.op, &e.c.stream, weir_mseq_block(&e.byte, 1), on_byte),
      0);
  while (e.reads < MUCH_TO_READ) {
    uv_run(&f->uv, UV_RUN_NOWAIT);
    cr_assert(e.reads - before <= FEW, "%d reads in a turn", e.reads - before);
    before = e.reads;
  }
  check_is(weir_close(&e.c.stream, on_conn_closed), 0);
  run_until(f, &e.c.closed);
  close_peer(&e.c);
}
