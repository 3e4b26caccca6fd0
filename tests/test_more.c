/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* Windows of one queue may leave in one packet. What TCP then holds back is
 * never left waiting: neither when the rest of the queue vanishes nor where
 * none was sure to follow. */

enum { MOST = 64 };

static int fail_in; /* calls of sendmsg; 0: none fails */
static int pushes;  /* with which the library had TCP let go */

/* In place of the C library's. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  if (fail_in > 0 && --fail_in == 0) {
    errno = EIO;
    return -1;
  }
  return syscall(SYS_sendmsg, fd, message, flags);
}

int setsockopt(int fd, int level, int option, const void *value,
               socklen_t len) {
  if (level == IPPROTO_TCP && option == TCP_CORK)
    pushes++;
  return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}

struct burst {
  struct request first; /* a write in whose callback the others begin */
  struct conn c;
  struct request writes[MOST];
  char bytes[2 * MOST]; /* of which every second is written */
  int count;
  int content;   /* the last one asks for nothing */
  int cancelled; /* so many of the last in the same callback */
  int held;      /* bytes that TCP held back, before and after that */
  int left;
};

/* The bytes that TCP has and has not sent. */
static int unsent(const struct conn *c) {
  uv_os_fd_t fd;
  int n = -1;

  check_is(weir_fileno(&c->stream, &fd), 0);
  check_is(ioctl(fd, SIOCOUTQNSD, &n), 0);
  return n;
}

/* The packets with data that were sent: tcpi_data_segs_out, a field of struct
 * tcp_info that not every C library has. */
static unsigned packets(const struct conn *c) {
  uint32_t info[40];
  socklen_t len = sizeof(info);
  uv_os_fd_t fd;

  check_is(weir_fileno(&c->stream, &fd), 0);
  check_is(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len), 0);
  check_is(len, sizeof(info));
  return info[39];
}

static void set_option(const struct conn *c, int option, int value) {
  uv_os_fd_t fd;

  check_is(weir_fileno(&c->stream, &fd), 0);
  check_is(setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value)), 0);
}

static int get_option(const struct conn *c, int option) {
  uv_os_fd_t fd;
  int value = -1;
  socklen_t len = sizeof(value);

  check_is(weir_fileno(&c->stream, &fd), 0);
  check_is(getsockopt(fd, IPPROTO_TCP, option, &value, &len), 0);
  return value;
}

static void open_burst(struct weir_fixture *f, struct burst *b, int count,
                       int cancelled) {
  int i;

  memset(b, 0, sizeof(*b));
  conn_tcp(f, &b->c);
  check_is(weir_tcp_nodelay(&b->c.stream, 1), 0);
  b->count = count;
  b->cancelled = cancelled;
  for (i = 0; i < MOST; i++)
    pattern_fill(&b->bytes[2 * i], (size_t)i, 1);
}

/* A sequence of some of the bytes, which do not touch. */
static weir_seq_t apart(struct burst *b, int from, int count) {
  static uv_buf_t bufs[MOST];
  int i;

  for (i = 0; i < count; i++)
    bufs[i] = uv_buf_init(&b->bytes[2 * (from + i)], 1);
  return weir_seq_bufs(bufs, (size_t)count);
}

static int begin_write(struct burst *b, int i) {
  weir_op_t *op = &b->writes[i].op;

  if (b->content && i == b->count - 1)
    return weir_write_at_least(op, &b->c.stream, apart(b, i, 1), 0, on_done);
  return weir_write(op, &b->c.stream, apart(b, i, 1), on_done);
}

static void begin_writes(struct burst *b, int from) {
  int i;

  for (i = from; i < b->count; i++)
    check_is(begin_write(b, i), 0);
  b->held = unsent(&b->c);
  for (i = b->count - b->cancelled; i < b->count; i++)
    weir_cancel(&b->writes[i].op);
  b->left = unsent(&b->c);
}

static void on_first(weir_op_t *op, int status, size_t n) {
  struct burst *b = (struct burst *)(void *)op;

  on_done(op, status, n);
  begin_writes(b, 1);
}

/* Writes the first byte, and the others in its callback. */
static void run_burst(struct weir_fixture *f, struct burst *b) {
  int i;

  check_is(weir_write(&b->first.op, &b->c.stream, apart(b, 0, 1), on_first), 0);
  finish(f, &b->first, 0, 1);
  for (i = 1; i < b->count - b->cancelled; i++)
    finish(f, &b->writes[i], 0, 1);
  for (; i < b->count; i++)
    finish(f, &b->writes[i], UV_ECANCELED, 0);
  check_is(unsent(&b->c), 0);
  peer_take(&b->c, 0, (size_t)(b->count - b->cancelled));
}

