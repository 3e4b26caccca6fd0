/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os_handle.h"
#include "stream.h"

/* The descriptor of a stream: its names, its settings and its end. */

void weir__own_init(weir_stream_t *stream, weir__fd_t fd, int is_socket) {
  const weir__backend_t *backend = stream->loop->backend;
  const weir__kind_t *kind = is_socket ? backend->sockets : backend->others;
  weir__own_t *own = weir__own(stream);
  stream->kind = &kind->base;
  own->fd = fd;
  own->flags = is_socket ? WEIR__OWN_SOCKET : 0;
}

int weir__own_fileno(const weir_stream_t *stream, uv_os_fd_t *fd) {
  weir__fd_t found = weir__own_fd(stream);
  if (found < 0)
    return (int)found;
  *fd = (uv_os_fd_t)found;
  return 0;
}

int weir__own_set_nonblocking(const weir_stream_t *stream) {
  if (weir__kind(stream) == NULL)
    return UV_ENOTSUP;
  weir__fd_t fd = weir__own_fd(stream);
  if (fd < 0)
    return (int)fd;
  stream->loop->stats.syscalls++;
  return weir__os_set_nonblocking(fd, 1);
}

static int name_of(const weir_stream_t *stream, struct sockaddr *addr, int *len,
                   int (*get)(weir__fd_t, struct sockaddr *, int *)) {
  weir__fd_t fd;
  int r = weir__stream_fd(stream, &fd);
  if (r == 0 && (addr == NULL || len == NULL))
    r = UV_EINVAL;
  return r != 0 ? r : get(fd, addr, len);
}

int weir_getsockname(const weir_stream_t *stream, struct sockaddr *addr,
                     int *len) {
  return name_of(stream, addr, len, weir__os_sockname);
}

int weir_getpeername(const weir_stream_t *stream, struct sockaddr *addr,
                     int *len) {
  return name_of(stream, addr, len, weir__os_peername);
}

weir__fd_t weir__own_give(weir_stream_t *stream) {
  weir__own_t *own = weir__own(stream);
  weir__fd_t fd = own->fd;
  weir__kind(stream)->unwatch(stream);
  own->fd = -1;
  return fd;
}

/* ---- The end ---- */

int weir__own_shutdown(weir_stream_t *stream) {
  weir__fd_t fd = weir__own_fd(stream);
  if (fd < 0)
    return (int)fd;
  stream->loop->stats.syscalls++;
  return weir__os_shutdown(fd);
}

/* The handle is nobody's any more: its owner's, if it is open. */
static void give_back(const weir_stream_t *stream) {
  const unsigned reffed = weir__own(stream)->flags & WEIR__OWN_REFFED;
  weir__os_handle_unmark(stream->impl);
  if ((stream->state & WEIR__RELEASED) != 0 && reffed != 0)
    uv_ref(stream->impl);
}

static int lends(const weir_stream_t *stream) {
  return stream->impl != NULL && weir__os_handle_owner(stream->impl) == stream;
}

/* Whether libuv is done with all handles. */
static int is_over(const weir_stream_t *stream) {
  const weir__own_t *own = weir__own(stream);
  unsigned closing = stream->loop->closing;
  return ((own->flags & WEIR__OWN_POLL) == 0 ||
          weir__settle_over((const uv_handle_t *)&own->u.poll, closing)) &&
         (!lends(stream) || weir__settle_over(stream->impl, closing));
}

static void on_settled(weir__settle_t *settle) {
  weir__own_t *own =
      (weir__own_t *)(void *)((char *)settle - offsetof(weir__own_t, ends));
  weir_stream_t *stream =
      (weir_stream_t *)(void *)((char *)own - offsetof(weir_stream_t, own));
  if (!is_over(stream)) {
    weir__settle_again(settle);
    return;
  }
  if (lends(stream))
    give_back(stream);
  weir_stream_close_done(stream);
}

/* Unless the application has, and perhaps has another in its place. */
static void close_handle(const weir_stream_t *stream) {
  if (weir__os_handle_owner(stream->impl) != stream ||
      (stream->state & WEIR__RELEASED) != 0)
    return;
  weir__os_handle_leave(stream->impl);
  if (!uv_is_closing(stream->impl))
    uv_close(stream->impl, NULL);
}

static void close_descriptor(weir_stream_t *stream) {
  weir__own_t *own = weir__own(stream);
  if ((own->flags & WEIR__OWN_BOUND) != 0) {
    stream->loop->stats.syscalls++;
    weir__os_unlink(own->ends.bound.path.bytes);
  }
  if (own->fd >= 0 && (own->flags & WEIR__OWN_STAYS) == 0) {
    stream->loop->stats.syscalls++;
    weir__os_close(own->fd);
  }
}

void weir__own_close(weir_stream_t *stream) {
  weir__own_t *own = weir__own(stream);
  /* The poll handle first, while the descriptor is open. */
  weir__kind(stream)->unwatch(stream);
  if (stream->impl != NULL)
    close_handle(stream);
  else
    close_descriptor(stream);
  if (stream->impl != NULL || (own->flags & WEIR__OWN_POLL) != 0)
    weir__settle(stream->loop->uv, &own->ends.settle, stream->loop, on_settled);
  else
    weir_stream_close_done(stream);
}
