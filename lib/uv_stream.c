/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_backend.h"

#include <assert.h>

#include "os.h"

/* The kind of the libuv backend's streams. */

static_assert(sizeof(weir__uv_t) <= WEIR_STREAM_ROOM &&
                  _Alignof(weir__uv_t) <= _Alignof(uint64_t),
              "the state of a stream fits in it");

int weir__uv_fileno(const weir_stream_t *stream, uv_os_fd_t *fd) {
  return uv_fileno(stream->impl, fd);
}

static void set_flag(weir__uv_t *uv, int flag, int on) {
  uv->flags = on ? uv->flags | flag : uv->flags & ~flag;
}

static size_t total(const uv_buf_t *bufs, unsigned nbufs) {
  size_t sum = 0;
  for (unsigned i = 0; i < nbufs; i++)
    sum += bufs[i].len;
  return sum;
}

/* ---- Transfers ---- */

enum { READS_AT_ONCE = 16 };

static int read_now(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                    size_t *n) {
  weir__uv_t *uv = weir__uv(stream);
  uv_os_fd_t fd;
  int r = weir__uv_fileno(stream, &fd);
  if (r != 0)
    return r;
  stream->loop->stats.syscalls++;
  r = weir__os_read(fd, uv->flags & WEIR__UV_SOCKET, bufs, nbufs, n);
  set_flag(uv, WEIR__UV_READ_MORE, r == 0 && *n == total(bufs, nbufs));
  return r;
}

static int try_write(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  weir__uv_t *uv = weir__uv(stream);
  uv_os_fd_t fd;
  int r = weir__uv_fileno(stream, &fd);
  if (r != 0)
    return r;
  stream->loop->stats.syscalls++;
  r = weir__os_write(fd, uv->flags & WEIR__UV_SOCKET,
                     weir__more_follows(stream), bufs, nbufs, n);
  set_flag(uv, WEIR__UV_WRITE_FULL, r == 0 && *n < total(bufs, nbufs));
  return r;
}

static int write_now(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  int r = try_write(stream, bufs, nbufs, n);
  return r == UV_ENOBUFS ? UV_EAGAIN : r;
}

/* What cannot be watched, a regular file, is always ready. What can is waited
 * for now and then though there is more: else nobody would see in the meantime
 * that another stream has become writable. */
static int read_some(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  weir__uv_t *uv = weir__uv(stream);
  int r = UV_EAGAIN;
  if ((uv->flags & WEIR__UV_READ_MORE) != 0 && uv->reads++ < READS_AT_ONCE)
    r = read_now(stream, bufs, nbufs, n);
  else
    uv->reads = 0;
  if (r == UV_EAGAIN)
    r = weir__uv_await(stream, UV_READABLE);
  return r == UV_EPERM ? read_now(stream, bufs, nbufs, n) : r;
}

/* Whether r, the answer of a descriptor that was called ready, shows for the
 * second time in a row that it was not: then waiting would be a spin, and the
 * core is to ask again after a pause. */
static int in_vain(weir__uv_t *uv, int flag, int r) {
  int again = r == UV_EAGAIN && (uv->flags & flag) != 0;
  set_flag(uv, flag, r == UV_EAGAIN);
  return again;
}

static int write_some(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  weir__uv_t *uv = weir__uv(stream);
  int r = UV_EAGAIN;
  if ((uv->flags & WEIR__UV_WRITE_FULL) == 0)
    r = try_write(stream, bufs, nbufs, n);
  if ((uv->flags & WEIR__UV_WRITE_READY) != 0) {
    set_flag(uv, WEIR__UV_WRITE_READY, 0);
    if (in_vain(uv, WEIR__UV_WRITE_VAIN, r))
      return UV_EBUSY;
  }
  if (r == UV_EAGAIN)
    r = weir__uv_await(stream, UV_WRITABLE);
  if (r == UV_EPERM)
    r = try_write(stream, bufs, nbufs, n);
  /* The socket may well be writable while the system is out of buffers. */
  return r == UV_ENOBUFS ? UV_EBUSY : r;
}

