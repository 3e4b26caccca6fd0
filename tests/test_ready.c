/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/adopted.h"
#include "support/busy.h"
#include "support/scripted.h"

/* Waiting for readiness without moving a byte. */

enum { BOTH = WEIR_READABLE | WEIR_WRITABLE };

static void wait_for(struct conn *c, struct request *r, int events) {
  memset(r, 0, sizeof(*r));
  check_is(weir_wait(&r->op, &c->stream, events, on_done), 0);
  check_is(r->calls, 0);
}

static void finish_ready(struct weir_fixture *f, struct request *r,
                         int events) {
  finish(f, r, 0, 0);
  check_is(weir_wait_result(&r->op), events);
}

/* Fills the socket of c: how much went. */
static size_t fill(struct conn *c) {
  static char bytes[65536];
  size_t sum = 0, n;

  pattern_fill(bytes, 0, sizeof(bytes));
  while (weir_write_try(&c->stream, weir_seq_block(bytes, sizeof(bytes)), &n) ==
         0)
    sum += n;
  return sum;
}

static void empty_peer(const struct conn *c) {
  static char bytes[65536];

  while (recv(c->peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    ;
}

/* Until the callback came: what the peer has taken makes room in a while. */
static void empty_until(struct weir_fixture *f, const struct conn *c,
                        const struct request *r) {
  while (r->calls == 0) {
    empty_peer(c);
    run_turn(f);
  }
}

WEIR_TEST(ready, says_what_is_wrong) {
  struct request r = {0}, w = {0}, both = {0};
  weir_stream_t listener;
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_wait(NULL, &c.stream, BOTH, on_done), UV_EINVAL);
  check_is(weir_wait(&r.op, NULL, BOTH, on_done), UV_EINVAL);
  check_is(weir_wait(&r.op, &c.stream, BOTH, NULL), UV_EINVAL);
  check_is(weir_wait(&r.op, &c.stream, 0, on_done), UV_EINVAL);
  check_is(weir_wait(&r.op, &c.stream, 4, on_done), UV_EINVAL);
  check_is(weir_tcp_init(f->loop, &listener), 0);
  check_is(weir_wait(&r.op, &listener, BOTH, on_done), UV_ENOTCONN);
  check_is(weir_close(&listener, NULL), 0);
  check_is(weir_wait(&r.op, &listener, BOTH, on_done), UV_EBADF);

  wait_for(&c, &r, WEIR_READABLE);
  check_is(weir_wait(&both.op, &c.stream, BOTH, on_done), UV_EALREADY);
  check_is(weir_wait(&both.op, &c.stream, WEIR_READABLE, on_done), UV_EALREADY);
  wait_for(&c, &w, WEIR_WRITABLE);
  check_is(weir_wait(&both.op, &c.stream, WEIR_WRITABLE, on_done), UV_EALREADY);
  finish_ready(f, &w, WEIR_WRITABLE);
  check_is(r.calls, 0);
  peer_send(&c, 0, 1);
  finish_ready(f, &r, WEIR_READABLE);

  memset(&w, 0, sizeof(w));
  check_is(weir_write_eof(&w.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  check_is(weir_wait(&both.op, &c.stream, BOTH, on_done), UV_EPIPE);
  finish(f, &w, 0, 0);
  peer_send(&c, 1, 1);
  wait_for(&c, &r, WEIR_READABLE);
  finish_ready(f, &r, WEIR_READABLE);
  conn_close(f, &c);
}

WEIR_TEST(ready, an_own_kind_cannot_be_waited_for) {
  struct request r = {0};
  struct scripted s;

  scripted_open(f, &s, NULL);
  check_is(weir_wait(&r.op, &s.stream, BOTH, on_done), UV_ENOTSUP);
  scripted_close(f, &s);
}

WEIR_TEST(ready, moves_no_byte) {
  struct request r, read = {0};
  char bytes[16];
  struct conn c;

  conn_tcp(f, &c);
  wait_for(&c, &r, WEIR_READABLE);
  run_some_turns(f);
  check_is(r.calls, 0);
  peer_send(&c, 0, 10);
  finish_ready(f, &r, WEIR_READABLE);
  wait_for(&c, &r, BOTH);
  run_until(f, &r.calls);
  cr_assert((weir_wait_result(&r.op) & WEIR_READABLE) != 0 ||
            (weir_wait_result(&r.op) & WEIR_WRITABLE) != 0);
  check_is(
      weir_read_some(&read.op, &c.stream, weir_mseq_block(bytes, 16), on_done),
      0);
  finish(f, &read, 0, 10);
  cr_assert(pattern_holds(bytes, 0, 10));
  wait_for(&c, &r, WEIR_READABLE);
  run_some_turns(f);
  check_is(r.calls, 0);
  conn_close(f, &c);
  check_is(r.status, UV_ECANCELED);
}

WEIR_TEST(ready, a_full_socket_is_not_writable) {
  struct request r;
  struct conn c;

  conn_slow(f, &c);
  wait_for(&c, &r, WEIR_WRITABLE);
  finish_ready(f, &r, WEIR_WRITABLE);
  cr_assert(fill(&c) > 0);
  wait_for(&c, &r, WEIR_WRITABLE);
  run_some_turns(f);
  check_is(r.calls, 0);
  empty_until(f, &c, &r);
  check_is(r.status, 0);
  check_is(weir_wait_result(&r.op), WEIR_WRITABLE);
  conn_close(f, &c);
}

/* In the ring such a poll ends at once, with nothing that was asked for. */
WEIR_TEST(ready, a_peer_that_has_ended_makes_nothing_writable) {
  struct request r;
  struct conn c;

  conn_slow(f, &c);
  cr_assert(fill(&c) > 0);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  wait_for(&c, &r, WEIR_WRITABLE);
  run_some_turns(f);
  weir_loop_stats_t before = stats_of(f);
  run_some_turns(f);
  run_some_turns(f);
  check_is(r.calls, 0);
  cr_assert(stats_of(f).cqes - before.cqes <= 2);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  wait_for(&c, &r, WEIR_WRITABLE);
  run_some_turns(f);
  empty_until(f, &c, &r);
  check_is(r.status, 0);
  check_is(weir_wait_result(&r.op), WEIR_WRITABLE);
  wait_for(&c, &r, WEIR_READABLE);
  finish_ready(f, &r, WEIR_READABLE);
  conn_close(f, &c);
}

/* The next write gets its error at once, full or not. */
WEIR_TEST(ready, an_error_that_the_next_write_gets_is_ready) {
  weir_deadline_t late = {0};
  struct request w = {0}, r;
  struct conn c;

  conn_slow(f, &c);
  while (fill(&c) > 0)
    run_some_turns(f);
  check_is(weir_deadline_write(&late, &c.stream, 1), 0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, UV_ETIMEDOUT, 0);
  wait_for(&c, &r, WEIR_WRITABLE);
  finish_ready(f, &r, WEIR_WRITABLE);
  conn_close(f, &c);
}

/* There is room in the buffer, but more than so much is not sent yet. */
WEIR_TEST(ready, what_is_not_sent_yet_counts) {
  int low = 4096, n = 1 << 20;
  struct request r;
  struct conn c;

  conn_tcp(f, &c);
  uv_os_fd_t fd;
  check_is(weir_fileno(&c.stream, &fd), 0);
  check_is(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n)), 0);
  n = 4096;
  check_is(setsockopt(c.peer, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)), 0);
  check_is(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof(low)),
           0);
  /* The peer's window is full long before the buffer is. */
  size_t unread = fill(&c);
  cr_assert(unread > 0);
  wait_for(&c, &r, WEIR_WRITABLE);
  run_some_turns(f);
  check_is(r.calls, 0);
  low = 1 << 30;
  check_is(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof(low)),
           0);
  weir_cancel(&r.op);
  run_until(f, &r.calls);
  wait_for(&c, &r, WEIR_WRITABLE);
  finish_ready(f, &r, WEIR_WRITABLE);
  conn_close(f, &c);
}

