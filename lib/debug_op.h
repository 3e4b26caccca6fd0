/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__DEBUG_OP_H
#define WEIR__DEBUG_OP_H

#include <weir/debug.h>

#include "op.h"

/* Operations of a loop in debug mode, which is never plainly open
 * (weir__loop_open): what is quick passes these by. */

/* As weir__op_begin, or UV_EBUSY: it is outstanding. */
int weir__debug_begin(weir_op_t *op, weir_loop_t *loop, void *owner,
                      const weir__op_class_t *type, const weir_seq_t *seq,
                      size_t size, weir_op_cb cb);

static inline int weir__op_start(weir_op_t *op, weir_loop_t *loop, void *owner,
                                 const weir__op_class_t *type,
                                 const weir_seq_t *seq, size_t size,
                                 weir_op_cb cb) {
  if (loop->debug != NULL)
    return weir__debug_begin(op, loop, owner, type, seq, size, cb);
  return weir__op_begin(op, loop, owner, type, seq, size, cb);
}

/* buf becomes free, which was taken there: operations on it are looked at for
 * the last time. */
void weir__debug_withdrawn(weir_loop_t *loop, uv_buf_t buf,
                           const weir_trail_t *taken);

/* Tells of all that are outstanding. */
void weir__debug_ops_left(weir_loop_t *loop);

#endif
