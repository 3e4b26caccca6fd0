/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if WEIR_HAVE_URING
#include "../uring/ring.h"
#endif

#include "support/plan.h"
#include "support/scratch.h"
#include "test/system.h"

/* Transfers of files with flags of their own. Each body runs with a callback
 * and without, which has to be the same. */

enum { SIZE = 100, NOBODY = -1 };

typedef struct way_s {
  struct weir_fixture *f;
  struct request r;
  weir_op_cb cb;
  size_t n;
} way_t;

static char bytes[1 << 20];

static int result_of(way_t *w, int r) {
  if (r == 0 && w->cb != NULL) {
    check_is(w->r.calls, 0);
    run_until(w->f, &w->r.calls);
    check_is(w->r.calls, 1);
    r = w->r.status;
    w->n = w->r.n;
  } else {
    w->n = weir_file_moved(&w->r.op);
  }
  return r;
}

/* What a transfer has said: 0 or an error, and w->n. */
static int put(way_t *w, int fd, size_t len, int64_t offset, unsigned flags) {
  weir_seq_t from = weir_seq_block(bytes, len);

  memset(&w->r, 0, sizeof(w->r));
  pattern_fill(bytes, 0, len);
  int r = result_of(w, weir_file_pwrite_with(w->f->loop, &w->r.op, fd, from,
                                             offset, flags, w->cb));
  return r < 0 ? r : 0;
}

static int get(way_t *w, int fd, size_t len, int64_t offset, unsigned flags) {
  weir_mseq_t into = weir_mseq_block(bytes, len);

  memset(&w->r, 0, sizeof(w->r));
  memset(bytes, 0, len);
  int r = result_of(w, weir_file_pread_with(w->f->loop, &w->r.op, fd, into,
                                            offset, flags, w->cb));
  return r < 0 ? r : 0;
}

static void both_ways(struct weir_fixture *f, void (*body)(way_t *w)) {
  way_t with = {.f = f, .cb = on_done};
  way_t without = {.f = f};

  body(&with);
  body(&without);
}

/* Whether this system knows the flag, of such a descriptor. */
static int knows(struct weir_fixture *f, int fd, unsigned flag) {
  way_t w = {.f = f};

  return put(&w, fd, 1, 0, flag) != UV_ENOTSUP;
}

/* ---- Files ---- */

static void none_body(way_t *w) {
  struct scratch s;

  scratch_make(&s, 0);
  check_is(put(w, s.fd, SIZE, 0, 0), 0);
  check_is(w->n, SIZE);
  scratch_expect(&s, 0, SIZE);
  check_is(get(w, s.fd, SIZE, 0, 0), 0);
  check_is(w->n, SIZE);
  cr_assert(pattern_holds(bytes, 0, SIZE));
  check_is(get(w, s.fd, SIZE, SIZE - 1, WEIR_FILE_ALL), UV_EOF);
  check_is(w->n, 1);
  check_is(put(w, s.fd, 0, 0, WEIR_FILE_DSYNC), 0);
  check_is(w->n, 0);
  check_is(put(w, NOBODY, SIZE, 0, WEIR_FILE_DSYNC), UV_EBADF);
  check_is(w->n, 0);
  scratch_remove(&s);
}

WEIR_TEST(file_with, without_any_is_a_transfer) {
  both_ways(f, none_body);
}

/* The pattern follows on itself, wherever that was to be. */
static void append_body(way_t *w) {
  struct scratch s;
  char got[2 * SIZE];

  scratch_make(&s, SIZE);
  check_is(put(w, s.fd, SIZE, 0, WEIR_FILE_APPEND), 0);
  check_is(w->n, SIZE);
  check_is(lseek(s.fd, 0, SEEK_CUR), 0);
  check_is(pread(s.fd, got, sizeof(got), 0), sizeof(got));
  cr_assert(pattern_holds(got, 0, SIZE) && pattern_holds(got + SIZE, 0, SIZE));
  check_is(put(w, s.fd, SIZE, -1, WEIR_FILE_APPEND | WEIR_FILE_ALL), 0);
  check_is(w->n, SIZE);
  check_is(lseek(s.fd, 0, SEEK_CUR), 3 * SIZE);
  check_is(lseek(s.fd, 0, SEEK_END), 3 * SIZE);
  scratch_remove(&s);
}

WEIR_TEST(file_with, append_goes_to_the_end) {
  struct scratch s;

  scratch_make(&s, 0);
  int known = knows(f, s.fd, WEIR_FILE_APPEND);
  scratch_remove(&s);
  if (!known) {
    fixture_skip(f, "this system cannot append once");
    return;
  }
  both_ways(f, append_body);
}

/* ---- What the system is told ---- */

static weir__system_t was;
static long seen;

