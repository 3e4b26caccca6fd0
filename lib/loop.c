/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "loop.h"

#include <assert.h>

#include "alloc.h"
#include "backend.h"
#include "op.h"

/* Transfers started and callbacks run at most in one go, so that libuv's
 * timers and handles get their turn under a flood. */
enum { BUDGET = 1024 };

void weir__loop_ref(weir_loop_t *loop) {
  if (loop->active++ == 0)
    uv_ref((uv_handle_t *)&loop->hooks->prepare);
}

void weir__loop_unref(weir_loop_t *loop) {
  assert(loop->active > 0);
  if (--loop->active == 0)
    uv_unref((uv_handle_t *)&loop->hooks->prepare);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

void weir__loop_no_sleep(weir_loop_t *loop) {
  if (!uv_is_closing((uv_handle_t *)&loop->hooks->idle))
    uv_idle_start(&loop->hooks->idle, on_idle);
}

void weir__loop_wake(weir_loop_t *loop) {
  if ((loop->flags & WEIR__LOOP_CLOSED_WINDOW) != 0)
    weir__loop_no_sleep(loop);
}

int weir__loop_busy(const weir_loop_t *loop) {
  return loop->start_head != NULL || loop->file_head != NULL ||
         loop->done_head != NULL || loop->closed_head != NULL ||
         (loop->flags & WEIR__LOOP_FILE_CANCELS) != 0;
}

int weir__loop_delivered(const weir_loop_t *loop) {
  return loop->stats.callbacks != loop->callbacks_before;
}

/* Gives every stream that is queued now one go. One that the backend has no
 * room for stays, and all that follow wait behind it. */
static unsigned start(weir_loop_t *loop, unsigned budget) {
  weir_stream_t *last = loop->start_tail;
  int more = last != NULL;
  while (more && budget > 0) {
    weir_stream_t *stream = loop->start_head;
    more = stream != last;
    loop->start_head = stream->next_start;
    if (loop->start_head == NULL)
      loop->start_tail = NULL;
    stream->next_start = NULL;
    budget--;
    if (weir__stream_start(stream) == UV_EBUSY) {
      loop->flags |= WEIR__LOOP_STALLED;
      break;
    }
  }
  if ((loop->flags & WEIR__LOOP_STALLED) == 0 &&
      weir__file_start(loop) == UV_EBUSY)
    loop->flags |= WEIR__LOOP_STALLED;
  return budget;
}

static int deliver(weir_loop_t *loop) {
  weir_op_t *op = loop->done_head;
  if (op != NULL) {
    loop->done_head = op->next;
    if (loop->done_head == NULL)
      loop->done_tail = NULL;
    loop->stats.callbacks++;
    weir__loop_unref(loop);
    op->cb(op, op->status, op->done);
    return 1;
  }
  weir_stream_t *stream = loop->closed_head;
  if (stream != NULL) {
    loop->closed_head = stream->next_start;
    if (loop->closed_head == NULL)
      loop->closed_tail = NULL;
    weir__loop_unref(loop);
    if (stream->close_cb != NULL) {
      loop->stats.callbacks++;
      stream->close_cb(stream);
    }
    return 1;
  }
  return 0;
}

void weir__loop_run(weir_loop_t *loop) {
  unsigned budget = BUDGET;
  if ((loop->flags & WEIR__LOOP_DELIVERING) != 0)
    return;
  loop->flags |= WEIR__LOOP_DELIVERING;
  loop->flags &= ~WEIR__LOOP_STALLED;
  while (budget > 0 && weir__loop_busy(loop)) {
    if ((loop->flags & WEIR__LOOP_STALLED) == 0)
      budget = start(loop, budget);
    else if (loop->done_head == NULL && loop->closed_head == NULL)
      break;
    while (budget > 0 && deliver(loop))
      budget--;
  }
  loop->flags &= ~WEIR__LOOP_DELIVERING;
  if (weir__loop_busy(loop))
    weir__loop_wake(loop);
}

static void hook_closed(uv_handle_t *handle) {
  weir_loop_t *loop = handle->data;
  weir_loop_cb cb = loop->detach_cb;
  if (--loop->hooks->open > 0)
    return;
  weir__hooks_t *hooks;
  while ((hooks = loop->hooks) != NULL) {
    loop->hooks = hooks->next;
    weir__free(hooks);
  }
  weir__block_t *block;
  while ((block = loop->blocks) != NULL) {
    loop->blocks = block->next;
    weir__free(block);
  }
  weir__free(loop);
  if (cb != NULL)
    cb(loop);
}

void weir__loop_detached(weir_loop_t *loop) {
  weir__hooks_t *hooks = loop->hooks;
  weir__loop_unref(loop);
  hooks->open = 3;
  uv_close((uv_handle_t *)&hooks->prepare, hook_closed);
  uv_close((uv_handle_t *)&hooks->check, hook_closed);
  uv_close((uv_handle_t *)&hooks->idle, hook_closed);
}

/* Lets the backend go, once the application's closes are over. */
static void leave(weir_loop_t *loop) {
  if ((loop->flags & WEIR__LOOP_LEAVING) != 0)
    return;
  if (loop->settle > 0) {
    loop->settle--;
    weir__loop_no_sleep(loop);
    return;
  }
  loop->flags |= WEIR__LOOP_LEAVING;
  loop->backend->detach(loop);
}

static void on_prepare(uv_prepare_t *prepare) {
  weir_loop_t *loop = prepare->data;
  loop->stats.turns++;
  loop->callbacks_before = loop->stats.callbacks;
  loop->flags &= ~WEIR__LOOP_CLOSED_WINDOW;
  uv_idle_stop(&loop->hooks->idle);
  weir__loop_run(loop);
  if ((loop->flags & WEIR__LOOP_DETACHING) != 0) {
    leave(loop);
    return;
  }
  loop->backend->turn(loop);
  loop->flags |= WEIR__LOOP_CLOSED_WINDOW;
  if (weir__loop_busy(loop) || weir__loop_delivered(loop))
    weir__loop_wake(loop);
}

static void on_check(uv_check_t *check) {
  weir_loop_t *loop = check->data;
  loop->flags &= ~WEIR__LOOP_CLOSED_WINDOW;
  if ((loop->flags & WEIR__LOOP_DETACHING) != 0)
    return;
  loop->backend->check(loop);
  if (!weir__loop_busy(loop))
    uv_idle_stop(&loop->hooks->idle);
}

static int hooks_add(weir_loop_t *loop) {
  weir__hooks_t *hooks = weir__calloc(1, sizeof(*hooks));
  if (hooks == NULL)
    return UV_ENOMEM;
  /* None of these can fail. */
  uv_prepare_init(loop->uv, &hooks->prepare);
  uv_check_init(loop->uv, &hooks->check);
  uv_idle_init(loop->uv, &hooks->idle);
  uv_unref((uv_handle_t *)&hooks->prepare);
  uv_unref((uv_handle_t *)&hooks->check);
  uv_unref((uv_handle_t *)&hooks->idle);
  hooks->prepare.data = loop;
  hooks->check.data = loop;
  hooks->idle.data = loop;
  uv_prepare_start(&hooks->prepare, on_prepare);
  uv_check_start(&hooks->check, on_check);
  hooks->next = loop->hooks;
  loop->hooks = hooks;
  return 0;
}

/* Closes what attach had begun, when it fails later. */
static void hook_dropped(uv_handle_t *handle) {
  weir__free(handle->data);
}

static void hooks_drop(weir__hooks_t *hooks) {
  hooks->prepare.data = hooks;
  /* The handle closed first is finished last. */
  uv_close((uv_handle_t *)&hooks->prepare, hook_dropped);
  uv_close((uv_handle_t *)&hooks->check, NULL);
  uv_close((uv_handle_t *)&hooks->idle, NULL);
}

static int foreign_close(const weir__hooks_t *hooks) {
  return uv_is_closing((const uv_handle_t *)&hooks->prepare) ||
         uv_is_closing((const uv_handle_t *)&hooks->check) ||
         uv_is_closing((const uv_handle_t *)&hooks->idle);
}

int weir__loop_check(weir_loop_t *loop) {
  if ((loop->flags & (WEIR__LOOP_DEAD | WEIR__LOOP_DETACHING)) != 0)
    return UV_ECANCELED;
  return foreign_close(loop->hooks) ? UV_ECANCELED : 0;
}

static void close_unless_closing(uv_handle_t *handle) {
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

int weir__loop_revive(weir_loop_t *loop) {
  weir__hooks_t *old = loop->hooks;
  if (!foreign_close(old))
    return 0;
  int r = hooks_add(loop);
  if (r != 0)
    return r;
  close_unless_closing((uv_handle_t *)&old->prepare);
  close_unless_closing((uv_handle_t *)&old->check);
  close_unless_closing((uv_handle_t *)&old->idle);
  if (loop->active > 0)
    uv_ref((uv_handle_t *)&loop->hooks->prepare);
  /* The old handles are libuv's until its next closing phase is over. */
  loop->settle = 1;
  if ((loop->flags & WEIR__LOOP_DEAD) != 0)
    return 0;
  loop->flags |= WEIR__LOOP_DEAD;
  for (weir_stream_t *s = loop->open; s != NULL; s = s->next_open)
    weir__stream_cancel_all(s);
  weir_op_t *next;
  for (weir_op_t *op = loop->file_head; op != NULL; op = next) {
    next = op->next;
    weir_cancel(op);
  }
  loop->backend->abandon(loop);
  return 0;
}

int weir_loop_detach(weir_loop_t *loop, weir_loop_cb cb) {
  if (loop == NULL)
    return UV_EINVAL;
  if ((loop->flags & WEIR__LOOP_DETACHING) != 0)
    return UV_EALREADY;
  int r = weir__loop_revive(loop);
  if (r != 0)
    return r;
  if (loop->active > 0 || loop->open != NULL || loop->pools != NULL)
    return UV_EBUSY;
  loop->flags |= WEIR__LOOP_DETACHING;
  loop->detach_cb = cb;
  weir__loop_ref(loop);
  /* In a callback of ours the backend is still at work above us. */
  if ((loop->flags & WEIR__LOOP_DELIVERING) == 0 && loop->settle == 0)
    leave(loop);
  else
    weir__loop_wake(loop);
  return 0;
}

uv_loop_t *weir_loop_uv(const weir_loop_t *loop) {
  return loop->uv;
}

void weir_loop_stats(const weir_loop_t *loop, weir_loop_stats_t *stats) {
  *stats = loop->stats;
}

int weir_owns_handle(const weir_loop_t *loop, const uv_handle_t *handle) {
  if (loop == NULL || handle == NULL)
    return 0;
  for (const weir__hooks_t *h = loop->hooks; h != NULL; h = h->next)
    if (handle == (const uv_handle_t *)&h->prepare ||
        handle == (const uv_handle_t *)&h->check ||
        handle == (const uv_handle_t *)&h->idle)
      return 1;
  /* A stream's handles lie in it; one that it has adopted does not. */
  for (const weir_stream_t *s = loop->open; s != NULL; s = s->next_open)
    if (s->impl == (const void *)handle ||
        ((const void *)handle >= (const void *)s &&
         (const void *)handle < (const void *)(s + 1)))
      return 1;
  return loop->backend->owns(loop, handle);
}

int weir__loop_new(uv_loop_t *uv, weir_loop_t **out) {
  weir_loop_t *loop = weir__calloc(1, sizeof(*loop));
  if (loop == NULL)
    return UV_ENOMEM;
  loop->uv = uv;
  int r = hooks_add(loop);
  if (r != 0) {
    weir__free(loop);
    return r;
  }
  *out = loop;
  return 0;
}

void weir__loop_drop(weir_loop_t *loop) {
  hooks_drop(loop->hooks);
  weir__free(loop);
}
