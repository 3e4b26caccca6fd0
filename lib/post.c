/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "post.h"

#include <weir/post.h>

#include "op.h"
#include "os_handle.h"
#include "queue.h"

/* Callbacks that are put off until the next turn. What other threads post lies
 * in a stack, from which the loop's thread takes all at once: a fork finds it
 * whole at every moment, which it would not find a lock. */

/* The top of the stack while nothing is accepted. */
enum { SHUT = 1 };

/* The turn in which op was posted. */
static uint64_t *stamp(const weir_op_t *op) {
  return weir__op_scratch(op);
}

/* Takes what other threads have posted, in the order in which it came. */
static void take(weir_loop_t *loop) {
  uintptr_t top = atomic_load_explicit(&loop->box.top, memory_order_relaxed);
  weir_node_t came;
  weir__queue_init(&came);
  if (top == SHUT || top == 0)
    return;
  top = atomic_exchange_explicit(&loop->box.top, 0, memory_order_acquire);
  while (top != 0) {
    weir_node_t *node = (weir_node_t *)top;
    top = (uintptr_t)node->next;
    weir__loop_ref(loop);
    *stamp(weir__op_of(node)) = loop->stats.turns;
    weir__queue_push_front(&came, node);
  }
  weir__queue_move(&loop->posts, came.next, came.prev);
  weir__loop_wake(loop);
}

static void cancel(weir_op_t *op) {
  take(op->loop);
  weir__queue_remove(&op->node);
  weir__op_finish(op, UV_ECANCELED);
}

static const weir__op_class_t post_class = {"post", cancel};

int weir_post(weir_op_t *op, weir_loop_t *loop, weir_op_cb cb) {
  if (op == NULL || loop == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__loop_check(loop);
  if (r != 0)
    return r;
  weir__op_begin_plain(op, loop, NULL, &post_class, cb);
  *stamp(op) = loop->stats.turns;
  weir__queue_push(&loop->posts, &op->node);
  loop->flags |= WEIR__LOOP_ERRANDS;
  weir__loop_wake(loop);
  return 0;
}

static int waits(const weir_loop_t *loop) {
  return !weir__queue_empty(&loop->posts);
}

/* What was posted in this turn waits for the next one. */
static int is_due(const weir_loop_t *loop) {
  return waits(loop) &&
         *stamp(weir__op_of(loop->posts.next)) != loop->stats.turns;
}

static unsigned start(weir_loop_t *loop, unsigned most) {
  unsigned n;
  for (n = 0; n < most && is_due(loop); n++)
    weir__op_finish(weir__op_of(weir__queue_pop(&loop->posts)), 0);
  return n;
}

static void retry(weir_loop_t *loop) {
  (void)loop;
}

const weir__source_t weir__post_source = {waits, start, retry};

void weir__post_cancel_all(weir_loop_t *loop) {
  take(loop);
  while (!weir__queue_empty(&loop->posts))
    weir__op_end(weir__op_of(loop->posts.next), UV_ECANCELED);
}

/* ---- Other threads ---- */

static void on_async(uv_async_t *async) {
  weir_loop_t *loop = async->data;
  if (weir__loop_foreign(loop))
    return;
  take(loop);
  if (loop->box.look != NULL)
    loop->box.look(loop);
}

static int open_async(weir_loop_t *loop) {
  weir__hooks_t *hooks = loop->hooks;
  if (hooks->has_async)
    return uv_is_closing((uv_handle_t *)&hooks->async) ? UV_ECANCELED : 0;
  int r = uv_async_init(loop->uv, &hooks->async, on_async);
  if (r != 0)
    return r;
  uv_unref((uv_handle_t *)&hooks->async);
  hooks->async.data = loop;
  hooks->has_async = 1;
  return 0;
}

void weir__post_init(weir_loop_t *loop) {
  atomic_init(&loop->box.top, SHUT);
  atomic_init(&loop->box.inside, 0);
  loop->box.home = weir__self();
}

static int is_open(weir_loop_t *loop) {
  return atomic_load(&loop->box.top) != SHUT;
}

int weir_post_open(weir_loop_t *loop) {
  if (loop == NULL)
    return UV_EINVAL;
  int r = weir__loop_check(loop);
  if (r == 0 && is_open(loop))
    r = UV_EALREADY;
  if (r == 0)
    r = open_async(loop);
  if (r != 0)
    return r;
  weir__loop_ref(loop);
  loop->flags |= WEIR__LOOP_ERRANDS;
  loop->box.async = &loop->hooks->async;
  atomic_store(&loop->box.top, 0);
  return 0;
}

void weir__post_shut(weir_loop_t *loop) {
  if (!is_open(loop))
    return;
  /* What is pushed in between is taken by one of the two. */
  take(loop);
  uintptr_t none = 0;
  while (!atomic_compare_exchange_weak(&loop->box.top, &none, SHUT)) {
    take(loop);
    none = 0;
  }
  while (atomic_load(&loop->box.inside) != 0)
    uv_sleep(0);
  weir__loop_unref(loop);
}

int weir_post_close(weir_loop_t *loop) {
  if (loop == NULL)
    return UV_EINVAL;
  if (weir__loop_foreign(loop))
    return UV_ESRCH;
  if (!is_open(loop))
    return UV_EINVAL;
  weir__post_shut(loop);
  return 0;
}

void weir__post_renew(weir_loop_t *loop) {
  atomic_store(&loop->box.inside, 0);
  loop->box.home = weir__self();
  if (loop->hooks->has_async)
    weir__os_handle_unsend(&loop->hooks->async);
}

/* Puts op on the stack, and wakes the loop if it was empty. UV_ECANCELED: it
 * takes nothing. */
static int push(weir__box_t *box, weir_op_t *op) {
  uintptr_t top = atomic_load(&box->top);
  do {
    if (top == SHUT)
      return UV_ECANCELED;
    op->node.next = (weir_node_t *)top;
  } while (
      !atomic_compare_exchange_weak(&box->top, &top, (uintptr_t)&op->node));
  if (top == 0)
    uv_async_send(box->async);
  return 0;
}

int weir_post_from_thread(weir_op_t *op, weir_loop_t *loop, weir_op_cb cb) {
  if (op == NULL || loop == NULL || cb == NULL)
    return UV_EINVAL;
  if (!weir__self_shares_process(loop->box.home))
    return UV_ESRCH;
  atomic_fetch_add(&loop->box.inside, 1);
  weir__op_set(op, loop, NULL, &post_class, cb);
  int r = push(&loop->box, op);
  if (r != 0)
    op->state = WEIR__OP_OVER;
  atomic_fetch_sub(&loop->box.inside, 1);
  return r;
}

void weir__post_nudge(weir_loop_t *loop) {
  weir__box_t *box = &loop->box;
  if (!weir__self_shares_process(box->home))
    return;
  atomic_fetch_add(&box->inside, 1);
  if (is_open(loop))
    uv_async_send(box->async);
  atomic_fetch_sub(&box->inside, 1);
}
