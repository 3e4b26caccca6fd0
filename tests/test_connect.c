/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/famine.h"
#include "support/net.h"
#include "support/scratch.h"

struct server {
  struct conn listener;
  struct sockaddr_storage addr;
  char dir[SCRATCH_DIR];
  char path[SCRATCH_DIR + 16];
};

static void listen_ip(struct weir_fixture *f, struct server *s,
                      const char *host) {
  int len = sizeof(s->addr);
  int v6 = strchr(host, ':') != NULL;

  memset(s, 0, sizeof(*s));
  s->listener.peer = -1;
  if (v6)
    check_is(uv_ip6_addr(host, 0, (struct sockaddr_in6 *)&s->addr), 0);
  else
    check_is(uv_ip4_addr(host, 0, (struct sockaddr_in *)&s->addr), 0);
  check_is(weir_tcp_init(f->loop, &s->listener.stream), 0);
  check_is(weir_tcp_bind(&s->listener.stream, (struct sockaddr *)&s->addr, 0),
           0);
  check_is(weir_listen(&s->listener.stream, 128), 0);
  check_is(
      weir_getsockname(&s->listener.stream, (struct sockaddr *)&s->addr, &len),
      0);
}

static void listen_path(struct weir_fixture *f, struct server *s) {
  memset(s, 0, sizeof(*s));
  s->listener.peer = -1;
  scratch_dir(s->dir);
  snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
  check_is(weir_pipe_init(f->loop, &s->listener.stream), 0);
  check_is(weir_pipe_bind(&s->listener.stream, s->path), 0);
  check_is(weir_listen(&s->listener.stream, 16), 0);
}

static void server_close(struct weir_fixture *f, struct server *s) {
  conn_close(f, &s->listener);
  if (s->path[0] != '\0') {
    cr_assert(access(s->path, F_OK) != 0, "the socket's file is still there");
    check_is(rmdir(s->dir), 0);
  }
}

static void client_init(struct weir_fixture *f, struct conn *c,
                        const struct server *s) {
  memset(c, 0, sizeof(*c));
  c->peer = -1;
  if (s->path[0] != '\0')
    check_is(weir_pipe_init(f->loop, &c->stream), 0);
  else
    check_is(weir_tcp_init(f->loop, &c->stream), 0);
}

static int client_connect(struct request *r, struct conn *c,
                          const struct server *s) {
  memset(r, 0, sizeof(*r));
  if (s->path[0] != '\0')
    return weir_pipe_connect(&r->op, &c->stream, s->path, on_done);
  return weir_tcp_connect(&r->op, &c->stream, (const struct sockaddr *)&s->addr,
                          on_done);
}

static int server_accept(struct request *r, struct server *s, struct conn *c) {
  memset(r, 0, sizeof(*r));
  memset(c, 0, sizeof(*c));
  c->peer = -1;
  c->stream.data = c;
  return weir_accept(&r->op, &s->listener.stream, &c->stream, on_done);
}

/* Sends a few bytes from one stream to another. */
static void pass(struct weir_fixture *f, struct conn *from, struct conn *to) {
  struct request r = {0}, w = {0};
  char bytes[8];

  check_is(
      weir_read_some(&r.op, &to->stream, weir_mseq_block(bytes, 8), on_done),
      0);
  check_is(
      weir_write(&w.op, &from->stream, weir_seq_block("hello", 5), on_done), 0);
  finish(f, &w, 0, 5);
  finish(f, &r, 0, 5);
  cr_assert(memcmp(bytes, "hello", 5) == 0);
}

static void meet(struct weir_fixture *f, struct server *s, int accept_first) {
  struct request a, r;
  struct conn client, accepted;

  client_init(f, &client, s);
  if (accept_first) {
    check_is(server_accept(&a, s, &accepted), 0);
    run_some_turns(f);
    check_is(a.calls, 0);
  }
  check_is(client_connect(&r, &client, s), 0);
  check_is(r.calls, 0);
  finish(f, &r, 0, 0);
  if (!accept_first)
    check_is(server_accept(&a, s, &accepted), 0);
  finish(f, &a, 0, 0);
  cr_assert_eq(accepted.stream.data, &accepted);
  pass(f, &client, &accepted);
  pass(f, &accepted, &client);
  conn_close(f, &accepted);
  conn_close(f, &client);
}

