/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OP_H
#define WEIR__OP_H

#include <weir/op.h>

#include "loop.h"

/* What those need of an operation who do not carry it out. */
typedef struct weir__op_class_s {
  const char *name;

  /* Asks for its end, which is weir__op_finish with op->status, now or later;
   * op is not done. */
  void (*cancel)(weir_op_t *op);
} weir__op_class_t;

typedef enum weir__op_state_e {
  WEIR__OP_QUEUED = 1, /* nothing of it is in the kernel */
  WEIR__OP_STARTED,    /* handed to the backend */
  WEIR__OP_DONE        /* its callback is due */
} weir__op_state_t;

/* weir_op_t.flags */
enum {
  WEIR__OP_CANCEL_SENT = 1,
  WEIR__OP_BEGUN = 2, /* its first transfer was asked for */
  WEIR__OP_BLOCK = 4  /* the copy of its descriptors is a block */
};

/* weir_op_t.form of a file operation. */
typedef enum weir__file_form_e {
  WEIR__FILE_OPEN,
  WEIR__FILE_CLOSE,
  WEIR__FILE_PREAD,
  WEIR__FILE_PWRITE,
  WEIR__FILE_FSYNC
} weir__file_form_t;

/* The fields of a file operation; the sequence and counts are those of
 * the op. */
typedef struct weir__file_args_s {
  int64_t offset;
  uint64_t tag; /* the backend's */
  uv_file file;
} weir__file_args_t;

/* And what an open has besides. */
typedef struct weir__open_args_s {
  char *path; /* a copy */
  int flags;
  int mode;
} weir__open_args_t;

static inline weir_op_t *weir__op_of(const weir_node_t *node) {
  return (weir_op_t *)((uintptr_t)node - offsetof(weir_op_t, node));
}

/* The room in op for what its class keeps there. */
static inline void *weir__op_scratch(const weir_op_t *op) {
  return (void *)(uintptr_t)op->scratch.bytes;
}

/* More room, for a class whose operations are begun without a sequence. */
static inline void *weir__op_room(const weir_op_t *op) {
  return (void *)(uintptr_t)op->held.bytes;
}

static inline weir__file_args_t *weir__file_args(const weir_op_t *op) {
  return weir__op_scratch(op);
}

static inline weir__open_args_t *weir__open_args(const weir_op_t *op) {
  return weir__op_room(op);
}

/* Runs a file operation at once, in whatever thread this is: its result, which
 * is UV_ESPIPE for an offset where there are no positions. */
int weir__file_run(weir_op_t *op);

/* The same for a read or write of what may have to wait for others, but without
 * waiting: UV_EAGAIN. */
int weir__file_try(weir_op_t *op);

/* Makes op ready: private fields cleared, a copy of seq whose segments it owns,
 * a reference on the loop taken. 0, or UV_ENOMEM and nothing has changed. */
int weir__op_begin(weir_op_t *op, weir_loop_t *loop, void *owner,
                   const weir__op_class_t *type, weir_seq_t seq, weir_op_cb cb);

/* The same for one that moves no bytes, and cannot fail. */
void weir__op_begin_plain(weir_op_t *op, weir_loop_t *loop, void *owner,
                          const weir__op_class_t *type, weir_op_cb cb);

/* Asks for the end of op, which is not done, with the reason status: what it
 * gets if it is not finished by then. */
void weir__op_end(weir_op_t *op, int status);

static inline int weir__op_ending(const weir_op_t *op) {
  return op->status != 0;
}

/* Gives the blocks back that operations have left behind. */
void weir__blocks_free(weir_loop_t *loop);

/* Queues the callback of op: status, and op->done as n. UV_ECANCELED stands for
 * the reason of weir__op_end, if that was called. */
void weir__op_finish(weir_op_t *op, int status);

#endif
