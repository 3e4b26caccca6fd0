/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/test.h>

#include <weir/fault.h>

#include "support/net.h"

/* Credentials and descriptors over UNIX sockets. */

/* ---- A bare peer that passes and takes ---- */

enum { MOST = WEIR_FDS_MAX };

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(MOST * sizeof(int))];
};

static ssize_t peer_pass(int peer, const void *bytes, size_t len,
                         const int *fds, unsigned n) {
  struct iovec iov = {(void *)(uintptr_t)bytes, len};
  union control control;
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  struct cmsghdr *header;

  memset(&control, 0, sizeof(control));
  if (n > 0) {
    msg.msg_control = control.bytes;
    msg.msg_controllen =
        (__typeof__(msg.msg_controllen))CMSG_SPACE(n * sizeof(int));
    header = CMSG_FIRSTHDR(&msg);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = (__typeof__(header->cmsg_len))CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(header), fds, n * sizeof(int));
  }
  return sendmsg(peer, &msg, MSG_NOSIGNAL);
}

/* Reads at most len bytes: how many, and in *n how many descriptors came. */
static ssize_t peer_take_fds(int peer, void *bytes, size_t len, int *fds,
                             unsigned *n) {
  struct iovec iov = {bytes, len};
  union control control;
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  struct cmsghdr *header;
  ssize_t got;

  msg.msg_control = control.bytes;
  msg.msg_controllen = sizeof(control);
  got = recvmsg(peer, &msg, 0);
  *n = 0;
  header = got < 0 ? NULL : CMSG_FIRSTHDR(&msg);
  if (header != NULL) {
    *n = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(header), *n * sizeof(int));
  }
  return got;
}

/* ---- Files that can be told apart ---- */

static int make_file(void) {
  FILE *file = tmpfile();
  int fd = file != NULL ? dup(fileno(file)) : -1;

  cr_assert(fd >= 0);
  fclose(file);
  return fd;
}

