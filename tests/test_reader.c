/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/plan.h"
#include "support/scratch.h"

/* Files that are read ahead. */

enum { BLOCK = 4096, KEPT = 64 };

struct reading {
  weir_file_reader_t reader;
  weir_file_reader_options_t options;
  struct request r;
  struct scratch s;
  weir_pool_t *pool;
  size_t from;
  size_t got;
  size_t blocks;
  int keep; /* leases are kept */
  size_t kept;
  weir_lease_t leases[KEPT];
  size_t most;                     /* buffers out at a time */
  void (*then)(struct reading *g); /* at the end of each block */
};

static struct reading reading;

static void on_block(weir_file_reader_t *reader, weir_lease_t lease) {
  struct reading *g = reader->data;
  size_t out = weir_pool_count(g->pool) - weir_pool_available(g->pool);

  check_is(g->r.calls, 0);
  cr_assert(lease.buf.len > 0 && lease.buf.len <= BLOCK);
  cr_assert(pattern_holds(lease.buf.base, g->from + g->got, lease.buf.len));
  g->got += lease.buf.len;
  g->blocks++;
  g->most = out > g->most ? out : g->most;
  if (g->keep)
    g->leases[g->kept++] = lease;
  else
    check_is(weir_lease_release(&lease), 0);
  if (g->then != NULL)
    g->then(g);
}

static struct reading *open_it(struct weir_fixture *f, size_t len,
                               size_t buffers, unsigned depth) {
  struct reading *g = &reading;

  memset(g, 0, sizeof(*g));
  scratch_make(&g->s, len);
  check_is(weir_pool_create(f->loop, buffers, BLOCK, &g->pool), 0);
  g->options.size = sizeof(g->options);
  g->options.depth = depth;
  return g;
}

static void start(struct weir_fixture *f, struct reading *g) {
  memset(&g->reader, 0xff, sizeof(g->reader));
  g->reader.data = g;
  g->from = (size_t)g->options.offset;
  g->got = 0;
  g->r.calls = 0;
  check_is(weir_file_reader_start(f->loop, &g->r.op, &g->reader, g->s.fd,
                                  g->pool, &g->options, on_block, on_done),
           0);
  check_is(g->r.calls, 0);
  check_is(g->blocks, 0);
}

static void close_it(struct reading *g) {
  check_is(weir_pool_available(g->pool), weir_pool_count(g->pool));
  check_is(weir_pool_destroy(g->pool), 0);
  scratch_remove(&g->s);
}

static const size_t sizes[] = {0,         1,          BLOCK - 1,     BLOCK,
                               BLOCK + 1, 10 * BLOCK, 33 * BLOCK + 5};

WEIR_TEST(reader, hands_out_all_of_a_file_in_order) {
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
    for (unsigned depth = 0; depth <= WEIR_FILE_READER_DEPTH; depth += 4) {
      struct reading *g = open_it(f, sizes[i], 32, depth);
      start(f, g);
      finish(f, &g->r, 0, sizes[i]);
      check_is(g->got, sizes[i]);
      check_is(g->blocks, (sizes[i] + BLOCK - 1) / BLOCK);
      close_it(g);
    }
}

WEIR_TEST(reader, reads_a_part_of_it) {
  struct reading *g = open_it(f, (size_t)10 * BLOCK, 8, 3);

  g->options.offset = 100;
  g->options.len = 5 * BLOCK + 1;
  start(f, g);
  finish(f, &g->r, 0, (size_t)5 * BLOCK + 1);
  check_is(g->got, 5 * BLOCK + 1);
  g->blocks = 0;
  g->options.len = 10 * BLOCK;
  start(f, g);
  finish(f, &g->r, UV_EOF, (size_t)10 * BLOCK - 100);
  g->blocks = 0;
  g->options.offset = INT64_MAX;
  g->options.len = 0;
  start(f, g);
  finish(f, &g->r, 0, 0);
  check_is(g->blocks, 0);
  close_it(g);
}

/* As many as that are out while the first block is handed out: its own, and
 * those that are read ahead. */
