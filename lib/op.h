/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OP_H
#define WEIR__OP_H

#include <weir/op.h>

#include "loop.h"

typedef enum weir__op_type_e {
  WEIR__READ_SOME,
  WEIR__READ,
  WEIR__READ_WHEN, /* a condition function decides */
  WEIR__READ_UNTIL,
  WEIR__READ_TO_END,
  WEIR__WRITE_SOME,
  WEIR__WRITE,
  WEIR__WRITE_EOF,
  WEIR__CONNECT,
  WEIR__ACCEPT,
  WEIR__FILE_OPEN,
  WEIR__FILE_CLOSE,
  WEIR__FILE_PREAD,
  WEIR__FILE_PWRITE,
  WEIR__FILE_FSYNC
} weir__op_type_t;

typedef enum weir__op_state_e {
  WEIR__OP_QUEUED = 1, /* nothing of it is in the kernel */
  WEIR__OP_STARTED,    /* handed to the backend */
  WEIR__OP_DONE        /* its callback is due */
} weir__op_state_t;

/* weir_op_t.flags */
enum {
  WEIR__OP_CANCELLED = 1,
  WEIR__OP_CANCEL_SENT = 2,
  WEIR__OP_BEGUN = 4 /* its first transfer was asked for */
};

/* The fields of a file operation; the sequence, offset and counts are those of
 * the op. */
typedef struct weir__file_args_s {
  char *path; /* a copy, for open */
  uv_file file;
  int flags;
  int mode;
} weir__file_args_t;

static inline weir_op_t *weir__op_of(const weir_node_t *node) {
  return (weir_op_t *)((uintptr_t)node - offsetof(weir_op_t, node));
}

weir__file_args_t *weir__file_args(weir_op_t *op);

/* Runs a file operation at once, in whatever thread this is: its result, which
 * is UV_ESPIPE for an offset where there are no positions. */
int weir__file_run(weir_op_t *op);

/* Makes op ready: private fields cleared, a reference on the loop taken. */
void weir__op_begin(weir_op_t *op, weir_loop_t *loop, void *owner,
                    weir__op_type_t type, weir_op_cb cb);

/* Gives op a copy of seq whose segments it owns. 0 or UV_ENOMEM, before
 * weir__op_begin. */
int weir__op_hold(weir_op_t *op, weir_loop_t *loop, weir_seq_t seq);

/* Gives the blocks back that operations have left behind. */
void weir__blocks_free(weir_loop_t *loop);

/* Queues the callback of op: status, and op->done as n. */
void weir__op_finish(weir_op_t *op, int status);

/* The parts of weir_cancel; op is marked as cancelled and not done. */
void weir__stream_cancel(weir_op_t *op);
void weir__file_cancel(weir_op_t *op);

#endif
