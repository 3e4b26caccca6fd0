/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <poll.h>

#include "../lib/os.h"
#include "../lib/rare.h"
#include "../lib/seq.h"
#include "../lib/uv_poll.h"

_Static_assert(sizeof(weir__socket_t) <= WEIR__OWN_MORE &&
                   _Alignof(weir__socket_t) <= _Alignof(uint64_t),
               "the state of a socket fits into a stream");

int weir__socket_fd(const void *owner) {
  return weir__own(owner)->fd;
}

unsigned weir__socket_readable(const void *owner) {
  (void)owner;
  return POLLIN;
}

unsigned weir__socket_writable(const void *owner) {
  (void)owner;
  return POLLOUT;
}

/* ---- Requests ---- */

/* The core starts a transfer again; on older kernels a descriptor that does not
 * block has to be polled first. So has one that is only now connecting: see
 * weir_tcp_fastopen_connect. */
static unsigned transfer_again(void *owner, int result, int waited) {
  (void)owner;
  (void)waited;
  return result == -EAGAIN || result == -EINPROGRESS ? WEIR__SLOT_POLLING : 0;
}

static void read_ready(weir__ring_t *ring, uint64_t tag, void *owner,
                       int events) {
  (void)owner;
  (void)events;
  weir__ring_end(ring, tag, UV_EAGAIN, 0);
}

static void read_ended(weir__ring_t *ring, void *owner, int result,
                       unsigned flags) {
  weir__socket_t *sock = weir__socket(owner);
  sock->read_tag = 0;
  weir__socket_note(ring, sock, result > 0, flags);
  if (result > 0)
    weir_stream_read_done(owner, 0, (size_t)result);
  else if (result == 0)
    weir_stream_read_done(owner, UV_EOF, 0);
  else
    weir_stream_read_done(owner, result == -EINTR ? UV_EAGAIN : result, 0);
}

/* The write that waited can go on, or has to wait elsewhere. */
static void write_ready(weir__ring_t *ring, uint64_t tag, void *owner,
                        int events) {
  weir__socket_t *sock = weir__socket(owner);
  int status = UV_EAGAIN;
  weir__slot_release(ring, weir__slot_find(ring, tag), tag);
  sock->write_tag = 0;
  sock->flags &= ~(unsigned)WEIR__SOCKET_FULL;
  if ((events & (POLLOUT | POLLERR | POLLHUP)) == 0)
    status = weir__socket_await(owner);
  if (status != WEIR_PENDING)
    weir_stream_write_done(owner, status, 0);
}

static void write_ended(weir__ring_t *ring, void *owner, int result,
                        unsigned flags) {
  weir_stream_t *stream = owner;
  weir__socket_t *sock = weir__socket(stream);
  (void)ring;
  (void)flags;
  int cut = (sock->flags & WEIR__SOCKET_CUT) != 0;
  sock->write_tag = 0;
  sock->flags &= ~(unsigned)WEIR__SOCKET_CUT;
  if (result > 0) {
    if ((size_t)result < stream->offered && !cut)
      sock->flags |= WEIR__SOCKET_FULL;
    weir_stream_write_done(stream, 0, (size_t)result);
    return;
  }
  if (result == -EINTR)
    result = UV_EAGAIN;
  else if (result == -ENOBUFS)
    result = UV_EBUSY;
  weir_stream_write_done(stream, result, 0);
}

static const weir__request_t read_request = {
    .fd = weir__socket_fd,
    .events = weir__socket_readable,
    .again = transfer_again,
    .ready = read_ready,
    .ended = read_ended,
};

/* Into a buffer that the kernel has chosen. */
static void chosen_ended(weir__ring_t *ring, void *owner, int result,
                         unsigned flags) {
  if (result > 0 && flags & IORING_CQE_F_BUFFER)
    weir__lease_chosen(owner, flags >> IORING_CQE_BUFFER_SHIFT);
  read_ended(ring, owner, result == -ENOBUFS ? UV_EAGAIN : result, flags);
}

static const weir__request_t choose_request = {
    .fd = weir__socket_fd,
    .events = weir__socket_readable,
    .again = transfer_again,
    .ready = read_ready,
    .ended = chosen_ended,
};

static const weir__request_t write_request = {
    .fd = weir__socket_fd,
    .events = weir__socket_writable,
    .again = transfer_again,
    .ready = write_ready,
    .ended = write_ended,
};

/* ---- Starting ---- */

/* One segment goes without a msghdr. Sockets take no registered buffers with
 * these, and WRITE_FIXED would raise SIGPIPE. */
