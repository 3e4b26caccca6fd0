/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/borrow.h"
#include "support/rings.h"
#include "support/sanitized.h"
#include "support/scratch.h"

/* Files and the registration of pools: what uses it, and why something did
 * not. */

enum { SIZE = 65536, PARTS = 4 };

/* Buffers of one pool or two in turns, which do not touch. */
struct parts {
  weir_pool_t *pools[2];
  uv_buf_t all[2 * PARTS];
  uv_buf_t bufs[PARTS];
  uint64_t registered;
};

static void parts_open(struct weir_fixture *f, struct parts *p, size_t size,
                       int npools) {
  for (int i = 0; i < 2; i++)
    check_is(weir_pool_create(f->loop, PARTS, size, &p->pools[i]), 0);
  for (int i = 0; i < 2 * PARTS; i++)
    check_is(weir_pool_acquire(p->pools[i / PARTS], &p->all[i]), 0);
  for (int i = 0; i < PARTS; i++)
    p->bufs[i] = p->all[i % npools * PARTS + PARTS - 1 - i];
  p->registered = weir_pool_status(p->pools[0], NULL) == 0 &&
                  weir_pool_status(p->pools[1], NULL) == 0;
}

static void parts_close(struct parts *p) {
  for (int i = 0; i < 2 * PARTS; i++)
    check_is(weir_pool_release(p->pools[i / PARTS], &p->all[i]), 0);
  for (int i = 0; i < 2; i++)
    check_is(weir_pool_destroy(p->pools[i]), 0);
}

/* How many transfers used the registration, and how many did not and why. */
static void expect_counts(struct weir_fixture *f,
                          const weir_loop_stats_t *before, uint64_t fixed,
                          uint64_t vectors, uint64_t mixed, uint64_t pools) {
  weir_loop_stats_t now = stats_of(f);

  check_is(now.fixed_ops - before->fixed_ops, fixed);
  check_is(now.unfixed_vectors - before->unfixed_vectors, vectors);
  check_is(now.unfixed_mixed - before->unfixed_mixed, mixed);
  check_is(now.unfixed_pools - before->unfixed_pools, pools);
  check_is(now.unfixed_threads - before->unfixed_threads, 0);
}

/* Writes and reads `len` bytes in parts: so many transfers each way use the
 * registration, or one that does not, for this reason. */
static void there_and_back(struct weir_fixture *f, struct parts *p, size_t len,
                           int whole, uint64_t fixed, uint64_t vectors,
                           uint64_t mixed) {
  weir_loop_stats_t before = stats_of(f);
  struct request r = {0}, w = {0};
  struct scratch s;

  scratch_make(&s, 0);
  for (size_t i = 0, at = 0; i < PARTS; at += p->bufs[i++].len) {
    p->bufs[i].len = len;
    pattern_fill(p->bufs[i].base, at, len);
  }
  check_is((whole ? weir_file_pwrite_all : weir_file_pwrite)(
               f->loop, &w.op, s.fd, weir_seq_bufs(p->bufs, PARTS), 0, on_done),
           0);
  finish(f, &w, 0, PARTS * len);
  scratch_expect(&s, 0, PARTS * len);
  for (size_t i = 0; i < PARTS; i++)
    memset(p->bufs[i].base, 0, len);
  check_is(
      (whole ? weir_file_pread_all : weir_file_pread)(
          f->loop, &r.op, s.fd, weir_mseq_bufs(p->bufs, PARTS), 0, on_done),
      0);
  finish(f, &r, 0, PARTS * len);
  for (size_t i = 0; i < PARTS; i++)
    cr_assert(pattern_holds(p->bufs[i].base, i * len, len));
  if (p->registered)
    expect_counts(f, &before, 2 * fixed, 2 * vectors, 2 * mixed, 0);
  else
    cr_assert(stats_of(f).unfixed_pools > before.unfixed_pools);
  scratch_remove(&s);
}

/* Too small to go one by one. */
enum { SMALLER = 4000 };

WEIR_TEST(fixed, segments_of_one_pool) {
  uint64_t lacks = !ring_takes_vectors(f);
  struct parts p;

  parts_open(f, &p, SIZE, 1);
  there_and_back(f, &p, SIZE, 0, !lacks, lacks, 0);
  there_and_back(f, &p, SIZE, 1, lacks ? PARTS : 1, 0, 0);
  there_and_back(f, &p, SMALLER, 1, !lacks, lacks, 0);
  parts_close(&p);
}

