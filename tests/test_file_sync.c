/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <unistd.h>

#include "support/plan.h"
#include "support/scratch.h"

/* Writes that are over when they are on the device. */

enum { SEGMENTS = 100, SIZE = 7, STRIDE, ALL = SEGMENTS * SIZE };

static char bytes[SEGMENTS * STRIDE];
static uv_buf_t bufs[SEGMENTS];

static weir_seq_t segments(unsigned count) {
  for (int i = 0; i < SEGMENTS; i++) {
    bufs[i] = uv_buf_init(bytes + (ptrdiff_t)i * STRIDE, SIZE);
    pattern_fill(bufs[i].base, (size_t)i * SIZE, SIZE);
  }
  return weir_seq_bufs(bufs, count);
}

static void write_sync(struct weir_fixture *f, struct request *r, int fd,
                       unsigned count, int64_t offset) {
  memset(r, 0, sizeof(*r));
  check_is(weir_file_pwrite_sync(f->loop, &r->op, fd, segments(count), offset,
                                 on_done),
           0);
  check_is(r->calls, 0);
}

static const unsigned counts[] = {0, 1, 4, 5, 16, 17, SEGMENTS};

WEIR_TEST(file_sync, writes_all_and_syncs) {
  struct scratch s;
  struct request r;

  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    scratch_make(&s, 0);
    write_sync(f, &r, s.fd, counts[i], 0);
    finish(f, &r, 0, (size_t)counts[i] * SIZE);
    scratch_expect(&s, 0, (size_t)counts[i] * SIZE);
    write_sync(f, &r, s.fd, counts[i], -1);
    finish(f, &r, 0, (size_t)counts[i] * SIZE);
    check_is(lseek(s.fd, 0, SEEK_CUR), counts[i] * SIZE);
    scratch_remove(&s);
  }
}

/* What cannot be synced says whether it was asked for that: a pipe. */
WEIR_TEST(file_sync, an_error_with_all_is_the_syncs) {
  struct request r;
  char taken[ALL];
  int fds[2];

  check_is(pipe(fds), 0);
  for (size_t i = 1; i < sizeof(counts) / sizeof(counts[0]); i++) {
    size_t n = (size_t)counts[i] * SIZE;
    write_sync(f, &r, fds[1], counts[i], 0);
    finish(f, &r, UV_EINVAL, n);
    check_is(read(fds[0], taken, sizeof(taken)), n);
    cr_assert(pattern_holds(taken, 0, n));
  }
  write_sync(f, &r, fds[1], 0, 0);
  finish(f, &r, UV_EINVAL, 0);
  check_is(weir_file_pwrite_sync(f->loop, &r.op, fds[1], segments(2), 0, NULL),
           UV_EINVAL);
  check_is(weir_file_moved(&r.op), 2 * SIZE);
  close(fds[0]);
  close(fds[1]);
}

WEIR_TEST(file_sync, goes_on_after_short_writes) {
  static const size_t most[] = {1, SIZE, 16 * SIZE - 1};
  weir_fault_t *fault;
  struct request r;
  struct scratch s;

  for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
    scratch_make(&s, 0);
    fault =
        fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                                .times = WEIR_FAULT_ALWAYS,
                                                .bytes = most[i]});
    write_sync(f, &r, s.fd, 20, 0);
    finish(f, &r, 0, 20 * SIZE);
    fault_end(f, fault);
    scratch_expect(&s, 0, 20 * SIZE);
    scratch_remove(&s);
  }
}

WEIR_TEST(file_sync, a_write_that_fails_is_the_end) {
  weir_fault_t *fault;
  struct request r;
  struct scratch s;

  scratch_make(&s, 0);
  for (size_t nth = 1; nth <= 3; nth++) {
    size_t n = (nth - 1) * WEIR_WINDOW * SIZE;
    fault = fault_begin_rule(
        f, (weir_fault_rule_t){
               .what = WEIR_FAULT_FILE_WRITE, .nth = nth, .error = UV_ENOSPC});
    write_sync(f, &r, s.fd, 3 * WEIR_WINDOW, 0);
    finish(f, &r, UV_ENOSPC, n);
    fault_end(f, fault);
    scratch_expect(&s, 0, n);
  }
  scratch_remove(&s);
}

WEIR_TEST(file_sync, is_cancelled) {
  struct scratch s;
  struct request r;

  scratch_make(&s, 0);
  for (int turns = 0; turns < 3; turns++) {
    write_sync(f, &r, s.fd, SEGMENTS, 0);
    for (int i = 0; i < turns; i++)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    cr_assert(r.status == UV_ECANCELED || (r.status == 0 && r.n == ALL));
    cr_assert(r.n <= ALL);
    scratch_expect(&s, 0, r.n);
  }
  scratch_remove(&s);
}

WEIR_TEST(file_sync, without_a_callback_is_synchronous) {
  struct scratch s;
  weir_op_t op;

  scratch_make(&s, 0);
  check_is(
      weir_file_pwrite_sync(f->loop, &op, s.fd, segments(SEGMENTS), 0, NULL),
      0);
  check_is(weir_file_moved(&op), ALL);
  check_is(weir_file_pwrite_sync(f->loop, NULL, s.fd, segments(1), ALL, NULL),
           0);
  scratch_expect(&s, 0, ALL);
  check_is(weir_file_pwrite_sync(f->loop, &op, -1, segments(1), 0, NULL),
           UV_EBADF);
  check_is(weir_file_moved(&op), 0);
  scratch_remove(&s);
}

WEIR_TEST(file_sync, refuses_nonsense) {
  struct request r = {0};
  const weir_seq_t from = segments(1);

  check_is(weir_file_pwrite_sync(NULL, &r.op, 0, from, 0, on_done), UV_EINVAL);
  check_is(weir_file_pwrite_sync(f->loop, NULL, 0, from, 0, on_done),
           UV_EINVAL);
  check_is(weir_file_pwrite_sync(f->loop, &r.op, 0, from, -2, on_done),
           UV_EINVAL);
}

WEIR_TEST(file_sync, many_are_all_in_their_place) {
  enum { MANY = 100 };
  static struct request r[MANY];
  struct scratch s;

  scratch_make(&s, 0);
  for (int i = 0; i < MANY; i++) {
    size_t k = (size_t)i % SEGMENTS;
    memset(&r[i], 0, sizeof(r[i]));
    (void)segments(1);
    check_is(weir_file_pwrite_sync(f->loop, &r[i].op, s.fd,
                                   weir_seq_bufs(&bufs[k], 1),
                                   (int64_t)(k * SIZE), on_done),
             0);
  }
  for (int i = 0; i < MANY; i++) {
    run_until(f, &r[i].calls);
    check_is(r[i].status, 0);
    check_is(r[i].n, SIZE);
  }
  scratch_expect(&s, 0, ALL);
  scratch_remove(&s);
}
