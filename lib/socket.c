/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "stream.h"

#include <string.h>

#include "os.h"
#include "queue.h"

/* How sockets become streams: bind, listen, accept, connect. */

static int init(weir_loop_t *loop, weir_stream_t *stream, uv_handle_type type) {
  if (loop == NULL || stream == NULL)
    return UV_EINVAL;
  int r = weir__loop_check(loop);
  if (r != 0)
    return r;
  weir__stream_prepare(loop, stream);
  weir__own_init(stream, -1, 1);
  stream->type = (int)type;
  weir__stream_open(stream);
  return 0;
}

int weir_tcp_init(weir_loop_t *loop, weir_stream_t *stream) {
  return init(loop, stream, UV_TCP);
}

int weir_pipe_init(weir_loop_t *loop, weir_stream_t *stream) {
  int r = weir__os_check_paths();
  return r != 0 ? r : init(loop, stream, UV_NAMED_PIPE);
}

/* A socket for stream, which may have one. */
static int make_socket(weir_stream_t *stream, int family) {
  weir__own_t *own = weir__own(stream);
  if (own->fd >= 0)
    return 0;
  stream->loop->stats.syscalls++;
  return weir__os_socket(family, weir__kind(stream)->nonblocking, &own->fd);
}

int weir_tcp_init_ex(weir_loop_t *loop, weir_stream_t *stream, int family) {
  if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
    return UV_EINVAL;
  int r = init(loop, stream, UV_TCP);
  if (r != 0 || family == AF_UNSPEC)
    return r;
  r = make_socket(stream, family);
  if (r != 0)
    weir__queue_remove(&stream->open);
  return r;
}

/* 0 if stream is of the given type and was not given a role yet. */
static int unused(const weir_stream_t *stream, uv_handle_type type) {
  int r = weir__stream_check(stream);
  if (r != 0)
    return r;
  if ((stream->state & WEIR__CONNECTED) != 0)
    return UV_EISCONN;
  if (stream->type != (int)type)
    return UV_EINVAL;
  if ((stream->state & WEIR__CONNECTING) != 0)
    return UV_EALREADY;
  return (stream->state & WEIR__LISTENING) != 0 ? UV_EINVAL : 0;
}

int weir__socket_check_fresh(const weir_stream_t *stream) {
  int r = unused(stream, UV_TCP);
  return r == 0 && weir__own(stream)->fd >= 0 ? UV_EINVAL : r;
}

/* Takes fd, which is a socket or is not. */
static int take(weir_stream_t *stream, weir__fd_t fd, int is_socket) {
  stream->loop->stats.syscalls += 2;
  int r = weir__os_set_nonblocking(fd, 1);
  if (r != 0)
    return r;
  weir__own_init(stream, fd, is_socket);
  if (weir__os_is_standard(fd))
    weir__own(stream)->flags |= WEIR__OWN_STAYS;
  stream->state |= WEIR__CONNECTED;
  return 0;
}

static int open_fd(weir_stream_t *stream, uv_handle_type type, weir__fd_t fd) {
  if (stream == NULL)
    return UV_EINVAL;
  int r = unused(stream, type);
  if (r == UV_EISCONN || r == UV_EALREADY ||
      (r == 0 && weir__own(stream)->fd >= 0))
    r = UV_EBUSY;
  if (r != 0)
    return r;
  stream->loop->stats.syscalls++;
  r = weir__os_check_socket(fd);
  if (r != 0 && (type == UV_TCP || r != UV_ENOTSOCK))
    return r;
  return take(stream, fd, r == 0);
}

int weir_tcp_open(weir_stream_t *stream, uv_os_sock_t socket) {
  return open_fd(stream, UV_TCP, (weir__fd_t)socket);
}

int weir_pipe_open(weir_stream_t *stream, uv_file file) {
  return open_fd(stream, UV_NAMED_PIPE, (weir__fd_t)file);
}

void weir__socket_drop(weir_stream_t *stream) {
  weir__own_t *own = weir__own(stream);
  if (own->fd < 0)
    return;
  stream->loop->stats.syscalls++;
  weir__os_close(own->fd);
  own->fd = -1;
}

enum { KNOWN_FLAGS = UV_TCP_IPV6ONLY | WEIR_TCP_REUSEPORT };

int weir_tcp_bind(weir_stream_t *stream, const struct sockaddr *addr,
                  unsigned flags) {
  if (stream == NULL || addr == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_TCP);
  if (r != 0)
    return r;
  int ipv6_only = (flags & UV_TCP_IPV6ONLY) != 0;
  if (weir__os_address_size(addr) == 0 ||
      (flags & ~(unsigned)KNOWN_FLAGS) != 0 ||
      (ipv6_only && addr->sa_family != AF_INET6))
    return UV_EINVAL;
  r = make_socket(stream, addr->sa_family);
  if (r != 0)
    return r;
  weir__fd_t fd = weir__own(stream)->fd;
  if ((flags & WEIR_TCP_REUSEPORT) != 0) {
    r = weir__os_set_option(fd, WEIR__OPTION_REUSEPORT, 1);
    if (r != 0)
      return r;
  }
  stream->loop->stats.syscalls += addr->sa_family == AF_INET6 ? 3 : 2;
  return weir__os_bind(fd, addr, ipv6_only);
}

