/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Both sides of a relay, for make bench-relay. Neither looks at what it passes
 * on, so that the relay is what is measured. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../samples/common.h"
#include "../samples/dial.h"

static const char help[] =
    "usage: flood --listen HOST:PORT\n"
    "       flood --connect HOST:PORT [--count N] [--bytes BYTES]\n"
    "Drops what comes on its connections, and answers with a byte when all of\n"
    "it has come; or sends BYTES on each of N connections, and prints the "
    "seconds\n"
    "until all is answered. What is sent begins as a request of HTTP does, "
    "and\n"
    "says how much it is; relays that end both directions at once do not "
    "matter.\n";

enum { MOST = 1024, BLOCK = 256 << 10, HEAD = 64, GULP = 1 << 20 };

typedef struct end_s {
  uint64_t left; /* to be sent, or to be dropped */
  size_t got;    /* of the head */
  char head[HEAD + 1];
} end_t;

/* Those behind the first are the connections'. */
static struct pollfd polled[1 + MOST];
static end_t ends[1 + MOST];
static unsigned top = 1;
static char block[BLOCK];

static void add(int fd, short events, uint64_t left) {
  if (top == 1 + MOST)
    fail("connections", UV_EMFILE);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
    fail("a connection", -errno);
  polled[top] = (struct pollfd){.fd = fd, .events = events};
  ends[top++] = (end_t){.left = left};
}

static void end(unsigned i) {
  close(polled[i].fd);
  polled[i] = polled[--top];
  ends[i] = ends[top];
}

static void wait_for_events(void) {
  if (poll(polled, top, -1) < 0 && errno != EINTR)
    fail("poll", -errno);
}

/* ---- What drops ---- */

static void take(void) {
  int fd = accept(polled[0].fd, NULL, NULL);
  if (fd >= 0)
    add(fd, POLLIN, 0);
}

static uint64_t told(const end_t *e) {
  uint64_t bytes;
  return sscanf(e->head, "GET /%" SCNu64 " ", &bytes) == 1 ? bytes : 0;
}

static ssize_t receive(int fd, end_t *e) {
  ssize_t n;
  if (e->got == HEAD) {
    n = recv(fd, NULL, GULP, MSG_TRUNC);
    e->left -= n > 0 ? (uint64_t)n : 0;
    return n;
  }
  n = recv(fd, e->head + e->got, HEAD - e->got, 0);
  e->got += n > 0 ? (size_t)n : 0;
  e->left = told(e) - e->got;
  return n;
}

static void drop(unsigned i) {
  end_t *e = &ends[i];
  ssize_t n = receive(polled[i].fd, e);
  if (n > 0 && e->left == 0)
    send(polled[i].fd, "", 1, MSG_NOSIGNAL);
  if (n == 0 || (n < 0 && errno != EAGAIN))
    end(i);
}

static _Noreturn void run_listener(const struct sockaddr_storage *addr) {
  struct sockaddr_storage bound;
  int fd = listen_on(addr, 0, MOST, &bound);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
    fail("cannot listen", -errno);
  print_listening(&bound);
  polled[0] = (struct pollfd){.fd = fd, .events = POLLIN};
  for (;;) {
    wait_for_events();
    for (unsigned i = top; --i > 0;)
      if (polled[i].revents != 0)
        drop(i);
    if (polled[0].revents != 0)
      take();
  }
}

/* ---- What sends ---- */

static void send_some(unsigned i) {
  end_t *e = &ends[i];
  size_t len = e->left < BLOCK ? (size_t)e->left : BLOCK;
  ssize_t n = send(polled[i].fd, block, len, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN)
    fail("cannot send", -errno);
  if (n > 0)
    e->left -= (uint64_t)n;
  if (e->left == 0)
    polled[i].events = POLLIN;
}

static void be_answered(unsigned i) {
  char answer;
  ssize_t n = recv(polled[i].fd, &answer, 1, 0);
  if (n != 1)
    fail("bytes are missing", n == 0 ? UV_EOF : -errno);
  end(i);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_sender(const struct sockaddr_storage *addr, size_t count,
                       uint64_t bytes) {
  polled[0].fd = -1;
  snprintf(block, HEAD, "GET /%" PRIu64 " HTTP/1.1\r\nHost: localhost\r\n",
           bytes);
  for (size_t i = 0; i < count; i++)
    add(dial(addr, 0), POLLOUT, bytes);
  double began = seconds();
  while (top > 1) {
    wait_for_events();
    for (unsigned i = top; --i > 0;) {
      if ((polled[i].revents & POLLOUT) != 0)
        send_some(i);
      else if (polled[i].revents != 0)
        be_answered(i);
    }
  }
  printf("%.6f\n", seconds() - began);
}

int main(int argc, char **argv) {
  const char *from = NULL, *to = NULL, *count = "1", *bytes = "1G";
  const option_t options[] = {{"--listen", NULL, &from},
                              {"--connect", NULL, &to},
                              {"--count", NULL, &count},
                              {"--bytes", NULL, &bytes},
                              {NULL, NULL, NULL}};
  struct sockaddr_storage addr;

  parse_options(argc, argv, help, options, 0);
  if (from != NULL) {
    parse_listen_address("--listen", from, &addr);
    run_listener(&addr);
  }
  parse_address("--connect", to, &addr);
  run_sender(&addr, parse_bytes("--count", count),
             parse_bytes("--bytes", bytes));
  return 0;
}
