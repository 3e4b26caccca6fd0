/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/adopted.h"
#include "support/child.h"
#include "support/proxy.h"

TestSuite(relay_sockets);

/* Relays between what the system has, both ways. */

/* What holds for all relays holds for those that splice. */
static void in_each_mode(struct weir_fixture *f,
                         void (*check)(struct weir_fixture *f,
                                       unsigned flags)) {
  check(f, 0);
  check(f, WEIR_RELAY_SPLICE);
}

/* ---- The ends ---- */

enum { A_SENDS, A_ENDS, B_SENDS, B_ENDS, ACTS };

static void act(const proxy_t *p, int what) {
  switch (what) {
  case A_SENDS:
    peer_send(&p->a, 0, SOME);
    break;
  case A_ENDS:
    check_is(shutdown(p->a.peer, SHUT_WR), 0);
    break;
  case B_SENDS:
    peer_send(&p->b, 0, SOME);
    break;
  default:
    check_is(shutdown(p->b.peer, SHUT_WR), 0);
  }
}

/* With turns of the loop between the acts, or without. */
static void play(struct weir_fixture *f, connect_fn connect,
                 const int acts[ACTS], int turns, unsigned flags) {
  proxy_t p;
  int i;

  proxy_open(f, &p, connect, connect, RING, flags);
  proxy_start(&p);
  for (i = 0; i < ACTS; i++) {
    act(&p, acts[i]);
    if (turns)
      run_some_turns(f);
  }
  passage_end(f, &p.up, 0);
  passage_end(f, &p.down, 0);
  check_is(p.up.info.bytes_written, SOME);
  check_is(p.down.info.bytes_written, SOME);
  peer_take(&p.b, 0, SOME);
  peer_expect_end(&p.b);
  peer_take(&p.a, 0, SOME);
  peer_expect_end(&p.a);
  proxy_close(f, &p);
}

static void check_ends(struct weir_fixture *f, unsigned flags) {
  static const int orders[][ACTS] = {
      {A_SENDS, A_ENDS, B_SENDS, B_ENDS}, {A_SENDS, B_SENDS, A_ENDS, B_ENDS},
      {A_SENDS, B_SENDS, B_ENDS, A_ENDS}, {B_SENDS, A_SENDS, A_ENDS, B_ENDS},
      {B_SENDS, A_SENDS, B_ENDS, A_ENDS}, {B_SENDS, B_ENDS, A_SENDS, A_ENDS}};
  size_t i;
  int turns;

  for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
    for (turns = 0; turns < 2; turns++) {
      play(f, conn_tcp, orders[i], turns, flags);
      play(f, conn_unix, orders[i], turns, flags);
    }
  }
}

WEIR_TEST(relay_sockets, pass_on_the_ends_in_every_order) {
  in_each_mode(f, check_ends);
}

/* One side has ended; the other goes on for as long as it likes. */
static void check_one_way(struct weir_fixture *f, unsigned flags) {
  proxy_t p;
  size_t i;

  proxy_open(f, &p, conn_tcp, conn_unix, RING, flags);
  proxy_start(&p);
  check_is(shutdown(p.a.peer, SHUT_WR), 0);
  passage_end(f, &p.up, 0);
  peer_expect_end(&p.b);
  for (i = 0; i < 20; i++) {
    peer_send(&p.b, i * SOME, SOME);
    while (p.down.progress < (i + 1) * SOME)
      uv_run(&f->uv, UV_RUN_ONCE);
    peer_take(&p.a, i * SOME, SOME);
  }
  check_is(p.down.calls, 0);
  check_is(shutdown(p.b.peer, SHUT_WR), 0);
  passage_end(f, &p.down, 0);
  peer_expect_end(&p.a);
  proxy_close(f, &p);
}

WEIR_TEST(relay_sockets, carry_on_one_way) {
  in_each_mode(f, check_one_way);
}

/* ---- Much, and slowly ---- */

/* At most tenths / 10 calls for each 64 KiB: those that come on top are libuv's
 * waits, one for each turn. */
static void check_calls(struct weir_fixture *f, size_t ring, unsigned flags,
                        unsigned tenths) {
  size_t sent = 0, taken = 0;
  uint64_t calls;
  proxy_t p;

  proxy_open(f, &p, conn_tcp, conn_tcp, ring, flags);
  calls = stats_of(f).syscalls;
  proxy_start_up(&p);
  proxy_pump(f, &p, MUCH, &sent, &taken);
  passage_end(f, &p.up, 0);
  calls = stats_of(f).syscalls - calls;
  check_is(p.up.info.bytes_written, MUCH);
  cr_assert(10 * calls <= tenths * (MUCH / 65536),
            "%llu calls for %d times 64 KiB", (unsigned long long)calls,
            MUCH / 65536);
  proxy_take_rest(&p, &taken, MUCH);
  proxy_close(f, &p);
}