static int same_file(int a, int b) {
  struct stat first, second;

  check_is(fstat(a, &first), 0);
  check_is(fstat(b, &second), 0);
  return first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

static void make_files(int *fds, unsigned n) {
  unsigned i;

  for (i = 0; i < n; i++)
    fds[i] = make_file();
}

static void close_all(const int *fds, unsigned n) {
  unsigned i;

  for (i = 0; i < n; i++)
    check_is(close(fds[i]), 0);
}

static void expect_files(const int *came, const int *went, unsigned n) {
  unsigned i;

  for (i = 0; i < n; i++)
    cr_assert(same_file(came[i], went[i]), "another file came");
}

/* ---- Who the peer is ---- */

WEIR_TEST(pass, credentials) {
  struct conn c, none = {.peer = -1};
  uv_pid_t pid = 0;
  uv_uid_t uid = (uv_uid_t)-1;
  uv_gid_t gid = (uv_gid_t)-1;

  conn_unix(f, &c);
  check_is(weir_peer_cred(&c.stream, &pid, &uid, &gid), 0);
  check_is(pid, getpid());
  check_is(uid, geteuid());
  check_is(gid, getegid());
  check_is(weir_peer_cred(&c.stream, NULL, NULL, NULL), 0);
  check_is(weir_peer_cred(NULL, &pid, &uid, &gid), UV_EINVAL);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(weir_peer_cred(&c.stream, &pid, &uid, &gid), UV_EBADF);
  run_until(f, &c.closed);
  close_peer(&c);

  check_is(weir_pipe_init(f->loop, &none.stream), 0);
  check_is(weir_peer_cred(&none.stream, &pid, &uid, &gid), UV_ENOTCONN);
  conn_close(f, &none);
}

/* ---- Sending ---- */

static int send_fds(struct request *r, struct conn *c, const char *text,
                    const int *fds, unsigned n) {
  memset(r, 0, sizeof(*r));
  return weir_write_fd(&r->op, &c->stream, weir_seq_block(text, strlen(text)),
                       fds, n, on_done);
}

WEIR_TEST(pass, descriptors_go_with_their_bytes) {
  int fds[2], came[MOST];
  struct request r;
  struct conn c;
  char bytes[16];
  unsigned n;

  conn_unix(f, &c);
  make_files(fds, 2);
  check_is(send_fds(&r, &c, "hello", fds, 2), 0);
  finish(f, &r, 0, 5);
  check_is(peer_take_fds(c.peer, bytes, sizeof(bytes), came, &n), 5);
  check_is(memcmp(bytes, "hello", 5), 0);
  check_is(n, 2);
  expect_files(came, fds, 2);
  close_all(came, 2);
  close_all(fds, 2);
  conn_close(f, &c);
}

WEIR_TEST(pass, as_many_as_there_may_be) {
  int fds[MOST + 1], came[MOST];
  struct request r;
  struct conn c;
  char byte;
  unsigned n, i;

  fixture_descriptors(f, MOST + 50);
  conn_unix(f, &c);
  for (i = 0; i <= MOST; i++)
    fds[i] = c.peer;
  check_is(send_fds(&r, &c, "x", fds, MOST + 1), UV_EINVAL);
  check_is(send_fds(&r, &c, "x", fds, MOST), 0);
  finish(f, &r, 0, 1);
  check_is(peer_take_fds(c.peer, &byte, 1, came, &n), 1);
  check_is(n, MOST);
  close_all(came, MOST);
  conn_close(f, &c);
}

/* Also where all of them are queued together, and go in one turn. */
WEIR_TEST(pass, each_in_its_place_of_the_queue) {
  static const char *const texts[] = {"one", "two", "three", "four", "five"};
  static const int passes[] = {0, 1, 1, 0, 1};
  struct request r[5];
  struct conn c;
  int fds[5], came[MOST];
  char bytes[64];
  unsigned i, n;

  conn_unix(f, &c);
  make_files(fds, 5);
  for (i = 0; i < 5; i++) {
    memset(&r[i], 0, sizeof(r[i]));
    if (passes[i])
      check_is(send_fds(&r[i], &c, texts[i], &fds[i], 1), 0);
    else
      check_is(weir_write(&r[i].op, &c.stream,
                          weir_seq_block(texts[i], strlen(texts[i])), on_done),
               0);
  }
  for (i = 0; i < 5; i++)
    finish(f, &r[i], 0, strlen(texts[i]));
  for (i = 0; i < 5; i++) {
    size_t len = strlen(texts[i]);

    check_is(peer_take_fds(c.peer, bytes, len, came, &n), len);
    check_is(memcmp(bytes, texts[i], len), 0);
    check_is(n, passes[i]);
    if (n > 0)
      expect_files(came, &fds[i], 1);
    close_all(came, n);
  }
  close_all(fds, 5);
  conn_close(f, &c);
}

/* What is finished without bytes lets the next be the first in the very call
 * that queues it. */
WEIR_TEST(pass, behind_an_empty_write) {
  enum { SIZE = 65536 + 4096 };
  struct request empty = {0}, r = {0};
  char *bytes = calloc(1, SIZE);
  int fd = make_file(), came[MOST];
  struct conn c;
  unsigned n;

  conn_unix(f, &c);
  check_is(weir_write(&empty.op, &c.stream, weir_seq_block(bytes, 0), on_done),
           0);
  check_is(weir_write_fd(&r.op, &c.stream, weir_seq_block(bytes, SIZE), &fd, 1,
                         on_done),
           0);
  run_until(f, &empty.calls);
  run_some_turns(f);
  check_is(peer_take_fds(c.peer, bytes, 1, came, &n), 1);
  check_is(n, 1);
  close_all(came, n);
  conn_close(f, &c);
  check_is(r.calls, 1);
  close(fd);
  free(bytes);
}

/* Fills the socket with a write that waits. */
static size_t fill(struct weir_fixture *f, struct conn *c, struct request *r,
                   char *bytes, size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(weir_write(&r->op, &c->stream, weir_seq_block(bytes, len), on_done),
           0);
  run_some_turns(f);
  check_is(r->calls, 0);
  return len;
}

static size_t discard(int peer, size_t len) {
  static char bytes[65536];
  size_t total = 0;
  ssize_t got = 1;

  while (total < len && got > 0) {
    size_t most = len - total < sizeof(bytes) ? len - total : sizeof(bytes);

    got = recv(peer, bytes, most, MSG_DONTWAIT);
    if (got > 0)
      total += (size_t)got;
  }
  return total;
}

WEIR_TEST(pass, a_full_socket_is_waited_for) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct request full, r = {0};
  int fd = make_file(), came[MOST];
  struct conn c;
  size_t taken = 0;
  uint64_t calls;
  unsigned n;

  conn_unix(f, &c);
  fill(f, &c, &full, bytes, SLOW_BYTES);
  check_is(weir_write_fd(&r.op, &c.stream, weir_seq_block("hello", 5), &fd, 1,
                         on_done),
           0);
  while (taken < SLOW_BYTES) {
    taken += discard(c.peer, SLOW_BYTES - taken);
    run_some_turns(f);
  }
  finish(f, &full, 0, SLOW_BYTES);
  finish(f, &r, 0, 5);
  check_is(peer_take_fds(c.peer, bytes, 5, came, &n), 5);
  check_is(n, 1);
  expect_files(came, &fd, 1);
  close_all(came, 1);

  /* It is the first, and finds no room by itself. */
  taken = 0;
  while (weir_write_try(&c.stream, weir_seq_block(bytes, 4096), &(size_t){0}) ==
         0)
    taken += 4096;
  check_is(send_fds(&r, &c, "again", &fd, 1), 0);
  run_some_turns(f);
  calls = stats_of(f).syscalls;
  run_some_turns(f);
  cr_assert(stats_of(f).syscalls - calls < 40, "it does not wait, but asks");
  check_is(r.calls, 0);
  discard(c.peer, SLOW_BYTES);
  run_until(f, &r.calls);
  check_is(r.n, 5);
  while (peer_take_fds(c.peer, bytes, 4096, came, &n) > 0 && n == 0)
    continue;
  check_is(n, 1);
  close_all(came, n);
  close(fd);
  conn_close(f, &c);
  free(bytes);
}