WEIR_TEST(connect, tcp4_with_the_accept_before_and_after) {
  struct server s;

  listen_ip(f, &s, "127.0.0.1");
  meet(f, &s, 1);
  meet(f, &s, 0);
  server_close(f, &s);
}

WEIR_TEST(connect, unix_with_the_accept_before_and_after) {
  struct server s;

  listen_path(f, &s);
  meet(f, &s, 1);
  meet(f, &s, 0);
  server_close(f, &s);
}

static int has_ipv6(void) {
  struct sockaddr_in6 addr;
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  int ok = 0;

  if (fd < 0)
    return 0;
  if (uv_ip6_addr("::1", 0, &addr) == 0)
    ok = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
  close(fd);
  return ok;
}

WEIR_TEST(connect, tcp6) {
  struct server s;

  if (!has_ipv6())
    fixture_skip(f, "no address ::1 here");
  listen_ip(f, &s, "::1");
  meet(f, &s, 1);
  server_close(f, &s);
}

WEIR_TEST(connect, knows_its_addresses) {
  struct sockaddr_in name, peer;
  struct server s;
  struct request a, r;
  struct conn client, accepted, fresh;
  int len = sizeof(name);
  uv_os_fd_t fd;

  listen_ip(f, &s, "127.0.0.1");
  client_init(f, &client, &s);
  check_is(client_connect(&r, &client, &s), 0);
  check_is(server_accept(&a, &s, &accepted), 0);
  finish(f, &r, 0, 0);
  finish(f, &a, 0, 0);
  check_is(weir_getsockname(&client.stream, (struct sockaddr *)&name, &len), 0);
  len = sizeof(peer);
  check_is(weir_getpeername(&accepted.stream, (struct sockaddr *)&peer, &len),
           0);
  check_is(len, sizeof(peer));
  check_is(name.sin_port, peer.sin_port);
  len = sizeof(peer);
  check_is(weir_getpeername(&client.stream, (struct sockaddr *)&peer, &len), 0);
  check_is(peer.sin_port, ((struct sockaddr_in *)&s.addr)->sin_port);
  check_is(weir_tcp_nodelay(&client.stream, 1), 0);
  check_is(weir_tcp_nodelay(&client.stream, 0), 0);
  check_is(weir_fileno(&client.stream, &fd), 0);
  cr_assert(fd >= 0);

  client_init(f, &fresh, &s);
  check_is(weir_fileno(&fresh.stream, &fd), UV_EBADF);
  len = sizeof(peer);
  check_is(weir_getsockname(&fresh.stream, (struct sockaddr *)&peer, &len),
           UV_EBADF);
  check_is(weir_tcp_nodelay(&fresh.stream, 1), UV_EBADF);
  conn_close(f, &fresh);
  conn_close(f, &client);
  conn_close(f, &accepted);
  server_close(f, &s);
}

WEIR_TEST(connect, refused) {
  struct server s;
  struct request r;
  struct conn c;
  char byte;

  listen_ip(f, &s, "127.0.0.1");
  server_close(f, &s);
  client_init(f, &c, &s);
  check_is(client_connect(&r, &c, &s), 0);
  finish(f, &r, UV_ECONNREFUSED, 0);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           UV_ENOTCONN);
  conn_close(f, &c);
}

WEIR_TEST(connect, to_a_path_where_nobody_listens) {
  struct request r = {0};
  struct conn c;

  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_connect(&r.op, &c.stream, "/nonexistent/socket", on_done),
           0);
  finish(f, &r, UV_ENOENT, 0);
  conn_close(f, &c);
}

WEIR_TEST(connect, to_a_path_that_is_too_long) {
  struct request r = {0};
  struct conn c;
  char path[300];

  memset(path, 'x', sizeof(path) - 1);
  path[sizeof(path) - 1] = '\0';
  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_connect(&r.op, &c.stream, path, on_done), UV_ENAMETOOLONG);
  conn_close(f, &c);
  check_is(r.calls, 0);
}

