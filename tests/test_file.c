/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

static void pread_start(struct weir_fixture *f, struct request *r, int fd,
                        weir_mseq_t into, int64_t offset) {
  memset(r, 0, sizeof(*r));
  check_is(weir_file_pread(f->loop, &r->op, fd, into, offset, on_done), 0);
  check_is(r->calls, 0);
}

static void pwrite_start(struct weir_fixture *f, struct request *r, int fd,
                         weir_seq_t from, int64_t offset) {
  memset(r, 0, sizeof(*r));
  check_is(weir_file_pwrite(f->loop, &r->op, fd, from, offset, on_done), 0);
  check_is(r->calls, 0);
}

/* The descriptor is there only in the callback. */
static uv_file opened;

static void on_open(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  opened = status == 0 ? weir_file_result(op) : -1;
}

WEIR_TEST(file, is_opened_written_synced_read_and_closed) {
  struct scratch s;
  struct request r;
  char path[SCRATCH_DIR + 16], bytes[100], back[100];

  scratch_make(&s, 0);
  pattern_fill(bytes, 0, 100);
  snprintf(path, sizeof(path), "%s/new", s.dir);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_open(f->loop, &r.op, path,
                          UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_EXCL, 0600,
                          on_open),
           0);
  memset(path, 'x', sizeof(path) - 1);
  check_is(r.calls, 0);
  finish(f, &r, 0, 0);
  cr_assert(opened >= 0);

  pwrite_start(f, &r, opened, weir_seq_block(bytes, 100), 0);
  finish(f, &r, 0, 100);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_fsync(f->loop, &r.op, opened, on_done), 0);
  finish(f, &r, 0, 0);
  pread_start(f, &r, opened, weir_mseq_block(back, 100), 0);
  finish(f, &r, 0, 100);
  cr_assert(memcmp(bytes, back, 100) == 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_close(f->loop, &r.op, opened, on_done), 0);
  finish(f, &r, 0, 0);

  snprintf(path, sizeof(path), "%s/new", s.dir);
  check_is(unlink(path), 0);
  scratch_remove(&s);
}

WEIR_TEST(file, without_a_callback_is_synchronous) {
  struct scratch s;
  char path[SCRATCH_DIR + 16], bytes[100];
  uv_buf_t bufs[20];
  int fd, i;

  scratch_make(&s, 0);
  snprintf(path, sizeof(path), "%s/new", s.dir);
  fd = weir_file_open(f->loop, NULL, path, UV_FS_O_RDWR | UV_FS_O_CREAT, 0600,
                      NULL);
  cr_assert(fd >= 0);
  pattern_fill(bytes, 0, 100);
  check_is(
      weir_file_pwrite(f->loop, NULL, fd, weir_seq_block(bytes, 100), 0, NULL),
      100);
  check_is(weir_file_fsync(f->loop, NULL, fd, NULL), 0);
  memset(bytes, 0, 100);
  for (i = 0; i < 20; i++)
    bufs[i] = uv_buf_init(bytes + 5 * i, i == 7 ? 0 : 4);
  check_is(
      weir_file_pread(f->loop, NULL, fd, weir_mseq_bufs(bufs, 20), 10, NULL),
      64);
  cr_assert(pattern_holds(bytes, 10, 4));
  cr_assert(pattern_holds(bytes + 5, 14, 4));
  cr_assert(pattern_holds(bytes + 80, 70, 4));
  check_is(weir_file_pread(f->loop, NULL, fd, weir_mseq_block(bytes, 100), 100,
                           NULL),
           0);
  check_is(weir_file_close(f->loop, NULL, fd, NULL), 0);
  check_is(
      weir_file_open(f->loop, NULL, "/nonexistent", UV_FS_O_RDONLY, 0, NULL),
      UV_ENOENT);
  check_is(weir_file_close(f->loop, NULL, -1, NULL), UV_EBADF);
  check_is(unlink(path), 0);
  scratch_remove(&s);
}

WEIR_TEST(file, reads_at_offsets_up_to_the_end) {
  struct scratch s;
  struct request r;
  char bytes[100];

  scratch_make(&s, 1000);
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 100), 500);
  finish(f, &r, 0, 100);
  cr_assert(pattern_holds(bytes, 500, 100));
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 100), 950);
  finish(f, &r, 0, 50);
  cr_assert(pattern_holds(bytes, 950, 50));
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 100), 1000);
  finish(f, &r, 0, 0);
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 100), (int64_t)1 << 40);
  finish(f, &r, 0, 0);
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 0), 0);
  finish(f, &r, 0, 0);
  scratch_remove(&s);
}