WEIR_TEST(ready, beside_a_read_and_writes) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct request r, w, read = {0}, write = {0};
  struct conn c;
  char byte;

  cr_assert(bytes != NULL);
  conn_slow(f, &c);
  check_is(
      weir_read_some(&read.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
      0);
  check_is(weir_write(&write.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                      on_done),
           0);
  run_some_turns(f);
  wait_for(&c, &r, WEIR_READABLE);
  wait_for(&c, &w, WEIR_WRITABLE);
  run_some_turns(f);
  check_is(r.calls, 0);
  peer_send(&c, 0, 1);
  finish_ready(f, &r, WEIR_READABLE);
  finish(f, &read, 0, 1);
  empty_until(f, &c, &w);
  check_is(w.status, 0);
  while (write.calls == 0) {
    empty_peer(&c);
    run_turn(f);
  }
  check_is(write.n, SLOW_BYTES);
  conn_close(f, &c);
  free(bytes);
}

/* The read alone is cancelled, and the wait stays; and the reverse. */
WEIR_TEST(ready, cancelled_apart_from_transfers) {
  struct request r, read = {0};
  struct conn c;
  char byte;
  int turns;

  conn_tcp(f, &c);
  for (turns = 0; turns < 4; turns++) {
    memset(&read, 0, sizeof(read));
    check_is(
        weir_read_some(&read.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
        0);
    wait_for(&c, &r, WEIR_READABLE);
    if (turns % 2)
      run_some_turns(f);
    weir_cancel(turns < 2 ? &read.op : &r.op);
    if (turns < 2)
      finish(f, &read, UV_ECANCELED, 0);
    else
      finish(f, &r, UV_ECANCELED, 0);
    run_some_turns(f);
    check_is(turns < 2 ? r.calls : read.calls, 0);
    peer_send(&c, 0, 1);
    if (turns < 2) {
      finish_ready(f, &r, WEIR_READABLE);
      check_is(recv(c.peer, &byte, 1, MSG_DONTWAIT), -1);
      memset(&read, 0, sizeof(read));
      check_is(weir_read_some(&read.op, &c.stream, weir_mseq_block(&byte, 1),
                              on_done),
               0);
    }
    finish(f, &read, 0, 1);
  }
  conn_close(f, &c);
}

WEIR_TEST(ready, cancel_races_readiness) {
  struct request r;
  struct conn c;
  char byte;
  size_t n;
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 200; i++) {
    wait_for(&c, &r, WEIR_READABLE);
    if (i % 3)
      run_turn(f);
    peer_send(&c, 0, 1);
    if (i % 5 == 0 && r.calls == 0)
      run_turn(f);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    check_is(r.calls, 1);
    cr_assert(r.status == 0 || r.status == UV_ECANCELED);
    check_is(weir_wait_result(&r.op), r.status == 0 ? WEIR_READABLE : 0);
    while (weir_read_now(&c.stream, weir_mseq_block(&byte, 1), &n) != 0)
      run_turn(f);
  }
  conn_close(f, &c);
}

