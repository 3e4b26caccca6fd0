/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/gate.h"
#include "support/net.h"

/* How a ring is made: as well as the kernel can, and what is said when it
 * cannot. */

#if WEIR_HAVE_URING

#include "../uring/ring.h"

TestSuite(ladder, .timeout = 60);

enum { RUNGS = 4 };

static const unsigned rung_flags[RUNGS] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_SUBMIT_ALL,
    0,
};
static const unsigned rung_caps[RUNGS] = {
    WEIR__CAP_DEFER_TASKRUN, WEIR__CAP_COOP_TASKRUN, WEIR__CAP_SUBMIT_ALL, 0};
static const char *const caps_off[RUNGS] = {
    "", "defer_taskrun", "defer_taskrun,coop_taskrun",
    "defer_taskrun,coop_taskrun,submit_all"};

static unsigned flags_of(const struct weir_fixture *f) {
  return weir__ring(f->loop)->uring.flags &
         (rung_flags[0] | rung_flags[1] | rung_flags[2]);
}

/* A connection each way, more often than the ring has entries. */
static void use(struct weir_fixture *f) {
  struct request r, w;
  struct conn c;
  char bytes[8];

  conn_tcp(f, &c);
  for (int i = 0; i < 20; i++) {
    memset(&r, 0, sizeof(r));
    memset(&w, 0, sizeof(w));
    peer_send(&c, 0, 8);
    check_is(
        weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
        0);
    finish(f, &r, 0, 8);
    check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 8), on_done),
             0);
    finish(f, &w, 0, 8);
    peer_take(&c, 0, 8);
  }
  conn_close(f, &c);
}

static int attach(struct weir_fixture *f, unsigned entries) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = WEIR_BACKEND_URING;
  options.wait = f->wait;
  options.entries = entries;
  return weir_loop_attach(&f->uv, &options, &f->loop);
}

static void leave(struct weir_fixture *f) {
  if (f->loop != NULL)
    check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
  fixture_finish(f);
}

/* The kernel has this capability. */
static unsigned kernel_caps(void) {
  unsigned caps;
  char why[160];

  check_is(weir__ring_caps(&caps, why, sizeof(why)), 0);
  return caps;
}

Test(ladder, each_rung_has_flags_of_its_own) {
  need_uring();
  for (int i = 0; i < RUNGS; i++) {
    struct weir_fixture f;

    if ((kernel_caps() & rung_caps[i]) != rung_caps[i])
      continue;
    fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
    setenv("WEIR_URING_CAPS_OFF", caps_off[i], 1);
    check_is(attach(&f, 0), 0);
    check_is(flags_of(&f), rung_flags[i]);
    cr_assert((weir__ring(f.loop)->uring.flags & IORING_SETUP_R_DISABLED) != 0);
    use(&f);
    leave(&f);
    unsetenv("WEIR_URING_CAPS_OFF");
  }
}

/* Attaches with the first `times` set-ups refused. */
static int attach_refused(struct weir_fixture *f, weir_wait_t wait, int error,
                          int times, unsigned entries) {
  const int calls[] = {CALL_URING_SETUP};

  need_uring();
  fixture_prepare(f, WEIR_BACKEND_URING, wait);
  if (kernel_caps() != WEIR__CAP_ALL)
    fixture_skip(f, "not all of a new kernel is here");
  gate_open(f, calls, 1);
  gate_fail(CALL_URING_SETUP, error, times);
  return attach(f, entries);
}

/* Newer versions of liburing try each way twice. */
static void goes_down(weir_wait_t wait, int rung) {
  struct weir_fixture f;
  int tries = 1;

  check_is(attach_refused(&f, wait, EINVAL, 0, 0), 0);
  if ((weir__ring(f.loop)->uring.flags & WEIR__SETUP_NO_SQARRAY) != 0)
    tries = 2;
  check_is(weir_loop_detach(f.loop, NULL), 0);
  run_out(&f);
  gate_fail(CALL_URING_SETUP, EINVAL, rung * tries);
  check_is(attach(&f, 0), rung < RUNGS ? 0 : UV_EINVAL);
  if (rung == RUNGS) {
    f.loop = NULL;
    fixture_finish(&f);
    return;
  }
  check_is(flags_of(&f), rung_flags[rung]);
  for (int i = 0; i < RUNGS; i++)
    check_is(weir__ring(f.loop)->caps & rung_caps[i],
             i < rung ? 0 : rung_caps[i]);
  use(&f);
  leave(&f);
}

