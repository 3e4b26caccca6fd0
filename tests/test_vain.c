/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/proxy.h"

/* Descriptors that are called ready and are not, and bytes out of band: no
 * spin, and the same on both backends. */

/* A turn for each of so many milliseconds would do; a spin makes some hundred
 * in one. */
enum { WHILE_MS = 100, TURNS = WHILE_MS * 10 };

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

/* Runs the loop for a while and asserts that it rests. */
static void expect_rest(struct weir_fixture *f) {
  weir_loop_stats_t before = stats_of(f), after;
  uv_timer_t timer;
  int over = 0;

  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &over;
  check_is(uv_timer_start(&timer, on_timer, WHILE_MS, 0), 0);
  run_until(f, &over);
  uv_close((uv_handle_t *)&timer, NULL);
  run_turn(f);
  after = stats_of(f);
  cr_assert(after.turns - before.turns < TURNS, "%d turns",
            (int)(after.turns - before.turns));
  cr_assert(after.syscalls - before.syscalls < TURNS * 2, "%d calls",
            (int)(after.syscalls - before.syscalls));
}

static void read_start(struct request *r, struct conn *c, char *bytes,
                       size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(bytes, len), on_done),
      0);
}

/* Sends a byte, whose time is then a message in the queue for errors, which a
 * poll tells of and a read does not take. */
static void send_stamped(const struct conn *c) {
  const int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                     SOF_TIMESTAMPING_OPT_TSONLY;
  uv_os_fd_t fd;

  check_is(weir_fileno(&c->stream, &fd), 0);
  check_is(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps)),
           0);
  check_is(send(fd, "x", 1, MSG_NOSIGNAL), 1);
}

WEIR_TEST(vain, a_queue_of_errors_is_no_spin) {
  struct request r, w = {0};
  struct conn c;
  char bytes[8];

  conn_tcp(f, &c);
  send_stamped(&c);
  read_start(&r, &c, bytes, sizeof(bytes));
  expect_rest(f);
  check_is(r.calls, 0);
  peer_send(&c, 0, 8);
  finish(f, &r, 0, 8);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("yz", 2), on_done), 0);
  finish(f, &w, 0, 2);
  read_start(&r, &c, bytes, sizeof(bytes));
  expect_rest(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  read_start(&r, &c, bytes, sizeof(bytes));
  run_some_turns(f);
  close_stream(f, &c);
  check_is(r.status, UV_ECANCELED);
  close_peer(&c);
}

/* The same for a relay, at either end. */
WEIR_TEST(vain, a_queue_of_errors_is_no_spin_where_it_is_spliced) {
  proxy_t p;

  proxy_open(f, &p, conn_slow, conn_slow, RING, WEIR_RELAY_SPLICE);
  send_stamped(&p.a);
  send_stamped(&p.b);
  proxy_start_up(&p);
  expect_rest(f);
  peer_send(&p.a, 0, 100);
  while (p.up.progress < 100)
    uv_run(&f->uv, UV_RUN_ONCE);
  proxy_fill(f, &p);
  expect_rest(f);
  weir_relay_stop(&p.up.relay);
  run_until(f, &p.up.calls);
  cr_assert(p.up.nleft > 0);
  proxy_close(f, &p);
}

/* It can be written as long as 1 can be added. */
WEIR_TEST(vain, a_nearly_full_eventfd_is_no_spin) {
  const uint64_t most = UINT64_MAX - 2, five = 5;
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct request w = {0};
  struct conn c;
  uint64_t count;

  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(write(fd, &most, sizeof(most)), sizeof(most));
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fd), 0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(&five, sizeof(five)),
                      on_done),
           0);
  expect_rest(f);
  check_is(w.calls, 0);
  check_is(read(fd, &count, sizeof(count)), sizeof(count));
  finish(f, &w, 0, sizeof(five));
  memset(&w, 0, sizeof(w));
  check_is(write(fd, &most, sizeof(most)), -1);
  check_is(read(fd, &count, sizeof(count)), sizeof(count));
  check_is(count, 5);
  check_is(write(fd, &most, sizeof(most)), sizeof(most));
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(&five, sizeof(five)),
                      on_done),
           0);
  expect_rest(f);
  weir_cancel(&w.op);
  finish(f, &w, UV_ECANCELED, 0);
  conn_close(f, &c);
}

/* ---- What is ready for nobody ---- */

/* It was waited for once, so that it is watched yet. */
static void wait_once(struct weir_fixture *f, struct conn *c) {
  struct request r;
  char byte;

  read_start(&r, c, &byte, 1);
  run_some_turns(f);
  check_is(write(c->peer, "xy", 2), 2);
  finish(f, &r, 0, 1);
}

WEIR_TEST(vain, bytes_that_nobody_reads_are_no_spin) {
  struct conn c;

  conn_tcp(f, &c);
  wait_once(f, &c);
  expect_rest(f);
  conn_close(f, &c);
}

