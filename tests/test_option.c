/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/host.h"
#include "support/net.h"

/* Settings of sockets, each compared with what the system says. */

static int fd_of(const weir_stream_t *stream) {
  uv_os_fd_t fd = -1;

  check_is(weir_fileno(stream, &fd), 0);
  return fd;
}

/* Windows says some in a single byte. */
static int ask(const weir_stream_t *stream, int level, int name) {
  int value = 0;
  socklen_t len = sizeof(value);

  check_is(getsockopt(fd_of(stream), level, name, &value, &len), 0);
  return value;
}

/* A TCP stream with a socket that does nothing yet. */
static void fresh(struct weir_fixture *f, struct conn *c, int family) {
  memset(c, 0, sizeof(*c));
  c->peer = -1;
  check_is(weir_tcp_init_ex(f->loop, &c->stream, family), 0);
}

/* ---- What is on or off ---- */

struct flag {
  int level;
  int name;
  int (*set)(weir_stream_t *stream, int on);
  int (*get)(const weir_stream_t *stream, int *on);
};

static const struct flag flags[] = {
    {IPPROTO_TCP, TCP_NODELAY, weir_tcp_nodelay, weir_tcp_get_nodelay},
    {IPPROTO_TCP, TCP_CORK, weir_tcp_cork, weir_tcp_get_cork},
    {SOL_SOCKET, SO_REUSEPORT, weir_tcp_reuseport, weir_tcp_get_reuseport},
};
enum { FLAGS = sizeof(flags) / sizeof(flags[0]) };

static void expect_flag(const struct flag *flag, weir_stream_t *stream,
                        int on) {
  int found = -1;

  check_is(flag->get(stream, &found), 0);
  check_is(found, on);
  check_is(ask(stream, flag->level, flag->name) != 0, on);
}

WEIR_TEST(option, flags_are_set_and_asked) {
  struct conn c;
  size_t i;

  conn_tcp(f, &c);
  for (i = 0; i < FLAGS; i++) {
    if (!os_has_option(flags[i].level, flags[i].name)) {
      check_is(flags[i].set(&c.stream, 1), UV_ENOTSUP);
      continue;
    }
    expect_flag(&flags[i], &c.stream, 0);
    check_is(flags[i].set(&c.stream, 7), 0);
    expect_flag(&flags[i], &c.stream, 1);
    check_is(flags[i].set(&c.stream, 0), 0);
    expect_flag(&flags[i], &c.stream, 0);
    check_is(flags[i].get(&c.stream, NULL), UV_EINVAL);
    check_is(flags[i].get(NULL, NULL), UV_EINVAL);
    check_is(flags[i].set(NULL, 1), UV_EINVAL);
  }
  conn_close(f, &c);
}

/* Bytes of a corked stream stay until it is not any more. */
WEIR_TEST(option, a_cork_holds_back_and_lets_go) {
  struct request w = {0};
  struct conn c;
  char bytes[4];

  conn_tcp(f, &c);
  check_is(weir_tcp_cork(&c.stream, 1), 0);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("abc", 3), on_done), 0);
  finish(f, &w, 0, 3);
  check_is(ask(&c.stream, IPPROTO_TCP, TCP_CORK), 1);
  check_is(weir_tcp_cork(&c.stream, 0), 0);
  check_is(recv(c.peer, bytes, sizeof(bytes), 0), 3);
  conn_close(f, &c);
}

/* ---- Keep-alive ---- */

WEIR_TEST(option, keepalive) {
  unsigned idle = 0, interval = 0, count = 0;
  struct conn c;
  int on = -1;

  conn_tcp(f, &c);
  check_is(weir_tcp_get_keepalive(&c.stream, &on, NULL, NULL, NULL), 0);
  check_is(on, 0);
  check_is(weir_tcp_keepalive(&c.stream, 1, 61, 7, 3), 0);
  check_is(ask(&c.stream, SOL_SOCKET, SO_KEEPALIVE), 1);
  check_is(ask(&c.stream, IPPROTO_TCP, TCP_KEEPIDLE), 61);
  check_is(ask(&c.stream, IPPROTO_TCP, TCP_KEEPINTVL), 7);
  check_is(ask(&c.stream, IPPROTO_TCP, TCP_KEEPCNT), 3);

  check_is(weir_tcp_keepalive(&c.stream, 1, 0, 8, 0), 0);
  check_is(weir_tcp_get_keepalive(&c.stream, &on, &idle, &interval, &count), 0);
  check_is(on, 1);
  check_is(idle, 61);
  check_is(interval, 8);
  check_is(count, 3);

  check_is(weir_tcp_keepalive(&c.stream, 0, UINT_MAX, UINT_MAX, UINT_MAX), 0);
  check_is(weir_tcp_get_keepalive(&c.stream, &on, NULL, NULL, &count), 0);
  check_is(on, 0);
  check_is(count, 3);
  conn_close(f, &c);
}

