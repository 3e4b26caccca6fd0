/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__WATCH_H
#define WEIR__WATCH_H

#include <weir/stream.h>

/* Objects of the application's that a stream tells what becomes of it. */

typedef enum weir__tidings_e {
  WEIR__READS,  /* a read has begun */
  WEIR__READ,   /* bytes have come; not always told of the last */
  WEIR__QUEUES, /* a write has begun */
  WEIR__WROTE,  /* bytes of the queue went */
  WEIR__LEFT,   /* writes are not in the queue any more */
  WEIR__CLOSES  /* the stream closes: the watch has to take itself off */
} weir__tidings_t;

typedef struct weir__watch_class_s {
  /* The counts of the stream are those after what it tells. Calls nothing of
   * the application's, and takes no other watch off the stream. */
  void (*told)(weir_watch_t *watch, weir_stream_t *stream,
               weir__tidings_t tidings);
} weir__watch_class_t;

void weir__watch_add(weir_stream_t *stream, weir_watch_t *watch,
                     const weir__watch_class_t *type);
void weir__watch_remove(weir_watch_t *watch);

void weir__watch_tell(weir_stream_t *stream, weir__tidings_t tidings);

/* The same, where it is only one comparison for a stream that nobody
 * watches. */
static inline void weir__watch_told(weir_stream_t *stream,
                                    weir__tidings_t tidings) {
  if (stream->watch != NULL)
    weir__watch_tell(stream, tidings);
}

/* Has all watches taken off the stream, which begins to close. */
void weir__watch_end(weir_stream_t *stream);

#endif
