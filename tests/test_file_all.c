/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/plan.h"
#include "support/scratch.h"

/* Reads and writes of files that go on until all is moved. */

/* Segments with a byte between them, since neighbours are one. */
enum { SEGMENTS = 1000, SIZE = 7, STRIDE, ALL = SEGMENTS * SIZE };

static char bytes[SEGMENTS * STRIDE];
static uv_buf_t bufs[SEGMENTS];

static void cut_bytes(void) {
  for (int i = 0; i < SEGMENTS; i++)
    bufs[i] = uv_buf_init(bytes + (ptrdiff_t)i * STRIDE, SIZE);
}

static void fill_bytes(void) {
  for (int i = 0; i < SEGMENTS; i++)
    pattern_fill(bufs[i].base, (size_t)i * SIZE, SIZE);
}

/* Of the file from offset on. */
static void expect_bytes(size_t offset, size_t len) {
  for (size_t i = 0; i * SIZE < len; i++)
    cr_assert(pattern_holds(bufs[i].base, offset + i * SIZE,
                            len - i * SIZE < SIZE ? len - i * SIZE : SIZE));
}

static void read_all(struct weir_fixture *f, struct request *r, int fd,
                     unsigned segments, int64_t offset) {
  memset(r, 0, sizeof(*r));
  memset(bytes, 0, sizeof(bytes));
  check_is(weir_file_pread_all(f->loop, &r->op, fd,
                               weir_mseq_bufs(bufs, segments), offset, on_done),
           0);
  check_is(r->calls, 0);
}

static void write_all(struct weir_fixture *f, struct request *r, int fd,
                      unsigned segments, int64_t offset) {
  memset(r, 0, sizeof(*r));
  fill_bytes();
  check_is(weir_file_pwrite_all(f->loop, &r->op, fd,
                                weir_seq_bufs(bufs, segments), offset, on_done),
           0);
  check_is(r->calls, 0);
}

static const unsigned counts[] = {0, 1, 15, 16, 17, 32, 33, SEGMENTS};

WEIR_TEST(file_all, moves_however_many_segments) {
  struct scratch s;
  struct request r;

  cut_bytes();
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    scratch_make(&s, 0);
    write_all(f, &r, s.fd, counts[i], 0);
    finish(f, &r, 0, (size_t)counts[i] * SIZE);
    scratch_expect(&s, 0, (size_t)counts[i] * SIZE);
    read_all(f, &r, s.fd, counts[i], 0);
    finish(f, &r, 0, (size_t)counts[i] * SIZE);
    expect_bytes(0, (size_t)counts[i] * SIZE);
    scratch_remove(&s);
  }
}

WEIR_TEST(file_all, goes_on_at_the_files_own_position) {
  struct scratch s;
  struct request r;

  cut_bytes();
  scratch_make(&s, 0);
  write_all(f, &r, s.fd, SEGMENTS, -1);
  finish(f, &r, 0, ALL);
  check_is(lseek(s.fd, 0, SEEK_CUR), ALL);
  check_is(lseek(s.fd, 0, SEEK_SET), 0);
  read_all(f, &r, s.fd, SEGMENTS, -1);
  finish(f, &r, 0, ALL);
  check_is(lseek(s.fd, 0, SEEK_CUR), ALL);
  expect_bytes(0, ALL);
  scratch_remove(&s);
}

WEIR_TEST(file_all, goes_on_after_short_transfers) {
  static const size_t most[] = {1, 2, SIZE, SIZE + 1, 16 * SIZE - 1};
  weir_fault_t *fault;
  struct scratch s;
  struct request r;

  cut_bytes();
  for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
    scratch_make(&s, 0);
    fault =
        fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                                .times = WEIR_FAULT_ALWAYS,
                                                .bytes = most[i]});
    write_all(f, &r, s.fd, 40, 3);
    finish(f, &r, 0, 40 * SIZE);
    fault_end(f, fault);
    fault =
        fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ,
                                                .times = WEIR_FAULT_ALWAYS,
                                                .bytes = most[i]});
    read_all(f, &r, s.fd, 40, 3);
    finish(f, &r, 0, 40 * SIZE);
    fault_end(f, fault);
    expect_bytes(0, 40 * SIZE);
    scratch_remove(&s);
  }
}

