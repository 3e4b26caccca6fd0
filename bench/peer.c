/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "peer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { ROOM = 1 << 16, EVENTS = 256, SPARE = 64 /* descriptors */ };

/* ---- The process ---- */

static pid_t pid;

void peer_pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((unsigned)cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    fail("processor", -errno);
}

void peer_start(void (*peer)(void)) {
  pid = fork();
  if (pid < 0)
    fail("fork", -errno);
  if (pid > 0)
    return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (bench.peer_cpu >= 0)
    peer_pin(bench.peer_cpu);
  peer();
  _exit(0);
}

void peer_end(void) {
  if (pid <= 0)
    return;
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

int peer_listen(struct sockaddr_in *where) {
  socklen_t len = sizeof *where;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  *where = (struct sockaddr_in){.sin_family = AF_INET};
  where->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)where, len) != 0 ||
      listen(fd, 1024) != 0 ||
      getsockname(fd, (struct sockaddr *)where, &len) != 0)
    fail("cannot listen", -errno);
  return fd;
}

int peer_dial(const struct sockaddr_in *where) {
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)where, sizeof *where) != 0)
    fail("cannot connect", -errno);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/* ---- Connections ---- */

static struct sockaddr_in server;
static void (*what_to_do)(void);

static void dial_all(void) {
  for (unsigned i = 0; i < bench.sockets; i++)
    bench.others[i] = peer_dial(&server);
  what_to_do();
}

static void accept_all(void (*peer)(void)) {
  int on = 1, listener = peer_listen(&server);
  what_to_do = peer;
  peer_start(dial_all);
  for (unsigned i = 0; i < bench.sockets; i++) {
    bench.fds[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (bench.fds[i] < 0)
      fail("accept", -errno);
    setsockopt(bench.fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  close(listener);
}

/* As many descriptors as may be, and some more than connections. */
static void want_descriptors(unsigned n) {
  char what[64];
  struct rlimit limit;
  int r = getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  if (r == 0)
    r = setrlimit(RLIMIT_NOFILE, &limit);
  if (r == 0 && limit.rlim_cur >= n + SPARE)
    return;
  snprintf(what, sizeof what, "%u descriptors", n + SPARE);
  bench_skip(what, r != 0 ? -errno : UV_EMFILE);
}

void bench_connect(unsigned n, void (*peer)(void)) {
  int pair[2];
  want_descriptors(n);
  bench.sockets = n;
  bench.fds = bench_memory(n * sizeof(int));
  bench.others = bench_memory(n * sizeof(int));
  if (!bench.counted)
    accept_all(peer);
  for (unsigned i = 0; i < n && bench.counted; i++) {
    candidate_pair(pair);
    bench.fds[i] = pair[0];
    bench.others[i] = pair[1];
  }
}

/* ---- What they do ---- */

typedef struct member_s {
  int in, out;
  size_t sent, got; /* bytes; of an echo, of this message */
} member_t;

static member_t *members;
static int poller;
static char *pattern; /* what is sent, again and again, and a part of it */
static size_t length; /* of the pattern */

static void watch(int fd, member_t *m, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = m};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
    fail("epoll", -errno);
}

/* Whole lines, as many as make a good transfer. */
static void begin(void) {
  poller = epoll_create1(EPOLL_CLOEXEC);
  members = bench_memory(bench.sockets * sizeof *members);
  length = bench.bytes < ROOM ? ROOM / bench.bytes * bench.bytes : bench.bytes;
  pattern = bench_memory(length + ROOM);
  for (size_t i = 0; i < length + ROOM; i++) {
    size_t at = i % length;
    int last = at % bench.bytes == bench.bytes - 1;
    pattern[i] = last ? '\n' : (char)('0' + (at / bench.bytes + at) % 64);
  }
}

/* The server is gone, and with it the run. */
static _Noreturn void leave(void) {
  _exit(0);
}

static void send_on(member_t *m, size_t n, int flags) {
  const char *from = pattern + m->sent % length;
  ssize_t r = send(m->out, from, n, flags | MSG_NOSIGNAL);
  if (r < 0 && errno != EAGAIN && errno != EINTR)
    leave();
  if (r > 0)
    m->sent += (size_t)r;
}

static void receive(member_t *m) {
  static char room[ROOM];
  ssize_t r = recv(m->in, room, sizeof room, MSG_DONTWAIT);
  if (r < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (r <= 0)
    leave();
  if (memcmp(room, pattern + m->got % length, (size_t)r) != 0)
    quit(bench.workload->name, "other bytes came than were sent");
  m->got += (size_t)r;
}

/* What was not taken at once is sent as more comes back. */
static void on_answer(member_t *m) {
  receive(m);
  if (m->got == m->sent && m->sent % bench.bytes == 0)
    send_on(m, bench.bytes, MSG_DONTWAIT);
  else if (m->sent % bench.bytes != 0)
    send_on(m, bench.bytes - m->sent % bench.bytes, MSG_DONTWAIT);
}

static void discard(member_t *m) {
  static char room[ROOM];
  if (recv(m->in, room, sizeof room, MSG_DONTWAIT) == 0)
    leave();
}

static void attend(void (*on_ready)(member_t *m)) {
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < n; i++)
      on_ready(events[i].data.ptr);
  }
}

static void ping_pong(unsigned ends) {
  begin();
  for (unsigned i = 0; i < bench.sockets; i += ends) {
    members[i].out = bench.others[i];
    members[i].in = bench.others[i + ends - 1];
    watch(members[i].in, &members[i], EPOLLIN);
  }
  for (unsigned i = 0; i < bench.sockets; i += ends)
    send_on(&members[i], bench.bytes, MSG_DONTWAIT);
  attend(on_answer);
}

void peer_echo(void) {
  ping_pong(1);
}

void peer_relay(void) {
  ping_pong(2);
}

void peer_sink(void) {
  begin();
  for (unsigned i = 0; i < bench.sockets; i++) {
    members[i].in = bench.others[i];
    watch(members[i].in, &members[i], EPOLLIN);
  }
  attend(discard);
}

static void on_line(member_t *m) {
  if (m == members)
    send_on(m, length - m->sent % length, MSG_DONTWAIT);
  else
    receive(m);
}

void peer_lines(void) {
  begin();
  for (unsigned i = 0; i < bench.sockets; i++) {
    members[i].in = members[i].out = bench.others[i];
    watch(bench.others[i], &members[i], i == 0 ? EPOLLOUT : EPOLLIN);
  }
  attend(on_line);
}

void peer_wait(void) {
  char byte;
  while (read(bench.others[0], &byte, 1) > 0)
    ;
}
