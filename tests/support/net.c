/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "host.h"
#include "patience.h"

static unsigned char pattern(size_t i) {
  return (unsigned char)((i * 2654435761u) >> 11);
}

void pattern_fill(void *base, size_t offset, size_t len) {
  unsigned char *bytes = base;
  size_t i;

  for (i = 0; i < len; i++)
    bytes[i] = pattern(offset + i);
}

int pattern_holds(const void *base, size_t offset, size_t len) {
  const unsigned char *bytes = base;
  size_t i;

  for (i = 0; i < len; i++)
    if (bytes[i] != pattern(offset + i))
      return 0;
  return 1;
}

/* ---- Sockets ---- */

static void set_size(int fd, int option, int size) {
  if (size != 0)
    check_is(setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size)), 0);
}

static void set_timeout(int fd) {
  struct timeval limit = {.tv_sec = (int)patience(20)};

  check_is(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
  check_is(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
}

void pair_tcp(int fds[2], int sndbuf, int rcvbuf) {
  struct sockaddr_in addr;
  socklen_t len = sizeof(addr);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  memset(&addr, 0, sizeof(addr));
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  set_size(listener, SO_SNDBUF, sndbuf);
  check_is(bind(listener, (struct sockaddr *)&addr, len), 0);
  check_is(listen(listener, 1), 0);
  check_is(getsockname(listener, (struct sockaddr *)&addr, &len), 0);

  fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  set_size(fds[1], SO_RCVBUF, rcvbuf);
  check_is(connect(fds[1], (struct sockaddr *)&addr, len), 0);
  fds[0] = accept(listener, NULL, NULL);
  cr_assert(fds[0] >= 0);
  close(listener);
  set_timeout(fds[1]);
}

void pair_unix(int fds[2]) {
  check_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  set_timeout(fds[1]);
}

/* ---- Connections ---- */

static void conn_init(struct conn *c, int peer) {
  memset(c, 0, sizeof(*c));
  c->peer = peer;
}

static void open_tcp(struct weir_fixture *f, struct conn *c, int sndbuf,
                     int rcvbuf) {
  int fds[2];

  pair_tcp(fds, sndbuf, rcvbuf);
  conn_init(c, fds[1]);
  check_is(weir_tcp_init(f->loop, &c->stream), 0);
  check_is(weir_tcp_open(&c->stream, fds[0]), 0);
}

void conn_tcp(struct weir_fixture *f, struct conn *c) {
  open_tcp(f, c, 0, 0);
}

void conn_slow(struct weir_fixture *f, struct conn *c) {
  open_tcp(f, c, 4096, 4096);
}

void conn_unix(struct weir_fixture *f, struct conn *c) {
  int fds[2];

  pair_unix(fds);
  conn_init(c, fds[1]);
  if (os_has_pipes()) {
    check_is(weir_pipe_init(f->loop, &c->stream), 0);
    check_is(weir_pipe_open(&c->stream, fds[0]), 0);
    return;
  }
  /* The pair is one of TCP. */
  check_is(weir_tcp_init(f->loop, &c->stream), 0);
  check_is(weir_tcp_open(&c->stream, fds[0]), 0);
}

void on_conn_closed(weir_stream_t *stream) {
  struct conn *c = (struct conn *)stream;

  c->closed++;
}

void close_stream(struct weir_fixture *f, struct conn *c) {
  check_is(weir_close(&c->stream, on_conn_closed), 0);
  check_is(c->closed, 0);
  run_until(f, &c->closed);
  check_is(c->closed, 1);
}

void close_peer(struct conn *c) {
  if (c->peer >= 0)
    close(c->peer);
  c->peer = -1;
}

void conn_close(struct weir_fixture *f, struct conn *c) {
  close_stream(f, c);
  close_peer(c);
}

void reset_peer(struct conn *c) {
  struct linger now = {1, 0};

  if (!os_tells_resets())
    cr_skip("a socket says the end of the stream after a reset");
  check_is(setsockopt(c->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
  close_peer(c);
}

void own_network(struct weir_fixture *f) {
  if (!os_own_network())
    fixture_skip(f, "no network namespace to be had");
}

/* ---- The peer, without a thread ---- */

void peer_send(const struct conn *c, size_t offset, size_t len) {
  char *bytes = malloc(len);
  ssize_t n;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, offset, len);
  n = send(c->peer, bytes, len, MSG_NOSIGNAL);
  check_is(n, len);
  free(bytes);
}

void peer_take(const struct conn *c, size_t offset, size_t len) {
  char *bytes = malloc(len);
  size_t taken = 0;

  cr_assert(bytes != NULL);
  /* The kernel's work for a ring cuts MSG_WAITALL short, as a signal does. */
  while (taken < len) {
    ssize_t n = recv(c->peer, bytes + taken, len - taken, MSG_WAITALL);

    if (n > 0)
      taken += (size_t)n;
    else if (n == 0 || errno != EINTR)
      break;
  }
  check_is(taken, len);
  cr_assert(pattern_holds(bytes, offset, len), "the bytes differ");
  free(bytes);
}

void peer_expect_end(const struct conn *c) {
  char byte;
  ssize_t n = recv(c->peer, &byte, 1, 0);

  check_is(n, 0);
}

size_t peer_take_available(const struct conn *c) {
  char bytes[65536];
  size_t total = 0;
  ssize_t n;

  while ((n = recv(c->peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
    cr_assert(pattern_holds(bytes, total, (size_t)n), "the bytes differ");
    total += (size_t)n;
  }
  return total;
}

void offer_pattern(int fd, size_t *sent, size_t total) {
  char bytes[16384];
  ssize_t n = 1;

  while (n > 0 && *sent < total) {
    size_t len = total - *sent;

    if (len > sizeof(bytes))
      len = sizeof(bytes);
    pattern_fill(bytes, *sent, len);
    n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
      *sent += (size_t)n;
  }
}

int take_pattern(int fd, size_t *taken) {
  char bytes[65536];
  ssize_t n;

  while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
    if (!pattern_holds(bytes, *taken, (size_t)n))
      return 0;
    *taken += (size_t)n;
    if ((size_t)n < sizeof(bytes))
      break;
  }
  return 1;
}

/* ---- The peer, in a thread ---- */

static void drain_run(void *arg) {
  struct drain *d = arg;
  char bytes[32768];
  ssize_t n;

  d->received = 0;
  d->good = 1;
  for (;;) {
    n = read(d->fd, bytes, sizeof(bytes));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    if (!pattern_holds(bytes, d->received, (size_t)n))
      d->good = 0;
    d->received += (size_t)n;
  }
}

void drain_start(struct drain *d, int fd) {
  d->fd = fd;
  check_is(uv_thread_create(&d->thread, drain_run, d), 0);
}

void drain_join(struct drain *d) {
  check_is(uv_thread_join(&d->thread), 0);
  cr_assert(d->good, "the peer received other bytes than were sent");
}
