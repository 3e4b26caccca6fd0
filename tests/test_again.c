/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/fault.h>

#include "support/descriptor.h"
#include "support/gate.h"
#include "support/net.h"

/* What did not go at once, for want of room or since it has to wait first, and
 * what becomes of it before it is begun again. */

enum { ENTRIES = 2, MANY = 40 };

/* ---- No room in the midst of a start ---- */

struct crowd {
  struct conn conns[MANY];
  struct request reads[MANY];
  char bytes[MANY];
};

static void crowd_open(struct weir_fixture *f, struct crowd *c) {
  memset(c, 0, sizeof(*c));
  for (int i = 0; i < MANY; i++)
    conn_unix(f, &c->conns[i]);
}

/* Outside of a turn, so that they begin in the next flush. */
static void crowd_begin(struct crowd *c) {
  for (int i = 0; i < MANY; i++)
    check_is(weir_read_some(&c->reads[i].op, &c->conns[i].stream,
                            weir_mseq_block(&c->bytes[i], 1), on_done),
             0);
}

static void crowd_close(struct weir_fixture *f, struct crowd *c) {
  for (int i = 0; i < MANY; i++)
    conn_close(f, &c->conns[i]);
}

WEIR_RING_TEST(again, what_finds_no_room_is_counted) {
  static struct crowd c;

  fixture_reattach(f, ENTRIES);
  crowd_open(f, &c);
  check_is(stats_of(f).overflows, 0);
  crowd_begin(&c);
  cr_assert(stats_of(f).overflows > 0);
  for (int i = 0; i < MANY; i++) {
    peer_send(&c.conns[i], 0, 1);
    finish(f, &c.reads[i], 0, 1);
  }
  crowd_close(f, &c);
}

/* A small ring that cannot be entered. */
static void break_ring(struct weir_fixture *f, int error) {
  const weir_loop_options_t options = {.entries = ENTRIES};
  const int calls[] = {CALL_URING_ENTER};

  gate_open(f, calls, 1);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  gate_spare_rings();
  fixture_attach(f, &options);
  gate_fail(CALL_URING_ENTER, error, GATE_FOR_EVER);
}

/* Once in a turn, not once for each that finds no room. */
WEIR_RING_TEST(again, a_kernel_that_is_short_is_not_asked_for_each) {
  static struct crowd c;
  int before;

  break_ring(f, EAGAIN);
  crowd_open(f, &c);
  crowd_begin(&c);
  before = gate_calls(CALL_URING_ENTER);
  run_turn(f);
  cr_assert(gate_calls(CALL_URING_ENTER) - before <= 4, "%d enters",
            gate_calls(CALL_URING_ENTER) - before);
  gate_pass();
  for (int i = 0; i < MANY; i++) {
    peer_send(&c.conns[i], 0, 1);
    finish(f, &c.reads[i], 0, 1);
  }
  crowd_close(f, &c);
}

WEIR_RING_TEST(again, an_error_in_the_midst_of_a_start_ends_all) {
  static struct crowd c;

  break_ring(f, EPERM);
  crowd_open(f, &c);
  crowd_begin(&c);
  for (int i = 0; i < MANY; i++)
    finish(f, &c.reads[i], UV_EPERM, 0);
  gate_pass();
  crowd_close(f, &c);
}

/* Connections, from both sides. */
enum { DIALS = 12 };

struct dials {
  struct conn listener;
  struct conn clients[DIALS];
  struct conn accepted[DIALS];
  struct request connects[DIALS];
  struct request accepts[DIALS];
};

static struct dials d;

static void dials_begin(struct weir_fixture *f) {
  struct sockaddr_in addr;
  int len = sizeof(addr);

  memset(&d, 0, sizeof(d));
  d.listener.peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &d.listener.stream), 0);
  check_is(weir_tcp_bind(&d.listener.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&d.listener.stream, DIALS), 0);
  check_is(weir_getsockname(&d.listener.stream, (struct sockaddr *)&addr, &len),
           0);
  for (int i = 0; i < DIALS; i++) {
    d.clients[i].peer = d.accepted[i].peer = -1;
    check_is(weir_tcp_init(f->loop, &d.clients[i].stream), 0);
    check_is(weir_tcp_connect(&d.connects[i].op, &d.clients[i].stream,
                              (struct sockaddr *)&addr, on_done),
             0);
    check_is(weir_accept(&d.accepts[i].op, &d.listener.stream,
                         &d.accepted[i].stream, on_done),
             0);
  }
}

