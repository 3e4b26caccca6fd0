/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_WATER_H
#define WEIR_WATER_H

#include <stddef.h>

#include <weir/export.h>
#include <weir/op.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Water marks: told when much is queued on a stream, and when it is little
 * again, so that who produces can wait for who consumes. */

typedef struct weir_water_s weir_water_t;

/* high is 1 when the bytes of weir_stream_queued have come up to the high mark,
 * 0 when after that they have gone down to the low one. Runs later, from within
 * uv_run, never inside the call or the callback that crossed the mark. What has
 * been crossed back by then is not told, but for one thing: that the high mark
 * was reached is always followed by a 0, be it without a 1 before, so that who
 * has looked at weir_stream_queued himself and stopped is told to go on. Any
 * function may be called here, as in the callback of an operation. */
typedef void (*weir_water_cb)(weir_water_t *water, weir_stream_t *stream,
                              int high);

/* The application provides the memory, which needs no initialisation and has to
 * stay where it is until it is taken off the stream. Allocate by sizeof. */
struct weir_water_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  weir_stream_t *stream;
  weir_watch_t watch;
  weir_news_t news;
  size_t high;
  size_t low;
  weir_water_cb cb;
  unsigned char is_high;
  unsigned char told_high;
  unsigned char queued;
};

/* Sets the marks of a stream, 0 <= low < high; where so much is queued already,
 * that is told. Called again with the same water it changes them. With a cb of
 * NULL it takes the water off, and nothing is told any more; weir_close does
 * that, too. A stream may have several, of which each is on one stream at most.
 * Returns 0; UV_EINVAL (a NULL stream or water, such marks), UV_EBADF
 * (closing), UV_ECANCELED, UV_ESRCH; with a cb of NULL it cannot fail. */
WEIR_EXTERN int weir_stream_water(weir_stream_t *stream, weir_water_t *water,
                                  size_t high, size_t low, weir_water_cb cb);

#ifdef __cplusplus
}
#endif
#endif
