/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_KIND_H
#define WEIR_KIND_H

#include <stddef.h>

#include <weir/export.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How to make a kind of stream of one's own: a table of functions below the
 * operations of stream.h. The boundary is concrete: a kind gets at most
 * WEIR_WINDOW segments, none of them empty, and never a sequence; queueing,
 * gathering, topping up, conditions and callbacks are done above it.
 *
 * The functions are called from within uv_run, one transfer of each direction
 * at a time; some of them also in the calls of the program, wherever that makes
 * them, before it calls uv_run too:
 *
 * - read_some within weir_read_some and its kin, if there is room and nothing
 *   else of the stream waits, and no function of the program's is to be asked;
 * - cancel_read within weir_cancel and weir_close;
 * - write_some and write_now within weir_write and its kin, when what is queued
 *   fills a window (after such a one: is more than a window) and nothing of it
 *   is pending;
 * - read_now, write_now and fileno within the functions of stream.h that want
 *   them.
 *
 * What a kind asks of a stream below its own, while it is within one of the
 * first two, waits until it has returned, so that layers do not recurse.
 *
 * The functions must not call an operation's callback themselves; they report
 * through the weir_stream_*_done functions, which may be called from anywhere
 * in the loop's thread, of these functions only from cancel_* and close. Those
 * queue callbacks and run none.
 *
 * An operation keeps uv_run going, but what wakes it when a pending transfer
 * can go on is the kind's own: a handle of libuv's, or another stream. */
struct weir_stream_kind_s {
  /* sizeof(weir_stream_kind_t). A table that ends before an optional function
   * of a later version is one without it. */
  size_t size;
  const char *name;

  /* Start one transfer of 1 to WEIR_WINDOW segments. Return
   *   0             done, *n (at least 1, at most the bytes offered) is set;
   *   WEIR_PENDING  weir_stream_read_done / weir_stream_write_done will come;
   *   UV_EBUSY      no room for it now: it is asked for again after about a
   *                 millisecond, or, if it was within the call that began the
   *                 read, in uv_run; other streams are not held up;
   *   UV_EAGAIN     nothing moved: it is asked for again in the same turn, so
   *                 that a kind which only waits must say WEIR_PENDING;
   *   negative      failed; UV_EOF is the end of the stream. *n, which is 0
   *                 when the function is called, may be set to the bytes that
   *                 moved before that. A write that failed fails the writing
   *                 side for good, a read does not.
   * bufs is valid during the call only; the memory that it names is valid until
   * the transfer is done. */
  int (*read_some)(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                   size_t *n);
  int (*write_some)(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                    size_t *n);

  /* The same at once or never: 0, UV_EAGAIN (or UV_EBUSY, which says the same
   * here), or another error; no transfer of this direction is pending. May be
   * NULL: always UV_EAGAIN. */
  int (*read_now)(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                  size_t *n);
  int (*write_now)(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                   size_t *n);

  /* End a pending transfer soon: its _done has to come all the same, with what
   * really happened, or UV_ECANCELED and 0. cancel_write is for a pending
   * shutdown, too. May be called more than once for one transfer. Return 0, or
   * UV_EBUSY to be asked again as above. */
  int (*cancel_read)(weir_stream_t *stream);
  int (*cancel_write)(weir_stream_t *stream);

  /* End the writing side; no write is pending. Return 0, WEIR_PENDING
   * (weir_stream_write_done with n = 0 will come), UV_EBUSY or an error. */
  int (*shutdown)(weir_stream_t *stream);

  /* Release everything; nothing is pending. weir_stream_close_done has to be
   * called when it is done, which may be within this function. */
  void (*close)(weir_stream_t *stream);

  /* The descriptor, as weir_fileno says; if it is TCP's, weir_close_reset sets
   * it up for a reset before close is called. May be NULL: UV_ENOTSUP. */
  int (*fileno)(const weir_stream_t *stream, uv_os_fd_t *fd);
};

/* Makes a connected stream of the given kind, which has to outlive it, in
 * memory that needs no initialisation. impl is the kind's own, may be NULL, and
 * weir_stream_impl gives it back. The stream has to be closed. Returns 0,
 * UV_EINVAL (a NULL, no read_some, write_some, cancel_read, cancel_write,
 * shutdown or close, or a size that ends before close does), UV_ECANCELED. */
WEIR_EXTERN WEIR_MUST_USE int weir_stream_init(weir_loop_t *loop,
                                               weir_stream_t *stream,
                                               const weir_stream_kind_t *kind,
                                               void *impl);
WEIR_EXTERN void *weir_stream_impl(const weir_stream_t *stream);

/* Report the end of a pending transfer: status 0 with n >= 1, or an error with
 * the n bytes that moved before it, mostly 0. Those count: if they finish the
 * operation, it succeeds, and the next one gets the error. UV_EAGAIN asks for
 * the transfer to be started again, with a window filled anew. For a kind that
 * waits for readiness that is the usual end; UV_EBUSY asks for the same, but
 * after a pause, as above. A success with n = 0, and more than was
 * offered, fail the operation with UV_EIO. A shutdown ends with n = 0. When
 * nothing of that direction is pending, the call does nothing. */
WEIR_EXTERN void weir_stream_read_done(weir_stream_t *stream, int status,
                                       size_t n);
WEIR_EXTERN void weir_stream_write_done(weir_stream_t *stream, int status,
                                        size_t n);
WEIR_EXTERN void weir_stream_close_done(weir_stream_t *stream);

/* The window of the pending read, for a kind that needs it only when data has
 * come: fills out, WEIR_WINDOW entries, and returns how many were used. To be
 * called only while a transfer is pending that read_some began. */
WEIR_EXTERN unsigned weir_stream_read_window(const weir_stream_t *stream,
                                             uv_buf_t *out);

#ifdef __cplusplus
}
#endif
#endif
