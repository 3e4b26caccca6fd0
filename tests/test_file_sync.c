/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#if WEIR_HAVE_URING
#include "../uring/ring.h"
#endif

#include "support/plan.h"
#include "support/scratch.h"
#include "test/system.h"

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

/* ---- In one go ---- */

#if WEIR_HAVE_URING
/* What a write and its sync took of the ring. */
typedef struct took_s {
  uint64_t sqes, cqes, enters;
} took_t;

static took_t sync_once(struct weir_fixture *f, int fd, unsigned count,
                        int status) {
  weir_loop_stats_t before = stats_of(f);
  struct request r;

  write_sync(f, &r, fd, count, 0);
  finish(f, &r, status, (size_t)count * SIZE);
  weir_loop_stats_t after = stats_of(f);
  return (took_t){after.sqes - before.sqes, after.cqes - before.cqes,
                  after.enters - before.enters};
}

static int has_chains(const struct weir_fixture *f) {
  const unsigned needed = WEIR__CAP_CHAINS | WEIR__CAP_SYNC_CANCEL;

  return (weir__ring(f->loop)->caps & needed) == needed;
}

enum { TRIES = 20 };

/* The fewest enters that it took; how often a turn enters the ring besides its
 * wait depends on what that has brought. */
static uint64_t fewest_enters(struct weir_fixture *f, int fd, uint64_t cqes) {
  uint64_t fewest = UINT64_MAX;

  for (int i = 0; i < TRIES; i++) {
    took_t took = sync_once(f, fd, 1 + (unsigned)i % WEIR_WINDOW, 0);
    check_is(took.cqes, cqes);
    if (took.enters < fewest)
      fewest = took.enters;
  }
  return fewest;
}

/* In the ring wait it is submitted, and slept until both are done, at once. In
 * the libuv wait the ring is entered, too, for what the kernel has deferred. */
WEIR_RING_TEST(file_sync, takes_one_submission) {
  int rings = f->wait == WEIR_WAIT_RING;
  struct scratch s;

  if (!has_chains(f)) {
    fixture_skip(f, "this kernel cannot chain two entries");
    return;
  }
  scratch_make(&s, 0);
  check_is(sync_once(f, s.fd, 0, 0).cqes, 1);
  uint64_t enters = fewest_enters(f, s.fd, 1);
  if (rings)
    check_is(enters, 1);
  /* Of two transfers the second takes the sync along. */
  check_is(sync_once(f, s.fd, 17, 0).cqes, 2);
  fixture_lacks("chains");
  fixture_reattach(f, 0);
  (void)sync_once(f, s.fd, 0, 0);
  cr_assert(fewest_enters(f, s.fd, 2) >= enters + (uint64_t)rings);
  scratch_expect(&s, 0, 17 * SIZE);
  scratch_remove(&s);
}

/* What the kernel says where it cannot link; and on a ring of one entry. */
WEIR_RING_TEST(file_sync, takes_two_where_there_is_no_chain) {
  struct scratch s;

  scratch_make(&s, 0);
  fixture_lacks("chains");
  fixture_reattach(f, 0);
  check_is(sync_once(f, s.fd, 4, 0).cqes, 2);
  scratch_expect(&s, 0, 4 * SIZE);
  fixture_lacks(NULL);
  fixture_reattach(f, 1);
  check_is(sync_once(f, s.fd, 4, 0).cqes >= 2, 1);
  scratch_remove(&s);
}

/* The kernel may take the write and not the sync behind it. */
static unsigned most;
static const weir__ring_t *ring_of_it;
static weir__system_t real;

/* Never a sync by itself that was to wait for its write. */
static int take_few(unsigned fd, unsigned submit, unsigned wait, unsigned flags,
                    sigset_t *mask, size_t size) {
  const struct io_uring_sq *sq = &ring_of_it->uring.sq;
  int few = submit > most;

  cr_assert(submit == 0 || (sq->sqes[*sq->khead & sq->ring_mask].user_data &
                            WEIR__TAG_SECOND) == 0);
  return real.io_uring_enter2(fd, few ? most : submit, few ? 0 : wait, flags,
                              mask, size);
}

WEIR_RING_TEST(file_sync, is_cut_in_two) {
  struct scratch s;
  struct request r[3];

  ring_of_it = weir__ring(f->loop);
  real = *weir__system_get();
  weir__system_get()->io_uring_enter2 = take_few;
  for (most = 1; most <= 5; most++) {
    scratch_make(&s, 0);
    for (int i = 0; i < 3; i++)
      write_sync(f, &r[i], s.fd, 5, (int64_t)0);
    for (int i = 0; i < 3; i++) {
      run_until(f, &r[i].calls);
      check_is(r[i].status, 0);
      check_is(r[i].n, 5 * SIZE);
    }
    scratch_expect(&s, 0, 5 * SIZE);
    scratch_remove(&s);
  }
  *weir__system_get() = real;
}

/* The write is not over when it is first looked for, and nothing else is there
 * to be submitted. */
static int late;

