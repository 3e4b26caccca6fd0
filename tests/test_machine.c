/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#if WEIR_HAVE_MACHINE

#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <liburing.h>

#include "machine/machine.h"
#include "support/fixture.h"
#include "support/net.h"

/* The simulated kernel answers as the real one does: the same calls on both,
 * and what they said. A kernel whose rings know less than those of Linux 6.1 is
 * not compared. */

enum { LINES = 200, LINE = 120, NAMES = 20 };

struct record {
  char lines[LINES][LINE];
  int n;
};

static struct record records[2];
static struct record *record;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  cr_assert(record->n < LINES);
  vsnprintf(record->lines[record->n++], LINE, format, args);
  va_end(args);
}

/* What a call said. */
static void said(const char *what, long r) {
  if (r < 0)
    say("%s: %s", what, strerror(errno));
  else
    say("%s: %ld", what, r);
}

/* Of a request of a ring. */
static void told(const char *what, int r) {
  if (r < 0)
    say("%s: %s", what, strerror(-r));
  else
    say("%s: %d", what, r);
}

/* A descriptor's number does not matter. */
static int made(const char *what, int fd) {
  said(what, fd < 0 ? fd : 0);
  return fd;
}

static void both(void (*script)(void)) {
  const machine_options_t calm = {0};
  record = &records[0];
  script();
  record = &records[1];
  machine_begin(&calm);
  script();
  machine_end();
  for (int i = 0; i < records[0].n && i < records[1].n; i++)
    cr_assert(strcmp(records[0].lines[i], records[1].lines[i]) == 0,
              "%d: the system says %s, the machine %s", i, records[0].lines[i],
              records[1].lines[i]);
  check_is(records[0].n, records[1].n);
}