WEIR_TEST(connect, cancelled_and_closed_on_the_way) {
  struct sockaddr_in addr;
  struct request r = {0};
  struct conn c;
  int i;

  /* A test network without a route answers at once, another one never. */
  check_is(uv_ip4_addr("192.0.2.1", 9, &addr), 0);
  for (i = 0; i < 4; i++) {
    memset(&c, 0, sizeof(c));
    memset(&r, 0, sizeof(r));
    c.peer = -1;
    check_is(weir_tcp_init(f->loop, &c.stream), 0);
    check_is(
        weir_tcp_connect(&r.op, &c.stream, (struct sockaddr *)&addr, on_done),
        0);
    if (i & 1)
      run_some_turns(f);
    if (i & 2) {
      close_stream(f, &c);
      check_is(r.calls, 1);
      cr_assert(r.status < 0);
      continue;
    }
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    cr_assert(r.status < 0);
    check_is(r.n, 0);
    conn_close(f, &c);
  }
}

WEIR_TEST(connect, refuses_what_makes_no_sense) {
  struct server s;
  struct request r, second, a;
  struct conn c, accepted, tmp;
  char byte;
  int fds[2];

  listen_ip(f, &s, "127.0.0.1");
  client_init(f, &c, &s);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           UV_ENOTCONN);
  check_is(weir_write(&r.op, &c.stream, weir_seq_block("x", 1), on_done),
           UV_ENOTCONN);
  check_is(weir_read_some(&r.op, &s.listener.stream, weir_mseq_block(&byte, 1),
                          on_done),
           UV_ENOTCONN);
  check_is(weir_accept(&r.op, &c.stream, &tmp.stream, on_done), UV_EINVAL);
  check_is(weir_accept(&r.op, &s.listener.stream, NULL, on_done), UV_EINVAL);
  check_is(weir_tcp_connect(&r.op, &c.stream, NULL, on_done), UV_EINVAL);
  check_is(weir_tcp_init(NULL, &tmp.stream), UV_EINVAL);
  check_is(weir_tcp_init(f->loop, NULL), UV_EINVAL);

  check_is(client_connect(&r, &c, &s), 0);
  check_is(client_connect(&second, &c, &s), UV_EALREADY);
  check_is(server_accept(&a, &s, &accepted), 0);
  finish(f, &r, 0, 0);
  finish(f, &a, 0, 0);
  check_is(client_connect(&second, &c, &s), UV_EISCONN);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&s.addr, 0), UV_EISCONN);
  check_is(weir_listen(&c.stream, 1), UV_EINVAL);
  check_is(weir_listen(&accepted.stream, 1), UV_EISCONN);
  check_is(weir_listen(&s.listener.stream, 1), UV_EINVAL);
  pair_tcp(fds, 0, 0);
  check_is(weir_tcp_open(&c.stream, fds[0]), UV_EBUSY);
  close(fds[0]);
  close(fds[1]);
  check_is(second.calls, 0);
  conn_close(f, &c);
  conn_close(f, &accepted);
  server_close(f, &s);
}

WEIR_TEST(connect, an_address_in_use_is_reported) {
  struct server s;
  struct conn c;
  int error;

  listen_ip(f, &s, "127.0.0.1");
  client_init(f, &c, &s);
  error = weir_tcp_bind(&c.stream, (struct sockaddr *)&s.addr, 0);
  if (error == 0)
    error = weir_listen(&c.stream, 1);
  check_is(error, UV_EADDRINUSE);
  conn_close(f, &c);
  server_close(f, &s);
}

/* ---- Accepting ---- */

WEIR_TEST(connect, accepts_are_served_in_order) {
  enum { COUNT = 20 };
  static struct conn clients[COUNT], accepted[COUNT];
  static struct request connects[COUNT], accepts[COUNT];
  struct server s;
  int i;

  listen_ip(f, &s, "127.0.0.1");
  for (i = 0; i < COUNT; i++)
    check_is(server_accept(&accepts[i], &s, &accepted[i]), 0);
  for (i = 0; i < COUNT; i++) {
    client_init(f, &clients[i], &s);
    check_is(client_connect(&connects[i], &clients[i], &s), 0);
    finish(f, &connects[i], 0, 0);
    finish(f, &accepts[i], 0, 0);
    pass(f, &clients[i], &accepted[i]);
  }
  for (i = 0; i < COUNT; i++) {
    conn_close(f, &clients[i]);
    conn_close(f, &accepted[i]);
  }
  server_close(f, &s);
}