/* A write of many windows passes once. */
WEIR_TEST(pass, a_long_write_passes_with_its_first_byte) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r = {0};
  int fd = make_file(), came[MOST];
  unsigned n, all = 0;
  size_t total = 0;
  struct conn c;

  conn_unix(f, &c);
  pattern_fill(bytes, 0, SLOW_BYTES);
  check_is(weir_write_fd(&r.op, &c.stream, weir_seq_block(bytes, SLOW_BYTES),
                         &fd, 1, on_done),
           0);
  while (total < SLOW_BYTES) {
    static char got[65536];
    ssize_t len;

    run_some_turns(f);
    len = peer_take_fds(c.peer, got, sizeof(got), came, &n);
    cr_assert(len > 0);
    cr_assert(pattern_holds(got, total, (size_t)len));
    cr_assert(n == 0 || total == 0);
    close_all(came, n);
    all += n;
    total += (size_t)len;
  }
  check_is(all, 1);
  finish(f, &r, 0, SLOW_BYTES);
  close(fd);
  conn_close(f, &c);
  free(bytes);
}

WEIR_TEST(pass, a_cancelled_write_passes_nothing) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct request r, next = {0};
  int fd = make_file(), came[MOST];
  struct conn c;
  unsigned n;

  conn_unix(f, &c);
  check_is(send_fds(&r, &c, "never", &fd, 1), 0);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  /* Now one that waits for room. */
  while (weir_write_try(&c.stream, weir_seq_block(bytes, 4096), &(size_t){0}) ==
         0)
    continue;
  check_is(send_fds(&r, &c, "never", &fd, 1), 0);
  check_is(weir_write(&next.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  run_some_turns(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  while (next.calls == 0) {
    discard(c.peer, SLOW_BYTES);
    run_some_turns(f);
  }
  check_is(next.status, 0);
  while ((recv(c.peer, bytes, SLOW_BYTES, MSG_DONTWAIT | MSG_PEEK)) > 0) {
    cr_assert(peer_take_fds(c.peer, bytes, 4096, came, &n) > 0);
    check_is(n, 0);
  }
  close(fd);
  conn_close(f, &c);
  free(bytes);
}

WEIR_TEST(pass, a_descriptor_that_is_none_fails_the_write) {
  struct request r, next;
  int fds[2] = {0, -1};
  struct conn c;

  conn_unix(f, &c);
  check_is(send_fds(&r, &c, "x", fds, 2), 0);
  check_is(send_fds(&next, &c, "y", fds, 1), 0);
  finish(f, &r, UV_EBADF, 0);
  finish(f, &next, UV_EBADF, 0);
  check_is(peer_take_available(&c), 0);
  conn_close(f, &c);
}

WEIR_TEST(pass, a_close_ends_it) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct request full, r, in = {0};
  int fd = make_file(), before, came[2];
  weir_fds_t fds = {came, 2, 7, 7};
  struct conn c;

  conn_unix(f, &c);
  before = count_descriptors();
  fill(f, &c, &full, bytes, SLOW_BYTES);
  check_is(send_fds(&r, &c, "x", &fd, 1), 0);
  check_is(
      weir_read_fd(&in.op, &c.stream, weir_mseq_block(bytes, 4), &fds, on_done),
      0);
  run_some_turns(f);
  close_stream(f, &c);
  check_is(full.status, UV_ECANCELED);
  check_is(r.status, UV_ECANCELED);
  check_is(in.status, UV_ECANCELED);
  check_is(full.calls + r.calls + in.calls, 3);
  check_is(fds.count, 0);
  check_is(count_descriptors(), before - 1);
  close_peer(&c);
  close(fd);
  free(bytes);
}

/* ---- Receiving ---- */

static int receive(struct request *r, struct conn *c, char *bytes, size_t len,
                   weir_fds_t *fds) {
  memset(r, 0, sizeof(*r));
  return weir_read_fd(&r->op, &c->stream, weir_mseq_block(bytes, len), fds,
                      on_done);
}

static void expect_cloexec(int fd) {
  check_is(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void take_two(struct weir_fixture *f, int first) {
  int sent[2], came[4] = {-1, -1, -1, -1};
  weir_fds_t fds = {came, 4, 9, 9};
  struct request r;
  struct conn c;
  char bytes[8];

  conn_unix(f, &c);
  make_files(sent, 2);
  if (first)
    check_is(peer_pass(c.peer, "hello", 5, sent, 2), 5);
  check_is(receive(&r, &c, bytes, sizeof(bytes), &fds), 0);
  check_is(r.calls, 0);
  if (!first) {
    run_some_turns(f);
    check_is(r.calls, 0);
    check_is(peer_pass(c.peer, "hello", 5, sent, 2), 5);
  }
  finish(f, &r, 0, 5);
  check_is(memcmp(bytes, "hello", 5), 0);
  check_is(fds.count, 2);
  check_is(fds.lost, 0);
  expect_files(came, sent, 2);
  expect_cloexec(came[0]);
  expect_cloexec(came[1]);
  close_all(came, 2);
  close_all(sent, 2);
  conn_close(f, &c);
}

WEIR_TEST(pass, descriptors_that_are_there) {
  take_two(f, 1);
}

WEIR_TEST(pass, descriptors_that_come_later) {
  take_two(f, 0);
}

WEIR_TEST(pass, bytes_without_descriptors) {
  weir_fds_t fds = {NULL, 0, 5, 5};
  struct request r;
  struct conn c;
  char bytes[8];

  conn_unix(f, &c);
  check_is(peer_pass(c.peer, "hello", 5, NULL, 0), 5);
  check_is(receive(&r, &c, bytes, 3, &fds), 0);
  finish(f, &r, 0, 3);
  check_is(receive(&r, &c, bytes, 3, &fds), 0);
  finish(f, &r, 0, 2);
  check_is(fds.count, 0);
  check_is(fds.lost, 0);
  check_is(receive(&r, &c, bytes, 0, &fds), 0);
  finish(f, &r, 0, 0);
  close_peer(&c);
  check_is(receive(&r, &c, bytes, 3, &fds), 0);
  finish(f, &r, UV_EOF, 0);
  conn_close(f, &c);
}

/* Too much is under way in the kernel. */
WEIR_TEST(pass, want_of_memory_is_waited_for) {
  weir_fault_rule_t rule = {
      .what = WEIR_FAULT_SEND, .error = UV_ENOBUFS, .times = 2};
  weir_fault_options_t options = {0};
  weir_fault_t *fault;
  int fd, came[MOST];
  struct request r;
  struct conn c;
  char bytes[8];
  unsigned n;

  conn_unix(f, &c);
  make_files(&fd, 1);
  check_is(weir_fileno(&c.stream, &rule.fd), 0);
  check_is(weir_fault_begin(&options, &fault), 0);
  check_is(weir_fault_add(fault, &rule), 0);
  check_is(send_fds(&r, &c, "hello", &fd, 1), 0);
  finish(f, &r, 0, 5);
  check_is(weir_fault_count(fault, WEIR_FAULT_SEND).failed, 2);
  weir_fault_end(fault);
  check_is(peer_take_fds(c.peer, bytes, sizeof(bytes), came, &n), 5);
  check_is(n, 1);
  expect_files(came, &fd, 1);
  close_all(came, 1);
  close_all(&fd, 1);
  conn_close(f, &c);
}

/* What an earlier call has left in errno says nothing of this one. */
WEIR_TEST(pass, the_end_after_an_interruption) {
  weir_fds_t fds = {NULL, 0, 0, 0};
  struct request r;
  struct conn c;
  char byte;

  conn_unix(f, &c);
  close_peer(&c);
  errno = EINTR;
  check_is(receive(&r, &c, &byte, 1, &fds), 0);
  finish(f, &r, UV_EOF, 0);
  conn_close(f, &c);
}

/* A read has those of one write, also if more is there. */
WEIR_TEST(pass, a_read_takes_those_of_one_write) {
  int sent[3], came[4], i;
  weir_fds_t fds = {came, 4, 0, 0};
  struct request r;
  struct conn c;
  char bytes[64];
  unsigned all = 0;
  size_t total = 0;

  conn_unix(f, &c);
  make_files(sent, 3);
  for (i = 0; i < 3; i++)
    check_is(peer_pass(c.peer, "abcd", 4, &sent[i], 1), 4);
  while (total < 12) {
    check_is(receive(&r, &c, bytes, sizeof(bytes), &fds), 0);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    total += r.n;
    check_is(fds.count, 1);
    expect_files(came, &sent[all], 1);
    close_all(came, fds.count);
    all += fds.count;
  }
  check_is(all, 3);
  close_all(sent, 3);
  conn_close(f, &c);
}

WEIR_TEST(pass, those_without_room_are_closed) {
  int sent[5], came[2], before;
  weir_fds_t fds = {came, 2, 0, 0};
  struct request r;
  struct conn c;
  char byte;

  conn_unix(f, &c);
  make_files(sent, 5);
  before = count_descriptors();
  check_is(peer_pass(c.peer, "x", 1, sent, 5), 1);
  check_is(receive(&r, &c, &byte, 1, &fds), 0);
  finish(f, &r, 0, 1);
  check_is(fds.count, 2);
  check_is(fds.lost, 1);
  expect_files(came, sent, 2);
  check_is(count_descriptors(), before + 2);
  close_all(came, 2);
  fds = (weir_fds_t){NULL, 0, 0, 0};
  check_is(peer_pass(c.peer, "x", 1, sent, 5), 1);
  check_is(receive(&r, &c, &byte, 1, &fds), 0);
  finish(f, &r, 0, 1);
  check_is(fds.count, 0);
  check_is(fds.lost, 1);
  check_is(count_descriptors(), before);
  close_all(sent, 5);
  conn_close(f, &c);
}

/* The limit is that of this process, and it has one to spare. */
WEIR_TEST(pass, those_that_the_process_cannot_have_are_lost) {
  struct rlimit limit, less;
  int sent[3], came[3], top;
  weir_fds_t fds = {came, 3, 0, 0};
  struct request r;
  struct conn c;
  char byte;

  conn_unix(f, &c);
  make_files(sent, 3);
  check_is(peer_pass(c.peer, "x", 1, sent, 3), 1);
  check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
  top = dup(0);
  cr_assert(top >= 0);
  close(top);
  less = limit;
  less.rlim_cur = (rlim_t)top + 1;
  check_is(setrlimit(RLIMIT_NOFILE, &less), 0);
  check_is(receive(&r, &c, &byte, 1, &fds), 0);
  finish(f, &r, 0, 1);
  check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
  check_is(fds.count, 1);
  check_is(fds.lost, 1);
  close_all(came, fds.count);
  close_all(sent, 3);
  conn_close(f, &c);
}

/* Of what nobody asked for, nothing stays open. */
WEIR_TEST(pass, a_plain_read_leaks_none) {
  int sent[4], before, i;
  struct request r = {0};
  struct conn c;
  char bytes[8];
  uv_buf_t two[2] = {{bytes, 4}, {bytes + 4, 4}};
  size_t n = 0;

  conn_unix(f, &c);
  make_files(sent, 4);
  before = count_descriptors();
  for (i = 0; i < 5; i++)
    check_is(peer_pass(c.peer, "hello678", 8, sent, 4), 8);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  finish(f, &r, 0, 8);
  memset(&r, 0, sizeof(r));
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_bufs(two, 2), on_done),
           0);
  finish(f, &r, 0, 8);
  check_is(weir_read_now(&c.stream, weir_mseq_block(bytes, 8), &n), 0);
  check_is(weir_read_now(&c.stream, weir_mseq_bufs(two, 2), &n), 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_read(&r.op, &c.stream, weir_mseq_block(bytes, 8), weir_all(),
                     on_done),
           0);
  finish(f, &r, 0, 8);
  check_is(count_descriptors(), before);
  /* Nor of what nobody reads. */
  check_is(peer_pass(c.peer, "x", 1, sent, 4), 1);
  close_all(sent, 4);
  conn_close(f, &c);
}

/* A cancelled read leaves bytes and descriptors for the next. */
WEIR_TEST(pass, a_cancelled_read) {
  int sent = make_file(), came[2];
  weir_fds_t fds = {came, 2, 0, 0};
  struct request r;
  struct conn c;
  char byte;

  conn_unix(f, &c);
  check_is(receive(&r, &c, &byte, 1, &fds), 0);
  run_some_turns(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(receive(&r, &c, &byte, 1, &fds), 0);
  check_is(weir_read_fd(&(weir_op_t){0}, &c.stream, weir_mseq_block(&byte, 1),
                        &fds, on_done),
           UV_EALREADY);
  check_is(peer_pass(c.peer, "x", 1, &sent, 1), 1);
  finish(f, &r, 0, 1);
  check_is(fds.count, 1);
  close_all(came, 1);
  close(sent);
  conn_close(f, &c);
}

/* Cancelled when it may be ready: either way nothing is lost. */
WEIR_TEST(pass, a_read_cancelled_while_it_comes) {
  int sent = make_file(), came[2], i;
  weir_fds_t fds = {came, 2, 0, 0};
  struct request r;
  struct conn c;
  char byte;

  conn_unix(f, &c);
  for (i = 0; i < 50; i++) {
    check_is(receive(&r, &c, &byte, 1, &fds), 0);
    if (i % 2 != 0)
      run_some_turns(f);
    check_is(peer_pass(c.peer, "x", 1, &sent, 1), 1);
    if (i % 3 == 0)
      run_turn(f);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    if (r.status == UV_ECANCELED) {
      check_is(r.n, 0);
      check_is(fds.count, 0);
      check_is(receive(&r, &c, &byte, 1, &fds), 0);
      run_until(f, &r.calls);
    }
    check_is(r.status, 0);
    check_is(fds.count, 1);
    close_all(came, 1);
  }
  close(sent);
  conn_close(f, &c);
}

/* ---- From one stream to another ---- */

enum { ROUNDS = 1000 };

/* A descriptor there and the same back, many times, in between plain bytes. */
WEIR_TEST(pass, many_times) {
  int sent = make_file(), came[1], i;
  weir_fds_t fds = {came, 1, 0, 0};
  struct conn a, b = {.peer = -1};
  struct request w, r;
  char byte;

  conn_unix(f, &a);
  check_is(weir_pipe_init(f->loop, &b.stream), 0);
  check_is(weir_pipe_open(&b.stream, a.peer), 0);
  a.peer = -1;
  for (i = 0; i < ROUNDS; i++) {
    check_is(receive(&r, &b, &byte, 1, &fds), 0);
    check_is(send_fds(&w, &a, "x", &sent, 1), 0);
    run_until(f, &w.calls);
    run_until(f, &r.calls);
    check_is(r.status, 0);
    check_is(fds.count, 1);
    close(sent);
    sent = came[0];
  }
  close(sent);
  conn_close(f, &a);
  conn_close(f, &b);
}

/* ---- What cannot ---- */

static void expect_none(struct conn *c, int error) {
  int fd = 0;
  weir_fds_t fds = {&fd, 1, 0, 0};
  struct request r;
  char byte;

  check_is(send_fds(&r, c, "x", &fd, 1), error);
  check_is(receive(&r, c, &byte, 1, &fds), error);
  check_is(weir_peer_cred(&c->stream, NULL, NULL, NULL), error);
}

WEIR_TEST(pass, only_over_unix_sockets) {
  struct conn c, end = {.peer = -1}, other = {.peer = -1};
  int fds[2];

  conn_tcp(f, &c);
  expect_none(&c, UV_ENOTSUP);
  conn_close(f, &c);

  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(pipe(fds), 0);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[0]), 0);
  expect_none(&c, UV_ENOTSUP);
  conn_close(f, &c);
  close(fds[1]);

  check_is(weir_test_pair(f->loop, &end.stream, &other.stream, 16), 0);
  expect_none(&end, UV_ENOTSUP);
  conn_close(f, &end);
  conn_close(f, &other);

  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  expect_none(&c, UV_ENOTCONN);
  conn_close(f, &c);
}

