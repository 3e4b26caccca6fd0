/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_MESSAGE_H
#define WEIR_MESSAGE_H

#include <stddef.h>

#include <weir/export.h>
#include <weir/op.h>
#include <weir/seq.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes for which nobody keeps an operation: small ones, which are copied, and
 * those of the same bytes to many streams, which are not.
 *
 * They take their place in the stream's queue as weir_write does, count in
 * weir_stream_queued, keep uv_run going and end with the stream. How they end
 * is told to nobody: after one that failed, the next write of any kind gets the
 * same error. Operations and copies lie in memory that the loop keeps for the
 * next ones, so that no more is allocated than are outstanding at once; what
 * weir/alloc.h says holds for it. Nothing limits how much a peer that does not
 * read lets pile up: ask weir_stream_queued. */

/* Writes a copy of the len bytes at data, which may be gone when this returns.
 * Up to about 16000 bytes take recycled memory, more take the heap each time.
 * Returns as weir_write, and UV_EINVAL if data is NULL and len is not 0. */
WEIR_EXTERN WEIR_MUST_USE int weir_write_copy(weir_stream_t *stream,
                                              const void *data, size_t len);

typedef struct weir_message_s weir_message_t;
typedef void (*weir_message_cb)(weir_message_t *message);

/* Bytes for any number of streams of one loop, with a count of those who need
 * them yet. The application provides the memory. */
struct weir_message_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  weir_seq_t bytes;
  weir_message_cb cb;
  size_t holds;
};

/* Makes a message of bytes, held once, by the caller. The memory that the
 * sequence names, and the array of its segments, stay as they are until cb
 * (may be NULL). Returns 0, or UV_EINVAL (a NULL). */
WEIR_EXTERN int weir_message_init(weir_message_t *message, weir_seq_t bytes,
                                  weir_message_cb cb);

/* One hold more, one less. With the last one, the caller's own and those of the
 * writes, cb runs: then the message and its bytes are the application's again
 * and may be freed. That is within weir_message_release if no write is
 * outstanding, else within uv_run. */
WEIR_EXTERN void weir_message_hold(weir_message_t *message);
WEIR_EXTERN void weir_message_release(weir_message_t *message);

/* Writes the message to stream, which holds it until all of it was taken or the
 * write ended otherwise. The bytes are not copied. Returns as weir_write; if it
 * is refused, nothing holds the message for it. */
WEIR_EXTERN WEIR_MUST_USE int weir_message_write(weir_message_t *message,
                                                 weir_stream_t *stream);

#ifdef __cplusplus
}
#endif
#endif