static void fill(weir__ring_t *ring, struct io_uring_sqe *sqe,
                 const uv_buf_t *bufs, unsigned nbufs) {
  if (nbufs == 1) {
    sqe->addr = (uint64_t)(uintptr_t)bufs[0].base;
    sqe->len = (uint32_t)bufs[0].len;
    return;
  }
  sqe->addr =
      (uint64_t)(uintptr_t)&weir__ring_vector(ring, sqe, bufs, nbufs)->message;
  sqe->len = 1;
}

/* Whether one segment can go without anything being asked or provided. */
static inline int at_hand(const weir_stream_t *stream, unsigned nbufs) {
  return nbufs == 1 && weir__own(stream)->fd >= 0 && stream->impl == NULL &&
         weir__ring_at_hand(weir__ring(stream->loop));
}

/* A slot and an entry are at hand. */
static void begin_poll(weir__ring_t *ring, const weir__request_t *type,
                       weir_stream_t *stream, int fd, unsigned events,
                       uint64_t *tag) {
  struct io_uring_sqe *sqe =
      weir__ring_take(ring, type, stream, IORING_OP_POLL_ADD, fd, tag);
  weir__slot_find(ring, *tag)->flags |= WEIR__SLOT_POLLING;
  weir__sqe_poll(sqe, events);
}

/* A slot and an entry are at hand. */
static inline struct io_uring_sqe *begin_read(weir_stream_t *stream,
                                              const weir__request_t *type,
                                              unsigned opcode, int fd) {
  weir__ring_t *ring = weir__ring(stream->loop);
  weir__socket_t *sock = weir__socket(stream);
  struct io_uring_sqe *sqe =
      weir__ring_take(ring, type, stream, opcode, fd, &sock->read_tag);
  if (sock->flags & WEIR__SOCKET_DRY && ring->caps & WEIR__CAP_POLL_FIRST)
    sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
  sock->read_steps = ring->steps;
  return sqe;
}

static inline int read_into(weir_stream_t *stream, int fd, const uv_buf_t *bufs,
                            unsigned nbufs) {
  fill(weir__ring(stream->loop),
       begin_read(stream, &read_request,
                  nbufs == 1 ? IORING_OP_RECV : IORING_OP_RECVMSG, fd),
       bufs, nbufs);
  return WEIR_PENDING;
}

static WEIR__RARE int read_any(weir_stream_t *stream, const uv_buf_t *bufs,
                               unsigned nbufs) {
  weir__ring_t *ring = weir__ring(stream->loop);
  int fd = weir__own_fd(stream);
  if (fd < 0)
    return fd;
  return weir__ring_provide(ring) ? read_into(stream, fd, bufs, nbufs)
                                  : ring->refusal;
}

static int read_some(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  (void)n;
  return at_hand(stream, nbufs)
             ? read_into(stream, weir__own(stream)->fd, bufs, 1)
             : read_any(stream, bufs, nbufs);
}

static int choose(weir_stream_t *stream, const weir__lent_t *lent,
                  size_t size) {
  weir__ring_t *ring = weir__ring(stream->loop);
  int fd = weir__own_fd(stream);
  if (fd < 0)
    return fd;
  if (!weir__ring_provide(ring))
    return ring->refusal;
  struct io_uring_sqe *sqe =
      begin_read(stream, &choose_request, IORING_OP_RECV, fd);
  sqe->len = (uint32_t)weir__smaller(size, weir__seq_max_bytes());
  sqe->flags = IOSQE_BUFFER_SELECT;
  sqe->buf_group = (uint16_t)lent->group;
  return WEIR_PENDING;
}

static int await(weir_stream_t *stream, int know) {
  weir__ring_t *ring = weir__ring(stream->loop);
  weir__socket_t *sock = weir__socket(stream);
  int fd = weir__own_fd(stream);
  (void)know;
  if (fd < 0)
    return fd;
  if (!weir__ring_provide(ring))
    return ring->refusal;
  begin_poll(ring, &read_request, stream, fd, POLLIN, &sock->read_tag);
  sock->read_steps = ring->steps;
  return WEIR_PENDING;
}

/* A write that finds no room comes back with EAGAIN and is started again when
 * there is some, with a window filled anew; the kernel would keep the old one.
 * A slot and an entry are at hand. */
