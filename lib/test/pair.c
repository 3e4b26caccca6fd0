/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include <weir/loop.h>
#include <weir/test.h>

/* Two streams in memory, with a ring for each direction between them. A
 * transfer that has to wait ends with UV_EAGAIN, in a later turn of the loop,
 * as soon as it would find something: it is then asked for anew. */

typedef struct end_s {
  struct pair_s *pair;
  struct end_s *peer;
  weir_stream_t *stream;
  /* What was written here and not read by the peer. */
  char *ring;
  size_t first;
  size_t size;
  int reading; /* a read waits */
  int writing; /* a write waits */
  int shut;    /* no more will be written here */
  int closed;
} end_t;

typedef struct pair_s {
  uv_idle_t idle;
  size_t capacity;
  end_t ends[2];
} pair_t;

static int readable(const end_t *end) {
  return end->peer->size > 0 || end->peer->shut;
}

static int writable(const end_t *end) {
  return end->size < end->pair->capacity || end->peer->closed;
}

static void on_idle(uv_idle_t *idle) {
  pair_t *pair = idle->data;
  uv_idle_stop(idle);
  for (end_t *end = pair->ends; end < pair->ends + 2; end++) {
    if (end->reading && readable(end)) {
      end->reading = 0;
      weir_stream_read_done(end->stream, UV_EAGAIN, 0);
    }
    if (end->writing && writable(end)) {
      end->writing = 0;
      weir_stream_write_done(end->stream, UV_EAGAIN, 0);
    }
  }
}

/* What waits at the other end may go on. */
static void wake(end_t *end) {
  uv_idle_t *idle = &end->pair->idle;
  if ((end->peer->reading || end->peer->writing) &&
      !uv_is_closing((uv_handle_t *)idle))
    uv_idle_start(idle, on_idle);
}

static int pair_read_now(weir_stream_t *stream, const uv_buf_t *bufs,
                         unsigned nbufs, size_t *n) {
  end_t *end = weir_stream_impl(stream);
  end_t *from = end->peer;
  size_t capacity = end->pair->capacity;
  if (from->size == 0)
    return from->shut ? UV_EOF : UV_EAGAIN;
  weir_seq_t held =
      weir_seq_ring(from->ring, capacity, from->first, from->size);
  *n = weir_seq_copy(weir_mseq_bufs(bufs, nbufs), held, SIZE_MAX);
  from->first = (from->first + *n) % capacity;
  from->size -= *n;
  wake(end);
  return 0;
}

static int pair_write_now(weir_stream_t *stream, const uv_buf_t *bufs,
                          unsigned nbufs, size_t *n) {
  end_t *end = weir_stream_impl(stream);
  size_t capacity = end->pair->capacity;
  if (end->peer->closed)
    return UV_EPIPE;
  if (end->size == capacity)
    return UV_EAGAIN;
  weir_mseq_t room =
      weir_mseq_ring(end->ring, capacity, (end->first + end->size) % capacity,
                     capacity - end->size);
  *n = weir_seq_copy(room, weir_seq_bufs(bufs, nbufs), SIZE_MAX);
  end->size += *n;
  wake(end);
  return 0;
}

static int pair_read(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  end_t *end = weir_stream_impl(stream);
  int r = pair_read_now(stream, bufs, nbufs, n);
  if (r != UV_EAGAIN)
    return r;
  end->reading = 1;
  return WEIR_PENDING;
}

static int pair_write(weir_stream_t *stream, const uv_buf_t *bufs,
                      unsigned nbufs, size_t *n) {
  end_t *end = weir_stream_impl(stream);
  int r = pair_write_now(stream, bufs, nbufs, n);
  if (r != UV_EAGAIN)
    return r;
  end->writing = 1;
  return WEIR_PENDING;
}

static int pair_cancel_read(weir_stream_t *stream) {
  end_t *end = weir_stream_impl(stream);
  if (end->reading) {
    end->reading = 0;
    weir_stream_read_done(stream, UV_ECANCELED, 0);
  }
  return 0;
}

static int pair_cancel_write(weir_stream_t *stream) {
  end_t *end = weir_stream_impl(stream);
  if (end->writing) {
    end->writing = 0;
    weir_stream_write_done(stream, UV_ECANCELED, 0);
  }
  return 0;
}

static int pair_shutdown(weir_stream_t *stream) {
  end_t *end = weir_stream_impl(stream);
  end->shut = 1;
  wake(end);
  return 0;
}

static void pair_free(pair_t *pair) {
  free(pair->ends[0].ring);
  free(pair->ends[1].ring);
  free(pair);
}

/* Both ends are closed; the loop's handle goes with the second. */
static void on_closed(uv_handle_t *handle) {
  pair_t *pair = handle->data;
  weir_stream_t *last = pair->ends[0].stream;
  if (last == NULL)
    last = pair->ends[1].stream;
  if (last != NULL)
    weir_stream_close_done(last);
  pair_free(pair);
}

static void pair_close(weir_stream_t *stream) {
  end_t *end = weir_stream_impl(stream);
  uv_handle_t *idle = (uv_handle_t *)&end->pair->idle;
  end->shut = 1;
  end->closed = 1;
  wake(end);
  if (end->peer->closed && !uv_is_closing(idle)) {
    uv_close(idle, on_closed);
    return;
  }
  end->stream = NULL;
  weir_stream_close_done(stream);
}

static const weir_stream_kind_t pair_kind = {.size = sizeof(weir_stream_kind_t),
                                             .name = "test pair",
                                             .read_some = pair_read,
                                             .write_some = pair_write,
                                             .read_now = pair_read_now,
                                             .write_now = pair_write_now,
                                             .cancel_read = pair_cancel_read,
                                             .cancel_write = pair_cancel_write,
                                             .shutdown = pair_shutdown,
                                             .close = pair_close};

/* The second of two streams cannot fail where the first did not. */
static int streams_init(weir_loop_t *loop, weir_stream_t *a, weir_stream_t *b,
                        pair_t *pair) {
  int r = weir_stream_init(loop, a, &pair_kind, &pair->ends[0]);
  return r != 0 ? r : weir_stream_init(loop, b, &pair_kind, &pair->ends[1]);
}

int weir_test_pair(weir_loop_t *loop, weir_stream_t *a, weir_stream_t *b,
                   size_t capacity) {
  if (loop == NULL || a == NULL || b == NULL || a == b || capacity == 0)
    return UV_EINVAL;
  pair_t *pair = calloc(1, sizeof(*pair));
  if (pair == NULL)
    return UV_ENOMEM;
  pair->capacity = capacity;
  for (int i = 0; i < 2; i++) {
    pair->ends[i].pair = pair;
    pair->ends[i].peer = &pair->ends[1 - i];
    pair->ends[i].ring = malloc(capacity);
  }
  int r = UV_ENOMEM;
  if (pair->ends[0].ring != NULL && pair->ends[1].ring != NULL)
    r = streams_init(loop, a, b, pair);
  if (r != 0) {
    pair_free(pair);
    return r;
  }
  pair->ends[0].stream = a;
  pair->ends[1].stream = b;
  uv_idle_init(weir_loop_uv(loop), &pair->idle);
  uv_unref((uv_handle_t *)&pair->idle);
  pair->idle.data = pair;
  return 0;
}