/* An abstract name leaves no file to be removed. */
static int bind_path(weir_stream_t *stream, const weir__path_t *path) {
  weir__own_t *own = weir__own(stream);
  if (own->fd >= 0)
    return UV_EINVAL;
  int r = make_socket(stream, AF_UNIX);
  if (r != 0)
    return r;
  stream->loop->stats.syscalls++;
  r = weir__os_bind_path(own->fd, path);
  if (r != 0) {
    weir__socket_drop(stream);
  } else if (path->bytes[0] != '\0') {
    own->ends.bound.path = *path;
    own->flags |= WEIR__OWN_BOUND;
  }
  return r;
}

int weir_pipe_bind2(weir_stream_t *stream, const char *name, size_t len) {
  weir__path_t path;
  if (stream == NULL || name == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_NAMED_PIPE);
  if (r == 0)
    r = weir__os_set_path(&path, name, len);
  return r != 0 ? r : bind_path(stream, &path);
}

int weir_pipe_bind(weir_stream_t *stream, const char *name) {
  return weir_pipe_bind2(stream, name, name != NULL ? strlen(name) : 0);
}

int weir_listen(weir_stream_t *stream, int backlog) {
  if (stream == NULL)
    return UV_EINVAL;
  int r = unused(stream, (uv_handle_type)stream->type);
  /* A socket that was opened need not be connected; the system knows. */
  if (r == UV_EISCONN && stream->type != 0 && stream->reader == NULL &&
      weir__queue_empty(&stream->writes))
    r = 0;
  if (r == 0 && weir__own(stream)->fd < 0)
    r = UV_EINVAL;
  if (r != 0)
    return r;
  stream->loop->stats.syscalls++;
  r = weir__os_listen(weir__own(stream)->fd, backlog);
  if (r == 0)
    stream->state = (stream->state & ~WEIR__CONNECTED) | WEIR__LISTENING;
  return r;
}

/* The memory of the stream to be, in an accept. */
static weir_stream_t **client_of(const weir_op_t *op) {
  return weir__op_scratch(op);
}

/* Of an accept or a connect. */
static void cancel(weir_op_t *op) {
  if (op->state == WEIR__OP_STARTED) {
    weir__stream_want(*weir__op_owner(op), WEIR__WANT_CANCEL_NET);
    return;
  }
  weir__queue_remove(&op->node);
  weir__op_finish(op, UV_ECANCELED);
}

static const weir__op_class_t accept_class = {"accept", cancel};
static const weir__op_class_t connect_class = {"connect", cancel};

