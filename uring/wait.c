/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

/* Who sleeps, and when. In the ring wait it is weir__ring_turn, and libuv's own
 * poll returns at once; in the libuv wait it is libuv, and the eventfd wakes
 * it. With nothing in flight libuv sleeps as if there were no ring. */

/* Rounds of a turn, at most; it is the share of callbacks that bounds it. Turns
 * in which all rounds paid before there is one more. */
enum { ROUNDS = 32, PAID = 8 };

static int idle(const weir__ring_t *ring) {
  return !weir__ring_awaits(ring) && weir__ring_unsubmitted(ring) == 0;
}

/* Whether something waits to be issued once more. */
static int must_redo(const weir__ring_t *ring) {
  return ring->redo_head != WEIR__NO_SLOT || ring->missed != WEIR__NO_SLOT;
}

/* Whether entering the ring, or looking into it, would move something. */
static int has_work(const weir__ring_t *ring) {
  if (io_uring_cq_ready(&ring->uring) > 0)
    return 1;
  unsigned flags = IO_URING_READ_ONCE(*ring->uring.sq.kflags);
  return !ring->paused &&
         ((flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0 ||
          must_redo(ring) || weir__ring_unsubmitted(ring) > 0);
}

static void eventfd_enable(weir__ring_t *ring, int on) {
  if (ring->eventfd >= 0)
    io_uring_cq_eventfd_toggle(&ring->uring, on != 0);
}

/* Issues once more what has to be. */
static void issue_again(weir__ring_t *ring) {
  weir__ring_cancel_missed(ring);
  weir__ring_redo(ring);
}

/* Submits and reaps, without waiting. Returns how much was reaped: that makes
 * room where there was none. What is missed still may be told of only by an
 * enter, with nothing to submit as well. */
static unsigned advance(weir__ring_t *ring) {
  issue_again(ring);
  unsigned flags = IO_URING_READ_ONCE(*ring->uring.sq.kflags);
  if (weir__ring_unsubmitted(ring) > 0 || ring->missed != WEIR__NO_SLOT ||
      flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
    weir__ring_enter(ring, 0, 0);
  unsigned reaped = weir__ring_reap(ring);
  if (reaped > 0)
    ring->paused = 0;
  return reaped;
}

/* Submits, reaps and runs callbacks until nothing moves; bounded, so that
 * libuv gets its turn. */
static void rounds(weir__ring_t *ring) {
  for (int i = 0; i < ROUNDS && has_work(ring); i++)
    if (advance(ring) > 0)
      weir__loop_run(ring->loop);
}

/* Has the eventfd wake whoever sleeps next: libuv in its poll, or a loop in
 * which libuv's is embedded, when uv_run has returned. */
static void arm(weir__ring_t *ring) {
  if (idle(ring))
    return;
  eventfd_enable(ring, 1);
  /* What came before the eventfd was on is seen here, the rest by it. */
  atomic_thread_fence(memory_order_seq_cst);
  if (has_work(ring) ||
      (ring->eventfd >= 0 && uv_is_closing((uv_handle_t *)&ring->poll)))
    weir__loop_no_sleep(ring->loop);
}

static void backend_ended(weir__ring_t *ring, void *owner, int result,
                          unsigned flags) {
  (void)owner;
  (void)result;
  (void)flags;
  ring->poll_tag = 0;
}

static const weir__request_t backend_request = {
    .ended = backend_ended,
    .background = 1,
};

/* Has the ring watch libuv's descriptor. One-shot, since a multishot poll
 * reports edges only. 0 if it does. */
static int watch_backend(weir__ring_t *ring) {
  if (ring->poll_tag != 0)
    return 0;
  struct io_uring_sqe *sqe =
      weir__ring_begin(ring, &backend_request, NULL, IORING_OP_POLL_ADD,
                       uv_backend_fd(ring->loop->uv), &ring->poll_tag);
  if (sqe == NULL)
    return ring->refusal;
  weir__sqe_poll(sqe, POLLIN);
  return 0;
}

static int may_sleep(const weir__ring_t *ring) {
  return weir__ring_awaits(ring) && !must_redo(ring) &&
         !weir__loop_busy(ring->loop) && !weir__loop_delivered(ring->loop);
}

/* Submits, reaps and runs callbacks as often as that has brought something of
 * late, and at least `least` times: what is left goes with the next wait. */
static void fruitful_rounds(weir__ring_t *ring, unsigned least) {
  unsigned i;
  for (i = 0; i < ring->rounds || i < least; i++) {
    if (!has_work(ring))
      return;
    if (advance(ring) == 0)
      break;
    weir__loop_run(ring->loop);
  }
  if (i < ring->rounds)
    ring->rounds = i;
  else if (ring->rounds < ROUNDS && ++ring->fruitful % PAID == 0)
    ring->rounds++;
}

static void ring_turn(weir__ring_t *ring) {
  weir_loop_t *loop = ring->loop;
  int timeout = uv_backend_timeout(loop->uv);
  int slept = 0;
  issue_again(ring);
  if (timeout != 0 && may_sleep(ring) && watch_backend(ring) == 0) {
    weir__ring_enter(ring, 1, timeout);
    uv_update_time(loop->uv);
    slept = 1;
    if (weir__ring_reap(ring) > 0)
      weir__loop_run(loop);
  }
  fruitful_rounds(ring, slept ? 0 : 1);
  /* Also when libuv would not sleep long anyway: its timeout ignores watchers
   * that are not yet with epoll, uv_backend_timeout does not. But a pause is
   * libuv's to sleep. */
  if ((slept || weir__ring_awaits(ring)) && !ring->paused)
    weir__loop_no_sleep(loop);
}

static void uv_turn(weir__ring_t *ring) {
  rounds(ring);
  /* With one of these the core keeps libuv from sleeping. */
  if (!weir__loop_busy(ring->loop) && !weir__loop_delivered(ring->loop))
    arm(ring);
}

/* 1 if the ring is at its end; what was in it is reported then. */
static int ended(weir__ring_t *ring) {
  if (ring->error == 0)
    return 0;
  weir__ring_give_up(ring);
  weir__loop_run(ring->loop);
  return 1;
}

void weir__ring_turn(weir_loop_t *loop) {
  weir__ring_t *ring = weir__ring(loop);
  ring->paused = 0;
  if (ended(ring))
    return;
  eventfd_enable(ring, 0);
  if (idle(ring))
    weir__ring_reap(ring);
  else if (loop->wait == WEIR_WAIT_RING)
    ring_turn(ring);
  else
    uv_turn(ring);
  ended(ring);
}

static int overflowed(const weir__ring_t *ring) {
  return (IO_URING_READ_ONCE(*ring->uring.sq.kflags) & IORING_SQ_CQ_OVERFLOW) !=
         0;
}

/* Only the thread that has entered the ring can have what its completion queue
 * had no place for, and the next turn may be another's. */
static void take_overflow(weir__ring_t *ring) {
  unsigned reaped = 1;
  while (reaped > 0 && overflowed(ring)) {
    weir__ring_enter(ring, 0, 0);
    reaped = weir__ring_reap(ring);
  }
}

void weir__ring_check(weir_loop_t *loop) {
  weir__ring_t *ring = weir__ring(loop);
  if (ended(ring))
    return;
  eventfd_enable(ring, 0);
  weir__loop_run(loop);
  if (loop->wait == WEIR_WAIT_UV && !idle(ring) && has_work(ring)) {
    if (advance(ring) > 0)
      weir__loop_run(loop);
    /* uv_run may return to the application now. */
    if (weir__ring_unsubmitted(ring) > 0)
      weir__ring_enter(ring, 0, 0);
  }
  take_overflow(ring);
  if (!ended(ring))
    arm(ring);
}

/* The check phase, which follows, does the rest. */
static void on_eventfd(uv_poll_t *poll, int status, int events) {
  weir__ring_t *ring =
      (weir__ring_t *)((char *)poll - offsetof(weir__ring_t, poll));
  uint64_t count;
  (void)status;
  (void)events;
  /* It may be the parent's. */
  if (ring->error != 0) {
    uv_poll_stop(poll);
    return;
  }
  ssize_t n = read(ring->eventfd, &count, sizeof(count));
  (void)n;
  ring->loop->stats.syscalls++;
}

int weir__ring_watch(weir__ring_t *ring) {
  int r = uv_poll_init(ring->loop->uv, &ring->poll, ring->eventfd);
  if (r != 0)
    return r;
  uv_unref((uv_handle_t *)&ring->poll);
  return uv_poll_start(&ring->poll, UV_READABLE, on_eventfd);
}
