/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/fault.h>

#if WEIR_HAVE_URING
#include "../uring/ring.h"
#endif

#include "support/parser.h"
#include "support/rings.h"

/* Leases over a system that calls ready what is not, and is late. */

static weir_fault_t *plan_begin(struct weir_fixture *f) {
  weir_fault_options_t options = {.seed = 1};
  weir_fault_t *plan;
  int r = weir_fault_begin(&options, &plan);

  if (r == UV_ENOTSUP)
    fixture_skip(f, "faults cannot be had here");
  check_is(r, 0);
  /* Its ring is subject to the plan. */
  fixture_reattach(f, 16);
  return plan;
}

static int descriptor_of(const struct conn *c) {
  uv_os_fd_t fd;

  check_is(weir_fileno(&c->stream, &fd), 0);
  return fd;
}

/* From now on reads of it find nothing, whatever a poll says. */
static void say_again(weir_fault_t *plan, const struct conn *c, size_t times) {
  weir_fault_rule_t rule = {.what = WEIR_FAULT_RECV,
                            .fd = descriptor_of(c),
                            .times = times,
                            .error = UV_EAGAIN};

  check_is(weir_fault_add(plan, &rule), 0);
}

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

/* Runs the loop for a while: not more than one read is tried each millisecond,
 * but for a few at the beginning. */
static void expect_rest(struct weir_fixture *f, weir_fault_t *plan) {
  enum { WHILE_MS = 100, FIRST = 10 };
  size_t before = weir_fault_count(plan, WEIR_FAULT_RECV).asked, tried;
  uint64_t began = uv_hrtime(), ms;
  uv_timer_t timer;
  int over = 0;

  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &over;
  check_is(uv_timer_start(&timer, on_timer, WHILE_MS, 0), 0);
  run_until(f, &over);
  uv_close((uv_handle_t *)&timer, NULL);
  run_turn(f);
  tried = weir_fault_count(plan, WEIR_FAULT_RECV).asked - before;
  ms = (uv_hrtime() - began) / 1000000;
  cr_assert(tried <= ms + FIRST, "%zu tries in %d ms", tried, (int)ms);
}

WEIR_TEST(lease_fault, called_ready_in_vain_it_rests) {
  weir_fault_t *plan = plan_begin(f);
  weir_pool_t *pool = new_pool(f, 2);
  struct borrow b;
  struct conn c;

  conn_tcp(f, &c);
  say_again(plan, &c, WEIR_FAULT_ALWAYS);
  borrow(&b, &c.stream, pool);
  peer_send(&c, 0, 10);
  expect_rest(f, plan);
  check_is(b.r.calls, 0);
  check_is(weir_pool_available(pool), 2);
  weir_cancel(&b.r.op);
  expect_none(f, &b, UV_ECANCELED);
  conn_close(f, &c);
  end_pool(pool);
  weir_fault_end(plan);
}

WEIR_TEST(lease_fault, called_ready_in_vain_in_a_line_it_rests) {
  weir_fault_t *plan = plan_begin(f);
  weir_pool_t *pool = new_pool(f, 2);
  struct parser p;

  parser_open(f, &p, pool, 0, 0);
  say_again(plan, &p.c, 20);
  parser_read(&p);
  parser_feed(&p, 0, 10);
  expect_rest(f, plan);
  parser_feed_end(&p);
  parser_line(f, &p, 0, 10);
  parser_close(f, &p);
  end_pool(pool);
  weir_fault_end(plan);
}

#if WEIR_HAVE_URING

/* The kernel has chosen the only buffer that was lent, and does not tell yet;
 * who finds none does not have it choose again, but takes what is free. */
WEIR_RING_TEST(lease_fault, who_finds_none_lent_takes_another) {
  weir_fault_t *plan = plan_begin(f);
  weir_pool_t *pool = new_pool(f, 2);
  weir_fault_rule_t late = {.what = WEIR_FAULT_OPCODE + IORING_OP_RECV,
                            .rounds = 100000};
  struct borrow first, second;
  struct conn a, b;
  int i;

  if (!ring_chooses(f)) {
    end_pool(pool);
    weir_fault_end(plan);
    fixture_skip(f, "buffers cannot be lent to the kernel");
  }
  conn_tcp(f, &a);
  conn_tcp(f, &b);
  late.fd = descriptor_of(&a);
  check_is(weir_fault_add(plan, &late), 0);
  borrow(&first, &a.stream, pool);
  borrow(&second, &b.stream, pool);
  run_some_turns(f);
  peer_send(&a, 0, 10);
  run_some_turns(f);
  check_is(first.r.calls, 0);
  peer_send(&b, 0, 20);
  for (i = 0; i < 100 && second.r.calls == 0; i++)
    run_turn(f);
  check_is(first.r.calls, 0);
  expect_bytes(f, &second, 0, 20);
  give_back(&second);
  expect_bytes(f, &first, 0, 10);
  give_back(&first);
  conn_close(f, &a);
  conn_close(f, &b);
  end_pool(pool);
  weir_fault_end(plan);
}

#endif