/* What is refused turns nothing on. */
WEIR_TEST(option, keepalive_refused_is_not_on) {
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_tcp_keepalive(&c.stream, 1, UINT_MAX, 0, 0), UV_EINVAL);
  check_is(weir_tcp_keepalive(&c.stream, 1, 0, INT_MAX, 0), UV_EINVAL);
  check_is(weir_tcp_keepalive(&c.stream, 1, 0, 0, 1000), UV_EINVAL);
  check_is(weir_tcp_keepalive(NULL, 1, 0, 0, 0), UV_EINVAL);
  check_is(ask(&c.stream, SOL_SOCKET, SO_KEEPALIVE), 0);
  conn_close(f, &c);
}

/* ---- Numbers ---- */

/* Sets the type of service, where there is one. */
static void expect_tos(weir_stream_t *stream, int tos) {
  const int has = os_has_option(IPPROTO_IP, IP_TOS);
  int value = 0;

  check_is(weir_tcp_tos(stream, tos), has ? 0 : UV_ENOTSUP);
  check_is(weir_tcp_get_tos(stream, &value), has ? 0 : UV_ENOTSUP);
  check_is(value, has ? tos : 0);
  if (has)
    check_is(ask(stream, IPPROTO_IP, IP_TOS), tos);
}

WEIR_TEST(option, ttl_and_tos_over_ipv4) {
  struct conn c;
  int value = 0;

  conn_tcp(f, &c);
  expect_tos(&c.stream, 0x28);
  check_is(weir_tcp_ttl(&c.stream, 3), 0);
  check_is(ask(&c.stream, IPPROTO_IP, IP_TTL), 3);
  check_is(weir_tcp_get_ttl(&c.stream, &value), 0);
  check_is(value, 3);

  check_is(weir_tcp_ttl(&c.stream, 0), UV_EINVAL);
  check_is(weir_tcp_ttl(&c.stream, -1), UV_EINVAL);
  check_is(weir_tcp_ttl(&c.stream, 256), UV_EINVAL);
  check_is(weir_tcp_tos(&c.stream, -1), UV_EINVAL);
  check_is(weir_tcp_tos(&c.stream, 256), UV_EINVAL);
  check_is(ask(&c.stream, IPPROTO_IP, IP_TTL), 3);
  conn_close(f, &c);
}

