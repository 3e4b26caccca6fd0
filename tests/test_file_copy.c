/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/fault.h>

#include "../lib/file.h"
#include "../lib/loop.h"
#include "support/host.h"
#include "support/net.h"
#include "support/scratch.h"

/* Copies of whole files, by each way that there is. */

enum { KIB = 1024, MIB = 1 << 20, LONG = 6 * MIB };

static const unsigned ways[] = {0, WEIR_COPY_NO_CLONE,
                                WEIR_COPY_NO_CLONE | WEIR_COPY_NO_RANGE};
enum { WAYS = sizeof(ways) / sizeof(ways[0]), BY_BUFFERS = 2 };

typedef struct copy_s {
  struct request r;
  struct scratch source, target;
  weir_copy_options_t options;
  uint64_t told; /* by the last progress callback */
  uint64_t total;
  int tellings;
  void (*meanwhile)(struct copy_s *c); /* called once, when some is copied */
} copy_t;

static void on_progress(weir_op_t *op, uint64_t done, uint64_t total) {
  copy_t *c = (copy_t *)op;
  void (*meanwhile)(copy_t * c) = c->meanwhile;

  cr_assert(done >= c->told, "it goes back from %llu to %llu",
            (unsigned long long)c->told, (unsigned long long)done);
  c->told = done;
  c->total = total;
  c->tellings++;
  if (done > 0 && meanwhile != NULL) {
    c->meanwhile = NULL;
    meanwhile(c);
  }
}

static void copy_make(copy_t *c, size_t size, unsigned flags) {
  memset(c, 0, sizeof(*c));
  scratch_make(&c->source, size);
  scratch_make(&c->target, 0);
  c->options.size = sizeof(c->options);
  c->options.flags = flags;
  c->options.progress = on_progress;
}

static void copy_begin(struct weir_fixture *f, copy_t *c) {
  memset(&c->r, 0, sizeof(c->r));
  check_is(weir_file_copy(f->loop, &c->r.op, c->source.fd, c->target.fd,
                          &c->options, on_done),
           0);
}

static void copy_end(copy_t *c) {
  scratch_remove(&c->source);
  scratch_remove(&c->target);
}

static int64_t size_of(const struct scratch *s) {
  struct stat info;

  check_is(fstat(s->fd, &info), 0);
  return (int64_t)info.st_size;
}

/* It ended so, and its n is true. */
static void expect_said(struct weir_fixture *f, copy_t *c, int status) {
  run_until(f, &c->r.calls);
  check_is(c->r.calls, 1);
  check_is(c->r.status, status);
  scratch_expect(&c->target, 0, c->r.n);
}

static void expect_copied(struct weir_fixture *f, copy_t *c, size_t size) {
  expect_said(f, c, 0);
  check_is(c->r.n, size);
  check_is(size_of(&c->target), size);
}

/* ---- Whole ---- */

static const size_t sizes[] = {0, 1, 4095, 256 << 10, (256 << 10) + 1, LONG};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void check_way(copy_t *c, size_t way, size_t size) {
  weir_copy_way_t by = weir_file_copy_way(&c->r.op);

  if (way == BY_BUFFERS || size == 0)
    check_is(by, WEIR_COPY_BY_BUFFERS);
  else if (way > 0)
    cr_assert(by != WEIR_COPY_BY_CLONE);
}

WEIR_TEST(file_copy, of_any_size) {
  size_t i, k;
  copy_t c;

  for (k = 0; k < WAYS; k++)
    for (i = 0; i < SIZES; i++) {
      copy_make(&c, sizes[i], ways[k]);
      copy_begin(f, &c);
      expect_copied(f, &c, sizes[i]);
      check_way(&c, k, sizes[i]);
      check_is(c.told, sizes[i]);
      check_is(c.total, sizes[i]);
      cr_assert(c.tellings > 0);
      copy_end(&c);
    }
}

/* What the target had is gone, and options need not be given. */
WEIR_TEST(file_copy, over_a_longer_one) {
  copy_t c;

  copy_make(&c, 5000, 0);
  check_is(ftruncate(c.target.fd, MIB), 0);
  check_is(pwrite(c.target.fd, "others", 6, 10000), 6);
  check_is(
      weir_file_copy(f->loop, &c.r.op, c.source.fd, c.target.fd, NULL, on_done),
      0);
  expect_copied(f, &c, 5000);
  copy_end(&c);
}

