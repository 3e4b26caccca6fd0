/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__DEBUG_POOL_H
#define WEIR__DEBUG_POOL_H

#include "loop.h"

/* Buffers of pools in debug mode; without it, these do nothing. */

typedef enum weir__debug_event_e {
  WEIR__DEBUG_TAKEN,  /* a free one is out now */
  WEIR__DEBUG_CHOSEN, /* so it is, and the system has written to it */
  WEIR__DEBUG_GIVEN,  /* it is free */
  WEIR__DEBUG_BACK,   /* the system had a free one, and may have written */
  WEIR__DEBUG_ASTRAY  /* released or retained, but not out */
} weir__debug_event_t;

void weir__debug_buffer_told(weir_loop_t *loop, weir__debug_event_t event,
                             uv_buf_t buf);

static inline void weir__debug_buffer(weir_loop_t *loop,
                                      weir__debug_event_t event, uv_buf_t buf) {
  if (loop->debug != NULL)
    weir__debug_buffer_told(loop, event, buf);
}

/* In guard mode buffers are memory while they are out or lent, and lie between
 * pages that never are, of this many bytes; 0: it is not that mode. */
size_t weir__debug_guard(const weir_loop_t *loop);

/* A free one is to be out or lent: whether it is memory now. */
int weir__debug_buffer_open(weir_loop_t *loop, uv_buf_t buf);

static inline int weir__debug_open(weir_loop_t *loop, uv_buf_t buf) {
  return loop->debug == NULL || weir__debug_buffer_open(loop, buf);
}

/* All of a slab is free; it is freed; it cannot be. */
void weir__debug_slab(weir_loop_t *loop, char *slab, size_t size);
void weir__debug_slab_end(weir_loop_t *loop, char *slab, size_t size);
void weir__debug_slab_left(weir_loop_t *loop, const char *slab, size_t size);

#endif
