/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "support/fixture.h"
#include "support/net.h"

TestSuite(half_closed);

/* A peer that has ended its side and does not read: the kernel's polls have
 * something to report all the time, and nothing to do with it. */

typedef struct blocked_s {
  struct conn c;
  struct request write;
  char *bytes;
} blocked_t;

static void blocked_open(struct weir_fixture *f, blocked_t *b) {
  *b = (blocked_t){.bytes = malloc(SLOW_BYTES)};
  pattern_fill(b->bytes, 0, SLOW_BYTES);
  conn_slow(f, &b->c);
  check_is(shutdown(b->c.peer, SHUT_WR), 0);
  check_is(weir_write(&b->write.op, &b->c.stream,
                      weir_seq_block(b->bytes, SLOW_BYTES), on_done),
           0);
}

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

static void run_for(struct weir_fixture *f, uint64_t milliseconds) {
  uv_timer_t timer;
  int over = 0;

  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &over;
  check_is(uv_timer_start(&timer, on_timer, milliseconds, 0), 0);
  run_until(f, &over);
  uv_close((uv_handle_t *)&timer, NULL);
  run_turn(f);
}

static size_t take_what_is_there(const struct conn *c, size_t offset) {
  char bytes[4096];
  ssize_t n = recv(c->peer, bytes, sizeof(bytes), MSG_DONTWAIT);

  if (n <= 0)
    return 0;
  cr_assert(pattern_holds(bytes, offset, (size_t)n));
  return (size_t)n;
}

WEIR_TEST(half_closed, a_write_that_waits_costs_nothing_meanwhile) {
  enum { STEPS = 20 };
  size_t taken = 0;
  blocked_t b;
  size_t i;

  blocked_open(f, &b);
  weir_loop_stats_t before = stats_of(f);
  run_for(f, 20);
  for (i = 0; i < STEPS; i++) {
    taken += take_what_is_there(&b.c, taken);
    run_for(f, 10);
  }
  weir_loop_stats_t after = stats_of(f);
  cr_assert(taken > 0);
  cr_assert(after.syscalls - before.syscalls < 5 * STEPS, "%llu system calls",
            (unsigned long long)(after.syscalls - before.syscalls));
  conn_close(f, &b.c);
  check_is(b.write.status, UV_ECANCELED);
  free(b.bytes);
}

WEIR_TEST(half_closed, a_write_is_completed_when_the_peer_reads_on) {
  struct drain drain;
  blocked_t b;

  blocked_open(f, &b);
  run_for(f, 20);
  drain_start(&drain, b.c.peer);
  finish(f, &b.write, 0, SLOW_BYTES);
  close_stream(f, &b.c);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  cr_assert(drain.good);
  close_peer(&b.c);
  free(b.bytes);
}

WEIR_TEST(half_closed, a_write_that_waits_is_cancelled_with_its_count) {
  struct drain drain;
  blocked_t b;

  blocked_open(f, &b);
  run_for(f, 20);
  weir_cancel(&b.write.op);
  run_until(f, &b.write.calls);
  check_is(b.write.status, UV_ECANCELED);
  cr_assert(b.write.n > 0 && b.write.n < SLOW_BYTES);
  close_stream(f, &b.c);
  drain_start(&drain, b.c.peer);
  drain_join(&drain);
  check_is(drain.received, b.write.n);
  cr_assert(drain.good);
  close_peer(&b.c);
  free(b.bytes);
}
