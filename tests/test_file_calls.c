/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if WEIR_HAVE_URING
#include "../uring/ring.h"
#endif

#include "support/host.h"
#include "support/net.h"
#include "support/scratch.h"

/* Operations on files that move no bytes. Each body runs with a callback and
 * without, which has to be the same. */

enum { PATH = SCRATCH_DIR + 16 };

/* Where the results of a body come from. */
typedef struct way_s {
  struct weir_fixture *f;
  struct request r;
  weir_op_t *op;
  weir_op_cb cb;
} way_t;

/* What the call that was made with op and cb has said in the end. */
static int outcome(way_t *w, int r) {
  if (w->cb == NULL || r != 0)
    return r;
  run_until(w->f, &w->r.calls);
  check_is(w->r.calls, 1);
  check_is(w->r.n, 0);
  r = w->r.status;
  memset(&w->r, 0, sizeof(w->r));
  return r;
}

static void both_ways(struct weir_fixture *f, void (*body)(way_t *w)) {
  way_t with = {.f = f, .op = &with.r.op, .cb = on_done};
  way_t without = {.f = f};

  body(&with);
  body(&without);
}

/* Whether a thread of libuv's pool has done anything. */
static int had_threads(const struct weir_fixture *f) {
#if WEIR_HAVE_URING
  return f->loop->uv_files != NULL;
#else
  (void)f;
  return 1;
#endif
}

/* ---- Descriptors ---- */

static void sync_body(way_t *w) {
  struct scratch s;

  scratch_make(&s, 100);
  check_is(outcome(w, weir_file_fsync(w->f->loop, w->op, s.fd, w->cb)), 0);
  check_is(outcome(w, weir_file_fdatasync(w->f->loop, w->op, s.fd, w->cb)), 0);
  check_is(outcome(w, weir_file_fdatasync(w->f->loop, w->op, -1, w->cb)),
           UV_EBADF);
  scratch_remove(&s);
}

WEIR_TEST(file_calls, bring_to_the_device) {
  both_ways(f, sync_body);
}

static void sync_range_body(way_t *w) {
  weir_loop_t *loop = w->f->loop;
  const int64_t much = INT64_C(5) << 32;
  struct scratch s;
  int fds[2];

  scratch_make(&s, 100);
  for (int wait = 0; wait < 2; wait++) {
    check_is(
        outcome(w, weir_file_sync_range(loop, w->op, s.fd, 0, 0, wait, w->cb)),
        0);
    check_is(outcome(w, weir_file_sync_range(loop, w->op, s.fd, 50, 10, wait,
                                             w->cb)),
             0);
  }
  check_is(outcome(w, weir_file_sync_range(loop, w->op, -1, 0, 0, 1, w->cb)),
           UV_EBADF);
  check_is(pipe(fds), 0);
  check_is(
      outcome(w, weir_file_sync_range(loop, w->op, fds[0], 0, 0, 0, w->cb)),
      UV_ESPIPE);
  close(fds[0]);
  close(fds[1]);
  if (w->f->backend != WEIR_BACKEND_UV)
    check_is(had_threads(w->f), 0);
  /* More than an entry of a ring can say. */
  check_is(
      outcome(w, weir_file_sync_range(loop, w->op, s.fd, 0, much, 1, w->cb)),
      0);
  scratch_expect(&s, 0, 100);
  scratch_remove(&s);
}

WEIR_TEST(file_calls, bring_a_part_to_the_device) {
  way_t with = {.f = f, .op = &with.r.op, .cb = on_done};
  way_t without = {.f = f};

  sync_range_body(&without);
  sync_range_body(&with);
}

static void truncate_body(way_t *w) {
  struct scratch s;
  struct stat info;

  scratch_make(&s, 100);
  check_is(outcome(w, weir_file_truncate(w->f->loop, w->op, s.fd, 40, w->cb)),
           0);
  check_is(fstat(s.fd, &info), 0);
  check_is(info.st_size, 40);
  scratch_expect(&s, 0, 40);
  check_is(outcome(w, weir_file_truncate(w->f->loop, w->op, s.fd,
                                         INT64_C(5) << 32, w->cb)),
           0);
  check_is(fstat(s.fd, &info), 0);
  check_is(info.st_size, INT64_C(5) << 32);
  check_is(outcome(w, weir_file_truncate(w->f->loop, w->op, s.fd, 0, w->cb)),
           0);
  check_is(fstat(s.fd, &info), 0);
  check_is(info.st_size, 0);
  check_is(outcome(w, weir_file_truncate(w->f->loop, w->op, -1, 0, w->cb)),
           UV_EBADF);
  scratch_remove(&s);
}

