/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* The client of the echo servers: on each connection it sends a message, waits
 * until all of it has come back, and sends it again. It is raw io_uring, since
 * a client that is slower than the servers would measure itself. Prints round
 * trips in a second, the microseconds of processor time that the server took
 * for each, and the number of all. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <liburing.h>

#include "../samples/common.h"

static const char help[] =
    "usage: client --connect HOST:PORT [--connections N] [--bytes M]\n"
    "              [--milliseconds T] [--cpu N] [--server PID]\n"
    "Ping-pong of M bytes on N connections with an echo server, for T ms.\n"
    "Prints round trips in a second, microseconds of the processor time that\n"
    "--server took for one, and the number of all round trips.\n";

enum { MAX_CONNECTIONS = 1024, MAX_BYTES = 65536 };

static struct io_uring ring;
static char message[MAX_BYTES];
static char answer[MAX_BYTES];
static size_t bytes = 64;
static int fds[MAX_CONNECTIONS];
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

static struct io_uring_sqe *next_sqe(void) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  if (sqe == NULL)
    quit("io_uring", "no room for a submission");
  return sqe;
}

/* A send reports its failure only. */
static void send_message(int fd) {
  struct io_uring_sqe *sqe = next_sqe();
  io_uring_prep_send(sqe, fd, message, bytes, MSG_NOSIGNAL | MSG_WAITALL);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = MAX_CONNECTIONS;
}

static void receive(unsigned i) {
  struct io_uring_sqe *sqe = next_sqe();
  io_uring_prep_recv(sqe, fds[i], answer, bytes - received[i], 0);
  sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
  sqe->user_data = i;
}

static void on_completion(const struct io_uring_cqe *cqe) {
  unsigned i = (unsigned)cqe->user_data;
  if (cqe->res <= 0 || i == MAX_CONNECTIONS)
    fail("transfer", cqe->res == 0 ? UV_EOF : cqe->res);
  received[i] += (size_t)cqe->res;
  if (received[i] == bytes) {
    received[i] = 0;
    trips++;
    send_message(fds[i]);
  }
  receive(i);
}

static void run_until(double end) {
  struct io_uring_cqe *cqes[256];
  do {
    int rc = io_uring_submit_and_wait(&ring, 1);
    if (rc < 0 && rc != -EINTR)
      fail("io_uring", rc);
    unsigned n = io_uring_peek_batch_cqe(&ring, cqes, 256);
    for (unsigned k = 0; k < n; k++)
      on_completion(cqes[k]);
    io_uring_cq_advance(&ring, n);
  } while (now() < end);
}

static void open_ring(void) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                            IORING_SETUP_DEFER_TASKRUN};
  int rc = io_uring_queue_init_params(4 * MAX_CONNECTIONS, &ring, &params);
  if (rc == -EINVAL)
    rc = io_uring_queue_init(4 * MAX_CONNECTIONS, &ring, 0);
  if (rc != 0)
    fail("io_uring", rc);
  io_uring_register_ring_fd(&ring);
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

  open_ring();
  for (unsigned i = 0; i < connections; i++)
    fds[i] = connect_to(&addr);
  for (unsigned i = 0; i < connections; i++) {
    send_message(fds[i]);
    receive(i);
  }
  run_until(now() + 0.1); /* to get warm */

  unsigned long before = trips;
  double used = pid != NULL ? processor_time(atol(pid)) : 0;
  double start = now();
  run_until(start + seconds);
  unsigned long counted = trips - before;
  double rate = (double)counted / (now() - start);
  if (pid != NULL)
    used = processor_time(atol(pid)) - used;
  printf("%.0f %.3f %lu\n", rate, used * 1e6 / (double)counted, trips);
  return 0;
}
