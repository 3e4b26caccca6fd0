/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "worker.h"

static void run(void *arg) {
  struct worker *w = arg;

  for (;;) {
    uv_sem_wait(&w->told);
    if (w->job == NULL)
      return;
    w->job(w->arg);
    uv_sem_post(&w->done);
  }
}

void worker_begin(struct worker *w) {
  check_is(uv_sem_init(&w->told, 0), 0);
  check_is(uv_sem_init(&w->done, 0), 0);
  check_is(uv_thread_create(&w->thread, run, w), 0);
}

void worker_do(struct worker *w, void (*job)(void *arg), void *arg) {
  w->job = job;
  w->arg = arg;
  uv_sem_post(&w->told);
  uv_sem_wait(&w->done);
}

void worker_end(struct worker *w) {
  w->job = NULL;
  uv_sem_post(&w->told);
  check_is(uv_thread_join(&w->thread), 0);
  uv_sem_destroy(&w->told);
  uv_sem_destroy(&w->done);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

void work_some_turns(void *arg) {
  struct weir_fixture *f = arg;
  uv_idle_t idle;
  int i;

  uv_idle_init(&f->uv, &idle);
  uv_idle_start(&idle, on_idle);
  for (i = 0; i < 5; i++)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  uv_close((uv_handle_t *)&idle, NULL);
  uv_run(&f->uv, UV_RUN_NOWAIT);
}

void work_out(void *arg) {
  struct weir_fixture *f = arg;

  uv_run(&f->uv, UV_RUN_DEFAULT);
}

void elsewhere(struct weir_fixture *f, struct worker *w, int state) {
  worker_begin(w);
  worker_do(w, work_some_turns, f);
  if (state == ENDED)
    worker_end(w);
}

void back(struct worker *w, int state) {
  if (state == ALIVE)
    worker_end(w);
}