/* TCP lets go by itself after a while, which a slow machine may have seen. */
enum { TRIES = 20 };

WEIR_TEST(more, windows_that_callbacks_queue_leave_together) {
  static struct burst b;
  unsigned before = 0, sent = 0;
  int tries;

  for (tries = 0; tries < TRIES; tries++) {
    open_burst(f, &b, 1 + 3 * WEIR_WINDOW, 0);
    before = packets(&b.c);
    run_burst(f, &b);
    sent = packets(&b.c) - before;
    conn_close(f, &b.c);
    if (sent == 3 && b.held == WEIR_WINDOW)
      return;
  }
  /* The first write, the first window of the queue, and the two others. */
  cr_assert_fail("%u packets, and %d bytes were held", sent, b.held);
}

WEIR_TEST(more, a_tail_that_is_cancelled_leaves_nothing_behind) {
  static struct burst b;
  int tries, held = 0;

  for (tries = 0; tries < TRIES && held != WEIR_WINDOW; tries++) {
    open_burst(f, &b, 1 + 2 * WEIR_WINDOW + 3, 3);
    run_burst(f, &b);
    conn_close(f, &b.c);
    check_is(b.left, 0);
    held = b.held;
  }
  check_is(held, WEIR_WINDOW);
}

WEIR_TEST(more, a_tail_that_is_cancelled_in_part_goes) {
  static struct burst b;
  int tries, left = 0;

  for (tries = 0; tries < TRIES && left != WEIR_WINDOW; tries++) {
    open_burst(f, &b, 1 + 2 * WEIR_WINDOW + 3, 2);
    run_burst(f, &b);
    conn_close(f, &b.c);
    left = b.left;
  }
  check_is(left, WEIR_WINDOW);
}

WEIR_TEST(more, only_what_is_left_behind_is_pushed) {
  static struct burst b;

  pushes = 0;
  for (int tail = 1; tail <= 3; tail++) {
    open_burst(f, &b, 1 + 2 * WEIR_WINDOW + tail, 0);
    run_burst(f, &b);
    conn_close(f, &b.c);
    check_is(pushes, 0);
  }
  open_burst(f, &b, 1 + 2 * WEIR_WINDOW + 3, 3);
  run_burst(f, &b);
  conn_close(f, &b.c);
  check_is(pushes, 1);
}

/* Nor is what is cancelled after that. */
WEIR_TEST(more, a_tail_of_one_is_the_end_of_it) {
  static struct burst b;
  struct request w = {0};

  pushes = 0;
  open_burst(f, &b, 1 + 2 * WEIR_WINDOW + 1, 0);
  run_burst(f, &b);
  check_is(weir_write(&w.op, &b.c.stream, apart(&b, 0, 1), on_done), 0);
  weir_cancel(&w.op);
  finish(f, &w, UV_ECANCELED, 0);
  check_is(pushes, 0);
  conn_close(f, &b.c);
}

WEIR_TEST(more, a_tail_that_fails_leaves_nothing_behind) {
  static struct burst b;
  int i;

  open_burst(f, &b, 1 + 3 * WEIR_WINDOW, 0);
  fail_in = 3;
  check_is(weir_write(&b.first.op, &b.c.stream, apart(&b, 0, 1), on_first), 0);
  finish(f, &b.first, 0, 1);
  check_is(fail_in, 0);
  check_is(unsent(&b.c), 0);
  for (i = 1; i < b.count; i++)
    finish(f, &b.writes[i], i <= 2 * WEIR_WINDOW ? 0 : UV_EIO,
           i <= 2 * WEIR_WINDOW);
  peer_take(&b.c, 0, 1 + 2 * WEIR_WINDOW);
  conn_close(f, &b.c);
}

/* It counts as queued, and is content with nothing. */
WEIR_TEST(more, a_tail_that_wants_nothing_leaves_nothing_behind) {
  static struct burst b;
  int i;

  open_burst(f, &b, 2 + 2 * WEIR_WINDOW, 0);
  b.content = 1;
  check_is(weir_write(&b.first.op, &b.c.stream, apart(&b, 0, 1), on_first), 0);
  finish(f, &b.first, 0, 1);
  for (i = 1; i < b.count; i++)
    finish(f, &b.writes[i], 0, i < b.count - 1);
  check_is(unsent(&b.c), 0);
  peer_take(&b.c, 0, (size_t)b.count - 1);
  conn_close(f, &b.c);
}

