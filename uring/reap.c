/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { ERESTARTSYS = 512 };

typedef struct completion_s {
  uint64_t tag;
  int result;
  unsigned flags;
} completion_t;

static void end_transfer(weir__ring_t *ring, uint64_t tag, int type,
                         weir_stream_t *stream, int result) {
  size_t n = result > 0 ? (size_t)result : 0;
  int status = result < 0 ? result : 0;

  weir__slot_release(ring, tag);
  if (type == WEIR__SLOT_READ) {
    weir__socket(stream)->read_tag = 0;
    weir_stream_read_done(stream, result == 0 ? UV_EOF : status, n);
  } else {
    weir__socket(stream)->write_tag = 0;
    if (n > 0 && n < stream->offered)
      weir__socket(stream)->flags |= WEIR__SOCKET_FULL;
    weir_stream_write_done(stream, status, n);
  }
}

static void end_control(weir__ring_t *ring, uint64_t tag, int type,
                        weir_stream_t *stream, int result) {
  weir__slot_release(ring, tag);
  weir__socket(stream)->control_tag = 0;
  if (type == WEIR__SLOT_CONNECT)
    weir__connect_done(stream, result);
  else
    weir__socket_accepted(stream, result);
}

static int socket_error(weir_stream_t *stream) {
  int error = 0;
  socklen_t len = sizeof(error);

  stream->loop->stats.syscalls++;
  if (getsockopt(weir__socket(stream)->fd, SOL_SOCKET, SO_ERROR, &error,
                 &len) != 0)
    return -errno;
  return -error;
}

/* Ends the request, whatever it was. */
static void end(weir__ring_t *ring, uint64_t tag, const weir__slot_t *slot,
                int result) {
  int type = slot->type;
  void *owner = slot->owner;

  switch (type) {
  case WEIR__SLOT_READ:
  case WEIR__SLOT_WRITE:
    if (result == -EINTR)
      result = UV_EAGAIN;
    else if (result == -ENOBUFS && type == WEIR__SLOT_WRITE)
      result = UV_EBUSY;
    end_transfer(ring, tag, type, owner, result);
    break;
  case WEIR__SLOT_CONNECT:
  case WEIR__SLOT_ACCEPT:
    end_control(ring, tag, type, owner, result);
    break;
  case WEIR__SLOT_FILE:
    weir__slot_release(ring, tag);
    weir__ring_file_done(ring, owner, result);
    break;
  default:
    weir__slot_release(ring, tag);
    ring->poll_tag = 0;
    break;
  }
}

/* The write that waited can go on, or has to wait elsewhere. */
static void writable(weir__ring_t *ring, uint64_t tag, weir_stream_t *stream,
                     int events) {
  int status = UV_EAGAIN;

  weir__slot_release(ring, tag);
  weir__socket(stream)->write_tag = 0;
  weir__socket(stream)->flags &= ~(unsigned)WEIR__SOCKET_FULL;
  if ((events & (POLLOUT | POLLERR | POLLHUP)) == 0) {
    status = weir__socket_await(stream);
    if (status == 0)
      return;
  }
  weir_stream_write_done(stream, status, 0);
}

/* The descriptor that the request waited for is ready. */
static void ready(weir__ring_t *ring, uint64_t tag, const weir__slot_t *slot,
                  int events) {
  switch (slot->type) {
  case WEIR__SLOT_READ:
    end(ring, tag, slot, UV_EAGAIN);
    break;
  case WEIR__SLOT_WRITE:
    writable(ring, tag, slot->owner, events);
    break;
  case WEIR__SLOT_CONNECT:
    end(ring, tag, slot, socket_error(slot->owner));
    break;
  default:
    weir__slot_redo(ring, tag, WEIR__SLOT_RESTART | WEIR__SLOT_WAITED);
    break;
  }
}

/* Whether the request has to wait for readiness itself: the descriptor is
 * non-blocking and the kernel one that takes that literally. An accept without
 * a descriptor to be had fails at once; that is told only when there is a
 * connection. */
