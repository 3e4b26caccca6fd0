/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_backend.h"

#include <assert.h>

#include "os.h"
#include "uv_poll.h"

/* The kind of the libuv backend's streams. */

static_assert(sizeof(weir__uv_t) <= WEIR__OWN_MORE,
              "the state of a stream fits in it");

static void set_flag(weir__own_t *own, unsigned flag, int on) {
  own->flags = (own->flags & ~flag) | (on ? flag : 0);
}

/* Whether bufs have room for more than n bytes. */
static inline int exceed(const uv_buf_t *bufs, unsigned nbufs, size_t n) {
  size_t sum = bufs[0].len;
  for (unsigned i = 1; i < nbufs; i++)
    sum += bufs[i].len;
  return sum > n;
}

/* ---- Transfers ---- */

enum { READS_AT_ONCE = 16 };

static int read_now(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                    size_t *n) {
  int r = weir__own_read(stream, bufs, nbufs, n);
  set_flag(weir__own(stream), WEIR__UV_READ_MORE,
           r == 0 && !exceed(bufs, nbufs, *n));
  return r;
}

static int try_write(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  int r = weir__own_write(stream, bufs, nbufs, n);
  set_flag(weir__own(stream), WEIR__UV_WRITE_FULL,
           r == 0 && exceed(bufs, nbufs, *n));
  return r;
}

static int write_now(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  int r = try_write(stream, bufs, nbufs, n);
  return r == UV_ENOBUFS ? UV_EAGAIN : r;
}

/* Whether r, the answer of a descriptor that was called ready, shows for the
 * second time in a row that it was not: then waiting would be a spin, and the
 * core is to ask again after a pause. */
static int in_vain(weir__own_t *own, unsigned flag, int r) {
  int again = r == UV_EAGAIN && (own->flags & flag) != 0;
  set_flag(own, flag, r == UV_EAGAIN);
  return again;
}

/* The descriptor can be read: reads into what is wanted now. */
static void read_ready(weir_stream_t *stream, int status) {
  uv_buf_t bufs[WEIR_WINDOW];
  size_t n = 0;
  int r = status;
  if (r == 0) {
    unsigned nbufs = weir_stream_read_window(stream, bufs);
    r = nbufs > 0 ? read_now(stream, bufs, nbufs, &n) : UV_EAGAIN;
    if (in_vain(weir__own(stream), WEIR__UV_READ_VAIN, r))
      r = UV_EBUSY;
    else if (r == UV_EAGAIN && nbufs > 0)
      r = weir__poll_await(stream, UV_READABLE, read_ready);
  }
  if (r != WEIR_PENDING)
    weir_stream_read_done(stream, r, n);
}

/* What cannot be watched, a regular file, is always ready. What can is waited
 * for now and then though there is more: else nobody would see in the meantime
 * that another stream has become writable. */
static int read_some(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  weir__uv_t *uv = weir__uv(stream);
  int r = UV_EAGAIN;
  if ((weir__own(stream)->flags & WEIR__UV_READ_MORE) != 0 &&
      uv->reads++ < READS_AT_ONCE)
    r = read_now(stream, bufs, nbufs, n);
  else
    uv->reads = 0;
  if (r == UV_EAGAIN)
    r = weir__poll_await(stream, UV_READABLE, read_ready);
  return r == UV_EPERM ? read_now(stream, bufs, nbufs, n) : r;
}

static void await_over(weir_stream_t *stream, int status) {
  weir_stream_read_done(stream, status == 0 ? UV_EAGAIN : status, 0);
}

static int await(weir_stream_t *stream, int know) {
  weir__uv_t *uv = weir__uv(stream);
  if (!know && (weir__own(stream)->flags & WEIR__UV_READ_MORE) != 0 &&
      uv->reads++ < READS_AT_ONCE)
    return 0;
  uv->reads = 0;
  int r = weir__poll_await(stream, UV_READABLE, await_over);
  return r == UV_EPERM ? 0 : r;
}

/* The descriptor can be written: the core starts the write again, with a
 * window that holds what was queued meanwhile. */
static void write_ready(weir_stream_t *stream, int status) {
  if (status == 0) {
    set_flag(weir__own(stream), WEIR__UV_WRITE_FULL, 0);
    set_flag(weir__own(stream), WEIR__UV_WRITE_READY, 1);
    status = UV_EAGAIN;
  }
  weir_stream_write_done(stream, status, 0);
}

static int write_some(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  weir__own_t *own = weir__own(stream);
  int r = UV_EAGAIN;
  if ((own->flags & WEIR__UV_WRITE_FULL) == 0)
    r = try_write(stream, bufs, nbufs, n);
  if ((own->flags & WEIR__UV_WRITE_READY) != 0) {
    set_flag(own, WEIR__UV_WRITE_READY, 0);
    if (in_vain(own, WEIR__UV_WRITE_VAIN, r))
      return UV_EBUSY;
  }
  if (r == UV_EAGAIN)
    r = weir__poll_await(stream, UV_WRITABLE, write_ready);
  if (r == UV_EPERM)
    r = try_write(stream, bufs, nbufs, n);
  /* The socket may well be writable while the system is out of buffers. */
  return r == UV_ENOBUFS ? UV_EBUSY : r;
}

static int await_write(weir_stream_t *stream) {
  return weir__poll_await(stream, UV_WRITABLE, write_ready);
}

static int cancel_read(weir_stream_t *stream) {
  weir__poll_end(stream, UV_READABLE, UV_ECANCELED);
  return 0;
}

static int cancel_write(weir_stream_t *stream) {
  weir__poll_end(stream, UV_WRITABLE, UV_ECANCELED);
  return 0;
}

static int cancel_net(weir_stream_t *stream) {
  weir__poll_end(stream, UV_READABLE | UV_WRITABLE, UV_ECANCELED);
  return 0;
}

const weir__kind_t weir__uv_kind = {
    .base =
        {
            .size = sizeof(weir_stream_kind_t),
            .name = "libuv",
            .read_some = read_some,
            .write_some = write_some,
            .read_now = read_now,
            .write_now = write_now,
            .cancel_read = cancel_read,
            .cancel_write = cancel_write,
            .shutdown = weir__own_shutdown,
            .close = weir__own_close,
            .fileno = weir__own_fileno,
        },
    .nonblocking = 1,
    .await = await,
    .await_write = await_write,
    .connect = weir__uv_connect,
    .accept = weir__uv_accept,
    .cancel = cancel_net,
    .wait = weir__poll_wait,
    .unwait = weir__poll_unwait,
    .unwatch = weir__poll_close,
};