static long look(long number, ...) {
  va_list args;
  long a[6];

  va_start(args, number);
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(args, long);
  va_end(args);
  if (number == SYS_pwritev2)
    seen |= a[5];
  return was.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#if WEIR_HAVE_URING
static int look_in(unsigned fd, unsigned submit, unsigned wait, unsigned flags,
                   sigset_t *mask, size_t size);
static struct io_uring *ring_of_it;

static int look_in(unsigned fd, unsigned submit, unsigned wait, unsigned flags,
                   sigset_t *mask, size_t size) {
  const struct io_uring_sq *sq = &ring_of_it->sq;

  for (unsigned i = 0; i < submit; i++) {
    const struct io_uring_sqe *sqe =
        &sq->sqes[(*sq->khead + i) & sq->ring_mask];
    if (sqe->opcode == IORING_OP_WRITE)
      seen |= sqe->rw_flags;
  }
  return was.io_uring_enter2(fd, submit, wait, flags, mask, size);
}
#endif

static void told_body(way_t *w) {
  static const unsigned flags[] = {WEIR_FILE_DSYNC, WEIR_FILE_APPEND, 0};
  struct scratch s;

  scratch_make(&s, 0);
  for (int i = 0; i < 3; i++) {
    seen = 0;
    check_is(put(w, s.fd, SIZE, 0, flags[i] | WEIR_FILE_ALL), 0);
    check_is(seen & 0xff, flags[i]);
  }
  scratch_remove(&s);
}

/* The numbers are Linux's. */
WEIR_TEST(file_with, the_system_is_told) {
  was = *weir__system_get();
  weir__system_get()->syscall = look;
#if WEIR_HAVE_URING
  if (f->backend == WEIR_BACKEND_URING) {
    ring_of_it = &weir__ring(f->loop)->uring;
    weir__system_get()->io_uring_enter2 = look_in;
  }
#endif
  both_ways(f, told_body);
  *weir__system_get() = was;
}

/* A read of one block in registered memory has a way of its own. */
WEIR_TEST(file_with, flags_are_told_of_registered_memory_too) {
  weir_pool_t *pool;
  uv_buf_t buf;
  struct request r = {0};
  int fds[2];

  check_is(pipe(fds), 0);
  check_is(weir_pool_create(f->loop, 1, 4096, &pool), 0);
  check_is(weir_pool_acquire(pool, &buf), 0);
  check_is(weir_file_pread_with(f->loop, &r.op, fds[0],
                                weir_mseq_block(buf.base, 100), -1,
                                WEIR_FILE_NOWAIT, on_done),
           0);
  run_until(f, &r.calls);
  cr_assert(r.status == UV_EAGAIN || r.status == UV_ENOTSUP);
  weir_pool_release(pool, &buf);
  check_is(weir_pool_destroy(pool), 0);
  close(fds[0]);
  close(fds[1]);
}

/* ---- Not to wait ---- */

static void pipe_body(way_t *w) {
  int fds[2];
  size_t room;

  check_is(pipe(fds), 0);
  check_is(get(w, fds[0], SIZE, -1, WEIR_FILE_NOWAIT), UV_EAGAIN);
  check_is(w->n, 0);
  check_is(get(w, fds[0], SIZE, 5, WEIR_FILE_NOWAIT), UV_EAGAIN);
  check_is(put(w, fds[1], 7, 5, WEIR_FILE_NOWAIT), 0);
  check_is(w->n, 7);
  check_is(get(w, fds[0], SIZE, -1, WEIR_FILE_NOWAIT | WEIR_FILE_ALL),
           UV_EAGAIN);
  check_is(w->n, 7);
  cr_assert(pattern_holds(bytes, 0, 7));
  check_is(put(w, fds[1], sizeof(bytes), -1, WEIR_FILE_NOWAIT | WEIR_FILE_ALL),
           UV_EAGAIN);
  room = w->n;
  cr_assert(room > 0 && room < sizeof(bytes));
  check_is(put(w, fds[1], 1, -1, WEIR_FILE_NOWAIT), UV_EAGAIN);
  check_is(get(w, fds[0], room, -1, WEIR_FILE_NOWAIT | WEIR_FILE_ALL), 0);
  check_is(w->n, room);
  cr_assert(pattern_holds(bytes, 0, room));
  close(fds[0]);
  close(fds[1]);
}

WEIR_TEST(file_with, nowait_does_not_wait_for_a_pipe) {
  int fds[2];

  check_is(pipe(fds), 0);
  int known = knows(f, fds[1], WEIR_FILE_NOWAIT);
  close(fds[0]);
  close(fds[1]);
  if (!known) {
    fixture_skip(f, "this system has no pipe that need not wait");
    return;
  }
  both_ways(f, pipe_body);
}

/* What is in memory, or not at all. */
static void cached_body(way_t *w) {
  struct scratch s;

  scratch_make(&s, SIZE);
  int r = get(w, s.fd, SIZE, 0, WEIR_FILE_NOWAIT);
  cr_assert(r == 0 || r == UV_EAGAIN || r == UV_ENOTSUP, "%s", uv_strerror(r));
  check_is(w->n, r == 0 ? SIZE : 0);
  if (r == 0)
    cr_assert(pattern_holds(bytes, 0, SIZE));
  r = put(w, s.fd, SIZE, 0, WEIR_FILE_NOWAIT);
  cr_assert(r == 0 || r == UV_EAGAIN || r == UV_ENOTSUP, "%s", uv_strerror(r));
  check_is(w->n, r == 0 ? SIZE : 0);
  scratch_expect(&s, 0, SIZE);
  scratch_remove(&s);
}

WEIR_TEST(file_with, nowait_of_a_file_is_all_or_nothing) {
  both_ways(f, cached_body);
}

static void broken_body(way_t *w) {
  int fds[2];

  check_is(pipe(fds), 0);
  close(fds[0]);
  check_is(put(w, fds[1], SIZE, -1, WEIR_FILE_DSYNC), UV_EPIPE);
  check_is(put(w, fds[1], SIZE, 0, WEIR_FILE_DSYNC | WEIR_FILE_ALL), UV_EPIPE);
  close(fds[1]);
}

WEIR_TEST(file_with, raises_no_sigpipe) {
  both_ways(f, broken_body);
  check_is(count_sigpipe(), 0);
}

/* ---- In parts ---- */

static void parts_body(way_t *w) {
  struct scratch s;

  scratch_make(&s, 0);
  check_is(put(w, s.fd, SIZE, 3, WEIR_FILE_DSYNC), 0);
  check_is(w->n, 30);
  check_is(put(w, s.fd, SIZE, 0, WEIR_FILE_DSYNC | WEIR_FILE_ALL), 0);
  check_is(w->n, SIZE);
  scratch_expect(&s, 0, SIZE);
  check_is(put(w, s.fd, SIZE, 0, WEIR_FILE_APPEND | WEIR_FILE_ALL), 0);
  check_is(w->n, SIZE);
  check_is(lseek(s.fd, 0, SEEK_END), 2 * SIZE);
  check_is(get(w, s.fd, SIZE, SIZE, WEIR_FILE_ALL), 0);
  check_is(w->n, SIZE);
  cr_assert(pattern_holds(bytes, 0, SIZE));
  scratch_remove(&s);
}

WEIR_TEST(file_with, goes_on_with_its_flags) {
  weir_fault_t *fault =
      fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                              .times = WEIR_FAULT_ALWAYS,
                                              .bytes = 30});

  both_ways(f, parts_body);
  fault_end(f, fault);
}