/* ---- Holes ---- */

static void put_data(const struct scratch *s, int64_t offset) {
  char bytes[5000];

  memset(bytes, 'x', sizeof(bytes));
  check_is(pwrite(s->fd, bytes, sizeof(bytes), offset), sizeof(bytes));
}

static void expect_data(const struct scratch *s, int64_t offset) {
  char bytes[5002];
  size_t i;

  check_is(pread(s->fd, bytes, sizeof(bytes), offset - 1), sizeof(bytes));
  for (i = 0; i < sizeof(bytes); i++)
    check_is(bytes[i], i == 0 || i == 5001 ? 0 : 'x');
}

static void check_sparse(struct weir_fixture *f, copy_t *c) {
  static const int64_t places[] = {MIB, 7 * MIB + 77, INT64_C(30) * MIB};
  size_t i;

  for (i = 0; i < 3; i++)
    put_data(&c->source, places[i]);
  check_is(ftruncate(c->source.fd, 64 * MIB), 0);
  copy_begin(f, c);
  run_until(f, &c->r.calls);
  check_is(c->r.status, 0);
  check_is(c->r.n, 64 * MIB);
  check_is(size_of(&c->target), 64 * MIB);
  for (i = 0; i < 3; i++)
    expect_data(&c->target, places[i]);
  if (os_disk_bytes(c->source.fd) < MIB)
    cr_assert(
        os_disk_bytes(c->target.fd) <= os_disk_bytes(c->source.fd) + 32 * KIB,
        "the holes were filled: %d of %d bytes",
        (int)os_disk_bytes(c->target.fd), (int)os_disk_bytes(c->source.fd));
}

WEIR_TEST(file_copy, keeps_holes) {
  size_t k;
  copy_t c;

  for (k = 0; k < WAYS; k++) {
    copy_make(&c, 0, ways[k]);
    check_sparse(f, &c);
    copy_end(&c);
    /* Nothing else. */
    copy_make(&c, 0, ways[k]);
    check_is(ftruncate(c.source.fd, INT64_C(5) << 32), 0);
    copy_begin(f, &c);
    run_until(f, &c.r.calls);
    check_is(c.r.status, 0);
    check_is(size_of(&c.target), INT64_C(5) << 32);
    cr_assert(os_disk_bytes(c.target.fd) < 32 * KIB);
    copy_end(&c);
  }
}

/* What is made up when it is read has no size, or a wrong one. */
WEIR_TEST(file_copy, of_a_file_without_a_size) {
  static const char *const paths[] = {
      "/proc/self/maps", "/proc/sys/kernel/ostype",
      "/sys/kernel/mm/transparent_hugepage/enabled"};
  char there[65536], copied[65536];
  size_t i;
  copy_t c;

  for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
    ssize_t n;
    if (fd < 0)
      continue;
    copy_make(&c, 0, 0);
    check_is(weir_file_copy(f->loop, &c.r.op, fd, c.target.fd, NULL, on_done),
             0);
    run_until(f, &c.r.calls);
    check_is(c.r.status, 0);
    cr_assert(c.r.n > 0);
    n = pread(c.target.fd, copied, sizeof(copied), 0);
    check_is(n, c.r.n);
    if (i > 0) {
      check_is(lseek(fd, 0, SEEK_SET), 0);
      check_is(read(fd, there, sizeof(there)), n);
      check_is(memcmp(there, copied, (size_t)n), 0);
    }
    close(fd);
    copy_end(&c);
  }
}

/* ---- What is refused ---- */

static void expect_refused(struct weir_fixture *f, copy_t *c, uv_file source,
                           uv_file target, int status) {
  memset(&c->r, 0, sizeof(c->r));
  check_is(weir_file_copy(f->loop, &c->r.op, source, target, NULL, on_done), 0);
  finish(f, &c->r, status, 0);
}

