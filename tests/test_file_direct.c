/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* Transfers past the page cache. */

enum { PAGES = 20, PAGE = 4096, TAIL = 100 };

static size_t come;

/* A file of whole pages and a tail. */
static int open_direct(struct weir_fixture *f, struct scratch *s) {
  scratch_make(s, (size_t)PAGES * PAGE + TAIL);
  check_is(fsync(s->fd), 0);
  int fd = weir_file_open(f->loop, NULL, s->path, UV_FS_O_RDWR | UV_FS_O_DIRECT,
                          0, NULL);
  if (fd < 0) {
    scratch_remove(s);
    fixture_skip(f, "this file system has no direct transfers");
  }
  return fd;
}

static weir_pool_t *pages(struct weir_fixture *f, size_t count) {
  weir_pool_t *pool;

  check_is(weir_pool_create(f->loop, count, PAGE, &pool), 0);
  return pool;
}

static void close_it(struct weir_fixture *f, struct scratch *s, int fd,
                     weir_pool_t *pool) {
  check_is(weir_pool_destroy(pool), 0);
  check_is(weir_file_close(f->loop, NULL, fd, NULL), 0);
  scratch_remove(s);
}

static int is_power_of_two(size_t n) {
  return n > 0 && (n & (n - 1)) == 0;
}

WEIR_TEST(file_direct, buffers_of_a_pool_are_aligned) {
  weir_alignment_t alignment = {0};
  struct request r = {0};
  struct scratch s;
  uv_buf_t buf;
  int fd = open_direct(f, &s);
  weir_pool_t *pool = pages(f, 3);

  check_is(weir_file_alignment(fd, &alignment), 0);
  cr_assert(is_power_of_two(alignment.memory));
  cr_assert(is_power_of_two(alignment.offset));
  check_is(weir_pool_acquire(pool, &buf), 0);
  check_is((uintptr_t)buf.base % alignment.memory, 0);
  if (PAGE % alignment.offset != 0) {
    close_it(f, &s, fd, pool);
    fixture_skip(f, "the blocks of this device are larger than a page");
  }
  pattern_fill(buf.base, (size_t)PAGES * PAGE, PAGE);
  check_is(weir_file_pwrite_sync(f->loop, &r.op, fd,
                                 weir_seq_block(buf.base, PAGE),
                                 (int64_t)PAGES * PAGE, on_done),
           0);
  finish(f, &r, 0, PAGE);
  memset(buf.base, 0, PAGE);
  r.calls = 0;
  check_is(weir_file_pread_all(f->loop, &r.op, fd,
                               weir_mseq_block(buf.base, PAGE), PAGE, on_done),
           0);
  finish(f, &r, 0, PAGE);
  cr_assert(pattern_holds(buf.base, PAGE, PAGE));
  scratch_expect(&s, 0, (size_t)(PAGES + 1) * PAGE);
  check_is(weir_pool_release(pool, &buf), 0);
  close_it(f, &s, fd, pool);
}

/* Or served as any other, if the file system does that. */
WEIR_TEST(file_direct, what_is_not_aligned_is_refused) {
  struct request r = {0};
  struct scratch s;
  uv_buf_t buf;
  int fd = open_direct(f, &s);
  weir_pool_t *pool = pages(f, 3);

  check_is(weir_pool_acquire(pool, &buf), 0);
  check_is(weir_file_pread(f->loop, &r.op, fd,
                           weir_mseq_block(buf.base + 1, 99), 1, on_done),
           0);
  run_until(f, &r.calls);
  if (r.status == 0)
    cr_assert(pattern_holds(buf.base + 1, 1, r.n));
  else
    check_is(r.status, UV_EINVAL);
  check_is(weir_pool_release(pool, &buf), 0);
  close_it(f, &s, fd, pool);
}

static void on_block(weir_file_reader_t *reader, weir_lease_t lease) {
  (void)reader;
  cr_assert(pattern_holds(lease.buf.base, come, lease.buf.len));
  come += lease.buf.len;
  check_is(weir_lease_release(&lease), 0);
}

WEIR_TEST(file_direct, a_reader_comes_to_the_end) {
  weir_file_reader_t reader;
  struct request r = {0};
  struct scratch s;
  int fd = open_direct(f, &s);
  weir_pool_t *pool = pages(f, 8);

  come = 0;
  check_is(weir_file_reader_start(f->loop, &r.op, &reader, fd, pool, NULL,
                                  on_block, on_done),
           0);
  finish(f, &r, 0, (size_t)PAGES * PAGE + TAIL);
  check_is(come, (size_t)PAGES * PAGE + TAIL);
  close_it(f, &s, fd, pool);
}

WEIR_TEST(file_direct, alignment_is_asked_of_any_file) {
  weir_alignment_t alignment = {0};
  struct scratch s;

  (void)f;
  scratch_make(&s, 0);
  check_is(weir_file_alignment(s.fd, NULL), UV_EINVAL);
  check_is(weir_file_alignment(-1, &alignment), UV_EBADF);
  int r = weir_file_alignment(s.fd, &alignment);
  cr_assert(r == UV_ENOTSUP || (r == 0 && is_power_of_two(alignment.memory) &&
                                is_power_of_two(alignment.offset)));
  scratch_remove(&s);
}