WEIR_TEST(relay_sockets, need_few_system_calls) {
  check_calls(f, 256 << 10, 0, 10);
  check_calls(f, 64 << 10, 0, 24);
  check_calls(f, 256 << 10, WEIR_RELAY_SPLICE, 20);
  check_calls(f, 1 << 20, WEIR_RELAY_SPLICE, 10);
}

static void check_slow_sink(struct weir_fixture *f, unsigned flags) {
  size_t sent = 0, taken = 0;
  proxy_t p;

  proxy_open(f, &p, conn_unix, conn_slow, 30000, flags);
  proxy_start_up(&p);
  proxy_pump(f, &p, 1 << 20, &sent, &taken);
  passage_end(f, &p.up, 0);
  cr_assert(p.up.info.short_writes > 0);
  proxy_take_rest(&p, &taken, 1 << 20);
  peer_expect_end(&p.b);
  proxy_close(f, &p);
}

WEIR_TEST(relay_sockets, pass_on_every_byte_to_a_slow_sink) {
  in_each_mode(f, check_slow_sink);
}

/* ---- Resets ---- */

/* What came before a reset is delivered. */
static void check_before_reset(struct weir_fixture *f, unsigned flags) {
  int turns;

  for (turns = 0; turns < 2; turns++) {
    proxy_t p;

    proxy_open(f, &p, conn_tcp, conn_tcp, RING, flags);
    proxy_start_up(&p);
    peer_send(&p.a, 0, SOME);
    if (turns)
      run_some_turns(f);
    reset_peer(&p.a);
    passage_end(f, &p.up, UV_ECONNRESET);
    check_is(p.up.info.read_status, UV_ECONNRESET);
    check_is(p.up.info.write_status, 0);
    check_is(p.up.info.bytes_written, SOME);
    check_is(p.up.nleft, 0);
    peer_take(&p.b, 0, SOME);
    check_is(peer_take_available(&p.b), 0);
    proxy_close(f, &p);
  }
}

WEIR_TEST(relay_sockets, deliver_what_came_before_a_reset) {
  in_each_mode(f, check_before_reset);
}

/* The source is reset while bytes are held that the sink does not take. */
static void check_held_after_reset(struct weir_fixture *f, unsigned flags) {
  size_t sent = 0, taken = 0;
  proxy_t p;

  proxy_open(f, &p, conn_slow, conn_slow, RING, flags);
  proxy_start_up(&p);
  proxy_fill(f, &p);
  reset_peer(&p.a);
  run_some_turns(f);
  check_is(p.up.calls, 0);
  proxy_pump(f, &p, 0, &sent, &taken);
  passage_end(f, &p.up, UV_ECONNRESET);
  check_is(p.up.nleft, 0);
  proxy_take_rest(&p, &taken, p.up.info.bytes_written);
  proxy_close(f, &p);
}

WEIR_TEST(relay_sockets, deliver_what_is_held_after_a_reset) {
  in_each_mode(f, check_held_after_reset);
}

/* The sink is reset: what it did not take is held, and the source goes on
 * behind that. */
static void check_sink_reset(struct weir_fixture *f, unsigned flags) {
  struct request next = {.calls = 0};
  char bytes[RING];
  size_t sent;
  proxy_t p;

  proxy_open(f, &p, conn_slow, conn_slow, RING, flags);
  proxy_start_up(&p);
  sent = proxy_fill(f, &p);
  reset_peer(&p.b);
  run_until(f, &p.up.calls);
  passage_end(f, &p.up, p.up.status);
  cr_assert(p.up.status == UV_ECONNRESET || p.up.status == UV_EPIPE);
  check_is(p.up.info.read_status, 0);
  check_is(p.up.info.write_status, p.up.status);
  cr_assert(p.up.nleft > 0);
  cr_assert(p.up.info.bytes_read + sizeof(bytes) <= sent);
  check_is(weir_read(&next.op, &p.a.stream,
                     weir_mseq_block(bytes, sizeof(bytes)), weir_all(),
                     on_done),
           0);
  finish(f, &next, 0, sizeof(bytes));
  cr_assert(pattern_holds(bytes, (size_t)p.up.info.bytes_read, sizeof(bytes)));
  proxy_close(f, &p);
}

WEIR_TEST(relay_sockets, keep_what_a_sink_that_was_reset_did_not_take) {
  in_each_mode(f, check_sink_reset);
}

/* ---- Other ends ---- */

