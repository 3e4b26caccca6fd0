/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "queue.h"
#include "stream.h"

/* What streams want is done at the next flush. */

typedef struct step_s {
  int want;
  int (*start)(weir_stream_t *stream);
} step_t;

/* What a stream may want, in the order in which it is done. */
static const step_t steps[] = {
    {WEIR__WANT_CANCEL_READ, weir__cancel_read_start},
    {WEIR__WANT_CANCEL_WRITE, weir__cancel_write_start},
    {WEIR__WANT_CANCEL_NET, weir__cancel_net_start},
    {WEIR__WANT_WAIT, weir__wait_start},
    {WEIR__WANT_CONNECT, weir__connect_start},
    {WEIR__WANT_ACCEPT, weir__accept_start},
    {WEIR__WANT_WRITE, weir__write_start},
    {WEIR__WANT_READ, weir__read_start},
};

/* What there is no room for stays wanted, and is returned. */
static int start_one(weir_stream_t *stream, int want,
                     int (*function)(weir_stream_t *)) {
  stream->wants &= ~want;
  if (function(stream) != UV_EBUSY)
    return 0;
  stream->wants |= want;
  return want;
}

static int start_wanted(weir_stream_t *stream) {
  int refused = 0;
  if (stream->wants == WEIR__WANT_READ)
    return start_one(stream, WEIR__WANT_READ, weir__read_start);
  if (stream->wants == WEIR__WANT_WRITE)
    return start_one(stream, WEIR__WANT_WRITE, weir__write_start);
  for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
    if ((stream->wants & steps[i].want) != 0)
      refused |= start_one(stream, steps[i].want, steps[i].start);
  return refused;
}

/* The stream counts as queued until the end: what a kind reports meanwhile may
 * make it want more, and it must not get into a queue and be closed as well.
 * Not 0 if it waits for nothing but room. */
static int start_stream(weir_stream_t *stream) {
  int refused = start_wanted(stream);
  return weir__stream_settle(stream, refused);
}

static void retry(weir_loop_t *loop) {
  weir_node_t *node;
  while ((node = weir__queue_pop(&loop->later)) != NULL) {
    weir_stream_t *stream = weir__stream_of(node);
    stream->state &= ~WEIR__DEFERRED;
    weir__stream_want(stream, 0);
  }
}

static int waits(const weir_loop_t *loop) {
  return !weir__queue_empty(&loop->start);
}

static unsigned start(weir_loop_t *loop, unsigned most) {
  const weir_node_t *last = loop->start.prev;
  weir_node_t *node = NULL;
  unsigned n;
  for (n = 0; n < most && node != last; n++) {
    node = weir__queue_pop(&loop->start);
    if (node == NULL)
      break;
    weir_stream_t *stream = weir__stream_of(node);
    if (start_stream(stream) != 0)
      weir__stream_want_later(stream, 0);
  }
  return n;
}

const weir__source_t weir__stream_source = {waits, start, retry};