static void dials_end(struct weir_fixture *f, int status) {
  for (int i = 0; i < DIALS; i++) {
    finish(f, &d.connects[i], status, 0);
    finish(f, &d.accepts[i], status, 0);
  }
  gate_pass();
  for (int i = 0; i < DIALS; i++) {
    conn_close(f, &d.clients[i]);
    if (status == 0)
      conn_close(f, &d.accepted[i]);
  }
  conn_close(f, &d.listener);
}

WEIR_TEST(again, connections_wait_for_room) {
  fixture_reattach(f, ENTRIES);
  dials_begin(f);
  dials_end(f, 0);
}

WEIR_RING_TEST(again, connections_wait_for_the_kernel) {
  break_ring(f, EAGAIN);
  dials_begin(f);
  run_some_turns(f);
  gate_pass();
  dials_end(f, 0);
}

WEIR_RING_TEST(again, connections_end_with_the_ring) {
  break_ring(f, EPERM);
  dials_begin(f);
  dials_end(f, UV_EPERM);
}

WEIR_RING_TEST(again, waits_for_readiness_wait_for_the_kernel) {
  static struct crowd c;

  break_ring(f, EAGAIN);
  crowd_open(f, &c);
  for (int i = 0; i < MANY; i++)
    check_is(
        weir_wait(&c.reads[i].op, &c.conns[i].stream, WEIR_READABLE, on_done),
        0);
  run_some_turns(f);
  for (int i = 0; i < MANY; i += 2)
    weir_cancel(&c.reads[i].op);
  run_some_turns(f);
  gate_pass();
  for (int i = 0; i < MANY; i += 2)
    finish(f, &c.reads[i], UV_ECANCELED, 0);
  for (int i = 1; i < MANY; i += 2) {
    peer_send(&c.conns[i], 0, 1);
    finish(f, &c.reads[i], 0, 0);
    check_is(weir_wait_result(&c.reads[i].op), WEIR_READABLE);
  }
  crowd_close(f, &c);
}

/* All that the ring says comes late, and no cancellation finds anything. */
WEIR_RING_TEST(again, an_interrupted_wait_is_begun_again) {
  weir_fault_rule_t rule = {
      .what = WEIR_FAULT_POLL, .error = UV_EINTR, .times = 2};
  weir_fault_options_t options = {.miss = 1000, .delay = 1000, .rounds = 9};
  struct request r = {0};
  weir_fault_t *fault;
  struct conn c;

  check_is(weir_fault_begin(&options, &fault), 0);
  fixture_reattach(f, 0);
  conn_unix(f, &c);
  check_is(weir_fileno(&c.stream, &rule.fd), 0);
  check_is(weir_fault_add(fault, &rule), 0);
  check_is(weir_wait(&r.op, &c.stream, WEIR_READABLE, on_done), 0);
  while (weir_fault_count(fault, WEIR_FAULT_POLL).failed < 2)
    run_turn(f);
  check_is(r.calls, 0);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 0);
  /* When it was cancelled meanwhile, it is not. */
  for (int i = 0; i < 10; i++) {
    memset(&r, 0, sizeof(r));
    check_is(weir_fault_add(fault, &rule), 0);
    check_is(weir_wait(&r.op, &c.stream, WEIR_READABLE, on_done), 0);
    run_turn(f);
    weir_cancel(&r.op);
    run_until(f, &r.calls);
    cr_assert(r.status == 0 || r.status == UV_ECANCELED);
  }
  conn_close(f, &c);
  weir_fault_end(fault);
  fixture_reattach(f, 0);
}

/* ---- What has to wait first ---- */

/* Read at an offset, which a socket refuses, it is tried once more without.
 * Before that, a callback beside it takes it back. */
