/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

/* libuv's handles of every type beside operations of weir. */

static char byte;

static void read_start(struct conn *c, struct request *r) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(&byte, 1), on_done),
      0);
}

static void read_end(struct weir_fixture *f, struct conn *c,
                     struct request *r) {
  peer_send(c, 0, 1);
  finish(f, r, 0, 1);
}

/* ---- Operations begun in every phase of the loop ---- */

struct phases {
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_poll_t poll;
  uv_async_t async;
  struct conn *conn;
  struct request writes[7];
};

static void write_in(struct phases *p, int phase) {
  check_is(weir_write(&p->writes[phase].op, &p->conn->stream,
                      weir_seq_block("x", 1), on_done),
           0);
}

static void in_close(uv_handle_t *handle) {
  write_in(handle->data, 6);
}

static void in_timer(uv_timer_t *handle) {
  write_in(handle->data, 0);
  uv_close((uv_handle_t *)handle, NULL);
}

static void in_idle(uv_idle_t *handle) {
  write_in(handle->data, 1);
  uv_close((uv_handle_t *)handle, NULL);
}

static void in_prepare(uv_prepare_t *handle) {
  write_in(handle->data, 2);
  uv_close((uv_handle_t *)handle, NULL);
}

static void in_check(uv_check_t *handle) {
  write_in(handle->data, 3);
  uv_close((uv_handle_t *)handle, NULL);
}

static void in_poll(uv_poll_t *handle, int status, int events) {
  (void)events;
  check_is(status, 0);
  write_in(handle->data, 4);
  uv_close((uv_handle_t *)handle, NULL);
}

static void in_async(uv_async_t *handle) {
  write_in(handle->data, 5);
  uv_close((uv_handle_t *)handle, in_close);
}

static void start_only(struct weir_fixture *f, struct phases *p, int phase,
                       int fd) {
  switch (phase) {
  case 0:
    p->timer.data = p;
    check_is(uv_timer_init(&f->uv, &p->timer), 0);
    check_is(uv_timer_start(&p->timer, in_timer, 5, 0), 0);
    break;
  case 1:
    p->idle.data = p;
    check_is(uv_idle_init(&f->uv, &p->idle), 0);
    check_is(uv_idle_start(&p->idle, in_idle), 0);
    break;
  case 2:
    p->prepare.data = p;
    check_is(uv_prepare_init(&f->uv, &p->prepare), 0);
    check_is(uv_prepare_start(&p->prepare, in_prepare), 0);
    break;
  case 3:
    /* A check handle does not wake the loop: a timer does. */
    p->check.data = p;
    check_is(uv_check_init(&f->uv, &p->check), 0);
    check_is(uv_check_start(&p->check, in_check), 0);
    start_only(f, p, 0, fd);
    break;
  case 4:
    p->poll.data = p;
    check_is(uv_poll_init(&f->uv, &p->poll, fd), 0);
    check_is(uv_poll_start(&p->poll, UV_READABLE, in_poll), 0);
    break;
  default:
    p->async.data = p;
    check_is(uv_async_init(&f->uv, &p->async, in_async), 0);
    check_is(uv_async_send(&p->async), 0);
    break;
  }
}

/* With a read pending, so that nothing but the write itself could end the
 * sleep that it must not fall into. */
WEIR_TEST(beside, what_is_begun_in_any_phase_is_done_before_the_sleep) {
  static struct phases p;
  int phase, fds[2];

  pair_unix(fds);
  check_is(write(fds[1], "x", 1), 1);
  for (phase = 0; phase < 6; phase++) {
    struct request r;
    struct conn c;

    memset(&p, 0, sizeof(p));
    conn_tcp(f, &c);
    p.conn = &c;
    read_start(&c, &r);
    if (phase % 2)
      run_turn(f);
    start_only(f, &p, phase, fds[0]);
    finish(f, &p.writes[phase], 0, 1);
    if (phase == 3)
      finish(f, &p.writes[0], 0, 1);
    if (phase == 5)
      finish(f, &p.writes[6], 0, 1);
    check_is(r.calls, 0);
    read_end(f, &c, &r);
    conn_close(f, &c);
  }
  close(fds[0]);
  close(fds[1]);
}

/* ---- Handles that libuv has not yet handed to epoll ---- */

static void on_poll(uv_poll_t *poll, int status, int events) {
  check_is(status, 0);
  check_is(events, UV_READABLE);
  peer_send(poll->data, 0, 1);
  uv_close((uv_handle_t *)poll, NULL);
}

WEIR_TEST(beside, watchers_started_late_are_seen) {
  struct request r;
  struct conn c;
  uv_poll_t poll;
  int fds[2], i;

  conn_tcp(f, &c);
  for (i = 0; i < 20; i++) {
    pair_unix(fds);
    check_is(write(fds[1], "x", 1), 1);
    read_start(&c, &r);
    if (i % 2)
      run_turn(f);
    poll.data = &c;
    check_is(uv_poll_init(&f->uv, &poll, fds[0]), 0);
    check_is(uv_poll_start(&poll, UV_READABLE, on_poll), 0);
    run_out(f);
    finish(f, &r, 0, 1);
    close(fds[0]);
    close(fds[1]);
  }
  conn_close(f, &c);
}

/* Both sides of a busy loop: libuv's own stream and one of weir. */
struct ping {
  uv_tcp_t handle;
  int left;
  int peer;
};

static void ping_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  static char into[16];

  (void)handle;
  (void)size;
  *buf = uv_buf_init(into, sizeof(into));
}

static void ping_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct ping *p = stream->data;

  (void)buf;
  if (n == 0)
    return;
  check_is(n, 1);
  if (--p->left == 0)
    uv_close((uv_handle_t *)stream, NULL);
  else
    check_is(send(p->peer, "x", 1, MSG_NOSIGNAL), 1);
}

struct pong {
  struct request request;
  struct conn *conn;
  int left;
};

static void pong_read(weir_op_t *op, int status, size_t n) {
  struct pong *p = (struct pong *)op;

  on_done(op, status, n);
  check_is(status, 0);
  if (--p->left == 0)
    return;
  check_is(weir_read_some(op, &p->conn->stream, weir_mseq_block(&byte, 1),
                          pong_read),
           0);
  peer_send(p->conn, 0, 1);
}

WEIR_TEST(beside, libuvs_streams_and_weirs_run_side_by_side) {
  struct ping ping;
  struct pong pong;
  struct conn c;
  int fds[2];

  memset(&pong, 0, sizeof(pong));
  conn_tcp(f, &c);
  pair_tcp(fds, 0, 0);
  ping.left = 200;
  ping.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &ping.handle), 0);
  check_is(uv_tcp_open(&ping.handle, fds[0]), 0);
  ping.handle.data = &ping;
  check_is(uv_read_start((uv_stream_t *)&ping.handle, ping_alloc, ping_read),
           0);
  pong.left = 200;
  pong.conn = &c;
  check_is(weir_read_some(&pong.request.op, &c.stream,
                          weir_mseq_block(&byte, 1), pong_read),
           0);
  check_is(send(fds[1], "x", 1, MSG_NOSIGNAL), 1);
  peer_send(&c, 0, 1);
  run_out(f);
  check_is(pong.left, 0);
  check_is(ping.left, 0);
  close(fds[1]);
  conn_close(f, &c);
}
