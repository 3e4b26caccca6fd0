/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if WEIR_HAVE_URING
#include "../uring/ring.h"
#endif

#include "support/plan.h"
#include "support/scratch.h"

/* The layer of faults in a ring: what comes late, and a ring that is refused,
 * small, or old. */

#if WEIR_HAVE_URING

/* ---- Late, and in another order ---- */

enum { MANY = 200 };

static int order;

struct late {
  struct request r;
  int place;
};

static void on_late(weir_op_t *op, int status, size_t n) {
  struct late *late = (struct late *)op;

  late->place = ++order;
  on_done(op, status, n);
}

static void read_late(struct weir_fixture *f, struct late *l, int fd) {
  static char byte;

  memset(l, 0, sizeof(*l));
  check_is(weir_file_pread(f->loop, &l->r.op, fd, weir_mseq_block(&byte, 1), 0,
                           on_late),
           0);
}

WEIR_RING_TEST(fault, a_completion_that_is_late_lets_others_go_first) {
  weir_fault_t *fault = fault_begin_rule(f, (weir_fault_rule_t){
                                                .what = WEIR_FAULT_FILE_READ,
                                                .rounds = 3,
                                            });
  struct late first, second;
  struct scratch s;

  order = 0;
  scratch_make(&s, 1);
  read_late(f, &first, s.fd);
  read_late(f, &second, s.fd);
  finish(f, &second.r, 0, 1);
  finish(f, &first.r, 0, 1);
  check_is(second.place, 1);
  check_is(first.place, 2);
  check_is(weir_fault_count(fault, WEIR_FAULT_FILE_READ).delayed, 1);
  check_is(weir_fault_count(fault, WEIR_FAULT_OPCODE + IORING_OP_READ).delayed,
           1);
  scratch_remove(&s);
  weir_fault_end(fault);
}

/* Nobody sleeps on it for ever, and it comes when the plan ends. */
WEIR_RING_TEST(fault, what_is_held_back_comes_when_it_is_waited_for) {
  weir_fault_t *fault = fault_begin_rule(f, (weir_fault_rule_t){
                                                .what = WEIR_FAULT_FILE_READ,
                                                .times = WEIR_FAULT_ALWAYS,
                                                .rounds = 1000000,
                                            });
  struct late late;
  struct scratch s;

  scratch_make(&s, 1);
  read_late(f, &late, s.fd);
  finish(f, &late.r, 0, 1);
  read_late(f, &late, s.fd);
  run_some_turns(f);
  weir_fault_end(fault);
  finish(f, &late.r, 0, 1);
  read_late(f, &late, s.fd);
  finish(f, &late.r, 0, 1);
  scratch_remove(&s);
}

WEIR_RING_TEST(fault, completions_come_in_another_order) {
  weir_fault_options_t options;
  static struct late late[MANY];
  weir_fault_t *fault;
  struct scratch s;
  int sorted = 1;

  memset(&options, 0, sizeof(options));
  options.seed = 1;
  options.reorder = 1000;
  fault = fault_begin(f, &options);
  order = 0;
  scratch_make(&s, 1);
  for (int i = 0; i < MANY; i++)
    read_late(f, &late[i], s.fd);
  for (int i = 0; i < MANY; i++) {
    finish(f, &late[i].r, 0, 1);
    sorted = sorted && late[i].place == i + 1;
  }
  check_is(order, MANY);
  check_is(sorted, 0);
  cr_assert(weir_fault_count(fault, WEIR_FAULT_ENTER).reordered > 0);
  scratch_remove(&s);
  weir_fault_end(fault);
}

/* ---- The ring itself ---- */

