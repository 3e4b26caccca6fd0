/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/gate.h"
#include "support/use.h"

/* Kernels that cannot do everything: by WEIR_URING_CAPS_OFF, and by refusing
 * the flags with which a ring is to be set up. */

#if WEIR_HAVE_URING

#include "../uring/ring.h"

TestSuite(older, .timeout = 60);

/* io_uring is refused with UV_EINVAL and a sentence that has this in it, and
 * libuv works. */
static void expect_fallback(struct weir_fixture *f, const char *words) {
  weir_loop_options_t options;
  const char *sentence = NULL;

  memset(&options, 0, sizeof(options));
  options.backend = WEIR_BACKEND_URING;
  check_is(weir_loop_attach(&f->uv, &options, &f->loop), UV_EINVAL);
  run_out(f);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
  check_is(weir_loop_backend(f->loop), WEIR_BACKEND_UV);
  check_is(weir_loop_fallback_reason(f->loop, &sentence), UV_EINVAL);
  cr_assert(strstr(sentence, words) != NULL, "%s", sentence);
  use(f);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  f->loop = NULL;
}

/* ---- By their version ---- */

/* As weir__ring_caps tells it. */
static unsigned caps_without(const char *words) {
  char why[200];
  unsigned caps;

  fixture_lacks(words);
  check_is(weir__ring_caps(&caps, why, sizeof(why)), 0);
  return caps;
}

/* What a version takes away is what came later. */
Test(older, versions) {
  enum { BUFFERS = WEIR__CAP_TAGGED_BUFFERS | WEIR__CAP_SPARSE_BUFFERS };
  const unsigned task = WEIR__CAP_COOP_TASKRUN | WEIR__CAP_DEFER_TASKRUN;
  unsigned all, oldest;

  need_uring();
  all = caps_without(NULL);
  oldest = all & WEIR__CAP_STATX;
  check_is(caps_without("99.0"), all);
  check_is(caps_without("5.11"), oldest);
  check_is(caps_without("5.12,statx"), 0);
  check_is(caps_without("5.13"), oldest | (all & WEIR__CAP_TAGGED_BUFFERS));
  check_is(caps_without("5.15"),
           oldest | (all & (WEIR__CAP_TAGGED_BUFFERS | WEIR__CAP_WORKER_LIMITS |
                            WEIR__CAP_PATHS)));
  check_is(caps_without("5.19") & (BUFFERS | task),
           all & (BUFFERS | WEIR__CAP_COOP_TASKRUN));
  check_is(caps_without("6.1") & (BUFFERS | task), all & (BUFFERS | task));
  /* So that one profile stands for them in profiles.sh. */
  check_is(caps_without("6.6"),
           caps_without("6.1") | (all & WEIR__CAP_SEND_ZC));
  check_is(caps_without("6.12"),
           caps_without("6.6") |
               (all & (WEIR__CAP_BUFFER_RING | WEIR__CAP_TRUNCATE |
                       WEIR__CAP_ACCEPT_POLL_FIRST)));
  check_is(caps_without("6.14") & WEIR__CAP_READV_FIXED, 0);
  check_is(caps_without("6.17"), all & ~(unsigned)WEIR__CAP_NOSIGNAL);
  check_is(caps_without("6.17,nosignal,sync_cancel"),
           all & ~(unsigned)(WEIR__CAP_NOSIGNAL | WEIR__CAP_SYNC_CANCEL));
}

/* Or a test with it would prove nothing. */
Test(older, no_such_capability) {
  static const char *const words[] = {
      "defer", "defer_taskrun,nonsense", "5.15x", "255", "readv_fixed ", "5."};
  struct weir_fixture f;

  need_uring();
  for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
    fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
    setenv("WEIR_URING_CAPS_OFF", words[i], 1);
    expect_fallback(&f, "WEIR_URING_CAPS_OFF");
    fixture_finish(&f);
  }
}

/* ---- By the flags that they know ---- */

enum {
  ONE_THREAD = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
  COOP = IORING_SETUP_COOP_TASKRUN,
  SUBMIT_ALL = IORING_SETUP_SUBMIT_ALL
};

/* Which flags of those it comes to if some are unknown. */
static const struct {
  unsigned unknown;
  unsigned flags;
} rungs[] = {
    {0, ONE_THREAD | SUBMIT_ALL},
    {IORING_SETUP_DEFER_TASKRUN, COOP | SUBMIT_ALL},
    {ONE_THREAD, COOP | SUBMIT_ALL},
    {ONE_THREAD | COOP, SUBMIT_ALL},
    {ONE_THREAD | COOP | IORING_SETUP_TASKRUN_FLAG, SUBMIT_ALL},
    {ONE_THREAD | COOP | IORING_SETUP_TASKRUN_FLAG | SUBMIT_ALL, 0},
    {SUBMIT_ALL, 0},
};

static unsigned flags_of(struct weir_fixture *f) {
  unsigned flags = weir__ring(f->loop)->uring.flags;

  return flags & (ONE_THREAD | COOP | SUBMIT_ALL);
}

static void prepare(struct weir_fixture *f) {
  static const int setup = CALL_URING_SETUP;

  unsetenv("WEIR_URING_CAPS_OFF");
  fixture_prepare(f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  gate_open(f, &setup, 1);
}

static void detach(struct weir_fixture *f) {
  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  f->loop = NULL;
}

/* Of a process that has seen the kernel do better: each rung of the ladder. */
Test(older, each_rung) {
  struct weir_fixture f;

  prepare(&f);
  for (size_t i = 0; i < sizeof(rungs) / sizeof(*rungs); i++) {
    gate_unknown(rungs[i].unknown);
    fixture_attach(&f, NULL);
    if (i == 0 && flags_of(&f) != rungs[0].flags)
      fixture_skip(&f, "this kernel does not know all flags");
    check_is(flags_of(&f), rungs[i].flags);
    use(&f);
    detach(&f);
  }
  fixture_finish(&f);
}

/* Of one that has not. */
static void probed(unsigned unknown) {
  struct weir_fixture f;

  prepare(&f);
  gate_unknown(unknown);
  fixture_attach(&f, NULL);
  check_is(flags_of(&f) & unknown, 0);
  use(&f);
  fixture_finish(&f);
}

Test(older, without_deferred_work) {
  probed(IORING_SETUP_DEFER_TASKRUN);
}

Test(older, without_cooperation) {
  probed(ONE_THREAD | COOP | IORING_SETUP_TASKRUN_FLAG);
}

Test(older, without_any_flag) {
  probed(ONE_THREAD | COOP | IORING_SETUP_TASKRUN_FLAG | SUBMIT_ALL);
}

/* Before Linux 5.10. */
Test(older, without_what_is_needed) {
  struct weir_fixture f;

  int denied = uring_denied();

  prepare(&f);
  if (denied != 0)
    fixture_skip(&f, strerror(denied));
  gate_unknown(IORING_SETUP_R_DISABLED);
  expect_fallback(&f, "Linux 5.11");
  fixture_finish(&f);
}

#else

Test(older, nothing) {
  cr_skip("this libweir was built without io_uring");
}

#endif