static void end_read(weir_stream_t *stream, int status) {
  weir__uv_t *uv = weir__uv(stream);
  if ((uv->wants & UV_READABLE) == 0)
    return;
  uv->wants &= ~UV_READABLE;
  weir_stream_read_done(stream, status, 0);
}

static void end_write(weir_stream_t *stream, int status) {
  weir__uv_t *uv = weir__uv(stream);
  if ((uv->wants & UV_WRITABLE) == 0)
    return;
  uv->wants &= ~UV_WRITABLE;
  weir_stream_write_done(stream, status, 0);
}

void weir__uv_end(weir_stream_t *stream, int status) {
  weir__uv_end_net(stream, status);
  end_read(stream, status);
  end_write(stream, status);
}

static int cancel_read(weir_stream_t *stream) {
  end_read(stream, UV_ECANCELED);
  return 0;
}

static int cancel_write(weir_stream_t *stream) {
  end_write(stream, UV_ECANCELED);
  return 0;
}

static int shut_down(weir_stream_t *stream) {
  uv_os_fd_t fd;
  int r = weir__uv_fileno(stream, &fd);
  if (r != 0)
    return r;
  stream->loop->stats.syscalls++;
  return weir__os_shutdown(fd);
}

/* ---- Readiness ---- */

/* The descriptor can be read: reads into what is wanted now. */
static void read_ready(weir_stream_t *stream) {
  weir__uv_t *uv = weir__uv(stream);
  uv_buf_t bufs[WEIR_WINDOW];
  size_t n = 0;
  unsigned nbufs = weir_stream_read_window(stream, bufs);
  int r = nbufs > 0 ? read_now(stream, bufs, nbufs, &n) : UV_EAGAIN;
  if (in_vain(uv, WEIR__UV_READ_VAIN, r))
    r = UV_EBUSY;
  if (r == UV_EAGAIN && nbufs > 0)
    return;
  uv->wants &= ~UV_READABLE;
  weir_stream_read_done(stream, r, n);
}

/* The descriptor can be written: the core starts the write again, with a
 * window that holds what was queued meanwhile. */
static void write_ready(weir_stream_t *stream) {
  set_flag(weir__uv(stream), WEIR__UV_WRITE_FULL, 0);
  set_flag(weir__uv(stream), WEIR__UV_WRITE_READY, 1);
  end_write(stream, UV_EAGAIN);
}

static int watch(weir_stream_t *stream, int events);

static void on_poll(uv_poll_t *poll, int status, int events) {
  weir_stream_t *stream = poll->data;
  weir__uv_t *uv = weir__uv(stream);
  int watched = uv->polled;
  if (weir__loop_foreign(stream->loop)) {
    uv->polled = 0;
    uv_poll_stop(poll);
    return;
  }
  /* After an error libuv has stopped the handle; the transfer will tell which
   * error it was. */
  if (status < 0) {
    events = watched;
    uv->polled = 0;
  }
  /* Stopping is lazy: only what fires with nobody waiting is not watched any
   * more, since stop and start for each request would cost two system calls. */
  int keep = watched & ~(events & ~uv->wants);
  if ((events & uv->wants & UV_WRITABLE) != 0)
    write_ready(stream);
  if ((events & uv->wants & UV_READABLE) != 0) {
    if ((uv->flags & WEIR__UV_LISTENING) != 0)
      weir__uv_accept_ready(stream);
    else
      read_ready(stream);
  }
  if (status < 0)
    keep = uv->wants;
  int r = watch(stream, keep);
  if (r != 0)
    weir__uv_end(stream, r);
}

