/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "loop.h"

#include <string.h>

/* What holds the application's loop open, and what keeps it from sleeping. */

enum { PAUSE_MS = 1 };

void weir__loop_hold(weir_loop_t *loop) {
  uv_ref((uv_handle_t *)&loop->hooks->prepare);
}

void weir__loop_let_go(weir_loop_t *loop) {
  uv_unref((uv_handle_t *)&loop->hooks->prepare);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

void weir__loop_no_sleep(weir_loop_t *loop) {
  if ((loop->flags & WEIR__LOOP_AWAKE) != 0 ||
      uv_is_closing((uv_handle_t *)&loop->hooks->idle))
    return;
  loop->flags |= WEIR__LOOP_AWAKE;
  uv_idle_start(&loop->hooks->idle, on_idle);
}

void weir__loop_doze(weir_loop_t *loop) {
  loop->flags &= ~WEIR__LOOP_AWAKE;
  uv_idle_stop(&loop->hooks->idle);
}

static void on_pause(uv_timer_t *timer) {
  weir_loop_t *loop = timer->data;
  loop->flags |= WEIR__LOOP_RETRY;
  weir__loop_wake(loop);
}

void weir__loop_pause(weir_loop_t *loop) {
  uv_timer_t *timer = &loop->hooks->pause;
  if (!uv_is_closing((uv_handle_t *)timer) &&
      !uv_is_active((uv_handle_t *)timer))
    uv_timer_start(timer, on_pause, PAUSE_MS, 0);
}

int weir__loop_closed(const weir_loop_t *loop) {
  const weir__hooks_t *hooks = loop->hooks;
  return uv_is_closing((const uv_handle_t *)&hooks->prepare) ||
         uv_is_closing((const uv_handle_t *)&hooks->check) ||
         uv_is_closing((const uv_handle_t *)&hooks->idle) ||
         uv_is_closing((const uv_handle_t *)&hooks->pause) ||
         uv_is_closing((const uv_handle_t *)&hooks->alarm) ||
         (hooks->has_async &&
          uv_is_closing((const uv_handle_t *)&hooks->async));
}

int weir__loop_refusal(weir_loop_t *loop) {
  const int over = WEIR__LOOP_DEAD | WEIR__LOOP_DETACHING | WEIR__LOOP_BEREFT |
                   WEIR__LOOP_SHUTTING;
  if (weir__loop_foreign(loop))
    return UV_ESRCH;
  if ((loop->flags & over) != 0 ||
      uv_is_closing((const uv_handle_t *)&loop->hooks->prepare))
    return UV_ECANCELED;
  return loop->error;
}

void weir__loop_fail(weir_loop_t *loop, int error) {
  loop->error = error;
  loop->flags |= WEIR__LOOP_FAILED;
}

void weir_loop_set_data(weir_loop_t *loop, void *data) {
  loop->data = data;
}

void *weir_loop_data(const weir_loop_t *loop) {
  return loop->data;
}

uv_loop_t *weir_loop_uv(const weir_loop_t *loop) {
  return loop->uv;
}

void weir_loop_stats(const weir_loop_t *loop, weir_loop_stats_t *stats,
                     size_t size) {
  size_t known = size < sizeof(*stats) ? size : sizeof(*stats);
  memcpy(stats, &loop->stats, known);
  memset((char *)stats + known, 0, size - known);
}

int weir__loop_add_slab(weir_loop_t *loop, weir__split_t *split) {
  int r = weir__slabs_add(&loop->slabs, split);
  if (r == 0)
    loop->flags |= WEIR__LOOP_SLABS;
  return r;
}

void weir__loop_remove_slab(weir_loop_t *loop, const weir__split_t *split) {
  weir__slabs_remove(&loop->slabs, split);
  if (loop->slabs.count == 0)
    loop->flags &= ~WEIR__LOOP_SLABS;
}