WEIR_TEST(file, offset_minus_one_is_its_own_position) {
  struct scratch s;
  struct request r;
  char bytes[100];
  int i;

  scratch_make(&s, 250);
  for (i = 0; i < 3; i++) {
    pread_start(f, &r, s.fd, weir_mseq_block(bytes, 100), -1);
    finish(f, &r, 0, i < 2 ? 100 : 50);
    cr_assert(pattern_holds(bytes, (size_t)i * 100, r.n));
  }
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 100), -1);
  finish(f, &r, 0, 0);
  pattern_fill(bytes, 250, 100);
  pwrite_start(f, &r, s.fd, weir_seq_block(bytes, 100), -1);
  finish(f, &r, 0, 100);
  scratch_expect(&s, 0, 350);
  /* A positioned one leaves it alone. */
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 100), 0);
  finish(f, &r, 0, 100);
  check_is(lseek(s.fd, 0, SEEK_CUR), 350);
  scratch_remove(&s);
}

WEIR_TEST(file, writes_beyond_four_gibibytes) {
  struct scratch s;
  struct request r;
  char bytes[10];

  scratch_make(&s, 0);
  pwrite_start(f, &r, s.fd, weir_seq_block("0123456789", 10),
               ((int64_t)5 << 30) + 3);
  finish(f, &r, 0, 10);
  check_is(lseek(s.fd, 0, SEEK_END), ((int64_t)5 << 30) + 13);
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 10), ((int64_t)5 << 30) + 3);
  finish(f, &r, 0, 10);
  cr_assert(memcmp(bytes, "0123456789", 10) == 0);
  scratch_remove(&s);
}

WEIR_TEST(file, moves_any_number_of_segments_a_window_at_a_time) {
  static const size_t counts[] = {1, 4, 5, 8, 15, 16, 17, 33, 200};
  static char bytes[200][8];
  uv_buf_t bufs[200];
  struct scratch s;
  struct request r;
  size_t i, k;

  scratch_make(&s, 0);
  for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
    size_t total = 0, window, at = 0;

    for (k = 0; k < counts[i]; k++) {
      bufs[k] = uv_buf_init(bytes[k], k % 3 == 1 ? 0 : 5);
      pattern_fill(bytes[k], total, bufs[k].len);
      total += bufs[k].len;
    }
    window = total < 80 ? total : 80;
    pwrite_start(f, &r, s.fd, weir_seq_bufs(bufs, counts[i]), 0);
    finish(f, &r, 0, window);
    scratch_expect(&s, 0, window);

    memset(bytes, 0, sizeof(bytes));
    pread_start(f, &r, s.fd, weir_mseq_bufs(bufs, counts[i]), 0);
    memset(bufs, 0, counts[i] * sizeof(*bufs));
    finish(f, &r, 0, window);
    for (k = 0; at < window; k++) {
      size_t len = k % 3 == 1 ? 0 : 5;

      cr_assert(pattern_holds(bytes[k], at, len));
      at += len;
    }
  }
  scratch_remove(&s);
}

WEIR_TEST(file, many_at_once_are_all_completed) {
  enum { COUNT = 500, SIZE = 64 };
  static struct request r[COUNT];
  static char bytes[COUNT][SIZE];
  struct scratch s;
  int i;

  fixture_reattach(f, 8);
  scratch_make(&s, COUNT * SIZE);
  for (i = 0; i < COUNT; i++)
    pread_start(f, &r[i], s.fd, weir_mseq_block(bytes[i], SIZE), i * SIZE);
  run_out(f);
  for (i = 0; i < COUNT; i++) {
    finish(f, &r[i], 0, SIZE);
    cr_assert(pattern_holds(bytes[i], (size_t)i * SIZE, SIZE));
  }
  for (i = 0; i < COUNT; i++) {
    pattern_fill(bytes[i], (size_t)(i + COUNT) * SIZE, SIZE);
    pwrite_start(f, &r[i], s.fd, weir_seq_block(bytes[i], SIZE),
                 (i + COUNT) * SIZE);
  }
  run_out(f);
  for (i = 0; i < COUNT; i++)
    finish(f, &r[i], 0, SIZE);
  scratch_expect(&s, 0, 2 * COUNT * SIZE);
  scratch_remove(&s);
}

WEIR_TEST(file, errors_are_the_systems) {
  struct request r = {0};
  char byte;
  int fd;

  check_is(weir_file_open(f->loop, &r.op, "/nonexistent/file", UV_FS_O_RDONLY,
                          0, on_open),
           0);
  finish(f, &r, UV_ENOENT, 0);
  fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(fd);
  pread_start(f, &r, fd, weir_mseq_block(&byte, 1), 0);
  finish(f, &r, UV_EBADF, 0);
  pwrite_start(f, &r, fd, weir_seq_block("x", 1), 0);
  finish(f, &r, UV_EBADF, 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_fsync(f->loop, &r.op, fd, on_done), 0);
  finish(f, &r, UV_EBADF, 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_close(f->loop, &r.op, fd, on_done), 0);
  finish(f, &r, UV_EBADF, 0);
  pread_start(f, &r, fd, weir_mseq_block(&byte, 1), -1);
  finish(f, &r, UV_EBADF, 0);
  pread_start(f, &r, -1, weir_mseq_block(&byte, 1), -1);
  finish(f, &r, UV_EBADF, 0);
  pwrite_start(f, &r, -1, weir_seq_block("x", 1), -1);
  finish(f, &r, UV_EBADF, 0);

  fd = open("/", O_RDONLY | O_CLOEXEC);
  pread_start(f, &r, fd, weir_mseq_block(&byte, 1), 0);
  finish(f, &r, UV_EISDIR, 0);
  close(fd);
}