WEIR_TEST(file_all, says_what_came_before_an_error) {
  weir_fault_t *fault;
  struct scratch s;
  struct request r;

  cut_bytes();
  scratch_make(&s, 0);
  fault = fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                                  .nth = 3,
                                                  .error = UV_ENOSPC});
  write_all(f, &r, s.fd, SEGMENTS, 0);
  finish(f, &r, UV_ENOSPC, (size_t)2 * WEIR_WINDOW * SIZE);
  fault_end(f, fault);
  scratch_expect(&s, 0, (size_t)2 * WEIR_WINDOW * SIZE);
  fault = fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ,
                                                  .nth = 2,
                                                  .error = UV_EIO});
  read_all(f, &r, s.fd, SEGMENTS, 0);
  finish(f, &r, UV_EIO, (size_t)WEIR_WINDOW * SIZE);
  fault_end(f, fault);
  expect_bytes(0, (size_t)WEIR_WINDOW * SIZE);
  scratch_remove(&s);
}

/* A device that is full, or a file that may not grow, in the middle. */
WEIR_TEST(file_all, says_how_much_there_was_room_for) {
  enum { ROOM = 16 * SIZE + 3 };
  const struct rlimit room = {ROOM, RLIM_INFINITY};
  struct rlimit before;
  struct scratch s;
  struct request r;
  size_t n;

  cut_bytes();
  scratch_make(&s, 0);
  signal(SIGXFSZ, SIG_IGN);
  check_is(getrlimit(RLIMIT_FSIZE, &before), 0);
  check_is(setrlimit(RLIMIT_FSIZE, &room), 0);
  write_all(f, &r, s.fd, SEGMENTS, 0);
  run_until(f, &r.calls);
  n = r.n;
  memset(&r.op, 0, sizeof(r.op));
  check_is(weir_file_pwrite_all(f->loop, &r.op, s.fd, weir_seq_bufs(bufs, 17),
                                0, NULL),
           UV_EFBIG);
  check_is(setrlimit(RLIMIT_FSIZE, &before), 0);
  check_is(r.status, UV_EFBIG);
  check_is(n, ROOM);
  check_is(weir_file_moved(&r.op), ROOM);
  scratch_expect(&s, 0, ROOM);
  scratch_remove(&s);
}

WEIR_TEST(file_all, says_what_there_was_before_the_end_of_the_file) {
  struct scratch s;
  struct request r;

  cut_bytes();
  scratch_make(&s, ALL - 1);
  read_all(f, &r, s.fd, SEGMENTS, 0);
  finish(f, &r, UV_EOF, ALL - 1);
  expect_bytes(0, ALL - 1);
  read_all(f, &r, s.fd, SEGMENTS, ALL);
  finish(f, &r, UV_EOF, 0);
  read_all(f, &r, s.fd, 1, ALL - 1 - SIZE);
  finish(f, &r, 0, SIZE);
  scratch_remove(&s);
}

WEIR_TEST(file_all, without_a_callback_is_synchronous) {
  struct scratch s;
  weir_op_t op;

  cut_bytes();
  scratch_make(&s, 0);
  fill_bytes();
  check_is(weir_file_pwrite_all(f->loop, &op, s.fd,
                                weir_seq_bufs(bufs, SEGMENTS), 0, NULL),
           0);
  check_is(weir_file_moved(&op), ALL);
  check_is(weir_file_pwrite_all(f->loop, NULL, s.fd,
                                weir_seq_bufs(bufs, SEGMENTS), -1, NULL),
           0);
  scratch_expect(&s, 0, ALL);
  check_is(weir_file_pread_all(f->loop, &op, s.fd,
                               weir_mseq_bufs(bufs, SEGMENTS), 5, NULL),
           UV_EOF);
  check_is(weir_file_moved(&op), ALL - 5);
  expect_bytes(5, ALL - 5);
  check_is(
      weir_file_pread_all(f->loop, &op, -1, weir_mseq_bufs(bufs, 1), 0, NULL),
      UV_EBADF);
  check_is(weir_file_moved(&op), 0);
  scratch_remove(&s);
}

WEIR_TEST(file_all, refuses_nonsense) {
  struct request r = {0};
  const weir_mseq_t into = weir_mseq_block(bytes, 1);
  const weir_seq_t from = weir_seq_block(bytes, 1);

  check_is(weir_file_pread_all(NULL, &r.op, 0, into, 0, on_done), UV_EINVAL);
  check_is(weir_file_pread_all(f->loop, NULL, 0, into, 0, on_done), UV_EINVAL);
  check_is(weir_file_pread_all(f->loop, &r.op, 0, into, -2, on_done),
           UV_EINVAL);
  check_is(weir_file_pwrite_all(NULL, NULL, 0, from, 0, NULL), UV_EINVAL);
  check_is(weir_file_pwrite_all(f->loop, NULL, 0, from, 0, on_done), UV_EINVAL);
  check_is(weir_file_pwrite_all(f->loop, &r.op, 0, from, -2, NULL), UV_EINVAL);
}

/* ---- Ended in the middle ---- */

enum { THERE = 5 };

