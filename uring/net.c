/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/os.h"

/* Sockets are made and bound by plain system calls; what may take time goes
 * through the ring: connects of TCP, and accepts. A descriptor that is no
 * socket is served by the libuv backend's kind, since a write to a FIFO in the
 * ring raises SIGPIPE. Such a stream stays one of that kind. */

static const weir__net_t *foreign(const weir_stream_t *stream) {
  return stream->kind == &weir__socket_kind ? NULL : weir__backend_uv.net;
}

static void start(weir_stream_t *stream, int fd) {
  weir__socket_t *sock = weir__socket(stream);

  memset(sock, 0, sizeof(*sock));
  sock->fd = fd;
  stream->kind = &weir__socket_kind;
}

static int net_init(weir_stream_t *stream, uv_handle_type type) {
  (void)type;
  start(stream, -1);
  return 0;
}

static int open_foreign(weir_stream_t *stream, int fd) {
  const weir__net_t *net = weir__backend_uv.net;
  int rc = net->init(stream, (uv_handle_type)stream->type);

  return rc != 0 ? rc : net->open(stream, fd);
}

static int net_open(weir_stream_t *stream, uv_os_sock_t fd) {
  weir__socket_t *sock = weir__socket(stream);
  int mode;
  int rc;

  if (foreign(stream) != NULL)
    return foreign(stream)->open(stream, fd);
  if (sock->fd >= 0)
    return UV_EBUSY;
  stream->loop->stats.syscalls += 3;
  mode = fcntl(fd, F_GETFL);
  if (mode < 0)
    return -errno;
  rc = weir__os_check_socket(fd);
  if (rc != 0)
    return stream->type == UV_TCP ? rc : open_foreign(stream, fd);
  if (fcntl(fd, F_SETFL, mode | O_NONBLOCK) < 0)
    return -errno;
  sock->fd = fd;
  return 0;
}

static int net_adopt(weir_stream_t *stream, uv_stream_t *handle) {
  uv_os_fd_t fd;

  if (uv_fileno((uv_handle_t *)handle, &fd) != 0)
    return UV_ENOTCONN;
  stream->loop->stats.syscalls++;
  if (weir__os_check_socket(fd) != 0)
    return weir__backend_uv.net->adopt(stream, handle);
  start(stream, fd);
  weir__socket(stream)->flags = WEIR__SOCKET_ADOPTED;
  stream->impl = handle;
  uv_unref((uv_handle_t *)handle);
  return 0;
}

static int net_lost(weir_stream_t *stream) {
  if (stream->kind != &weir__socket_kind)
    return weir__backend_uv.net->lost(stream);
  if (!(weir__socket(stream)->flags & WEIR__SOCKET_ADOPTED) ||
      !uv_is_closing(stream->impl))
    return 0;
  weir__socket_unwatch(stream);
  return 1;
}

/* A socket for sock; blocking, so that no kernel says EAGAIN in the ring. */
static int make_socket(weir_stream_t *stream, int family) {
  weir__socket_t *sock = weir__socket(stream);

  if (sock->fd >= 0)
    return 0;
  stream->loop->stats.syscalls++;
  sock->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return sock->fd >= 0 ? 0 : -errno;
}

static socklen_t address_size(const struct sockaddr *addr) {
  if (addr->sa_family == AF_INET)
    return sizeof(struct sockaddr_in);
  if (addr->sa_family == AF_INET6)
    return sizeof(struct sockaddr_in6);
  return 0;
}

/* The path has been found to fit. */
static void set_path(struct sockaddr_un *addr, const char *name) {
  memset(addr, 0, sizeof(*addr));
  addr->sun_family = AF_UNIX;
  memcpy(addr->sun_path, name, strlen(name));
}

