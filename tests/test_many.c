/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/guard.h"
#include "support/net.h"

/* More streams than one turn has room for, closed together. The memory of each
 * operation and stream ends in its callback, so that whoever still has it in a
 * list shows. */

enum { CROWD = 6000, FEWER = 2500, BIG = 256 * 1024 };

/* What is pending on each stream. */
enum { READS = 1, WRITES = 2, HALF_CLOSED = 4, UNSTARTED = 8, ADOPTED = 16 };

struct crowd;

typedef struct member_s {
  struct crowd *crowd;
  weir_stream_t *stream;
  weir_op_t *read;
  weir_op_t *write;
  uv_pipe_t *handle; /* that was adopted, or NULL */
  int peer;
  int closing;
  int reads; /* callbacks */
  int writes;
  int closes;
} member_t;

typedef struct crowd {
  struct weir_fixture *f;
  void (*in_op)(member_t *member);
  void (*in_close)(member_t *member);
  size_t count;
  size_t open;
  int late; /* operations that ended after their stream, or not as they had to
             */
  member_t *members;
} crowd_t;

static char into[16];
static char from[BIG];

/* ---- One member ---- */

static void op_over(member_t *m, weir_op_t *op, int status) {
  crowd_t *crowd = m->crowd;

  if (m->closes > 0 || (status != UV_ECANCELED) == m->closing)
    crowd->late++;
  guard_end(op, sizeof(*op));
  if (crowd->in_op != NULL)
    crowd->in_op(m);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  member_t *m = op->data;

  m->reads++;
  if (status != 0 && n != 0)
    m->crowd->late++;
  op_over(m, op, status);
}

static void on_write(weir_op_t *op, int status, size_t n) {
  member_t *m = op->data;

  m->writes++;
  if (n >= BIG)
    m->crowd->late++;
  op_over(m, op, status);
}

static void on_closed(weir_stream_t *stream) {
  member_t *m = stream->data;

  if ((m->read != NULL && m->reads == 0) ||
      (m->write != NULL && m->writes == 0))
    m->crowd->late++;
  m->closes++;
  m->crowd->open--;
  guard_end(stream, sizeof(*stream));
  if (m->handle != NULL)
    guard_end(m->handle, sizeof(*m->handle));
  if (m->crowd->in_close != NULL)
    m->crowd->in_close(m);
}

static void leave(member_t *m) {
  if (m->closing)
    return;
  m->closing = 1;
  check_is(weir_close(m->stream, on_closed), 0);
}

/* The handle's memory ends with the stream as well. */
static void adopt(crowd_t *crowd, member_t *m, int fd) {
  m->handle = guard_new(sizeof(*m->handle));
  check_is(uv_pipe_init(&crowd->f->uv, m->handle, 0), 0);
  check_is(uv_pipe_open(m->handle, fd), 0);
  check_is(weir_adopt(crowd->f->loop, m->stream, (uv_stream_t *)m->handle), 0);
}

