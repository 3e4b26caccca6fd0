/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

/* Listening by name. */

static void server_init(struct weir_fixture *f, struct conn *c) {
  memset(c, 0, sizeof(*c));
  c->peer = -1;
  check_is(weir_tcp_init(f->loop, &c->stream), 0);
}

static int port_of(const struct conn *c) {
  struct sockaddr_in6 addr;
  int len = sizeof(addr);

  check_is(weir_getsockname(&c->stream, (struct sockaddr *)&addr, &len), 0);
  return ntohs(addr.sin6_port);
}

/* 0, or why a bare client cannot connect. */
static int try_connect(int family, int port) {
  struct sockaddr_in addr;
  struct sockaddr_in6 addr6;
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int r;

  check_is(uv_ip4_addr("127.0.0.1", port, &addr), 0);
  check_is(uv_ip6_addr("::1", port, &addr6), 0);
  if (fd < 0)
    return -1;
  r = family == AF_INET ? connect(fd, (struct sockaddr *)&addr, sizeof(addr))
                        : connect(fd, (struct sockaddr *)&addr6, sizeof(addr6));
  close(fd);
  return r;
}

static int has_ipv6(void) {
  struct sockaddr_in6 addr;
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int ok = 0;

  if (fd >= 0 && uv_ip6_addr("::1", 0, &addr) == 0)
    ok = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
  if (fd >= 0)
    close(fd);
  return ok;
}

WEIR_TEST(listen_host, at_every_address) {
  struct conn c;

  server_init(f, &c);
  check_is(weir_listen_host(&c.stream, NULL, "0", 8, 0), 0);
  check_is(try_connect(AF_INET, port_of(&c)), 0);
  if (has_ipv6())
    check_is(try_connect(AF_INET6, port_of(&c)), 0);
  check_is(weir_listen_host(&c.stream, NULL, "0", 8, 0), UV_EINVAL);
  conn_close(f, &c);

  server_init(f, &c);
  if (has_ipv6()) {
    check_is(weir_listen_host(&c.stream, NULL, "0", 8, UV_TCP_IPV6ONLY), 0);
    check_is(try_connect(AF_INET6, port_of(&c)), 0);
    check_is(try_connect(AF_INET, port_of(&c)), -1);
  }
  conn_close(f, &c);
}

WEIR_TEST(listen_host, at_a_host) {
  struct conn c, other;
  char service[16];

  server_init(f, &c);
  check_is(weir_listen_host(&c.stream, "127.0.0.1", NULL, 8, 0), 0);
  check_is(try_connect(AF_INET, port_of(&c)), 0);

  snprintf(service, sizeof(service), "%d", port_of(&c));
  server_init(f, &other);
  check_is(weir_listen_host(&other.stream, "127.0.0.1", service, 8, 0),
           UV_EADDRINUSE);
  check_is(weir_listen_host(&other.stream, NULL, service, 8, 0), UV_EADDRINUSE);
  /* It may be tried again. */
  check_is(
      weir_listen_host(&other.stream, "localhost", "0", 8, WEIR_TCP_REUSEPORT),
      0);
  cr_assert(try_connect(AF_INET, port_of(&other)) == 0 ||
            try_connect(AF_INET6, port_of(&other)) == 0);
  conn_close(f, &other);
  conn_close(f, &c);
}

WEIR_TEST(listen_host, what_is_no_server) {
  struct conn c;
  int before = count_descriptors();

  server_init(f, &c);
  check_is(weir_listen_host(NULL, NULL, "0", 8, 0), UV_EINVAL);
  check_is(weir_listen_host(&c.stream, NULL, NULL, 8, 0), UV_EINVAL);
  check_is(weir_listen_host(&c.stream, "127.0.0.1", "0", 8, 64), UV_EINVAL);
  check_is(weir_listen_host(&c.stream, "127.0.0.1", "0", 8, UV_TCP_IPV6ONLY),
           UV_EAI_ADDRFAMILY);
  /* An address of nobody's here. */
  check_is(weir_listen_host(&c.stream, "192.0.2.1", "0", 8, 0),
           UV_EADDRNOTAVAIL);
  cr_assert(weir_listen_host(&c.stream, "127.0.0.1", "no-such-service", 8, 0) <
            0);
  check_is(count_descriptors(), before);
  conn_close(f, &c);
}
