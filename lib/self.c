/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "self.h"

#include <stdatomic.h>

#ifndef _WIN32
#include <pthread.h>
#endif

#include <uv.h>

/* A name is the number of forks on the way to this process, and that of a
 * thread in it. A process number would cost a system call whenever it is
 * compared, and those of threads come again. */

_Thread_local uint64_t weir__self_name;
static atomic_uint threads;
static uint64_t forks; /* changes only while there is a single thread */

uint64_t weir__self(void) {
  if (weir__self_name == 0)
    weir__self_name = forks << 32 | (atomic_fetch_add(&threads, 1) + 1u);
  return weir__self_name;
}

#ifdef _WIN32
int weir__self_watch(void) {
  return 0;
}
#else
static void in_child(void) {
  forks++;
  weir__self_name = 0;
}

/* Two threads may both come here first: forks is then counted by two. */
int weir__self_watch(void) {
  static atomic_int watched;
  if (atomic_load(&watched))
    return 0;
  if (pthread_atfork(NULL, NULL, in_child) != 0)
    return UV_ENOMEM;
  atomic_store(&watched, 1);
  return 0;
}
#endif

int weir__self_shares_process(uint64_t name) {
  return name >> 32 == weir__self() >> 32;
}