static int must_poll(const weir__slot_t *slot, int result) {
  if (slot->type == WEIR__SLOT_CONNECT)
    return result == -EINPROGRESS || result == -EINTR;
  if (slot->type == WEIR__SLOT_ACCEPT &&
      (result == -EMFILE || result == -ENFILE))
    return (slot->flags & WEIR__SLOT_WAITED) == 0;
  /* A second time it is the answer: there are descriptors that are always
   * called ready. */
  if (slot->type == WEIR__SLOT_FILE && slot->flags & WEIR__SLOT_WAITED)
    return 0;
  return slot->type != WEIR__SLOT_BACKEND && result == -EAGAIN;
}

/* Whether the request did nothing and says nothing. A transfer on a stream is
 * started again by the core. */
static int must_restart(const weir__slot_t *slot, int result) {
  if (slot->type == WEIR__SLOT_ACCEPT)
    return result == -ECONNABORTED || result == -EINTR;
  return slot->type == WEIR__SLOT_FILE &&
         weir__ring_file_again(slot->owner, result);
}

/* Where nothing is left, the next read waits before it tries. */
static void note_dry(weir_stream_t *stream, int result, unsigned flags) {
  weir__socket_t *sock = weir__socket(stream);

  if (result > 0 && !(flags & IORING_CQE_F_SOCK_NONEMPTY))
    sock->flags |= WEIR__SOCKET_DRY;
  else
    sock->flags &= ~(unsigned)WEIR__SOCKET_DRY;
}

/* A cancellation is done: the request may be as well, and tells itself. */
static void cancelled(weir__ring_t *ring, uint64_t tag, int result) {
  weir__slot_t *slot = weir__slot_find(ring, tag);

  if (slot == NULL || result != -ENOENT)
    return;
  slot->flags |= WEIR__SLOT_MISSED;
  ring->missed = 1;
}

void weir__ring_complete(weir__ring_t *ring, uint64_t tag, int result,
                         unsigned flags) {
  weir__slot_t *slot = weir__slot_find(ring, tag);
  int polled;

  if (tag & WEIR__TAG_CANCEL)
    cancelled(ring, tag & ~(uint64_t)WEIR__TAG_CANCEL, result);
  if (slot == NULL)
    return;
  polled = (slot->flags & WEIR__SLOT_POLLING) != 0;
  slot->flags &= (uint8_t)~WEIR__SLOT_POLLING;
  if (slot->type == WEIR__SLOT_READ && !polled)
    note_dry(slot->owner, result, flags);
  /* An open that was interrupted tells it as the kernel tells itself. */
  if (result == -ERESTARTSYS)
    result = -EINTR;
  if (result == -EINTR && slot->flags & WEIR__SLOT_CANCELLED)
    result = UV_ECANCELED;
  if (polled && result >= 0)
    ready(ring, tag, slot, result);
  else if (!polled && must_poll(slot, result))
    weir__slot_redo(ring, tag, WEIR__SLOT_POLLING);
  else if (!polled && must_restart(slot, result))
    weir__slot_redo(ring, tag, WEIR__SLOT_RESTART);
  else
    end(ring, tag, slot, result);
}

/* Completions are copied and the head moved before any is looked at. */
static unsigned take(weir__ring_t *ring, completion_t *out, unsigned max) {
  struct io_uring_cq *cq = &ring->uring.cq;
  unsigned head = *cq->khead;
  unsigned n = io_uring_cq_ready(&ring->uring);
  unsigned i;

  if (n > max)
    n = max;
  for (i = 0; i < n; i++) {
    const struct io_uring_cqe *cqe = &cq->cqes[(head + i) & cq->ring_mask];

    out[i].tag = cqe->user_data;
    out[i].result = cqe->res;
    out[i].flags = cqe->flags;
  }
  if (n > 0)
    io_uring_cq_advance(&ring->uring, n);
  return n;
}

unsigned weir__ring_reap(weir__ring_t *ring) {
  completion_t batch[64];
  unsigned most = ring->uring.cq.ring_entries;
  unsigned total = 0;
  unsigned i;
  unsigned n;

  do {
    n = take(ring, batch, 64);
    for (i = 0; i < n; i++)
      if (!(batch[i].flags & IORING_CQE_F_MORE))
        weir__ring_complete(ring, batch[i].tag, batch[i].result,
                            batch[i].flags);
    total += n;
  } while (n == 64 && total < most);
  ring->loop->stats.cqes += total;
  return total;
}
