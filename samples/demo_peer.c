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
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "dial.h"
#include "pattern.h"

static const char help[] =
    "usage: demo_peer --listen HOST:PORT | --connect HOST:PORT\n"
    "                 [--send BYTES] [--expect BYTES] [--rcvbuf BYTES]\n"
    "                 [--slow] [--idle] [--reset] [--expect-reset] [--deaf]\n"
    "                 [--crowd]\n"
    "Sends BYTES of a pattern and then the end of the stream; receives up to\n"
    "the peer's end and fails unless that was the pattern, --expect bytes.\n"
    "  --rcvbuf BYTES  size of the receive buffer\n"
    "  --slow          rest after each read\n"
    "  --idle          no end of the stream behind what is sent\n"
    "  --reset         receive nothing, and end with a reset when all is sent\n"
    "                  or no more can be\n"
    "  --expect-reset  fail unless the peer ends with a reset, behind no more\n"
    "                  than --expect bytes\n"
    "  --deaf          listen, and let nobody connect\n"
    "  --crowd         hold 49 more connections, which do nothing\n";

enum {
  CHUNK = 64 << 10,
  PERIOD = 65521,
  STUCK_MS = 300,
  LATE_MS = 30000,
  CROWD = 49
};

static size_t to_send, sent, expected, got;
static int slow, idle, reset, expect_reset, was_reset, deaf, crowd;

static void sleep_ms(long ms) {
  const struct timespec time = {0, ms * 1000 * 1000};
  nanosleep(&time, NULL);
}

/* After a call that failed: returns whether it is to be tried again. */
static int again(const char *what) {
  if (errno == EAGAIN || errno == EINTR)
    return 1;
  was_reset = errno == ECONNRESET || errno == EPIPE;
  if (!was_reset || !expect_reset)
    fail(what, -errno);
  return 0;
}

/* Returns whether there is more to send. */
static int send_some(int fd) {
  size_t left = to_send - sent;
  size_t n = left < PATTERN_CHUNK ? left : PATTERN_CHUNK;
  ssize_t rc = send(fd, pattern_at(sent), n, MSG_NOSIGNAL);
  if (rc < 0)
    return again("send");
  sent += (size_t)rc;
  if (sent < to_send)
    return 1;
  if (!idle)
    shutdown(fd, SHUT_WR);
  return 0;
}

/* Returns whether there is more to receive. */
static int receive_some(int fd) {
  static char received[PATTERN_CHUNK];
  ssize_t n = recv(fd, received, sizeof received, 0);
  if (n < 0)
    return again("receive");
  if (memcmp(received, pattern_at(got), (size_t)n) != 0)
    quit("receive", "other bytes than were sent");
  got += (size_t)n;
  if (slow)
    sleep_ms(1);
  return n > 0;
}

/* Behind the end a reset is no end of reading. */
static void transfer(int fd) {
  int sending = to_send > 0 || !idle;
  int receiving = !reset;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while ((sending || receiving || expect_reset) && !was_reset) {
    struct pollfd p = {.fd = fd};
    p.events = (short)((sending ? POLLOUT : 0) | (receiving ? POLLIN : 0));
    if (poll(&p, 1, reset ? STUCK_MS : LATE_MS) <= 0) {
      if (reset)
        break;
      quit("poll", "nothing happens");
    }
    if (!receiving && !sending) {
      was_reset = (p.revents & POLLERR) != 0;
      break;
    }
    if (receiving && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
      receiving = receive_some(fd);
    if (sending && (p.revents & (POLLOUT | POLLERR)) != 0)
      sending = send_some(fd);
  }
}

static void end(int fd) {
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  if (reset) {
    sleep_ms(100); /* for what was sent to arrive */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(fd);
  printf("sent %zu bytes, received %zu bytes\n", sent, got);
  if (expect_reset && !was_reset)
    quit("receive", "an end and no reset");
  if (got > expected || (got < expected && !reset && !expect_reset))
    quit("receive", got < expected ? "too little" : "too much");
}

int main(int argc, char **argv) {
  const char *from = NULL, *to = NULL, *rcvbuf_word = NULL;
  const char *send_word = NULL, *expect_word = NULL;
  const option_t options[] = {{"--listen", NULL, &from},
                              {"--connect", NULL, &to},
                              {"--send", NULL, &send_word},
                              {"--expect", NULL, &expect_word},
                              {"--rcvbuf", NULL, &rcvbuf_word},
                              {"--slow", &slow, NULL},
                              {"--idle", &idle, NULL},
                              {"--reset", &reset, NULL},
                              {"--expect-reset", &expect_reset, NULL},
                              {"--deaf", &deaf, NULL},
                              {"--crowd", &crowd, NULL},
                              {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  parse_options(argc, argv, help, options, 0);
  if (from != NULL)
    parse_listen_address("--listen", from, &addr);
  else
    parse_address("--connect", to, &addr);
  to_send = send_word != NULL ? parse_bytes("--send", send_word) : 0;
  expected = expect_word != NULL ? parse_bytes("--expect", expect_word) : 0;
  int rcvbuf =
      rcvbuf_word != NULL ? (int)parse_bytes("--rcvbuf", rcvbuf_word) : 0;
  if (deaf)
    never_answer(&addr);
  for (int i = 0; crowd && i < CROWD; i++)
    dial(&addr, 0);
  int fd = from != NULL ? answer(&addr, rcvbuf) : dial(&addr, rcvbuf);
  transfer(fd);
  end(fd);
  return 0;
}
