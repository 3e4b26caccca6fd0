/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "address.h"
#include "message.h"

static socklen_t length(const struct sockaddr_storage *addr) {
  return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                     : sizeof(struct sockaddr_in);
}

/* Ends the program unless ok. */
static void need(int ok, const struct sockaddr_storage *addr) {
  if (!ok)
    fail(address_text(addr).text, -errno);
}

static int make_socket(const struct sockaddr_storage *addr, int rcvbuf) {
  int fd = socket(addr->ss_family, SOCK_STREAM, 0);
  need(fd >= 0, addr);
  if (rcvbuf > 0)
    need(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf) == 0,
         addr);
  return fd;
}

int dial(const struct sockaddr_storage *addr, int rcvbuf) {
  int fd = make_socket(addr, rcvbuf);
  need(connect(fd, (const struct sockaddr *)addr, length(addr)) == 0, addr);
  return fd;
}

int listen_on(const struct sockaddr_storage *addr, int rcvbuf, int backlog,
              struct sockaddr_storage *bound) {
  const int on = 1;
  socklen_t len = sizeof *bound;
  int fd = make_socket(addr, rcvbuf);
  need(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(fd, (const struct sockaddr *)addr, length(addr)) == 0 &&
           listen(fd, backlog) == 0 &&
           getsockname(fd, (struct sockaddr *)bound, &len) == 0,
       addr);
  return fd;
}

int answer(const struct sockaddr_storage *addr, int rcvbuf) {
  struct sockaddr_storage bound;
  int listener = listen_on(addr, rcvbuf, 1, &bound);
  print_listening(&bound);
  int fd = accept(listener, NULL, NULL);
  need(fd >= 0, &bound);
  close(listener);
  return fd;
}

/* Whether a connection to addr comes about at once. */
static int connects(const struct sockaddr_storage *addr) {
  struct pollfd p = {.fd = make_socket(addr, 0), .events = POLLOUT};
  fcntl(p.fd, F_SETFL, O_NONBLOCK);
  return connect(p.fd, (const struct sockaddr *)addr, length(addr)) == 0 ||
         (errno == EINPROGRESS && poll(&p, 1, 200) == 1);
}

void never_answer(const struct sockaddr_storage *addr) {
  struct sockaddr_storage bound;
  listen_on(addr, 0, 0, &bound);
  while (connects(&bound))
    continue;
  print_listening(&bound);
  for (;;)
    pause();
}
