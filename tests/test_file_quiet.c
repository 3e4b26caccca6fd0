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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/alloc.h"
#include "support/descriptor.h"
#include "support/net.h"
#include "support/scratch.h"

/* File operations that write to nobody, and what it costs those that do not:
 * the fixture asserts that SIGPIPE never came. */

static void expect_quiet(struct weir_fixture *f, int fd, int64_t offset) {
  struct request r;
  uv_buf_t bufs[2] = {{(char *)"lo", 2}, {(char *)"st", 2}};

  pwrite_start(f, &r, fd, "lost", 4, offset);
  finish(f, &r, UV_EPIPE, 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_pwrite(f->loop, &r.op, fd, weir_seq_bufs(bufs, 2), offset,
                            on_done),
           0);
  finish(f, &r, UV_EPIPE, 0);
  check_is(weir_file_pwrite(f->loop, NULL, fd, weir_seq_block("lost", 4),
                            offset, NULL),
           UV_EPIPE);
}

static void write_to_nobody(struct weir_fixture *f) {
  struct scratch s;
  struct request r;
  int fds[2], fifo;
  char path[SCRATCH_DIR + 16];

  make_pipe(fds, 0);
  pipe_fill(fds[1]);
  pwrite_start(f, &r, fds[1], "lost", 4, -1);
  expect_pending(f, &r);
  close(fds[0]);
  finish(f, &r, UV_EPIPE, 0);
  expect_quiet(f, fds[1], -1);
  expect_quiet(f, fds[1], 0);
  close(fds[1]);

  check_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  close(fds[0]);
  expect_quiet(f, fds[1], -1);
  expect_quiet(f, fds[1], 100);
  close(fds[1]);

  scratch_make(&s, 0);
  snprintf(path, sizeof(path), "%s/fifo", s.dir);
  check_is(mkfifo(path, 0600), 0);
  fifo = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  fds[1] = open(path, O_WRONLY | O_CLOEXEC);
  close(fifo);
  expect_quiet(f, fds[1], -1);
  expect_quiet(f, fds[1], 0);
  close(fds[1]);
  unlink(path);
  scratch_remove(&s);
}

WEIR_TEST(file_quiet, a_write_to_nobody_raises_no_signal) {
  write_to_nobody(f);
}

WEIR_TEST(file_quiet, nor_does_it_on_an_older_kernel) {
  be_older(f);
  write_to_nobody(f);
}

/* Writes that did not find a place count no more than those that are done. */
WEIR_TEST(file_quiet, nor_after_a_write_that_found_no_memory) {
  enum { READS = 256 };
  static struct request reads[READS];
  struct scratch s;
  struct request r;
  char byte;
  int from[2], fds[2], number;
  int count = f->backend == WEIR_BACKEND_URING ? READS : 0;

  be_older(f);
  scratch_make(&s, 16);
  make_pipe(from, 0);
  memset(reads, 0, sizeof(reads));
  for (int i = 0; i < count; i++)
    check_is(weir_file_pread(f->loop, &reads[i].op, from[0],
                             weir_mseq_block(&byte, 1), -1, on_done),
             0);
  run_some_turns(f);
  alloc_fail_after(0);
  pwrite_start(f, &r, s.fd, "none", 4, 0);
  run_until(f, &r.calls);
  alloc_fail_after(SIZE_MAX);
  if (f->backend == WEIR_BACKEND_URING)
    check_is(r.status, UV_ENOMEM);

  number = s.fd;
  make_pipe(fds, 0);
  close(fds[0]);
  s.fd = dup(number);
  check_is(dup2(fds[1], number), number);
  close(fds[1]);
  pwrite_start(f, &r, number, "lost", 4, -1);
  finish(f, &r, UV_EPIPE, 0);
  close(number);
  close(from[1]);
  run_out(f);
  close(from[0]);
  scratch_remove(&s);
}

/* From a pool, by the way of registered memory. */
WEIR_TEST(file_quiet, nor_from_a_pool_on_an_older_kernel) {
  weir_pool_t *pool;
  struct request r;
  uv_buf_t buf;
  int fds[2];

  be_older(f);
  check_is(weir_pool_create(f->loop, 2, 4096, &pool), 0);
  check_is(weir_pool_acquire(pool, &buf), 0);
  memset(buf.base, 0, buf.len);
  make_pipe(fds, 0);
  close(fds[0]);
  pwrite_start(f, &r, fds[1], buf.base, buf.len, -1);
  finish(f, &r, UV_EPIPE, 0);
  close(fds[1]);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_destroy(pool), 0);
}