/* Also for what such a socket sends over IPv4. */
WEIR_TEST(option, ttl_and_tos_over_ipv6) {
  struct conn c;
  int value = 0;
  int fd = socket(AF_INET6, SOCK_STREAM, 0);

  if (fd < 0)
    fixture_skip(f, "no IPv6 here");
  close(fd);
  fresh(f, &c, AF_INET6);
  expect_tos(&c.stream, 0x48);
  if (os_has_option(IPPROTO_IPV6, IPV6_TCLASS))
    check_is(ask(&c.stream, IPPROTO_IPV6, IPV6_TCLASS), 0x48);
  check_is(weir_tcp_ttl(&c.stream, 4), 0);
  check_is(ask(&c.stream, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 4);
  check_is(ask(&c.stream, IPPROTO_IP, IP_TTL), 4);
  check_is(weir_tcp_get_ttl(&c.stream, &value), 0);
  check_is(value, 4);
  conn_close(f, &c);
}

static void expect_sizes(weir_stream_t *stream) {
  int value = 0;

  check_is(weir_send_buffer_size(stream, &value), 0);
  check_is(value, ask(stream, SOL_SOCKET, SO_SNDBUF));
  value = 0;
  check_is(weir_recv_buffer_size(stream, &value), 0);
  check_is(value, ask(stream, SOL_SOCKET, SO_RCVBUF));
}

static void try_sizes(weir_stream_t *stream) {
  int value = 20000;

  expect_sizes(stream);
  check_is(weir_send_buffer_size(stream, &value), 0);
  check_is(value, 20000);
  check_is(ask(stream, SOL_SOCKET, SO_SNDBUF), os_buffer_size(20000));
  value = 30000;
  check_is(weir_recv_buffer_size(stream, &value), 0);
  check_is(ask(stream, SOL_SOCKET, SO_RCVBUF), os_buffer_size(30000));
  expect_sizes(stream);
  value = -1;
  check_is(weir_send_buffer_size(stream, &value), UV_EINVAL);
  check_is(weir_recv_buffer_size(stream, &value), UV_EINVAL);
  check_is(weir_send_buffer_size(stream, NULL), UV_EINVAL);
  check_is(weir_recv_buffer_size(NULL, &value), UV_EINVAL);
}

WEIR_TEST(option, sizes_of_buffers) {
  struct conn c;

  conn_tcp(f, &c);
  try_sizes(&c.stream);
  conn_close(f, &c);
  conn_unix(f, &c);
  try_sizes(&c.stream);
  conn_close(f, &c);
}

WEIR_TEST(option, fastopen_of_a_listener) {
  struct sockaddr_in addr;
  struct conn c;
  int most = -1;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  fresh(f, &c, AF_INET);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&c.stream, 8), 0);
  if (!os_has_option(IPPROTO_TCP, TCP_FASTOPEN)) {
    check_is(weir_tcp_get_fastopen(&c.stream, &most), UV_ENOTSUP);
    check_is(weir_tcp_fastopen(&c.stream, 5), UV_ENOTSUP);
    conn_close(f, &c);
    return;
  }
  check_is(weir_tcp_get_fastopen(&c.stream, &most), 0);
  check_is(most, 0);
  check_is(weir_tcp_fastopen(&c.stream, 5), 0);
  check_is(weir_tcp_get_fastopen(&c.stream, &most), 0);
  check_is(most, 5);
  check_is(weir_tcp_fastopen(&c.stream, -1), UV_EINVAL);
  conn_close(f, &c);
}

/* ---- Whose they are not ---- */

/* A setting that would be taken and do nothing is none. */
static void expect_none(weir_stream_t *stream, int error) {
  int value = 0;
  size_t i;

  for (i = 0; i < FLAGS; i++) {
    check_is(flags[i].set(stream, 1), error);
    check_is(flags[i].get(stream, &value), error);
  }
  check_is(weir_tcp_keepalive(stream, 1, 0, 0, 0), error);
  check_is(weir_tcp_keepalive(stream, 0, 0, 0, 0), error);
  check_is(weir_tcp_get_keepalive(stream, &value, NULL, NULL, NULL), error);
  check_is(weir_tcp_fastopen(stream, 1), error);
  check_is(weir_tcp_get_fastopen(stream, &value), error);
  check_is(weir_tcp_ttl(stream, 1), error);
  check_is(weir_tcp_get_ttl(stream, &value), error);
  check_is(weir_tcp_tos(stream, 1), error);
  check_is(weir_tcp_get_tos(stream, &value), error);
  check_is(value, 0);
}

static void expect_no_sizes(weir_stream_t *stream, int error) {
  int value = 0;

  check_is(weir_send_buffer_size(stream, &value), error);
  check_is(weir_recv_buffer_size(stream, &value), error);
  value = 4096;
  check_is(weir_send_buffer_size(stream, &value), error);
  check_is(weir_recv_buffer_size(stream, &value), error);
}

WEIR_TEST(option, a_unix_socket_has_but_sizes) {
  struct conn c;

  conn_unix(f, &c);
  expect_none(&c.stream, UV_ENOTSUP);
  conn_close(f, &c);
}

WEIR_TEST(option, what_is_no_socket_has_none) {
  struct conn c = {.peer = -1};
  int fds[2];

  check_is(pipe(fds), 0);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[0]), 0);
  expect_none(&c.stream, UV_ENOTSUP);
  expect_no_sizes(&c.stream, UV_ENOTSUP);
  conn_close(f, &c);
  close(fds[1]);
}