static void join(crowd_t *crowd, member_t *m, int what) {
  int size = 4096;
  int fds[2];

  m->crowd = crowd;
  check_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  check_is(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
  m->peer = fds[1];
  m->stream = guard_new(sizeof(*m->stream));
  m->stream->data = m;
  if ((what & ADOPTED) != 0) {
    adopt(crowd, m, fds[0]);
  } else {
    check_is(weir_pipe_init(crowd->f->loop, m->stream), 0);
    check_is(weir_pipe_open(m->stream, fds[0]), 0);
  }
  crowd->open++;
}

static weir_op_t *op_new(member_t *m) {
  weir_op_t *op = guard_new(sizeof(*op));

  op->data = m;
  return op;
}

static void wait_to_read(member_t *m) {
  m->read = op_new(m);
  check_is(
      weir_read_some(m->read, m->stream, weir_mseq_block(into, 16), on_read),
      0);
}

static void wait_to_write(member_t *m) {
  m->write = op_new(m);
  check_is(weir_write(m->write, m->stream, weir_seq_block(from, BIG), on_write),
           0);
}

/* ---- All of them ---- */

/* Everything of the crowd waits in the kernel then, or, with UNSTARTED, was
 * only asked for. */
static void crowd_open(struct weir_fixture *f, crowd_t *crowd, size_t count,
                       int what) {
  fixture_descriptors(f, count);
  *crowd = (crowd_t){.f = f, .count = count};
  crowd->members = calloc(count, sizeof(member_t));
  cr_assert(crowd->members != NULL);
  for (size_t i = 0; i < count; i++) {
    member_t *m = &crowd->members[i];

    join(crowd, m, what);
    if ((what & HALF_CLOSED) != 0)
      check_is(shutdown(m->peer, SHUT_WR), 0);
    if ((what & READS) != 0)
      wait_to_read(m);
    if ((what & WRITES) != 0)
      wait_to_write(m);
  }
  if ((what & UNSTARTED) == 0)
    for (int i = 0; i < 8; i++)
      run_some_turns(f);
}

static void crowd_expect(const crowd_t *crowd) {
  check_is(crowd->open, 0);
  check_is(crowd->late, 0);
  for (size_t i = 0; i < crowd->count; i++) {
    const member_t *m = &crowd->members[i];

    check_is(m->reads, m->read != NULL);
    check_is(m->writes, m->write != NULL);
    check_is(m->closes, 1);
  }
}

/* Runs until all are closed, which somebody has to have begun. */
static void crowd_leave(crowd_t *crowd) {
  while (crowd->open > 0)
    cr_assert(uv_run(&crowd->f->uv, UV_RUN_ONCE) || crowd->open == 0,
              "%zu streams were never closed", crowd->open);
  run_out(crowd->f);
  crowd_expect(crowd);
  for (size_t i = 0; i < crowd->count; i++)
    close(crowd->members[i].peer);
  free(crowd->members);
}

static void leave_all(crowd_t *crowd) {
  for (size_t i = 0; i < crowd->count; i++)
    leave(&crowd->members[i]);
}

static void all_at_once(struct weir_fixture *f, size_t count, int what) {
  crowd_t crowd;

  crowd_open(f, &crowd, count, what);
  leave_all(&crowd);
  crowd_leave(&crowd);
}

WEIR_TEST(many, are_closed_with_nothing_pending) {
  all_at_once(f, FEWER, 0);
}

WEIR_TEST(many, are_closed_with_pending_reads) {
  all_at_once(f, CROWD, READS);
}

WEIR_TEST(many, are_closed_with_blocked_writes) {
  all_at_once(f, CROWD, WRITES);
}

WEIR_TEST(many, are_closed_with_both) {
  all_at_once(f, CROWD, READS | WRITES);
}

WEIR_TEST(many, are_closed_with_writes_to_half_closed_peers) {
  all_at_once(f, CROWD, WRITES | HALF_CLOSED);
}

WEIR_TEST(many, adopted_are_closed_with_pending_reads) {
  all_at_once(f, CROWD, READS | ADOPTED);
}

WEIR_TEST(many, are_closed_before_anything_was_started) {
  all_at_once(f, FEWER, READS | WRITES | UNSTARTED);
}

/* ---- From within callbacks ---- */

static void all_leave(member_t *m) {
  crowd_t *crowd = m->crowd;

  crowd->in_op = NULL;
  leave_all(crowd);
}

WEIR_TEST(many, are_closed_in_the_callback_of_one) {
  crowd_t crowd;

  crowd_open(f, &crowd, FEWER, READS);
  crowd.in_op = all_leave;
  check_is(send(crowd.members[0].peer, "x", 1, MSG_NOSIGNAL), 1);
  crowd_leave(&crowd);
}

static void next_leaves(member_t *m) {
  if (m + 1 < m->crowd->members + m->crowd->count)
    leave(m + 1);
}

WEIR_TEST(many, are_closed_one_in_the_callback_of_the_other) {
  crowd_t crowd;

  crowd_open(f, &crowd, FEWER, READS | WRITES);
  crowd.in_op = next_leaves;
  leave(&crowd.members[0]);
  crowd_leave(&crowd);
}

WEIR_TEST(many, are_closed_one_in_the_close_callback_of_the_other) {
  crowd_t crowd;

  crowd_open(f, &crowd, FEWER, READS | WRITES);
  crowd.in_close = next_leaves;
  leave(&crowd.members[0]);
  crowd_leave(&crowd);
}

static void leaves_itself(member_t *m) {
  leave(m);
}

WEIR_TEST(many, are_each_closed_in_their_own_callback) {
  crowd_t crowd;

  crowd_open(f, &crowd, FEWER, READS | WRITES);
  crowd.in_op = leaves_itself;
  for (size_t i = 0; i < crowd.count; i++)
    check_is(send(crowd.members[i].peer, "x", 1, MSG_NOSIGNAL), 1);
  crowd_leave(&crowd);
}

/* Half of them are cancelled first, so that the close finds an end under
 * way. */
WEIR_TEST(many, are_cancelled_and_closed) {
  crowd_t crowd;

  crowd_open(f, &crowd, FEWER, READS | WRITES);
  for (size_t i = 0; i < crowd.count; i += 2) {
    weir_cancel(crowd.members[i].read);
    weir_cancel(crowd.members[i].write);
  }
  leave_all(&crowd);
  crowd_leave(&crowd);
}

/* ---- Listeners ---- */

enum { LISTENERS = 2500 };

static size_t listeners;

static void on_accept(weir_op_t *op, int status, size_t n) {
  int *calls = op->data;

  (*calls)++;
  check_is(status, UV_ECANCELED);
  check_is(n, 0);
  guard_end(op, sizeof(*op));
}

static void on_listener_closed(weir_stream_t *stream) {
  int *calls = stream->data;

  check_is(*calls, 1);
  (*calls)++;
  listeners--;
  guard_end(stream, sizeof(*stream));
}

static weir_stream_t *listener_new(struct weir_fixture *f, int *calls) {
  static weir_stream_t client;
  weir_stream_t *stream = guard_new(sizeof(*stream));
  weir_op_t *op = guard_new(sizeof(*op));
  struct sockaddr_in addr;

  stream->data = calls;
  op->data = calls;
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, stream), 0);
  check_is(weir_tcp_bind(stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(stream, 1), 0);
  check_is(weir_accept(op, stream, &client, on_accept), 0);
  listeners++;
  return stream;
}

