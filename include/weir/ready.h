/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_READY_H
#define WEIR_READY_H

#include <weir/export.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Waiting until a stream is ready, without moving a byte: for those who decide
 * at the last moment what to write, or who have no memory for a read before
 * there is something to be read. */

typedef enum weir_ready_e { WEIR_READABLE = 1, WEIR_WRITABLE = 2 } weir_ready_t;

/* Waits until stream can be read, or written, or either if events is both
 * (WEIR_READABLE | WEIR_WRITABLE). The callback gets 0 with n = 0, and
 * weir_wait_result tells which it was. The end of the stream and an error of
 * the connection make it ready: the next transfer tells what it is.
 *
 * Ready is what the system says of the descriptor. For a TCP socket with
 * TCP_NOTSENT_LOWAT that is writable when less than so much is not sent yet,
 * and not when there is room in its buffer: what is written then leaves soon.
 * What can always be transferred, as a regular file, is ready at once.
 *
 * It stands in no queue, and takes nothing from a read or a write that is
 * outstanding: one of these may have had the bytes or the room by the time of
 * the callback. So ask with weir_read_now or weir_write_try, which may say
 * UV_EAGAIN; and in weir_stream_queued for what waits before. One wait for each
 * direction may be outstanding: UV_EALREADY.
 *
 * Returns 0, UV_EINVAL (a NULL, no or unknown events), UV_EBADF (closing),
 * UV_ENOTCONN (not connected, or a listener), UV_ENOTSUP (a kind of the
 * application's own), UV_EPIPE (WEIR_WRITABLE after weir_write_eof),
 * UV_EALREADY, UV_ECANCELED, UV_ESRCH. */
WEIR_EXTERN WEIR_MUST_USE int weir_wait(weir_op_t *op, weir_stream_t *stream,
                                        int events, weir_op_cb cb);

/* In the callback of such an op with status 0, and until the op is used again:
 * what is ready of what was waited for. */
WEIR_EXTERN int weir_wait_result(const weir_op_t *op);

#ifdef __cplusplus
}
#endif
#endif
