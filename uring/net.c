/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>

#include "../lib/os.h"

/* What may take time before a socket is a connection's goes through the ring:
 * connects of TCP, and accepts. */

/* It goes on by itself, also if it is issued again. */
static unsigned connect_again(void *owner, int result, int waited) {
  (void)owner;
  (void)waited;
  return result == -EINPROGRESS || result == -EALREADY || result == -EINTR
             ? WEIR__SLOT_POLLING
             : 0;
}

static void connect_ready(weir__ring_t *ring, uint64_t tag, void *owner,
                          int events) {
  (void)events;
  weir__ring_end(ring, tag, weir__os_error(weir__own(owner)->fd), 0);
}

static void connect_ended(weir__ring_t *ring, void *owner, int result,
                          unsigned flags) {
  (void)ring;
  (void)flags;
  weir__socket(owner)->write_tag = 0;
  weir__connect_done(owner, result);
}

static void fill_connect(const weir_stream_t *stream,
                         struct io_uring_sqe *sqe) {
  const struct sockaddr *addr = &weir__own(stream)->u.peer.addr;
  sqe->opcode = IORING_OP_CONNECT;
  sqe->addr = (uint64_t)(uintptr_t)addr;
  sqe->off = weir__os_address_size(addr);
}

static void connect_restart(weir__ring_t *ring, struct io_uring_sqe *sqe,
                            void *owner, int waited) {
  (void)ring;
  (void)waited;
  fill_connect(owner, sqe);
}

static const weir__request_t connect_request = {
    .fd = weir__socket_fd,
    .events = weir__socket_writable,
    .again = connect_again,
    .ready = connect_ready,
    .restart = connect_restart,
    .ended = connect_ended,
};

int weir__socket_connect(weir_stream_t *stream) {
  weir__ring_t *ring = weir__ring(stream->loop);
  weir__socket_t *sock = weir__socket(stream);
  struct io_uring_sqe *sqe =
      weir__ring_begin(ring, &connect_request, stream, IORING_OP_NOP,
                       weir__own(stream)->fd, &sock->write_tag);
  if (sqe == NULL)
    return ring->refusal;
  fill_connect(stream, sqe);
  return WEIR_PENDING;
}

static void fill_accept(struct io_uring_sqe *sqe) {
  sqe->opcode = IORING_OP_ACCEPT;
  sqe->accept_flags = SOCK_CLOEXEC;
}

/* Without a descriptor to be had it fails at once; that is told only when there
 * is a connection. */
static unsigned accept_again(void *owner, int result, int waited) {
  (void)owner;
  if (result == -ECONNABORTED || result == -EINTR)
    return WEIR__SLOT_RESTART;
  if (result == -EAGAIN ||
      (!waited && (result == -EMFILE || result == -ENFILE)))
    return WEIR__SLOT_POLLING;
  return 0;
}

static void accept_restart(weir__ring_t *ring, struct io_uring_sqe *sqe,
                           void *owner, int waited) {
  (void)ring;
  (void)owner;
  (void)waited;
  fill_accept(sqe);
}

static void accept_ended(weir__ring_t *ring, void *owner, int result,
                         unsigned flags) {
  weir__socket_t *sock = weir__socket(owner);
  sock->read_tag = 0;
  weir__socket_note(ring, sock, result >= 0, flags);
  weir__accept_done(owner, result < 0 ? result : 0, result);
}

static const weir__request_t accept_request = {
    .fd = weir__socket_fd,
    .events = weir__socket_readable,
    .again = accept_again,
    .restart = accept_restart,
    .ended = accept_ended,
};

int weir__socket_accept(weir_stream_t *listener, weir__fd_t *fd) {
  weir__ring_t *ring = weir__ring(listener->loop);
  weir__socket_t *sock = weir__socket(listener);
  struct io_uring_sqe *sqe =
      weir__ring_begin(ring, &accept_request, listener, IORING_OP_NOP,
                       weir__own(listener)->fd, &sock->read_tag);
  (void)fd;
  if (sqe == NULL)
    return ring->refusal;
  fill_accept(sqe);
  /* A try in vain makes a socket and a file first. */
  if (sock->flags & WEIR__SOCKET_DRY &&
      ring->caps & WEIR__CAP_ACCEPT_POLL_FIRST)
    sqe->ioprio = WEIR__ACCEPT_POLL_FIRST;
  sock->read_steps = ring->steps;
  return WEIR_PENDING;
}

/* A stream does one of the two. */
int weir__socket_cancel(weir_stream_t *stream) {
  const weir__socket_t *sock = weir__socket(stream);
  return weir__ring_cancel(weir__ring(stream->loop), sock->read_tag != 0
                                                         ? sock->read_tag
                                                         : sock->write_tag);
}
