/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir.h>

#include "../samples/common.h"
#include "candidate.h"

/* Many small messages to many TCP connections: the writer queues a batch on
 * each, and the next when all of that has gone; each message is a write of its
 * own. A process of its own reads. Prints messages in a second, and the
 * microseconds of the writer's processor time for one. */

enum { PEERS = 64, BATCH = 64, MESSAGE = 64, ROOM = 1 << 20 };

typedef struct peer_s {
  int fd;
  unsigned waits; /* for so many of the batch */
  unsigned batches;
  union {
    uv_tcp_t uv;
    weir_stream_t weir;
  } stream;
  union {
    uv_write_t uv;
    weir_op_t weir;
  } writes[BATCH];
} peer_t;

static peer_t peers[PEERS];
static char message[MESSAGE];
static unsigned batches; /* for each */

static double seconds(struct timeval t) {
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- The reader ---- */

static void connect_all(const struct sockaddr_in *to, int poller) {
  for (size_t i = 0; i < PEERS; i++) {
    struct epoll_event event = {.events = EPOLLIN};
    event.data.fd = socket(AF_INET, SOCK_STREAM, 0);
    if (event.data.fd < 0 ||
        connect(event.data.fd, (const struct sockaddr *)to, sizeof *to) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
      fail("reader", -errno);
  }
}

static void read_all(const struct sockaddr_in *from) {
  static char room[ROOM];
  struct epoll_event events[PEERS];
  int poller = epoll_create1(0);
  size_t left = (size_t)PEERS * batches * BATCH * MESSAGE;
  connect_all(from, poller);
  while (left > 0) {
    int n = epoll_wait(poller, events, PEERS, -1);
    for (int i = 0; i < n; i++) {
      ssize_t r = read(events[i].data.fd, room, sizeof room);
      if (r < 0)
        fail("reader", -errno);
      if (r == 0)
        close(events[i].data.fd);
      left -= (size_t)r;
    }
  }
  _exit(0);
}

/* ---- Libuv ---- */

static void uv_batch(peer_t *p);

static void on_uv_written(uv_write_t *request, int status) {
  peer_t *p = request->data;
  if (status != 0)
    fail("write", status);
  if (--p->waits == 0)
    uv_batch(p);
}

static void uv_batch(peer_t *p) {
  uv_buf_t data = uv_buf_init(message, MESSAGE);
  if (p->batches-- == 0) {
    uv_close((uv_handle_t *)&p->stream.uv, NULL);
    return;
  }
  for (p->waits = 0; p->waits < BATCH; p->waits++) {
    uv_write_t *request = &p->writes[p->waits].uv;
    request->data = p;
    if (uv_write(request, (uv_stream_t *)&p->stream.uv, &data, 1,
                 on_uv_written) != 0)
      quit("libuv", "cannot write");
  }
}

static void uv_begin(uv_loop_t *uv, peer_t *p) {
  if (uv_tcp_init(uv, &p->stream.uv) != 0 ||
      uv_tcp_open(&p->stream.uv, p->fd) != 0)
    quit("libuv", "cannot begin");
  uv_batch(p);
}

/* ---- Weir ---- */

static void weir_batch(peer_t *p);

static void on_written(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  (void)n;
  if (status != 0)
    fail("write", status);
  if (--p->waits == 0)
    weir_batch(p);
}

static void weir_batch(peer_t *p) {
  if (p->batches-- == 0) {
    if (weir_close(&p->stream.weir, NULL) != 0)
      quit("weir", "cannot close");
    return;
  }
  for (p->waits = 0; p->waits < BATCH; p->waits++) {
    weir_op_t *op = &p->writes[p->waits].weir;
    op->data = p;
    if (weir_write(op, &p->stream.weir, weir_seq_block(message, MESSAGE),
                   on_written) != 0)
      quit("weir", "cannot write");
  }
}

static void weir_begin(weir_loop_t *weir, peer_t *p) {
  if (weir_tcp_init(weir, &p->stream.weir) != 0 ||
      weir_tcp_open(&p->stream.weir, p->fd) != 0)
    quit("weir", "cannot begin");
  weir_batch(p);
}

/* ---- The program ---- */

static int open_listener(struct sockaddr_in *addr) {
  socklen_t len = sizeof *addr;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  *addr = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (struct sockaddr *)addr, len) != 0 ||
      listen(fd, PEERS) != 0 ||
      getsockname(fd, (struct sockaddr *)addr, &len) != 0)
    fail("cannot listen", -errno);
  return fd;
}

static void use_processor(const char *word) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((unsigned)atoi(word), &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void run(candidate_t candidate) {
  uv_loop_t uv;
  struct rusage usage;
  weir_loop_t *weir = candidate_attach(candidate, &uv, NULL);
  double start = now();
  for (size_t i = 0; i < PEERS; i++) {
    peers[i].batches = batches;
    if (weir != NULL)
      weir_begin(weir, &peers[i]);
    else
      uv_begin(&uv, &peers[i]);
  }
  uv_run(&uv, UV_RUN_DEFAULT);
  wait(NULL);
  double count = (double)PEERS * batches * BATCH;
  double took = now() - start;
  getrusage(RUSAGE_SELF, &usage);
  double used = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  printf("%.0f %.4f\n", count / took, used * 1e6 / count);
}

int main(int argc, char **argv) {
  struct sockaddr_in addr;
  if (argc != 4)
    quit("usage", "fanout CANDIDATE BATCHES READERS-PROCESSOR");
  candidate_t candidate = candidate_named(argv[1]);
  batches = (unsigned)strtoul(argv[2], NULL, 10);
  signal(SIGPIPE, SIG_IGN); /* uv_write raises it; weir does not */
  int listener = open_listener(&addr);
  pid_t pid = fork();
  if (pid < 0)
    fail("fork", -errno);
  if (pid == 0) {
    use_processor(argv[3]);
    read_all(&addr);
  }
  for (size_t i = 0; i < PEERS; i++) {
    peers[i].fd = accept(listener, NULL, NULL);
    if (peers[i].fd < 0)
      fail("accept", -errno);
  }
  run(candidate);
  return 0;
}
