/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"

/* Callbacks that are put off, by the loop's thread and by others. */

WEIR_TEST(post, says_what_is_wrong) {
  struct request r = {0};

  check_is(weir_post(NULL, f->loop, on_done), UV_EINVAL);
  check_is(weir_post(&r.op, NULL, on_done), UV_EINVAL);
  check_is(weir_post(&r.op, f->loop, NULL), UV_EINVAL);
  check_is(weir_post_open(NULL), UV_EINVAL);
  check_is(weir_post_close(NULL), UV_EINVAL);
  check_is(weir_post_close(f->loop), UV_EINVAL);
  check_is(weir_post_from_thread(&r.op, f->loop, on_done), UV_ECANCELED);
  check_is(weir_op_active(&r.op), 0);
  check_is(weir_post_open(f->loop), 0);
  check_is(weir_post_open(f->loop), UV_EALREADY);
  check_is(weir_post_from_thread(NULL, f->loop, on_done), UV_EINVAL);
  check_is(weir_post_from_thread(&r.op, NULL, on_done), UV_EINVAL);
  check_is(weir_post_from_thread(&r.op, f->loop, NULL), UV_EINVAL);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  check_is(weir_post_close(f->loop), 0);
  run_out(f);
  check_is(r.calls, 0);
}

static int order[8], orders;

static void in_order(weir_op_t *op, int status, size_t n) {
  check_is(status, 0);
  check_is(n, 0);
  order[orders++] = (int)(intptr_t)op->data;
}

