/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/test/system.h"
#include "support/deny.h"
#include "support/net.h"
#include "support/rings.h"
#include "support/scratch.h"
#include "support/use.h"

/* The choice of the backend, and io_uring not to be had. These attach by
 * themselves, so they run once. */

static int attach(struct weir_fixture *f, weir_backend_t backend) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = backend;
  return weir_loop_attach(&f->uv, &options, &f->loop);
}

static void detach(struct weir_fixture *f) {
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  f->loop = NULL;
}

static void leave(struct weir_fixture *f) {
  if (f->loop != NULL)
    detach(f);
  fixture_finish(f);
}

static void expect_fallback(struct weir_fixture *f, int reason) {
  const char *sentence = NULL;

  check_is(attach(f, WEIR_BACKEND_URING), reason);
  run_out(f);
  check_is(attach(f, WEIR_BACKEND_AUTO), 0);
  check_is(weir_loop_backend(f->loop), WEIR_BACKEND_UV);
  check_is(weir_loop_fallback_reason(f->loop, &sentence), reason);
  cr_assert(sentence != NULL && strlen(sentence) > 10);
  check_is(weir_loop_fallback_reason(f->loop, NULL), reason);
  use(f);
  leave(f);
}

static void need_uring_built_in(struct weir_fixture *f) {
  int error = attach(f, WEIR_BACKEND_URING);

  if (error == UV_ENOTSUP)
    cr_skip("built without io_uring");
  if (error == 0)
    detach(f);
  run_out(f);
}

static void need_filter(int error) {
  if (error != 0)
    cr_skip("no seccomp filter here: %s", strerror(error));
}

static void denied_from_the_start(int number, int error) {
  struct weir_fixture f;

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  need_filter(deny_syscall(number, error));
  need_uring_built_in(&f);
  expect_fallback(&f, -error);
}

static void denied_later(int number, int error) {
  struct weir_fixture f;

  need_uring();
  need_filter(deny_syscall(number, error));
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  expect_fallback(&f, -error);
}

#define DENIED(name, number, error)                                            \
  Test(fallback, name, .timeout = 60) {                                        \
    denied_from_the_start(number, error);                                      \
  }                                                                            \
  Test(fallback, name##_later, .timeout = 60) {                                \
    denied_later(number, error);                                               \
  }

DENIED(setup_enosys, CALL_URING_SETUP, ENOSYS)
DENIED(setup_eperm, CALL_URING_SETUP, EPERM)
DENIED(setup_eacces, CALL_URING_SETUP, EACCES)
DENIED(setup_emfile, CALL_URING_SETUP, EMFILE)
DENIED(setup_enomem, CALL_URING_SETUP, ENOMEM)

/* A filter that knows the set-up, but not this one. */
static void denied_enter(int error) {
  struct open_rings libuvs;
  struct weir_fixture f;
  int denied;

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  denied = uring_denied();
  if (denied != 0)
    fixture_skip(&f, strerror(denied));
  find_open_rings(&libuvs);
  need_filter(deny_enter(error, &libuvs));
  need_uring_built_in(&f);
  expect_fallback(&f, -error);
}

Test(fallback, enter_eperm, .timeout = 60) {
  denied_enter(EPERM);
}

Test(fallback, enter_enosys, .timeout = 60) {
  denied_enter(ENOSYS);
}

#if WEIR_HAVE_URING
static struct {
  int answer;
  int asked;
} vain;

static int submit_in_vain(struct io_uring *uring, unsigned wait) {
  (void)uring;
  (void)wait;
  vain.asked++;
  return vain.answer;
}

/* It can be entered, and nothing comes of it. */
static void probed_in_vain(int answer, int reason) {
  weir__system_t was = *weir__system_get();
  struct weir_fixture f;
  int denied;

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  denied = uring_denied();
  if (denied != 0)
    fixture_skip(&f, strerror(denied));
  vain.answer = answer;
  weir__system_get()->io_uring_submit_and_wait = submit_in_vain;
  expect_fallback(&f, reason);
  *weir__system_get() = was;
  /* Twice, and not for ever. */
  cr_assert(vain.asked >= 4 && vain.asked < 1000, "%d times", vain.asked);
}

Test(fallback, a_probe_that_is_never_answered, .timeout = 60) {
  probed_in_vain(0, UV_EAGAIN);
}

Test(fallback, a_probe_that_is_always_interrupted, .timeout = 60) {
  probed_in_vain(UV_EINTR, UV_EINTR);
}
#endif

/* ---- Choosing ---- */

