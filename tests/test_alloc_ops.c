/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/alloc.h"
#include "support/net.h"
#include "support/scratch.h"

/* Operations in a steady state take nothing from the heap, neither through weir
 * nor through libuv. */

enum { WARM_UP = 50, MEASURED = 500 };

typedef void (*step_fn)(struct weir_fixture *f, void *arg);

static void expect_no_allocation(struct weir_fixture *f, step_fn step,
                                 void *arg) {
  size_t calls, calls_of_uv;
  uint64_t counted;
  int i;

  for (i = 0; i < WARM_UP; i++)
    step(f, arg);
  calls = alloc_calls();
  calls_of_uv = alloc_calls_of_uv();
  counted = stats_of(f).allocations;
  for (i = 0; i < MEASURED; i++)
    step(f, arg);
  check_is(alloc_calls() - calls, 0);
  check_is(alloc_calls_of_uv() - calls_of_uv, 0);
  check_is(stats_of(f).allocations - counted, 0);
}

static void echo(struct weir_fixture *f, void *arg) {
  struct request r = {0}, w = {0};
  struct conn *c = arg;
  char bytes[64];

  check_is(
      weir_read_some(&r.op, &c->stream, weir_mseq_block(bytes, 64), on_done),
      0);
  run_turn(f);
  peer_send(c, 0, 64);
  finish(f, &r, 0, 64);
  check_is(weir_write(&w.op, &c->stream, weir_seq_block(bytes, 64), on_done),
           0);
  finish(f, &w, 0, 64);
  peer_take(c, 0, 64);
}

WEIR_TEST(alloc_ops, none_for_echoing_on_a_stream) {
  struct conn c;

  conn_tcp(f, &c);
  expect_no_allocation(f, echo, &c);
  conn_close(f, &c);
}

/* More segments than fit into an op: their copy comes from a recycled block. */
static void many_segments(struct weir_fixture *f, void *arg) {
  struct conn *c = arg;
  static char bytes[40][8];
  uv_buf_t bufs[40];
  struct request w = {0};
  int i;

  for (i = 0; i < 40; i++) {
    bufs[i] = uv_buf_init(bytes[i], 4);
    pattern_fill(bytes[i], (size_t)i * 4, 4);
  }
  check_is(weir_write(&w.op, &c->stream, weir_seq_bufs(bufs, 40), on_done), 0);
  finish(f, &w, 0, 160);
  peer_take(c, 0, 160);
}

WEIR_TEST(alloc_ops, none_for_writes_of_many_segments) {
  struct conn c;

  conn_tcp(f, &c);
  expect_no_allocation(f, many_segments, &c);
  conn_close(f, &c);
}

/* A full socket buffer, so that the write has to wait. */
static void slow_write(struct weir_fixture *f, void *arg) {
  static char bytes[30000];
  struct conn *c = arg;
  struct request w = {0};
  size_t taken = 0;

  pattern_fill(bytes, 0, sizeof(bytes));
  check_is(weir_write(&w.op, &c->stream, weir_seq_block(bytes, sizeof(bytes)),
                      on_done),
           0);
  run_some_turns(f);
  check_is(w.calls, 0);
  while (w.calls == 0 || taken < sizeof(bytes)) {
    char back[65536];
    ssize_t n = recv(c->peer, back, sizeof(back), MSG_DONTWAIT);

    if (n > 0)
      taken += (size_t)n;
    run_turn(f);
  }
  finish(f, &w, 0, sizeof(bytes));
  check_is(taken, sizeof(bytes));
}

WEIR_TEST(alloc_ops, none_for_writes_that_wait) {
  struct conn c;

  conn_slow(f, &c);
  expect_no_allocation(f, slow_write, &c);
  conn_close(f, &c);
}

static void cancelled_read(struct weir_fixture *f, void *arg) {
  struct conn *c = arg;
  struct request r = {0};
  char byte;

  check_is(
      weir_read_some(&r.op, &c->stream, weir_mseq_block(&byte, 1), on_done), 0);
  run_turn(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
}

WEIR_TEST(alloc_ops, none_for_cancelled_reads) {
  struct conn c;

  conn_tcp(f, &c);
  expect_no_allocation(f, cancelled_read, &c);
  conn_close(f, &c);
}

struct file_step {
  struct scratch scratch;
  weir_pool_t *pool;
};

static void read_and_write(struct weir_fixture *f, void *arg) {
  struct file_step *step = arg;
  struct request r = {0};
  uv_buf_t buf, halves[2];

  check_is(weir_pool_acquire(step->pool, &buf), 0);
  check_is(weir_file_pread(f->loop, &r.op, step->scratch.fd,
                           weir_mseq_block(buf.base, buf.len), 0, on_done),
           0);
  finish(f, &r, 0, buf.len);
  halves[0] = uv_buf_init(buf.base, 100);
  halves[1] = uv_buf_init(buf.base + 100, (unsigned)buf.len - 100);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_pwrite(f->loop, &r.op, step->scratch.fd,
                            weir_seq_bufs(halves, 2), 0, on_done),
           0);
  finish(f, &r, 0, buf.len);
  check_is(weir_pool_release(step->pool, &buf), 0);
}

WEIR_TEST(alloc_ops, none_for_files_and_pools) {
  struct file_step step;

  scratch_make(&step.scratch, 4096);
  check_is(weir_pool_create(f->loop, 4, 4096, &step.pool), 0);
  expect_no_allocation(f, read_and_write, &step);
  check_is(weir_pool_destroy(step.pool), 0);
  scratch_expect(&step.scratch, 0, 4096);
  scratch_remove(&step.scratch);
}

