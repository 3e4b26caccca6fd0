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
#include "support/passage.h"

TestSuite(relay_sockets);

/* Relays between what the system has, both ways. */

enum { RING = 4096, SOME = 10000, MUCH = 64 << 20 };

typedef void (*connect_fn)(struct weir_fixture *f, struct conn *c);

/* Two relays between two connections, whose peers are ours. */
typedef struct proxy_s {
  struct conn a, b;
  passage_t up;   /* from a to b */
  passage_t down; /* from b to a */
} proxy_t;

static void proxy_open(struct weir_fixture *f, proxy_t *p, connect_fn connect_a,
                       connect_fn connect_b, size_t ring) {
  connect_a(f, &p->a);
  connect_b(f, &p->b);
  passage_init(&p->up, ring);
  passage_init(&p->down, ring);
}

static void proxy_start(proxy_t *p) {
  passage_start(&p->up, &p->a.stream, &p->b.stream);
  passage_start(&p->down, &p->b.stream, &p->a.stream);
}

static void proxy_close(struct weir_fixture *f, proxy_t *p) {
  conn_close(f, &p->a);
  conn_close(f, &p->b);
  passage_free(&p->up);
  passage_free(&p->down);
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
                 const int acts[ACTS], int turns) {
  proxy_t p;
  int i;

  proxy_open(f, &p, connect, connect, RING);
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

WEIR_TEST(relay_sockets, pass_on_the_ends_in_every_order) {
  static const int orders[][ACTS] = {
      {A_SENDS, A_ENDS, B_SENDS, B_ENDS}, {A_SENDS, B_SENDS, A_ENDS, B_ENDS},
      {A_SENDS, B_SENDS, B_ENDS, A_ENDS}, {B_SENDS, A_SENDS, A_ENDS, B_ENDS},
      {B_SENDS, A_SENDS, B_ENDS, A_ENDS}, {B_SENDS, B_ENDS, A_SENDS, A_ENDS}};
  size_t i;
  int turns;

  for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
    for (turns = 0; turns < 2; turns++) {
      play(f, conn_tcp, orders[i], turns);
      play(f, conn_unix, orders[i], turns);
    }
  }
}