static inline int begin_write(weir_stream_t *stream, int fd,
                              const uv_buf_t *bufs, unsigned nbufs) {
  weir__ring_t *ring = weir__ring(stream->loop);
  struct io_uring_sqe *sqe =
      weir__ring_take(ring, &write_request, stream,
                      nbufs == 1 ? IORING_OP_SEND : IORING_OP_SENDMSG, fd,
                      &weir__socket(stream)->write_tag);
  fill(ring, sqe, bufs, nbufs);
  sqe->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  return WEIR_PENDING;
}

/* After a short write there is no room for certain, so that the next one begins
 * with the wait. */
static int begin_wait(weir_stream_t *stream, int fd) {
  begin_poll(weir__ring(stream->loop), &write_request, stream, fd, POLLOUT,
             &weir__socket(stream)->write_tag);
  return WEIR_PENDING;
}

static int await_write(weir_stream_t *stream) {
  weir__ring_t *ring = weir__ring(stream->loop);
  int fd = weir__own_fd(stream);
  if (fd < 0)
    return fd;
  return weir__ring_provide(ring) ? begin_wait(stream, fd) : ring->refusal;
}

static int write_now(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  int r = weir__own_write(stream, bufs, nbufs, n);
  return r == UV_ENOBUFS ? UV_EAGAIN : r;
}

static int write_uncopied(weir_stream_t *stream, const uv_buf_t *bufs,
                          unsigned *nbufs) {
  int fd = weir__own_fd(stream);
  return fd < 0 ? fd : weir__zerocopy_write(stream, fd, bufs, nbufs);
}

/* A full window is worth a call of its own, and what is behind it need not wait
 * for the next time that the ring is entered. */
static WEIR__RARE int write_any(weir_stream_t *stream, const uv_buf_t *bufs,
                                unsigned nbufs, size_t *n) {
  weir__ring_t *ring = weir__ring(stream->loop);
  weir__socket_t *sock = weir__socket(stream);
  const unsigned special = WEIR__SOCKET_ZEROCOPY | WEIR__SOCKET_FULL;
  if ((sock->flags & special) == WEIR__SOCKET_ZEROCOPY) {
    int r = write_uncopied(stream, bufs, &nbufs);
    if (r != 0)
      return r;
  }
  if (nbufs == WEIR_WINDOW && !(sock->flags & WEIR__SOCKET_FULL)) {
    int r = weir__own_write(stream, bufs, nbufs, n);
    if (r != UV_EAGAIN)
      return r == UV_ENOBUFS ? UV_EBUSY : r;
    sock->flags |= WEIR__SOCKET_FULL;
  }
  int fd = weir__own_fd(stream);
  if (fd < 0)
    return fd;
  if (!weir__ring_provide(ring))
    return ring->refusal;
  return sock->flags & WEIR__SOCKET_FULL ? begin_wait(stream, fd)
                                         : begin_write(stream, fd, bufs, nbufs);
}

static int write_some(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  const unsigned special = WEIR__SOCKET_ZEROCOPY | WEIR__SOCKET_FULL;
  return at_hand(stream, nbufs) && !(weir__socket(stream)->flags & special)
             ? begin_write(stream, weir__own(stream)->fd, bufs, 1)
             : write_any(stream, bufs, nbufs, n);
}

static int cancel_read(weir_stream_t *stream) {
  return weir__ring_cancel(weir__ring(stream->loop),
                           weir__socket(stream)->read_tag);
}

static int cancel_write(weir_stream_t *stream) {
  weir__poll_end(stream, UV_WRITABLE, UV_ECANCELED);
  return weir__ring_cancel(weir__ring(stream->loop),
                           weir__socket(stream)->write_tag);
}

const weir__kind_t weir__socket_kind = {
    .base =
        {
            .size = sizeof(weir_stream_kind_t),
            .name = "io_uring socket",
            .read_some = read_some,
            .write_some = write_some,
            .read_now = weir__own_read,
            .write_now = write_now,
            .cancel_read = cancel_read,
            .cancel_write = cancel_write,
            /* IORING_OP_SHUTDOWN would always take a kernel thread. */
            .shutdown = weir__own_shutdown,
            .close = weir__own_close,
            .fileno = weir__own_fileno,
        },
    .await = await,
    .choose = choose,
    .await_write = await_write,
    .connect = weir__socket_connect,
    .accept = weir__socket_accept,
    .cancel = weir__socket_cancel,
    .wait = weir__socket_wait,
    .unwait = weir__socket_unwait,
    .unwatch = weir__poll_close,
    .zerocopy = weir__zerocopy_set,
    .zerocopied = weir__zerocopy_get,
};