WEIR_TEST(pass, what_is_no_call_is_refused) {
  int fd = 0;
  weir_fds_t fds = {NULL, 1, 0, 0};
  struct request r;
  struct conn c;
  char byte;

  conn_unix(f, &c);
  check_is(send_fds(&r, &c, "", &fd, 1), UV_EINVAL);
  check_is(send_fds(&r, &c, "x", &fd, 0), UV_EINVAL);
  check_is(send_fds(&r, &c, "x", NULL, 1), UV_EINVAL);
  check_is(receive(&r, &c, &byte, 1, &fds), UV_EINVAL);
  check_is(receive(&r, &c, &byte, 1, NULL), UV_EINVAL);
  conn_close(f, &c);
}

/* Also of a handle that is the application's. */
WEIR_TEST(pass, over_an_adopted_handle) {
  int sent = make_file(), came[MOST], fds[2];
  weir_fds_t into = {came, 1, 0, 0};
  struct request r;
  struct conn c = {0};
  uv_pipe_t handle;
  char byte;
  unsigned n;

  pair_unix(fds);
  c.peer = fds[1];
  check_is(uv_pipe_init(&f->uv, &handle, 0), 0);
  check_is(uv_pipe_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &c.stream, (uv_stream_t *)&handle), 0);
  check_is(receive(&r, &c, &byte, 1, &into), 0);
  check_is(peer_pass(c.peer, "x", 1, &sent, 1), 1);
  finish(f, &r, 0, 1);
  check_is(into.count, 1);
  close_all(came, 1);
  check_is(send_fds(&r, &c, "x", &sent, 1), 0);
  finish(f, &r, 0, 1);
  check_is(peer_take_fds(c.peer, &byte, 1, came, &n), 1);
  check_is(n, 1);
  close_all(came, 1);
  close(sent);
  conn_close(f, &c);
}