WEIR_TEST(connect, an_accept_can_be_cancelled) {
  struct server s;
  struct request a, b, d, r;
  struct conn one, two, three, client;

  listen_ip(f, &s, "127.0.0.1");
  check_is(server_accept(&a, &s, &one), 0);
  run_some_turns(f);
  check_is(server_accept(&b, &s, &two), 0);
  check_is(server_accept(&d, &s, &three), 0);
  weir_cancel(&b.op);
  finish(f, &b, UV_ECANCELED, 0);
  weir_cancel(&a.op);
  check_is(a.calls, 0);
  finish(f, &a, UV_ECANCELED, 0);
  client_init(f, &client, &s);
  check_is(client_connect(&r, &client, &s), 0);
  finish(f, &r, 0, 0);
  finish(f, &d, 0, 0);
  pass(f, &client, &three);
  conn_close(f, &three);
  conn_close(f, &client);
  server_close(f, &s);
}

WEIR_TEST(connect, closing_the_listener_ends_its_accepts) {
  struct server s;
  struct request a, b;
  struct conn one, two;

  listen_ip(f, &s, "127.0.0.1");
  check_is(server_accept(&a, &s, &one), 0);
  check_is(server_accept(&b, &s, &two), 0);
  run_some_turns(f);
  server_close(f, &s);
  finish(f, &a, UV_ECANCELED, 0);
  finish(f, &b, UV_ECANCELED, 0);
}

WEIR_TEST(connect, connections_wait_in_the_backlog) {
  enum { COUNT = 5 };
  struct server s;
  struct request a, r[COUNT];
  struct conn clients[COUNT], accepted;
  int i;

  listen_path(f, &s);
  for (i = 0; i < COUNT; i++) {
    client_init(f, &clients[i], &s);
    check_is(client_connect(&r[i], &clients[i], &s), 0);
    finish(f, &r[i], 0, 0);
  }
  run_some_turns(f);
  for (i = 0; i < COUNT; i++) {
    check_is(server_accept(&a, &s, &accepted), 0);
    finish(f, &a, 0, 0);
    pass(f, &clients[i], &accepted);
    conn_close(f, &accepted);
    conn_close(f, &clients[i]);
  }
  server_close(f, &s);
}

WEIR_TEST(connect, no_descriptor_left_leaves_the_connection_there) {
  struct famine famine;
  struct server s;
  struct request a, r;
  struct conn client, accepted;

  listen_ip(f, &s, "127.0.0.1");
  client_init(f, &client, &s);
  check_is(client_connect(&r, &client, &s), 0);
  finish(f, &r, 0, 0);
  famine_begin(&famine);
  check_is(server_accept(&a, &s, &accepted), 0);
  finish(f, &a, UV_EMFILE, 0);
  famine_end(&famine);

  check_is(server_accept(&a, &s, &accepted), 0);
  finish(f, &a, 0, 0);
  pass(f, &client, &accepted);
  conn_close(f, &accepted);
  conn_close(f, &client);
  server_close(f, &s);
}

/* The system looks for a descriptor before it looks for a connection. */
static void starve_an_empty_backlog(struct weir_fixture *f, struct server *s,
                                    int fd) {
  struct famine famine;
  struct request a;
  struct conn accepted;
  uint64_t calls;

  famine_begin(&famine);
  check_is(server_accept(&a, s, &accepted), 0);
  run_some_turns(f);
  check_is(a.calls, 0);
  calls = stats_of(f).syscalls;
  run_some_turns(f);
  run_some_turns(f);
  check_is(a.calls, 0);
  check_is(stats_of(f).syscalls, calls);
  check_is(connect(fd, (struct sockaddr *)&s->addr, sizeof(s->addr)), 0);
  finish(f, &a, UV_EMFILE, 0);
  famine_end(&famine);
  check_is(server_accept(&a, s, &accepted), 0);
  finish(f, &a, 0, 0);
  conn_close(f, &accepted);
}

