/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* One end of a TCP connection, for the demonstration and the tests: sends a
 * known pattern, and compares what it receives with it. It is made of plain
 * system calls, so that it proves something about weir. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

static const char help[] =
    "usage: demo_peer --listen HOST:PORT | --connect HOST:PORT\n"
    "                 [--send BYTES] [--expect BYTES] [--rcvbuf BYTES] "
    "[--slow]\n"
    "                 [--reset] [--idle]\n"
    "Sends BYTES of a pattern and then the end of the stream; receives up to\n"
    "the peer's end and fails unless that was the pattern, --expect bytes.\n"
    "  --rcvbuf BYTES  size of the receive buffer\n"
    "  --slow          rest after each read\n"
    "  --reset         when all is sent, end with a reset\n"
    "  --idle          send nothing, and no end either\n";

enum { CHUNK = 64 << 10, PERIOD = 65521 };

static char pattern[PERIOD + CHUNK];
static char received[CHUNK];

static size_t to_send, sent, expected, got;
static int slow, reset, idle;

static void make_pattern(void) {
  unsigned x = 1;
  for (size_t i = 0; i < sizeof pattern; i++) {
    if (i % PERIOD == 0)
      x = 1;
    x = x * 1103515245u + 12345u;
    pattern[i] = (char)(x >> 16);
  }
}

static int open_socket(const struct sockaddr_storage *addr, int listening,
                       const char *rcvbuf) {
  struct sockaddr_storage bound;
  socklen_t len = addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                              : sizeof(struct sockaddr_in);
  int fd = socket(addr->ss_family, SOCK_STREAM, 0);
  int ok = fd >= 0;
  if (ok && rcvbuf != NULL) {
    int size = (int)parse_bytes("--rcvbuf", rcvbuf);
    ok = setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0;
  }
  if (!listening) {
    if (!ok || connect(fd, (const struct sockaddr *)addr, len) != 0)
      fail(address_text(addr).text, -errno);
    return fd;
  }
  if (!ok || bind(fd, (const struct sockaddr *)addr, len) != 0 ||
      listen(fd, 1) != 0)
    fail(address_text(addr).text, -errno);
  len = sizeof bound;
  getsockname(fd, (struct sockaddr *)&bound, &len);
  print_listening(&bound);
  int peer = accept(fd, NULL, NULL);
  if (peer < 0)
    fail("accept", -errno);
  close(fd);
  return peer;
}

static void sleep_ms(long ms) {
  const struct timespec time = {0, ms * 1000 * 1000};
  nanosleep(&time, NULL);
}

/* Returns whether there is more to send. */
static int send_some(int fd) {
  size_t n = to_send - sent < CHUNK ? to_send - sent : CHUNK;
  ssize_t rc = send(fd, pattern + sent % PERIOD, n, MSG_NOSIGNAL);
  if (rc < 0 && errno != EAGAIN && errno != EINTR)
    fail("send", -errno);
  sent += rc > 0 ? (size_t)rc : 0;
  if (sent < to_send)
    return 1;
  if (!reset)
    shutdown(fd, SHUT_WR);
  return 0;
}

/* Returns whether there is more to receive. */
static int receive_some(int fd) {
  ssize_t n = recv(fd, received, sizeof received, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return 1;
  if (n < 0)
    fail("receive", -errno);
  if (memcmp(received, pattern + got % PERIOD, (size_t)n) != 0)
    quit("receive", "other bytes than were sent");
  got += (size_t)n;
  if (slow)
    sleep_ms(1);
  return n > 0;
}

static void transfer(int fd) {
  int sending = !idle;
  int receiving = 1;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while (sending || (receiving && !reset)) {
    struct pollfd p = {.fd = fd};
    p.events = (short)((sending ? POLLOUT : 0) | (receiving ? POLLIN : 0));
    if (poll(&p, 1, 30000) <= 0)
      quit("poll", "nothing happens");
    if (receiving && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
      receiving = receive_some(fd);
    if (sending && (p.revents & (POLLOUT | POLLERR)) != 0)
      sending = send_some(fd);
  }
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  if (reset) {
    sleep_ms(200); /* for what was sent to arrive */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(fd);
}

int main(int argc, char **argv) {
  const char *listening = NULL, *connecting = NULL, *rcvbuf = NULL;
  const char *send_word = NULL, *expect_word = NULL;
  const option_t options[] = {{"--listen", NULL, &listening},
                              {"--connect", NULL, &connecting},
                              {"--send", NULL, &send_word},
                              {"--expect", NULL, &expect_word},
                              {"--rcvbuf", NULL, &rcvbuf},
                              {"--slow", &slow, NULL},
                              {"--reset", &reset, NULL},
                              {"--idle", &idle, NULL},
                              {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  parse_options(argc, argv, help, options, 0);
  if (listening != NULL)
    parse_address("--listen", listening, &addr);
  else
    parse_address("--connect", connecting, &addr);
  to_send = send_word != NULL ? parse_bytes("--send", send_word) : 0;
  expected = expect_word != NULL ? parse_bytes("--expect", expect_word) : 0;
  make_pattern();
  transfer(open_socket(&addr, listening != NULL, rcvbuf));
  printf("sent %zu bytes, received %zu bytes\n", sent, got);
  if (!reset && got != expected)
    quit("receive", got < expected ? "too little" : "too much");
  return 0;
}