WEIR_TEST(many, listeners_are_closed_with_pending_accepts) {
  static weir_stream_t *streams[LISTENERS];
  static int calls[LISTENERS];

  fixture_descriptors(f, LISTENERS);
  for (size_t i = 0; i < LISTENERS; i++)
    streams[i] = listener_new(f, &calls[i]);
  for (int i = 0; i < 4; i++)
    run_some_turns(f);
  for (size_t i = 0; i < LISTENERS; i++)
    check_is(weir_close(streams[i], on_listener_closed), 0);
  run_out(f);
  check_is(listeners, 0);
  for (size_t i = 0; i < LISTENERS; i++)
    check_is(calls[i], 2);
}

/* ---- Two are enough, when one of them fills the turn ---- */

enum { FROM = 900, TO = 1800, BEHIND = 700 };

/* Operations that are done as soon as they are started, each begun in the
 * callback of the one before. */
typedef struct busy_s {
  weir_op_t op;
  weir_stream_t *stream;
  member_t *victim;
  int at; /* number of the callback that closes the victim */
  int calls;
} busy_t;

static void on_busy(weir_op_t *op, int status, size_t n) {
  busy_t *busy = (busy_t *)op;

  check_is(status, 0);
  check_is(n, 0);
  if (++busy->calls == busy->at)
    leave(busy->victim);
  if (busy->calls < busy->at + BEHIND)
    check_is(weir_write(op, busy->stream, weir_seq_block(NULL, 0), on_busy), 0);
}

static void one_beside_a_busy_one(struct weir_fixture *f, int what) {
  struct conn c;

  conn_unix(f, &c);
  for (int at = FROM; at < TO; at++) {
    busy_t busy = {.stream = &c.stream, .at = at};
    crowd_t crowd;

    crowd_open(f, &crowd, 1, what | UNSTARTED);
    run_some_turns(f);
    busy.victim = &crowd.members[0];
    check_is(weir_write(&busy.op, &c.stream, weir_seq_block(NULL, 0), on_busy),
             0);
    crowd_leave(&crowd);
    check_is(busy.calls, at + BEHIND);
  }
  conn_close(f, &c);
}

WEIR_TEST(many, callbacks_of_one_stream_and_a_close_with_a_pending_read) {
  one_beside_a_busy_one(f, READS);
}

WEIR_TEST(many, callbacks_of_one_stream_and_a_close_with_a_blocked_write) {
  one_beside_a_busy_one(f, WRITES);
}

WEIR_TEST(many, callbacks_of_one_stream_and_a_close_with_both) {
  one_beside_a_busy_one(f, READS | WRITES);
}

WEIR_TEST(many, callbacks_of_one_stream_and_a_close_to_a_half_closed_peer) {
  one_beside_a_busy_one(f, WRITES | HALF_CLOSED);
}
