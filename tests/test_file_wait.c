/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/test/system.h"
#include "support/alloc.h"
#include "support/descriptor.h"
#include "support/net.h"
#include "support/scratch.h"

/* File operations on what is no file: pipes, FIFOs, sockets, terminals,
 * eventfds. They wait, end and are cancelled alike on both backends. */

/* ---- Reading before there is something ---- */

static void expect_read_waits(struct weir_fixture *f, int from, int to,
                              int64_t offset) {
  struct request r;
  char bytes[8];

  pread_start(f, &r, from, bytes, sizeof(bytes), offset);
  expect_pending(f, &r);
  check_is(write(to, "12345678", 8), 8);
  finish(f, &r, 0, 8);

  /* And when there is something at once. */
  check_is(write(to, "12345678", 8), 8);
  pread_start(f, &r, from, bytes, sizeof(bytes), offset);
  finish(f, &r, 0, 8);

  pread_start(f, &r, from, bytes, sizeof(bytes), offset);
  expect_pending(f, &r);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  pread_start(f, &r, from, bytes, sizeof(bytes), offset);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);

  /* The bytes that a cancelled read did not take are there. */
  check_is(write(to, "87654321", 8), 8);
  pread_start(f, &r, from, bytes, sizeof(bytes), offset);
  finish(f, &r, 0, 8);
  cr_assert(memcmp(bytes, "87654321", 8) == 0);
}

WEIR_TEST(file_wait, a_read_waits_for_a_pipe) {
  static const int flags[] = {0, O_NONBLOCK};
  int fds[2];
  size_t i;

  for (i = 0; i < 2; i++) {
    make_pipe(fds, flags[i]);
    expect_read_waits(f, fds[0], fds[1], -1);
    expect_read_waits(f, fds[0], fds[1], 0);
    expect_read_waits(f, fds[0], fds[1], 4096);
    close_both(fds);
  }
}

WEIR_TEST(file_wait, a_read_waits_for_a_socket) {
  int fds[2];

  check_is(
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
      0);
  expect_read_waits(f, fds[0], fds[1], -1);
  close_both(fds);
}

WEIR_TEST(file_wait, a_read_waits_for_an_eventfd) {
  static const int flags[] = {0, EFD_NONBLOCK};
  size_t i;

  for (i = 0; i < 2; i++) {
    int fd = eventfd(0, EFD_CLOEXEC | flags[i]);
    struct request r;
    uint64_t count = 0;
    const uint64_t five = 5;

    pread_start(f, &r, fd, &count, sizeof(count), -1);
    expect_pending(f, &r);
    check_is(write(fd, &five, sizeof(five)), sizeof(five));
    finish(f, &r, 0, sizeof(count));
    check_is(count, 5);
    close(fd);
  }
}

WEIR_TEST(file_wait, a_read_waits_for_a_terminal) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  int slave;
  struct request r;
  char bytes[16];

  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
    fixture_skip(f, "no pseudo terminals here");
  slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  cr_assert(slave >= 0);
  pread_start(f, &r, slave, bytes, sizeof(bytes), -1);
  expect_pending(f, &r);
  check_is(write(master, "line\n", 5), 5);
  finish(f, &r, 0, 5);
  close(slave);
  close(master);
}

/* All of them are told that there is something. */
static void expect_one_of_three(struct weir_fixture *f, int from, int to) {
  struct request r[3];
  char bytes[3];
  int i, calls = 0;

  for (i = 0; i < 3; i++)
    pread_start(f, &r[i], from, &bytes[i], 1, -1);
  expect_pending(f, &r[0]);
  check_is(write(to, "x", 1), 1);
  linger(f);
  for (i = 0; i < 3; i++)
    calls += r[i].calls;
  check_is(calls, 1);
  for (i = 0; i < 3; i++) {
    if (r[i].calls == 1) {
      finish(f, &r[i], 0, 1);
      continue;
    }
    weir_cancel(&r[i].op);
    finish(f, &r[i], UV_ECANCELED, 0);
  }
}

WEIR_TEST(file_wait, several_readers_of_one_byte_wait_on) {
  int fds[2];

  make_pipe(fds, 0);
  expect_one_of_three(f, fds[0], fds[1]);
  close_both(fds);
  make_pipe(fds, O_NONBLOCK);
  expect_one_of_three(f, fds[0], fds[1]);
  close_both(fds);
  pair_unix(fds);
  expect_one_of_three(f, fds[0], fds[1]);
  close_both(fds);
}