Test(ladder, what_is_not_known_is_done_without_in_the_libuv_wait) {
  goes_down(WEIR_WAIT_UV, 1);
}

Test(ladder, what_is_not_known_is_done_without_in_the_ring_wait) {
  goes_down(WEIR_WAIT_RING, 1);
}

Test(ladder, two_that_are_not_known) {
  goes_down(WEIR_WAIT_UV, 2);
}

Test(ladder, three_that_are_not_known) {
  goes_down(WEIR_WAIT_RING, 3);
}

Test(ladder, nothing_that_is_known) {
  goes_down(WEIR_WAIT_UV, 4);
}

/* All but EINVAL and ENOMEM is an answer. */
Test(ladder, a_refusal_is_told_at_once) {
  struct weir_fixture f;

  check_is(attach_refused(&f, WEIR_WAIT_UV, EPERM, 1, 0), UV_EPERM);
  check_is(gate_calls(CALL_URING_SETUP), 1);
  f.loop = NULL;
  fixture_finish(&f);
}

static void makes_do(unsigned entries, int times, unsigned granted) {
  struct weir_fixture f;

  check_is(attach_refused(&f, WEIR_WAIT_UV, ENOMEM, times, entries),
           granted == 0 ? UV_ENOMEM : 0);
  if (granted == 0) {
    f.loop = NULL;
    fixture_finish(&f);
    return;
  }
  check_is(weir__ring(f.loop)->uring.sq.ring_entries, granted);
  cr_assert(weir__ring(f.loop)->uring.cq.ring_entries >= 128);
  cr_assert(weir__ring(f.loop)->uring.cq.ring_entries >= 4 * granted);
  check_is(flags_of(&f), rung_flags[0]);
  use(&f);
  leave(&f);
}

Test(ladder, little_memory_makes_a_small_ring) {
  makes_do(256, 1, 128);
}

Test(ladder, very_little_memory_makes_the_smallest_ring) {
  makes_do(256, 5, 8);
}

Test(ladder, no_memory_makes_none) {
  makes_do(256, 6, 0);
}

Test(ladder, a_small_ring_needs_no_less) {
  makes_do(4, 1, 0);
}

Test(ladder, so_many_entries_as_were_asked_for) {
  makes_do(64, 0, 64);
}

Test(ladder, each_choice_of_a_wait_has_its_reason) {
  const weir_wait_t waits[] = {WEIR_WAIT_AUTO, WEIR_WAIT_UV, WEIR_WAIT_RING};
  const char *why[3] = {NULL, NULL, NULL};

  need_uring();
  for (int i = 0; i < 3; i++) {
    struct weir_fixture f;

    fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
    f.wait = waits[i];
    check_is(attach(&f, 0), 0);
    check_is(weir_loop_wait(f.loop, &why[i]),
             waits[i] == WEIR_WAIT_RING ? WEIR_WAIT_RING : WEIR_WAIT_UV);
    cr_assert(why[i] != NULL);
    for (int k = 0; k < i; k++)
      cr_assert(strcmp(why[i], why[k]) != 0);
    leave(&f);
  }
}

/* ---- Probing ---- */

/* Without probing. */
static void need_rings(struct weir_fixture *f) {
  int denied = uring_denied();

  if (denied != 0)
    fixture_skip(f, strerror(denied));
}

/* What a process that has not probed yet says when this call fails: behind
 * `after` others of that number, `times`. */
