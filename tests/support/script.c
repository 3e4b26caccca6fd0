/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "script.h"

#include <string.h>

#include "net.h"

static struct script *of(weir_stream_t *stream) {
  return weir_stream_impl(stream);
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t total(const uv_buf_t *bufs, unsigned nbufs) {
  size_t sum = 0;
  unsigned i;

  for (i = 0; i < nbufs; i++)
    sum += bufs[i].len;
  return sum;
}

/* Moves len bytes from the window to the sink. */
static void take(struct script *s, const uv_buf_t *bufs, unsigned nbufs,
                 size_t len) {
  unsigned i;

  for (i = 0; i < nbufs && len > 0; i++) {
    size_t n = smaller(bufs[i].len, len);

    if (s->written + n <= SCRIPT_SINK)
      memcpy(s->sink + s->written, bufs[i].base, n);
    s->written += n;
    len -= n;
  }
}

static size_t give(struct script *s, const uv_buf_t *bufs, unsigned nbufs,
                   size_t len) {
  size_t given = 0;
  unsigned i;

  for (i = 0; i < nbufs && given < len; i++) {
    size_t n = smaller(bufs[i].len, len - given);

    pattern_fill(bufs[i].base, s->read, n);
    s->read += n;
    given += n;
  }
  return given;
}

static int refuses(struct script *s) {
  if (s->mode != SCRIPT_BUSY_ONCE)
    return 0;
  s->refused = !s->refused;
  return s->refused;
}

static struct script_call *note_call(struct script *s, const uv_buf_t *bufs,
                                     unsigned nbufs) {
  struct script_call *call = &s->calls[s->write_calls % SCRIPT_CALLS];

  s->write_calls++;
  call->nbufs = nbufs;
  call->offered = total(bufs, nbufs);
  call->first = bufs[0].base;
  call->took = 0;
  return call;
}

static int write_some(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  struct script *s = of(stream);
  struct script_call *call;

  if (refuses(s))
    return UV_EBUSY;
  call = note_call(s, bufs, nbufs);
  if (s->write_calls == s->fail_write_at) {
    *n = 0;
    return s->write_error;
  }
  if (s->mode == SCRIPT_PENDING) {
    memcpy(s->window, bufs, nbufs * sizeof(*bufs));
    s->nwindow = nbufs;
    s->write_pending = 1;
    return WEIR_PENDING;
  }
  call->took = smaller(call->offered, s->write_cap ? s->write_cap : SIZE_MAX);
  take(s, bufs, nbufs, call->took);
  *n = call->took;
  return 0;
}

static int read_some(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  struct script *s = of(stream);
  size_t len = s->read_cap ? s->read_cap : SIZE_MAX;

  if (refuses(s))
    return UV_EBUSY;
  s->read_calls++;
  if (s->read_calls == s->fail_read_at) {
    *n = 0;
    return s->read_error;
  }
  if (s->mode == SCRIPT_PENDING) {
    s->read_pending = 1;
    return WEIR_PENDING;
  }
  if (s->read_end != 0) {
    if (s->read == s->read_end)
      return UV_EOF;
    len = smaller(len, s->read_end - s->read);
  }
  *n = give(s, bufs, nbufs, len);
  return 0;
}

static int cancel_read(weir_stream_t *stream) {
  struct script *s = of(stream);

  s->read_cancels++;
  if (s->read_pending)
    script_finish_read(s, UV_ECANCELED, 0);
  return 0;
}

static int cancel_write(weir_stream_t *stream) {
  struct script *s = of(stream);

  s->write_cancels++;
  if (s->write_pending)
    script_finish_write(s, UV_ECANCELED, 0);
  return 0;
}

static int shutdown_stream(weir_stream_t *stream) {
  struct script *s = of(stream);

  s->shutdowns++;
  return s->shutdown_error;
}

static void close_stream_of(weir_stream_t *stream) {
  weir_stream_close_done(stream);
}

void script_finish_write(struct script *s, int status, size_t len) {
  size_t n = 0;

  cr_assert(s->write_pending, "no write is pending");
  s->write_pending = 0;
  if (status == 0) {
    n = smaller(len, total(s->window, s->nwindow));
    take(s, s->window, s->nwindow, n);
    s->calls[(s->write_calls - 1) % SCRIPT_CALLS].took = n;
  }
  weir_stream_write_done(&s->stream, status, n);
}

void script_finish_read(struct script *s, int status, size_t len) {
  uv_buf_t window[WEIR_WINDOW];
  size_t n = 0;

  cr_assert(s->read_pending, "no read is pending");
  s->read_pending = 0;
  if (status == 0)
    n = give(s, window, weir_stream_read_window(&s->stream, window), len);
  weir_stream_read_done(&s->stream, status, n);
}

void script_open_on(weir_loop_t *loop, struct script *s) {
  memset(s, 0, sizeof(*s));
  s->kind.size = sizeof(s->kind);
  s->kind.name = "script";
  s->kind.read_some = read_some;
  s->kind.write_some = write_some;
  s->kind.cancel_read = cancel_read;
  s->kind.cancel_write = cancel_write;
  s->kind.shutdown = shutdown_stream;
  s->kind.close = close_stream_of;
  cr_assert(weir_stream_init(loop, &s->stream, &s->kind, s) == 0);
}

void script_open(struct weir_fixture *f, struct script *s) {
  script_open_on(f->loop, s);
}

void on_script_closed(weir_stream_t *stream) {
  of(stream)->closed++;
}

void script_close(struct weir_fixture *f, struct script *s) {
  check_is(weir_close(&s->stream, on_script_closed), 0);
  check_is(s->closed, 0);
  run_until(f, &s->closed);
  check_is(s->closed, 1);
}
