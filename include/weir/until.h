/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_UNTIL_H
#define WEIR_UNTIL_H

#include <stddef.h>

#include <weir/buffer.h>
#include <weir/export.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reading into a dynamic buffer: up to a delimiter, or to the end of the
 * stream.
 *
 * Rules for both operations:
 *
 * - They append to the data that the buffer holds and never consume.
 * - From the call to the callback the buffer is the operation's: the program
 *   may look at its data, named anew by weir_buffer_data each time, and nothing
 *   else. The buffer outlives the operation.
 *   While a transfer is in flight the room is held, so that another prepare
 *   says UV_EBUSY. When the callback runs nothing is prepared any more.
 * - With an error, UV_EOF and UV_ECANCELED included, n is how many bytes the
 *   buffer holds: nothing that was read is lost, and calling again goes on.
 * - No memory is allocated but what the buffer's own growth takes.
 * - An operation is one read of the stream: UV_EALREADY while another one is
 *   outstanding. */

/* Most bytes that each transfer asks for if the program does not say: what the
 * buffer's memory has room for, and at least 4096, within its max_size. A flat
 * buffer or ring over a source of smaller blocks needs to have their length as
 * its max_size or capacity, or a cap of no more. */
#define WEIR_CAP_DEFAULT 0

/* Looks for the end of a match in the next len bytes at bytes. It is given
 * every byte once and in order, those that the buffer held at the call first,
 * in pieces that may be cut anywhere; what it has to remember of earlier pieces
 * it keeps behind arg. Returns
 *
 *   0         no match yet;
 *   1         a match: *end, 0 to len, is just past its last byte;
 *   negative  an error of the program's choice, with which the read ends.
 *
 * It runs within uv_run and must not call weir's functions for operations,
 * streams or the buffer, nor fork. */
typedef int (*weir_match_fn)(void *arg, const char *bytes, size_t len,
                             size_t *end);

/* What a weir_read_until looks for. Made by the functions below, copied
 * freely. */
typedef struct weir_until_s {
  int how; /* private */
  unsigned char byte;
  const void *bytes;
  size_t len;
  size_t cap; /* most bytes of each transfer, or WEIR_CAP_DEFAULT */
  weir_match_fn match;
  void *arg;
} weir_until_t;

/* One byte. */
WEIR_EXTERN weir_until_t weir_until_byte(unsigned char byte);

/* A string of len bytes, at least 1, which is not copied and has to stay as it
 * is until the callback. Overlapping beginnings are found ("aab" in "aaab"). */
WEIR_EXTERN weir_until_t weir_until_bytes(const void *bytes, size_t len);

/* What a function finds. */
WEIR_EXTERN weir_until_t weir_until_match(weir_match_fn match, void *arg);

/* Reads into buffer until the data in it has a match, which may be there
 * already: then nothing is read. The callback gets
 *
 *   0           n is the offset just past the first match, from the beginning
 *               of the data; bytes that came behind it stay in the buffer
 *   UV_ENOBUFS  the data has reached the buffer's max_size without a match, a
 *               source's block has no room for the transfer, or a chain over
 *               leases would wait for ever (weir/lease.h)
 *   UV_EOF      the stream has ended without one
 *   UV_EIO      the stream's kind is broken: success without a byte
 *   other       an error of the stream, of weir_buffer_prepare or of the
 *               matcher; UV_ECANCELED
 *
 * in all but the first case with n as said above. Data that came together with
 * an error is searched before the error is reported.
 *
 * No byte is looked at twice, however the data is cut: a match that has begun
 * is carried from one read to the next. Only a new call begins at the front.
 *
 * Returns as weir_read_some, and UV_EINVAL for a NULL buffer, an empty string,
 * a NULL string or function. */
WEIR_EXTERN WEIR_MUST_USE int
weir_read_until(weir_op_t *op, weir_stream_t *stream, weir_buffer_t *buffer,
                weir_until_t until, weir_op_cb cb);

/* Reads into buffer until the stream ends; cap is the most bytes of each
 * transfer or WEIR_CAP_DEFAULT. The callback gets 0 for the end of the stream,
 * and n is how many bytes the buffer holds, in this case too. UV_ENOBUFS means
 * that max_size was reached and the end was not seen, though it may follow:
 * allow one byte more than is to be taken. Other errors as above. */
WEIR_EXTERN WEIR_MUST_USE int weir_read_to_end(weir_op_t *op,
                                               weir_stream_t *stream,
                                               weir_buffer_t *buffer,
                                               size_t cap, weir_op_cb cb);

#ifdef __cplusplus
}
#endif
#endif