WEIR_TEST(ready, the_end_and_a_reset_are_something_to_read) {
  struct request r;
  struct conn c;
  char byte;
  size_t n;

  conn_tcp(f, &c);
  wait_for(&c, &r, WEIR_READABLE);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  finish_ready(f, &r, WEIR_READABLE);
  check_is(weir_read_now(&c.stream, weir_mseq_block(&byte, 1), &n), UV_EOF);
  /* It is remembered. */
  wait_for(&c, &r, WEIR_READABLE);
  finish_ready(f, &r, WEIR_READABLE);
  conn_close(f, &c);

  conn_slow(f, &c);
  cr_assert(fill(&c) > 0);
  wait_for(&c, &r, BOTH);
  run_some_turns(f);
  check_is(r.calls, 0);
  reset_peer(&c);
  finish_ready(f, &r, BOTH);
  cr_assert(weir_read_now(&c.stream, weir_mseq_block(&byte, 1), &n) < 0);
  close_stream(f, &c);
}

WEIR_TEST(ready, pipes_and_files) {
  struct request r = {0};
  weir_stream_t in, out, file;
  int fds[2];

  check_is(pipe2(fds, O_CLOEXEC), 0);
  check_is(weir_pipe_init(f->loop, &in), 0);
  check_is(weir_pipe_init(f->loop, &out), 0);
  check_is(weir_pipe_init(f->loop, &file), 0);
  check_is(weir_pipe_open(&in, fds[0]), 0);
  check_is(weir_pipe_open(&out, fds[1]), 0);
  check_is(weir_pipe_open(&file, open("/proc/self/exe", O_RDONLY | O_CLOEXEC)),
           0);
  check_is(weir_wait(&r.op, &out, WEIR_WRITABLE, on_done), 0);
  finish_ready(f, &r, WEIR_WRITABLE);
  memset(&r, 0, sizeof(r));
  check_is(weir_wait(&r.op, &in, WEIR_READABLE, on_done), 0);
  run_some_turns(f);
  check_is(r.calls, 0);
  check_is(write(fds[1], "x", 1), 1);
  finish_ready(f, &r, WEIR_READABLE);
  memset(&r, 0, sizeof(r));
  check_is(weir_wait(&r.op, &file, BOTH, on_done), 0);
  finish_ready(f, &r, BOTH);
  check_is(weir_close(&in, NULL), 0);
  check_is(weir_close(&out, NULL), 0);
  check_is(weir_close(&file, NULL), 0);
  run_out(f);
}

/* Each waits anew in its callback, and is freed in the last one. */
struct again {
  weir_op_t op;
  weir_stream_t *stream;
  int *left;
};