struct pair {
  struct request waits;
  struct request other;
  int cancelled;
};

static void on_other(weir_op_t *op, int status, size_t n) {
  struct pair *p = op->data;

  on_done(op, status, n);
  weir_cancel(&p->waits.op);
  p->cancelled = 1;
}

static void takes_back(struct weir_fixture *f, int first) {
  struct pair p;
  int fds[2], ready[2];
  char bytes[2];

  memset(&p, 0, sizeof(p));
  p.other.op.data = &p;
  pair_unix(fds);
  make_pipe(ready, O_NONBLOCK);
  check_is(write(ready[1], "x", 1), 1);
  if (first)
    pread_start(f, &p.waits, fds[0], &bytes[0], 1, 7);
  check_is(weir_file_pread(f->loop, &p.other.op, ready[0],
                           weir_mseq_block(&bytes[1], 1), -1, on_other),
           0);
  if (!first)
    pread_start(f, &p.waits, fds[0], &bytes[0], 1, 7);
  finish(f, &p.waits, UV_ECANCELED, 0);
  /* The kernel was not asked, nor told. */
  if (weir_loop_wait(f->loop, NULL) == WEIR_WAIT_UV)
    cr_assert(stats_of(f).sqes <= 2);
  check_is(p.cancelled, 1);
  check_is(p.other.n, 1);
  /* Nothing of it is left that would take what comes. */
  check_is(write(fds[1], "y", 1), 1);
  run_some_turns(f);
  check_is(read(fds[0], bytes, 2), 1);
  check_is(p.waits.calls, 1);
  close_both(fds);
  close_both(ready);
}

WEIR_TEST(again, what_is_to_wait_is_taken_back) {
  takes_back(f, 1);
}

WEIR_TEST(again, what_is_to_wait_is_taken_back_behind_the_other) {
  takes_back(f, 0);
}

/* Several at once, of which every other one is taken back: the rest waits on,
 * in its order. */
enum { SEVERAL = 3 }; /* libuv's pool has threads for one more */

struct several {
  struct request reads[SEVERAL];
  struct request other;
};

static void on_several(weir_op_t *op, int status, size_t n) {
  struct several *s = op->data;

  on_done(op, status, n);
  for (int i = 0; i < SEVERAL; i += 2)
    weir_cancel(&s->reads[i].op);
}

static void some_wait_on(struct weir_fixture *f, unsigned entries) {
  struct several s;
  int fds[SEVERAL][2], ready[2];
  char bytes[SEVERAL + 1];

  fixture_reattach(f, entries);
  memset(&s, 0, sizeof(s));
  s.other.op.data = &s;
  make_pipe(ready, O_NONBLOCK);
  check_is(write(ready[1], "x", 1), 1);
  for (int i = 0; i < SEVERAL; i++) {
    pair_unix(fds[i]);
    pread_start(f, &s.reads[i], fds[i][0], &bytes[i], 1, 7);
  }
  check_is(weir_file_pread(f->loop, &s.other.op, ready[0],
                           weir_mseq_block(&bytes[SEVERAL], 1), -1, on_several),
           0);
  finish(f, &s.other, 0, 1);
  for (int i = 0; i < SEVERAL; i += 2)
    finish(f, &s.reads[i], UV_ECANCELED, 0);
  run_some_turns(f);
  for (int i = 1; i < SEVERAL; i += 2) {
    check_is(s.reads[i].calls, 0);
    check_is(write(fds[i][1], "y", 1), 1);
    finish(f, &s.reads[i], 0, 1);
  }
  for (int i = 0; i < SEVERAL; i++)
    close_both(fds[i]);
  close_both(ready);
}

WEIR_TEST(again, the_others_wait_on) {
  some_wait_on(f, 0);
}

WEIR_TEST(again, the_others_wait_on_in_a_small_queue) {
  some_wait_on(f, ENTRIES);
}

/* More than there is room for: nobody sleeps before each of them waits in the
 * kernel. */
enum { LINE = 9 };