WEIR_TEST(post, runs_in_order_without_a_sleep) {
  weir_op_t ops[8];
  intptr_t i;

  orders = 0;
  memset(ops, 0, sizeof(ops));
  for (i = 0; i < 8; i++) {
    ops[i].data = (void *)i;
    check_is(weir_post(&ops[i], f->loop, in_order), 0);
  }
  check_is(orders, 0);
  check_is(uv_backend_timeout(&f->uv), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(orders, 8);
  for (i = 0; i < 8; i++)
    check_is(order[i], i);
}

static uint64_t turn_of(struct weir_fixture *f) {
  return stats_of(f).turns;
}

struct chain {
  weir_op_t op;
  struct weir_fixture *f;
  uint64_t turn;
  int left;
};

static void post_again(weir_op_t *op, int status, size_t n) {
  struct chain *c = op->data;

  check_is(status, 0);
  check_is(n, 0);
  check_is(weir_op_active(op), 0);
  check_is(turn_of(c->f), c->turn + 1);
  c->turn++;
  if (c->left-- > 0)
    check_is(weir_post(op, c->f->loop, post_again), 0);
  else
    free(c);
}

/* One that posts itself again never runs twice in a turn. */
WEIR_TEST(post, from_its_own_callback_it_is_the_next_turn) {
  struct chain *c = calloc(1, sizeof(*c));

  cr_assert(c != NULL);
  c->op.data = c;
  c->f = f;
  c->left = 100;
  c->turn = turn_of(f);
  check_is(weir_post(&c->op, f->loop, post_again), 0);
  uint64_t before = turn_of(f);
  run_out(f);
  cr_assert(turn_of(f) - before >= 101);
}

WEIR_TEST(post, is_cancelled) {
  struct request r = {0}, s = {0};

  check_is(weir_post(&r.op, f->loop, on_done), 0);
  check_is(weir_op_active(&r.op), 1);
  weir_cancel(&r.op);
  weir_cancel(&r.op);
  check_is(r.calls, 0);
  check_is(weir_op_active(&r.op), 1);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(weir_post_open(f->loop), 0);
  check_is(weir_post_from_thread(&s.op, f->loop, on_done), 0);
  weir_cancel(&s.op);
  finish(f, &s, UV_ECANCELED, 0);
  check_is(weir_post_close(f->loop), 0);
}

static void count(weir_op_t *op, int status, size_t n) {
  check_is(status, 0);
  check_is(n, 0);
  ++*(int *)op->data;
}

WEIR_TEST(post, thousands_take_some_turns) {
  enum { POSTS = 5000 };
  weir_op_t *ops = calloc(POSTS, sizeof(*ops));
  int calls = 0, i;

  cr_assert(ops != NULL);
  for (i = 0; i < POSTS; i++) {
    ops[i].data = &calls;
    check_is(weir_post(&ops[i], f->loop, count), 0);
  }
  run_turn(f);
  cr_assert(calls > 0 && calls <= 2048);
  run_out(f);
  check_is(calls, POSTS);
  free(ops);
}

/* ---- Other threads ---- */

enum { THREADS = 4, EACH = 2000 };

struct poster {
  uv_thread_t thread;
  struct weir_fixture *f;
  weir_op_t ops[EACH];
  int next; /* which has to run */
  int refused;
};

static void on_posted(weir_op_t *op, int status, size_t n) {
  struct poster *p = op->data;

  check_is(status, 0);
  check_is(n, 0);
  check_is(op - p->ops, p->next);
  p->next++;
}

static void poster(void *arg) {
  struct poster *p = arg;
  int i;

  for (i = 0; i < EACH; i++) {
    p->ops[i].data = p;
    if (weir_post_from_thread(&p->ops[i], p->f->loop, on_posted) != 0)
      p->refused++;
    if (i % 100 == 0)
      uv_sleep(0);
  }
}

static void posters_start(struct weir_fixture *f, struct poster *all) {
  int i;

  for (i = 0; i < THREADS; i++) {
    all[i].f = f;
    check_is(uv_thread_create(&all[i].thread, poster, &all[i]), 0);
  }
}

WEIR_TEST(post, from_threads_each_in_its_order) {
  struct poster *all = calloc(THREADS, sizeof(*all));
  int i, left = 1;

  cr_assert(all != NULL);
  check_is(weir_post_open(f->loop), 0);
  posters_start(f, all);
  while (left) {
    uv_run(&f->uv, UV_RUN_ONCE);
    left = 0;
    for (i = 0; i < THREADS; i++)
      left |= all[i].next < EACH;
  }
  for (i = 0; i < THREADS; i++)
    check_is(uv_thread_join(&all[i].thread), 0);
  check_is(weir_post_close(f->loop), 0);
  run_out(f);
  free(all);
}

/* What was accepted runs, what was refused does not. */
WEIR_TEST(post, closed_while_threads_are_at_it) {
  struct poster *all = calloc(THREADS, sizeof(*all));
  int i;

  cr_assert(all != NULL);
  check_is(weir_post_open(f->loop), 0);
  posters_start(f, all);
  for (i = 0; i < 20; i++)
    run_turn(f);
  check_is(weir_post_close(f->loop), 0);
  for (i = 0; i < THREADS; i++)
    check_is(uv_thread_join(&all[i].thread), 0);
  run_out(f);
  for (i = 0; i < THREADS; i++)
    check_is(all[i].next + all[i].refused, EACH);
  free(all);
}

static void one_poster(void *arg) {
  struct poster *p = arg;

  uv_sleep(20);
  p->ops[0].data = p;
  p->refused = weir_post_from_thread(&p->ops[0], p->f->loop, on_posted);
}

/* Open for posts, uv_run sleeps, and a thread wakes it. */
WEIR_TEST(post, a_thread_wakes_a_sleeping_loop) {
  struct poster *p = calloc(1, sizeof(*p));
  struct request r = {0};

  cr_assert(p != NULL);
  p->f = f;
  check_is(weir_post_open(f->loop), 0);
  uint64_t before = turn_of(f);
  check_is(uv_thread_create(&p->thread, one_poster, p), 0);
  while (p->next == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  cr_assert(turn_of(f) - before < 10);
  check_is(uv_thread_join(&p->thread), 0);
  /* Open once more after the end. */
  check_is(weir_post_close(f->loop), 0);
  check_is(weir_post_open(f->loop), 0);
  check_is(weir_post_from_thread(&r.op, f->loop, on_done), 0);
  check_is(weir_post_close(f->loop), 0);
  finish(f, &r, 0, 0);
  free(p);
}

struct family {
  struct request mine, theirs, other;
};

static void child_posts(struct weir_fixture *f, void *arg) {
  struct family *p = arg;

  must(weir_post(&p->other.op, f->loop, on_done) == UV_ESRCH);
  must(weir_post_from_thread(&p->other.op, f->loop, on_done) == UV_ESRCH);
  must(weir_post_close(f->loop) == UV_ESRCH);
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_finish(f, &p->mine, UV_ECANCELED, 0);
  must_finish(f, &p->theirs, UV_ECANCELED, 0);
  must(weir_post_from_thread(&p->other.op, f->loop, on_done) == 0);
  must_finish(f, &p->other, 0, 0);
  must(weir_post_close(f->loop) == 0);
  must_leave(f);
}

WEIR_TEST(post, ends_in_a_child_and_runs_in_the_parent) {
  struct family p;

  memset(&p, 0, sizeof(p));
  check_is(weir_post_open(f->loop), 0);
  check_is(weir_post(&p.mine.op, f->loop, on_done), 0);
  check_is(weir_post_from_thread(&p.theirs.op, f->loop, on_done), 0);
  child_run(child_posts, f, &p);
  finish(f, &p.mine, 0, 0);
  finish(f, &p.theirs, 0, 0);
  check_is(weir_post_close(f->loop), 0);
}

static void close_one(uv_handle_t *handle, void *arg) {
  if (handle != arg && !uv_is_closing(handle)) {
    check_is(
        weir_owns_handle(((struct weir_fixture *)handle->loop)->loop, handle),
        1);
    uv_close(handle, NULL);
  }
}

WEIR_TEST(post, ends_when_the_application_closes_all_handles) {
  struct request r = {0}, s = {0}, late = {0};

  check_is(weir_post_open(f->loop), 0);
  check_is(weir_post_from_thread(&r.op, f->loop, on_done), 0);
  run_until(f, &r.calls);
  check_is(weir_post_from_thread(&s.op, f->loop, on_done), 0);
  uv_walk(&f->uv, close_one, &f->watchdog);
  check_is(weir_post_from_thread(&late.op, f->loop, on_done), 0);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  finish(f, &s, UV_ECANCELED, 0);
  finish(f, &late, UV_ECANCELED, 0);
  check_is(weir_post_from_thread(&late.op, f->loop, on_done), UV_ECANCELED);
  run_out(f);
}

static void close_async(uv_handle_t *handle, void *arg) {
  if (handle->type == UV_ASYNC && weir_owns_handle(arg, handle))
    uv_close(handle, NULL);
}

/* Which the loop sees only in its next turn. */
WEIR_TEST(post, is_not_opened_again_without_its_handle) {
  check_is(weir_post_open(f->loop), 0);
  check_is(weir_post_close(f->loop), 0);
  uv_walk(&f->uv, close_async, f->loop);
  check_is(weir_post_open(f->loop), UV_ECANCELED);
  check_is(weir_post_close(f->loop), UV_EINVAL);
  run_out(f);
}