WEIR_TEST(file_copy, arguments) {
  int directory, append, reader, fds[2];
  copy_t c;

  copy_make(&c, 100, 8);
  check_is(weir_file_copy(NULL, &c.r.op, 0, 1, NULL, on_done), UV_EINVAL);
  check_is(weir_file_copy(f->loop, NULL, 0, 1, NULL, on_done), UV_EINVAL);
  check_is(weir_file_copy(f->loop, &c.r.op, -1, 1, NULL, on_done), UV_EINVAL);
  check_is(weir_file_copy(f->loop, &c.r.op, 0, -1, NULL, on_done), UV_EINVAL);
  check_is(weir_file_copy(f->loop, &c.r.op, 0, 1, NULL, NULL), UV_EINVAL);
  check_is(weir_file_copy(f->loop, &c.r.op, 0, 1, &c.options, on_done),
           UV_EINVAL);
  directory = open(c.source.dir, O_RDONLY | O_CLOEXEC);
  append = open(c.target.path, O_WRONLY | O_APPEND | O_CLOEXEC);
  reader = open(c.target.path, O_RDONLY | O_CLOEXEC);
  cr_assert(directory >= 0 && append >= 0 && reader >= 0);
  check_is(pipe(fds), 0);
  check_is(pwrite(c.target.fd, "mine", 4, 0), 4);
  expect_refused(f, &c, directory, c.target.fd, UV_EISDIR);
  expect_refused(f, &c, fds[0], c.target.fd, UV_EINVAL);
  expect_refused(f, &c, c.target.fd, c.target.fd, UV_EINVAL);
  expect_refused(f, &c, reader, c.target.fd, UV_EINVAL);
  expect_refused(f, &c, c.source.fd, append, UV_EINVAL);
  expect_refused(f, &c, 1 << 20, c.target.fd, UV_EBADF);
  expect_refused(f, &c, c.source.fd, 1 << 20, UV_EBADF);
  check_is(size_of(&c.target), 4);
  expect_refused(f, &c, c.source.fd, reader, UV_EINVAL);
  close(directory);
  close(append);
  close(reader);
  close(fds[0]);
  close(fds[1]);
  copy_end(&c);
}

/* ---- Early ends ---- */

static void cancel_it(copy_t *c) {
  weir_cancel(&c->r.op);
}

WEIR_TEST(file_copy, cancelled_says_what_is_copied) {
  size_t k;
  copy_t c;

  for (k = 1; k < WAYS; k++) {
    copy_make(&c, LONG, ways[k]);
    c.meanwhile = cancel_it;
    copy_begin(f, &c);
    expect_said(f, &c, UV_ECANCELED);
    /* Of buffers the first may be the last that is written. */
    cr_assert(c.r.n > 0 && c.r.n < LONG + (k == BY_BUFFERS));
    check_is(c.r.n >= c.told, 1);
    copy_end(&c);
    /* At once. */
    copy_make(&c, LONG, ways[k]);
    copy_begin(f, &c);
    weir_cancel(&c.r.op);
    weir_cancel(&c.r.op);
    expect_said(f, &c, UV_ECANCELED);
    cr_assert(c.r.n < LONG);
    copy_end(&c);
  }
}

static void cut_source(copy_t *c) {
  check_is(ftruncate(c->source.fd, 5 * MIB), 0);
}

static void cut_in_hole(copy_t *c) {
  check_is(ftruncate(c->source.fd, 40 * MIB), 0);
}

/* Buffers may have been through with it. */
static void expect_cut(struct weir_fixture *f, copy_t *c, size_t way,
                       int64_t size, int64_t cut) {
  run_until(f, &c->r.calls);
  if (way != BY_BUFFERS || c->r.status != 0) {
    check_is(c->r.status, UV_EOF);
    cr_assert((int64_t)c->r.n >= cut && (int64_t)c->r.n < size);
    size = way == BY_BUFFERS ? (int64_t)c->r.n : cut;
  }
  check_is(c->r.n, size);
  check_is(size_of(&c->target), size);
  scratch_expect(&c->target, 0, 5 * MIB);
}

/* Among the data, and in the hole behind them. */
WEIR_TEST(file_copy, a_source_that_becomes_shorter) {
  size_t k;
  copy_t c;

  for (k = 1; k < WAYS; k++) {
    copy_make(&c, LONG, ways[k]);
    c.meanwhile = cut_source;
    copy_begin(f, &c);
    expect_cut(f, &c, k, LONG, 5 * MIB);
    copy_end(&c);

    copy_make(&c, 5 * MIB, ways[k]);
    check_is(ftruncate(c.source.fd, 64 * MIB), 0);
    c.meanwhile = cut_in_hole;
    copy_begin(f, &c);
    expect_cut(f, &c, k, 64 * MIB, 40 * MIB);
    copy_end(&c);
  }
}