static void wait_again(weir_op_t *op, int status, size_t n) {
  struct again *a = op->data;

  check_is(status, 0);
  check_is(n, 0);
  if (--*a->left > 0)
    check_is(weir_wait(op, a->stream, WEIR_WRITABLE, wait_again), 0);
  else
    free(a);
}

WEIR_TEST(ready, an_op_waits_again_and_is_freed_in_its_callback) {
  struct again *a = calloc(1, sizeof(*a));
  struct conn c;
  int left = 5000;

  cr_assert(a != NULL);
  conn_tcp(f, &c);
  *a = (struct again){.op = {.data = a}, .stream = &c.stream, .left = &left};
  check_is(weir_wait(&a->op, &c.stream, WEIR_WRITABLE, wait_again), 0);
  while (left > 0)
    run_turn(f);
  conn_close(f, &c);
}

WEIR_TEST(ready, many_at_once_in_a_small_ring) {
  enum { PAIRS = 300 };
  struct request *r = calloc(PAIRS, sizeof(*r));
  struct conn *c = calloc(PAIRS, sizeof(*c));
  int i;

  cr_assert(c != NULL && r != NULL);
  fixture_descriptors(f, PAIRS);
  fixture_reattach(f, 8);
  for (i = 0; i < PAIRS; i++) {
    conn_unix(f, &c[i]);
    wait_for(&c[i], &r[i], WEIR_READABLE);
  }
  run_some_turns(f);
  for (i = 0; i < PAIRS; i += 2)
    peer_send(&c[i], 0, 1);
  for (i = 0; i < PAIRS; i += 2)
    run_until(f, &r[i].calls);
  for (i = 0; i < PAIRS; i++)
    check_is(r[i].calls, i % 2 == 0);
  for (i = 0; i < PAIRS; i++)
    conn_close(f, &c[i]);
  for (i = 0; i < PAIRS; i++)
    check_is(r[i].status, i % 2 == 0 ? 0 : UV_ECANCELED);
  free(c);
  free(r);
}

WEIR_TEST(ready, of_an_adopted_handle_that_is_closed) {
  struct request r = {0}, w = {0};
  struct adopted a;

  adopted_open(f, &a, 4096, 4096);
  adopted_take(f, &a);
  cr_assert(fill(&a.conn) > 0);
  check_is(weir_wait(&r.op, &a.conn.stream, WEIR_READABLE, on_done), 0);
  check_is(weir_wait(&w.op, &a.conn.stream, WEIR_WRITABLE, on_done), 0);
  run_some_turns(f);
  check_is(r.calls + w.calls, 0);
  uv_close((uv_handle_t *)&a.handle, NULL);
  finish(f, &r, UV_ECANCELED, 0);
  run_until(f, &w.calls);
  check_is(w.status, UV_ECANCELED);
  memset(&r, 0, sizeof(r));
  check_is(weir_wait(&r.op, &a.conn.stream, WEIR_READABLE, on_done), 0);
  finish(f, &r, UV_EBADF, 0);
  check_is(weir_close(&a.conn.stream, on_conn_closed), 0);
  run_until(f, &a.conn.closed);
  close_peer(&a.conn);
}

struct forked {
  struct conn c;
  struct request r;
};

static void child_waits(struct weir_fixture *f, void *arg) {
  struct forked *w = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  while (w->r.calls == 0)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  must(w->r.status == UV_ECANCELED);
  memset(&w->r, 0, sizeof(w->r));
  must(weir_wait(&w->r.op, &w->c.stream, WEIR_WRITABLE, on_done) == 0);
  while (w->r.calls == 0)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  must(w->r.status == 0);
}

WEIR_TEST(ready, ends_in_a_child_and_goes_on_in_the_parent) {
  struct forked w;

  conn_tcp(f, &w.c);
  wait_for(&w.c, &w.r, WEIR_READABLE);
  run_some_turns(f);
  child_run(child_waits, f, &w);
  check_is(w.r.calls, 0);
  peer_send(&w.c, 0, 1);
  finish_ready(f, &w.r, WEIR_READABLE);
  conn_close(f, &w.c);
}

WEIR_TEST(ready, ends_when_the_application_closes_all_handles) {
  struct request r;
  struct conn c;

  conn_tcp(f, &c);
  wait_for(&c, &r, WEIR_READABLE);
  run_some_turns(f);
  uv_walk(&f->uv, close_owned, f->loop);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  run_until(f, &r.calls);
  check_is(r.status, UV_ECANCELED);
  run_until(f, &c.closed);
  close_peer(&c);
}