WEIR_RING_TEST(again, a_line_of_them_waits_on) {
  struct request reads[LINE];
  int fds[LINE][2];
  char bytes[LINE];

  fixture_reattach(f, ENTRIES);
  memset(reads, 0, sizeof(reads));
  for (int i = 0; i < LINE; i++) {
    pair_unix(fds[i]);
    pread_start(f, &reads[i], fds[i][0], &bytes[i], 1, 7);
  }
  run_some_turns(f);
  for (int i = LINE - 1; i >= 0; i--) {
    check_is(reads[i].calls, 0);
    check_is(write(fds[i][1], "y", 1), 1);
    finish(f, &reads[i], 0, 1);
    close_both(fds[i]);
  }
}

/* The same, and nothing but them keeps the loop going. */
static void answer(uv_timer_t *timer) {
  const int *fd = timer->data;

  check_is(write(*fd, "y", 1), 1);
}

WEIR_RING_TEST(again, nobody_sleeps_before_the_last_waits) {
  struct request reads[LINE];
  int fds[LINE][2];
  char bytes[LINE];
  uv_timer_t timer;

  fixture_reattach(f, ENTRIES);
  memset(reads, 0, sizeof(reads));
  for (int i = 0; i < LINE; i++) {
    pair_unix(fds[i]);
    pread_start(f, &reads[i], fds[i][0], &bytes[i], 1, 7);
  }
  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &fds[LINE - 1][1];
  check_is(uv_timer_start(&timer, answer, 20, 0), 0);
  finish(f, &reads[LINE - 1], 0, 1);
  uv_close((uv_handle_t *)&timer, NULL);
  for (int i = 0; i < LINE - 1; i++) {
    weir_cancel(&reads[i].op);
    finish(f, &reads[i], UV_ECANCELED, 0);
  }
  for (int i = 0; i < LINE; i++)
    close_both(fds[i]);
}

/* ---- Given up ---- */

/* The application closes every handle, with far more outstanding than there is
 * room for in the queue: it all ends, and nothing takes what comes later. */
enum { FAR_MORE = 300 };

struct late {
  struct conn conn;
  struct request read;
  struct request write;
  char byte;
};

static void given_up(struct weir_fixture *f, int turns) {
  static char much[1 << 20];
  struct late *all = calloc(FAR_MORE, sizeof(*all));

  cr_assert(all != NULL);
  fixture_reattach(f, ENTRIES);
  fixture_descriptors(f, FAR_MORE);
  pattern_fill(much, 0, sizeof(much));
  for (int i = 0; i < FAR_MORE; i++) {
    struct late *l = &all[i];
    conn_unix(f, &l->conn);
    check_is(weir_read_some(&l->read.op, &l->conn.stream,
                            weir_mseq_block(&l->byte, 1), on_done),
             0);
    check_is(weir_write(&l->write.op, &l->conn.stream,
                        weir_seq_block(much, sizeof(much)), on_done),
             0);
  }
  for (int i = 0; i < turns; i++)
    run_turn(f);
  uv_walk(&f->uv, close_each, NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  for (int i = 0; i < FAR_MORE; i++)
    check_is(weir_close(&all[i].conn.stream, on_conn_closed), 0);
  for (int i = 0; i < FAR_MORE; i++)
    peer_send(&all[i].conn, 0, 1);
  while (uv_run(&f->uv, UV_RUN_ONCE))
    continue;
  for (int i = 0; i < FAR_MORE; i++) {
    struct late *l = &all[i];
    check_is(l->conn.closed, 1);
    check_is(l->read.calls, 1);
    check_is(l->read.status, UV_ECANCELED);
    check_is(l->byte, 0);
    check_is(l->write.calls, 1);
    check_is(l->write.status, UV_ECANCELED);
    check_is(peer_take_available(&l->conn), l->write.n);
    close_peer(&l->conn);
  }
  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  f->loop = NULL;
  free(all);
}

WEIR_TEST(again, much_is_given_up_before_it_was_seen) {
  given_up(f, 0);
}

WEIR_TEST(again, much_is_given_up_in_the_midst) {
  given_up(f, 1);
}

WEIR_TEST(again, much_is_given_up_that_waits) {
  given_up(f, 20);
}