static int net_bind(weir_stream_t *stream, const struct sockaddr *addr,
                    unsigned flags) {
  weir__socket_t *sock = weir__socket(stream);
  const int on = 1;
  int rc;

  if (foreign(stream) != NULL)
    return foreign(stream)->bind(stream, addr, flags);
  if (address_size(addr) == 0 || (flags & ~(unsigned)UV_TCP_IPV6ONLY) != 0 ||
      (flags != 0 && addr->sa_family != AF_INET6))
    return UV_EINVAL;
  rc = make_socket(stream, addr->sa_family);
  if (rc != 0)
    return rc;
  stream->loop->stats.syscalls += 2;
  if (setsockopt(sock->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
    return -errno;
  if (addr->sa_family == AF_INET6) {
    const int only = flags != 0;

    stream->loop->stats.syscalls++;
    if (setsockopt(sock->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) !=
        0)
      return -errno;
  }
  if (bind(sock->fd, addr, address_size(addr)) != 0)
    return errno == EAFNOSUPPORT ? UV_EINVAL : -errno;
  return 0;
}

static int net_bind_path(weir_stream_t *stream, const char *name) {
  weir__socket_t *sock = weir__socket(stream);
  int rc;

  if (foreign(stream) != NULL)
    return foreign(stream)->bind_path(stream, name);
  if (sock->fd >= 0)
    return UV_EINVAL;
  rc = make_socket(stream, AF_UNIX);
  if (rc != 0)
    return rc;
  set_path(&sock->ends.path, name);
  stream->loop->stats.syscalls++;
  if (bind(sock->fd, (struct sockaddr *)&sock->ends.path,
           sizeof(sock->ends.path)) == 0) {
    sock->flags |= WEIR__SOCKET_UNLINK;
    return 0;
  }
  /* As libuv has it, for the sake of Windows. */
  rc = errno == ENOENT ? UV_EACCES : -errno;
  stream->loop->stats.syscalls++;
  close(sock->fd);
  sock->fd = -1;
  return rc;
}

static int net_listen(weir_stream_t *stream, int backlog) {
  weir__socket_t *sock = weir__socket(stream);

  if (foreign(stream) != NULL)
    return foreign(stream)->listen(stream, backlog);
  if (sock->fd < 0)
    return UV_EINVAL;
  stream->loop->stats.syscalls++;
  return weir__os_listen(sock->fd, backlog);
}

static int set_nonblocking(int fd, int on) {
  return ioctl(fd, FIONBIO, &on);
}

/* At once: nothing but a full backlog makes such a connect wait, and for that
 * there is no event. The ring would give it a kernel thread to wait in. */
static int connect_path(weir_stream_t *stream) {
  weir__socket_t *sock = weir__socket(stream);
  struct sockaddr_un addr;
  int rc = make_socket(stream, AF_UNIX);

  if (rc != 0)
    return rc;
  set_path(&addr, weir__peer(stream)->path);
  stream->loop->stats.syscalls += 3;
  set_nonblocking(sock->fd, 1);
  do
    rc = connect(sock->fd, (struct sockaddr *)&addr, sizeof(addr));
  while (rc != 0 && errno == EINTR);
  rc = rc != 0 ? -errno : 0;
  set_nonblocking(sock->fd, 0);
  return rc;
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
  weir__ring_end(ring, tag, socket_error(owner), 0);
}

static void connect_ended(weir__ring_t *ring, void *owner, int result,
                          unsigned flags) {
  (void)ring;
  (void)flags;
  weir__socket(owner)->control_tag = 0;
  weir__connect_done(owner, result);
}

static void fill_connect(const weir_stream_t *stream,
                         struct io_uring_sqe *sqe) {
  const struct sockaddr *addr = &weir__peer(stream)->addr;

  sqe->addr = (uint64_t)(uintptr_t)addr;
  sqe->off = address_size(addr);
}

static int connect_restart(weir__ring_t *ring, uint64_t tag, void *owner) {
  struct io_uring_sqe *sqe =
      weir__ring_sqe(ring, tag, IORING_OP_CONNECT, weir__socket(owner)->fd);

  if (sqe == NULL)
    return UV_EBUSY;
  fill_connect(owner, sqe);
  return 0;
}

static const weir__request_t connect_request = {
    .fd = weir__socket_fd,
    .events = weir__socket_writable,
    .again = connect_again,
    .ready = connect_ready,
    .restart = connect_restart,
    .ended = connect_ended,
};

static int net_connect(weir_stream_t *stream) {
  weir__ring_t *ring = weir__ring(stream->loop);
  weir__socket_t *sock = weir__socket(stream);
  struct io_uring_sqe *sqe;
  int rc;

  if (foreign(stream) != NULL)
    return foreign(stream)->connect(stream);
  if (stream->type != UV_TCP)
    return connect_path(stream);
  rc = make_socket(stream, weir__peer(stream)->addr.sa_family);
  if (rc != 0)
    return rc;
  sqe = weir__ring_begin(ring, &connect_request, stream, IORING_OP_CONNECT,
                         sock->fd, &sock->control_tag);
  if (sqe == NULL)
    return ring->refusal;
  fill_connect(stream, sqe);
  return WEIR_PENDING;
}

static void fill_accept(struct io_uring_sqe *sqe) {
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

static int accept_restart(weir__ring_t *ring, uint64_t tag, void *owner) {
  struct io_uring_sqe *sqe =
      weir__ring_sqe(ring, tag, IORING_OP_ACCEPT, weir__socket(owner)->fd);

  if (sqe == NULL)
    return UV_EBUSY;
  fill_accept(sqe);
  return 0;
}

static void accept_ended(weir__ring_t *ring, void *owner, int result,
                         unsigned flags) {
  weir_stream_t *listener = owner;
  weir__socket_t *sock = weir__socket(listener);
  weir_stream_t *client = sock->client;

  (void)ring;
  (void)flags;
  sock->control_tag = 0;
  sock->client = NULL;
  if (result >= 0) {
    weir__stream_prepare(listener->loop, client);
    start(client, result);
  }
  weir__accept_done(listener, result < 0 ? result : 0);
}

static const weir__request_t accept_request = {
    .fd = weir__socket_fd,
    .events = weir__socket_readable,
    .again = accept_again,
    .restart = accept_restart,
    .ended = accept_ended,
};

static int net_accept(weir_stream_t *listener, weir_stream_t *client) {
  weir__ring_t *ring = weir__ring(listener->loop);
  weir__socket_t *sock = weir__socket(listener);
  struct io_uring_sqe *sqe;

  if (foreign(listener) != NULL)
    return foreign(listener)->accept(listener, client);
  sqe = weir__ring_begin(ring, &accept_request, listener, IORING_OP_ACCEPT,
                         sock->fd, &sock->control_tag);
  if (sqe == NULL)
    return ring->refusal;
  fill_accept(sqe);
  sock->client = client;
  return WEIR_PENDING;
}

static int net_cancel(weir_stream_t *stream) {
  if (foreign(stream) != NULL)
    return foreign(stream)->cancel(stream);
  return weir__ring_cancel(weir__ring(stream->loop),
                           weir__socket(stream)->control_tag);
}

const weir__net_t weir__socket_net = {
    .init = net_init,
    .open = net_open,
    .adopt = net_adopt,
    .lost = net_lost,
    .bind = net_bind,
    .bind_path = net_bind_path,
    .listen = net_listen,
    .connect = net_connect,
    .accept = net_accept,
    .cancel = net_cancel,
};