static void full_body(way_t *w) {
  struct scratch s;

  scratch_make(&s, 0);
  check_is(put(w, s.fd, SIZE, 0, WEIR_FILE_DSYNC | WEIR_FILE_ALL), UV_ENOSPC);
  check_is(w->n, 30);
  scratch_expect(&s, 0, 30);
  scratch_remove(&s);
}

WEIR_TEST(file_with, an_error_says_what_went_before) {
  static const weir_fault_rule_t first = {.what = WEIR_FAULT_FILE_WRITE,
                                          .bytes = 30};
  static const weir_fault_rule_t second = {
      .what = WEIR_FAULT_FILE_WRITE, .nth = 2, .error = UV_ENOSPC};

  for (int i = 0; i < 2; i++) {
    way_t w = {.f = f, .cb = i == 0 ? on_done : NULL};
    weir_fault_t *fault = fault_begin_rule(f, first);
    fault_add(fault, second);
    full_body(&w);
    fault_end(f, fault);
  }
}

WEIR_TEST(file_with, is_cancelled) {
  struct request r;
  struct scratch s;

  scratch_make(&s, 0);
  for (int turns = 0; turns < 3; turns++) {
    memset(&r, 0, sizeof(r));
    pattern_fill(bytes, 0, sizeof(bytes));
    check_is(weir_file_pwrite_with(f->loop, &r.op, s.fd,
                                   weir_seq_block(bytes, sizeof(bytes)), 0,
                                   WEIR_FILE_DSYNC | WEIR_FILE_ALL, on_done),
             0);
    for (int i = 0; i < turns; i++)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    if (r.calls == 0)
      weir_cancel(&r.op);
    run_until(f, &r.calls);
    cr_assert((r.status == UV_ECANCELED && r.n <= sizeof(bytes)) ||
              (r.status == 0 && r.n == sizeof(bytes)));
    scratch_expect(&s, 0, r.n);
  }
  scratch_remove(&s);
}

WEIR_TEST(file_with, refuses_nonsense) {
  static const unsigned writes[] = {4, 32, 64, 0x80000000u};
  static const unsigned reads[] = {WEIR_FILE_DSYNC, WEIR_FILE_APPEND, 4};
  way_t w = {.f = f, .cb = on_done};
  struct request r = {0};

  for (size_t i = 0; i < 4; i++)
    check_is(put(&w, 1, SIZE, 0, writes[i]), UV_EINVAL);
  for (size_t i = 0; i < 3; i++)
    check_is(get(&w, 0, SIZE, 0, reads[i]), UV_EINVAL);
  check_is(put(&w, 1, SIZE, -2, 0), UV_EINVAL);
  check_is(weir_file_pwrite_with(NULL, &r.op, 1, weir_seq_block(bytes, 1), 0, 0,
                                 on_done),
           UV_EINVAL);
  check_is(weir_file_pread_with(f->loop, NULL, 0, weir_mseq_block(bytes, 1), 0,
                                0, on_done),
           UV_EINVAL);
}
