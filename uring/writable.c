/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

/* Waiting for room in a socket whose peer has ended its own side. A poll in the
 * ring reports that end (EPOLLRDHUP) whether asked for or not, and so ends at
 * once, for ever; a send that polls by itself does so too, until the kernel
 * gives it a thread to block in. libuv's poll reports what it was asked for. */

static void stop(weir_stream_t *stream) {
  weir__socket_t *sock = weir__socket(stream);

  sock->flags &= ~(unsigned)WEIR__SOCKET_WAITING;
  if (!uv_is_closing((uv_handle_t *)&sock->u.poll))
    uv_poll_stop(&sock->u.poll);
}

static void on_writable(uv_poll_t *poll, int status, int events) {
  weir_stream_t *stream = poll->data;

  (void)status;
  (void)events;
  stop(stream);
  /* After an error the next write tells which it was. */
  weir_stream_write_done(stream, UV_EAGAIN, 0);
}

static int open_poll(weir_stream_t *stream) {
  weir__socket_t *sock = weir__socket(stream);
  int rc;

  if (sock->flags & WEIR__SOCKET_POLL)
    return uv_is_closing((uv_handle_t *)&sock->u.poll) ? UV_ECANCELED : 0;
  rc = uv_poll_init(stream->loop->uv, &sock->u.poll, sock->fd);
  if (rc != 0)
    return rc;
  uv_unref((uv_handle_t *)&sock->u.poll);
  sock->u.poll.data = stream;
  sock->flags |= WEIR__SOCKET_POLL;
  return 0;
}

int weir__socket_await(weir_stream_t *stream) {
  weir__socket_t *sock = weir__socket(stream);
  int rc = open_poll(stream);

  if (rc == 0)
    rc = uv_poll_start(&sock->u.poll, UV_WRITABLE, on_writable);
  if (rc == 0)
    sock->flags |= WEIR__SOCKET_WAITING;
  return rc;
}

int weir__socket_unawait(weir_stream_t *stream, int status) {
  if (!(weir__socket(stream)->flags & WEIR__SOCKET_WAITING))
    return 0;
  stop(stream);
  weir_stream_write_done(stream, status, 0);
  return 1;
}

void weir__socket_unwatch(weir_stream_t *stream) {
  uv_handle_t *poll = (uv_handle_t *)&weir__socket(stream)->u.poll;

  if (weir__socket(stream)->flags & WEIR__SOCKET_POLL && !uv_is_closing(poll))
    uv_close(poll, NULL);
}