static int find_late(struct io_uring *ring,
                     struct io_uring_sync_cancel_reg *one) {
  if (late == 0)
    return real.io_uring_register_sync_cancel(ring, one);
  late--;
  return -ETIME;
}

WEIR_RING_TEST(file_sync, is_cut_in_two_and_is_slow) {
  struct request r;
  struct scratch s;

  if (!has_chains(f)) {
    fixture_skip(f, "this kernel cannot chain two entries");
    return;
  }
  ring_of_it = weir__ring(f->loop);
  real = *weir__system_get();
  weir__system_get()->io_uring_enter2 = take_few;
  weir__system_get()->io_uring_register_sync_cancel = find_late;
  most = 1;
  for (int times = 1; times <= 40; times++) {
    late = times;
    scratch_make(&s, 0);
    write_sync(f, &r, s.fd, 5, 0);
    finish(f, &r, 0, 5 * SIZE);
    check_is(late, 0);
    scratch_expect(&s, 0, 5 * SIZE);
    scratch_remove(&s);
  }
  *weir__system_get() = real;
}

/* And that write may fail, or be cancelled. */
WEIR_RING_TEST(file_sync, is_cut_in_two_and_ends) {
  struct request r;
  struct scratch s;
  int fds[2];

  ring_of_it = weir__ring(f->loop);
  real = *weir__system_get();
  weir__system_get()->io_uring_enter2 = take_few;
  most = 1;
  write_sync(f, &r, 1000, 5, 0);
  finish(f, &r, UV_EBADF, 0);
  check_is(pipe(fds), 0);
  write_sync(f, &r, fds[1], 5, -1);
  finish(f, &r, UV_EINVAL, 5 * SIZE);
  scratch_make(&s, 0);
  for (int turns = 0; turns < 5; turns++) {
    write_sync(f, &r, s.fd, 5, 0);
    for (int i = 0; i < turns; i++)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    cr_assert(r.status == UV_ECANCELED || (r.status == 0 && r.n == 5 * SIZE));
    scratch_expect(&s, 0, r.n);
  }
  *weir__system_get() = real;
  scratch_remove(&s);
  close(fds[0]);
  close(fds[1]);
}

/* Entries that are not submitted yet. */
static int prepared(const struct io_uring_sq *sq, int opcode) {
  int n = 0;

  for (unsigned i = *sq->khead; i != sq->sqe_tail; i++)
    n += sq->sqes[i & sq->ring_mask].opcode == opcode;
  return n;
}

WEIR_RING_TEST(file_sync, is_cancelled_before_it_is_submitted) {
  const struct io_uring_sq *sq = &weir__ring(f->loop)->uring.sq;
  struct scratch s;
  struct request r;

  if (!(weir__ring(f->loop)->caps & WEIR__CAP_NOSIGNAL))
    fixture_skip(f, "this kernel cannot leave out SIGPIPE");
  scratch_make(&s, 0);
  write_sync(f, &r, s.fd, 5, 0);
  check_is(prepared(sq, IORING_OP_WRITEV), 1);
  weir_cancel(&r.op);
  check_is(prepared(sq, IORING_OP_WRITEV), 0);
  check_is(prepared(sq, IORING_OP_FSYNC), 0);
  finish(f, &r, UV_ECANCELED, 0);
  scratch_expect(&s, 0, 0);
  scratch_remove(&s);
}
#endif

/* A pipe that is full: the write waits, and with it the sync. */
WEIR_TEST(file_sync, is_cancelled_while_the_write_waits) {
  static char much[1 << 20];
  struct request r = {0};
  int fds[2], held = 0;

  check_is(pipe(fds), 0);
  check_is(weir_file_pwrite_sync(f->loop, &r.op, fds[1],
                                 weir_seq_block(much, sizeof(much)), -1,
                                 on_done),
           0);
  while (held < PIPE_BUF) {
    uv_run(&f->uv, UV_RUN_NOWAIT);
    check_is(ioctl(fds[0], FIONREAD, &held), 0);
  }
  check_is(r.calls, 0);
  weir_cancel(&r.op);
  run_until(f, &r.calls);
  check_is(r.status, UV_ECANCELED);
  cr_assert(r.n > 0 && r.n < sizeof(much));
  close(fds[0]);
  close(fds[1]);
}

WEIR_TEST(file_sync, a_sync_that_fails_says_so) {
  weir_fault_t *fault;
  struct request r;
  struct scratch s;

  scratch_make(&s, 0);
  for (unsigned count = 1; count <= 17; count += 8) {
    fault = fault_begin_rule(
        f, (weir_fault_rule_t){.what = WEIR_FAULT_SYNC, .error = UV_EIO});
    write_sync(f, &r, s.fd, count, 0);
    finish(f, &r, UV_EIO, (size_t)count * SIZE);
    fault_end(f, fault);
  }
  /* One that a signal interrupts is begun anew. */
  fault = fault_begin_rule(
      f, (weir_fault_rule_t){.what = WEIR_FAULT_SYNC, .error = UV_EINTR});
  write_sync(f, &r, s.fd, 3, 0);
  finish(f, &r, 0, 3 * SIZE);
  fault_end(f, fault);
  scratch_remove(&s);
}
