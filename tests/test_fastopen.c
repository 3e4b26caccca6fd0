/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "support/net.h"

/* Connections that begin with the first bytes that are written. */

enum { PIECES = 3, PIECE = 50000, SIZE = PIECES * PIECE };

static char bytes[SIZE];

/* What the administrator allows: 1 is clients, 2 servers. */
static void allow(struct weir_fixture *f, int what) {
  FILE *file = fopen("/proc/sys/net/ipv4/tcp_fastopen", "w");

  if (file == NULL || fprintf(file, "%d", what) < 0 || fclose(file) != 0)
    fixture_skip(f, "TCP Fast Open cannot be allowed here");
}

static void fresh(struct weir_fixture *f, struct conn *c) {
  int r;

  memset(c, 0, sizeof(*c));
  c->peer = -1;
  check_is(weir_tcp_init_ex(f->loop, &c->stream, AF_INET), 0);
  r = weir_tcp_fastopen_connect(&c->stream, 1);
  if (r == UV_ENOTSUP) {
    conn_close(f, c);
    fixture_skip(f, "no TCP Fast Open of clients here");
  }
  check_is(r, 0);
}

static int ask(const weir_stream_t *stream) {
  socklen_t len = sizeof(int);
  uv_os_fd_t fd = -1;
  int value = -1;

  check_is(weir_fileno(stream, &fd), 0);
  check_is(getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &value, &len), 0);
  return value;
}

/* Whether the first packet took bytes along that the server accepted. */
static int went_with_syn(const weir_stream_t *stream) {
  enum { SYN_DATA = 32 }; /* TCPI_OPT_SYN_DATA, not in all headers */
  struct tcp_info info;
  socklen_t len = sizeof(info);
  uv_os_fd_t fd = -1;

  check_is(weir_fileno(stream, &fd), 0);
  check_is(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
  return (info.tcpi_options & SYN_DATA) != 0;
}

/* ---- A server that is bare sockets ---- */

static int server_listen(struct sockaddr_in *addr) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct timeval patience = {10, 0};
  socklen_t len = sizeof(*addr);
  const int most = 8;

  check_is(uv_ip4_addr("127.0.0.1", 0, addr), 0);
  check_is(bind(fd, (struct sockaddr *)addr, sizeof(*addr)), 0);
  check_is(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &most, sizeof(most)), 0);
  check_is(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
           0);
  check_is(listen(fd, 8), 0);
  check_is(getsockname(fd, (struct sockaddr *)addr, &len), 0);
  return fd;
}

/* Connects; whether nothing was sent for that. */
static int connect_to(struct weir_fixture *f, struct conn *c,
                      const struct sockaddr_in *addr) {
  struct request r = {0};
  struct sockaddr_in peer;
  int len = sizeof(peer);

  fresh(f, c);
  check_is(weir_tcp_connect(&r.op, &c->stream, (const struct sockaddr *)addr,
                            on_done),
           0);
  finish(f, &r, 0, 0);
  return weir_getpeername(&c->stream, (struct sockaddr *)&peer, &len) ==
         UV_ENOTCONN;
}

/* Several writes and the end, of which the server gets each byte once. */
static void expect_all(struct weir_fixture *f, struct conn *c, int listener,
                       int with_syn) {
  struct request r[PIECES], eof = {0};
  struct drain d;

  memset(r, 0, sizeof(r));
  pattern_fill(bytes, 0, SIZE);
  for (size_t i = 0; i < PIECES; i++)
    check_is(weir_write(&r[i].op, &c->stream,
                        weir_seq_block(bytes + i * PIECE, PIECE), on_done),
             0);
  check_is(
      weir_write_eof(&eof.op, &c->stream, weir_seq_block(NULL, 0), on_done), 0);
  run_some_turns(f);
  c->peer = accept(listener, NULL, NULL);
  cr_assert(c->peer >= 0);
  drain_start(&d, c->peer);
  for (size_t i = 0; i < PIECES; i++)
    finish(f, &r[i], 0, PIECE);
  finish(f, &eof, 0, 0);
  drain_join(&d);
  check_is(d.received, SIZE);
  check_is(went_with_syn(&c->stream), with_syn);
  conn_close(f, c);
}

/* ---- Cases ---- */

WEIR_TEST(fastopen, is_set_and_asked) {
  struct conn c;
  int on = -1;

  fresh(f, &c);
  check_is(ask(&c.stream), 1);
  check_is(weir_tcp_get_fastopen_connect(&c.stream, &on), 0);
  check_is(on, 1);
  check_is(weir_tcp_fastopen_connect(&c.stream, 0), 0);
  check_is(ask(&c.stream), 0);
  check_is(weir_tcp_get_fastopen_connect(&c.stream, NULL), UV_EINVAL);
  check_is(weir_tcp_fastopen_connect(NULL, 1), UV_EINVAL);
  conn_close(f, &c);
}

/* The first connection asks for the cookie that the others show. */
static int server_known(struct weir_fixture *f, struct sockaddr_in *addr) {
  struct conn c;
  int listener;

  own_network(f);
  allow(f, 3);
  listener = server_listen(addr);
  check_is(connect_to(f, &c, addr), 0);
  expect_all(f, &c, listener, 0);
  return listener;
}

WEIR_TEST(fastopen, bytes_go_with_the_first_packet) {
  struct sockaddr_in addr;
  struct conn c;
  int listener = server_known(f, &addr);

  check_is(connect_to(f, &c, &addr), 1);
  expect_all(f, &c, listener, 1);
  close(listener);
}

/* What the system knew, it may have forgotten since: the first packet goes
 * without the bytes, which follow. */
WEIR_TEST(fastopen, bytes_follow_the_first_packet) {
  struct sockaddr_in addr;
  struct conn c;
  int listener = server_known(f, &addr);

  check_is(connect_to(f, &c, &addr), 1);
  if (system("ip tcp_metrics flush all >/dev/null 2>&1") != 0) {
    conn_close(f, &c);
    close(listener);
    fixture_skip(f, "ip cannot have the system forget a server here");
  }
  expect_all(f, &c, listener, 0);
  close(listener);
}

/* The same, of a write that is done within its call. */
WEIR_TEST(fastopen, a_write_within_its_call_follows) {
  struct sockaddr_in addr;
  struct request r = {0};
  struct conn c;
  size_t n = 0;
  int listener = server_known(f, &addr);

  check_is(connect_to(f, &c, &addr), 1);
  if (system("ip tcp_metrics flush all >/dev/null 2>&1") != 0) {
    conn_close(f, &c);
    close(listener);
    fixture_skip(f, "ip cannot have the system forget a server here");
  }
  check_is(
      weir_write_now(&r.op, &c.stream, weir_seq_block("abc", 3), &n, on_done),
      WEIR_PENDING);
  finish(f, &r, 0, 3);
  close(listener);
  conn_close(f, &c);
}

/* That nobody listens is found out by the first write, or behind it. */
WEIR_TEST(fastopen, nobody_listens) {
  struct sockaddr_in addr;
  struct request w = {0}, r = {0};
  struct conn c;
  char byte;
  int listener = server_known(f, &addr);

  check_is(connect_to(f, &c, &addr), 1);
  close(listener);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("abc", 3), on_done), 0);
  run_until(f, &w.calls);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_until(f, &r.calls);
  cr_assert(w.status == UV_ECONNREFUSED || r.status == UV_ECONNREFUSED);
  conn_close(f, &c);
}