WEIR_TEST(file_calls, truncate) {
  both_ways(f, truncate_body);
}

static void allocate_body(way_t *w) {
  struct scratch s;
  struct stat info;
  int r;

  scratch_make(&s, 100);
  r = outcome(
      w, weir_file_allocate(w->f->loop, w->op, s.fd, 1 << 20, 4096, w->cb));
  if (r != UV_ENOTSUP) {
    check_is(r, 0);
    check_is(fstat(s.fd, &info), 0);
    check_is(info.st_size, (1 << 20) + 4096);
    cr_assert(os_disk_bytes(s.fd) >= 4096);
  }
  scratch_expect(&s, 0, 100);
  check_is(outcome(w, weir_file_allocate(w->f->loop, w->op, -1, 0, 1, w->cb)),
           UV_EBADF);
  scratch_remove(&s);
}

WEIR_TEST(file_calls, allocate) {
  both_ways(f, allocate_body);
}

static void advise_body(way_t *w) {
  struct scratch s;
  int fds[2];

  scratch_make(&s, 100);
  for (int i = WEIR_ADVICE_NORMAL; i <= WEIR_ADVICE_DONTNEED; i++)
    check_is(outcome(w, weir_file_advise(w->f->loop, w->op, s.fd, 0, 0,
                                         (weir_advice_t)i, w->cb)),
             0);
  check_is(pipe(fds), 0);
  check_is(outcome(w, weir_file_advise(w->f->loop, w->op, fds[0], 0, 0,
                                       WEIR_ADVICE_RANDOM, w->cb)),
           UV_ESPIPE);
  close(fds[0]);
  close(fds[1]);
  scratch_remove(&s);
}

WEIR_TEST(file_calls, advise) {
  both_ways(f, advise_body);
}

static void stat_body(way_t *w) {
  char path[PATH];
  uv_stat_t info;
  struct scratch s;

  scratch_make(&s, 123);
  memset(&info, 0, sizeof(info));
  check_is(outcome(w, weir_file_fstat(w->f->loop, w->op, s.fd, &info, w->cb)),
           0);
  check_is(info.st_size, 123);
  memset(&info, 0, sizeof(info));
  snprintf(path, sizeof(path), "%s", s.path);
  check_is(outcome(w, weir_file_stat(w->f->loop, w->op, path, &info, w->cb)),
           0);
  check_is(info.st_size, 123);
  check_is(outcome(w, weir_file_stat(w->f->loop, w->op, "/nowhere/here", &info,
                                     w->cb)),
           UV_ENOENT);
  check_is(info.st_size, 123);
  check_is(outcome(w, weir_file_fstat(w->f->loop, w->op, -1, &info, w->cb)),
           UV_EBADF);
  scratch_remove(&s);
}

WEIR_TEST(file_calls, tell_what_there_is) {
  both_ways(f, stat_body);
}

static void expect_same_time(uv_timespec_t a, uv_timespec_t b) {
  check_is(a.tv_sec, b.tv_sec);
  check_is(a.tv_nsec, b.tv_nsec);
}

static void expect_same(const uv_stat_t *a, const uv_stat_t *b) {
  check_is(a->st_dev, b->st_dev);
  check_is(a->st_mode, b->st_mode);
  check_is(a->st_nlink, b->st_nlink);
  check_is(a->st_uid, b->st_uid);
  check_is(a->st_gid, b->st_gid);
  check_is(a->st_rdev, b->st_rdev);
  check_is(a->st_ino, b->st_ino);
  check_is(a->st_size, b->st_size);
  check_is(a->st_blksize, b->st_blksize);
  check_is(a->st_blocks, b->st_blocks);
  check_is(a->st_flags, b->st_flags);
  check_is(a->st_gen, b->st_gen);
  expect_same_time(a->st_atim, b->st_atim);
  expect_same_time(a->st_mtim, b->st_mtim);
  expect_same_time(a->st_ctim, b->st_ctim);
  expect_same_time(a->st_birthtim, b->st_birthtim);
}

