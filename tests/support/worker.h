/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WORKER_H
#define WORKER_H

#include "fixture.h"

/* A thread that does what it is told, one thing after the other, while the test
 * waits. It has no assertions: Criterion's are for the test itself. */
struct worker {
  uv_thread_t thread;
  uv_sem_t told;
  uv_sem_t done;
  void (*job)(void *arg);
  void *arg;
};

void worker_begin(struct worker *w);
void worker_do(struct worker *w, void (*job)(void *arg), void *arg);
void worker_end(struct worker *w);

/* Jobs: a few turns of the loop of a struct weir_fixture that do not wait;
 * turns until what keeps the loop alive is over. */
void work_some_turns(void *fixture);
void work_out(void *fixture);

/* A thread runs some turns; what it has left in the kernel stays there. Then it
 * ends, or lives until back. */
enum { ENDED, ALIVE };
void elsewhere(struct weir_fixture *f, struct worker *w, int state);
void back(struct worker *w, int state);

#endif
