/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Talks to a server for the tests: sends what comes on stdin over a TCP
 * connection, and prints what comes back. It is made of plain system calls, so
 * that it proves something about weir. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "dial.h"

static const char help[] =
    "usage: talk --connect HOST:PORT [--open] [--late FILE] [--bytes]\n"
    "            [--cuts]\n"
    "Sends what comes on stdin and then the end of the stream, and prints "
    "what\n"
    "comes back, up to the peer's end.\n"
    "  --open   no end of the stream: the peer has to end it\n"
    "  --late   receive only when no more can be sent, and say so on stderr\n"
    "  --bytes  send each byte by itself\n"
    "  --cuts   send it in two parts, cut at each place, on a connection each\n"
    "           time; what comes back has to be the same, and is printed "
    "once\n";

enum { CHUNK = 64 << 10, STUCK_MS = 300, LATE_MS = 30000 };

typedef struct bytes_s {
  char *at;
  size_t len;
  size_t room;
} bytes_t;

static int leave_open, bytewise;
static const char *late;

/* Room for a chunk behind the bytes. */
static char *room(bytes_t *bytes) {
  if (bytes->room - bytes->len < CHUNK) {
    bytes->room = 2 * bytes->room + CHUNK;
    bytes->at = realloc(bytes->at, bytes->room);
    if (bytes->at == NULL)
      fail("talk", UV_ENOMEM);
  }
  return bytes->at + bytes->len;
}

static bytes_t read_all(void) {
  bytes_t in = {0};
  ssize_t n;
  while ((n = read(0, room(&in), CHUNK)) > 0)
    in.len += (size_t)n;
  return in;
}

static size_t send_some(int fd, const bytes_t *out, size_t at, size_t most) {
  size_t n = out->len - at < most ? out->len - at : most;
  ssize_t sent = send(fd, out->at + at, n, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN)
    fail("send", -errno);
  return sent > 0 ? (size_t)sent : 0;
}

/* Returns whether there is more to come. */
static int receive_some(int fd, bytes_t *in) {
  ssize_t n = recv(fd, room(in), CHUNK, 0);
  if (n < 0 && errno != EAGAIN) {
    int error = -errno;
    fwrite(in->at, 1, in->len, stdout);
    fail("receive", error);
  }
  in->len += n > 0 ? (size_t)n : 0;
  return n != 0;
}

/* Nothing can be done at the moment; returns whether to receive from now on. */
static int wait_longer(size_t sent) {
  static int said;
  if (!said)
    fprintf(stderr, "talk: stuck at %zu bytes\n", sent);
  said = 1;
  return access(late, F_OK) == 0;
}

/* Sends up to `cut` and the rest after a while; returns what comes back. */
static bytes_t talk(int fd, const bytes_t *out, size_t cut) {
  const struct timespec while_ = {0, 500 * 1000};
  bytes_t in = {0};
  size_t at = 0;
  int receiving = late == NULL, sending = 1, more = 1;
  while (more) {
    struct pollfd p = {.fd = fd};
    p.events = (short)((sending ? POLLOUT : 0) | (receiving ? POLLIN : 0));
    if (poll(&p, 1, receiving ? LATE_MS : STUCK_MS) == 0) {
      if (receiving)
        quit("poll", "nothing happens");
      receiving = wait_longer(at);
    }
    if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
      more = receive_some(fd, &in);
    if (!sending || (p.revents & (POLLOUT | POLLERR)) == 0)
      continue;
    at += send_some(fd, out, at, at < cut ? cut - at : bytewise ? 1 : CHUNK);
    if (at == cut && cut > 0)
      nanosleep(&while_, NULL);
    sending = at < out->len;
    if (!sending && !leave_open)
      shutdown(fd, SHUT_WR);
  }
  close(fd);
  return in;
}

static bytes_t talk_to(const struct sockaddr_storage *addr, const bytes_t *out,
                       size_t cut) {
  const int on = 1;
  int fd = dial(addr, late != NULL ? CHUNK : 0); /* the system holds little */
  fcntl(fd, F_SETFL, O_NONBLOCK);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return talk(fd, out, cut);
}

int main(int argc, char **argv) {
  const char *to = NULL;
  int cuts = 0;
  const option_t options[] = {
      {"--connect", NULL, &to}, {"--open", &leave_open, NULL},
      {"--late", NULL, &late},  {"--bytes", &bytewise, NULL},
      {"--cuts", &cuts, NULL},  {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  parse_options(argc, argv, help, options, 0);
  parse_address("--connect", to, &addr);
  bytes_t out = read_all();
  bytes_t in = talk_to(&addr, &out, 0);
  for (size_t cut = 1; cuts && cut < out.len; cut++) {
    bytes_t again = talk_to(&addr, &out, cut);
    if (again.len != in.len || memcmp(again.at, in.at, in.len) != 0)
      quit("receive", "what depends on where it was cut");
    free(again.at);
  }
  fwrite(in.at, 1, in.len, stdout);
  free(in.at);
  free(out.at);
  return fflush(stdout) == 0 ? 0 : 1;
}
