/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/gate.h"
#include "support/net.h"

/* A system that has no buffers to send from (ENOBUFS) is one to wait for, and
 * no reason to end a stream. */

static const int calls[] = {SYS_sendto, SYS_sendmsg};

enum { SOME = 5, SIZE = 3000 };

static void short_of_buffers(int times) {
  gate_fail(SYS_sendto, ENOBUFS, times);
  gate_fail(SYS_sendmsg, ENOBUFS, times);
}

static int sends(void) {
  return gate_calls(SYS_sendto) + gate_calls(SYS_sendmsg);
}

static char bytes[SIZE];

static weir_seq_t in_three(uv_buf_t bufs[3]) {
  for (size_t i = 0; i < 3; i++)
    bufs[i] = uv_buf_init(bytes + i * 1000, 1000);
  return weir_seq_bufs(bufs, 3);
}

static void open_conn(struct weir_fixture *f, struct conn *c) {
  gate_open(f, calls, 2);
  conn_tcp(f, c);
  pattern_fill(bytes, 0, SIZE);
}

WEIR_TEST(no_buffers, a_write_waits) {
  struct request one = {0}, three = {0};
  uv_buf_t bufs[3];
  struct conn c;

  open_conn(f, &c);
  short_of_buffers(SOME);
  check_is(weir_write(&one.op, &c.stream, weir_seq_block(bytes, SIZE), on_done),
           0);
  finish(f, &one, 0, SIZE);
  short_of_buffers(SOME);
  check_is(weir_write(&three.op, &c.stream, in_three(bufs), on_done), 0);
  finish(f, &three, 0, SIZE);
  peer_take(&c, 0, SIZE);
  peer_take(&c, 0, SIZE);
  conn_close(f, &c);
}

WEIR_TEST(no_buffers, a_write_now_waits) {
  struct request r = {0};
  struct conn c;
  size_t n = 1;

  open_conn(f, &c);
  short_of_buffers(SOME);
  check_is(weir_write_now(&r.op, &c.stream, weir_seq_block(bytes, SIZE), &n,
                          on_done),
           WEIR_PENDING);
  check_is(n, 0);
  finish(f, &r, 0, SIZE);
  peer_take(&c, 0, SIZE);
  conn_close(f, &c);
}

WEIR_TEST(no_buffers, queued_writes_wait_in_their_order) {
  enum { COUNT = 100 };
  struct request r[COUNT];
  struct conn c;

  memset(r, 0, sizeof(r));
  open_conn(f, &c);
  short_of_buffers(SOME);
  for (size_t i = 0; i < COUNT; i++)
    check_is(weir_write(&r[i].op, &c.stream, weir_seq_block(bytes + i * 30, 30),
                        on_done),
             0);
  for (size_t i = 0; i < COUNT; i++)
    finish(f, &r[i], 0, 30);
  peer_take(&c, 0, SIZE);
  conn_close(f, &c);
}

WEIR_TEST(no_buffers, the_end_of_a_stream_waits) {
  struct request r = {0};
  struct conn c;

  open_conn(f, &c);
  short_of_buffers(SOME);
  check_is(
      weir_write_eof(&r.op, &c.stream, weir_seq_block(bytes, SIZE), on_done),
      0);
  finish(f, &r, 0, SIZE);
  peer_take(&c, 0, SIZE);
  peer_expect_end(&c);
  conn_close(f, &c);
}

/* ---- As long as there are none ---- */

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

/* Once in a millisecond, and not as often as possible. */
enum { WHILE_MS = 100, MOST_MEANWHILE = 400 };

static void expect_no_spin(struct weir_fixture *f) {
  uint64_t turns = stats_of(f).turns;
  uv_timer_t timer;
  int over = 0;

  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &over;
  check_is(uv_timer_start(&timer, on_timer, WHILE_MS, 0), 0);
  run_until(f, &over);
  uv_close((uv_handle_t *)&timer, NULL);
  turns = stats_of(f).turns - turns;
  run_turn(f);
  cr_assert(turns <= MOST_MEANWHILE, "%llu turns", (unsigned long long)turns);
}

static void wait_for_buffers(struct weir_fixture *f, struct conn *c,
                             struct request *r) {
  size_t n;

  open_conn(f, c);
  short_of_buffers(GATE_FOR_EVER);
  check_is(weir_write_now(&r->op, &c->stream, weir_seq_block(bytes, SIZE), &n,
                          on_done),
           WEIR_PENDING);
}

/* On io_uring the second try is the ring's, which has no gate. */
WEIR_TEST(no_buffers, nobody_spins) {
  struct request r = {0};
  struct conn c;
  int before;

  wait_for_buffers(f, &c, &r);
  before = sends();
  expect_no_spin(f);
  cr_assert(sends() - before <= MOST_MEANWHILE, "%d sends", sends() - before);
  check_is(r.calls, f->backend == WEIR_BACKEND_URING);
  gate_pass();
  finish(f, &r, 0, SIZE);
  peer_take(&c, 0, SIZE);
  conn_close(f, &c);
}

WEIR_TEST(no_buffers, a_write_that_waits_is_cancelled) {
  struct request r = {0};
  struct conn c;

  wait_for_buffers(f, &c, &r);
  if (f->backend == WEIR_BACKEND_UV)
    run_some_turns(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  gate_pass();
  conn_close(f, &c);
}

WEIR_TEST(no_buffers, a_stream_that_waits_is_closed) {
  struct request r = {0};
  struct conn c;

  wait_for_buffers(f, &c, &r);
  if (f->backend == WEIR_BACKEND_UV)
    run_some_turns(f);
  close_stream(f, &c);
  finish(f, &r, UV_ECANCELED, 0);
  peer_expect_end(&c);
  gate_pass();
  close_peer(&c);
}

/* ---- A network device without buffers ---- */

static void open_datagrams(struct weir_fixture *f, struct conn *c) {
  struct sockaddr_in addr;
  socklen_t len = sizeof(addr);
  const int on = 1;
  int fds[2];

  memset(c, 0, sizeof(*c));
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  for (int i = 0; i < 2; i++)
    fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  check_is(bind(fds[1], (struct sockaddr *)&addr, sizeof(addr)), 0);
  check_is(getsockname(fds[1], (struct sockaddr *)&addr, &len), 0);
  check_is(connect(fds[0], (struct sockaddr *)&addr, sizeof(addr)), 0);
  check_is(setsockopt(fds[0], IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
  c->peer = fds[1];
  check_is(weir_tcp_init(f->loop, &c->stream), 0);
  check_is(weir_tcp_open(&c->stream, fds[0]), 0);
}

/* The one way in which the ring's own send can be had to say ENOBUFS: to
 * datagrams that asked for it, loopback says that it dropped them. */
WEIR_TEST(no_buffers, a_device_is_waited_for) {
  struct request r = {0}, more = {0};
  struct conn c;

  own_network(f);
  if (system("tc qdisc add dev lo root bfifo limit 1 2>/dev/null") != 0)
    fixture_skip(f, "tc cannot make loopback drop packets here");
  open_datagrams(f, &c);
  pattern_fill(bytes, 0, SIZE);
  check_is(weir_write(&r.op, &c.stream, weir_seq_block(bytes, 100), on_done),
           0);
  expect_no_spin(f);
  check_is(r.calls, 0);
  check_is(system("tc qdisc del dev lo root"), 0);
  finish(f, &r, 0, 100);
  check_is(weir_write(&more.op, &c.stream, weir_seq_block(bytes + 100, 100),
                      on_done),
           0);
  finish(f, &more, 0, 100);
  check_is(peer_take_available(&c), 200);
  conn_close(f, &c);
}
