/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "loop.h"

#include "alarm.h"
#include "alloc.h"
#include "backend.h"
#include "debug.h"
#include "file.h"
#include "name.h"
#include "op.h"
#include "op_block.h"
#include "os_handle.h"
#include "pipe.h"
#include "pool.h"
#include "post.h"
#include "queue.h"
#include "stream.h"

/* The handles by which the library takes part in the application's loop. */

static void close_unless_closing(uv_handle_t *handle) {
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

static void hooks_close(weir__hooks_t *hooks) {
  close_unless_closing((uv_handle_t *)&hooks->prepare);
  close_unless_closing((uv_handle_t *)&hooks->check);
  close_unless_closing((uv_handle_t *)&hooks->idle);
  close_unless_closing((uv_handle_t *)&hooks->pause);
  close_unless_closing((uv_handle_t *)&hooks->alarm);
  if (hooks->has_async)
    close_unless_closing((uv_handle_t *)&hooks->async);
}

static int hooks_over(const weir__hooks_t *hooks, unsigned closing) {
  return weir__settle_over((const uv_handle_t *)&hooks->prepare, closing) &&
         weir__settle_over((const uv_handle_t *)&hooks->check, closing) &&
         weir__settle_over((const uv_handle_t *)&hooks->idle, closing) &&
         weir__settle_over((const uv_handle_t *)&hooks->pause, closing) &&
         weir__settle_over((const uv_handle_t *)&hooks->alarm, closing) &&
         (!hooks->has_async ||
          weir__settle_over((const uv_handle_t *)&hooks->async, closing));
}

static weir_loop_t *settled(weir__settle_t *settle) {
  return (weir_loop_t *)(void *)((char *)settle -
                                 offsetof(weir_loop_t, settle));
}

static void on_gone(weir__settle_t *settle) {
  weir_loop_t *loop = settled(settle);
  weir_loop_cb cb = loop->detach_cb;
  weir__hooks_t *hooks;
  for (hooks = loop->hooks; hooks != NULL; hooks = hooks->next)
    if (!hooks_over(hooks, loop->closing)) {
      weir__settle_again(settle);
      return;
    }
  loop->backend->release(loop);
  while ((hooks = loop->hooks) != NULL) {
    loop->hooks = hooks->next;
    weir__free(hooks);
  }
  weir__op_blocks_free(loop);
  weir__debug_end(loop);
  if (cb != NULL)
    cb(loop);
  weir__free(loop);
}

static void leave(weir__settle_t *settle) {
  weir_loop_t *loop = settled(settle);
  weir__loop_claim(loop);
  loop->flags |= WEIR__LOOP_LEAVING;
  weir__pipes_close(loop);
  loop->backend->detach(loop);
  weir__loop_unref(loop);
  hooks_close(loop->hooks);
  weir__settle(loop->uv, &loop->settle, loop, on_gone);
}

static void prepare_phase(weir_loop_t *loop) {
  if (weir__loop_closed(loop))
    loop->flags |= WEIR__LOOP_BEREFT;
  weir__loop_turn(loop);
  loop->flags |= WEIR__LOOP_AT_WORK;
  weir__adopted_check(loop);
  weir__loop_run(loop);
  if (!weir__loop_foreign(loop) && (loop->flags & WEIR__LOOP_DETACHING) == 0)
    loop->backend->turn(loop);
  loop->flags &= ~WEIR__LOOP_AT_WORK;
  if (weir__loop_busy(loop) || weir__loop_delivered(loop))
    weir__loop_wake(loop);
}

static void check_phase(weir_loop_t *loop) {
  if ((loop->flags & WEIR__LOOP_DETACHING) != 0)
    return;
  loop->flags |= WEIR__LOOP_AT_WORK;
  weir__adopted_check(loop);
  loop->backend->check(loop);
  loop->flags &= ~WEIR__LOOP_AT_WORK;
  if (weir__loop_busy(loop))
    weir__loop_wake(loop);
}

static void enter(weir_loop_t *loop, void (*phase)(weir_loop_t *)) {
  weir__loop_may_sleep(loop);
  if (weir__loop_claim(loop) == 0)
    phase(loop);
}

/* Nothing is outstanding, so nothing is in a queue or with the backend; nor may
 * an adopted handle have been closed whose descriptor is still watched. */
static int unused(const weir_loop_t *loop) {
  return (loop->active | loop->unheld | loop->notices) == 0 &&
         (loop->flags & (WEIR__LOOP_AWAKE | WEIR__LOOP_CHECKED_LATE)) == 0 &&
         ((loop->flags & WEIR__LOOP_ADOPTS) == 0 ||
          !weir__os_handle_lost(loop->uv));
}

static void on_prepare(uv_prepare_t *prepare) {
  weir_loop_t *loop = prepare->data;
  loop->stats.turns++;
  if (!unused(loop) || !weir__loop_mine(loop))
    enter(loop, prepare_phase);
}

static void on_check(uv_check_t *check) {
  weir_loop_t *loop = check->data;
  if (!unused(loop))
    enter(loop, check_phase);
}

static int hooks_add(weir_loop_t *loop) {
  weir__hooks_t *hooks = weir__calloc(1, sizeof(*hooks));
  if (hooks == NULL)
    return UV_ENOMEM;
  hooks->next = loop->hooks;
  loop->hooks = hooks;
  return 0;
}

static void find_check(uv_handle_t *handle, void *arg) {
  weir_loop_t *loop = arg;
  if (handle->type == UV_CHECK && uv_is_active(handle))
    loop->flags |= WEIR__LOOP_CHECKED_LATE;
}

/* None of this can fail. libuv runs the check handle that was started first
 * last. */
void weir__loop_hook(weir_loop_t *loop) {
  weir__hooks_t *hooks = loop->hooks;
  loop->flags &= ~WEIR__LOOP_AWAKE;
  uv_walk(loop->uv, find_check, loop);
  uv_prepare_init(loop->uv, &hooks->prepare);
  uv_check_init(loop->uv, &hooks->check);
  uv_idle_init(loop->uv, &hooks->idle);
  uv_timer_init(loop->uv, &hooks->pause);
  uv_timer_init(loop->uv, &hooks->alarm);
  uv_unref((uv_handle_t *)&hooks->prepare);
  uv_unref((uv_handle_t *)&hooks->check);
  uv_unref((uv_handle_t *)&hooks->idle);
  uv_unref((uv_handle_t *)&hooks->pause);
  uv_unref((uv_handle_t *)&hooks->alarm);
  hooks->prepare.data = loop;
  hooks->check.data = loop;
  hooks->idle.data = loop;
  hooks->pause.data = loop;
  hooks->alarm.data = loop;
  uv_prepare_start(&hooks->prepare, on_prepare);
  uv_check_start(&hooks->check, on_check);
}

void weir__loop_cancel_all(weir_loop_t *loop) {
  weir_stream_t *stream = NULL;
  while ((stream = weir__stream_next(loop, stream)) != NULL)
    weir__stream_cancel_all(stream);
  weir__file_cancel_all(loop);
  weir__post_cancel_all(loop);
  weir__pool_wait_cancel_all(loop);
}

int weir__loop_revive(weir_loop_t *loop) {
  weir__hooks_t *old = loop->hooks;
  if (weir__loop_foreign(loop))
    return UV_ESRCH;
  if (!weir__loop_closed(loop))
    return 0;
  int r = hooks_add(loop);
  if (r != 0)
    return r;
  weir__loop_hook(loop);
  hooks_close(old);
  if (loop->active > 0)
    uv_ref((uv_handle_t *)&loop->hooks->prepare);
  /* The pause has gone with its timer. */
  loop->flags |= WEIR__LOOP_RETRY;
  weir__alarm_renew(loop);
  weir__loop_wake(loop);
  if ((loop->flags & WEIR__LOOP_DEAD) != 0)
    return 0;
  loop->flags |= WEIR__LOOP_DEAD;
  weir__post_shut(loop);
  weir__loop_cancel_all(loop);
  weir__loop_claim(loop);
  loop->backend->abandon(loop);
  return 0;
}

/* Whether it can be begun to end the loop. */
static int endable(weir_loop_t *loop) {
  if (loop == NULL)
    return UV_EINVAL;
  if ((loop->flags & (WEIR__LOOP_DETACHING | WEIR__LOOP_SHUTTING)) != 0)
    return UV_EALREADY;
  int r = weir__loop_revive(loop);
  return r != 0 ? r : weir__loop_claim(loop);
}

int weir_loop_detach(weir_loop_t *loop, weir_loop_cb cb) {
  int r = endable(loop);
  if (r != 0)
    return r;
  if (weir__loop_in_use(loop) || !weir__queue_empty(&loop->open) ||
      !weir__queue_empty(&loop->pools)) {
    weir__debug_left(loop);
    return UV_EBUSY;
  }
  loop->flags |= WEIR__LOOP_DETACHING;
  loop->detach_cb = cb;
  weir__loop_ref(loop);
  /* The backend may be at work above us; and the application may yet close our
   * handles, but not this one. */
  weir__settle(loop->uv, &loop->settle, loop, leave);
  return 0;
}

/* The rest is done by shutdown.c. */
int weir_loop_shutdown(weir_loop_t *loop, weir_close_cb stream_cb,
                       weir_loop_cb cb) {
  int r = endable(loop);
  if (r != 0)
    return r;
  loop->flags |= WEIR__LOOP_SHUTTING | WEIR__LOOP_ERRANDS;
  loop->stream_cb = stream_cb;
  loop->detach_cb = cb;
  weir__loop_ref(loop);
  weir__post_shut(loop);
  weir__file_end_all(loop);
  weir__loop_cancel_all(loop);
  weir__loop_wake(loop);
  return 0;
}

/* The flags for which uv_is_closing says yes. */
static unsigned closing_flags(void) {
  unsigned flags = 0;
  for (unsigned flag = 1; flag != 0; flag <<= 1) {
    const uv_handle_t handle = {.flags = flag};
    if (uv_is_closing(&handle))
      flags |= flag;
  }
  return flags;
}

int weir__loop_new(uv_loop_t *uv, weir_loop_t **out) {
  weir_loop_t *loop = weir__calloc(1, sizeof(*loop));
  if (loop == NULL)
    return UV_ENOMEM;
  loop->uv = uv;
  loop->owner = weir__self();
  weir__post_init(loop);
  loop->closing = closing_flags();
  weir__queue_init(&loop->start);
  weir__queue_init(&loop->later);
  weir__queue_init(&loop->files);
  weir__queue_init(&loop->file_cancels);
  weir__queue_init(&loop->file_ops);
  weir__queue_init(&loop->posts);
  weir__queue_init(&loop->done);
  weir__queue_init(&loop->closed);
  weir__queue_init(&loop->news);
  weir__wheel_init(&loop->wheel);
  loop->wound = UINT64_MAX;
  weir__queue_init(&loop->open);
  weir__queue_init(&loop->pools);
  weir__queue_init(&loop->takes);
  weir__queue_init(&loop->pipes.idle);
  weir__queue_init(&loop->pipes.out);
  weir__loop_turn(loop);
  int r = hooks_add(loop);
  if (r != 0) {
    weir__free(loop);
    return r;
  }
  *out = loop;
  return 0;
}

void weir__loop_drop(weir_loop_t *loop) {
  weir__debug_end(loop);
  weir__free(loop->hooks);
  weir__free(loop);
}

static void find_loop(uv_handle_t *handle, void *arg) {
  weir_loop_t **found = arg;
  if (*found == NULL && handle->type == UV_PREPARE && !uv_is_closing(handle) &&
      ((const uv_prepare_t *)handle)->prepare_cb == on_prepare &&
      (((weir_loop_t *)handle->data)->flags & WEIR__LOOP_DETACHING) == 0)
    *found = handle->data;
}

weir_loop_t *weir_loop_of(uv_loop_t *uv) {
  weir_loop_t *found = NULL;
  if (uv != NULL)
    uv_walk(uv, find_loop, &found);
  return found;
}

/* Asked for each handle that a walk meets: no way to the answer leads past all
 * streams. */
int weir_owns_handle(const weir_loop_t *loop, const uv_handle_t *handle) {
  if (loop == NULL || handle == NULL)
    return 0;
  for (const weir__hooks_t *h = loop->hooks; h != NULL; h = h->next)
    if (handle == (const uv_handle_t *)&h->prepare ||
        handle == (const uv_handle_t *)&h->check ||
        handle == (const uv_handle_t *)&h->idle ||
        handle == (const uv_handle_t *)&h->pause ||
        handle == (const uv_handle_t *)&h->alarm ||
        handle == (const uv_handle_t *)&h->async)
      return 1;
  const weir_stream_t *adopted = weir__os_handle_owner(handle);
  if (adopted != NULL)
    return adopted->loop == loop;
  return weir__settle_owner(handle) == loop ||
         weir__name_owner(handle) == loop || loop->backend->owns(loop, handle);
}
