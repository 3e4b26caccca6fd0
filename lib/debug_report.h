/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__DEBUG_REPORT_H
#define WEIR__DEBUG_REPORT_H

#include <weir/debug.h>

#include "loop.h"

/* What the parts of debug mode share. */

enum { WEIR__DEBUG_BUCKETS = 1024 };

typedef struct weir__debug_s {
  weir_report_cb cb;
  uint64_t reports;
  int aborts;
  size_t guard; /* in guard mode: the bytes of a page */
  uv_pid_t pid;
  struct weir__debug_op_s *ops[WEIR__DEBUG_BUCKETS];
  struct weir__debug_buf_s *bufs[WEIR__DEBUG_BUCKETS];
} weir__debug_t;

/* Where what is known of that address lies. */
static inline size_t weir__debug_bucket(const void *address) {
  uint64_t n = (uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15u;
  return (size_t)(n >> 32) % WEIR__DEBUG_BUCKETS;
}

/* Where the calling function was called from. */
void weir__debug_trail(weir_trail_t *trail);

void weir__debug_report(weir_loop_t *loop, const weir_report_t *report);

#endif