/* One side has ended; the other goes on for as long as it likes. */
WEIR_TEST(relay_sockets, carry_on_one_way) {
  proxy_t p;
  size_t i;

  proxy_open(f, &p, conn_tcp, conn_unix, RING);
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

/* ---- Much, and slowly ---- */

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

/* The peers move what can be moved, then the loop has a turn, in which nobody
 * sleeps. */
static void pump(struct weir_fixture *f, proxy_t *p, size_t total, size_t *sent,
                 size_t *taken) {
  uv_idle_t idle;

  check_is(uv_idle_init(&f->uv, &idle), 0);
  check_is(uv_idle_start(&idle, on_idle), 0);
  while (p->up.calls == 0) {
    if (*sent < total) {
      offer_pattern(p->a.peer, sent, total);
      if (*sent == total)
        check_is(shutdown(p->a.peer, SHUT_WR), 0);
    }
    uv_run(&f->uv, UV_RUN_NOWAIT);
    cr_assert(take_pattern(p->b.peer, taken));
  }
  uv_close((uv_handle_t *)&idle, NULL);
  uv_run(&f->uv, UV_RUN_NOWAIT);
}

/* At most tenths / 10 calls for each 64 KiB: those that come on top are libuv's
 * waits, one for each turn. */
static void check_calls(struct weir_fixture *f, size_t ring, unsigned tenths) {
  size_t sent = 0, taken = 0;
  uint64_t calls;
  proxy_t p;

  proxy_open(f, &p, conn_tcp, conn_tcp, ring);
  calls = stats_of(f).syscalls;
  passage_start(&p.up, &p.a.stream, &p.b.stream);
  pump(f, &p, MUCH, &sent, &taken);
  passage_end(f, &p.up, 0);
  calls = stats_of(f).syscalls - calls;
  check_is(p.up.info.bytes_written, MUCH);
  cr_assert(10 * calls <= tenths * (MUCH / 65536),
            "%llu calls for %d times 64 KiB", (unsigned long long)calls,
            MUCH / 65536);
  while (taken < MUCH)
    cr_assert(take_pattern(p.b.peer, &taken));
  proxy_close(f, &p);
}

WEIR_TEST(relay_sockets, need_few_system_calls) {
  check_calls(f, 256 << 10, 10);
  check_calls(f, 64 << 10, 24);
}

WEIR_TEST(relay_sockets, pass_on_every_byte_to_a_slow_sink) {
  size_t sent = 0, taken = 0;
  proxy_t p;

  proxy_open(f, &p, conn_unix, conn_slow, 30000);
  passage_start(&p.up, &p.a.stream, &p.b.stream);
  pump(f, &p, 1 << 20, &sent, &taken);
  passage_end(f, &p.up, 0);
  cr_assert(p.up.info.short_writes > 0);
  while (taken < 1 << 20)
    cr_assert(take_pattern(p.b.peer, &taken));
  peer_expect_end(&p.b);
  proxy_close(f, &p);
}

/* ---- Resets ---- */

/* What came before a reset is delivered. */
WEIR_TEST(relay_sockets, deliver_what_came_before_a_reset) {
  int turns;

  for (turns = 0; turns < 2; turns++) {
    proxy_t p;

    proxy_open(f, &p, conn_tcp, conn_tcp, RING);
    passage_start(&p.up, &p.a.stream, &p.b.stream);
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

/* Fills all that there is between two peers, of which one does not read. */
static size_t fill(struct weir_fixture *f, proxy_t *p) {
  size_t sent = 0, before;

  do {
    before = sent;
    offer_pattern(p->a.peer, &sent, MUCH);
    run_some_turns(f);
    usleep(1000);
    run_some_turns(f);
  } while (sent > before);
  cr_assert(sent < MUCH);
  return sent;
}

/* The source is reset while bytes are held that the sink does not take. */
WEIR_TEST(relay_sockets, deliver_what_is_held_after_a_reset) {
  size_t sent = 0, taken = 0;
  proxy_t p;

  proxy_open(f, &p, conn_slow, conn_slow, RING);
  passage_start(&p.up, &p.a.stream, &p.b.stream);
  fill(f, &p);
  reset_peer(&p.a);
  run_some_turns(f);
  check_is(p.up.calls, 0);
  pump(f, &p, 0, &sent, &taken);
  passage_end(f, &p.up, UV_ECONNRESET);
  check_is(p.up.nleft, 0);
  while (taken < p.up.info.bytes_written)
    cr_assert(take_pattern(p.b.peer, &taken));
  check_is(taken, p.up.info.bytes_written);
  proxy_close(f, &p);
}

/* The sink is reset: what it did not take is held, and the source goes on
 * behind that. */
WEIR_TEST(relay_sockets, keep_what_a_sink_that_was_reset_did_not_take) {
  struct request next = {.calls = 0};
  char bytes[RING];
  size_t sent;
  proxy_t p;

  proxy_open(f, &p, conn_slow, conn_slow, RING);
  passage_start(&p.up, &p.a.stream, &p.b.stream);
  sent = fill(f, &p);
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

/* ---- Other ends ---- */

/* A stream can be both source and sink. */
WEIR_TEST(relay_sockets, echo) {
  passage_t p;
  struct conn c;

  conn_tcp(f, &c);
  passage_init(&p, RING);
  passage_start(&p, &c.stream, &c.stream);
  peer_send(&c, 0, SOME);
  check_is(shutdown(c.peer, SHUT_WR), 0);
  passage_end(f, &p, 0);
  peer_take(&c, 0, SOME);
  peer_expect_end(&c);
  conn_close(f, &c);
  passage_free(&p);
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
}

/* ---- What the program does meanwhile ---- */

WEIR_TEST(relay_sockets, end_when_the_application_closes_an_adopted_handle) {
  struct adopted a;
  struct conn c;
  passage_t p;

  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  conn_tcp(f, &c);
  passage_init(&p, RING);
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
WEIR_TEST(relay_sockets, go_on_beside_a_child) {
  proxy_t p;

  proxy_open(f, &p, conn_tcp, conn_tcp, RING);
  passage_start(&p.up, &p.a.stream, &p.b.stream);
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