WEIR_TEST(vain, a_reset_that_nobody_waits_for_is_no_spin) {
  struct request r;
  struct conn c;
  char bytes[2];

  conn_tcp(f, &c);
  wait_once(f, &c);
  reset_peer(&c);
  expect_rest(f);
  read_start(&r, &c, bytes, 2);
  run_until(f, &r.calls);
  cr_assert(r.status == UV_ECONNRESET || r.status == 0);
  conn_close(f, &c);
}

/* A write that waited was cancelled, and then the pipe has no reader. */
WEIR_TEST(vain, a_pipe_without_a_reader_is_no_spin) {
  static char bytes[1 << 20];
  struct request w = {0};
  struct conn c;
  int fds[2];

  memset(&c, 0, sizeof(c));
  check_is(pipe(fds), 0);
  c.peer = fds[0];
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[1]), 0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, sizeof(bytes)),
                      on_done),
           0);
  run_some_turns(f);
  weir_cancel(&w.op);
  run_until(f, &w.calls);
  check_is(w.status, UV_ECANCELED);
  close_peer(&c);
  expect_rest(f);
  memset(&w, 0, sizeof(w));
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 1), on_done), 0);
  finish(f, &w, UV_EPIPE, 0);
  conn_close(f, &c);
}

/* ---- Out of band ---- */

static void expect_read(struct weir_fixture *f, struct request *r,
                        const char *bytes, const char *text) {
  finish(f, r, 0, strlen(text));
  cr_assert(memcmp(bytes, text, r->n) == 0);
}

static void send_urgent(struct conn *c, const char *bytes) {
  size_t n = strlen(bytes);

  check_is(send(c->peer, bytes, n, MSG_OOB | MSG_NOSIGNAL), n);
}

/* The urgent byte is the last of a message, and is not part of the stream. */
static void pass_urgent(struct weir_fixture *f, struct conn *c) {
  struct request r;
  char bytes[64];

  read_start(&r, c, bytes, sizeof(bytes));
  expect_rest(f);
  send_urgent(c, "!");
  expect_rest(f);
  check_is(r.calls, 0);
  check_is(send(c->peer, "abc", 3, MSG_NOSIGNAL), 3);
  expect_read(f, &r, bytes, "abc");

  send_urgent(c, "!");
  read_start(&r, c, bytes, sizeof(bytes));
  expect_rest(f);
  check_is(r.calls, 0);
  send_urgent(c, "def!");
  expect_read(f, &r, bytes, "def");
  read_start(&r, c, bytes, sizeof(bytes));
  expect_rest(f);
  check_is(r.calls, 0);
  close_peer(c);
  finish(f, &r, UV_EOF, 0);
}

WEIR_TEST(vain, tcp_leaves_urgent_bytes_out) {
  struct conn c;

  conn_tcp(f, &c);
  pass_urgent(f, &c);
  conn_close(f, &c);
}

WEIR_TEST(vain, unix_sockets_leave_urgent_bytes_out) {
  struct conn c;

  conn_unix(f, &c);
  if (send(c.peer, "!", 1, MSG_OOB | MSG_NOSIGNAL) != 1) {
    conn_close(f, &c);
    fixture_skip(f, "no urgent bytes on UNIX sockets here");
  }
  pass_urgent(f, &c);
  conn_close(f, &c);
}

/* The application takes them itself, as from a socket of its own. */
WEIR_TEST(vain, urgent_bytes_can_be_taken_beside_the_stream) {
  struct request r;
  struct conn c;
  uv_os_fd_t fd;
  char bytes[64], urgent = 0;

  conn_tcp(f, &c);
  check_is(weir_fileno(&c.stream, &fd), 0);
  read_start(&r, &c, bytes, sizeof(bytes));
  send_urgent(&c, "abc!");
  expect_read(f, &r, bytes, "abc");
  check_is(recv(fd, &urgent, 1, MSG_OOB), 1);
  check_is(urgent, '!');
  read_start(&r, &c, bytes, sizeof(bytes));
  expect_rest(f);
  check_is(send(c.peer, "de", 2, MSG_NOSIGNAL), 2);
  expect_read(f, &r, bytes, "de");
  conn_close(f, &c);
}

/* The peer sends while nobody reads, and the other side writes. */
WEIR_TEST(vain, urgent_bytes_do_not_disturb_a_write_that_waits) {
  static char bytes[SLOW_BYTES];
  struct request w = {0};
  struct drain drain;
  struct conn c;

  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  check_is(weir_write_eof(&w.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                          on_done),
           0);
  run_some_turns(f);
  send_urgent(&c, "!");
  expect_rest(f);
  check_is(w.calls, 0);
  drain_start(&drain, c.peer);
  finish(f, &w, 0, SLOW_BYTES);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  conn_close(f, &c);
}