static int asked;

/* In place of the C library's. */
int fstat(int fd, struct stat *info) {
  asked++;
  return fstatat(fd, "", info, AT_EMPTY_PATH);
}

struct pipeline {
  struct weir_fixture *f;
  int fd;
  int left;
  struct request writes[8];
  char bytes[512];
};

static void write_next(struct pipeline *p, struct request *r);

static void on_next(weir_op_t *op, int status, size_t n) {
  struct pipeline *p = op->data;

  check_is(status, 0);
  check_is(n, sizeof(p->bytes));
  write_next(p, (struct request *)op);
}

static void write_next(struct pipeline *p, struct request *r) {
  if (p->left == 0)
    return;
  p->left--;
  r->op.data = p;
  check_is(weir_file_pwrite(p->f->loop, &r->op, p->fd,
                            weir_seq_block(p->bytes, sizeof(p->bytes)), 0,
                            on_next),
           0);
}

/* What a descriptor is, is not asked for each write. */
WEIR_TEST(file_quiet, writes_to_a_file_cost_nothing_on_an_older_kernel) {
  static struct pipeline p;
  struct scratch s;
  uint64_t before;
  int i;

  be_older(f);
  scratch_make(&s, 0);
  p.f = f;
  p.fd = s.fd;
  p.left = 800;
  before = stats_of(f).writes;
  asked = 0;
  for (i = 0; i < 8; i++)
    write_next(&p, &p.writes[i]);
  run_out(f);
  check_is(stats_of(f).writes - before, 800);
  cr_assert(asked < 400, "%d questions for 800 writes", asked);
  scratch_remove(&s);
}

/* Two descriptors are remembered in the same place. */
WEIR_TEST(file_quiet, a_file_beside_a_pipe_changes_nothing) {
  static char bytes[1 << 20];
  struct scratch s;
  struct request r[8], w;
  int fds[2], i;

  be_older(f);
  scratch_make(&s, 0);
  make_pipe(fds, 0);
  check_is(dup2(fds[1], s.fd + 64), s.fd + 64);
  close(fds[0]);
  for (i = 0; i < 8; i++)
    pwrite_start(f, &r[i], s.fd, bytes, sizeof(bytes), 0);
  pwrite_start(f, &w, s.fd + 64, "lost", 4, 0);
  finish(f, &w, UV_EPIPE, 0);
  for (i = 0; i < 8; i++)
    finish(f, &r[i], 0, sizeof(bytes));
  close(s.fd + 64);
  close(fds[1]);
  scratch_remove(&s);
}

/* ---- What a write costs ---- */

static atomic_int masked;

/* In place of the C library's. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  atomic_fetch_add(&masked, 1);
  return (int)syscall(SYS_rt_sigprocmask, how, set, old, _NSIG / 8);
}

WEIR_TEST(file_quiet, a_write_at_an_offset_touches_no_signal_mask) {
  struct scratch s;
  struct request r;
  int before;

  scratch_make(&s, 0);
  /* The first one starts the threads of the pool. */
  pwrite_start(f, &r, s.fd, "bytes", 5, 0);
  finish(f, &r, 0, 5);
  before = atomic_load(&masked);
  pwrite_start(f, &r, s.fd, "bytes", 5, 0);
  finish(f, &r, 0, 5);
  check_is(weir_file_pwrite(f->loop, NULL, s.fd, weir_seq_block("bytes", 5), 5,
                            NULL),
           5);
  check_is(atomic_load(&masked), before);
  scratch_remove(&s);
}

/* A log that several write to: a record is not torn. */
WEIR_TEST(file_quiet, sixteen_segments_are_one_call) {
  struct scratch s;
  struct request r = {0};
  uv_buf_t bufs[16];
  char bytes[16 * 64];
  int fd, i;

  pattern_fill(bytes, 0, sizeof(bytes));
  for (i = 0; i < 16; i++)
    bufs[i] = uv_buf_init(bytes + i * 64, i % 2 ? 32 : 64);
  scratch_make(&s, 0);
  fd = open(s.path, O_WRONLY | O_APPEND | O_CLOEXEC);
  for (i = 0; i < 3; i++) {
    memset(&r, 0, sizeof(r));
    check_is(weir_file_pwrite(f->loop, &r.op, fd, weir_seq_bufs(bufs, 16),
                              i - 1, on_done),
             0);
    finish(f, &r, 0, 16 * 48);
  }
  check_is(lseek(s.fd, 0, SEEK_END), 3 * 16 * 48);
  close(fd);
  scratch_remove(&s);
}