WEIR_TEST(reader, reads_ahead_as_far_as_it_may) {
  struct reading *g = open_it(f, (size_t)20 * BLOCK, 32, 7);
  size_t out;

  start(f, g);
  out = 32 - weir_pool_available(g->pool);
  check_is(out, 7);
  weir_file_reader_pause(&g->reader);
  run_some_turns(f);
  check_is(g->blocks, 0);
  check_is(32 - weir_pool_available(g->pool), 7);
  weir_file_reader_resume(&g->reader);
  weir_file_reader_resume(&g->reader);
  check_is(g->blocks, 0);
  finish(f, &g->r, 0, (size_t)20 * BLOCK);
  cr_assert(g->most <= 7);
  close_it(g);
}

/* Nor does the memory come from anywhere: it is the pool's. */
WEIR_TEST(reader, allocates_nothing_and_copies_nothing) {
  struct reading *g = open_it(f, (size_t)50 * BLOCK, 8, 4);
  weir_loop_stats_t before, after;

  start(f, g);
  finish(f, &g->r, 0, (size_t)50 * BLOCK);
  g->blocks = 0;
  before = stats_of(f);
  start(f, g);
  finish(f, &g->r, 0, (size_t)50 * BLOCK);
  after = stats_of(f);
  check_is(after.allocations, before.allocations);
  check_is(after.bytes_read - before.bytes_read, 50 * BLOCK);
  if (weir_pool_status(g->pool, NULL) == 0)
    cr_assert(after.fixed_ops - before.fixed_ops >= after.reads - before.reads);
  close_it(g);
}

static void pause_it(struct reading *g) {
  weir_file_reader_pause(&g->reader);
}

WEIR_TEST(reader, is_paused_after_each_block) {
  struct reading *g = open_it(f, (size_t)9 * BLOCK, 4, 4);

  g->then = pause_it;
  start(f, g);
  for (size_t i = 1; i <= 9; i++) {
    while (g->blocks < i)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    run_some_turns(f);
    check_is(g->blocks, i);
    weir_file_reader_resume(&g->reader);
  }
  finish(f, &g->r, 0, (size_t)9 * BLOCK);
  close_it(g);
}

static void pause_and_resume(struct reading *g) {
  weir_file_reader_pause(&g->reader);
  weir_file_reader_resume(&g->reader);
}

WEIR_TEST(reader, is_resumed_in_its_callback) {
  struct reading *g = open_it(f, (size_t)40 * BLOCK, 4, 4);

  g->then = pause_and_resume;
  start(f, g);
  finish(f, &g->r, 0, (size_t)40 * BLOCK);
  close_it(g);
}

static void give_back_first(struct reading *g) {
  check_is(weir_lease_release(&g->leases[0]), 0);
  g->kept--;
  memmove(g->leases, g->leases + 1, g->kept * sizeof(g->leases[0]));
}

WEIR_TEST(reader, goes_on_when_a_buffer_comes_back) {
  struct reading *g = open_it(f, (size_t)10 * BLOCK, 2, 5);

  g->keep = 1;
  start(f, g);
  for (size_t i = 2; i <= 10; i++) {
    while (g->blocks < i)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    run_some_turns(f);
    check_is(g->blocks, i);
    check_is(g->r.calls, 0);
    check_is(weir_pool_available(g->pool), 0);
    give_back_first(g);
  }
  finish(f, &g->r, 0, (size_t)10 * BLOCK);
  give_back_first(g);
  close_it(g);
}

/* ---- Ended early ---- */

static void cancel_it(struct reading *g) {
  if (g->blocks == 3)
    weir_cancel(&g->r.op);
}

WEIR_TEST(reader, is_cancelled_in_its_callback) {
  struct reading *g = open_it(f, (size_t)40 * BLOCK, 32, 16);

  g->then = cancel_it;
  start(f, g);
  finish(f, &g->r, UV_ECANCELED, (size_t)3 * BLOCK);
  check_is(g->blocks, 3);
  close_it(g);
}

WEIR_TEST(reader, is_cancelled_at_any_time) {
  for (int turns = 0; turns < 6; turns++) {
    struct reading *g = open_it(f, (size_t)400 * BLOCK, 8, 8);
    start(f, g);
    for (int i = 0; i < turns; i++)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    if (g->r.calls == 0) {
      weir_cancel(&g->r.op);
      weir_cancel(&g->r.op);
      finish(f, &g->r, UV_ECANCELED, g->got);
    }
    close_it(g);
  }
}

