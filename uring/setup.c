/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <string.h>

/* The kernel's part of a ring, made as well as the kernel can. */

/* Ways to set up a ring, the newest first; cap is what each needs. */
static const struct {
  unsigned cap;
  unsigned flags;
} ladder[] = {
    {WEIR__CAP_DEFER_TASKRUN,
     IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
         IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL},
    {WEIR__CAP_COOP_TASKRUN, IORING_SETUP_COOP_TASKRUN |
                                 IORING_SETUP_TASKRUN_FLAG |
                                 IORING_SETUP_SUBMIT_ALL},
    {WEIR__CAP_SUBMIT_ALL, IORING_SETUP_SUBMIT_ALL},
    {0, 0},
};

/* Completions that the queue has no place for are the kernel's until the next
 * enter, and lost if that is refused. */
enum { LEAST_CQ = 128 };

/* On ENOMEM (the rings are charged to RLIMIT_MEMLOCK) fewer entries may do. */
static int setup_with(struct io_uring *uring, unsigned entries,
                      unsigned flags) {
  struct io_uring_params params;
  int r;
  for (;; entries /= 2) {
    memset(&params, 0, sizeof(params));
    memset(uring, 0, sizeof(*uring));
    params.flags = flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP |
                   IORING_SETUP_CQSIZE;
    params.cq_entries = entries < LEAST_CQ / 4 ? LEAST_CQ : entries * 4;
    r = io_uring_queue_init_params(entries, uring, &params);
    if (r != -ENOMEM || entries <= 8)
      return r;
  }
}

int weir__ring_setup(struct io_uring *uring, unsigned entries, unsigned *caps) {
  int r = -EINVAL;
  for (unsigned i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
    if ((*caps & ladder[i].cap) != ladder[i].cap)
      continue;
    r = setup_with(uring, entries, ladder[i].flags);
    if (r != -EINVAL)
      break;
    *caps &= ~ladder[i].cap;
  }
  if (r != 0)
    return r;
  /* Entries are used in order. Newer versions of liburing ask for rings that
   * know no other. */
  if (uring->flags & WEIR__SETUP_NO_SQARRAY)
    return 0;
  for (unsigned i = 0; i < uring->sq.ring_entries; i++)
    uring->sq.array[i] = i;
  return 0;
}

int weir__ring_enable(weir__ring_t *ring) {
  unsigned workers[2] = {8, 64}; /* for files, and for all else */
  int r = io_uring_register((unsigned)ring->uring.ring_fd,
                            IORING_REGISTER_ENABLE_RINGS, NULL, 0);
  if (r < 0)
    return r;
  ring->enabled = 1;
  /* Only for speed. The descriptor itself is not registered: that would save
   * some 2 % of a turn, but an index belongs to a thread, and holds the ring
   * there when the loop has gone to another. */
  if (ring->caps & WEIR__CAP_WORKER_LIMITS)
    io_uring_register_iowq_max_workers(&ring->uring, workers);
  return 0;
}