/* Somebody else is always faster. */
WEIR_TEST(file_wait, a_read_waits_as_often_as_it_must) {
  struct request r;
  int fds[2], i;
  char byte, stolen;

  make_pipe(fds, O_NONBLOCK);
  pread_start(f, &r, fds[0], &byte, 1, -1);
  for (i = 0; i < 60; i++) {
    check_is(write(fds[1], "x", 1), 1);
    if (read(fds[0], &stolen, 1) != 1) {
      finish(f, &r, 0, 1);
      pread_start(f, &r, fds[0], &byte, 1, -1);
    }
    run_turn(f);
    usleep(500);
    check_is(r.calls, 0);
  }
  check_is(write(fds[1], "x", 1), 1);
  finish(f, &r, 0, 1);
  close_both(fds);
}

WEIR_TEST(file_wait, the_end_of_a_pipe_ends_the_read) {
  int fds[2];
  struct request r;
  char byte;

  make_pipe(fds, 0);
  pread_start(f, &r, fds[0], &byte, 1, -1);
  expect_pending(f, &r);
  close(fds[1]);
  finish(f, &r, 0, 0);
  close(fds[0]);
}

/* One call, for as many segments as there are bytes for: a second one would
 * wait. */
WEIR_TEST(file_wait, a_read_takes_what_there_is) {
  int fds[2];
  struct request r = {0};
  uv_buf_t bufs[16];
  char bytes[16];
  int i;

  for (i = 0; i < 16; i++)
    bufs[i] = uv_buf_init(bytes + i, 1);
  make_pipe(fds, 0);
  for (i = 1; i <= 16; i++) {
    memset(&r, 0, sizeof(r));
    check_is(write(fds[1], "0123456789abcdef", (size_t)i), i);
    check_is(weir_file_pread(f->loop, &r.op, fds[0], weir_mseq_bufs(bufs, 16),
                             i % 2 - 1, on_done),
             0);
    finish(f, &r, 0, (size_t)i);
    check_is(write(fds[1], "0123456789abcdef", (size_t)i), i);
    check_is(weir_file_pread(f->loop, NULL, fds[0], weir_mseq_bufs(bufs, 16),
                             i % 2 - 1, NULL),
             i);
  }
  close_both(fds);
}

WEIR_TEST(file_wait, without_a_callback_nothing_is_waited_for) {
  int fds[2];
  char byte;

  make_pipe(fds, O_NONBLOCK);
  check_is(weir_file_pread(f->loop, NULL, fds[0], weir_mseq_block(&byte, 1), -1,
                           NULL),
           UV_EAGAIN);
  check_is(weir_file_pread(f->loop, NULL, fds[0], weir_mseq_block(&byte, 1), 7,
                           NULL),
           UV_EAGAIN);
  close_both(fds);
}

/* Some file systems cannot try without waiting, and then a kernel takes the
 * flag at its word. */
