/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/alloc.h"
#include "support/deny.h"
#include "support/net.h"

/* A loop that is not attached: it says why, and nothing of it stays. */

static char why[200];

static weir_loop_options_t options_of(const struct weir_fixture *f) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = f->backend;
  options.wait = f->wait;
  options.why = why;
  options.why_size = sizeof(why);
  return options;
}

/* Closes the loop without another turn of it, and makes it anew. */
static void expect_nothing_left(struct weir_fixture *f) {
  check_is(uv_loop_close(&f->uv), 0);
  check_is(count_descriptors(), f->descriptors);
  check_is(alloc_blocks(), f->blocks);
  check_is(uv_loop_init(&f->uv), 0);
}

static void expect_refusal(struct weir_fixture *f,
                           const weir_loop_options_t *options, int error,
                           const char *word) {
  weir_loop_t *loop = NULL;

  memset(why, 'x', sizeof(why));
  check_is(weir_loop_attach(&f->uv, options, &loop), error);
  cr_assert(loop == NULL);
  cr_assert(memchr(why, '\0', sizeof(why)) != NULL);
  cr_assert(strstr(why, word) != NULL, "\"%s\" has no \"%s\"", why, word);
  expect_nothing_left(f);
}

static void prepare(struct weir_fixture *f, weir_backend_t backend) {
  fixture_prepare(f, backend, WEIR_WAIT_UV);
}

static void leave(struct weir_fixture *f) {
  fixture_finish(f);
}

Test(attach, names_the_option_that_it_refuses, .timeout = 60) {
  struct {
    weir_loop_options_t known;
    unsigned more[2];
  } later = {.more = {0}};
  struct weir_fixture f;
  weir_loop_options_t options;

  prepare(&f, WEIR_BACKEND_UV);
  options = options_of(&f);
  options.backend = (weir_backend_t)3;
  expect_refusal(&f, &options, UV_EINVAL, "backend");
  options = options_of(&f);
  options.wait = (weir_wait_t)-1;
  expect_refusal(&f, &options, UV_EINVAL, "wait");
  options = options_of(&f);
  options.entries = 32769;
  expect_refusal(&f, &options, UV_EINVAL, "entries");
  options = options_of(&f);
  options.size = sizeof(options);
  options.entries = 32769;
  expect_refusal(&f, &options, UV_EINVAL, "entries");
  later.known = options_of(&f);
  later.known.size = sizeof(later);
  later.more[0] = 1;
  expect_refusal(&f, &later.known, UV_EINVAL, "later version");
  leave(&f);
}

Test(attach, names_the_variable_that_it_refuses, .timeout = 60) {
  struct weir_fixture f;
  weir_loop_options_t options;

  prepare(&f, WEIR_BACKEND_UV);
  options = options_of(&f);
  options.backend = WEIR_BACKEND_AUTO;
  setenv("WEIR_BACKEND", "foo", 1);
  expect_refusal(&f, &options, UV_EINVAL, "WEIR_BACKEND=foo");
  expect_refusal(&f, &options, UV_EINVAL, "uring");
  unsetenv("WEIR_BACKEND");
  options.wait = WEIR_WAIT_AUTO;
  setenv("WEIR_WAIT", "never", 1);
  expect_refusal(&f, &options, UV_EINVAL, "WEIR_WAIT=never");
  expect_refusal(&f, &options, UV_EINVAL, "ring");
  leave(&f);
}

/* The line is cut where the memory ends, however little that is. */
Test(attach, says_why_in_little_memory, .timeout = 60) {
  struct weir_fixture f;
  weir_loop_options_t options;
  weir_loop_t *loop;
  unsigned size;

  prepare(&f, WEIR_BACKEND_UV);
  options = options_of(&f);
  options.entries = 32769;
  for (size = 0; size < 12; size++) {
    memset(why, 'x', sizeof(why));
    options.why_size = size;
    check_is(weir_loop_attach(&f.uv, &options, &loop), UV_EINVAL);
    cr_assert(why[size] == 'x');
    cr_assert(size == 0 || strlen(why) == size - 1);
  }
  options.why = NULL;
  options.why_size = 100;
  check_is(weir_loop_attach(&f.uv, &options, &loop), UV_EINVAL);
  leave(&f);
}

WEIR_TEST(attach, says_nothing_when_all_is_well) {
  weir_loop_options_t options = options_of(f);
  weir_loop_t *second;

  memset(why, 'x', sizeof(why));
  check_is(weir_loop_attach(&f->uv, &options, &second), 0);
  check_is(strlen(why), 0);
  check_is(weir_loop_detach(second, NULL), 0);
  run_out(f);
}

static void need_no_uring(struct weir_fixture *f, int number, int error) {
  int denied;

  prepare(f, WEIR_BACKEND_URING);
  denied = deny_syscall(number, error);
  if (denied != 0)
    cr_skip("no seccomp filter here: %s", strerror(denied));
}