WEIR_RING_TEST(fault, a_ring_that_is_refused_ends_what_is_in_it) {
  weir_fault_t *fault = fault_begin_empty(f);
  struct request r, w;
  struct conn c;
  char byte;

  conn_unix(f, &c);
  fault_read(&r, &c, &byte, 1);
  run_some_turns(f);
  fault_add(fault, (weir_fault_rule_t){.what = WEIR_FAULT_ENTER,
                                       .times = WEIR_FAULT_ALWAYS,
                                       .error = UV_EPERM});
  fault_write(&w, &c, "x", 1);
  finish(f, &w, UV_EPERM, 0);
  finish(f, &r, UV_EPERM, 0);
  close_peer(&c);
  close_stream(f, &c);
  weir_fault_end(fault);
}

WEIR_RING_TEST(fault, a_ring_that_cannot_be_had) {
  weir_loop_options_t options;
  weir_loop_t *loop;
  weir_fault_t *fault;
  uv_loop_t uv;

  memset(&options, 0, sizeof(options));
  options.backend = WEIR_BACKEND_URING;
  options.entries = 8;
  fault = fault_begin_empty(f);
  check_is(uv_loop_init(&uv), 0);
  fault_add(fault,
            (weir_fault_rule_t){.what = WEIR_FAULT_SETUP, .error = UV_EPERM});
  check_is(weir_loop_attach(&uv, &options, &loop), UV_EPERM);
  fault_add(fault, (weir_fault_rule_t){.what = WEIR_FAULT_REGISTER,
                                       .error = UV_ENOMEM});
  options.wait = WEIR_WAIT_UV;
  check_is(weir_loop_attach(&uv, &options, &loop), UV_ENOMEM);
  check_is(uv_run(&uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&uv), 0);
  weir_fault_end(fault);
}

WEIR_RING_TEST(fault, a_small_ring_is_full_and_overflows) {
  weir_fault_options_t options;
  static struct late late[MANY];
  weir_fault_t *fault;
  struct scratch s;

  memset(&options, 0, sizeof(options));
  options.sq_entries = 4;
  options.cq_entries = 4;
  fault = fault_begin(f, &options);
  check_is(weir__ring(f->loop)->uring.sq.ring_entries, 4);
  check_is(weir__ring(f->loop)->uring.cq.ring_entries, 4);
  scratch_make(&s, 1);
  for (int i = 0; i < MANY; i++)
    read_late(f, &late[i], s.fd);
  for (int i = 0; i < MANY; i++)
    finish(f, &late[i].r, 0, 1);
  cr_assert(stats_of(f).overflows > 0);
  scratch_remove(&s);
  weir_fault_end(fault);
}

/* The rest goes with the next enter. */
WEIR_RING_TEST(fault, a_submission_stops_half_way) {
  weir_fault_t *fault = fault_begin_rule(f, (weir_fault_rule_t){
                                                .what = WEIR_FAULT_ENTER,
                                                .times = WEIR_FAULT_ALWAYS,
                                                .bytes = 1,
                                            });
  static struct late late[MANY];
  struct scratch s;

  scratch_make(&s, 1);
  for (int i = 0; i < MANY; i++)
    read_late(f, &late[i], s.fd);
  for (int i = 0; i < MANY; i++)
    finish(f, &late[i].r, 0, 1);
  cr_assert(weir_fault_count(fault, WEIR_FAULT_ENTER).cut > 0);
  scratch_remove(&s);
  weir_fault_end(fault);
}

/* Several, which are all missed before the first is sent again. */
WEIR_RING_TEST(fault, cancellations_that_miss_are_sent_again) {
  enum { CONNS = 5 };
  weir_fault_t *fault = fault_begin_rule(f, (weir_fault_rule_t){
                                                .what = WEIR_FAULT_CANCEL,
                                                .times = 2 * CONNS,
                                                .error = UV_ENOENT,
                                            });
  struct request r[CONNS];
  struct conn c[CONNS];
  char byte;

  for (int i = 0; i < CONNS; i++) {
    conn_unix(f, &c[i]);
    fault_read(&r[i], &c[i], &byte, 1);
  }
  run_some_turns(f);
  for (int i = 0; i < CONNS; i++)
    weir_cancel(&r[i].op);
  for (int i = 0; i < CONNS; i++)
    finish(f, &r[i], UV_ECANCELED, 0);
  check_is(weir_fault_count(fault, WEIR_FAULT_CANCEL).asked, 3 * CONNS);
  for (int i = 0; i < CONNS; i++)
    conn_close(f, &c[i]);
  weir_fault_end(fault);
}