WEIR_TEST(option, a_stream_without_a_descriptor_has_none) {
  struct conn c = {.peer = -1};

  check_is(weir_tcp_init(f->loop, &c.stream), 0);
  expect_none(&c.stream, UV_EBADF);
  expect_no_sizes(&c.stream, UV_EBADF);
  conn_close(f, &c);
}

/* ---- Before the bind and the connect ---- */

WEIR_TEST(option, a_socket_from_the_beginning) {
  struct sockaddr_in addr;
  struct request a = {0}, r = {0};
  struct conn server, client, accepted = {.peer = -1};
  int len = sizeof(addr), value = 20000;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  fresh(f, &server, AF_INET);
  check_is(weir_recv_buffer_size(&server.stream, &value), 0);
  check_is(weir_tcp_bind(&server.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&server.stream, 8), 0);
  check_is(weir_getsockname(&server.stream, (struct sockaddr *)&addr, &len), 0);

  fresh(f, &client, AF_INET);
  check_is(weir_tcp_ttl(&client.stream, 9), 0);
  check_is(weir_tcp_connect(&r.op, &client.stream, (struct sockaddr *)&addr,
                            on_done),
           0);
  check_is(weir_accept(&a.op, &server.stream, &accepted.stream, on_done), 0);
  finish(f, &r, 0, 0);
  run_until(f, &a.calls);
  check_is(a.status, 0);
  check_is(ask(&accepted.stream, SOL_SOCKET, SO_RCVBUF), os_buffer_size(20000));
  check_is(ask(&client.stream, IPPROTO_IP, IP_TTL), 9);
  conn_close(f, &accepted);
  conn_close(f, &client);
  conn_close(f, &server);
}

WEIR_TEST(option, a_socket_from_the_beginning_is_refused) {
  struct sockaddr_in6 addr;
  struct conn c;
  int before = count_descriptors();

  check_is(weir_tcp_init_ex(f->loop, &c.stream, AF_UNIX), UV_EINVAL);
  check_is(weir_tcp_init_ex(NULL, &c.stream, AF_INET), UV_EINVAL);
  check_is(weir_tcp_init_ex(f->loop, NULL, AF_INET), UV_EINVAL);
  check_is(count_descriptors(), before);
  fresh(f, &c, AF_UNSPEC);
  check_is(weir_tcp_ttl(&c.stream, 9), UV_EBADF);
  conn_close(f, &c);

  fresh(f, &c, AF_INET);
  check_is(weir_tcp_open(&c.stream, 0), UV_EBUSY);
  check_is(uv_ip6_addr("::1", 0, &addr), 0);
  cr_assert(weir_tcp_bind(&c.stream, (struct sockaddr *)&addr, 0) < 0);
  conn_close(f, &c);
}

/* ---- Several listeners at one address ---- */

static void listen_at(struct weir_fixture *f, struct conn *c,
                      struct sockaddr_in *addr, unsigned how, int status) {
  int len = sizeof(*addr);
  int r;

  fresh(f, c, AF_UNSPEC);
  r = weir_tcp_bind(&c->stream, (struct sockaddr *)addr, how);
  if (r == 0)
    r = weir_listen(&c->stream, 8);
  check_is(r, status);
  if (r == 0)
    check_is(weir_getsockname(&c->stream, (struct sockaddr *)addr, &len), 0);
}

WEIR_TEST(option, reuseport_at_the_bind) {
  struct conn first, second, third;
  struct sockaddr_in addr;
  int on = 0;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  listen_at(f, &first, &addr, WEIR_TCP_REUSEPORT, 0);
  listen_at(f, &second, &addr, WEIR_TCP_REUSEPORT, 0);
  listen_at(f, &third, &addr, 0, UV_EADDRINUSE);
  check_is(weir_tcp_get_reuseport(&second.stream, &on), 0);
  check_is(on, 1);
  conn_close(f, &third);
  listen_at(f, &third, &addr, 8, UV_EINVAL);
  conn_close(f, &third);
  listen_at(f, &third, &addr, UV_TCP_IPV6ONLY, UV_EINVAL);
  conn_close(f, &third);
  conn_close(f, &second);
  conn_close(f, &first);
}
