/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "watch.h"

#include "rare.h"

void weir__watch_add(weir_stream_t *stream, weir_watch_t *watch,
                     const weir__watch_class_t *type) {
  watch->type = type;
  watch->next = stream->watch;
  watch->link = &stream->watch;
  if (watch->next != NULL)
    watch->next->link = &watch->next;
  stream->watch = watch;
}

void weir__watch_remove(weir_watch_t *watch) {
  *watch->link = watch->next;
  if (watch->next != NULL)
    watch->next->link = watch->link;
}

WEIR__APART void weir__watch_tell(weir_stream_t *stream,
                                  weir__tidings_t tidings) {
  for (weir_watch_t *watch = stream->watch; watch != NULL; watch = watch->next)
    watch->type->told(watch, stream, tidings);
}

void weir__watch_end(weir_stream_t *stream) {
  while (stream->watch != NULL)
    stream->watch->type->told(stream->watch, stream, WEIR__CLOSES);
}