WEIR_TEST(reader, is_cancelled_while_it_waits) {
  struct reading *g = open_it(f, (size_t)10 * BLOCK, 2, 5);

  start(f, g);
  weir_file_reader_pause(&g->reader);
  run_some_turns(f);
  weir_cancel(&g->r.op);
  finish(f, &g->r, UV_ECANCELED, 0);

  g->keep = 1;
  start(f, g);
  while (g->blocks < 2)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  weir_cancel(&g->r.op);
  finish(f, &g->r, UV_ECANCELED, (size_t)2 * BLOCK);
  give_back_first(g);
  give_back_first(g);
  close_it(g);
}

/* And those behind it, who want less, are served. */
WEIR_TEST(reader, lets_others_pass_when_it_ends) {
  const weir_pool_options_t parts = {.size = sizeof(parts),
                                     .count = 1,
                                     .buffer_size = (size_t)4 * BLOCK,
                                     .least = BLOCK};
  struct reading *g = open_it(f, (size_t)4 * BLOCK, 1, 1);
  struct request wait = {.calls = 0};
  uv_buf_t first, second;

  check_is(weir_pool_destroy(g->pool), 0);
  check_is(weir_pool_create_with(f->loop, &parts, &g->pool), 0);
  check_is(weir_pool_acquire_size(g->pool, BLOCK, &first), 0);
  start(f, g);
  check_is(weir_pool_acquire_wait(&wait.op, g->pool, BLOCK, &second, on_done),
           0);
  run_some_turns(f);
  check_is(g->r.calls + wait.calls, 0);
  weir_cancel(&g->r.op);
  finish(f, &g->r, UV_ECANCELED, 0);
  finish(f, &wait, 0, 0);
  check_is(weir_pool_release(g->pool, &first), 0);
  check_is(weir_pool_release(g->pool, &second), 0);
  close_it(g);
}

WEIR_TEST(reader, has_a_deadline) {
  struct reading *g = open_it(f, (size_t)10 * BLOCK, 2, 5);
  weir_deadline_t deadline = {0};

  g->keep = 1;
  start(f, g);
  check_is(weir_deadline_op(&deadline, &g->r.op, 20), 0);
  run_until(f, &g->r.calls);
  check_is(g->r.status, UV_ETIMEDOUT);
  check_is(g->r.n, g->got);
  while (g->kept > 0)
    give_back_first(g);
  close_it(g);
}

/* Paused, so that nothing but the loop can end it. */
WEIR_TEST(reader, ends_with_the_loop) {
  struct reading *g = open_it(f, (size_t)10 * BLOCK, 8, 8);

  start(f, g);
  weir_file_reader_pause(&g->reader);
  run_some_turns(f);
  check_is(weir_loop_shutdown(f->loop, NULL, NULL), 0);
  run_out(f);
  check_is(g->r.calls, 1);
  check_is(g->r.status, UV_ECANCELED);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
  scratch_remove(&g->s);
}

static void close_handles(struct weir_fixture *f, struct reading *g) {
  uv_walk(&f->uv, close_each, NULL);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(g->r.calls, 1);
  check_is(g->r.status, UV_ECANCELED);
  close_it(g);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
}

WEIR_TEST(reader, ends_where_the_handles_are_closed) {
  struct reading *g = open_it(f, (size_t)10 * BLOCK, 8, 8);

  start(f, g);
  close_handles(f, g);
}

WEIR_TEST(reader, ends_where_the_handles_are_closed_while_it_waits) {
  struct reading *g = open_it(f, (size_t)10 * BLOCK, 8, 8);

  start(f, g);
  weir_file_reader_pause(&g->reader);
  run_some_turns(f);
  close_handles(f, g);
}

/* ---- Errors and changes of the file ---- */

WEIR_TEST(reader, says_an_error_behind_what_was_good) {
  weir_fault_t *fault;
  struct reading *g;

  fault = fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ,
                                                  .nth = 4,
                                                  .error = UV_EIO});
  g = open_it(f, (size_t)20 * BLOCK, 8, 1);
  start(f, g);
  finish(f, &g->r, UV_EIO, (size_t)3 * BLOCK);
  check_is(g->blocks, 3);
  close_it(g);
  fault_end(f, fault);
}

