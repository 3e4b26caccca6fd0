/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "gate.h"

#include <stdlib.h>

#include "bench.h"

static uv_work_t gates[2];
static uv_sem_t reached, opened;

/* Whether this candidate's files are in the pool. */
static int in_pool(void) {
  return bench.counted && (bench.candidate == LIBUV || bench.candidate == UV);
}

void outside_gate(uv_work_t *gate);
__attribute__((noinline)) void outside_gate(uv_work_t *gate) {
  (void)gate;
  uv_sem_post(&reached);
  uv_sem_wait(&opened);
}

static void after_gate(uv_work_t *gate, int status) {
  (void)gate;
  (void)status;
}

static void queue_gate(void) {
  static unsigned next;
  uv_queue_work(&bench.uv, &gates[next++ % 2], outside_gate, after_gate);
}

__attribute__((noinline)) void outside_pass(void) {
  if (!in_pool())
    return;
  queue_gate();
  uv_sem_post(&opened);
  uv_sem_wait(&reached);
}

void gate_close(void) {
  if (!in_pool())
    return;
  if (setenv("UV_THREADPOOL_SIZE", "1", 1) != 0 || uv_sem_init(&reached, 0) ||
      uv_sem_init(&opened, 0))
    quit("libuv", "no semaphore");
  queue_gate();
  uv_sem_wait(&reached);
}

void gate_done(void) {
  if (bench.counted && bench.moved >= bench.ops * bench.count * bench.bytes)
    outside_end();
}
