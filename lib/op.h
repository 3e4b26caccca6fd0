/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OP_H
#define WEIR__OP_H

#include <assert.h>
#include <weir/deadline.h>
#include <weir/op.h>

#include "loop.h"
#include "op_block.h"
#include "queue.h"
#include "seq.h"

/* What those need of an operation who do not carry it out. */
typedef struct weir__op_class_s {
  const char *name;

  /* Asks for its end, which is weir__op_finish with op->status, now or later;
   * op is not done. */
  void (*cancel)(weir_op_t *op);
} weir__op_class_t;

typedef enum weir__op_state_e {
  WEIR__OP_OVER,    /* not outstanding */
  WEIR__OP_QUEUED,  /* nothing of it is in the kernel */
  WEIR__OP_STARTED, /* handed to the backend */
  WEIR__OP_DONE     /* its callback is due */
} weir__op_state_t;

/* weir_op_t.flags */
enum {
  WEIR__OP_CANCEL_SENT = 1,
  WEIR__OP_BEGUN = 2,     /* its first transfer was asked for */
  WEIR__OP_BLOCK = 4,     /* the copy of its descriptors is a block */
  WEIR__OP_TIMED = 8,     /* a deadline stands between it and its owner */
  WEIR__OP_UNREF = 16,    /* it does not keep uv_run going */
  WEIR__OP_WHOLE = 32,    /* of a file: goes on until all is moved */
  WEIR__OP_BY = 64,       /* a write whose first window it takes itself */
  WEIR__OP_OUTSIDE = 128, /* and all others: its bytes are not in memory */
  WEIR__OP_PARKED = 256,  /* which are not at hand yet */
  WEIR__OP_TOLD = 512,    /* of a file: its class is told when it ends */
  WEIR__OP_SYNCED = 1024, /* of a file: a whole write, and then an fdatasync */
  WEIR__OP_HOLDS = 2048,  /* the buffers of pools that it uses */
  WEIR__OP_HOLDS_ONE = 4096, /* which is one, and it knows it */
  WEIR__OP_FLAGGED = 8192    /* of a file: with flags of its own */
};

/* weir_op_t.form of a file operation. */
typedef enum weir__file_form_e {
  WEIR__FILE_OPEN,
  WEIR__FILE_CLOSE,
  WEIR__FILE_PREAD,
  WEIR__FILE_PWRITE,
  WEIR__FILE_FSYNC,
  WEIR__FILE_FDATASYNC,
  WEIR__FILE_SYNC_RANGE,
  WEIR__FILE_TRUNCATE,
  WEIR__FILE_ALLOCATE,
  WEIR__FILE_ADVISE,
  WEIR__FILE_FSTAT,
  WEIR__FILE_STAT,
  WEIR__FILE_RENAME,
  WEIR__FILE_LINK,
  WEIR__FILE_UNLINK,
  WEIR__FILE_MKDIR,
  WEIR__FILE_RMDIR,
  WEIR__FILE_COPY
} weir__file_form_t;

/* The fields of a file operation; the sequence and counts are those of
 * the op. */
typedef struct weir__file_args_s {
  int64_t offset;
  uint64_t tag; /* the backend's */
  uv_file file;
  unsigned flags; /* Linux's; with WEIR__OP_FLAGGED, or in a thread */
} weir__file_args_t;

/* And what those have besides that move no bytes. */
typedef struct weir__file_more_s {
  char *path;  /* NULL, or a copy */
  char *other; /* in the memory of the first */
  uv_stat_t *stat;
  struct weir__copy_step_s *step; /* of a copy */
  struct weir__state_s *state;    /* the ring's */
  int64_t len;
  int flags; /* or advice, or whether to wait */
  int mode;
} weir__file_more_t;

static inline weir_op_t *weir__op_of(const weir_node_t *node) {
  return (weir_op_t *)((uintptr_t)node - offsetof(weir_op_t, node));
}

/* Where it is kept what op belongs to, which is its class's to say: a deadline
 * lies in that place while it is set. */
