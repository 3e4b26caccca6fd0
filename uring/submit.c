/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <string.h>

#include "../lib/owner.h"

struct io_uring_sqe *weir__ring_sqe(weir__ring_t *ring, uint64_t tag,
                                    unsigned opcode, int fd) {
  ring->refusal = ring->error;
  if (ring->error != 0)
    return NULL;
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
  if (sqe == NULL) {
    ring->loop->stats.overflows++;
    if (!ring->paused)
      weir__ring_enter(ring, 0, 0);
    ring->refusal = ring->error != 0 ? ring->error : UV_EBUSY;
    sqe = ring->error != 0 ? NULL : io_uring_get_sqe(&ring->uring);
    if (sqe == NULL)
      return NULL;
  }
  memset(sqe, 0, sizeof(*sqe));
  sqe->opcode = (uint8_t)opcode;
  sqe->fd = fd;
  sqe->user_data = tag;
  return sqe;
}

struct io_uring_sqe *weir__ring_begin(weir__ring_t *ring,
                                      const weir__request_t *type, void *owner,
                                      unsigned opcode, int fd, uint64_t *tag) {
  uint64_t taken = weir__slot_take(ring, type, owner);
  if (taken == 0) {
    ring->refusal = UV_ENOMEM;
    return NULL;
  }
  struct io_uring_sqe *sqe = weir__ring_sqe(ring, taken, opcode, fd);
  if (sqe == NULL)
    weir__slot_release(ring, taken);
  else
    *tag = taken;
  return sqe;
}

weir__vector_t *weir__ring_vector(weir__ring_t *ring,
                                  const struct io_uring_sqe *sqe,
                                  const uv_buf_t *bufs, unsigned nbufs) {
  weir__vector_t *vector = &ring->vectors[sqe - ring->uring.sq.sqes];
  memset(&vector->message, 0, sizeof(vector->message));
  memcpy(vector->segments, bufs, nbufs * sizeof(*bufs));
  vector->message.msg_iov = vector->segments;
  vector->message.msg_iovlen = nbufs;
  return vector;
}

int weir__ring_cancel(weir__ring_t *ring, uint64_t tag) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  if (slot == NULL || slot->flags & WEIR__SLOT_CANCELLED)
    return 0;
  if (!(slot->flags & WEIR__SLOT_QUEUED)) {
    struct io_uring_sqe *sqe = weir__ring_sqe(ring, tag | WEIR__TAG_CANCEL,
                                              IORING_OP_ASYNC_CANCEL, -1);
    if (sqe == NULL)
      return UV_EBUSY;
    sqe->addr = tag;
  }
  slot->flags |= WEIR__SLOT_CANCELLED;
  return 0;
}

/* Interrupted and timed out are no failures. Where the kernel is short of
 * memory, or has completions that were not taken, it is asked again after a
 * pause. All else is for good. */
static void note_failure(weir__ring_t *ring, int r) {
  switch (r) {
  case -EINTR:
  case -ETIME:
    break;
  case -EAGAIN:
  case -EBUSY:
  case -ENOMEM:
    ring->paused = 1;
    weir__loop_pause(ring->loop);
    break;
  default:
    ring->error = r;
    weir__loop_fail(ring->loop, r);
    /* Whoever called us need not look; the next turn does. */
    weir__loop_no_sleep(ring->loop);
  }
}

void weir__ring_enter(weir__ring_t *ring, int wait, int timeout) {
  struct io_uring_sq *sq = &ring->uring.sq;
  struct io_uring_getevents_arg arg;
  struct __kernel_timespec ts;
  weir_loop_stats_t *stats = &ring->loop->stats;
  unsigned flags = IORING_ENTER_GETEVENTS;
  if (ring->error != 0)
    return;
  /* Begun from another thread than the last: the next turn moves the ring. */
  if (ring->loop->owner != weir__self()) {
    ring->paused = 1;
    return;
  }
  if (!ring->enabled) {
    int r = weir__ring_enable(ring);
    if (r != 0) {
      note_failure(ring, r);
      return;
    }
  }
  memset(&arg, 0, sizeof(arg));
  if (wait) {
    flags |= IORING_ENTER_EXT_ARG;
    arg.sigmask_sz = _NSIG / 8;
    if (timeout >= 0) {
      ts.tv_sec = timeout / 1000;
      ts.tv_nsec = timeout % 1000 * 1000000LL;
      arg.ts = (uint64_t)(uintptr_t)&ts;
    }
    stats->waits++;
  }
  sq->sqe_head = sq->sqe_tail;
  io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
  stats->syscalls++;
  stats->enters++;
  ring->enters++;
  ring->slept = wait;
  int r = io_uring_enter2(
      (unsigned)ring->uring.ring_fd, weir__ring_unsubmitted(ring), wait ? 1 : 0,
      flags, wait ? (sigset_t *)&arg : NULL, wait ? sizeof(arg) : _NSIG / 8);
  if (r < 0)
    note_failure(ring, r);
  else
    stats->sqes += (unsigned)r;
}

int weir__ring_has_work(const weir__ring_t *ring) {
  unsigned flags = IO_URING_READ_ONCE(*ring->uring.sq.kflags);
  if (io_uring_cq_ready(&ring->uring) > 0)
    return 1;
  return !ring->paused &&
         ((flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0 ||
          weir__ring_must_redo(ring) || weir__ring_unsubmitted(ring) > 0);
}