WEIR_RING_TEST(fixed, segments_one_by_one_on_an_older_kernel) {
  struct parts p;

  fixture_lacks("readv_fixed,writev_fixed");
  fixture_reattach(f, 64);
  parts_open(f, &p, SIZE, 1);
  there_and_back(f, &p, SIZE, 0, 0, 1, 0);
  there_and_back(f, &p, SIZE, 1, PARTS, 0, 0);
  there_and_back(f, &p, SMALLER, 1, 0, 1, 0);
  parts_close(&p);
  fixture_lacks(NULL);
}

WEIR_TEST(fixed, segments_of_two_pools) {
  struct parts p;

  parts_open(f, &p, SIZE, 2);
  there_and_back(f, &p, SIZE, 0, 0, 0, 1);
  there_and_back(f, &p, SIZE, 1, PARTS, 0, 0);
  there_and_back(f, &p, SMALLER, 1, 0, 0, 1);
  parts_close(&p);
}

/* Registered memory that other memory stands beside, or lies behind. */
WEIR_TEST(fixed, other_memory_beside) {
  weir_loop_stats_t before = stats_of(f);
  static char beside[SIZE];
  struct request w[2] = {{.calls = 0}};
  struct scratch s;
  struct parts p;
  uv_buf_t bufs[2];

  scratch_make(&s, 0);
  parts_open(f, &p, SIZE, 1);
  pattern_fill(beside, 0, SIZE);
  pattern_fill(p.bufs[0].base, SIZE, SIZE);
  bufs[0] = uv_buf_init(beside, SIZE);
  bufs[1] = p.bufs[0];
  check_is(weir_file_pwrite_all(f->loop, &w[0].op, s.fd, weir_seq_bufs(bufs, 2),
                                0, on_done),
           0);
  finish(f, &w[0], 0, 2 * SIZE);
  scratch_expect(&s, 0, 2 * SIZE);
  expect_counts(f, &before, 0, 0, p.registered, !p.registered);
  /* Without a pool there is nothing to be counted. */
  before = stats_of(f);
  check_is(weir_file_pwrite(f->loop, &w[1].op, s.fd,
                            weir_seq_block(beside, SIZE), 0, on_done),
           0);
  finish(f, &w[1], 0, SIZE);
  expect_counts(f, &before, 0, 0, 0, 0);
  parts_close(&p);
  scratch_remove(&s);
}

/* A file that ends within the parts: what came is told exactly. */
WEIR_TEST(fixed, a_file_that_ends_within_the_segments) {
  for (size_t size = 0; size <= 2 * SIZE + 1; size += SIZE + SIZE / 2) {
    struct request r = {0};
    struct scratch s;
    struct parts p;

    scratch_make(&s, size);
    parts_open(f, &p, SIZE, 2);
    check_is(weir_file_pread_all(f->loop, &r.op, s.fd,
                                 weir_mseq_bufs(p.bufs, PARTS), 0, on_done),
             0);
    finish(f, &r, UV_EOF, size);
    for (size_t i = 0; i * SIZE < size; i++)
      cr_assert(pattern_holds(p.bufs[i].base, i * SIZE,
                              size - i * SIZE < SIZE ? size - i * SIZE : SIZE));
    parts_close(&p);
    scratch_remove(&s);
  }
}

/* A kernel that would raise SIGPIPE has a thread of libuv's pool write. */
WEIR_RING_TEST(fixed, a_pipe_that_a_thread_writes_to) {
  weir_pool_t *pool;
  struct request w = {0};
  uv_buf_t buf;
  int fds[2];

  fixture_lacks("nosignal");
  fixture_reattach(f, 64);
  pool = new_pool(f, 1);
  check_is(pipe(fds), 0);
  check_is(weir_pool_acquire(pool, &buf), 0);
  memset(buf.base, 1, 10);
  check_is(weir_file_pwrite(f->loop, &w.op, fds[1],
                            weir_seq_block(buf.base, 10), -1, on_done),
           0);
  finish(f, &w, 0, 10);
  check_is(stats_of(f).unfixed_threads, 1);
  check_is(stats_of(f).fixed_ops, 0);
  check_is(weir_pool_release(pool, &buf), 0);
  close(fds[0]);
  close(fds[1]);
  end_pool(pool);
  fixture_lacks(NULL);
}