/* ---- What stays behind ---- */

/* Writes with `count` copies of `n` descriptors at a time. */
static void hold_copies(struct weir_fixture *f, size_t count, size_t n) {
  char *bytes = malloc(count * n);
  uv_buf_t *bufs = malloc(n * sizeof(*bufs));
  struct request *w = calloc(count, sizeof(*w));
  struct drain drain;
  struct conn c;
  size_t i, k;

  cr_assert(bytes != NULL && bufs != NULL && w != NULL);
  pattern_fill(bytes, 0, count * n);
  conn_tcp(f, &c);
  drain_start(&drain, c.peer);
  for (k = 0; k < count; k++) {
    for (i = 0; i < n; i++)
      bufs[i] = uv_buf_init(bytes + k * n + i, 1);
    check_is(weir_write(&w[k].op, &c.stream, weir_seq_bufs(bufs, n), on_done),
             0);
  }
  for (k = 0; k < count; k++)
    finish(f, &w[k], 0, n);
  close_stream(f, &c);
  drain_join(&drain);
  check_is(drain.received, n * count);
  close_peer(&c);
  free(bytes);
  free(bufs);
  free(w);
}

WEIR_TEST(alloc_ops, copies_of_long_arrays_go_back_to_the_heap) {
  size_t before = alloc_blocks();

  hold_copies(f, 50, 131072);
  check_is(alloc_blocks(), before);
}

WEIR_TEST(alloc_ops, a_short_array_takes_no_long_copy) {
  size_t before = alloc_blocks(), calls;

  hold_copies(f, 1, 1024);
  hold_copies(f, 1, 5);
  check_is(alloc_blocks(), before + 2);
  calls = alloc_calls();
  hold_copies(f, 1, 1000);
  hold_copies(f, 1, 16);
  check_is(alloc_calls(), calls);
  check_is(alloc_blocks(), before + 2);
}

/* ---- No memory ---- */

WEIR_TEST(alloc_ops, an_op_that_finds_no_memory_is_refused) {
  static char bytes[200][2];
  uv_buf_t bufs[200];
  struct request r = {0};
  struct conn c;
  int i;

  conn_tcp(f, &c);
  for (i = 0; i < 200; i++)
    bufs[i] = uv_buf_init(bytes[i], 1);
  alloc_fail_after(0);
  check_is(weir_write(&r.op, &c.stream, weir_seq_bufs(bufs, 200), on_done),
           UV_ENOMEM);
  check_is(weir_stream_queued(&c.stream), 0);
  check_is(weir_write(&r.op, &c.stream,
                      weir_seq_pinned(weir_seq_bufs(bufs, 200)), on_done),
           0);
  alloc_fail_after(SIZE_MAX);
  finish(f, &r, 0, 200);
  conn_close(f, &c);
}

/* ---- More operations than there are places ---- */

WEIR_TEST(alloc_ops, what_finds_no_place_ends_and_the_rest_goes_on) {
  enum { PLACES = 8, COUNT = 40 };
  struct request r[COUNT];
  char bytes[COUNT];
  int fds[2], ended = 0;
  uint64_t turns;

  memset(r, 0, sizeof(r));
  fixture_reattach(f, PLACES);
  check_is(pipe(fds), 0);
  alloc_fail_after(0);
  for (int i = 0; i < COUNT; i++)
    check_is(weir_file_pread(f->loop, &r[i].op, fds[0],
                             weir_mseq_block(&bytes[i], 1), -1, on_done),
             0);
  turns = stats_of(f).turns;
  for (int i = COUNT - 1; i >= PLACES; i--)
    run_until(f, &r[i].calls);
  cr_assert(stats_of(f).turns - turns < 2 * COUNT);
  alloc_fail_after(SIZE_MAX);
  for (int i = 0; i < COUNT; i++) {
    if (r[i].calls == 0)
      weir_cancel(&r[i].op);
    else
      ended++;
    run_until(f, &r[i].calls);
    check_is(r[i].n, 0);
    cr_assert(r[i].status == UV_ENOMEM || r[i].status == UV_ECANCELED);
  }
  /* On libuv each has memory of its own. */
  check_is(ended, f->backend == WEIR_BACKEND_UV ? COUNT : COUNT - PLACES);
  close(fds[0]);
  close(fds[1]);
}

struct waiting {
  struct request r[64];
  char bytes[64];
  int fds[2];
};

/* As many at once as there are no places for at first. */
static void wait_and_end(struct weir_fixture *f, void *arg) {
  struct waiting *w = arg;

  memset(w->r, 0, sizeof(w->r));
  for (int i = 0; i < 64; i++)
    check_is(weir_file_pread(f->loop, &w->r[i].op, w->fds[0],
                             weir_mseq_block(&w->bytes[i], 1), -1, on_done),
             0);
  run_turn(f);
  check_is(write(w->fds[1], w->bytes, 64), 64);
  for (int i = 0; i < 64; i++)
    run_until(f, &w->r[i].calls);
}

WEIR_TEST(alloc_ops, places_that_are_made_are_counted_and_stay) {
  static struct waiting w;
  size_t calls;
  uint64_t counted;

  fixture_reattach(f, 8);
  check_is(pipe(w.fds), 0);
  calls = alloc_calls();
  counted = stats_of(f).allocations;
  wait_and_end(f, &w);
  cr_assert(alloc_calls() > calls);
  check_is(stats_of(f).allocations - counted, alloc_calls() - calls);
  expect_no_allocation(f, wait_and_end, &w);
  close(w.fds[0]);
  close(w.fds[1]);
}
