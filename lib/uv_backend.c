/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_backend.h"

#include "uv_poll.h"

/* libuv sleeps and wakes; the core is run from its callbacks and, once in each
 * turn, from the prepare and check phases. */

static int attach(weir_loop_t *loop, const weir_loop_options_t *options) {
  (void)options;
  loop->impl = NULL;
  loop->wait = WEIR_WAIT_UV;
  loop->wait_why = "on the libuv backend libuv always does the waiting";
  return 0;
}

static void detach(weir_loop_t *loop) {
  weir__uv_free_files(loop);
}

static void release(weir_loop_t *loop) {
  (void)loop;
}

/* The core has run just before. */
static void turn(weir_loop_t *loop) {
  (void)loop;
}

static void check(weir_loop_t *loop) {
  weir__loop_run(loop);
}

static void abandon(weir_loop_t *loop) {
  weir__uv_abandon_files(loop);
}

static int memory_add(weir_loop_t *loop, void *base, size_t len) {
  (void)loop;
  (void)base;
  (void)len;
  return UV_ENOTSUP;
}

static void memory_remove(weir_loop_t *loop, int index) {
  (void)loop;
  (void)index;
}

static int lend_begin(weir_loop_t *loop, weir__lent_t *lent, size_t count) {
  (void)loop;
  (void)lent;
  (void)count;
  return UV_ENOTSUP;
}

/* libuv's handles go with the loop. */
static void move(weir_loop_t *loop) {
  (void)loop;
}

static void lose(weir_loop_t *loop) {
  (void)loop;
}

static int renew(weir_loop_t *loop) {
  weir__poll_end_all(loop, UV_ECANCELED);
  weir__uv_forget_files(loop);
  return 0;
}

const weir__backend_t weir__backend_uv = {
    .id = WEIR_BACKEND_UV,
    .sockets = &weir__uv_kind,
    .others = &weir__uv_kind,
    .attach = attach,
    .detach = detach,
    .release = release,
    .turn = turn,
    .check = check,
    .owns = weir__poll_owns,
    .abandon = abandon,
    .move = move,
    .lose = lose,
    .renew = renew,
    .file_start = weir__uv_file_start,
    .file_cancel = weir__uv_file_cancel,
    .memory_add = memory_add,
    .memory_remove = memory_remove,
    .lend_begin = lend_begin,
};
