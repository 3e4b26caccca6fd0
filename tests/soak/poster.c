/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "poster.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A thread that posts to the loop of its side, as long as clients come. */

enum { POSTS = 8, PAUSE_NS = 2000000 };

typedef struct post_s {
  weir_op_t op;
  _Atomic int busy;
} post_t;

static struct {
  side_t *side;
  uv_thread_t thread;
  _Atomic int over;
  post_t posts[POSTS];
  uint64_t ran;    /* by the loop */
  uint64_t posted; /* by the thread */
} poster;

static void on_post(weir_op_t *op, int status, size_t n) {
  post_t *post = op->data;

  if (status != 0 || n != 0)
    side_fault(poster.side, "a thread", "its post", status);
  poster.ran++;
  atomic_store(&post->busy, 0);
}

static int may_post(void) {
  phase_t phase = side_phase(poster.side);

  return phase == PHASE_RUN || phase == PHASE_GATHER;
}

static void run(void *arg) {
  struct timespec pause = {0, PAUSE_NS};

  (void)arg;
  while (!atomic_load(&poster.over)) {
    for (int i = 0; may_post() && i < POSTS; i++) {
      post_t *post = &poster.posts[i];

      if (atomic_load(&post->busy))
        continue;
      atomic_store(&post->busy, 1);
      post->op.data = post;
      if (weir_post_from_thread(&post->op, poster.side->loop, on_post) != 0)
        abort();
      poster.posted++;
    }
    nanosleep(&pause, NULL);
  }
}

void poster_start(side_t *side) {
  poster.side = side;
  if (weir_post_open(side->loop) == 0 &&
      uv_thread_create(&poster.thread, run, NULL) == 0)
    return;
  fprintf(stderr, "soak: no thread\n");
  exit(1);
}

void poster_end(void) {
  side_t *side = poster.side;

  atomic_store(&poster.over, 1);
  uv_thread_join(&poster.thread);
  if (weir_post_close(side->loop) != 0)
    side_fault(side, "a thread", "weir_post_close", 0);
  uv_run(&side->uv, UV_RUN_DEFAULT);
  if (poster.ran != poster.posted || poster.ran == 0)
    side_fault(side, "a thread", "posts are lost", 0);
}
