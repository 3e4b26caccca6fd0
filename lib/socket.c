/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "os.h"
#include "queue.h"
#include "stream.h"

/* How sockets become streams: bind, listen, accept, connect. */

static const weir__net_t *net(const weir_stream_t *stream) {
  return stream->loop->backend->net;
}

static int init(weir_loop_t *loop, weir_stream_t *stream, uv_handle_type type) {
  if (loop == NULL || stream == NULL)
    return UV_EINVAL;
  int r = weir__loop_check(loop);
  if (r != 0)
    return r;
  weir__stream_prepare(loop, stream);
  stream->type = (int)type;
  r = net(stream)->init(stream, type);
  if (r == 0)
    weir__stream_open(stream);
  return r;
}

int weir_tcp_init(weir_loop_t *loop, weir_stream_t *stream) {
  return init(loop, stream, UV_TCP);
}

int weir_pipe_init(weir_loop_t *loop, weir_stream_t *stream) {
  return init(loop, stream, UV_NAMED_PIPE);
}

/* 0 if stream is of the given type and was not given a role yet. */
static int unused(const weir_stream_t *stream, uv_handle_type type) {
  if ((stream->state & WEIR__CLOSING) != 0)
    return UV_EBADF;
  int r = weir__loop_check(stream->loop);
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

static int open_fd(weir_stream_t *stream, uv_handle_type type,
                   uv_os_sock_t fd) {
  if (stream == NULL)
    return UV_EINVAL;
  int r = unused(stream, type);
  if (r == UV_EISCONN || r == UV_EALREADY)
    r = UV_EBUSY;
  if (r == 0)
    r = net(stream)->open(stream, fd);
  if (r == 0)
    stream->state |= WEIR__CONNECTED;
  return r;
}

int weir_tcp_open(weir_stream_t *stream, uv_os_sock_t socket) {
  return open_fd(stream, UV_TCP, socket);
}

int weir_pipe_open(weir_stream_t *stream, uv_file file) {
  return open_fd(stream, UV_NAMED_PIPE, (uv_os_sock_t)file);
}

int weir_tcp_bind(weir_stream_t *stream, const struct sockaddr *addr,
                  unsigned flags) {
  if (stream == NULL || addr == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_TCP);
  return r != 0 ? r : net(stream)->bind(stream, addr, flags);
}

int weir_pipe_bind(weir_stream_t *stream, const char *name) {
  if (stream == NULL || name == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_NAMED_PIPE);
  if (r == 0)
    r = weir__os_check_path(name);
  return r != 0 ? r : net(stream)->bind_path(stream, name);
}

int weir_listen(weir_stream_t *stream, int backlog) {
  if (stream == NULL)
    return UV_EINVAL;
  int r = unused(stream, (uv_handle_type)stream->type);
  /* A socket that was opened need not be connected; the system knows. */
  if (r == UV_EISCONN && stream->type != 0 && stream->reader == NULL &&
      weir__queue_empty(&stream->writes))
    r = 0;
  if (r == 0)
    r = net(stream)->listen(stream, backlog);
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
    weir__stream_want(op->owner, WEIR__WANT_CANCEL_NET);
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
  if ((listener->state & WEIR__CLOSING) != 0)
    return UV_EBADF;
  int r = weir__loop_check(listener->loop);
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
  if (op == NULL || (listener->state & WEIR__NET_BUSY) != 0)
    return 0;
  listener->state |= WEIR__NET_BUSY;
  op->state = WEIR__OP_STARTED;
  int r = net(listener)->accept(listener, *client_of(op));
  if (r == WEIR_PENDING)
    return 0;
  if (r == UV_EBUSY) {
    listener->state &= ~WEIR__NET_BUSY;
    op->state = WEIR__OP_QUEUED;
    return UV_EBUSY;
  }
  weir__accept_done(listener, r);
  return 0;
}

void weir__accept_done(weir_stream_t *listener, int status) {
  weir_op_t *op = weir__write_head(listener);
  if ((listener->state & WEIR__NET_BUSY) == 0)
    return;
  listener->state &= ~WEIR__NET_BUSY;
  if (status == UV_EAGAIN && !weir__op_ending(op)) {
    op->state = WEIR__OP_QUEUED;
  } else {
    if (status == 0) {
      weir_stream_t *client = *client_of(op);
      client->state |= WEIR__CONNECTED;
      weir__stream_open(client);
    }
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

int weir_tcp_connect(weir_op_t *op, weir_stream_t *stream,
                     const struct sockaddr *addr, weir_op_cb cb) {
  if (op == NULL || stream == NULL || addr == NULL || cb == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_TCP);
  if (r != 0)
    return r;
  if (addr->sa_family == AF_INET)
    memcpy(weir__peer(stream), addr, sizeof(struct sockaddr_in));
  else if (addr->sa_family == AF_INET6)
    memcpy(weir__peer(stream), addr, sizeof(struct sockaddr_in6));
  else
    return UV_EINVAL;
  return connect_begin(op, stream, cb);
}

int weir_pipe_connect(weir_op_t *op, weir_stream_t *stream, const char *name,
                      weir_op_cb cb) {
  if (op == NULL || stream == NULL || name == NULL || cb == NULL)
    return UV_EINVAL;
  int r = unused(stream, UV_NAMED_PIPE);
  if (r == 0)
    r = weir__os_check_path(name);
  if (r != 0)
    return r;
  memcpy(weir__peer(stream)->path, name, strlen(name) + 1);
  return connect_begin(op, stream, cb);
}

int weir__connect_start(weir_stream_t *stream) {
  weir_op_t *op = weir__write_head(stream);
  if (op == NULL || (stream->state & WEIR__NET_BUSY) != 0)
    return 0;
  stream->state |= WEIR__NET_BUSY;
  op->state = WEIR__OP_STARTED;
  int r = net(stream)->connect(stream);
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