WEIR_TEST(file, a_full_device_is_reported) {
  struct request r;
  int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    fixture_skip(f, "no /dev/full here");
  pwrite_start(f, &r, fd, weir_seq_block("x", 1), 0);
  finish(f, &r, UV_ENOSPC, 0);
  close(fd);
}

WEIR_TEST(file, refuses_bad_arguments) {
  struct request r = {0};
  weir_mseq_t into;
  char byte;

  into = weir_mseq_block(&byte, 1);
  check_is(weir_file_pread(f->loop, &r.op, 0, into, -2, on_done), UV_EINVAL);
  check_is(weir_file_pread(NULL, &r.op, 0, into, 0, on_done), UV_EINVAL);
  check_is(weir_file_pread(f->loop, NULL, 0, into, 0, on_done), UV_EINVAL);
  check_is(weir_file_pwrite(f->loop, &r.op, 0, weir_seq_from(into), -2, NULL),
           UV_EINVAL);
  check_is(weir_file_open(f->loop, &r.op, NULL, 0, 0, on_done), UV_EINVAL);
  check_is(weir_file_close(f->loop, NULL, 0, on_done), UV_EINVAL);
  check_is(weir_file_fsync(NULL, &r.op, 0, on_done), UV_EINVAL);
  run_out(f);
  check_is(r.calls, 0);
}

WEIR_TEST(file, cancelled_or_completed_but_called_once) {
  enum { COUNT = 50 };
  static struct request r[COUNT];
  static char bytes[COUNT][512];
  struct scratch s;
  int i;

  scratch_make(&s, COUNT * 512);
  for (i = 0; i < COUNT; i++)
    pread_start(f, &r[i], s.fd, weir_mseq_block(bytes[i], 512), i * 512);
  for (i = 0; i < COUNT; i += 2)
    weir_cancel(&r[i].op);
  run_turn(f);
  for (i = 1; i < COUNT; i += 2)
    if (r[i].calls == 0)
      weir_cancel(&r[i].op);
  run_out(f);
  for (i = 0; i < COUNT; i++) {
    check_is(r[i].calls, 1);
    if (r[i].status == 0)
      cr_assert(r[i].n == 512 && pattern_holds(bytes[i], (size_t)i * 512, 512));
    else
      cr_assert(r[i].status == UV_ECANCELED && r[i].n == 0);
  }
  check_is(r[0].status, UV_ECANCELED);
  scratch_remove(&s);
}

/* What a callback begins, when it was not expected any more. */
WEIR_TEST(file, a_cancelled_open_leaks_no_descriptor) {
  int i;

  for (i = 0; i < 50; i++) {
    struct request r = {0};

    opened = -1;
    check_is(
        weir_file_open(f->loop, &r.op, "/dev/null", UV_FS_O_RDONLY, 0, on_open),
        0);
    if (i % 2)
      run_turn(f);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    if (r.status == 0)
      check_is(weir_file_close(f->loop, NULL, opened, NULL), 0);
    else
      check_is(r.status, UV_ECANCELED);
  }
}

WEIR_TEST(file, operations_alone_keep_the_loop_alive) {
  struct scratch s;
  struct request r;
  char bytes[10];

  scratch_make(&s, 10);
  run_out(f);
  pread_start(f, &r, s.fd, weir_mseq_block(bytes, 10), 0);
  run_out(f);
  finish(f, &r, 0, 10);
  scratch_remove(&s);
}

/* The fixture asserts that SIGPIPE was never raised. */
WEIR_TEST(file, a_pipe_without_a_reader_raises_no_signal) {
  struct request r = {0};
  int fds[2];

  check_is(pipe(fds), 0);
  close(fds[0]);
  check_is(weir_file_pwrite(f->loop, NULL, fds[1], weir_seq_block("lost", 4),
                            -1, NULL),
           UV_EPIPE);
  check_is(weir_file_pwrite(f->loop, &r.op, fds[1], weir_seq_block("lost", 4),
                            -1, on_done),
           0);
  finish(f, &r, UV_EPIPE, 0);
  close(fds[1]);
}

/* More than libuv's pool gets at once, of which none is held. */
WEIR_TEST(file, thousands_one_after_the_other) {
  enum { SOME = 50, ROUNDS = 50 };
  static struct request r[SOME];
  struct scratch s;
  char bytes[10];

  scratch_make(&s, 10);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < SOME; i++)
      pread_start(f, &r[i], s.fd, weir_mseq_block(bytes, 10), 0);
    for (int i = 0; i < SOME; i++)
      finish(f, &r[i], 0, 10);
  }
  scratch_remove(&s);
}