/* With times of their own, each of them. */
static void set_times(const char *path) {
  uv_fs_t req;
  check_is(uv_fs_utime(NULL, &req, path, 1000000.25, 2000000.5, NULL), 0);
  uv_fs_req_cleanup(&req);
}

/* Field by field what libuv says of it, by its path and by a descriptor. */
static void compare_stat(struct weir_fixture *f, const char *path) {
  struct request r;
  uv_stat_t info;
  uv_fs_t req;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

  cr_assert(fd >= 0);
  check_is(uv_fs_stat(NULL, &req, path, NULL), 0);
  for (int by_path = 0; by_path < 2; by_path++) {
    memset(&r, 0, sizeof(r));
    memset(&info, 0xe5, sizeof(info));
    check_is(by_path ? weir_file_stat(f->loop, &r.op, path, &info, on_done)
                     : weir_file_fstat(f->loop, &r.op, fd, &info, on_done),
             0);
    finish(f, &r, 0, 0);
    expect_same(&info, &req.statbuf);
  }
  uv_fs_req_cleanup(&req);
  close(fd);
}

WEIR_TEST(file_calls, tell_what_libuv_does) {
  struct scratch s;

  scratch_make(&s, 12345);
  set_times(s.path);
  compare_stat(f, s.path);
  compare_stat(f, s.dir);
  compare_stat(f, "/dev/null");
  scratch_remove(&s);
}

static int asks_itself(const struct weir_fixture *f) {
#if WEIR_HAVE_URING
  return weir_loop_backend(f->loop) == WEIR_BACKEND_URING &&
         (weir__ring(f->loop)->caps & WEIR__CAP_STATX) != 0;
#else
  (void)f;
  return 0;
#endif
}

/* Many at a time, some of which are ended early; the memory that they take is
 * taken once. */
static void stat_many(struct weir_fixture *f, const struct scratch *s) {
  enum { MANY = 300 };
  static struct request r[MANY];
  static uv_stat_t info[MANY];

  memset(r, 0, sizeof(r));
  memset(info, 0xe5, sizeof(info));
  for (int i = 0; i < MANY; i++)
    check_is(i % 2
                 ? weir_file_stat(f->loop, &r[i].op, s->path, &info[i], on_done)
                 : weir_file_fstat(f->loop, &r[i].op, s->fd, &info[i], on_done),
             0);
  run_turn(f);
  for (int i = 0; i < MANY; i += 3)
    weir_cancel(&r[i].op);
  for (int i = 0; i < MANY; i++) {
    run_until(f, &r[i].calls);
    check_is(r[i].n, 0);
    cr_assert(r[i].status == 0 || (i % 3 == 0 && r[i].status == UV_ECANCELED));
    if (r[i].status == 0)
      check_is(info[i].st_size, 77);
    else
      check_is(info[i].st_size, UINT64_C(0xe5e5e5e5e5e5e5e5));
  }
}

WEIR_TEST(file_calls, tell_of_many_files) {
  struct scratch s;

  scratch_make(&s, 77);
  stat_many(f, &s);
  uint64_t before = stats_of(f).allocations;
  for (int i = 0; i < 3; i++)
    stat_many(f, &s);
  check_is(had_threads(f), !asks_itself(f));
  if (asks_itself(f))
    check_is(stats_of(f).allocations, before);
  scratch_remove(&s);
}

WEIR_TEST(file_calls, tell_by_threads_where_the_ring_does_not) {
  fixture_lacks("statx");
  fixture_reattach(f, 0);
  both_ways(f, stat_body);
  check_is(had_threads(f), 1);
}

/* ---- Names ---- */

/* A path below the directory of s, which goes when the call has returned. */
static const char *below(const struct scratch *s, char path[PATH],
                         const char *name) {
  snprintf(path, PATH, "%s/%s", s->dir, name);
  return path;
}

