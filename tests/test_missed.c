/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if WEIR_HAVE_URING
#include "../uring/ring.h"
#endif

#include "support/child.h"

/* Cancellations that did not find what they were for, as a kernel says between
 * two tries of its own: they are sent again. */

#if WEIR_HAVE_URING
enum { MANY = 1000, ENTRIES = 8 };

static void miss(weir__ring_t *ring, const struct request *r) {
  uint64_t tag = weir__file_args(&r->op)->tag;
  weir__slot_t *slot = weir__slot_find(ring, tag);
  cr_assert(slot != NULL);
  slot->flags |= WEIR__SLOT_CANCELLED;
  for (int i = 0; i < 2; i++)
    weir__ring_complete(ring, tag | WEIR__TAG_CANCEL, UV_ENOENT, 0);
}

static void read_pipe(struct weir_fixture *f, struct request *r, int fd) {
  static char byte;
  memset(r, 0, sizeof(*r));
  check_is(weir_file_pread(f->loop, &r->op, fd, weir_mseq_block(&byte, 1), -1,
                           on_done),
           0);
}

WEIR_RING_TEST(missed, all_end) {
  static struct request r[MANY];
  int fds[2];
  fixture_reattach(f, ENTRIES);
  check_is(pipe(fds), 0);
  for (int i = 0; i < MANY; i++)
    read_pipe(f, &r[i], fds[0]);
  run_some_turns(f);
  uint64_t sqes = stats_of(f).sqes;
  /* Not in the order in which they began. */
  for (int i = 0; i < MANY; i++)
    miss(weir__ring(f->loop), &r[i * 7 % MANY]);
  for (int i = 0; i < MANY; i++)
    finish(f, &r[i], UV_ECANCELED, 0);
  /* One for each; and the poll of libuv's descriptor. */
  cr_assert(stats_of(f).sqes - sqes <= MANY + 2);
  close(fds[0]);
  close(fds[1]);
}

/* One that was missed ends by itself, and its place is taken by another. */
static void replace(struct weir_fixture *f, struct request r[2], int fds[2]) {
  weir__ring_t *ring = weir__ring(f->loop);
  check_is(pipe(fds), 0);
  read_pipe(f, &r[0], fds[0]);
  run_some_turns(f);
  miss(ring, &r[0]);
  check_is(write(fds[1], "x", 1), 1);
  weir__ring_enter(ring, 0, 0);
  weir__ring_reap(ring);
  read_pipe(f, &r[1], fds[0]);
  check_is((uint32_t)weir__file_args(&r[1].op)->tag,
           (uint32_t)weir__file_args(&r[0].op)->tag);
}

WEIR_RING_TEST(missed, the_next_is_left_alone) {
  struct request r[2];
  int fds[2];
  replace(f, r, fds);
  finish(f, &r[0], 0, 1);
  run_some_turns(f);
  check_is(r[1].calls, 0);
  weir_cancel(&r[1].op);
  finish(f, &r[1], UV_ECANCELED, 0);
  close(fds[0]);
  close(fds[1]);
}

WEIR_RING_TEST(missed, the_next_is_missed_too) {
  struct request r[2];
  int fds[2];
  replace(f, r, fds);
  miss(weir__ring(f->loop), &r[1]);
  finish(f, &r[0], 0, 1);
  finish(f, &r[1], UV_ECANCELED, 0);
  close(fds[0]);
  close(fds[1]);
}

static void child_misses(struct weir_fixture *f, void *arg) {
  struct request *r = arg;
  int fds[2];
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_finish(f, r, UV_ECANCELED, 0);
  must(pipe(fds) == 0);
  read_pipe(f, r, fds[0]);
  run_some_turns(f);
  miss(weir__ring(f->loop), r);
  must_finish(f, r, UV_ECANCELED, 0);
}

/* It has the place of one of the parent's that was missed. */
WEIR_RING_TEST(missed, one_in_a_child_ends) {
  struct request r;
  int fds[2];
  check_is(pipe(fds), 0);
  read_pipe(f, &r, fds[0]);
  run_some_turns(f);
  miss(weir__ring(f->loop), &r);
  child_run(child_misses, f, &r);
  finish(f, &r, UV_ECANCELED, 0);
  close(fds[0]);
  close(fds[1]);
}
#else
WEIR_RING_TEST(missed, all_end) {
  (void)f;
}
WEIR_RING_TEST(missed, the_next_is_left_alone) {
  (void)f;
}
WEIR_RING_TEST(missed, the_next_is_missed_too) {
  (void)f;
}
WEIR_RING_TEST(missed, one_in_a_child_ends) {
  (void)f;
}
#endif