static void says(int call, int after, int error, int status, const char *why) {
  const int calls[] = {call};
  const char *sentence = "";
  struct weir_fixture f;
  char expected[200];

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  need_rings(&f);
  gate_open(&f, calls, 1);
  gate_spare_rings();
  gate_fail_later(call, error, after, GATE_FOR_EVER);
  check_is(weir_loop_attach(&f.uv, NULL, &f.loop), 0);
  check_is(weir_loop_fallback_reason(f.loop, &sentence), status);
  snprintf(expected, sizeof(expected), "%s: %s", why, uv_strerror(status));
  cr_assert(strncmp(sentence, expected, strlen(expected)) == 0,
            "%s, and not %s", sentence, expected);
  /* Only success is remembered. */
  gate_pass();
  check_is(weir_loop_detach(f.loop, NULL), 0);
  run_out(&f);
  check_is(weir_loop_attach(&f.uv, NULL, &f.loop), 0);
  check_is(weir_loop_backend(f.loop), WEIR_BACKEND_URING);
  leave(&f);
}

Test(ladder, says_that_no_ring_is_made) {
  says(CALL_URING_SETUP, 0, EPERM, UV_EPERM, "io_uring_setup");
}

Test(ladder, says_that_a_ring_is_not_enabled) {
  says(CALL_URING_REGISTER, 0, EACCES, UV_EACCES, "io_uring_register");
}

Test(ladder, says_that_opcodes_are_not_told) {
  says(CALL_URING_REGISTER, 1, EPERM, UV_EPERM, "io_uring_register");
}

Test(ladder, says_that_a_ring_is_not_entered) {
  says(CALL_URING_ENTER, 0, ENOSYS, UV_ENOSYS, "io_uring_enter");
}

Test(ladder, says_that_a_write_to_a_pipe_is_not_tried) {
  says(CALL_URING_ENTER, 1, EPERM, UV_EPERM, "a write to a pipe");
}

Test(ladder, says_that_there_is_no_pipe) {
  says(SYS_pipe2, 0, EMFILE, UV_EMFILE, "a write to a pipe");
}

/* ---- Attaching ---- */

/* The same of what comes behind the probe. */
static void says_in(weir_wait_t wait, int call, int error, int status,
                    const char *why) {
  weir_loop_options_t options = {.wait = wait};
  const int calls[] = {call};
  const char *sentence = "";
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, wait);
  gate_open(&f, calls, 1);
  gate_spare_rings();
  gate_fail(call, error, 1);
  check_is(attach(&f, 0), status);
  check_is(gate_failures(call), 1);
  gate_fail(call, error, 1);
  check_is(weir_loop_attach(&f.uv, &options, &f.loop), 0);
  check_is(weir_loop_backend(f.loop), WEIR_BACKEND_UV);
  check_is(weir_loop_fallback_reason(f.loop, &sentence), status);
  cr_assert(strncmp(sentence, why, strlen(why)) == 0, "%s, and not %s",
            sentence, why);
  leave(&f);
}

static void attaching_says(int call, int error, int status, const char *why) {
  says_in(WEIR_WAIT_UV, call, error, status, why);
}

Test(ladder, attaching_says_that_no_ring_is_made) {
  attaching_says(CALL_URING_SETUP, EMFILE, UV_EMFILE, "io_uring_setup: ");
}

Test(ladder, attaching_says_that_there_is_no_eventfd) {
  attaching_says(SYS_eventfd2, EMFILE, UV_EMFILE, "the eventfd: ");
}

Test(ladder, attaching_says_that_the_eventfd_is_refused) {
  attaching_says(CALL_URING_REGISTER, ENOMEM, UV_ENOMEM, "the eventfd: ");
}

Test(ladder, attaching_says_that_the_eventfd_is_not_watched) {
  attaching_says(SYS_epoll_ctl, ENOMEM, UV_ENOMEM, "the eventfd: ");
}

/* It is made for a ring of one thread alone. */
Test(ladder, attaching_says_that_there_is_no_pipe) {
  unsetenv("WEIR_URING_CAPS_OFF");
  attaching_says(SYS_pipe2, EMFILE, UV_EMFILE, "a pipe: ");
}

Test(ladder, attaching_says_that_the_pipe_is_refused) {
  unsetenv("WEIR_URING_CAPS_OFF");
  says_in(WEIR_WAIT_RING, CALL_URING_REGISTER, EBUSY, UV_EBUSY, "a pipe: ");
}

#else

Test(ladder, nothing) {
  cr_skip("this libweir was built without io_uring");
}

#endif