static int there(const struct scratch *s, const char *name) {
  char path[PATH];

  return access(below(s, path, name), F_OK) == 0;
}

static void names_body(way_t *w) {
  weir_loop_t *loop = w->f->loop;
  struct scratch s;
  char a[PATH], b[PATH];
  struct stat info;
  int r;

  scratch_make(&s, 10);
  r = weir_file_mkdir(loop, w->op, below(&s, a, "dir"), 0700, w->cb);
  memset(a, 'x', sizeof(a) - 1);
  check_is(outcome(w, r), 0);
  check_is(stat(below(&s, a, "dir"), &info), 0);
  check_is(info.st_mode & 0777, 0700);
  r = weir_file_mkdir(loop, w->op, below(&s, a, "dir"), 0700, w->cb);
  check_is(outcome(w, r), UV_EEXIST);

  r = weir_file_link(loop, w->op, s.path, below(&s, b, "two"), w->cb);
  memset(b, 'x', sizeof(b) - 1);
  check_is(outcome(w, r), 0);
  check_is(fstat(s.fd, &info), 0);
  check_is(info.st_nlink, 2);
  r = weir_file_link(loop, w->op, s.path, below(&s, b, "two"), w->cb);
  check_is(outcome(w, r), UV_EEXIST);

  r = weir_file_rename(loop, w->op, below(&s, a, "two"), below(&s, b, "three"),
                       w->cb);
  memset(a, 'x', sizeof(a) - 1);
  memset(b, 'x', sizeof(b) - 1);
  check_is(outcome(w, r), 0);
  cr_assert(there(&s, "three") && !there(&s, "two"));
  r = weir_file_rename(loop, w->op, below(&s, a, "two"), below(&s, b, "four"),
                       w->cb);
  check_is(outcome(w, r), UV_ENOENT);

  r = weir_file_unlink(loop, w->op, below(&s, a, "three"), w->cb);
  memset(a, 'x', sizeof(a) - 1);
  check_is(outcome(w, r), 0);
  cr_assert(!there(&s, "three") && there(&s, "dir"));
  r = weir_file_rmdir(loop, w->op, below(&s, a, "three"), w->cb);
  check_is(outcome(w, r), UV_ENOENT);
  r = weir_file_rmdir(loop, w->op, s.path, w->cb);
  check_is(outcome(w, r), UV_ENOTDIR);
  r = weir_file_rmdir(loop, w->op, below(&s, a, "dir"), w->cb);
  check_is(outcome(w, r), 0);
  cr_assert(!there(&s, "dir"));
  check_is(fstat(s.fd, &info), 0);
  check_is(info.st_nlink, 1);
  scratch_remove(&s);
}

static int has_caps(const struct weir_fixture *f) {
#if WEIR_HAVE_URING
  const unsigned caps = WEIR__CAP_PATHS | WEIR__CAP_TRUNCATE;
  return weir_loop_backend(f->loop) == WEIR_BACKEND_URING &&
         (weir__ring(f->loop)->caps & caps) == caps;
#else
  (void)f;
  return 0;
#endif
}

WEIR_TEST(file_calls, change_what_is_in_directories) {
  both_ways(f, names_body);
  both_ways(f, truncate_body);
  check_is(had_threads(f), !has_caps(f));
}

WEIR_TEST(file_calls, are_done_by_threads_on_older_kernels) {
  fixture_lacks("paths,truncate");
  fixture_reattach(f, 0);
  both_ways(f, names_body);
  check_is(had_threads(f), 1);
}