Test(attach, says_why_io_uring_cannot_be_had, .timeout = 60) {
  struct weir_fixture f;
  weir_loop_options_t options;
  weir_loop_t *loop;

  need_uring();
  need_no_uring(&f, CALL_URING_SETUP, EPERM);
  options = options_of(&f);
  expect_refusal(&f, &options, UV_EPERM, "io_uring_setup");
  options.backend = WEIR_BACKEND_AUTO;
  check_is(weir_loop_attach(&f.uv, &options, &loop), 0);
  check_is(strlen(why), 0);
  check_is(weir_loop_detach(loop, NULL), 0);
  leave(&f);
}

/* Each allocation fails in turn. */
static void without_memory(weir_backend_t backend, weir_wait_t wait) {
  struct weir_fixture f;
  weir_loop_options_t options;
  size_t k;
  int r;

  if (backend == WEIR_BACKEND_URING)
    need_uring();
  fixture_prepare(&f, backend, wait);
  options = options_of(&f);
  for (k = 0;; k++) {
    alloc_fail_after(k);
    r = weir_loop_attach(&f.uv, &options, &f.loop);
    alloc_fail_after(SIZE_MAX);
    if (r == 0)
      break;
    check_is(r, UV_ENOMEM);
    cr_assert(strstr(why, "memory") != NULL, "%s", why);
    expect_nothing_left(&f);
  }
  cr_assert(k > 0);
  check_is(weir_loop_detach(f.loop, NULL), 0);
  f.loop = NULL;
  leave(&f);
}

Test(attach, without_memory_uring_ring, .timeout = 60) {
  without_memory(WEIR_BACKEND_URING, WEIR_WAIT_RING);
}

Test(attach, without_memory_uring_uv, .timeout = 60) {
  without_memory(WEIR_BACKEND_URING, WEIR_WAIT_UV);
}

Test(attach, without_memory_uv, .timeout = 60) {
  without_memory(WEIR_BACKEND_UV, WEIR_WAIT_UV);
}

/* ---- No descriptors left ---- */

static void leave_descriptors(int count) {
  struct rlimit limit;
  int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

  cr_assert(next >= 0);
  close(next);
  check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = (rlim_t)(next + count);
  check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void restore_descriptors(const struct rlimit *limit) {
  check_is(setrlimit(RLIMIT_NOFILE, limit), 0);
}

/* A write to a pipe that nobody reads: SIGPIPE, which the fixture counts, if
 * this kernel's way to have none was overlooked. */
static void write_to_nobody(struct weir_fixture *f) {
  struct request r = {0};
  int fds[2];

  check_is(pipe2(fds, O_CLOEXEC), 0);
  close(fds[0]);
  check_is(weir_file_pwrite(f->loop, &r.op, fds[1], weir_seq_block("x", 1), -1,
                            on_done),
           0);
  finish(f, &r, UV_EPIPE, 0);
  close(fds[1]);
}

/* With few descriptors, and then with enough: what could not be tried for want
 * of them is not taken for missing. */
static void short_of_descriptors(int count, weir_wait_t wait) {
  struct weir_fixture f;
  weir_loop_options_t options;
  struct rlimit limit;
  int r;

  fixture_prepare(&f, WEIR_BACKEND_URING, wait);
  options = options_of(&f);
  check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
  leave_descriptors(count);
  r = weir_loop_attach(&f.uv, &options, &f.loop);
  restore_descriptors(&limit);
  if (r == UV_ENOTSUP || r == UV_ENOSYS || r == UV_EPERM || r == UV_EACCES)
    cr_skip("%s", why);
  if (r == 0) {
    check_is(weir_loop_detach(f.loop, NULL), 0);
    run_out(&f);
  } else {
    check_is(r, UV_EMFILE);
    cr_assert(strstr(why, "too many open files") != NULL, "%s", why);
    expect_nothing_left(&f);
  }
  fixture_attach(&f, NULL);
  write_to_nobody(&f);
  fixture_finish(&f);
}

#define SHORT_OF_DESCRIPTORS(count)                                            \
  Test(attach, with_##count##_descriptors_uring_ring, .timeout = 60) {         \
    short_of_descriptors(count, WEIR_WAIT_RING);                               \
  }                                                                            \
  Test(attach, with_##count##_descriptors_uring_uv, .timeout = 60) {           \
    short_of_descriptors(count, WEIR_WAIT_UV);                                 \
  }

/* Each in a process of its own, which has not asked for anything yet. */
SHORT_OF_DESCRIPTORS(0)
SHORT_OF_DESCRIPTORS(1)
SHORT_OF_DESCRIPTORS(2)
SHORT_OF_DESCRIPTORS(3)
SHORT_OF_DESCRIPTORS(4)
SHORT_OF_DESCRIPTORS(5)
