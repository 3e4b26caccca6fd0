/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_OP_H
#define WEIR_OP_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/seq.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Said only by functions whose name ends in _now, and by a stream kind's own
 * functions: the operation was accepted and completes later. */
#define WEIR_PENDING 1

typedef struct weir_loop_s weir_loop_t;
typedef struct weir_op_s weir_op_t;
typedef struct weir_stream_s weir_stream_t;
typedef void (*weir_close_cb)(weir_stream_t *stream);

/* Private: bytes of an operation. */
#define WEIR_OP_ROOM 64
#define WEIR_OP_SCRATCH 24

/* Private: a place in one of the library's queues. */
typedef struct weir_node_s {
  struct weir_node_s *next;
  struct weir_node_s *prev;
} weir_node_t;

/* The end of an operation. Runs exactly once for each accepted operation, from
 * within uv_run, never inside the call that started it.
 *
 * status  0, or a negative UV_E*.
 * n       the bytes that were moved: exact on success, error and cancellation.
 *         0 for an operation that moves none, as accept or open. The reads of
 *         weir/until.h count the bytes of their buffer instead.
 *
 * The operation belongs to the application again when this begins: it may be
 * freed, or used for the next operation, at once. So may the memory that it
 * was given. Any function may be called here, but for uv_run on the same
 * loop. */
typedef void (*weir_op_cb)(weir_op_t *op, int status, size_t n);

/* One operation in flight. The application provides the memory (embedded in a
 * structure of its own, as with libuv's requests), which needs no
 * initialisation and has to stay where it is until the callback. Its size is
 * part of the ABI and does not change. */
struct weir_op_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  weir_op_cb cb;
  weir_loop_t *loop;
  void *owner;
  const struct weir__op_class_s *type;
  weir_node_t node;
  size_t done;
  size_t left;
  size_t need;
  int status;
  unsigned char form;
  unsigned char state;
  unsigned short flags;
  weir_seq_t seq; /* a block's part of it ends within the first 128 bytes */
  union {
    uv_buf_t segments[4];
    void *block;
    uint64_t align;
    unsigned char bytes[WEIR_OP_ROOM];
  } held;
  union {
    uint64_t align;
    unsigned char bytes[WEIR_OP_SCRATCH];
  } scratch;
};

/* Asks for an outstanding operation to end early. It is a request and not a
 * promise; the callback runs once either way, later, from within uv_run, never
 * inside this call; until then the memory is the kernel's as before:
 *
 * - a *_some operation whose bytes moved succeeds, with their exact count;
 * - an operation that was finished already reports that;
 * - any other gets UV_ECANCELED and the exact number of bytes moved so far.
 *
 * op has to be outstanding: accepted, and its callback not begun; with one that
 * was used before, or is all zeros, it does nothing else. Cancelling it again
 * changes nothing. Bytes of a cancelled write that had left stay sent;
 * the writes queued behind it go on. A file operation that runs in a thread of
 * libuv's pool can be ended while it waits for a pipe, a socket or the like to
 * be ready; any other completes there as if it had not been cancelled. */
WEIR_EXTERN void weir_cancel(weir_op_t *op);

/* Whether op is outstanding: accepted, and its callback not begun. 1 or 0. op
 * was used before, or is all zeros. */
WEIR_EXTERN int weir_op_active(const weir_op_t *op);

/* Have an outstanding op not keep uv_run going any more, as an accept of a
 * server that is idle or the read of a connection that is kept, and do so again
 * as at first. In all else it is outstanding as before: the loop cannot be
 * detached, and its callback, when it is due, keeps uv_run going until it has
 * run. It counts for this operation, and not for the next one with the same op.
 * Called twice, they do it once. They do nothing where op is not outstanding,
 * on the condition of weir_op_active, or its callback is due. */
WEIR_EXTERN void weir_unref(weir_op_t *op);
WEIR_EXTERN void weir_ref(weir_op_t *op);

#ifdef __cplusplus
}
#endif
#endif