WEIR_TEST(connect, no_descriptor_left_and_nobody_there_waits) {
  struct server s;
  int fds[2] = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

  listen_ip(f, &s, "127.0.0.1");
  starve_an_empty_backlog(f, &s, fds[0]);
  /* Once more, where the last accept found something. */
  starve_an_empty_backlog(f, &s, fds[1]);
  close(fds[0]);
  close(fds[1]);
  server_close(f, &s);
}

WEIR_TEST(connect, an_accept_that_starves_can_be_cancelled) {
  struct famine famine;
  struct server s;
  struct request a;
  struct conn accepted;

  listen_ip(f, &s, "127.0.0.1");
  famine_begin(&famine);
  check_is(server_accept(&a, &s, &accepted), 0);
  run_some_turns(f);
  weir_cancel(&a.op);
  finish(f, &a, UV_ECANCELED, 0);
  famine_end(&famine);
  server_close(f, &s);
}

WEIR_TEST(connect, a_burst_of_clients_is_served) {
  enum { COUNT = 100 };
  static struct conn clients[COUNT], accepted[COUNT];
  static struct request connects[COUNT], accepts[COUNT];
  struct server s;
  int i;

  fixture_descriptors(f, COUNT);
  listen_ip(f, &s, "127.0.0.1");
  for (i = 0; i < COUNT; i++) {
    client_init(f, &clients[i], &s);
    check_is(client_connect(&connects[i], &clients[i], &s), 0);
    check_is(server_accept(&accepts[i], &s, &accepted[i]), 0);
  }
  run_out(f);
  for (i = 0; i < COUNT; i++) {
    finish(f, &connects[i], 0, 0);
    finish(f, &accepts[i], 0, 0);
    check_is(weir_close(&clients[i].stream, on_conn_closed), 0);
    check_is(weir_close(&accepted[i].stream, on_conn_closed), 0);
  }
  run_out(f);
  for (i = 0; i < COUNT; i++)
    check_is(clients[i].closed + accepted[i].closed, 2);
  server_close(f, &s);
}

WEIR_TEST(connect, what_is_no_socket_is_no_tcp_stream) {
  weir_stream_t stream;
  int fds[2];

  check_is(pipe(fds), 0);
  check_is(weir_tcp_init(f->loop, &stream), 0);
  check_is(weir_tcp_open(&stream, fds[0]), UV_ENOTSOCK);
  check_is(weir_tcp_open(&stream, -1), UV_EBADF);
  check_is(weir_tcp_open(&stream, 9999), UV_EBADF);
  check_is(weir_close(&stream, NULL), 0);
  run_out(f);
  check_is(close(fds[0]), 0);
  check_is(close(fds[1]), 0);
}

/* As a service manager hands it over. */
WEIR_TEST(connect, a_socket_that_was_opened_can_listen) {
  struct sockaddr_in addr;
  socklen_t len = sizeof(addr);
  weir_stream_t listener;
  struct request a = {0}, r = {0};
  struct conn client, accepted;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  memset(&client, 0, sizeof(client));
  memset(&accepted, 0, sizeof(accepted));
  client.peer = accepted.peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
  check_is(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
  check_is(weir_tcp_init(f->loop, &listener), 0);
  check_is(weir_tcp_open(&listener, fd), 0);
  check_is(weir_listen(&listener, 8), 0);
  check_is(weir_listen(&listener, 8), UV_EINVAL);
  check_is(weir_accept(&a.op, &listener, &accepted.stream, on_done), 0);
  check_is(weir_tcp_init(f->loop, &client.stream), 0);
  check_is(weir_tcp_connect(&r.op, &client.stream, (struct sockaddr *)&addr,
                            on_done),
           0);
  finish(f, &r, 0, 0);
  finish(f, &a, 0, 0);
  check_is(weir_listen(&client.stream, 8), UV_EINVAL);
  pass(f, &client, &accepted);
  close_stream(f, &client);
  close_stream(f, &accepted);
  check_is(weir_close(&listener, NULL), 0);
  run_out(f);
}
