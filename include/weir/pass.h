/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_PASS_H
#define WEIR_PASS_H

#include <weir/export.h>
#include <weir/op.h>
#include <weir/seq.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What UNIX sockets can besides bytes: tell who the peer is, and pass
 * descriptors from process to process. All of it is UV_ENOTSUP for any other
 * stream, and for adopted handles works as for the library's own. */

/* Who the peer was when it connected, listened or made the pair: its process
 * (0 where the system does not know), user and group. Any of the pointers may
 * be NULL. Returns 0; UV_EINVAL (stream is NULL), UV_EBADF (closing, or no
 * descriptor), UV_ENOTCONN (not connected, or a listener), UV_ENOTSUP; or an
 * error of the system call. */
WEIR_EXTERN WEIR_MUST_USE int weir_peer_cred(const weir_stream_t *stream,
                                             uv_pid_t *pid, uv_uid_t *uid,
                                             uv_gid_t *gid);

/* Most descriptors that one write passes; musl 1.2.3 takes 252, and says
 * UV_ENOMEM of more. */
#define WEIR_FDS_MAX 253

/* As weir_write, but the n descriptors at fds go with the first byte of from.
 * The peer gets descriptors of its own; these stay the caller's, and have to
 * stay open, and the array as it is, until the callback. If it says 0 bytes,
 * none was passed, and else all were.
 *
 * The write takes its place in the queue and is gathered with none, so that a
 * reader who wants no more than its bytes gets nothing with them but these. One
 * that fails, also since a descriptor is not open (UV_EBADF) or too many are on
 * their way unread (UV_ETOOMANYREFS), fails every later write as ever.
 *
 * Returns as weir_write; UV_EINVAL if from is empty, fds is NULL, or n is 0 or
 * more than WEIR_FDS_MAX; UV_ENOTSUP. */
WEIR_EXTERN WEIR_MUST_USE int weir_write_fd(weir_op_t *op,
                                            weir_stream_t *stream,
                                            weir_seq_t from, const uv_file *fds,
                                            unsigned n, weir_op_cb cb);

/* Where descriptors that come are put. It belongs to the read until its
 * callback, and the array too. */
typedef struct weir_fds_s {
  uv_file *fds;   /* an array, which may be NULL if it has no room */
  unsigned room;  /* how many fit in it */
  unsigned count; /* set by the read: how many are in it */
  int lost;       /* set by the read: 1 if others came with them, else 0 */
} weir_fds_t;

/* As weir_read_some, and takes the descriptors that come with its bytes, which
 * are the caller's from the callback on, and close-on-exec. They are those of
 * one write at most: a read ends before the next one that passes some. Those
 * for which there is no room in the array are closed, and in the process are
 * dropped by the system; then lost is 1. With an error there are none.
 *
 * Any other read of a stream drops the descriptors that come with its bytes;
 * nothing of them is left open.
 *
 * Returns as weir_read_some; UV_EINVAL if fds is NULL, or its array although it
 * has room; UV_ENOTSUP. */
WEIR_EXTERN WEIR_MUST_USE int weir_read_fd(weir_op_t *op, weir_stream_t *stream,
                                           weir_mseq_t into, weir_fds_t *fds,
                                           weir_op_cb cb);

#ifdef __cplusplus
}
#endif
#endif
