/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A broadcast over loopback: each line of one sender goes to all clients, most
 * of which read and some of which do not. The server is cast.c; its clients are
 * a process of their own, crowd.c. Prints what there is to compare. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../samples/common.h"
#include "calls.h"
#include "cast.h"
#include "crowd.h"

static const char help[] =
    "usage: broadcast [--plain] [--lines N] [--bytes M] [--readers R]\n"
    "                 [--stuck S] [--limit B] [--cpu N]\n"
    "Serves N lines of M bytes to R clients that read and S that do not; cuts\n"
    "a client with more than B bytes queued. --plain: on plain libuv. --cpu:\n"
    "the clients' processor.\n"
    "Prints lines delivered in a second; for one of them, microseconds of the\n"
    "server's processor time and its system calls; lines that came in percent\n"
    "of those sent; the clients that read and the others that were cut.\n";

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of processor time that this process took. */
static double processor_time(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static unsigned number(const char *option, const char *word,
                       unsigned otherwise) {
  size_t value = word != NULL ? parse_bytes(option, word) : otherwise;
  if (value > 1 << 30)
    quit(option, "too large");
  return (unsigned)value;
}

static int open_listener(crowd_t *crowd) {
  socklen_t len = sizeof crowd->server;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  crowd->server.sin_family = AF_INET;
  crowd->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&crowd->server, len) != 0 ||
      listen(fd, CAST_CLIENTS + 1) != 0 ||
      getsockname(fd, (struct sockaddr *)&crowd->server, &len) != 0)
    fail("cannot listen", -errno);
  return fd;
}

/* Connections come in the order in which the crowd makes them. */
static void open_server(cast_t *cast, int listener, unsigned count) {
  int fds[CAST_CLIENTS + 1];
  for (unsigned i = 0; i <= count; i++) {
    fds[i] = accept(listener, NULL, NULL);
    if (fds[i] < 0)
      fail("accept", -errno);
  }
  int rc = cast_open(cast, fds[0], fds + 1, count);
  if (rc != 0)
    fail("cannot serve", rc);
}

static unsigned count_cut(const cast_t *cast, unsigned from, unsigned to) {
  unsigned n = 0;
  for (; from < to; from++)
    n += cast->clients[from].cut != 0;
  return n;
}

static void print(const cast_t *cast, const crowd_t *crowd,
                  const crowd_result_t *r, double seconds, double used,
                  unsigned long calls) {
  double lines = (double)(r->lines > 0 ? r->lines : 1);
  double sent = (double)crowd->lines * crowd->readers;
  printf("%.0f %.3f %.4f %.2f %u %u\n", (double)r->lines / seconds,
         used * 1e6 / lines, (double)calls / lines,
         (double)r->lines * 100 / sent, count_cut(cast, 0, crowd->readers),
         count_cut(cast, crowd->readers, cast->count));
}

/* Serves until the sender is gone. */
static void serve(cast_t *cast, const crowd_t *crowd, int result) {
  crowd_result_t r;
  double used = processor_time(), start = now();
  unsigned long calls = cast_calls(cast);
  calls_count(1);
  while (!cast->ended && cast->error == 0)
    uv_run(cast->uv, UV_RUN_ONCE);
  calls_count(0);
  calls = cast_calls(cast) - calls;
  used = processor_time() - used;
  double seconds = now() - start;
  if (cast->error != 0)
    fail("serving", cast->error);
  if (read(result, &r, sizeof r) != sizeof r)
    quit("the clients", "have no result");
  if (r.bad)
    quit("a client", "got other bytes than were sent");
  print(cast, crowd, &r, seconds, used, calls);
}

int main(int argc, char **argv) {
  static cast_t cast;
  static crowd_t crowd;
  int plain = 0, result;
  const char *lines = NULL, *bytes = NULL, *readers = NULL, *stuck = NULL;
  const char *limit = NULL, *cpu = NULL;
  const option_t options[] = {
      {"--plain", &plain, NULL}, {"--lines", NULL, &lines},
      {"--bytes", NULL, &bytes}, {"--readers", NULL, &readers},
      {"--stuck", NULL, &stuck}, {"--limit", NULL, &limit},
      {"--cpu", NULL, &cpu},     {NULL, NULL, NULL}};
  uv_loop_t uv;

  parse_options(argc, argv, help, options, 0);
  crowd.readers = number("--readers", readers, 30);
  crowd.stuck = number("--stuck", stuck, 3);
  crowd.line = number("--bytes", bytes, 256);
  crowd.lines = number("--lines", lines, 29000);
  crowd.cpu = cpu != NULL ? atoi(cpu) : -1;
  if (crowd.readers + crowd.stuck > CAST_CLIENTS || crowd.line > CAST_READ)
    quit("options", "too many clients, or too long a line");
  signal(SIGPIPE, SIG_IGN); /* uv_write raises it; weir does not */
  int listener = open_listener(&crowd);
  pid_t pid = crowd_start(&crowd, &result);

  if (!plain)
    cast.weir = open_loop(&uv);
  else if (uv_loop_init(&uv) != 0)
    quit("libuv", "cannot make a loop");
  cast.uv = &uv;
  cast.line = crowd.line;
  cast.limit = number("--limit", limit, 256 * 1024);
  open_server(&cast, listener, crowd.readers + crowd.stuck);
  serve(&cast, &crowd, result);
  cast_close(&cast);
  uv_run(&uv, UV_RUN_DEFAULT);
  close_loop(&uv, cast.weir);
  waitpid(pid, NULL, 0);
  return 0;
}