int weir_accept(weir_op_t *op, weir_stream_t *listener, weir_stream_t *client,
                weir_op_cb cb) {
  if (op == NULL || listener == NULL || client == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__stream_check(listener);
  if (r != 0)
    return r;
  if ((listener->state & WEIR__LISTENING) == 0)
    return UV_EINVAL;
  weir__op_begin_plain(op, listener->loop, listener, &accept_class, cb);
  *client_of(op) = client;
  weir__queue_push(&listener->writes, &op->node);
  weir__stream_want(listener, WEIR__WANT_ACCEPT);
  return 0;
}

int weir__accept_start(weir_stream_t *listener) {
  weir_op_t *op = weir__write_head(listener);
  weir__fd_t fd = -1;
  if (op == NULL || (listener->state & WEIR__NET_BUSY) != 0)
    return 0;
  listener->state |= WEIR__NET_BUSY;
  op->state = WEIR__OP_STARTED;
  int r = weir__kind(listener)->accept(listener, &fd);
  if (r == WEIR_PENDING)
    return 0;
  if (r == UV_EBUSY) {
    listener->state &= ~WEIR__NET_BUSY;
    op->state = WEIR__OP_QUEUED;
    return UV_EBUSY;
  }
  weir__accept_done(listener, r, fd);
  return 0;
}

/* Makes the memory of the stream to be one. */
static void connected(weir_loop_t *loop, weir_stream_t *client, weir__fd_t fd) {
  weir__stream_prepare(loop, client);
  weir__own_init(client, fd, 1);
  client->state = WEIR__CONNECTED;
  weir__stream_open(client);
}

void weir__accept_done(weir_stream_t *listener, int status, weir__fd_t fd) {
  weir_op_t *op = weir__write_head(listener);
  if ((listener->state & WEIR__NET_BUSY) == 0)
    return;
  listener->state &= ~WEIR__NET_BUSY;
  if (status == UV_EAGAIN && !weir__op_ending(op)) {
    op->state = WEIR__OP_QUEUED;
  } else {
    if (status == 0)
      connected(listener->loop, *client_of(op), fd);
    weir__queue_remove(&op->node);
    weir__op_finish(op, status == UV_EAGAIN ? UV_ECANCELED : status);
  }
  if (!weir__queue_empty(&listener->writes))
    weir__stream_want(listener, WEIR__WANT_ACCEPT);
  weir__stream_idle(listener);
}

static int connect_begin(weir_op_t *op, weir_stream_t *stream, weir_op_cb cb) {
  weir__op_begin_plain(op, stream->loop, stream, &connect_class, cb);
  stream->state |= WEIR__CONNECTING;
  weir__queue_push(&stream->writes, &op->node);
  weir__stream_want(stream, WEIR__WANT_CONNECT);
  return 0;
}

void weir__connect_enter(weir_op_t *op, weir_stream_t *stream,
                         const weir__op_class_t *type, weir_op_cb cb) {
  weir__op_begin_plain(op, stream->loop, stream, type, cb);
  op->state = WEIR__OP_STARTED;
  stream->state |= WEIR__CONNECTING | WEIR__NET_BUSY;
  weir__queue_push(&stream->writes, &op->node);
}

int weir_tcp_connect(weir_op_t *op, weir_stream_t *stream,
                     const struct sockaddr *addr, weir_op_cb cb) {
  if (op == NULL || stream == NULL || addr == NULL || cb == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_TCP);
  if (r != 0)
    return r;
  if (addr->sa_family == AF_INET)
    memcpy(&weir__own(stream)->u.peer, addr, sizeof(struct sockaddr_in));
  else if (addr->sa_family == AF_INET6)
    memcpy(&weir__own(stream)->u.peer, addr, sizeof(struct sockaddr_in6));
  else
    return UV_EINVAL;
  return connect_begin(op, stream, cb);
}

int weir_pipe_connect2(weir_op_t *op, weir_stream_t *stream, const char *name,
                       size_t len, weir_op_cb cb) {
  if (op == NULL || stream == NULL || name == NULL || cb == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_NAMED_PIPE);
  if (r == 0)
    r = weir__os_set_path(&weir__own(stream)->u.peer.path, name, len);
  return r != 0 ? r : connect_begin(op, stream, cb);
}

int weir_pipe_connect(weir_op_t *op, weir_stream_t *stream, const char *name,
                      weir_op_cb cb) {
  size_t len = name != NULL ? strlen(name) : 0;
  return weir_pipe_connect2(op, stream, name, len, cb);
}

/* At once: nothing but a full backlog makes such a connect wait, and for that
 * there is no event. */
static int connect_path(weir_stream_t *stream) {
  int nonblocking = weir__kind(stream)->nonblocking;
  int r = make_socket(stream, AF_UNIX);
  if (r != 0)
    return r;
  weir__fd_t fd = weir__own(stream)->fd;
  stream->loop->stats.syscalls += nonblocking ? 1 : 5;
  if (!nonblocking)
    r = weir__os_set_nonblocking(fd, 1);
  if (r == 0)
    r = weir__os_connect_path(fd, &weir__own(stream)->u.peer.path);
  if (!nonblocking)
    weir__os_set_nonblocking(fd, 0);
  return r;
}

static int connect_address(weir_stream_t *stream) {
  int r = make_socket(stream, weir__own(stream)->u.peer.addr.sa_family);
  return r != 0 ? r : weir__kind(stream)->connect(stream);
}

int weir__connect_start(weir_stream_t *stream) {
  weir_op_t *op = weir__write_head(stream);
  if (op == NULL || (stream->state & WEIR__NET_BUSY) != 0)
    return 0;
  stream->state |= WEIR__NET_BUSY;
  op->state = WEIR__OP_STARTED;
  int r =
      stream->type == UV_TCP ? connect_address(stream) : connect_path(stream);
  if (r == WEIR_PENDING)
    return 0;
  if (r == UV_EBUSY) {
    stream->state &= ~WEIR__NET_BUSY;
    op->state = WEIR__OP_QUEUED;
    return UV_EBUSY;
  }
  weir__connect_done(stream, r);
  return 0;
}

void weir__connect_done(weir_stream_t *stream, int status) {
  weir_op_t *op = weir__write_head(stream);
  if ((stream->state & WEIR__NET_BUSY) == 0)
    return;
  stream->state &= ~WEIR__NET_BUSY;
  if (status == 0)
    stream->state |= WEIR__CONNECTED;
  weir__queue_remove(&op->node);
  weir__op_finish(op, status);
  weir__stream_idle(stream);
}