static inline void **weir__op_owner(weir_op_t *op) {
  if ((op->flags & WEIR__OP_TIMED) == 0)
    return &op->owner;
  return &((weir_deadline_t *)op->owner)->own.op.owner;
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

/* Of a transfer: how the system is to carry it out. */
static inline unsigned weir__file_flags(const weir_op_t *op) {
  return (op->flags & WEIR__OP_FLAGGED) != 0 ? weir__file_args(op)->flags : 0;
}

/* Of an operation with WEIR__OP_TOLD: what it belongs to. The place of other
 * owners is the backend's. */
static inline void *weir__file_owner(const weir_op_t *op) {
  return (void *)(uintptr_t)op->need;
}

static inline void weir__file_set_owner(weir_op_t *op, const void *owner) {
  op->need = (size_t)(uintptr_t)owner;
}

static inline int weir__file_transfers(const weir_op_t *op) {
  return op->form == WEIR__FILE_PREAD || op->form == WEIR__FILE_PWRITE;
}

static inline weir__file_more_t *weir__file_more(const weir_op_t *op) {
  return weir__op_room(op);
}

/* Sets the fields of an op that moves no bytes. */
static inline void weir__op_set(weir_op_t *op, weir_loop_t *loop, void *owner,
                                const weir__op_class_t *type, weir_op_cb cb) {
  op->cb = cb;
  op->loop = loop;
  op->owner = owner;
  op->type = type;
  op->done = 0;
  op->left = 0;
  op->status = 0;
  op->state = WEIR__OP_QUEUED;
  op->flags = 0;
}

/* Makes it ready: a reference on the loop is taken, too. */
static inline void weir__op_begin_plain(weir_op_t *op, weir_loop_t *loop,
                                        void *owner,
                                        const weir__op_class_t *type,
                                        weir_op_cb cb) {
  weir__loop_ref(loop);
  weir__op_set(op, loop, owner, type, cb);
}

/* What an op holds whose sequence is a block, in its room. */
typedef struct weir__op_one_s {
  weir__split_t *split;
  weir__piece_t *piece;
} weir__op_one_t;

static inline void weir__op_hold_one(weir_op_t *op, weir__split_t *split,
                                     weir__piece_t *piece) {
  *(weir__op_one_t *)weir__op_room(op) = (weir__op_one_t){split, piece};
  piece->holds++;
  op->flags |= WEIR__OP_HOLDS_ONE;
}

/* Has op, which has begun and whose sequence, that of seq, is simple, hold what
 * it uses. */
void weir__op_hold_any(weir_op_t *op);

static inline void weir__op_hold_simple(weir_op_t *op, weir_loop_t *loop,
                                        const weir_seq_t *seq) {
  weir__piece_t *piece;
  if (seq->kind != WEIR__SEQ_BLOCK || seq->left == 0 ||
      (piece = weir__slabs_first(&loop->slabs, seq->at, seq->left)) == NULL)
    weir__op_hold_any(op);
  else
    weir__op_hold_one(op, loop->slabs.hit, piece);
}

/* Makes the segments of op->seq its own, and holds those of pools: 0 or
 * UV_ENOMEM. */
int weir__op_hold(weir_op_t *op);

/* The same for one that moves the bytes of seq, of which there is no need to
 * know more: see below. */
static inline void weir__op_begin_simple(weir_op_t *op, weir_loop_t *loop,
                                         void *owner,
                                         const weir__op_class_t *type,
                                         const weir_seq_t *seq, weir_op_cb cb) {
  weir__op_begin_plain(op, loop, owner, type, cb);
  op->seq = *seq;
  op->left = seq->left;
}

/* The same for any that moves the `size` bytes of seq, of whose segments it has
 * a copy. 0, or UV_ENOMEM and nothing has changed. */
static inline int weir__op_begin(weir_op_t *op, weir_loop_t *loop, void *owner,
                                 const weir__op_class_t *type,
                                 const weir_seq_t *seq, size_t size,
                                 weir_op_cb cb) {
  weir__op_begin_plain(op, loop, owner, type, cb);
  op->seq = *seq;
  op->left = size;
  if (weir__seq_owns_itself(seq)) {
    if ((loop->flags & WEIR__LOOP_SLABS) != 0)
      weir__op_hold_simple(op, loop, seq);
    return 0;
  }
  int r = weir__op_hold(op);
  if (r != 0) {
    op->state = WEIR__OP_OVER;
    weir__loop_unref(loop);
  }
  return r;
}

/* Whether it is plain that an operation with seq may begin, and that
 * weir__op_begin_simple will do; or that weir__op_hold_simple has to follow if
 * there are pools. */
static inline int weir__op_is_simple(const weir_loop_t *loop,
                                     const weir_seq_t *seq) {
  return seq->kind <= WEIR__SEQ_RING && loop->active > 0 &&
         weir__loop_open_and(loop, WEIR__LOOP_SLABS);
}

static inline int weir__op_may_hold(const weir_loop_t *loop,
                                    const weir_seq_t *seq) {
  return seq->kind <= WEIR__SEQ_RING && loop->active > 0 &&
         weir__loop_open(loop);
}

/* Asks for the end of op, which is not done, with the reason status: what it
 * gets if it is not finished by then. The first reason stands. */
void weir__op_end(weir_op_t *op, int status);

static inline int weir__op_ending(const weir_op_t *op) {
  return op->status != 0;
}

/* Gives back what it holds of pools and the block of its segments, which are
 * moved. */
void weir__op_release(weir_op_t *op);

/* op ends: gives what it holds of pools back, and the block of its segments, if
 * it has one; and its callback keeps uv_run going. */
void weir__op_drop(const weir_op_t *op);

/* op has ended with status. UV_ECANCELED stands for the reason of weir__op_end,
 * if that was called. Its callback is due as soon as it is queued. */
static inline void weir__op_ended(weir_op_t *op, int status) {
  assert(op->state != WEIR__OP_DONE);
  if (status != UV_ECANCELED || !weir__op_ending(op))
    op->status = status;
  op->state = WEIR__OP_DONE;
  const unsigned drops =
      WEIR__OP_BLOCK | WEIR__OP_UNREF | WEIR__OP_HOLDS | WEIR__OP_HOLDS_ONE;
  if ((op->flags & drops) != 0)
    weir__op_drop(op);
}

/* Queues the callbacks of `count` operations that have ended, from first to
 * last as they lie in the queue that they are in. */
static inline void weir__op_deliver(weir_loop_t *loop, weir_node_t *first,
                                    weir_node_t *last, size_t count) {
  weir__queue_move(&loop->done, first, last);
  loop->due += count;
  if (!weir__loop_looks(loop))
    weir__loop_wake(loop);
}

/* Queues the callback of op, which is in no queue: status, as above, and
 * op->done as n. */
static inline void weir__op_finish(weir_op_t *op, int status) {
  weir_loop_t *loop = op->loop;
  weir__op_ended(op, status);
  weir__queue_push(&loop->done, &op->node);
  loop->due++;
  if (!weir__loop_looks(loop))
    weir__loop_wake(loop);
}

#endif
