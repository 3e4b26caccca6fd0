/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_backend.h"
#include "uv_poll.h"

/* What a socket waits for before it is a connection's. */

/* ---- Servers ---- */

static int accept_now(weir_stream_t *listener, weir__fd_t *fd) {
  weir__own_t *own = weir__own(listener);
  listener->loop->stats.syscalls++;
  int r = weir__os_accept(own->fd, fd);
  own->flags &= ~(unsigned)WEIR__UV_READ_MORE;
  if (r == 0)
    own->flags |= WEIR__UV_READ_MORE;
  return r;
}

static void accept_ready(weir_stream_t *listener, int status) {
  weir__fd_t fd = -1;
  int r = status != 0 ? status : accept_now(listener, &fd);
  if (r == UV_EAGAIN)
    r = weir__poll_await(listener, UV_READABLE, accept_ready);
  if (r != WEIR_PENDING)
    weir__accept_done(listener, r, fd);
}

/* Without a descriptor to be had an accept fails also when there is no
 * connection; it is told only when there is one. */
int weir__uv_accept(weir_stream_t *listener, weir__fd_t *fd) {
  int r = UV_EAGAIN;
  if ((weir__own(listener)->flags & WEIR__UV_READ_MORE) != 0)
    r = accept_now(listener, fd);
  if (r != UV_EAGAIN && r != UV_EMFILE && r != UV_ENFILE)
    return r;
  return weir__poll_await(listener, UV_READABLE, accept_ready);
}

/* ---- Clients ---- */

static void connect_ready(weir_stream_t *stream, int status) {
  if (status == 0) {
    stream->loop->stats.syscalls++;
    status = weir__os_error(weir__own(stream)->fd);
  }
  weir__connect_done(stream, status);
}

int weir__uv_connect(weir_stream_t *stream) {
  weir__own_t *own = weir__own(stream);
  stream->loop->stats.syscalls++;
  int r = weir__os_connect(own->fd, &own->u.peer.addr);
  return r == UV_EALREADY ? weir__poll_await(stream, UV_WRITABLE, connect_ready)
                          : r;
}
