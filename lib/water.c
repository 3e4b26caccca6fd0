/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/water.h>

#include "queue.h"
#include "stream.h"
#include "watch.h"

/* Water marks: a side of the marks that a stream is on, and the one that was
 * told last. */

static weir_water_t *of_watch(weir_watch_t *watch) {
  return (weir_water_t *)((uintptr_t)watch - offsetof(weir_water_t, watch));
}

/* A high mark that was crossed back meanwhile is told as the low one: the
 * program may have stopped by itself. */
static void notify(weir_news_t *news) {
  weir_water_t *water =
      (weir_water_t *)((uintptr_t)news - offsetof(weir_water_t, news));
  water->queued = 0;
  if (water->told_high && water->is_high)
    return;
  water->told_high = water->is_high;
  water->stream->loop->stats.callbacks++;
  water->cb(water, water->stream, water->is_high);
}

/* Holds the loop until it is told, as an operation does. */
static void queue(weir_water_t *water, weir_loop_t *loop) {
  water->queued = 1;
  weir__loop_ref(loop);
  weir__queue_push(&loop->news, &water->news.node);
  weir__loop_wake(loop);
}

static void look(weir_water_t *water, const weir_stream_t *stream) {
  if (stream->queued >= water->high)
    water->is_high = 1;
  else if (stream->queued <= water->low)
    water->is_high = 0;
  if (water->is_high != water->told_high && !water->queued)
    queue(water, stream->loop);
}

static void take_off(weir_water_t *water, weir_loop_t *loop) {
  weir__watch_remove(&water->watch);
  if (!water->queued)
    return;
  weir__queue_remove(&water->news.node);
  weir__loop_unref(loop);
}

static void told(weir_watch_t *watch, weir_stream_t *stream,
                 weir__tidings_t tidings) {
  weir_water_t *water = of_watch(watch);
  if (tidings == WEIR__CLOSES)
    take_off(water, stream->loop);
  else
    look(water, stream);
}

static const weir__watch_class_t water_class = {told};

/* Whether water is on the stream; else its memory may hold anything. */
static int is_on(const weir_stream_t *stream, const weir_water_t *water) {
  const weir_watch_t *watch = stream->watch;
  while (watch != NULL && watch != &water->watch)
    watch = watch->next;
  return watch != NULL;
}

static void put_on(weir_water_t *water, weir_stream_t *stream) {
  water->stream = stream;
  water->news.tell = notify;
  water->is_high = 0;
  water->told_high = 0;
  water->queued = 0;
  weir__watch_add(stream, &water->watch, &water_class);
}

int weir_stream_water(weir_stream_t *stream, weir_water_t *water, size_t high,
                      size_t low, weir_water_cb cb) {
  if (stream == NULL || water == NULL)
    return UV_EINVAL;
  if (cb == NULL) {
    if (is_on(stream, water))
      take_off(water, stream->loop);
    return 0;
  }
  if (low >= high)
    return UV_EINVAL;
  int r = weir__stream_check(stream);
  if (r != 0)
    return r;
  if (!is_on(stream, water))
    put_on(water, stream);
  water->high = high;
  water->low = low;
  water->cb = cb;
  look(water, stream);
  return 0;
}
