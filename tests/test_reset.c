/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/host.h"
#include "support/net.h"
#include "support/scripted.h"

/* weir_close_reset: the peer must not take what has arrived for all. */

/* The peer reads what there is, and then the error: how many bytes. */
static size_t expect_reset(const struct conn *c) {
  char bytes[65536];
  size_t total = 0;
  ssize_t n;

  while ((n = recv(c->peer, bytes, sizeof(bytes), 0)) > 0) {
    cr_assert(pattern_holds(bytes, total, (size_t)n), "the bytes differ");
    total += (size_t)n;
  }
  if (!os_tells_resets())
    cr_skip("a socket says the end of the stream after a reset");
  check_is(n, -1);
  check_is(errno, ECONNRESET);
  return total;
}

static void reset_stream(struct weir_fixture *f, struct conn *c) {
  check_is(weir_close_reset(&c->stream, on_conn_closed), 0);
  check_is(c->closed, 0);
  check_is(weir_is_closing(&c->stream), 1);
  run_until(f, &c->closed);
  check_is(c->closed, 1);
}

static void start_read(struct request *r, struct conn *c, char *byte) {
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(byte, 1), on_done), 0);
}

static void start_write(struct request *r, struct conn *c, const char *bytes,
                        size_t len) {
  check_is(weir_write(&r->op, &c->stream, weir_seq_block(bytes, len), on_done),
           0);
}

/* The stream goes on as if nothing had been asked. */
static void expect_usable(struct weir_fixture *f, struct conn *c) {
  struct request w = {0};
  char bytes[10];

  check_is(weir_is_closing(&c->stream), 0);
  pattern_fill(bytes, 0, sizeof(bytes));
  start_write(&w, c, bytes, sizeof(bytes));
  finish(f, &w, 0, sizeof(bytes));
  peer_take(c, 0, sizeof(bytes));
}

WEIR_TEST(reset, is_what_the_peer_reads) {
  struct conn c;

  conn_tcp(f, &c);
  reset_stream(f, &c);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
}

WEIR_TEST(reset, needs_no_callback) {
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_close_reset(&c.stream, NULL), 0);
  run_out(f);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
}

WEIR_TEST(reset, ends_every_operation_first) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r = {0}, w[3];
  struct conn c;
  char into;
  int i;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  memset(w, 0, sizeof(w));
  conn_slow(f, &c);
  start_read(&r, &c, &into);
  for (i = 0; i < 3; i++)
    start_write(&w[i], &c, bytes, SLOW_BYTES);
  run_some_turns(f);
  check_is(weir_close_reset(&c.stream, on_conn_closed), 0);
  check_is(r.calls + w[0].calls + w[1].calls + w[2].calls, 0);
  while (!c.closed) {
    cr_assert(uv_run(&f->uv, UV_RUN_ONCE) || c.closed);
    if (c.closed)
      check_is(r.calls + w[0].calls + w[1].calls + w[2].calls, 4);
  }
  finish(f, &r, UV_ECANCELED, 0);
  check_is(w[0].status, UV_ECANCELED);
  cr_assert(w[0].n > 0 && w[0].n < SLOW_BYTES);
  finish(f, &w[1], UV_ECANCELED, 0);
  finish(f, &w[2], UV_ECANCELED, 0);
  cr_assert(expect_reset(&c) <= w[0].n);
  close_peer(&c);
  free(bytes);
}

WEIR_TEST(reset, with_operations_that_were_just_queued) {
  struct request r = {0}, w = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  start_read(&r, &c, &byte);
  start_write(&w, &c, "dropped", 7);
  reset_stream(f, &c);
  finish(f, &r, UV_ECANCELED, 0);
  finish(f, &w, UV_ECANCELED, 0);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
}

WEIR_TEST(reset, works_on_adopted_handles) {
  struct request r = {0};
  struct conn c;
  uv_tcp_t handle;
  char byte;
  int fds[2];

  memset(&c, 0, sizeof(c));
  pair_tcp(fds, 0, 0);
  c.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &handle), 0);
  check_is(uv_tcp_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &c.stream, (uv_stream_t *)&handle), 0);
  start_read(&r, &c, &byte);
  run_some_turns(f);
  reset_stream(f, &c);
  check_is(uv_is_closing((uv_handle_t *)&handle), 1);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
}

