/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "self.h"

#include <stdatomic.h>

#include "os.h"

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

static void in_child(void) {
  forks++;
  weir__self_name = 0;
}

/* Two threads may both come here first: forks is then counted by two. */
int weir__self_watch(void) {
  static atomic_int watched;
  if (atomic_load(&watched))
    return 0;
  int r = weir__os_at_fork(in_child);
  if (r == 0)
    atomic_store(&watched, 1);
  return r;
}

int weir__self_shares_process(uint64_t name) {
  return name >> 32 == weir__self() >> 32;
}
