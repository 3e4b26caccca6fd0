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

WEIR_TEST(half_closed, a_write_that_waits_costs_nothing_meanwhile) {
  blocked_t b;

  blocked_open(f, &b);
  run_for(f, 50);
  check_is(b.write.calls, 0);
  weir_loop_stats_t before = stats_of(f);
  run_for(f, 200);
  weir_loop_stats_t after = stats_of(f);
  cr_assert(after.syscalls - before.syscalls < 20, "%llu system calls",
            (unsigned long long)(after.syscalls - before.syscalls));
  cr_assert(after.turns - before.turns < 50, "%llu turns",
            (unsigned long long)(after.turns - before.turns));
  peer_take(&b.c, 0, 1000);
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
