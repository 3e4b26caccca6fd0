/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <weir.h>

/* Threads post to a loop that runs in another one, which is closed for posts
 * while some of them are still at it. */

enum { THREADS = 4, POSTS = 500, ROUNDS = 4 };

struct runner {
  uv_loop_t uv;
  weir_loop_t *loop;
};

struct poster {
  uv_thread_t thread;
  struct runner *runner;
  weir_op_t ops[POSTS];
  int value[POSTS]; /* written before the post, read in the callback */
  int accepted;
};

static const char *failed;
static int calls; /* in the loop's thread */

static void expect(int is_so, const char *what) {
  if (!is_so && failed == NULL)
    failed = what;
}

static void posted(weir_op_t *op, int status, size_t n) {
  const int *value = op->data;

  expect(status == 0 && n == 0, "a post");
  expect(*value == 42, "what was written before it");
  calls++;
}

static void post_all(void *arg) {
  struct poster *p = arg;
  int i;

  for (i = 0; i < POSTS; i++) {
    p->value[i] = 42;
    p->ops[i].data = &p->value[i];
    if (weir_post_from_thread(&p->ops[i], p->runner->loop, posted) == 0)
      p->accepted++;
  }
}

static void close_early(uv_timer_t *timer) {
  struct runner *r = timer->data;

  expect(weir_post_close(r->loop) == 0, "weir_post_close");
  uv_close((uv_handle_t *)timer, NULL);
}

static void play(struct poster *posters, weir_backend_t backend) {
  weir_loop_options_t options = {.size = sizeof(options), .backend = backend};
  struct runner r;
  uv_timer_t timer;
  int accepted = 0, i;

  expect(uv_loop_init(&r.uv) == 0, "uv_loop_init");
  calls = 0;
  expect(weir_loop_attach(&r.uv, &options, &r.loop) == 0, "weir_loop_attach");
  expect(weir_post_open(r.loop) == 0, "weir_post_open");
  uv_timer_init(&r.uv, &timer);
  timer.data = &r;
  uv_timer_start(&timer, close_early, 2, 0);
  for (i = 0; i < THREADS; i++) {
    posters[i].runner = &r;
    posters[i].accepted = 0;
    expect(uv_thread_create(&posters[i].thread, post_all, &posters[i]) == 0,
           "a thread");
  }
  uv_run(&r.uv, UV_RUN_DEFAULT);
  for (i = 0; i < THREADS; i++) {
    uv_thread_join(&posters[i].thread);
    accepted += posters[i].accepted;
  }
  expect(calls == accepted, "that all that was accepted has run");
  expect(weir_loop_detach(r.loop, NULL) == 0, "weir_loop_detach");
  uv_run(&r.uv, UV_RUN_DEFAULT);
  expect(uv_loop_close(&r.uv) == 0, "uv_loop_close");
}

int main(void) {
  struct poster *posters = calloc(THREADS, sizeof(*posters));
  int i;

  if (posters == NULL)
    return 1;
  for (i = 0; i < ROUNDS; i++)
    play(posters, i % 2 ? WEIR_BACKEND_UV : WEIR_BACKEND_AUTO);
  free(posters);
  if (failed == NULL)
    return 0;
  printf("failed: %s\n", failed);
  return 1;
}
