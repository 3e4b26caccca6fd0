/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* The client of the echo servers: on each connection it sends a message, waits
 * until all of it has come back, and sends it again. Plain epoll, so that it
 * favours neither. Prints round trips in a second, the microseconds of
 * processor time that the server took for each, and the number of all. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../samples/common.h"

static const char help[] =
    "usage: client --connect HOST:PORT [--connections N] [--bytes M]\n"
    "              [--milliseconds T] [--cpu N] [--server PID]\n"
    "Ping-pong of M bytes on N connections with an echo server, for T ms.\n"
    "Prints round trips in a second, microseconds of the processor time that\n"
    "--server took for one, and the number of all round trips.\n";

enum { MAX_CONNECTIONS = 1024, MAX_BYTES = 65536 };

static char message[MAX_BYTES];
static char answer[MAX_BYTES];
static size_t bytes = 64;
static size_t received[MAX_CONNECTIONS];
static unsigned long trips;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of processor time that a process took. */
static double processor_time(long pid) {
  char path[64], line[1024];
  unsigned long user = 0, system = 0;
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL)
    fail(path, -errno);
  char *end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
  fclose(file);
  if (end == NULL || sscanf(end,
                            ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                            "%lu %lu",
                            &user, &system) != 2)
    quit(path, "cannot be understood");
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static int connect_to(const struct sockaddr_storage *addr) {
  int on = 1;
  int fd = socket(addr->ss_family, SOCK_STREAM, 0);
  if (fd < 0 ||
      connect(fd, (const struct sockaddr *)addr,
              addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in)) != 0)
    fail(address_text(addr).text, -errno);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void send_message(int fd) {
  if (send(fd, message, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
    fail("send", -errno);
}

static void on_readable(int fd, size_t *have) {
  ssize_t n = recv(fd, answer, bytes - *have, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0)
    fail("receive", n == 0 ? UV_EOF : -errno);
  *have += (size_t)n;
  if (*have < bytes)
    return;
  *have = 0;
  trips++;
  send_message(fd);
}

static void run_until(int epoll, const int *fds, double end) {
  struct epoll_event events[256];
  do {
    int n = epoll_wait(epoll, events, 256, 1000);
    for (int i = 0; i < n; i++)
      on_readable(fds[events[i].data.u32], &received[events[i].data.u32]);
  } while (now() < end);
}

static long number(const char *option, const char *word, long otherwise,
                   long most) {
  long value = word != NULL ? (long)parse_bytes(option, word) : otherwise;
  if (value > most)
    quit(option, "too large");
  return value;
}

int main(int argc, char **argv) {
  const char *to = NULL, *count = NULL, *size = NULL, *time = NULL;
  const char *cpu = NULL, *pid = NULL;
  const option_t options[] = {
      {"--connect", NULL, &to}, {"--connections", NULL, &count},
      {"--bytes", NULL, &size}, {"--milliseconds", NULL, &time},
      {"--cpu", NULL, &cpu},    {"--server", NULL, &pid},
      {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  int fds[MAX_CONNECTIONS];

  parse_options(argc, argv, help, options, 0);
  parse_address("--connect", to, &addr);
  long connections = number("--connections", count, 64, MAX_CONNECTIONS);
  double seconds = (double)number("--milliseconds", time, 1000, 600000) / 1000;
  bytes = (size_t)number("--bytes", size, 64, MAX_BYTES);
  if (cpu != NULL) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)atoi(cpu), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
      fail("--cpu", -errno);
  }

  int epoll = epoll_create1(0);
  for (int i = 0; i < connections; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)i};
    fds[i] = connect_to(&addr);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) != 0)
      fail("epoll", -errno);
  }
  for (int i = 0; i < connections; i++)
    send_message(fds[i]);
  run_until(epoll, fds, now() + 0.1); /* to get warm */

  unsigned long before = trips;
  double used = pid != NULL ? processor_time(atol(pid)) : 0;
  double start = now();
  run_until(epoll, fds, start + seconds);
  unsigned long counted = trips - before;
  double rate = (double)counted / (now() - start);
  if (pid != NULL)
    used = processor_time(atol(pid)) - used;
  printf("%.0f %.3f %lu\n", rate, used * 1e6 / (double)counted, trips);
  return 0;
}