WEIR_TEST(reset, works_over_ipv6) {
  struct sockaddr_in6 addr;
  socklen_t len = sizeof(addr);
  struct conn c;
  int fd, listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(uv_ip6_addr("::1", 0, &addr), 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&addr, len) != 0) {
    close(listener);
    fixture_skip(f, "there is no IPv6 here");
  }
  memset(&c, 0, sizeof(c));
  check_is(listen(listener, 1), 0);
  check_is(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
  fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(fd, (struct sockaddr *)&addr, len), 0);
  c.peer = accept(listener, NULL, NULL);
  close(listener);
  check_is(weir_tcp_init(f->loop, &c.stream), 0);
  check_is(weir_tcp_open(&c.stream, fd), 0);
  reset_stream(f, &c);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
}

WEIR_TEST(reset, of_a_connection_that_the_peer_has_reset) {
  struct request r = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  start_read(&r, &c, &byte);
  reset_peer(&c);
  finish(f, &r, UV_ECONNRESET, 0);
  reset_stream(f, &c);
}

/* ---- After the end ---- */

/* The end is on its way behind bytes that cannot go. */
WEIR_TEST(reset, overtakes_an_end_that_waits) {
  char *bytes = malloc(SLOW_BYTES);
  struct request w = {0};
  struct conn c;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  conn_slow(f, &c);
  check_is(weir_write_eof(&w.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                          on_done),
           0);
  run_some_turns(f);
  reset_stream(f, &c);
  check_is(w.calls, 1);
  check_is(w.status, UV_ECANCELED);
  cr_assert(w.n < SLOW_BYTES);
  cr_assert(expect_reset(&c) <= w.n);
  close_peer(&c);
  free(bytes);
}

/* The peer has read the end: that stays so, and its writes fail. */
WEIR_TEST(reset, after_the_end_fails_the_peers_writes) {
  struct request w = {0};
  struct pollfd p;
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_write_eof(&w.op, &c.stream, weir_seq_block("x", 1), on_done),
           0);
  finish(f, &w, 0, 1);
  check_is(recv(c.peer, &w, 1, 0), 1);
  peer_expect_end(&c);
  reset_stream(f, &c);
  p.fd = c.peer;
  p.events = 0;
  check_is(poll(&p, 1, 20000), 1);
  cr_assert((p.revents & (POLLERR | POLLHUP)) != 0);
  peer_expect_end(&c);
  check_is(send(c.peer, "x", 1, MSG_NOSIGNAL), -1);
  cr_assert(errno == EPIPE || errno == ECONNRESET);
  close_peer(&c);
}

/* ---- What has no reset ---- */

WEIR_TEST(reset, refuses_unix_sockets) {
  struct conn c;

  conn_unix(f, &c);
  check_is(weir_close_reset(&c.stream, on_conn_closed), UV_ENOTSUP);
  expect_usable(f, &c);
  close_stream(f, &c);
  peer_expect_end(&c);
  close_peer(&c);
}

WEIR_TEST(reset, refuses_pipes) {
  struct conn c;
  int fds[2];

  memset(&c, 0, sizeof(c));
  check_is(pipe(fds), 0);
  c.peer = fds[0];
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[1]), 0);
  check_is(weir_close_reset(&c.stream, on_conn_closed), UV_ENOTSUP);
  check_is(weir_is_closing(&c.stream), 0);
  conn_close(f, &c);
}

