/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_DEADLINE_H
#define WEIR_DEADLINE_H

#include <stdint.h>

#include <weir/export.h>
#include <weir/op.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Deadlines: an operation that may take so long, a stream that may stand still
 * for so long. What is late ends with UV_ETIMEDOUT and its exact n, as it would
 * after weir_cancel: a request and not a promise, and one callback either way.
 * An operation that ends early for two reasons says the first.
 *
 * Times are in milliseconds, counted from uv_now of the loop, as those of
 * libuv's timers; call uv_update_time after a long computation. A deadline is
 * never early, and the loop's turn may make it late. To set, to put off and to
 * end one takes the same few steps however many there are, no memory and no
 * system call. Deadlines do not keep uv_run going: operations do. */

typedef struct weir_deadline_s weir_deadline_t;

/* Private: something that is due at a time. */
typedef struct weir_alarm_s {
  weir_node_t node;
  uint64_t at;
  void (*ring)(struct weir_alarm_s *alarm);
} weir_alarm_t;

/* The application provides the memory, which has to be of zeros at first, or
 * weir_deadline_init makes it so. While a deadline is set it has to stay where
 * it is. Allocate by sizeof. */
struct weir_deadline_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  void *target;
  weir_alarm_t alarm;
  weir_watch_t watch;
  union {
    struct {
      weir_op_cb cb;
      void *owner;
    } op;
    struct {
      uint64_t ms;
      uint64_t since;
    } still;
  } own;
};

/* Makes the memory of a deadline that is not set one. */
WEIR_EXTERN void weir_deadline_init(weir_deadline_t *deadline);

/* op, which is outstanding, has ms from now on. The deadline is over when the
 * callback of op begins, where both may be freed, or set anew. Every kind of
 * operation can have one.
 *
 * This and the next two take the deadline off what it was set to before. They
 * return 0; UV_EINVAL (a NULL, or an op that is not outstanding, on the
 * condition of weir_op_active), UV_EALREADY (op has another deadline),
 * UV_EBADF (the stream is closing), or UV_ECANCELED or UV_ESRCH as everything
 * that begins an operation does; and then set none. */
WEIR_EXTERN WEIR_MUST_USE int weir_deadline_op(weir_deadline_t *deadline,
                                               weir_op_t *op, uint64_t ms);

/* A read of the stream is outstanding and no byte has come for ms: it ends. The
 * time is counted from the last byte or the beginning of the read, whichever is
 * later. A stream from which nobody reads is never late. The deadline stands
 * for all reads to come, until it is stopped or weir_close is called. */
WEIR_EXTERN WEIR_MUST_USE int weir_deadline_read(weir_deadline_t *deadline,
                                                 weir_stream_t *stream,
                                                 uint64_t ms);

/* The same for writing: bytes are queued, or the end of weir_write_eof, and
 * none went for ms, counted from the last byte that did or from when the queue
 * was empty. All writes of the stream end, and as after one that failed every
 * later one gets UV_ETIMEDOUT, too: their bytes must not follow a hole. Reading
 * goes on. */
WEIR_EXTERN WEIR_MUST_USE int weir_deadline_write(weir_deadline_t *deadline,
                                                  weir_stream_t *stream,
                                                  uint64_t ms);

/* Puts a deadline off, or forward: it has ms from now on. Returns 0, or
 * UV_EINVAL when it is not set. */
WEIR_EXTERN int weir_deadline_again(weir_deadline_t *deadline, uint64_t ms);

/* Takes a deadline off what it was set to, if it was: its memory is the
 * application's again. What it has ended already stays so. */
WEIR_EXTERN void weir_deadline_stop(weir_deadline_t *deadline);

/* Whether it is set: 1 or 0. */
WEIR_EXTERN int weir_deadline_is_set(const weir_deadline_t *deadline);

#ifdef __cplusplus
}
#endif
#endif
