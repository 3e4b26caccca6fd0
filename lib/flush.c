/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "loop.h"

#include "op.h"
#include "queue.h"
#include "stream.h"

/* What a turn of the loop does, and how much of it: as many starts as
 * callbacks, so that libuv's timers and handles get their turn under a flood,
 * and neither side keeps the other from its share. */

static const weir__source_t *const sources[] = {
    &weir__stream_source, &weir__file_source, &weir__alarm_source,
    &weir__post_source, &weir__shutdown_source};

/* All of them, and those without which no loop is. */
enum { SOURCES = sizeof(sources) / sizeof(sources[0]), USUAL = 3 };

static inline size_t in_use(const weir_loop_t *loop) {
  return (loop->flags & WEIR__LOOP_ERRANDS) != 0 ? SOURCES : USUAL;
}

/* After so many callbacks, what they began is started. */
enum { BATCH = 64 };

void weir__loop_turn(weir_loop_t *loop) {
  loop->starts_left = WEIR__LOOP_STARTS;
  loop->callbacks_left = WEIR__LOOP_CALLBACKS;
  loop->callbacks_before = loop->stats.callbacks;
}

/* A pause is over: all that there was no room for waits again. */
static void retry(weir_loop_t *loop) {
  loop->flags &= ~WEIR__LOOP_RETRY;
  for (size_t i = 0; i < SOURCES; i++)
    sources[i]->retry(loop);
}

int weir__loop_busy(const weir_loop_t *loop) {
  if (loop->due != loop->delivered || !weir__queue_empty(&loop->news))
    return 1;
  for (size_t i = 0, n = in_use(loop); i < n; i++)
    if (sources[i]->waits(loop))
      return 1;
  return 0;
}

int weir__loop_delivered(const weir_loop_t *loop) {
  return loop->stats.callbacks != loop->callbacks_before;
}

/* Gives everything that waits now one go. No source has more than half of what
 * is left while the next one waits. A kind may begin operations on files when
 * it is asked, which are starts of their own. */
static unsigned start(weir_loop_t *loop) {
  unsigned before = loop->starts_left;
  size_t count = in_use(loop);
  loop->flags |= WEIR__LOOP_STARTING;
  for (size_t i = 0; i < count; i++) {
    unsigned most = loop->starts_left;
    if (i + 1 < count && sources[i + 1]->waits(loop))
      most -= most / 2;
    unsigned n = sources[i]->start(loop, most);
    loop->starts_left -= n < loop->starts_left ? n : loop->starts_left;
  }
  loop->flags &= ~WEIR__LOOP_STARTING;
  return before - loop->starts_left;
}

static void deliver_close(weir_loop_t *loop) {
  weir_stream_t *stream = weir__stream_of(weir__queue_pop(&loop->closed));
  if (stream->close_cb != NULL) {
    loop->stats.callbacks++;
    stream->close_cb(stream);
  }
}

static inline void deliver_op(weir_loop_t *loop) {
  weir_op_t *op = weir__op_of(loop->done.next);
  weir__queue_remove(&op->node);
  loop->stats.callbacks++;
  op->state = WEIR__OP_OVER;
  op->cb(op, op->status, op->done);
}

/* Whether what is due next is the end of a stream. */
static inline int closes(const weir_loop_t *loop) {
  const weir_node_t *closed = loop->closed.next;
  return closed != &loop->closed &&
         weir__stream_of(closed)->due == loop->delivered;
}

/* How many callbacks are due now and may run: not those that come of them, so
 * that what they begin is started first, and reading never outruns writing. */
static unsigned batch(const weir_loop_t *loop) {
  uint64_t due = loop->due - loop->delivered;
  unsigned most = loop->callbacks_left < BATCH ? loop->callbacks_left : BATCH;
  return due < most ? (unsigned)due : most;
}

/* Runs so many callbacks, and tells how many. In a child that was forked by
 * one, nothing follows. */
static unsigned deliver(weir_loop_t *loop) {
  unsigned n = batch(loop);
  loop->callbacks_left -= n;
  for (unsigned i = 0; i < n; i++) {
    int is_close = closes(loop);
    loop->delivered++;
    weir__loop_unref(loop);
    if (is_close)
      deliver_close(loop);
    else
      deliver_op(loop);
    if (weir__loop_foreign(loop))
      return 0;
  }
  if (n > 0)
    weir__adopted_closed(loop->uv);
  return n;
}

/* Tells what is to be told besides, in the same way. */
static unsigned notify(weir_loop_t *loop) {
  unsigned n = 0;
  weir_node_t *node;
  while (n < BATCH && loop->callbacks_left > 0 && !weir__loop_foreign(loop) &&
         (node = weir__queue_pop(&loop->news)) != NULL) {
    weir_news_t *news = (weir_news_t *)node;
    n++;
    loop->callbacks_left--;
    weir__loop_unref(loop);
    news->tell(news);
  }
  return n;
}

void weir__loop_run(weir_loop_t *loop) {
  unsigned done;
  if ((loop->flags & WEIR__LOOP_DELIVERING) != 0 || weir__loop_foreign(loop))
    return;
  loop->flags |= WEIR__LOOP_DELIVERING;
  if ((loop->flags & WEIR__LOOP_RETRY) != 0)
    retry(loop);
  do {
    done = start(loop);
    done += deliver(loop);
    done += notify(loop);
  } while (done > 0 && !weir__loop_foreign(loop));
  loop->flags &= ~WEIR__LOOP_DELIVERING;
}