WEIR_TEST(file_wait, a_file_opened_non_blocking_is_read_and_written) {
  static const char *const dirs[] = {"/tmp", "/dev/shm"};
  struct request r;
  struct scratch s;
  char bytes[100];
  size_t i;

  for (i = 0; i < 2; i++) {
    int fd;

    if (access(dirs[i], W_OK) != 0)
      continue;
    setenv("TMPDIR", dirs[i], 1);
    scratch_make(&s, 100);
    fd = open(s.path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    pread_start(f, &r, fd, bytes, 100, 0);
    finish(f, &r, 0, 100);
    cr_assert(pattern_holds(bytes, 0, 100));
    pwrite_start(f, &r, fd, bytes, 100, 0);
    finish(f, &r, 0, 100);
    close(fd);
    scratch_remove(&s);
  }
}

/* It is not in memory; to try without waiting would be in vain. */
WEIR_TEST(file_wait, a_file_is_read_from_the_disk) {
  static char bytes[1 << 16];
  struct scratch s;
  struct request r;

  scratch_make(&s, sizeof(bytes));
  check_is(fsync(s.fd), 0);
  check_is(posix_fadvise(s.fd, 0, 0, POSIX_FADV_DONTNEED), 0);
  check_is(lseek(s.fd, 0, SEEK_SET), 0);
  pread_start(f, &r, s.fd, bytes, sizeof(bytes), -1);
  run_until(f, &r.calls);
  check_is(r.status, 0);
  cr_assert(r.n > 0 && pattern_holds(bytes, 0, r.n));
  scratch_remove(&s);
}

/* As /proc, which cannot try without waiting. */
WEIR_TEST(file_wait, a_proc_file_opened_non_blocking_is_read) {
  int fd = open("/proc/version", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct request r;
  char bytes[64];

  cr_assert(fd >= 0);
  pread_start(f, &r, fd, bytes, sizeof(bytes), 0);
  finish(f, &r, 0, sizeof(bytes));
  cr_assert(memcmp(bytes, "Linux", 5) == 0);
  pread_start(f, &r, fd, bytes, sizeof(bytes), -1);
  finish(f, &r, 0, sizeof(bytes));
  close(fd);
}

/* ---- Writing before there is room ---- */

/* It takes what there is room for. */
static void expect_write_is_short(struct weir_fixture *f, int flags) {
  static char bytes[1 << 20];
  int fds[2];
  struct request r;

  make_pipe(fds, flags);
  pwrite_start(f, &r, fds[1], bytes, sizeof(bytes), -1);
  run_until(f, &r.calls);
  check_is(r.status, 0);
  cr_assert(r.n > 0 && r.n < sizeof(bytes));
  pipe_drain(fds[0], r.n);
  close_both(fds);
}

WEIR_TEST(file_wait, a_write_takes_the_room_that_there_is) {
  expect_write_is_short(f, 0);
  expect_write_is_short(f, O_NONBLOCK);
  be_older(f);
  expect_write_is_short(f, 0);
  expect_write_is_short(f, O_NONBLOCK);
}

static void expect_write_waits(struct weir_fixture *f, int flags) {
  int fds[2];
  struct request r;
  size_t held;
  char back[4];

  make_pipe(fds, flags);
  held = pipe_fill(fds[1]);
  pwrite_start(f, &r, fds[1], "late", 4, -1);
  expect_pending(f, &r);
  pipe_drain(fds[0], held);
  finish(f, &r, 0, 4);
  check_is(read(fds[0], back, 4), 4);
  cr_assert(memcmp(back, "late", 4) == 0);

  held = pipe_fill(fds[1]);
  pwrite_start(f, &r, fds[1], "never", 5, -1);
  expect_pending(f, &r);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  pipe_drain(fds[0], held);
  close_both(fds);
}

WEIR_TEST(file_wait, a_write_waits_for_room_in_a_pipe) {
  expect_write_waits(f, 0);
  expect_write_waits(f, O_NONBLOCK);
}

WEIR_TEST(file_wait, a_write_waits_on_an_older_kernel_too) {
  be_older(f);
  expect_write_waits(f, 0);
  expect_write_waits(f, O_NONBLOCK);
}

/* Room that somebody else has filled whenever the thread comes to write. */
static atomic_int robbed;

static int poll_in_vain(struct pollfd *fds, nfds_t count, int timeout) {
  (void)count;
  (void)timeout;
  if (fds[0].events != POLLOUT || timeout == 0)
    return 0;
  atomic_fetch_add(&robbed, 1);
  fds[0].revents = POLLOUT;
  return 1;
}

WEIR_TEST(file_wait, a_write_waits_as_often_as_it_must) {
  enum { ROBBED = 100 };
  weir__system_t *system = weir__system_get();
  int (*was)(struct pollfd *, nfds_t, int) = system->poll;
  struct request w;
  int fds[2];

  be_older(f);
  atomic_store(&robbed, 0);
  make_pipe(fds, O_NONBLOCK);
  pipe_fill(fds[1]);
  system->poll = poll_in_vain;
  pwrite_start(f, &w, fds[1], "x", 1, -1);
  while (w.calls == 0 && atomic_load(&robbed) < ROBBED)
    run_turn(f);
  check_is(w.calls, 0);
  system->poll = was;
  expect_pending(f, &w);
  weir_cancel(&w.op);
  finish(f, &w, UV_ECANCELED, 0);
  close_both(fds);
}

/* A poll calls an eventfd writable as soon as 1 can be added. The kernel itself
 * tries some hundred times. */
WEIR_TEST(file_wait, a_nearly_full_eventfd_is_no_spin) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const uint64_t most = UINT64_MAX - 2, five = 5;
  struct request r;
  uint64_t calls, count;

  check_is(write(fd, &most, sizeof(most)), sizeof(most));
  calls = stats_of(f).syscalls;
  pwrite_start(f, &r, fd, &five, sizeof(five), -1);
  finish(f, &r, UV_EAGAIN, 0);
  cr_assert(stats_of(f).syscalls - calls < 2000);
  cr_assert(stats_of(f).sqes < 40);
  check_is(read(fd, &count, sizeof(count)), sizeof(count));
  pwrite_start(f, &r, fd, &five, sizeof(five), -1);
  finish(f, &r, 0, sizeof(five));
  close(fd);
}

/* ---- FIFOs ---- */

static uv_file opened;

static void on_open(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  opened = status == 0 ? weir_file_result(op) : -1;
}

static void open_start(struct weir_fixture *f, struct request *r,
                       const char *path, int flags) {
  memset(r, 0, sizeof(*r));
  check_is(weir_file_open(f->loop, &r->op, path, flags, 0, on_open), 0);
}

static void expect_open_waits(struct weir_fixture *f, const char *path,
                              int flags, int peer_flags) {
  struct request r;
  int peer;

  open_start(f, &r, path, flags);
  expect_pending(f, &r);
  peer = open(path, peer_flags | O_CLOEXEC);
  cr_assert(peer >= 0);
  finish(f, &r, 0, 0);
  cr_assert(fcntl(opened, F_GETFL) >= 0);
  check_is(fcntl(opened, F_GETFL) & O_NONBLOCK, 0);
  close(opened);
  close(peer);
}

WEIR_TEST(file_wait, opening_a_fifo_waits_for_the_other_side) {
  struct scratch s;
  struct request r;
  char path[SCRATCH_DIR + 16];

  scratch_make(&s, 0);
  snprintf(path, sizeof(path), "%s/fifo", s.dir);
  check_is(mkfifo(path, 0600), 0);
  expect_open_waits(f, path, UV_FS_O_RDONLY, O_WRONLY);
  expect_open_waits(f, path, UV_FS_O_WRONLY, O_RDONLY);

  open_start(f, &r, path, UV_FS_O_WRONLY | UV_FS_O_NONBLOCK);
  finish(f, &r, UV_ENXIO, 0);
  open_start(f, &r, path, UV_FS_O_RDONLY | UV_FS_O_NONBLOCK);
  finish(f, &r, 0, 0);
  close(opened);
  unlink(path);
  scratch_remove(&s);
}

/* A thread of libuv's pool cannot be called back from there; a kernel thread
 * can. */
WEIR_TEST(file_wait, opening_a_fifo_is_cancelled_or_waits_on) {
  struct scratch s;
  struct request r;
  char path[SCRATCH_DIR + 16];
  int peer;

  scratch_make(&s, 0);
  snprintf(path, sizeof(path), "%s/fifo", s.dir);
  check_is(mkfifo(path, 0600), 0);
  open_start(f, &r, path, UV_FS_O_RDONLY);
  linger(f);
  weir_cancel(&r.op);
  if (f->backend == WEIR_BACKEND_URING) {
    finish(f, &r, UV_ECANCELED, 0);
  } else {
    expect_pending(f, &r);
    peer = open(path, O_WRONLY | O_CLOEXEC);
    finish(f, &r, 0, 0);
    close(peer);
    close(opened);
  }
  unlink(path);
  scratch_remove(&s);
}

/* ---- The application closes everything ---- */

static void leave(struct weir_fixture *f) {
  int r = weir_loop_detach(f->loop, NULL);

  check_is(r, UV_EBUSY);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
}

WEIR_TEST(file_wait, closing_all_handles_ends_a_read_that_waits) {
  int fds[2];
  struct request r[6];
  char bytes[6];
  int i;

  make_pipe(fds, 0);
  for (i = 0; i < 6; i++)
    pread_start(f, &r[i], fds[0], &bytes[i], 1, -1);
  expect_pending(f, &r[0]);
  uv_walk(&f->uv, close_each, NULL);
  leave(f);
  for (i = 0; i < 6; i++) {
    check_is(r[i].calls, 1);
    check_is(r[i].status, UV_ECANCELED);
  }
  close_both(fds);
}

/* In libuv's pool, on io_uring too. */
WEIR_TEST(file_wait, closing_all_handles_ends_a_write_that_waits) {
  int fds[2];
  struct request w;

  be_older(f);
  make_pipe(fds, O_NONBLOCK);
  pipe_fill(fds[1]);
  pwrite_start(f, &w, fds[1], "x", 1, -1);
  expect_pending(f, &w);
  uv_walk(&f->uv, close_each, NULL);
  leave(f);
  check_is(w.calls, 1);
  check_is(w.status, UV_ECANCELED);
  check_is(w.n, 0);
  close_both(fds);
}

/* Its memory is the thread's as long as the thread is at it. */
WEIR_TEST(file_wait, closing_all_handles_waits_for_no_thread) {
  struct scratch s;
  struct request r;
  char path[SCRATCH_DIR + 16];
  int peer;

  if (f->backend == WEIR_BACKEND_URING)
    fixture_skip(f, "io_uring ends the open");
  scratch_make(&s, 0);
  snprintf(path, sizeof(path), "%s/fifo", s.dir);
  check_is(mkfifo(path, 0600), 0);
  open_start(f, &r, path, UV_FS_O_RDONLY);
  expect_pending(f, &r);
  uv_walk(&f->uv, close_each, NULL);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  expect_pending(f, &r);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  peer = open(path, O_WRONLY | O_CLOEXEC);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(r.calls, 1);
  check_is(r.status, 0);
  close(opened);
  close(peer);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
  unlink(path);
  scratch_remove(&s);
}