Test(fallback, backend_from_the_environment, .timeout = 60) {
  struct weir_fixture f;

  fixture_prepare(&f, WEIR_BACKEND_UV, WEIR_WAIT_UV);
  setenv("WEIR_BACKEND", "uv", 1);
  check_is(attach(&f, WEIR_BACKEND_AUTO), 0);
  check_is(weir_loop_backend(f.loop), WEIR_BACKEND_UV);
  cr_assert(weir_loop_fallback_reason(f.loop, NULL) < 0);
  use(&f);
  detach(&f);
  setenv("WEIR_BACKEND", "kqueue", 1);
  check_is(attach(&f, WEIR_BACKEND_AUTO), UV_EINVAL);
  check_is(attach(&f, WEIR_BACKEND_UV), 0);
  detach(&f);
  setenv("WEIR_BACKEND", "", 1);
  check_is(attach(&f, WEIR_BACKEND_AUTO), 0);
  leave(&f);
}

Test(fallback, uring_from_the_environment, .timeout = 60) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  setenv("WEIR_BACKEND", "uring", 1);
  check_is(attach(&f, WEIR_BACKEND_AUTO), 0);
  check_is(weir_loop_backend(f.loop), WEIR_BACKEND_URING);
  detach(&f);
  /* What the program asks for goes before. */
  check_is(attach(&f, WEIR_BACKEND_UV), 0);
  check_is(weir_loop_backend(f.loop), WEIR_BACKEND_UV);
  leave(&f);
}

Test(fallback, uring_is_taken_by_itself, .timeout = 60) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  check_is(weir_loop_attach(&f.uv, NULL, &f.loop), 0);
  check_is(weir_loop_backend(f.loop), WEIR_BACKEND_URING);
  check_is(weir_loop_wait(f.loop, NULL), WEIR_WAIT_UV);
  use(&f);
  leave(&f);
}

Test(fallback, wait_from_the_environment, .timeout = 60) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_RING);
  setenv("WEIR_WAIT", "ring", 1);
  check_is(attach(&f, WEIR_BACKEND_URING), 0);
  check_is(weir_loop_wait(f.loop, NULL), WEIR_WAIT_RING);
  use(&f);
  detach(&f);
  setenv("WEIR_WAIT", "uv", 1);
  check_is(attach(&f, WEIR_BACKEND_URING), 0);
  check_is(weir_loop_wait(f.loop, NULL), WEIR_WAIT_UV);
  detach(&f);
  setenv("WEIR_WAIT", "never", 1);
  check_is(attach(&f, WEIR_BACKEND_URING), UV_EINVAL);
  leave(&f);
}

/* ---- An older kernel ---- */

static void without_capability(const char *name) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  fixture_lacks(name);
  fixture_attach(&f, NULL);
  use(&f);
  fixture_finish(&f);
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_RING);
  fixture_attach(&f, NULL);
  use(&f);
  fixture_finish(&f);
}

#define WITHOUT(capability)                                                    \
  Test(fallback, without_##capability, .timeout = 60) {                        \
    without_capability(#capability);                                           \
  }

WITHOUT(defer_taskrun)
WITHOUT(coop_taskrun)
WITHOUT(submit_all)
WITHOUT(sparse_buffers)
WITHOUT(readv_fixed)
WITHOUT(writev_fixed)
WITHOUT(nosignal)
WITHOUT(poll_first)
WITHOUT(tagged_buffers)
WITHOUT(worker_limits)
WITHOUT(sync_cancel)
WITHOUT(send_zc)
WITHOUT(buffer_ring)
WITHOUT(accept_poll_first)

Test(fallback, without_any_capability, .timeout = 60) {
  without_capability("5.11");
}

/* ---- Little memory to lock ---- */

static void become_nobody(struct weir_fixture *f) {
  struct rlimit limit = {65536, 65536};

  if (geteuid() != 0)
    fixture_skip(f, "only root can become nobody");
  check_is(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
  if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
    fixture_skip(f, strerror(errno));
  /* Or /proc/self would be closed to us. */
  check_is(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
}

static void use_pool(struct weir_fixture *f) {
  const char *sentence = NULL;
  struct request r = {0};
  struct scratch s;
  weir_pool_t *pool;
  uv_buf_t buf;
  int status;

  check_is(weir_pool_create(f->loop, 16, 65536, &pool), 0);
  status = weir_pool_status(pool, &sentence);
  cr_assert(sentence != NULL && strlen(sentence) > 0);
  check_is(status, ring_registers(f) ? UV_ENOMEM : UV_ENOTSUP);
  scratch_make(&s, 65536);
  check_is(weir_pool_acquire(pool, &buf), 0);
  check_is(weir_file_pread(f->loop, &r.op, s.fd,
                           weir_mseq_block(buf.base, buf.len), 0, on_done),
           0);
  finish(f, &r, 0, 65536);
  cr_assert(pattern_holds(buf.base, 0, 65536));
  check_is(stats_of(f).fixed_ops, 0);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_destroy(pool), 0);
  scratch_remove(&s);
}

Test(fallback, little_memory_to_lock, .timeout = 60) {
  struct weir_fixture f;

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  become_nobody(&f);
  check_is(attach(&f, WEIR_BACKEND_AUTO), 0);
  use(&f);
  use_pool(&f);
  leave(&f);
}