WEIR_TEST(reset, refuses_what_is_not_connected) {
  struct request r = {0};
  struct sockaddr_in addr;
  struct conn tcp, pipe, listener;

  memset(&tcp, 0, sizeof(tcp));
  memset(&pipe, 0, sizeof(pipe));
  memset(&listener, 0, sizeof(listener));
  check_is(weir_tcp_init(f->loop, &tcp.stream), 0);
  check_is(weir_pipe_init(f->loop, &pipe.stream), 0);
  check_is(weir_tcp_init(f->loop, &listener.stream), 0);
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_bind(&listener.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_close_reset(&listener.stream, on_conn_closed), UV_ENOTCONN);
  check_is(weir_listen(&listener.stream, 1), 0);
  check_is(weir_close_reset(&listener.stream, on_conn_closed), UV_ENOTCONN);
  check_is(weir_close_reset(&tcp.stream, on_conn_closed), UV_ENOTCONN);
  check_is(weir_close_reset(&pipe.stream, on_conn_closed), UV_ENOTCONN);
  addr.sin_port = htons(1);
  check_is(
      weir_tcp_connect(&r.op, &tcp.stream, (struct sockaddr *)&addr, on_done),
      0);
  check_is(weir_close_reset(&tcp.stream, on_conn_closed), UV_ENOTCONN);
  close_stream(f, &tcp);
  check_is(r.calls, 1);
  close_stream(f, &pipe);
  close_stream(f, &listener);
}

WEIR_TEST(reset, refuses_a_stream_that_is_closing) {
  struct conn c;

  check_is(weir_close_reset(NULL, NULL), UV_EINVAL);
  conn_tcp(f, &c);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(weir_close_reset(&c.stream, on_conn_closed), UV_EALREADY);
  run_until(f, &c.closed);
  peer_expect_end(&c);
  close_peer(&c);
  conn_tcp(f, &c);
  check_is(weir_close_reset(&c.stream, on_conn_closed), 0);
  check_is(weir_close_reset(&c.stream, on_conn_closed), UV_EALREADY);
  check_is(weir_close(&c.stream, on_conn_closed), UV_EALREADY);
  run_until(f, &c.closed);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
}

WEIR_TEST(reset, refuses_a_handle_that_the_application_closed) {
  struct conn c;
  uv_tcp_t handle;
  int fds[2];

  memset(&c, 0, sizeof(c));
  pair_tcp(fds, 0, 0);
  c.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &handle), 0);
  check_is(uv_tcp_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &c.stream, (uv_stream_t *)&handle), 0);
  uv_close((uv_handle_t *)&handle, NULL);
  check_is(weir_close_reset(&c.stream, on_conn_closed), UV_EBADF);
  conn_close(f, &c);
}

/* The descriptor is weir's own and there still. */
WEIR_TEST(reset, after_the_application_closed_all_handles) {
  struct request r = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  start_read(&r, &c, &byte);
  run_some_turns(f);
  uv_walk(&f->uv, close_each, NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(weir_close_reset(&c.stream, on_conn_closed), 0);
  run_until(f, &c.closed);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
}

/* ---- Kinds of the application's own ---- */

WEIR_TEST(reset, refuses_a_kind_without_a_descriptor) {
  struct scripted s;

  scripted_open(f, &s, NULL);
  check_is(weir_close_reset(&s.stream, NULL), UV_ENOTSUP);
  check_is(weir_is_closing(&s.stream), 0);
  scripted_close(f, &s);
}

static int script_fd;

static int get_script_fd(const weir_stream_t *stream, uv_os_fd_t *fd) {
  (void)stream;
  *fd = script_fd;
  return 0;
}

/* A kind on top of a TCP connection: its own close closes that. */
WEIR_TEST(reset, reaches_the_connection_below_a_kind) {
  weir_stream_kind_t kind;
  struct scripted s;
  struct conn c;
  int fds[2];

  memset(&c, 0, sizeof(c));
  pair_tcp(fds, 0, 0);
  script_fd = fds[0];
  c.peer = fds[1];
  scripted_open(f, &s, NULL);
  kind = *s.stream.kind;
  kind.fileno = get_script_fd;
  s.stream.kind = &kind;
  check_is(weir_close_reset(&s.stream, NULL), 0);
  run_out(f);
  check_is(weir_test_stream_free(s.script), 0);
  close(script_fd);
  check_is(expect_reset(&c), 0);
  close_peer(&c);
}
