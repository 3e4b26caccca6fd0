/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/net.h"

/* Operations that do not keep uv_run going, and whether one is outstanding. */

static void read_one(struct conn *c, struct request *r, char *byte) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(byte, 1), on_done), 0);
}

static int runs_out(struct weir_fixture *f) {
  return uv_run(&f->uv, UV_RUN_DEFAULT) == 0;
}

WEIR_TEST(unref, an_idle_read_lets_the_loop_go) {
  struct request r;
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  read_one(&c, &r, &byte);
  weir_unref(&r.op);
  weir_unref(&r.op);
  check_is(uv_loop_alive(&f->uv), 0);
  cr_assert(runs_out(f));
  check_is(r.calls, 0);
  check_is(weir_op_active(&r.op), 1);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);

  weir_ref(&r.op);
  weir_ref(&r.op);
  check_is(uv_loop_alive(&f->uv), 1);
  run_some_turns(f);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  check_is(weir_op_active(&r.op), 0);
  check_is(uv_loop_alive(&f->uv), 0);
  conn_close(f, &c);
}

/* It goes on beside what keeps the loop going, and then does so itself until
 * its callback has run. */
WEIR_TEST(unref, ends_as_any_other) {
  struct request r, s;
  struct conn c, d;
  char byte, other;

  conn_tcp(f, &c);
  conn_tcp(f, &d);
  read_one(&c, &r, &byte);
  read_one(&d, &s, &other);
  weir_unref(&r.op);
  run_some_turns(f);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  read_one(&c, &r, &byte);
  check_is(uv_loop_alive(&f->uv), 1);
  weir_unref(&s.op);
  weir_unref(&r.op);
  check_is(uv_loop_alive(&f->uv), 0);
  weir_cancel(&r.op);
  weir_cancel(&s.op);
  weir_ref(&s.op);
  weir_ref(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  run_until(f, &s.calls);
  check_is(s.status, UV_ECANCELED);
  conn_close(f, &c);
  conn_close(f, &d);
}

/* What has ended keeps the loop going, so that uv_run says it. */
WEIR_TEST(unref, a_callback_that_is_due_is_waited_for) {
  struct request r = {0};

  check_is(weir_post(&r.op, f->loop, on_done), 0);
  weir_unref(&r.op);
  check_is(uv_loop_alive(&f->uv), 0);
  weir_cancel(&r.op);
  check_is(uv_loop_alive(&f->uv), 1);
  weir_unref(&r.op);
  check_is(uv_loop_alive(&f->uv), 1);
  cr_assert(runs_out(f));
  check_is(r.calls, 1);
}

WEIR_TEST(unref, an_idle_listener) {
  weir_stream_t listener, client;
  struct request r = {0};
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &listener), 0);
  check_is(weir_tcp_bind(&listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&listener, 5), 0);
  check_is(weir_accept(&r.op, &listener, &client, on_done), 0);
  weir_unref(&r.op);
  cr_assert(runs_out(f));
  check_is(weir_close(&listener, NULL), 0);
  cr_assert(runs_out(f));
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
}

static void on_timer(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, NULL);
}

/* The loop sleeps for other things and is served all the same. */
WEIR_TEST(unref, is_served_while_the_loop_waits_for_others) {
  struct request r;
  struct conn c;
  uv_timer_t timer;
  char byte;

  conn_tcp(f, &c);
  read_one(&c, &r, &byte);
  weir_unref(&r.op);
  check_is(uv_timer_init(&f->uv, &timer), 0);
  check_is(uv_timer_start(&timer, on_timer, 30, 0), 0);
  uint64_t before = stats_of(f).turns;
  cr_assert(runs_out(f));
  cr_assert(stats_of(f).turns - before < 50);
  check_is(r.calls, 0);
  peer_send(&c, 0, 1);
  check_is(uv_timer_init(&f->uv, &timer), 0);
  check_is(uv_timer_start(&timer, on_timer, 30, 0), 0);
  cr_assert(runs_out(f));
  check_is(r.calls, 1);
  conn_close(f, &c);
}

WEIR_TEST(unref, does_nothing_to_what_is_over) {
  struct request r = {0};

  check_is(weir_op_active(NULL), 0);
  check_is(weir_op_active(&r.op), 0);
  weir_unref(NULL);
  weir_ref(NULL);
  weir_unref(&r.op);
  weir_ref(&r.op);
  weir_cancel(&r.op);
  check_is(weir_post(&r.op, f->loop, on_done), 0);
  finish(f, &r, 0, 0);
  weir_unref(&r.op);
  weir_cancel(&r.op);
  check_is(uv_loop_alive(&f->uv), 0);
  run_out(f);
  check_is(r.calls, 1);
}

static void freed_or_not(weir_op_t *op, int status, size_t n) {
  check_is(weir_op_active(op), 0);
  on_done(op, status, n);
}

WEIR_TEST(unref, an_op_is_over_when_its_callback_begins) {
  struct request r = {0};

  check_is(weir_file_open(f->loop, &r.op, "/nowhere/at/all", UV_FS_O_RDONLY, 0,
                          freed_or_not),
           0);
  check_is(weir_op_active(&r.op), 1);
  run_until(f, &r.calls);
  cr_assert(r.status < 0);
  check_is(weir_op_active(&r.op), 0);
}
