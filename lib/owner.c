/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "owner.h"

#include <stdatomic.h>

#ifndef _WIN32
#include <pthread.h>
#endif

#include "backend.h"
#include "stream.h"

/* A name is the number of forks on the way to this process, and that of a
 * thread in it. A process number would cost a system call whenever it is
 * compared, and those of threads come again. */

static _Thread_local uint64_t self;
static atomic_uint threads;
static uint64_t forks; /* changes only while there is a single thread */

uint64_t weir__self(void) {
  if (self == 0)
    self = forks << 32 | (atomic_fetch_add(&threads, 1) + 1u);
  return self;
}

#ifdef _WIN32
int weir__self_watch(void) {
  return 0;
}
#else
static void in_child(void) {
  forks++;
  self = 0;
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

static int same_process(uint64_t a, uint64_t b) {
  return a >> 32 == b >> 32;
}

/* What is outstanding is the parent's: it keeps no loop of the child's going.
 */
static void lose(weir_loop_t *loop) {
  loop->flags |= WEIR__LOOP_LOST;
  uv_unref((uv_handle_t *)&loop->hooks->prepare);
  if ((loop->flags & WEIR__LOOP_LEAVING) == 0)
    loop->backend->lose(loop);
}

int weir__loop_foreign(weir_loop_t *loop) {
  uint64_t me = weir__self();
  if (loop->owner == me || same_process(loop->owner, me))
    return 0;
  if ((loop->flags & WEIR__LOOP_LOST) == 0)
    lose(loop);
  return 1;
}

int weir__loop_claim(weir_loop_t *loop) {
  if (loop->owner == weir__self())
    return 0;
  if (weir__loop_foreign(loop))
    return UV_ESRCH;
  loop->owner = weir__self();
  loop->backend->move(loop);
  return 0;
}

int weir_loop_fork(weir_loop_t *loop) {
  if (loop == NULL)
    return UV_EINVAL;
  if (!weir__loop_foreign(loop))
    return 0;
  loop->owner = weir__self();
  loop->flags &= ~WEIR__LOOP_LOST;
  if (loop->active > 0)
    uv_ref((uv_handle_t *)&loop->hooks->prepare);
  if ((loop->flags & WEIR__LOOP_LEAVING) != 0)
    return 0;
  weir__loop_cancel_all(loop);
  return loop->backend->renew(loop);
}
