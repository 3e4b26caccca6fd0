/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_backend.h"

#include "os.h"

/* How the libuv backend's streams get their descriptors. */

static int init(weir_stream_t *stream, uv_handle_type type) {
  uv_loop_t *loop = stream->loop->uv;
  weir__uv_t *uv = weir__uv(stream);
  *uv = (weir__uv_t){0};
  int r = type == UV_TCP ? uv_tcp_init(loop, &uv->uv.tcp)
                         : uv_pipe_init(loop, &uv->uv.pipe, 0);
  if (r != 0)
    return r;
  uv_unref(&uv->uv.handle);
  uv->uv.handle.data = stream;
  stream->kind = &weir__uv_kind;
  stream->impl = &uv->uv.stream;
  return 0;
}

static int open_fd(weir_stream_t *stream, uv_os_sock_t fd, int is_socket) {
  weir__uv_t *uv = weir__uv(stream);
  int r;
  if (uv->uv.handle.type == UV_TCP)
    r = uv_tcp_open(&uv->uv.tcp, fd);
  else
    r = uv_pipe_open(&uv->uv.pipe, (uv_file)fd);
  if (r == 0 && is_socket)
    uv->flags |= WEIR__UV_SOCKET;
  return r;
}

/* libuv takes any descriptor for TCP. */
static int open_given(weir_stream_t *stream, uv_os_sock_t fd) {
  int r = weir__os_check_socket((uv_os_fd_t)fd);
  if (r != 0 && weir__uv(stream)->uv.handle.type == UV_TCP)
    return r;
  return open_fd(stream, fd, r == 0);
}

static int adopt(weir_stream_t *stream, uv_stream_t *handle) {
  uv_os_fd_t fd;
  if (uv_fileno((uv_handle_t *)handle, &fd) != 0)
    return UV_ENOTCONN;
  uv_unref((uv_handle_t *)handle);
  stream->kind = &weir__uv_kind;
  stream->impl = handle;
  *weir__uv(stream) = (weir__uv_t){.flags = WEIR__UV_ADOPTED};
  if (weir__os_check_socket(fd) == 0)
    weir__uv(stream)->flags |= WEIR__UV_SOCKET;
  return 0;
}

static int lost(weir_stream_t *stream) {
  if (stream->kind != &weir__uv_kind ||
      (weir__uv(stream)->flags & WEIR__UV_ADOPTED) == 0 ||
      !uv_is_closing(stream->impl))
    return 0;
  weir__uv_unwatch(stream);
  return 1;
}

/* ---- Servers ---- */

static int bind_address(weir_stream_t *stream, const struct sockaddr *addr,
                        unsigned flags) {
  struct sockaddr_storage name;
  int len = sizeof(name);
  int r = uv_tcp_bind(&weir__uv(stream)->uv.tcp, addr, flags);
  if (r != 0)
    return r;
  /* libuv keeps UV_EADDRINUSE back until it is asked for something else. */
  return uv_tcp_getsockname(&weir__uv(stream)->uv.tcp, (struct sockaddr *)&name,
                            &len);
}

static int bind_path(weir_stream_t *stream, const char *name) {
  return uv_pipe_bind(&weir__uv(stream)->uv.pipe, name);
}

static int start_listening(weir_stream_t *stream, int backlog) {
  uv_os_fd_t fd;
  if (weir__uv_fileno(stream, &fd) != 0)
    return UV_EINVAL;
  int r = weir__os_listen(fd, backlog);
  if (r == 0)
    weir__uv(stream)->flags |= WEIR__UV_LISTENING;
  return r;
}

static int accept_now(weir_stream_t *listener, weir_stream_t *client) {
  weir__uv_t *uv = weir__uv(listener);
  uv_os_sock_t accepted;
  uv_os_fd_t fd;
  int r = weir__uv_fileno(listener, &fd);
  if (r != 0)
    return r;
  listener->loop->stats.syscalls++;
  r = weir__os_accept(fd, &accepted);
  uv->flags &= ~WEIR__UV_READ_MORE;
  if (r != 0)
    return r;
  uv->flags |= WEIR__UV_READ_MORE;
  weir__stream_prepare(listener->loop, client);
  init(client, weir__uv(listener)->uv.handle.type);
  /* It fails only if the application closed a descriptor behind libuv's back
   * and the number came back; client then has none, which its operations tell.
   */
  if (open_fd(client, accepted, 1) != 0)
    weir__os_close((uv_os_fd_t)accepted);
  return 0;
}

/* Without a descriptor to be had an accept fails also when there is no
 * connection; it is told only when there is one. */
static int accept_next(weir_stream_t *listener, weir_stream_t *client) {
  int r = UV_EAGAIN;
  if ((weir__uv(listener)->flags & WEIR__UV_READ_MORE) != 0)
    r = accept_now(listener, client);
  if (r != UV_EAGAIN && r != UV_EMFILE && r != UV_ENFILE)
    return r;
  weir__uv(listener)->client = client;
  return weir__uv_await(listener, UV_READABLE);
}

void weir__uv_accept_ready(weir_stream_t *listener) {
  weir__uv_t *uv = weir__uv(listener);
  int r = accept_now(listener, uv->client);
  if (r == UV_EAGAIN)
    return;
  uv->wants &= ~UV_READABLE;
  uv->client = NULL;
  weir__accept_done(listener, r);
}

/* ---- Clients ---- */

static void on_connect(uv_connect_t *req, int status) {
  weir_stream_t *stream = req->data;
  weir__uv_t *uv = weir__uv(stream);
  if ((uv->flags & WEIR__UV_CONNECTING) == 0)
    return;
  uv->flags &= ~WEIR__UV_CONNECTING;
  uv->flags |= WEIR__UV_SOCKET;
  weir__connect_done(stream, status);
}

static int start_connect(weir_stream_t *stream) {
  weir__uv_t *uv = weir__uv(stream);
  int r = 0;
  uv->u.connect.data = stream;
  if (uv->uv.handle.type == UV_TCP)
    r = uv_tcp_connect(&uv->u.connect, &uv->uv.tcp, &uv->ends.peer.addr,
                       on_connect);
  else
    uv_pipe_connect(&uv->u.connect, &uv->uv.pipe, uv->ends.peer.path,
                    on_connect);
  if (r != 0)
    return r;
  uv->flags |= WEIR__UV_CONNECTING;
  return WEIR_PENDING;
}

/* A connect that was given up stays with libuv until the stream is closed. */
void weir__uv_end_net(weir_stream_t *stream, int status) {
  weir__uv_t *uv = weir__uv(stream);
  if ((uv->flags & WEIR__UV_CONNECTING) != 0) {
    uv->flags &= ~WEIR__UV_CONNECTING;
    weir__connect_done(stream, status);
  } else if (uv->client != NULL) {
    uv->client = NULL;
    uv->wants &= ~UV_READABLE;
    weir__accept_done(stream, status);
  }
}

static int cancel(weir_stream_t *stream) {
  weir__uv_end_net(stream, UV_ECANCELED);
  return 0;
}

const weir__net_t weir__uv_net = {
    .init = init,
    .open = open_given,
    .adopt = adopt,
    .lost = lost,
    .bind = bind_address,
    .bind_path = bind_path,
    .listen = start_listening,
    .connect = start_connect,
    .accept = accept_next,
    .cancel = cancel,
};