WEIR_TEST(more, what_the_application_holds_stays_held) {
  static struct burst b;
  int i;

  open_burst(f, &b, 1 + 2 * WEIR_WINDOW + 1, 1);
  set_option(&b.c, TCP_CORK, 1);
  check_is(weir_write(&b.first.op, &b.c.stream, apart(&b, 0, 1), on_first), 0);
  finish(f, &b.first, 0, 1);
  for (i = 1; i < b.count - 1; i++)
    finish(f, &b.writes[i], 0, 1);
  finish(f, &b.writes[i], UV_ECANCELED, 0);
  check_is(get_option(&b.c, TCP_CORK), 1);
  set_option(&b.c, TCP_CORK, 0);
  peer_take(&b.c, 0, (size_t)b.count - 1);
  conn_close(f, &b.c);
}

/* Nobody knows when the loop will run. */
WEIR_TEST(more, nothing_is_held_outside_of_callbacks) {
  static struct burst b;
  int i;

  open_burst(f, &b, 3 * WEIR_WINDOW - 1, 0);
  begin_writes(&b, 0);
  check_is(b.held, 0);
  cr_assert(weir_stream_queued(&b.c.stream) < WEIR_WINDOW);
  for (i = 0; i < b.count; i++)
    finish(f, &b.writes[i], 0, 1);
  peer_take(&b.c, 0, (size_t)b.count);
  /* The first window of the next queue goes by itself again. */
  b.count = WEIR_WINDOW;
  begin_writes(&b, 0);
  check_is(weir_stream_queued(&b.c.stream), 0);
  run_some_turns(f);
  peer_take(&b.c, 0, WEIR_WINDOW);
  conn_close(f, &b.c);
}

/* ---- Writes of many segments ---- */

WEIR_TEST(more, windows_of_one_write_leave_together) {
  static struct burst b;
  unsigned sent = 0;
  int tries;

  for (tries = 0; tries < TRIES && sent != 1; tries++) {
    open_burst(f, &b, 0, 0);
    sent = packets(&b.c);
    check_is(weir_write(&b.first.op, &b.c.stream, apart(&b, 0, MOST), on_done),
             0);
    finish(f, &b.first, 0, MOST);
    check_is(unsent(&b.c), 0);
    sent = packets(&b.c) - sent;
    peer_take(&b.c, 0, MOST);
    conn_close(f, &b.c);
  }
  check_is(sent, 1);
}

/* The rest of it is not written. */
WEIR_TEST(more, a_write_of_some_holds_nothing) {
  static struct burst b;

  open_burst(f, &b, 0, 0);
  check_is(
      weir_write_some(&b.first.op, &b.c.stream, apart(&b, 0, MOST), on_done),
      0);
  finish(f, &b.first, 0, WEIR_WINDOW);
  check_is(unsent(&b.c), 0);
  peer_take(&b.c, 0, WEIR_WINDOW);
  conn_close(f, &b.c);
}

WEIR_TEST(more, windows_of_a_write_at_once_leave_together) {
  static struct burst b;
  unsigned sent = 0;
  size_t n;
  int tries;

  for (tries = 0; tries < TRIES && sent != 2; tries++) {
    open_burst(f, &b, 0, 0);
    sent = packets(&b.c);
    check_is(weir_write_try(&b.c.stream, apart(&b, 0, 20), &n), 0);
    check_is(unsent(&b.c), 0);
    check_is(weir_write_now(&b.first.op, &b.c.stream, apart(&b, 20, 40), &n,
                            on_done),
             0);
    check_is(unsent(&b.c), 0);
    sent = packets(&b.c) - sent;
    peer_take(&b.c, 0, 60);
    conn_close(f, &b.c);
  }
  check_is(sent, 2);
}

/* ---- Before a file ---- */

enum { HEADER = 40, FILE_SIZE = 500, NO_FILE = 1000 };

typedef struct page_s {
  struct scratch s;
  struct conn c;
  struct request header, file;
  char bytes[HEADER];
  unsigned before;
} page_t;

static void page_open(struct weir_fixture *f, page_t *p, size_t size) {
  memset(p, 0, sizeof(*p));
  scratch_make(&p->s, HEADER + size);
  pattern_fill(p->bytes, 0, HEADER);
  conn_tcp(f, &p->c);
  check_is(weir_tcp_nodelay(&p->c.stream, 1), 0);
  p->before = packets(&p->c);
  pushes = 0;
}

static void page_close(struct weir_fixture *f, page_t *p) {
  conn_close(f, &p->c);
  scratch_remove(&p->s);
}