#define BOTH(name)                                                             \
  static void script_##name(void);                                             \
  Test(machine, name, .timeout = 60) {                                         \
    both(script_##name);                                                       \
  }                                                                            \
  static void script_##name(void)

static int open_ring(struct io_uring *ring, unsigned entries) {
  struct io_uring_params params;
  memset(&params, 0, sizeof(params));
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED;
  params.cq_entries = 4 * entries;
  return io_uring_queue_init_params(entries, ring, &params);
}

/* Whether the system has such rings, and lets them be set up, enabled and
 * entered: 0 or why not. */
static int rings_work(void) {
  struct io_uring ring;
  int r = open_ring(&ring, 8);
  if (r != 0)
    return r;
  r = io_uring_register((unsigned)ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
                        NULL, 0);
  if (r == 0) {
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    r = io_uring_submit_and_wait(&ring, 1);
  }
  io_uring_queue_exit(&ring);
  return r < 0 ? r : 0;
}

static void both_rings(void (*script)(void)) {
  int r = rings_work();
  if (r != 0)
    cr_skip("there are no rings as of Linux 6.1: %s", uv_strerror(r));
  both(script);
}

#define BOTH_RINGS(name)                                                       \
  static void script_##name(void);                                             \
  Test(machine, name, .timeout = 60) {                                         \
    both_rings(script_##name);                                                 \
  }                                                                            \
  static void script_##name(void)

/* ---- What is asked ---- */

static void ready(const char *what, int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
  int n = poll(&p, 1, 0);
  say("%s: %d:%s%s%s%s%s%s", what, n, p.revents & POLLIN ? " in" : "",
      p.revents & POLLOUT ? " out" : "", p.revents & POLLERR ? " err" : "",
      p.revents & POLLHUP ? " hup" : "", p.revents & POLLRDHUP ? " rdhup" : "",
      p.revents & POLLNVAL ? " nval" : "");
}

/* What comes from elsewhere takes a moment. */
static void wait_for(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = (short)events};
  while (poll(&p, 1, 1000) < 0)
    continue;
}

static void sends(const char *what, int fd, size_t len) {
  static char bytes[1 << 16];
  said(what, send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static void receives(const char *what, int fd, size_t len) {
  static char bytes[1 << 16];
  said(what, recv(fd, bytes, len, MSG_DONTWAIT));
}

static void error_of(const char *what, int fd) {
  int error = 0;
  socklen_t len = sizeof(error);
  said(what, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
  say("%s", error == 0 ? "none" : strerror(error));
}

/* ---- Pairs ---- */

static void pair_of(int tcp, int fds[2]) {
  if (machine_is_on())
    machine_pair(tcp, 0, fds);
  else if (tcp)
    pair_tcp(fds, 0, 0);
  else
    pair_unix(fds);
}

static void end_in_order(int tcp) {
  int fds[2];
  pair_of(tcp, fds);
  ready("at first", fds[0]);
  receives("nothing there", fds[0], 8);
  sends("send", fds[0], 5);
  wait_for(fds[1], POLLIN);
  ready("something there", fds[1]);
  receives("part", fds[1], 3);
  receives("rest", fds[1], 8);
  receives("no more", fds[1], 8);
  said("shutdown", shutdown(fds[0], SHUT_WR));
  wait_for(fds[1], POLLRDHUP);
  ready("the one that ended", fds[0]);
  ready("the other", fds[1]);
  receives("end", fds[1], 8);
  receives("end again", fds[1], 8);
  sends("behind the end", fds[0], 1);
  sends("the other way", fds[1], 4);
  wait_for(fds[0], POLLIN);
  receives("the other way", fds[0], 8);
  said("shutdown", shutdown(fds[1], SHUT_WR));
  wait_for(fds[0], POLLRDHUP);
  ready("both ended", fds[0]);
  ready("both ended", fds[1]);
  error_of("error", fds[0]);
  said("close", close(fds[0]));
  said("close", close(fds[1]));
  said("close again", close(fds[1]));
}

BOTH(an_end_in_order_tcp) {
  end_in_order(1);
}

BOTH(an_end_in_order_unix) {
  end_in_order(0);
}

/* The peer goes, with bytes that it has not read or without. */
static void peer_goes(int tcp, int unread) {
  int fds[2];
  pair_of(tcp, fds);
  sends("to be read", fds[1], 4);
  wait_for(fds[0], POLLIN);
  if (unread) {
    sends("never read", fds[0], 4);
    wait_for(fds[1], POLLIN);
  }
  said("close", close(fds[1]));
  wait_for(fds[0], POLLRDHUP);
  ready("alone", fds[0]);
  receives("what came before", fds[0], 8);
  receives("behind it", fds[0], 8);
  receives("and once more", fds[0], 8);
  sends("to nobody", fds[0], 4);
  if (tcp && !unread)
    wait_for(fds[0], 0);
  ready("after that", fds[0]);
  sends("again", fds[0], 4);
  sends("and again", fds[0], 4);
  receives("the end", fds[0], 8);
  error_of("error", fds[0]);
  said("close", close(fds[0]));
}

BOTH(a_peer_that_goes_tcp) {
  peer_goes(1, 0);
}

BOTH(a_peer_that_goes_unix) {
  peer_goes(0, 0);
}

BOTH(a_peer_that_goes_without_reading_tcp) {
  peer_goes(1, 1);
}

BOTH(a_peer_that_goes_without_reading_unix) {
  peer_goes(0, 1);
}

/* Room is told only where there is a good deal of it. */
static void fills(int tcp) {
  static char bytes[1024];
  int fds[2];
  pair_of(tcp, fds);
  while (send(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    continue;
  said("full", send(fds[0], bytes, 1, MSG_DONTWAIT));
  ready("full", fds[0]);
  wait_for(fds[1], POLLIN);
  for (int i = 0; i < 4; i++)
    receives("some", fds[1], sizeof(bytes));
  ready("not enough", fds[0]);
  while (recv(fds[1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    continue;
  wait_for(fds[0], POLLOUT);
  ready("empty", fds[0]);
  close(fds[0]);
  close(fds[1]);
}

BOTH(a_socket_that_fills_tcp) {
  fills(1);
}

BOTH(a_socket_that_fills_unix) {
  fills(0);
}

/* ---- Connections ---- */

static struct sockaddr_in any(void) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listener(struct sockaddr_in *addr) {
  socklen_t len = sizeof(*addr);
  int fd = made("socket", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  *addr = any();
  said("bind", bind(fd, (struct sockaddr *)addr, len));
  said("listen", listen(fd, 4));
  said("name", getsockname(fd, (struct sockaddr *)addr, &len));
  return fd;
}

BOTH(a_connection) {
  struct sockaddr_in addr;
  int server = listener(&addr), peer;
  int fd = made("socket", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ready("fresh", fd);
  ready("listening", server);
  sends("not connected", fd, 1);
  receives("not connected", fd, 1);
  said("shutdown", shutdown(fd, SHUT_WR));
  made("nobody there", accept4(server, NULL, NULL, 0));
  receives("of a listener", server, 1);
  said("connect", connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
  wait_for(fd, POLLOUT);
  ready("connected", fd);
  error_of("error", fd);
  wait_for(server, POLLIN);
  peer = made("accept", accept4(server, NULL, NULL, SOCK_NONBLOCK));
  made("no other", accept4(server, NULL, NULL, 0));
  sends("send", peer, 3);
  wait_for(fd, POLLIN);
  receives("receive", fd, 8);
  close(peer);
  close(fd);
  close(server);
}

BOTH(a_connection_that_is_refused) {
  struct sockaddr_in addr;
  int server = listener(&addr);
  int fd = made("socket", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  close(server);
  said("connect", connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
  wait_for(fd, POLLOUT);
  ready("refused", fd);
  error_of("error", fd);
  error_of("error again", fd);
  close(fd);
}

/* ---- Pipes, counters and files ---- */

BOTH(a_pipe) {
  static char bytes[70000];
  int fds[2];
  said("pipe", pipe2(fds, O_NONBLOCK));
  ready("reading", fds[0]);
  ready("writing", fds[1]);
  said("read", read(fds[0], bytes, 8));
  said("write", write(fds[1], bytes, 10));
  ready("reading", fds[0]);
  said("read", read(fds[0], bytes, 8));
  said("at an offset", preadv(fds[0], &(struct iovec){bytes, 1}, 1, 0));
  said("fill", write(fds[1], bytes, sizeof(bytes)) > 0);
  ready("full", fds[1]);
  said("read", read(fds[0], bytes, 3));
  said("full", write(fds[1], bytes, 4096));
  ready("nearly full", fds[1]);
  said("close", close(fds[1]));
  ready("no writer", fds[0]);
  said("rest", read(fds[0], bytes, sizeof(bytes)) > 0);
  said("end", read(fds[0], bytes, 8));
  ready("the end", fds[0]);
  said("close", close(fds[0]));
}

BOTH(a_pipe_without_a_reader) {
  int fds[2];
  signal(SIGPIPE, SIG_IGN);
  said("pipe", pipe2(fds, O_NONBLOCK));
  said("close", close(fds[0]));
  ready("no reader", fds[1]);
  said("write", write(fds[1], "x", 1));
  said("close", close(fds[1]));
}

BOTH(an_eventfd) {
  uint64_t n = 3;
  int fd = made("eventfd", eventfd(0, EFD_NONBLOCK));
  ready("zero", fd);
  said("read", read(fd, &n, sizeof(n)));
  said("write", write(fd, &n, sizeof(n)));
  said("write", write(fd, &n, sizeof(n)));
  ready("six", fd);
  said("read", read(fd, &n, sizeof(n)));
  say("%d", (int)n);
  said("too small", read(fd, &n, 4));
  n = UINT64_MAX;
  said("too much", write(fd, &n, sizeof(n)));
  n = UINT64_MAX - 1;
  said("most", write(fd, &n, sizeof(n)));
  ready("full", fd);
  n = 1;
  said("more", write(fd, &n, sizeof(n)));
  said("close", close(fd));
}

/* ---- Epoll ---- */

static void control(const char *what, int epfd, int op, int fd,
                    unsigned events) {
  struct epoll_event event = {.events = events};
  said(what, epoll_ctl(epfd, op, fd, &event));
}

static void look(const char *what, int epfd) {
  struct epoll_event events[4];
  int n = epoll_wait(epfd, events, 4, 0);
  said(what, n);
  for (int i = 0; i < n; i++)
    say("%x", events[i].events);
}

BOTH(an_epoll) {
  int fds[2], epfd = made("epoll", epoll_create1(0));
  pair_of(0, fds);
  control("modify", epfd, EPOLL_CTL_MOD, fds[0], EPOLLIN);
  control("add", epfd, EPOLL_CTL_ADD, fds[0], EPOLLIN);
  control("add again", epfd, EPOLL_CTL_ADD, fds[0], EPOLLIN);
  control("add nothing", epfd, EPOLL_CTL_ADD, -1, EPOLLIN);
  look("nothing", epfd);
  sends("send", fds[1], 1);
  look("something", epfd);
  look("still", epfd);
  ready("itself", epfd);
  control("modify", epfd, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLOUT);
  look("both", epfd);
  control("nothing wanted", epfd, EPOLL_CTL_MOD, fds[0], 0);
  look("nothing", epfd);
  said("close", close(fds[1]));
  look("the end is always told", epfd);
  control("delete", epfd, EPOLL_CTL_DEL, fds[0], 0);
  control("delete again", epfd, EPOLL_CTL_DEL, fds[0], 0);
  control("add", epfd, EPOLL_CTL_ADD, fds[0], EPOLLIN);
  said("close", close(fds[0]));
  look("closed", epfd);
  said("close", close(epfd));
}

/* ---- Rings ---- */

static void request(struct io_uring *ring, int tag, int opcode, int fd,
                    const void *addr, unsigned len) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  cr_assert(sqe != NULL);
  memset(sqe, 0, sizeof(*sqe));
  sqe->opcode = (uint8_t)opcode;
  sqe->fd = fd;
  sqe->addr = (uint64_t)(uintptr_t)addr;
  sqe->len = len;
  sqe->user_data = (unsigned)tag;
}

static void polling(struct io_uring *ring, int tag, int fd, unsigned events) {
  request(ring, tag, IORING_OP_POLL_ADD, fd, NULL, 0);
  ring->sq.sqes[(ring->sq.sqe_tail - 1) & ring->sq.ring_mask].poll32_events =
      events;
}

/* In the order of their names. */
static void reap(struct io_uring *ring) {
  static const int none = INT_MIN;
  int results[NAMES];
  for (int i = 0; i < NAMES; i++)
    results[i] = none;
  while (io_uring_cq_ready(ring) > 0) {
    unsigned at = *ring->cq.khead & ring->cq.ring_mask;
    results[ring->cq.cqes[at].user_data % NAMES] = ring->cq.cqes[at].res;
    io_uring_cq_advance(ring, 1);
  }
  for (int i = 0; i < NAMES; i++) {
    char name[24];
    snprintf(name, sizeof(name), "request %d", i);
    if (results[i] != none)
      told(name, results[i]);
  }
}

static void enter(const char *what, struct io_uring *ring, unsigned wanted) {
  told(what, io_uring_submit_and_wait(ring, wanted));
  reap(ring);
}

static void state(const char *what, const struct io_uring *ring) {
  say("%s: %s%s", what, *ring->sq.kflags & IORING_SQ_TASKRUN ? "work" : "",
      *ring->sq.kflags & IORING_SQ_CQ_OVERFLOW ? "overflow" : "");
}

BOTH_RINGS(a_ring) {
  struct io_uring ring;
  char bytes[16];
  int fds[2];
  pair_of(0, fds);
  told("set up", open_ring(&ring, 8));
  say("%u %u", ring.sq.ring_entries, ring.cq.ring_entries);
  request(&ring, 1, IORING_OP_NOP, -1, NULL, 0);
  enter("disabled", &ring, 0);
  told("enable", io_uring_register((unsigned)ring.ring_fd,
                                   IORING_REGISTER_ENABLE_RINGS, NULL, 0));
  told("enable again",
       io_uring_register((unsigned)ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
                         NULL, 0));
  enter("enabled", &ring, 1);
  request(&ring, 2, IORING_OP_RECV, -1, bytes, 8);
  request(&ring, 3, IORING_OP_RECV, fds[0], bytes, 8);
  enter("one waits", &ring, 0);
  state("nothing yet", &ring);
  sends("send", fds[1], 3);
  state("there", &ring);
  enter("fetch", &ring, 0);
  state("fetched", &ring);
  request(&ring, 4, IORING_OP_SEND, fds[0], "abc", 3);
  polling(&ring, 5, fds[0], POLLOUT);
  polling(&ring, 6, fds[0], POLLIN);
  enter("send and poll", &ring, 1);
  said("shutdown", shutdown(fds[1], SHUT_WR));
  enter("the poll tells", &ring, 1);
  io_uring_queue_exit(&ring);
  close(fds[0]);
  close(fds[1]);
}

static void open_enabled(struct io_uring *ring, unsigned entries) {
  told("set up", open_ring(ring, entries));
  told("enable", io_uring_register((unsigned)ring->ring_fd,
                                   IORING_REGISTER_ENABLE_RINGS, NULL, 0));
}

BOTH_RINGS(cancellations) {
  struct io_uring ring;
  char bytes[16];
  int fds[2], pipes[2];
  pair_of(0, fds);
  said("pipe", pipe2(pipes, 0));
  open_enabled(&ring, 8);
  request(&ring, 1, IORING_OP_RECV, fds[0], bytes, 8);
  polling(&ring, 2, fds[1], POLLIN);
  request(&ring, 3, IORING_OP_READ, pipes[0], bytes, 8);
  enter("begin", &ring, 0);
  for (int i = 1; i <= 4; i++)
    request(&ring, 10 + i, IORING_OP_ASYNC_CANCEL, -1, (void *)(intptr_t)i, 0);
  enter("cancel", &ring, 7);
  request(&ring, 5, IORING_OP_RECV, fds[0], bytes, 8);
  enter("begin", &ring, 0);
  sends("send", fds[1], 4);
  request(&ring, 15, IORING_OP_ASYNC_CANCEL, -1, (void *)(intptr_t)5, 0);
  enter("cancel what is there", &ring, 2);
  receives("nothing was lost", fds[0], 8);
  io_uring_queue_exit(&ring);
  close(fds[0]);
  close(fds[1]);
  close(pipes[0]);
  close(pipes[1]);
}

BOTH_RINGS(sends_that_do_not_wait) {
  struct io_uring ring;
  static char bytes[1 << 16];
  int fds[2];
  pair_of(0, fds);
  open_enabled(&ring, 8);
  while (send(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
    continue;
  request(&ring, 1, IORING_OP_SEND, fds[0], bytes, 8);
  ring.sq.sqes[0].msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  request(&ring, 2, IORING_OP_RECV, fds[0], bytes, 8);
  ring.sq.sqes[1].msg_flags = MSG_DONTWAIT;
  polling(&ring, 3, fds[0], POLLOUT);
  enter("full", &ring, 0);
  said("shutdown", shutdown(fds[1], SHUT_WR));
  enter("a poll tells of the end", &ring, 1);
  said("close", close(fds[1]));
  request(&ring, 4, IORING_OP_SEND, fds[0], bytes, 8);
  ring.sq.sqes[3].msg_flags = MSG_NOSIGNAL;
  enter("to nobody", &ring, 1);
  io_uring_queue_exit(&ring);
  close(fds[0]);
}

BOTH_RINGS(a_queue_of_completions_that_overflows) {
  struct io_uring ring;
  open_enabled(&ring, 1);
  for (int i = 0; i < 6; i++) {
    request(&ring, i, IORING_OP_NOP, -1, NULL, 0);
    ring.sq.sqe_head = ring.sq.sqe_tail;
    *ring.sq.ktail = ring.sq.sqe_tail;
    told("enter",
         io_uring_enter2((unsigned)ring.ring_fd, 1, 0, 0, NULL, _NSIG / 8));
  }
  state("full", &ring);
  reap(&ring);
  state("taken", &ring);
  enter("the rest", &ring, 0);
  state("all", &ring);
  io_uring_queue_exit(&ring);
}

BOTH_RINGS(what_tells_an_eventfd) {
  struct io_uring ring;
  char bytes[16];
  int fds[2], fd = made("eventfd", eventfd(0, EFD_NONBLOCK));
  pair_of(0, fds);
  open_enabled(&ring, 8);
  told("register", io_uring_register_eventfd(&ring, fd));
  io_uring_cq_eventfd_toggle(&ring, false);
  request(&ring, 1, IORING_OP_RECV, fds[0], bytes, 8);
  enter("begin", &ring, 0);
  sends("send", fds[1], 1);
  ready("off", fd);
  enter("fetch", &ring, 0);
  request(&ring, 2, IORING_OP_RECV, fds[0], bytes, 8);
  enter("begin", &ring, 0);
  io_uring_cq_eventfd_toggle(&ring, true);
  sends("send", fds[1], 1);
  ready("on", fd);
  said("read", read(fd, bytes, 8));
  state("work", &ring);
  enter("fetch", &ring, 0);
  io_uring_queue_exit(&ring);
  close(fds[0]);
  close(fds[1]);
  close(fd);
}

/* What an accept said; 1 if it was not known here. */
static int accepted(const char *what, struct io_uring *ring, unsigned wanted) {
  told(what, io_uring_submit_and_wait(ring, wanted));
  if (io_uring_cq_ready(ring) == 0)
    return 0;
  const struct io_uring_cqe *cqe =
      &ring->cq.cqes[*ring->cq.khead & ring->cq.ring_mask];
  int r = cqe->res;
  told(what, r < 0 ? r : 0);
  say("%s", cqe->flags & IORING_CQE_F_SOCK_NONEMPTY ? "and more" : "no more");
  io_uring_cq_advance(ring, 1);
  if (r >= 0)
    close(r);
  return r == -EINVAL;
}

static int accepts_first(const char *what, struct io_uring *ring, int server,
                         unsigned wanted) {
  enum { POLL_FIRST = 4 };
  request(ring, 1, IORING_OP_ACCEPT, server, NULL, 0);
  ring->sq.sqes[(ring->sq.sqe_tail - 1) & ring->sq.ring_mask].ioprio =
      POLL_FIRST;
  return accepted(what, ring, wanted);
}

static int knock(const struct sockaddr_in *addr) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  said("connect", connect(fd, (const struct sockaddr *)addr, sizeof(*addr)));
  wait_for(fd, POLLOUT);
  return fd;
}

BOTH_RINGS(accepts_that_wait_first) {
  struct sockaddr_in addr;
  struct io_uring ring;
  int server = listener(&addr), fds[3];
  open_enabled(&ring, 8);
  if (accepts_first("it waits", &ring, server, 0))
    cr_skip("accepts that wait first came with Linux 6.10");
  for (int i = 0; i < 3; i++)
    fds[i] = knock(&addr);
  wait_for(server, POLLIN);
  accepted("the first", &ring, 1);
  request(&ring, 1, IORING_OP_ACCEPT, server, NULL, 0);
  accepted("the second", &ring, 1);
  accepts_first("it is there", &ring, server, 1);
  for (int i = 0; i < 3; i++)
    close(fds[i]);
  io_uring_queue_exit(&ring);
  close(server);
}

/* ---- Buffers that are lent ---- */

enum { LENT = 4, LENT_SIZE = 8, PBUF_STATUS = 26 };

typedef struct table_s {
  union {
    struct io_uring_buf_ring ring;
    struct io_uring_buf bufs[LENT];
    char page[4096];
  } u;
  char slab[LENT][LENT_SIZE];
} table_t;

static int tell_table(struct io_uring *ring, unsigned what, table_t *table,
                      unsigned entries) {
  struct io_uring_buf_reg reg;
  memset(&reg, 0, sizeof(reg));
  reg.ring_addr = (uint64_t)(uintptr_t)table;
  reg.ring_entries = entries;
  reg.bgid = 3;
  return io_uring_register((unsigned)ring->ring_fd, what, &reg, 1);
}

static void lend(table_t *table, unsigned number) {
  uint16_t tail = table->u.ring.tail;
  struct io_uring_buf *entry = &table->u.bufs[tail % LENT];
  entry->addr = (uint64_t)(uintptr_t)table->slab[number];
  entry->len = LENT_SIZE;
  entry->bid = (uint16_t)number;
  io_uring_smp_store_release(&table->u.ring.tail, (uint16_t)(tail + 1));
}

/* How many were taken so far. */
static int taken(const struct io_uring *ring) {
  uint32_t status[10] = {3};
  int r = io_uring_register((unsigned)ring->ring_fd, PBUF_STATUS, status, 1);
  return r < 0 ? r : (int)status[1];
}

static void choosing(struct io_uring *ring, int tag, int fd, unsigned len) {
  request(ring, tag, IORING_OP_RECV, fd, NULL, len);
  struct io_uring_sqe *sqe =
      &ring->sq.sqes[(ring->sq.sqe_tail - 1) & ring->sq.ring_mask];
  sqe->flags = IOSQE_BUFFER_SELECT;
  sqe->buf_group = 3;
}

/* Of the only request: what came, and in which buffer. */
static void chosen(const char *what, struct io_uring *ring,
                   const table_t *table) {
  told(what, io_uring_submit_and_wait(ring, 0));
  if (io_uring_cq_ready(ring) == 0)
    return;
  const struct io_uring_cqe *cqe =
      &ring->cq.cqes[*ring->cq.khead & ring->cq.ring_mask];
  unsigned number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
  told(what, cqe->res);
  say("%s%s", cqe->flags & IORING_CQE_F_BUFFER ? "a buffer" : "none",
      cqe->flags & IORING_CQE_F_SOCK_NONEMPTY ? ", and more" : "");
  if (cqe->res > 0)
    say("%u: %.*s", number, cqe->res, table->slab[number]);
  io_uring_cq_advance(ring, 1);
}

static void gives(int fd, const char *bytes) {
  said("give", send(fd, bytes, strlen(bytes), MSG_DONTWAIT));
}

static void lent_buffers(struct io_uring *ring, table_t *table) {
  int fds[2];
  pair_of(0, fds);
  told("no table", taken(ring));
  told("odd", tell_table(ring, IORING_REGISTER_PBUF_RING, table, 3));
  told("a table", tell_table(ring, IORING_REGISTER_PBUF_RING, table, LENT));
  told("again", tell_table(ring, IORING_REGISTER_PBUF_RING, table, LENT));
  choosing(ring, 1, fds[0], LENT_SIZE);
  chosen("none is lent, and nothing there", ring, table);
  lend(table, 2);
  lend(table, 0);
  choosing(ring, 2, fds[0], LENT_SIZE);
  chosen("it waits", ring, table);
  told("and has none", taken(ring));
  gives(fds[1], "0123456789ab");
  chosen("it came", ring, table);
  told("and has one", taken(ring));
  choosing(ring, 3, fds[0], 2);
  chosen("part of a buffer", ring, table);
  choosing(ring, 4, fds[0], LENT_SIZE);
  chosen("something there, and none is lent", ring, table);
  lend(table, 1);
  table->u.ring.tail--;
  choosing(ring, 5, fds[0], LENT_SIZE);
  chosen("it was had back", ring, table);
  lend(table, 3);
  choosing(ring, 6, fds[0], 0);
  chosen("as much as fits", ring, table);
  lend(table, 0);
  said("shutdown", shutdown(fds[1], SHUT_WR));
  choosing(ring, 7, fds[0], LENT_SIZE);
  chosen("the end takes none", ring, table);
  told("as before", taken(ring));
  told("no more", tell_table(ring, IORING_UNREGISTER_PBUF_RING, table, 0));
  told("nor again", tell_table(ring, IORING_UNREGISTER_PBUF_RING, table, 0));
  choosing(ring, 8, fds[0], LENT_SIZE);
  chosen("without a table", ring, table);
  close(fds[0]);
  close(fds[1]);
}

BOTH_RINGS(buffers_that_are_lent) {
  struct io_uring ring;
  table_t *table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  cr_assert(table != MAP_FAILED);
  open_enabled(&ring, 8);
  if (taken(&ring) == -EINVAL)
    cr_skip("what is left of lent buffers is told since Linux 6.8");
  lent_buffers(&ring, table);
  io_uring_queue_exit(&ring);
  munmap(table, sizeof(*table));
}

BOTH_RINGS(a_wait_that_ends) {
  struct __kernel_timespec ts = {.tv_nsec = 1000000};
  struct io_uring_getevents_arg arg = {.sigmask_sz = _NSIG / 8};
  struct io_uring ring;
  open_enabled(&ring, 8);
  arg.ts = (uint64_t)(uintptr_t)&ts;
  told("wait", io_uring_enter2((unsigned)ring.ring_fd, 0, 1,
                               IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                               (sigset_t *)&arg, sizeof(arg)));
  io_uring_queue_exit(&ring);
}

#else

#include <criterion/criterion.h>

Test(machine, is_for_io_uring) {
  cr_skip("there is no io_uring or no swapcontext() to simulate a kernel with");
}

#endif
