/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <weir.h>

#include "random.h"

/* Four threads, each with a loop and a pool that grows and shrinks, acquire
 * buffers of random sizes, write to them and hand them to any of the four,
 * which look whether they are whole and return them. Who finds none waits.
 * WEIR_TEST_POOL_CYCLES says how many are acquired in all. */

enum { THREADS = 4, LEAST = 4096, WHOLE = LEAST << 4, FILLED = 64 };

typedef struct worker_s worker_t;

/* Lies in the buffer that it describes. */
typedef struct parcel_s {
  struct parcel_s *next;
  worker_t *from;
  size_t len;
  uint64_t stamp;
  uint64_t words[FILLED];
} parcel_t;

struct worker_s {
  uv_thread_t thread;
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_pool_t *pool;
  random_t random;
  _Atomic(parcel_t *) came; /* from all */
  size_t left;
  size_t waited;
  size_t grown;
  weir_op_t wait;
  uv_buf_t buf;
  int waits;
};

static worker_t workers[THREADS];
static atomic_size_t working; /* threads that have not acquired all */
static atomic_size_t under_way;
static _Atomic(const char *) failed;

static void expect(int is_so, const char *what) {
  if (!is_so)
    atomic_store(&failed, what);
}

static void hand_over(worker_t *w, uv_buf_t buf) {
  parcel_t *parcel = (parcel_t *)(void *)buf.base;
  worker_t *to = &workers[random_below(&w->random, THREADS)];
  parcel->from = w;
  parcel->len = buf.len;
  parcel->stamp = w->left * THREADS + (size_t)(w - workers);
  for (size_t i = 0; i < FILLED; i++)
    parcel->words[i] = parcel->stamp + i;
  buf.base[buf.len - 1] = (char)parcel->stamp;
  atomic_fetch_add(&under_way, 1);
  parcel->next = atomic_load(&to->came);
  while (!atomic_compare_exchange_weak(&to->came, &parcel->next, parcel))
    ;
  w->left--;
}

/* The last byte is looked at before the words, of which it may be one. */
static void look_into(const parcel_t *parcel) {
  const char *base = (const char *)parcel;
  expect(base[parcel->len - 1] == (char)parcel->stamp, "the end of a buffer");
  for (size_t i = 0; i < FILLED; i++)
    expect(parcel->words[i] == parcel->stamp + i, "a buffer");
}

static void take_in(worker_t *w) {
  parcel_t *parcel = atomic_exchange(&w->came, NULL);
  if (parcel == NULL && w->waits)
    sched_yield();
  while (parcel != NULL) {
    parcel_t *next = parcel->next;
    weir_pool_t *pool = parcel->from->pool;
    const uv_buf_t buf = uv_buf_init((char *)parcel, 1);
    look_into(parcel);
    memset(parcel->words, 0, sizeof(parcel->words));
    expect(weir_pool_return(pool, &buf) == 0, "weir_pool_return");
    atomic_fetch_sub(&under_way, 1);
    parcel = next;
  }
}

static void given(weir_op_t *op, int status, size_t n) {
  worker_t *w = op->data;
  expect(status == 0 && n == 0, "a wait");
  w->waits = 0;
  hand_over(w, w->buf);
}

static void acquire(worker_t *w) {
  size_t size = 1 + random_below(&w->random,
                                 (size_t)LEAST << random_below(&w->random, 5));
  size_t before = weir_pool_count(w->pool);
  if (weir_pool_acquire_size(w->pool, size, &w->buf) == 0) {
    w->grown += weir_pool_count(w->pool) > before;
    hand_over(w, w->buf);
    return;
  }
  w->waits = 1;
  w->waited++;
  w->wait.data = w;
  expect(weir_pool_acquire_wait(&w->wait, w->pool, size, &w->buf, given) == 0,
         "weir_pool_acquire_wait");
}

static void on_idle(uv_idle_t *idle) {
  worker_t *w = idle->data;
  size_t most = random_below(&w->random, 64);
  for (size_t i = 0; i < most && w->left > 0 && !w->waits; i++)
    acquire(w);
  take_in(w);
  if (w->left == 0 && !w->waits && idle->loop->data == NULL) {
    idle->loop->data = w;
    atomic_fetch_sub(&working, 1);
  }
  if (atomic_load(&working) == 0 && atomic_load(&under_way) == 0) {
    weir_post_close(w->loop);
    uv_close((uv_handle_t *)idle, NULL);
  }
}

static void work(void *arg) {
  worker_t *w = arg;
  uv_idle_t idle;
  uv_idle_init(&w->uv, &idle);
  idle.data = w;
  uv_idle_start(&idle, on_idle);
  uv_run(&w->uv, UV_RUN_DEFAULT);
}

static void begin(worker_t *w, weir_backend_t backend, size_t cycles,
                  random_t *random) {
  const weir_loop_options_t options = {.size = sizeof(options),
                                       .backend = backend};
  const weir_pool_options_t sizes = {.size = sizeof(sizes),
                                     .count = 1,
                                     .buffer_size = WHOLE,
                                     .least = LEAST,
                                     .most = 8,
                                     .step = 1,
                                     .idle = 1};
  memset(w, 0, sizeof(*w));
  w->left = cycles / THREADS;
  w->random.state = random_next(random);
  expect(uv_loop_init(&w->uv) == 0, "uv_loop_init");
  expect(weir_loop_attach(&w->uv, &options, &w->loop) == 0, "attach");
  expect(weir_post_open(w->loop) == 0, "weir_post_open");
  expect(weir_pool_create_with(w->loop, &sizes, &w->pool) == 0, "a pool");
}

static void end(worker_t *w) {
  expect(weir_pool_destroy(w->pool) == 0, "nothing is out");
  expect(weir_loop_detach(w->loop, NULL) == 0, "weir_loop_detach");
  uv_run(&w->uv, UV_RUN_DEFAULT);
  expect(uv_loop_close(&w->uv) == 0, "uv_loop_close");
}

static void play(weir_backend_t backend, size_t cycles, random_t *random) {
  size_t waited = 0, grown = 0;
  atomic_store(&working, THREADS);
  atomic_store(&under_way, 0);
  for (int i = 0; i < THREADS; i++)
    begin(&workers[i], backend, cycles, random);
  for (int i = 0; i < THREADS; i++)
    expect(uv_thread_create(&workers[i].thread, work, &workers[i]) == 0,
           "a thread");
  for (int i = 0; i < THREADS; i++)
    uv_thread_join(&workers[i].thread);
  for (int i = 0; i < THREADS; i++) {
    waited += workers[i].waited;
    grown += workers[i].grown;
    end(&workers[i]);
  }
  expect(waited > 0 && grown > 0, "some wait, and some pools grow");
  printf("tsan_pools: %zu acquired, %zu waited, %zu steps of growth\n", cycles,
         waited, grown);
}

int main(void) {
  const char *given = getenv("WEIR_TEST_POOL_CYCLES");
  size_t cycles = given == NULL ? 20000 : strtoul(given, NULL, 10);
  random_t random = random_seeded("tsan_pools");
  play(WEIR_BACKEND_UV, cycles, &random);
  play(WEIR_BACKEND_AUTO, cycles, &random);
  if (atomic_load(&failed) == NULL)
    return 0;
  fprintf(stderr, "tsan_pools: %s\n", atomic_load(&failed));
  return 1;
}