static void lengthen_source(copy_t *c) {
  check_is(pwrite(c->source.fd, "more", 4, LONG), 4);
}

WEIR_TEST(file_copy, a_source_that_grows) {
  size_t k;
  copy_t c;

  for (k = 1; k < WAYS; k++) {
    copy_make(&c, LONG, ways[k]);
    c.meanwhile = lengthen_source;
    copy_begin(f, &c);
    expect_copied(f, &c, LONG);
    copy_end(&c);
  }
}

/* As a shutdown does. */
WEIR_TEST(file_copy, ends_with_the_operations_of_the_loop) {
  size_t k;
  copy_t c;

  for (k = 1; k < WAYS; k++) {
    copy_make(&c, LONG, ways[k]);
    copy_begin(f, &c);
    run_turn(f);
    weir__file_end_all(f->loop);
    run_until(f, &c.r.calls);
    cr_assert(c.r.status == UV_ECANCELED || c.r.status == 0);
    copy_end(&c);
  }
}

/* ---- Under faults ---- */

/* That happens to a copy in buffers or by the system. */
static void check_fault(struct weir_fixture *f, size_t way,
                        weir_fault_rule_t rule, int status) {
  weir_fault_options_t options = {.rules = &rule, .nrules = 1};
  weir_fault_t *fault;
  copy_t c;

  copy_make(&c, LONG, ways[way]);
  check_is(weir_fault_begin(&options, &fault), 0);
  fixture_reattach(f, 0);
  copy_begin(f, &c);
  if (status == 0)
    expect_copied(f, &c, LONG);
  else
    expect_said(f, &c, status);
  cr_assert(status == 0 || c.r.n < LONG);
  cr_assert(weir_fault_count(fault, rule.what).failed +
                weir_fault_count(fault, rule.what).cut >
            0);
  copy_end(&c);
  weir_fault_end(fault);
}

WEIR_TEST(file_copy, goes_on_in_buffers) {
  static const int refusals[] = {UV_EXDEV, UV_ENOSYS, UV_EINVAL, UV_EPERM};
  size_t i;

  for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
    check_fault(f, 1,
                (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ,
                                    .nth = i % 2 + 1,
                                    .error = refusals[i]},
                0);
}

WEIR_TEST(file_copy, says_what_failed) {
  size_t k, nth;

  for (k = 1; k < WAYS; k++)
    for (nth = 1; nth < 3; nth++) {
      check_fault(f, k,
                  (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ,
                                      .nth = nth,
                                      .error = UV_EIO},
                  UV_EIO);
      check_fault(f, k,
                  (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                      .nth = nth,
                                      .error = UV_ENOSPC},
                  UV_ENOSPC);
    }
}

WEIR_TEST(file_copy, in_short_transfers) {
  size_t k;

  for (k = 1; k < WAYS; k++) {
    check_fault(f, k,
                (weir_fault_rule_t){
                    .what = WEIR_FAULT_FILE_READ, .times = 20, .bytes = 70000},
                0);
    check_fault(f, k,
                (weir_fault_rule_t){
                    .what = WEIR_FAULT_FILE_WRITE, .times = 20, .bytes = 4097},
                0);
    check_fault(f, k,
                (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                    .nth = 2,
                                    .times = 3,
                                    .error = UV_EINTR},
                0);
  }
}

/* All that there is room for, to the byte. */
WEIR_TEST(file_copy, no_more_room) {
  enum { ROOM = 5 * MIB + 1234 };
  void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit, old;
  size_t k;
  copy_t c;

  check_is(getrlimit(RLIMIT_FSIZE, &old), 0);
  for (k = 1; k < WAYS; k++) {
    copy_make(&c, LONG, ways[k]);
    limit = old;
    limit.rlim_cur = ROOM;
    check_is(setrlimit(RLIMIT_FSIZE, &limit), 0);
    copy_begin(f, &c);
    expect_said(f, &c, UV_EFBIG);
    check_is(setrlimit(RLIMIT_FSIZE, &old), 0);
    check_is(c.r.n, ROOM);
    copy_end(&c);
  }
  signal(SIGXFSZ, before);
}