static void page_write(page_t *p, int file, size_t len) {
  check_is(weir_write(&p->header.op, &p->c.stream,
                      weir_seq_block(p->bytes, HEADER), on_done),
           0);
  check_is(weir_sendfile(&p->file.op, &p->c.stream, file, HEADER, len, on_done),
           0);
}

WEIR_TEST(more, a_file_leaves_with_its_header) {
  unsigned sent = 0;
  page_t p;

  for (int tries = 0; tries < TRIES && sent != 1; tries++) {
    page_open(f, &p, FILE_SIZE);
    page_write(&p, p.s.fd, FILE_SIZE);
    finish(f, &p.header, 0, HEADER);
    finish(f, &p.file, 0, FILE_SIZE);
    check_is(unsent(&p.c), 0);
    sent = packets(&p.c) - p.before;
    peer_take(&p.c, 0, HEADER + FILE_SIZE);
    check_is(pushes, 0);
    page_close(f, &p);
  }
  check_is(sent, 1);
}

WEIR_TEST(more, a_file_that_has_ended_leaves_nothing_behind) {
  page_t p;

  page_open(f, &p, 0);
  page_write(&p, p.s.fd, FILE_SIZE);
  finish(f, &p.header, 0, HEADER);
  finish(f, &p.file, UV_EOF, 0);
  check_is(unsent(&p.c), 0);
  peer_take(&p.c, 0, HEADER);
  check_is(pushes, 1);
  page_close(f, &p);
}

WEIR_TEST(more, a_file_that_is_none_leaves_nothing_behind) {
  page_t p;

  page_open(f, &p, 0);
  page_write(&p, NO_FILE, FILE_SIZE);
  finish(f, &p.header, 0, HEADER);
  finish(f, &p.file, UV_EBADF, 0);
  check_is(unsent(&p.c), 0);
  peer_take(&p.c, 0, HEADER);
  page_close(f, &p);
}

static page_t *to_cancel;

static void on_header(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  weir_cancel(&to_cancel->file.op);
}

/* In the callback of the header the file has not begun, or has gone. */
WEIR_TEST(more, a_file_that_is_cancelled_leaves_nothing_behind) {
  page_t p;

  page_open(f, &p, FILE_SIZE);
  to_cancel = &p;
  check_is(weir_write(&p.header.op, &p.c.stream,
                      weir_seq_block(p.bytes, HEADER), on_header),
           0);
  check_is(weir_sendfile(&p.file.op, &p.c.stream, p.s.fd, HEADER, FILE_SIZE,
                         on_done),
           0);
  finish(f, &p.header, 0, HEADER);
  run_until(f, &p.file.calls);
  check_is(unsent(&p.c), 0);
  peer_take(&p.c, 0, HEADER + p.file.n);
  page_close(f, &p);
}

/* One that has nothing to read yet holds up nobody. */
WEIR_TEST(more, a_file_that_is_awaited_holds_nothing) {
  int fds[2];
  page_t p;

  page_open(f, &p, 0);
  check_is(pipe(fds), 0);
  page_write(&p, fds[0], HEADER);
  finish(f, &p.header, 0, HEADER);
  run_some_turns(f);
  check_is(p.file.calls, 0);
  check_is(unsent(&p.c), 0);
  peer_take(&p.c, 0, HEADER);
  check_is(write(fds[1], p.bytes, HEADER), HEADER);
  close(fds[1]);
  finish(f, &p.file, 0, HEADER);
  peer_take(&p.c, 0, HEADER);
  close(fds[0]);
  page_close(f, &p);
}

static size_t take_what_came(const struct conn *c) {
  static char bytes[65536];
  size_t taken = 0;
  ssize_t n;

  while ((n = recv(c->peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
    taken += (size_t)n;
  return taken;
}

/* Nor does a socket that is full. */
WEIR_TEST(more, a_header_that_has_no_room_waits) {
  static char much[1 << 22];
  struct request w = {0};
  size_t taken = 0;
  page_t p;

  page_open(f, &p, FILE_SIZE);
  check_is(weir_write(&w.op, &p.c.stream, weir_seq_block(much, sizeof(much)),
                      on_done),
           0);
  run_some_turns(f);
  page_write(&p, p.s.fd, FILE_SIZE);
  run_some_turns(f);
  check_is(p.header.calls, 0);
  while (p.file.calls == 0) {
    run_turn(f);
    taken += take_what_came(&p.c);
  }
  check_is(w.n, sizeof(much));
  check_is(p.header.n, HEADER);
  check_is(p.file.n, FILE_SIZE);
  while (taken < sizeof(much) + HEADER + FILE_SIZE)
    taken += take_what_came(&p.c);
  check_is(unsent(&p.c), 0);
  page_close(f, &p);
}