/* ---- Copies ---- */

/* The bytes that this program copies into a pool or out of it: all calls of
 * memcpy and memmove are these, the library's, too. Sanitizers have their
 * own. */
static struct watched {
  uintptr_t start;
  size_t size;
  size_t copied;
} watched;

#if !SANITIZED
/* Not static: the headers may have made memcpy() an inline function. */
void note_copy(const volatile void *to, const volatile void *from, size_t n);
void note_copy(const volatile void *to, const volatile void *from, size_t n) {
  if ((uintptr_t)to - watched.start < watched.size ||
      (uintptr_t)from - watched.start < watched.size)
    watched.copied += n;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  volatile char *t = to;
  const volatile char *s = from;

  note_copy(to, from, n);
  for (size_t i = 0; i < n; i++)
    t[i] = s[i];
  return to;
}

void *memmove(void *to, const void *from, size_t n) {
  volatile char *t = to;
  const volatile char *s = from;

  note_copy(to, from, n);
  for (size_t i = 0; i < n; i++)
    if ((uintptr_t)to <= (uintptr_t)from)
      t[i] = s[i];
    else
      t[n - 1 - i] = s[n - 1 - i];
  return to;
}
#endif

/* An upload: a lease after the other from the connection to the file. */
struct upload {
  weir_op_t read;
  weir_op_t write;
  weir_lease_t lease;
  struct weir_fixture *f;
  weir_pool_t *pool;
  struct conn *c;
  const struct scratch *s;
  size_t written;
  uint64_t writes;
  int ended;
};

static void on_lease(weir_op_t *op, int status, size_t n);

static void upload_next(struct upload *u) {
  u->read.data = u;
  check_is(
      weir_read_lease(&u->read, &u->c->stream, u->pool, &u->lease, 0, on_lease),
      0);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  struct upload *u = op->data;

  check_is(status, 0);
  check_is(n, u->lease.buf.len);
  u->written += n;
  u->writes++;
  check_is(weir_lease_release(&u->lease), 0);
  upload_next(u);
}

static void on_lease(weir_op_t *op, int status, size_t n) {
  struct upload *u = op->data;

  u->ended = status == UV_EOF;
  if (u->ended)
    return;
  check_is(status, 0);
  cr_assert(n > 0);
  u->write.data = u;
  check_is(weir_file_pwrite_all(u->f->loop, &u->write, u->s->fd,
                                weir_lease_seq(&u->lease), (int64_t)u->written,
                                on_written),
           0);
}

WEIR_TEST(fixed, an_upload_is_copied_by_nobody_but_the_system) {
  enum { BYTES = 300000, BUFFERS = 4 };
  weir_pool_t *pool = new_pool(f, BUFFERS);
  uint64_t registered = weir_pool_status(pool, NULL) == 0;
  weir_loop_stats_t before = stats_of(f), after;
  struct upload u = {.f = f, .pool = pool};
  uv_buf_t bufs[BUFFERS];
  struct scratch s;
  struct conn c;

  scratch_make(&s, 0);
  conn_tcp(f, &c);
  u.c = &c;
  u.s = &s;
  for (int i = 0; i < BUFFERS; i++)
    check_is(weir_pool_acquire(pool, &bufs[i]), 0);
  watched.start = (uintptr_t)bufs[0].base;
  watched.size = BUFFERS * BORROW_SIZE;
#if !SANITIZED
  /* One that is, is seen. */
  volatile size_t some = 100;
  memcpy(bufs[0].base, bufs[1].base, some);
  check_is(watched.copied, 100);
  watched.copied = 0;
#endif
  for (int i = 0; i < BUFFERS; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
  upload_next(&u);
  for (size_t sent = 0; sent < BYTES;) {
    offer_pattern(c.peer, &sent, BYTES);
    run_turn(f);
  }
  close_peer(&c);
  run_until(f, &u.ended);
  check_is(watched.copied, 0);
  watched.size = 0;
  check_is(u.written, BYTES);
  scratch_expect(&s, 0, BYTES);
  after = stats_of(f);
  check_is(after.fixed_ops - before.fixed_ops, registered ? u.writes : 0);
  check_is(after.unfixed_pools - before.unfixed_pools,
           registered ? 0 : u.writes);
  close_stream(f, &c);
  scratch_remove(&s);
  end_pool(pool);
}
