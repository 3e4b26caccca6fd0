/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "debug.h"

#include "alloc.h"
#include "debug_op.h"
#include "debug_pool.h"
#include "debug_report.h"
#include "os_map.h"

/* The beginning of debug mode, and its end. */

int weir__debug_new(weir_loop_t *loop, weir_debug_t how) {
  loop->debug = weir__calloc(1, sizeof(*loop->debug));
  if (loop->debug == NULL)
    return UV_ENOMEM;
  loop->debug->aborts = how == WEIR_DEBUG_ABORT;
  loop->debug->guard = how == WEIR_DEBUG_GUARD ? weir__os_map_page() : 0;
  loop->debug->pid = uv_os_getpid();
  loop->flags |= WEIR__LOOP_DEBUGGED;
  return 0;
}

/* Nothing is outstanding, and no pool is left. */
void weir__debug_end(weir_loop_t *loop) {
  weir__free(loop->debug);
  loop->debug = NULL;
}

void weir__debug_left(weir_loop_t *loop) {
  weir_stream_t *stream = NULL;
  if (loop->debug == NULL)
    return;
  weir__debug_ops_left(loop);
  while ((stream = weir__stream_next(loop, stream)) != NULL) {
    const weir_report_t report = {.misuse = WEIR_MISUSE_LEFT,
                                  .what = "stream",
                                  .address = stream,
                                  .size = sizeof(*stream)};
    weir__debug_report(loop, &report);
  }
  weir__debug_slab_left(loop, NULL, SIZE_MAX);
}
