/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <poll.h>
#include <weir/ready.h>

#include "../lib/uv_poll.h"

/* The application's waits for readiness: a poll of their own in the ring. */

static int events_of(int result) {
  if ((result & (POLLERR | POLLHUP)) != 0)
    return WEIR_READABLE | WEIR_WRITABLE;
  return ((result & POLLIN) != 0 ? WEIR_READABLE : 0) |
         ((result & POLLOUT) != 0 ? WEIR_WRITABLE : 0);
}

/* The poll of a full socket whose peer has ended its side ends without anything
 * that was asked for, again and again: libuv's does not. */
static void ended(weir__ring_t *ring, void *owner, int result, unsigned flags) {
  weir_op_t *op = owner;
  int events = result < 0 ? 0 : events_of(result);
  int status = result < 0 ? result : 0;
  (void)ring;
  (void)flags;
  if (status == UV_EINTR)
    status = UV_EAGAIN;
  if (status == 0 && (events & weir__wait_of(op)->events) == 0)
    status = weir__op_ending(op) ? UV_ECANCELED
                                 : weir__poll_wait(*weir__op_owner(op), op);
  if (status != WEIR_PENDING)
    weir__wait_done(op, status, events);
}

static const weir__request_t wait_request = {.ended = ended};

int weir__socket_wait(weir_stream_t *stream, weir_op_t *op) {
  weir__ring_t *ring = weir__ring(stream->loop);
  weir__wait_t *wait = weir__wait_of(op);
  int fd = weir__own_fd(stream);
  if (fd < 0)
    return fd;
  struct io_uring_sqe *sqe = weir__ring_begin(
      ring, &wait_request, op, IORING_OP_POLL_ADD, fd, &wait->tag);
  if (sqe == NULL)
    return ring->refusal;
  weir__sqe_poll(sqe, ((wait->events & WEIR_READABLE) != 0 ? POLLIN : 0) |
                          ((wait->events & WEIR_WRITABLE) != 0 ? POLLOUT : 0));
  return WEIR_PENDING;
}

int weir__socket_unwait(weir_stream_t *stream, weir_op_t *op) {
  const weir__wait_t *wait = weir__wait_of(op);
  return wait->polled ? weir__poll_unwait(stream, op)
                      : weir__ring_cancel(weir__ring(stream->loop), wait->tag);
}