WEIR_TEST(reader, short_reads_change_nothing) {
  weir_fault_t *fault;
  struct reading *g;

  fault = fault_begin_rule(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ,
                                                  .times = WEIR_FAULT_ALWAYS,
                                                  .bytes = 1001});
  g = open_it(f, (size_t)9 * BLOCK + 1, 8, 4);
  start(f, g);
  finish(f, &g->r, 0, (size_t)9 * BLOCK + 1);
  check_is(g->blocks, 10);
  close_it(g);
  fault_end(f, fault);
}

WEIR_TEST(reader, a_directory_is_an_error) {
  struct reading *g = open_it(f, 0, 8, 4);
  int fd = g->s.fd;

  g->s.fd = open(g->s.dir, O_RDONLY | O_CLOEXEC);
  start(f, g);
  finish(f, &g->r, UV_EISDIR, 0);
  close(g->s.fd);
  g->s.fd = fd;
  close_it(g);
}

static void shrink(struct reading *g) {
  if (g->blocks == 2)
    check_is(ftruncate(g->s.fd, 3 * BLOCK + 10), 0);
}

/* What is read ahead may still be there; all is in its place. */
WEIR_TEST(reader, a_file_that_is_cut_ends_sooner) {
  struct reading *g = open_it(f, (size_t)60 * BLOCK, 8, 4);

  g->then = shrink;
  start(f, g);
  run_until(f, &g->r.calls);
  check_is(g->r.status, 0);
  check_is(g->r.n, g->got);
  cr_assert(g->got >= 3 * BLOCK + 10 && g->got <= (2 + 4) * BLOCK);
  close_it(g);
}

static void grow(struct reading *g) {
  char more[BLOCK];

  if (g->blocks != 2)
    return;
  pattern_fill(more, (size_t)20 * BLOCK, BLOCK);
  check_is(pwrite(g->s.fd, more, BLOCK, 20 * BLOCK), BLOCK);
}

WEIR_TEST(reader, a_file_that_grows_ends_later) {
  struct reading *g = open_it(f, (size_t)20 * BLOCK, 8, 4);

  g->then = grow;
  start(f, g);
  finish(f, &g->r, 0, (size_t)21 * BLOCK);
  close_it(g);
}

WEIR_TEST(reader, refuses_nonsense) {
  struct reading *g = open_it(f, BLOCK, 8, 4);
  weir_file_reader_t *reader = &g->reader;
  weir_op_t *op = &g->r.op;
  int fds[2];

  check_is(pipe(fds), 0);
#define REFUSED(loop, op, reader, fd, pool, block, cb, error)                  \
  check_is(weir_file_reader_start(loop, op, reader, fd, pool, &g->options,     \
                                  block, cb),                                  \
           error)
  REFUSED(NULL, op, reader, g->s.fd, g->pool, on_block, on_done, UV_EINVAL);
  REFUSED(f->loop, NULL, reader, g->s.fd, g->pool, on_block, on_done,
          UV_EINVAL);
  REFUSED(f->loop, op, NULL, g->s.fd, g->pool, on_block, on_done, UV_EINVAL);
  REFUSED(f->loop, op, reader, g->s.fd, NULL, on_block, on_done, UV_EINVAL);
  REFUSED(f->loop, op, reader, g->s.fd, g->pool, NULL, on_done, UV_EINVAL);
  REFUSED(f->loop, op, reader, g->s.fd, g->pool, on_block, NULL, UV_EINVAL);
  REFUSED(f->loop, op, reader, fds[0], g->pool, on_block, on_done, UV_ESPIPE);
  g->options.depth = WEIR_FILE_READER_DEPTH + 1;
  REFUSED(f->loop, op, reader, g->s.fd, g->pool, on_block, on_done, UV_EINVAL);
  g->options.depth = 1;
  g->options.offset = -1;
  REFUSED(f->loop, op, reader, g->s.fd, g->pool, on_block, on_done, UV_EINVAL);
#undef REFUSED
  close(fds[0]);
  close(fds[1]);
  close_it(g);
}
