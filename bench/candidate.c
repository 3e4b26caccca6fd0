/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "candidate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../samples/common.h"

enum { ENTRIES = 256, BATCH = 64 };

candidate_t candidate_named(const char *name) {
  static const char *const names[] = {"raw", "libuv", "guest", "ring", "uv"};

  for (int i = RAW; i <= UV; i++)
    if (strcmp(name, names[i]) == 0)
      return (candidate_t)i;
  quit(name, "no such candidate");
}

static void (*hook)(void);

static void on_prepare(uv_prepare_t *prepare) {
  (void)prepare;
  hook();
}

/* The prepare handle that was started first runs last. In the ring wait that
 * has to be weir's, which sleeps. */
weir_loop_t *candidate_attach(candidate_t candidate, uv_loop_t *uv,
                              void (*before_sleep)(void)) {
  static uv_prepare_t prepare;
  weir_loop_options_t options = {
      .backend = candidate == UV ? WEIR_BACKEND_UV : WEIR_BACKEND_URING,
      .wait = candidate == RING ? WEIR_WAIT_RING : WEIR_WAIT_UV};
  weir_loop_t *weir = NULL;
  int r = uv_loop_init(uv);
  if (r != 0)
    fail("cannot make a loop", r);
  hook = before_sleep;
  uv_prepare_init(uv, &prepare);
  if (hook != NULL && candidate != RING)
    uv_prepare_start(&prepare, on_prepare);
  if (candidate != LIBUV)
    r = weir_loop_attach(uv, &options, &weir);
  if (r != 0)
    fail("cannot attach weir", r);
  if (weir != NULL && weir_loop_wait(weir, NULL) != options.wait)
    quit("weir", "takes the other wait");
  if (hook != NULL && candidate == RING)
    uv_prepare_start(&prepare, on_prepare);
  return weir;
}

void candidate_ring(struct io_uring *ring) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                            IORING_SETUP_DEFER_TASKRUN};
  int r = io_uring_queue_init_params(ENTRIES, ring, &params);
  if (r == -EINVAL)
    r = io_uring_queue_init(ENTRIES, ring, 0);
  if (r != 0)
    fail("io_uring", r);
}

void candidate_enter(struct io_uring *ring,
                     void (*on_completion)(uint64_t data, int result)) {
  struct io_uring_cqe *cqes[BATCH];
  int r = io_uring_submit_and_wait(ring, 1);
  if (r < 0 && r != -EINTR)
    fail("io_uring", r);
  unsigned n = io_uring_peek_batch_cqe(ring, cqes, BATCH);
  for (unsigned i = 0; i < n; i++)
    on_completion(cqes[i]->user_data, cqes[i]->res);
  io_uring_cq_advance(ring, n);
}

void candidate_pair(int fds[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
    fail("socketpair", -errno);
}

__attribute__((noinline)) void outside_end(void) {
  _exit(0);
}
