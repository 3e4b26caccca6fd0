/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "crowd.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../samples/common.h"

enum { SECONDS = 120, MOST = 65536, EVENTS = 64 };

typedef struct member_s {
  int fd;
  size_t moved; /* bytes */
  int gone;
} member_t;

static const crowd_t *crowd;
static crowd_result_t sum;
static unsigned listening; /* readers that want more */
static int poller;
static char *pattern; /* any line-long piece of it is a line */

static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL)
    fail("crowd", UV_ENOMEM);
  return memory;
}

/* Lines of text that differ from their neighbours, so many that the largest
 * transfer is a piece of them from any offset. */
static void make_lines(void) {
  size_t len = crowd->line * 256 + MOST;
  pattern = allocate(len);
  for (size_t i = 0; i < len; i++) {
    size_t number = i / crowd->line % 256;
    pattern[i] = (char)('0' + (i + number) % 64);
    if (i % crowd->line == crowd->line - 1)
      pattern[i] = '\n';
  }
}

/* What stands at an offset of all that is sent. */
static const char *line_at(size_t offset) {
  return pattern + offset % (crowd->line * 256);
}

static void watch(member_t *m, uint32_t events, int how) {
  struct epoll_event event = {.events = events, .data.ptr = m};
  if (epoll_ctl(poller, how, m->fd, &event) != 0)
    fail("epoll", -errno);
}

static void join(member_t *m, uint32_t events) {
  m->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (m->fd < 0 || connect(m->fd, (const struct sockaddr *)&crowd->server,
                           sizeof crowd->server) != 0)
    fail("connect", -errno);
  if (events != 0)
    watch(m, events, EPOLL_CTL_ADD);
}

static void leave(member_t *m) {
  watch(m, 0, EPOLL_CTL_DEL);
  m->gone = 1;
}

static void on_sender(member_t *m) {
  size_t left = crowd->line * crowd->lines - m->moved;
  ssize_t n = send(m->fd, line_at(m->moved), left < MOST ? left : MOST,
                   MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    fail("send", -errno);
  if (n > 0)
    m->moved += (size_t)n;
  if (m->moved == crowd->line * crowd->lines)
    leave(m);
}

static void on_reader(member_t *m) {
  static char bytes[MOST];
  ssize_t n = recv(m->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n > 0) {
    if (memcmp(bytes, line_at(m->moved), (size_t)n) != 0)
      sum.bad = 1;
    m->moved += (size_t)n;
    if (m->moved < crowd->line * crowd->lines)
      return;
  } else {
    sum.lost++;
  }
  sum.lines += m->moved / crowd->line;
  listening--;
  leave(m);
}

/* All sends and reads, as the server lets us. */
static void attend(member_t *sender) {
  struct epoll_event events[EVENTS];
  while (listening > 0) {
    int n = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      member_t *m = events[i].data.ptr;
      if (m == sender)
        on_sender(m);
      else
        on_reader(m);
    }
  }
}

static void run_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((unsigned)cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    fail("--cpu", -errno);
}

static _Noreturn void run(int result) {
  member_t *members =
      allocate((1 + crowd->readers + crowd->stuck) * sizeof *members);
  alarm(SECONDS); /* if the server hangs */
  if (crowd->cpu >= 0)
    run_on(crowd->cpu);
  poller = epoll_create1(0);
  make_lines();
  join(&members[0], EPOLLOUT);
  for (unsigned i = 1; i <= crowd->readers + crowd->stuck; i++)
    join(&members[i], i <= crowd->readers ? EPOLLIN : 0);
  listening = crowd->readers;
  attend(&members[0]);
  if (write(result, &sum, sizeof sum) != sizeof sum)
    fail("result", -errno);
  shutdown(members[0].fd, SHUT_WR);
  if (read(members[0].fd, &sum, 1) > 0)
    quit("the sender", "got an answer");
  exit(0);
}

pid_t crowd_start(const crowd_t *options, int *result) {
  int fds[2];
  if (pipe(fds) != 0)
    fail("pipe", -errno);
  pid_t pid = fork();
  if (pid < 0)
    fail("fork", -errno);
  if (pid == 0) {
    crowd = options;
    run(fds[1]);
  }
  close(fds[1]);
  *result = fds[0];
  return pid;
}
