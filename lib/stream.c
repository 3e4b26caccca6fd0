/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "stream.h"

#include <assert.h>
#include <string.h>

#include "op.h"
#include "os.h"
#include "queue.h"

/* A stream: made, and queued whenever it wants something of its kind. */

static_assert(sizeof(weir_stream_t) - WEIR_STREAM_ROOM <= 168,
              "an idle stream costs little");
static_assert(sizeof(weir__own_t) <= sizeof(((weir_stream_t *)0)->own) &&
                  _Alignof(weir__own_t) <= _Alignof(uint64_t),
              "what a kind keeps of a stream fits in it");

void weir__stream_prepare(weir_loop_t *loop, weir_stream_t *stream) {
  void *data = stream->data;
  memset(stream, 0, sizeof(*stream));
  stream->data = data;
  stream->loop = loop;
  weir__queue_init(&stream->writes);
}

void weir__stream_open(weir_stream_t *stream) {
  weir__queue_push(&stream->loop->open, &stream->open);
}

/* Whether kind was compiled with a table of at least so many bytes. What it
 * need not have is looked for with this; the rest is there once a stream was
 * made of it. */
static int reaches(const weir_stream_kind_t *kind, size_t end) {
  return kind->size >= end;
}

int weir_stream_init(weir_loop_t *loop, weir_stream_t *stream,
                     const weir_stream_kind_t *kind, void *impl) {
  if (loop == NULL || stream == NULL || kind == NULL ||
      !reaches(kind, offsetof(weir_stream_kind_t, fileno)) ||
      kind->read_some == NULL || kind->write_some == NULL ||
      kind->cancel_read == NULL || kind->cancel_write == NULL ||
      kind->shutdown == NULL || kind->close == NULL)
    return UV_EINVAL;
  int r = weir__loop_check(loop);
  if (r != 0)
    return r;
  weir__stream_prepare(loop, stream);
  stream->kind = kind;
  stream->impl = impl;
  stream->state = WEIR__CONNECTED;
  weir__stream_open(stream);
  return 0;
}

void weir__stream_queue(weir_stream_t *stream, int wants) {
  int news = wants & ~stream->wants;
  /* What there was no room for is not asked again before the pause is over. */
  if ((stream->state & WEIR__DEFERRED) != 0) {
    if (news == 0)
      return;
    weir__queue_remove(&stream->node);
    stream->state &= ~WEIR__DEFERRED;
  }
  weir__stream_push_start(stream, wants);
  weir__loop_wake(stream->loop);
}

static void defer(weir_stream_t *stream) {
  stream->state |= WEIR__DEFERRED;
  weir__queue_push(&stream->loop->later, &stream->node);
  weir__loop_pause(stream->loop);
}

void weir__stream_want_later(weir_stream_t *stream, int wants) {
  stream->wants |= wants;
  if ((stream->state & (WEIR__QUEUED | WEIR__DEFERRED)) == 0)
    defer(stream);
}

/* Perhaps at once: nothing after it. */
static void close_start(weir_stream_t *stream) {
  stream->wants = 0;
  stream->state |= WEIR__CLOSE_BUSY;
  stream->kind->close(stream);
}

int weir__stream_go_on(weir_stream_t *stream, int refused) {
  if ((stream->wants & WEIR__WANT_CLOSE) != 0) {
    close_start(stream);
    return 0;
  }
  if ((stream->wants & ~refused) != 0) {
    weir__stream_want(stream, 0);
    return 0;
  }
  return refused;
}

int weir_is_closing(const weir_stream_t *stream) {
  return (stream->state & WEIR__CLOSING) != 0;
}

weir_loop_t *weir_stream_loop(const weir_stream_t *stream) {
  return stream->loop;
}

void *weir_stream_impl(const weir_stream_t *stream) {
  return stream->impl;
}

int weir_fileno(const weir_stream_t *stream, uv_os_fd_t *fd) {
  if (stream == NULL || fd == NULL)
    return UV_EINVAL;
  if ((stream->state & WEIR__CLOSE_BUSY) != 0)
    return UV_EBADF;
  const weir_stream_kind_t *kind = stream->kind;
  if (kind == NULL || !reaches(kind, sizeof(weir_stream_kind_t)) ||
      kind->fileno == NULL)
    return UV_ENOTSUP;
  return (kind->fileno)(stream, fd); /* which may be a macro */
}

int weir__stream_fd(const weir_stream_t *stream, weir__fd_t *fd) {
  uv_os_fd_t found;
  int r = weir_fileno(stream, &found);
  if (r == 0)
    *fd = (weir__fd_t)found;
  return r;
}

void weir__stream_push(weir_stream_t *stream) {
  weir__fd_t fd;
  stream->state &= ~WEIR__HELD;
  if (weir__stream_fd(stream, &fd) == 0) {
    stream->loop->stats.syscalls += 2;
    weir__os_push(fd);
  }
}