/* Five bytes of a read of ten have come from a pipe. */
static void begin_half(struct weir_fixture *f, struct request *r, int fds[2]) {
  uint64_t before = stats_of(f).bytes_read;

  check_is(pipe(fds), 0);
  check_is(write(fds[1], "12345", THERE), THERE);
  memset(r, 0, sizeof(*r));
  memset(bytes, 0, sizeof(bytes));
  check_is(weir_file_pread_all(f->loop, &r->op, fds[0],
                               weir_mseq_block(bytes, (size_t)2 * THERE), 0,
                               on_done),
           0);
  while (stats_of(f).bytes_read - before < THERE)
    uv_run(&f->uv, UV_RUN_NOWAIT);
}

static void end_half(int fds[2]) {
  cr_assert(memcmp(bytes, "12345", THERE) == 0);
  close(fds[0]);
  close(fds[1]);
}

WEIR_TEST(file_all, waits_for_the_rest_of_a_pipe) {
  struct request r;
  int fds[2];

  begin_half(f, &r, fds);
  run_some_turns(f);
  check_is(r.calls, 0);
  check_is(write(fds[1], "67890", THERE), THERE);
  finish(f, &r, 0, (size_t)2 * THERE);
  cr_assert(memcmp(bytes, "1234567890", (size_t)2 * THERE) == 0);
  end_half(fds);
}

WEIR_TEST(file_all, is_cancelled_between_two_transfers) {
  struct request r;
  int fds[2];

  begin_half(f, &r, fds);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, THERE);
  end_half(fds);

  begin_half(f, &r, fds);
  run_some_turns(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, THERE);
  end_half(fds);
}

/* Its first transfer cannot be ended any more, or was never submitted. */
WEIR_TEST(file_all, that_is_cancelled_does_not_go_on) {
  weir_fault_t *fault;
  struct scratch s;
  struct request r;

  cut_bytes();
  scratch_make(&s, 0);
  fault = fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                                  .times = WEIR_FAULT_ALWAYS,
                                                  .rounds = 3});
  write_all(f, &r, s.fd, SEGMENTS, 0);
  while (weir_fault_count(fault, WEIR_FAULT_FILE_WRITE).asked == 0)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  weir_cancel(&r.op);
  run_until(f, &r.calls);
  fault_end(f, fault);
  check_is(r.status, UV_ECANCELED);
  check_is(r.n % (WEIR_WINDOW * SIZE), 0);
  cr_assert(r.n < ALL);
  scratch_expect(&s, 0, r.n);
  scratch_remove(&s);
}

WEIR_TEST(file_all, has_a_deadline_over_all_of_it) {
  weir_deadline_t deadline = {0};
  struct request r;
  int fds[2];

  begin_half(f, &r, fds);
  check_is(weir_deadline_op(&deadline, &r.op, 10), 0);
  finish(f, &r, UV_ETIMEDOUT, THERE);
  end_half(fds);

  check_is(pipe(fds), 0);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_pread_all(f->loop, &r.op, fds[0],
                               weir_mseq_block(bytes, (size_t)2 * THERE), 0,
                               on_done),
           0);
  check_is(weir_deadline_op(&deadline, &r.op, 50), 0);
  check_is(write(fds[1], "12345", THERE), THERE);
  finish(f, &r, UV_ETIMEDOUT, THERE);
  end_half(fds);
}

WEIR_TEST(file_all, ends_with_the_loop) {
  struct request r;
  int fds[2];

  begin_half(f, &r, fds);
  check_is(weir_loop_shutdown(f->loop, NULL, NULL), 0);
  run_until(f, &r.calls);
  check_is(r.status, UV_ECANCELED);
  check_is(r.n, THERE);
  run_out(f);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
  end_half(fds);
}

/* ---- Many ---- */

static int freed;

static void free_op(weir_op_t *op, int status, size_t n) {
  check_is(status, 0);
  check_is(n, ALL);
  free(op);
  freed++;
}

WEIR_TEST(file_all, its_memory_may_go_in_the_callback) {
  enum { MANY = 300 };
  struct scratch s;

  cut_bytes();
  scratch_make(&s, ALL);
  fill_bytes();
  freed = 0;
  for (int i = 0; i < MANY; i++) {
    weir_op_t *op = malloc(sizeof(*op));
    cr_assert(op != NULL);
    check_is(weir_file_pwrite_all(f->loop, op, s.fd,
                                  weir_seq_bufs(bufs, SEGMENTS), 0, free_op),
             0);
  }
  while (freed < MANY)
    uv_run(&f->uv, UV_RUN_ONCE);
  scratch_expect(&s, 0, ALL);
  scratch_remove(&s);
}
