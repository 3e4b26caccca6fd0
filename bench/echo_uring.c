/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* The echo server to compare with: liburing and nothing else. A connection
 * reads or writes, never both, and each transfer is one request, as in
 * samples/echo. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../samples/common.h"
#include "candidate.h"

static const char help[] =
    "usage: echo_uring --listen HOST:PORT\n"
    "An echo server on liburing, to compare samples/echo with.\n";

typedef struct connection_s {
  int fd;
  int writing;
  size_t sent;
  size_t held; /* bytes in buffer */
  char buffer[65536];
} connection_t;

static struct io_uring ring;
static int listener;

static struct io_uring_sqe *next_sqe(void) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  if (sqe == NULL) {
    io_uring_submit(&ring);
    sqe = io_uring_get_sqe(&ring);
  }
  if (sqe == NULL)
    quit("io_uring", "no room for a submission");
  return sqe;
}

static void receive(connection_t *c) {
  struct io_uring_sqe *sqe = next_sqe();
  io_uring_prep_recv(sqe, c->fd, c->buffer, sizeof c->buffer, 0);
  io_uring_sqe_set_data(sqe, c);
  c->writing = 0;
}

static void send_rest(connection_t *c) {
  struct io_uring_sqe *sqe = next_sqe();
  io_uring_prep_send(sqe, c->fd, c->buffer + c->sent, c->held - c->sent,
                     MSG_NOSIGNAL);
  io_uring_sqe_set_data(sqe, c);
  c->writing = 1;
}

static void accept_next(void) {
  struct io_uring_sqe *sqe = next_sqe();
  io_uring_prep_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
  io_uring_sqe_set_data(sqe, NULL);
}

static void on_accepted(int result) {
  int on = 1;
  connection_t *c = result >= 0 ? malloc(sizeof *c) : NULL;
  if (c == NULL)
    fail("accept", result < 0 ? result : UV_ENOMEM);
  c->fd = result;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  receive(c);
  accept_next();
}

static void on_completion(uint64_t data, int result) {
  connection_t *c = (connection_t *)(uintptr_t)data;
  if (c == NULL) {
    on_accepted(result);
  } else if (result <= 0) {
    close(c->fd);
    free(c);
  } else if (!c->writing) {
    c->sent = 0;
    c->held = (size_t)result;
    send_rest(c);
  } else {
    c->sent += (size_t)result;
    if (c->sent < c->held)
      send_rest(c);
    else
      receive(c);
  }
}

static void listen_at(struct sockaddr_storage *addr) {
  int on = 1;
  socklen_t len = addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                              : sizeof(struct sockaddr_in);
  listener = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 ||
      setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(listener, (struct sockaddr *)addr, len) != 0 ||
      listen(listener, 511) != 0 ||
      getsockname(listener, (struct sockaddr *)addr, &len) != 0)
    fail("cannot listen", -errno);
  printf("listening on %s\n", address_text(addr).text);
  fflush(stdout);
}

int main(int argc, char **argv) {
  const char *word = NULL;
  const option_t options[] = {{"--listen", NULL, &word}, {NULL, NULL, NULL}};
  struct sockaddr_storage addr;

  parse_options(argc, argv, help, options, 0);
  parse_address("--listen", word, &addr);
  listen_at(&addr);
  candidate_ring(&ring);
  accept_next();
  for (;;)
    candidate_enter(&ring, on_completion);
}