static int poll_open(weir_stream_t *stream) {
  weir__uv_t *uv = weir__uv(stream);
  uv_os_fd_t fd;
  if ((uv->flags & WEIR__UV_POLL) != 0)
    return 0;
  int r = weir__uv_fileno(stream, &fd);
  if (r == 0)
    r = uv_poll_init(stream->loop->uv, &uv->u.poll, fd);
  if (r != 0)
    return r;
  uv_unref((uv_handle_t *)&uv->u.poll);
  uv->u.poll.data = stream;
  uv->flags |= WEIR__UV_POLL;
  return 0;
}

static int watch(weir_stream_t *stream, int events) {
  weir__uv_t *uv = weir__uv(stream);
  if (events == uv->polled)
    return 0;
  int r = poll_open(stream);
  if (r != 0)
    return r;
  if (uv_is_closing((uv_handle_t *)&uv->u.poll))
    return UV_ECANCELED;
  r = events != 0 ? uv_poll_start(&uv->u.poll, events, on_poll)
                  : uv_poll_stop(&uv->u.poll);
  if (r == 0)
    uv->polled = events;
  return r;
}

/* A poll handle would not mind that the descriptor is closed; libuv's poll
 * would. */
int weir__uv_await(weir_stream_t *stream, int event) {
  weir__uv_t *uv = weir__uv(stream);
  uv_os_fd_t fd;
  int r = weir__uv_fileno(stream, &fd);
  if (r == 0)
    r = watch(stream, uv->polled | event);
  if (r != 0)
    return r;
  uv->wants |= event;
  return WEIR_PENDING;
}

void weir__uv_unwatch(weir_stream_t *stream) {
  weir__uv_t *uv = weir__uv(stream);
  uv_handle_t *poll = (uv_handle_t *)&uv->u.poll;
  if ((uv->flags & WEIR__UV_POLL) != 0 && !uv_is_closing(poll))
    uv_close(poll, NULL);
  uv->polled = 0;
}

/* ---- The end ---- */

static void closed_one(weir_stream_t *stream) {
  if (--weir__uv(stream)->closing == 0)
    weir_stream_close_done(stream);
}

static void on_closed(uv_handle_t *handle) {
  closed_one(handle->data);
}

static void on_settled(void *stream) {
  closed_one(stream);
}

/* A handle that the application has closed, or that is the application's,
 * cannot tell us when libuv is done with it. */
static void close_stream(weir_stream_t *stream) {
  weir__uv_t *uv = weir__uv(stream);
  uv_handle_t *poll = (uv_handle_t *)&uv->u.poll;
  uv_handle_t *handle = stream->impl;
  int adopted = uv->flags & WEIR__UV_ADOPTED;
  int settle = adopted;
  /* The poll handle first, while the descriptor is open. */
  if ((uv->flags & WEIR__UV_POLL) != 0) {
    if (uv_is_closing(poll)) {
      settle = 1;
    } else {
      uv->closing++;
      uv_close(poll, on_closed);
    }
  }
  if (adopted) {
    weir__adopted_close(stream->impl);
  } else if (uv_is_closing(handle)) {
    settle = 1;
  } else {
    uv->closing++;
    uv_close(handle, on_closed);
  }
  if (settle) {
    uv->closing++;
    weir__settle(stream->loop->uv, &uv->ends.settle, on_settled, stream);
  }
}

void weir__uv_abandon_streams(weir_loop_t *loop, int status) {
  weir_stream_t *s = NULL;
  while ((s = weir__stream_next(loop, s)) != NULL)
    if (s->kind == &weir__uv_kind)
      weir__uv_end(s, status);
}

const weir_stream_kind_t weir__uv_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "libuv",
    .read_some = read_some,
    .write_some = write_some,
    .read_now = read_now,
    .write_now = write_now,
    .cancel_read = cancel_read,
    .cancel_write = cancel_write,
    .shutdown = shut_down,
    .close = close_stream,
    .fileno = weir__uv_fileno,
};
