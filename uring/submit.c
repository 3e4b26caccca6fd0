/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <string.h>

int weir__ring_make_room(weir__ring_t *ring) {
  if (ring->error == 0) {
    ring->loop->stats.overflows++;
    if (ring->loop->flags & WEIR__LOOP_STARTING && !ring->paused)
      weir__ring_enter(ring, 0, 0);
  }
  ring->refusal = ring->error != 0 ? ring->error : UV_EBUSY;
  return weir__ring_has_room(ring);
}

int weir__ring_provide(weir__ring_t *ring) {
  if (!weir__ring_has_room(ring) && !weir__ring_make_room(ring))
    return 0;
  if (ring->slot_free != WEIR__NO_SLOT || weir__slots_grow(ring) == 0)
    return 1;
  ring->refusal = UV_ENOMEM;
  return 0;
}

struct io_uring_sqe *weir__ring_sqe(weir__ring_t *ring, uint64_t tag,
                                    unsigned opcode, int fd) {
  if (!weir__ring_has_room(ring) && !weir__ring_make_room(ring))
    return NULL;
  ring->slots[(uint32_t)tag].position = ring->uring.sq.sqe_tail;
  return weir__ring_entry(ring, tag, opcode, fd);
}

/* What another entry has been put over, or a position that has come round, is
 * told by the name in it. */
struct io_uring_sqe *weir__slot_entry(const weir__ring_t *ring,
                                      const weir__slot_t *slot, uint64_t tag) {
  const struct io_uring_sq *sq = &ring->uring.sq;
  unsigned head = *sq->khead;
  if (slot->position - head >= sq->sqe_tail - head)
    return NULL;
  struct io_uring_sqe *sqe = &sq->sqes[slot->position & sq->ring_mask];
  return sqe->user_data == tag ? sqe : NULL;
}

weir__vector_t *weir__ring_vector(weir__ring_t *ring,
                                  const struct io_uring_sqe *sqe,
                                  const uv_buf_t *bufs, unsigned nbufs) {
  weir__vector_t *vector = &ring->vectors[sqe - ring->uring.sq.sqes];
  memset(&vector->message, 0, sizeof(vector->message));
  memcpy(vector->segments, bufs, nbufs * sizeof(*bufs));
  vector->message.msg_iov = vector->segments;
  vector->message.msg_iovlen = (__typeof__(vector->message.msg_iovlen))nbufs;
  return vector;
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
  ring->steps++;
  ring->slept = wait;
  int r = io_uring_enter2(
      (unsigned)ring->uring.ring_fd, weir__ring_unsubmitted(ring), wait ? 1 : 0,
      flags, wait ? (sigset_t *)&arg : NULL, wait ? sizeof(arg) : _NSIG / 8);
  if (r < 0)
    note_failure(ring, r);
  else
    stats->sqes += (unsigned)r;
  if (weir__ring_unsubmitted(ring) > 0)
    weir__chain_mend(ring);
  else if (r >= 0 && !(IO_URING_READ_ONCE(*sq->kflags) & IORING_SQ_TASKRUN))
    ring->whole++;
}