/* A stream can be both source and sink. */
static void check_echo(struct weir_fixture *f, unsigned flags) {
  passage_t p;
  struct conn c;

  conn_tcp(f, &c);
  passage_init(&p, RING);
  p.options.flags = flags;
  passage_start(&p, &c.stream, &c.stream);
  peer_send(&c, 0, SOME);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  passage_end(f, &p, 0);
  peer_take(&c, 0, SOME);
  peer_expect_end(&c);
  conn_close(f, &c);
  passage_free(&p);
}

WEIR_TEST(relay_sockets, echo) {
  in_each_mode(f, check_echo);
}

/* A pipe(2) has no half-close: the end cannot be passed on, the bytes can. */
static void through_pipes(struct weir_fixture *f, unsigned flags, int status) {
  char bytes[SOME];
  weir_stream_t in, out;
  int from[2], to[2];
  passage_t p;

  check_is(pipe(from), 0);
  check_is(pipe(to), 0);
  pattern_fill(bytes, 0, SOME);
  check_is(write(from[1], bytes, SOME), SOME);
  close(from[1]);
  check_is(weir_pipe_init(f->loop, &in), 0);
  check_is(weir_pipe_open(&in, from[0]), 0);
  check_is(weir_pipe_init(f->loop, &out), 0);
  check_is(weir_pipe_open(&out, to[1]), 0);
  passage_init(&p, RING);
  p.options.flags = flags;
  passage_start(&p, &in, &out);
  passage_end(f, &p, status);
  check_is(p.info.bytes_written, SOME);
  memset(bytes, 0, SOME);
  check_is(read(to[0], bytes, SOME), SOME);
  cr_assert(pattern_holds(bytes, 0, SOME));
  check_is(weir_close(&in, NULL), 0);
  check_is(weir_close(&out, NULL), 0);
  run_out(f);
  close(to[0]);
  passage_free(&p);
}

WEIR_TEST(relay_sockets, pass_on_from_pipe_to_pipe) {
  through_pipes(f, 0, UV_ENOTSOCK);
  through_pipes(f, WEIR_RELAY_NO_EOF, 0);
  through_pipes(f, WEIR_RELAY_SPLICE, UV_ENOTSOCK);
  through_pipes(f, WEIR_RELAY_SPLICE | WEIR_RELAY_NO_EOF, 0);
}

/* ---- What the program does meanwhile ---- */

static void check_adopted(struct weir_fixture *f, unsigned flags) {
  struct adopted a;
  struct conn c;
  passage_t p;

  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  conn_tcp(f, &c);
  passage_init(&p, RING);
  p.options.flags = flags;
  passage_start(&p, &a.conn.stream, &c.stream);
  peer_send(&a.conn, 0, SOME);
  while (p.progress < SOME)
    uv_run(&f->uv, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&a.handle, NULL);
  passage_end(f, &p, UV_ECANCELED);
  peer_take(&c, 0, SOME);
  check_is(weir_close(&a.conn.stream, NULL), 0);
  run_out(f);
  close_peer(&a.conn);
  conn_close(f, &c);
  passage_free(&p);
}

WEIR_TEST(relay_sockets, end_when_the_application_closes_an_adopted_handle) {
  in_each_mode(f, check_adopted);
}

static void child_has_it(struct weir_fixture *f, void *arg) {
  proxy_t *p = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  while (p->up.calls == 0)
    must(uv_run(&f->uv, UV_RUN_ONCE) != 0 || p->up.calls != 0);
  must(p->up.status == UV_ECANCELED);
  must(p->up.info.bytes_read == SOME && p->up.info.bytes_written == SOME);
  must(weir_close(&p->a.stream, NULL) == 0);
  must(weir_close(&p->b.stream, NULL) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must_leave(f);
}

/* It ends in the child, and goes on in the parent. */
static void check_beside_child(struct weir_fixture *f, unsigned flags) {
  proxy_t p;

  proxy_open(f, &p, conn_tcp, conn_tcp, RING, flags);
  proxy_start_up(&p);
  peer_send(&p.a, 0, SOME);
  while (p.up.progress < SOME)
    uv_run(&f->uv, UV_RUN_ONCE);
  child_run(child_has_it, f, &p);
  peer_send(&p.a, SOME, SOME);
  check_is(shutdown(p.a.peer, SHUT_WR), 0);
  passage_end(f, &p.up, 0);
  peer_take(&p.b, 0, 2 * (size_t)SOME);
  peer_expect_end(&p.b);
  proxy_close(f, &p);
}

WEIR_TEST(relay_sockets, go_on_beside_a_child) {
  in_each_mode(f, check_beside_child);
}