WEIR_TEST(file_calls, refuse_nonsense) {
  weir_loop_t *loop = f->loop;
  struct request r = {0};
  uv_stat_t info;

  check_is(weir_file_fdatasync(NULL, &r.op, 0, on_done), UV_EINVAL);
  check_is(weir_file_fdatasync(loop, NULL, 0, on_done), UV_EINVAL);
  check_is(weir_file_truncate(loop, &r.op, 0, -1, on_done), UV_EINVAL);
  check_is(weir_file_sync_range(loop, &r.op, 0, -1, 0, 0, on_done), UV_EINVAL);
  check_is(weir_file_sync_range(loop, &r.op, 0, 0, -1, 0, on_done), UV_EINVAL);
  check_is(weir_file_allocate(loop, &r.op, 0, -1, 1, on_done), UV_EINVAL);
  check_is(weir_file_allocate(loop, &r.op, 0, 0, 0, on_done), UV_EINVAL);
  check_is(weir_file_advise(loop, &r.op, 0, -1, 0, 0, on_done), UV_EINVAL);
  check_is(weir_file_advise(loop, &r.op, 0, 0, -1, 0, on_done), UV_EINVAL);
  check_is(weir_file_advise(loop, &r.op, 0, 0, 0,
                            (weir_advice_t)(WEIR_ADVICE_DONTNEED + 1), on_done),
           UV_EINVAL);
  check_is(weir_file_fstat(loop, &r.op, 0, NULL, on_done), UV_EINVAL);
  check_is(weir_file_stat(loop, &r.op, "/", NULL, on_done), UV_EINVAL);
  check_is(weir_file_stat(loop, &r.op, NULL, &info, on_done), UV_EINVAL);
  check_is(weir_file_rename(loop, &r.op, NULL, "/", on_done), UV_EINVAL);
  check_is(weir_file_rename(loop, &r.op, "/", NULL, on_done), UV_EINVAL);
  check_is(weir_file_link(loop, &r.op, "/", NULL, on_done), UV_EINVAL);
  check_is(weir_file_unlink(loop, &r.op, NULL, on_done), UV_EINVAL);
  check_is(weir_file_mkdir(loop, &r.op, NULL, 0, on_done), UV_EINVAL);
  check_is(weir_file_rmdir(NULL, &r.op, "/", on_done), UV_EINVAL);
  check_is(weir_file_rmdir(loop, NULL, "/", on_done), UV_EINVAL);
}

/* ---- Many ---- */

enum { MANY = 2000 };

static int freed;

static void free_op(weir_op_t *op, int status, size_t n) {
  check_is(status, 0);
  check_is(n, 0);
  free(op);
  freed++;
}

static void await_freed(struct weir_fixture *f) {
  while (freed < MANY)
    uv_run(&f->uv, UV_RUN_ONCE);
  freed = 0;
}

static weir_op_t *new_op(void) {
  weir_op_t *op = malloc(sizeof(*op));

  cr_assert(op != NULL);
  return op;
}

WEIR_TEST(file_calls, are_many_at_once) {
  struct scratch s;
  char name[16], path[PATH];

  scratch_make(&s, 0);
  freed = 0;
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof(name), "%d", i);
    check_is(weir_file_mkdir(f->loop, new_op(), below(&s, path, name), 0700,
                             free_op),
             0);
  }
  await_freed(f);
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof(name), "%d", i);
    check_is(weir_file_rmdir(f->loop, new_op(), below(&s, path, name), free_op),
             0);
  }
  await_freed(f);
  cr_assert(!there(&s, "0") && !there(&s, "1999"));
  scratch_remove(&s);
}

/* Each is done or it is not; and its memory comes back either way. */
WEIR_TEST(file_calls, are_cancelled) {
  struct request r[40];
  struct scratch s;
  char name[16], path[PATH];
  int made = 0;

  scratch_make(&s, 0);
  memset(r, 0, sizeof(r));
  for (int i = 0; i < 40; i++) {
    snprintf(name, sizeof(name), "%d", i);
    check_is(weir_file_mkdir(f->loop, &r[i].op, below(&s, path, name), 0700,
                             on_done),
             0);
    if (i % 2 == 0)
      weir_cancel(&r[i].op);
  }
  run_out(f);
  for (int i = 0; i < 40; i++) {
    check_is(r[i].calls, 1);
    cr_assert(r[i].status == 0 || (i % 2 == 0 && r[i].status == UV_ECANCELED));
    snprintf(name, sizeof(name), "%d", i);
    check_is(rmdir(below(&s, path, name)) == 0, r[i].status == 0);
    made += r[i].status == 0;
  }
  cr_assert(made >= 20);
  scratch_remove(&s);
}
