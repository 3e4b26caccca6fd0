/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "backend.h"
#include "queue.h"

/* The end of all that a loop has, one sort of thing after the other. A step is
 * due when nothing but the shutdown itself is outstanding. The callbacks of
 * operations come first, since a program may close its streams in them. */

/* A kind of the application's own may stand on another stream, which is older,
 * and which it closes itself. */
static weir_stream_t *newest_foreign(const weir_loop_t *loop) {
  const weir_node_t *node = loop->open.prev;
  for (; node != &loop->open; node = node->prev) {
    weir_stream_t *stream =
        (weir_stream_t *)((uintptr_t)node - offsetof(weir_stream_t, open));
    if (weir__kind(stream) == NULL)
      return stream;
  }
  return NULL;
}

/* Those of other kinds one by one, then as many as a turn may. */
static unsigned close_streams(weir_loop_t *loop, unsigned most) {
  weir_stream_t *stream = newest_foreign(loop);
  unsigned n = 0;
  if (stream != NULL) {
    weir_close(stream, loop->stream_cb);
    return 1;
  }
  while (n < most && (stream = weir__stream_next(loop, stream)) != NULL) {
    weir_close(stream, loop->stream_cb);
    n++;
  }
  return n;
}

static void leave(weir_loop_t *loop) {
  weir__pools_drop(loop);
  loop->flags &= ~WEIR__LOOP_SHUTTING;
  weir__loop_unref(loop);
  if (weir_loop_detach(loop, loop->detach_cb) == 0)
    return;
  weir__loop_ref(loop);
  loop->flags |= WEIR__LOOP_SHUTTING;
}

static int waits(const weir_loop_t *loop) {
  return (loop->flags & WEIR__LOOP_SHUTTING) != 0 && loop->active == 1 &&
         loop->unheld == 0;
}

static unsigned start(weir_loop_t *loop, unsigned most) {
  if (most == 0 || !waits(loop))
    return 0;
  if (!weir__queue_empty(&loop->open))
    return close_streams(loop, most);
  leave(loop);
  return 1;
}

static void retry(weir_loop_t *loop) {
  (void)loop;
}

const weir__source_t weir__shutdown_source = {waits, start, retry};