/* Each is found out by asking, as on the kernel that lacks it. */
static void attach_lacking(weir_wait_t wait, unsigned lacks, unsigned caps) {
  weir_fault_options_t options;
  struct weir_fixture f;
  weir_fault_t *fault;
  struct conn c;

  fixture_prepare(&f, WEIR_BACKEND_URING, wait);
  memset(&options, 0, sizeof(options));
  options.lacks = lacks;
  check_is(weir_fault_begin(&options, &fault), 0);
  fixture_attach(&f, NULL);
  check_is(weir__ring(f.loop)->caps & caps, 0);
  conn_unix(&f, &c);
  fault_work(&f, &c);
  conn_close(&f, &c);
  fixture_finish(&f);
  weir_fault_end(fault);
}

Test(fault, an_old_kernel_lacks_what_can_be_lacking, .timeout = 60) {
  /* The bits are the same, but for those that are not asked for before. */
  attach_lacking(WEIR_WAIT_UV, WEIR_FAULT_NO_FEATURES - 1,
                 WEIR_FAULT_NO_SYNC_CANCEL - 1);
}

Test(fault, a_kernel_without_tables_of_buffers, .timeout = 60) {
  weir_fault_options_t options;
  struct weir_fixture f;
  weir_fault_t *fault;
  weir_pool_t *pool;
  const char *why;

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  memset(&options, 0, sizeof(options));
  options.lacks = WEIR_FAULT_NO_SPARSE_BUFFERS | WEIR_FAULT_NO_TAGGED_BUFFERS;
  check_is(weir_fault_begin(&options, &fault), 0);
  fixture_attach(&f, NULL);
  check_is(weir_pool_create(f.loop, 4, 4096, &pool), 0);
  check_is(weir_pool_status(pool, &why), UV_ENOTSUP);
  check_is(weir_pool_destroy(pool), 0);
  fixture_finish(&f);
  weir_fault_end(fault);
}

Test(fault, a_kernel_of_5_19, .timeout = 60) {
  attach_lacking(WEIR_WAIT_RING,
                 WEIR_FAULT_NO_DEFER_TASKRUN | WEIR_FAULT_NO_READV_FIXED |
                     WEIR_FAULT_NO_WRITEV_FIXED | WEIR_FAULT_NO_NOSIGNAL,
                 WEIR__CAP_DEFER_TASKRUN | WEIR__CAP_READV_FIXED |
                     WEIR__CAP_WRITEV_FIXED | WEIR__CAP_NOSIGNAL);
}

Test(fault, a_kernel_that_is_too_old) {
  weir_loop_options_t options;
  weir_fault_options_t faults;
  struct weir_fixture f;
  weir_fault_t *fault;

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  memset(&options, 0, sizeof(options));
  memset(&faults, 0, sizeof(faults));
  options.backend = WEIR_BACKEND_URING;
  faults.lacks = WEIR_FAULT_NO_FEATURES;
  check_is(weir_fault_begin(&faults, &fault), 0);
  int r = weir_loop_attach(&f.uv, &options, &f.loop);
  weir_fault_end(fault);
  check_is(uv_loop_close(&f.uv), 0);
  if (r == UV_EPERM)
    cr_skip("there is no ring here, new or old: %s", uv_strerror(r));
  check_is(r, UV_ENOSYS);
}

#else

Test(fault, of_a_ring) {
  cr_skip("this libweir was built without io_uring");
}

#endif
