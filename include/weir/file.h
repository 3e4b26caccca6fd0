/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_FILE_H
#define WEIR_FILE_H

#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Files, by descriptor. Every function here has two forms, as uv_fs_* has:
 *
 * cb given     returns 0 (accepted: cb runs once, later, from within uv_run) or
 *              a negative UV_E* (refused). On io_uring the operation is a ring
 *              operation, on the libuv backend one of its thread pool.
 * cb == NULL   runs at once, in this thread, and returns its result: a count,
 *              a descriptor or 0; or a negative UV_E*. op may be NULL then.
 *
 * In both forms UV_EINVAL says that an argument is out of range: a NULL or an
 * offset below -1. UV_ENOMEM, UV_ECANCELED (the loop's handles were closed by
 * the application) and UV_ESRCH (a child after a fork, see weir_loop_fork)
 * refuse one with a callback. All accepted operations may fail with UV_ENOMEM,
 * UV_ECANCELED, and whatever the system call of that name can say. n is 0 for
 * all that moves no bytes; and of those that fail, for all but the three that
 * move a whole sequence.
 *
 * Operations that are outstanding together run side by side, in no order: what
 * has to come second, as the fsync behind a write, is begun in the callback of
 * the first. */

/* Opens path; flags and mode as for uv_fs_open (UV_FS_O_*). path is copied.
 * Opening a FIFO waits for its other side unless flags have UV_FS_O_NONBLOCK;
 * it does so in a thread, the kernel's or libuv's, of which there are few. The
 * descriptor comes from weir_file_result(op) in cb, when status is 0. The
 * descriptor is an ordinary one, close-on-exec, and any other may be given to
 * the functions below. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_open(weir_loop_t *loop, weir_op_t *op,
                                             const char *path, int flags,
                                             int mode, weir_op_cb cb);

/* The descriptor that an open gave. Only inside its callback, before op is used
 * again, and with status 0. */
WEIR_EXTERN uv_file weir_file_result(const weir_op_t *op);

/* Closes file. Operations on it that are not complete have to be waited for
 * first. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_close(weir_loop_t *loop, weir_op_t *op,
                                              uv_file file, weir_op_cb cb);

/* Reads once from offset into the first up to 16 segments of into; offset is
 * at least 0, or -1 for the file's own position. Success with n = 0 is the end
 * of the file, or an empty sequence. n may be less than asked for without the
 * end having been reached. The memory is the kernel's until the callback; the
 * array of segments may go when the call returns, unless it is pinned.
 *
 * What has no positions (a pipe, a socket, a terminal) ignores offset. Where
 * there is nothing to be read yet, the operation waits for it, also when the
 * descriptor is non-blocking: UV_EAGAIN comes only without a callback, or when
 * a descriptor is called ready and is not. On the libuv backend it waits in a
 * thread of libuv's pool, of which there are few: for a pipe or a socket, a
 * stream is better.
 *
 * What lies in a registered pool of this loop is read with READ_FIXED on
 * io_uring, several segments of one pool with READV_FIXED, which came with
 * Linux 6.15. Where that is not to be had, and for segments of several pools or
 * with other memory among them, one call of the plain kind reads them; the
 * unfixed_ counts of weir_loop_stats tell of it. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_pread(weir_loop_t *loop, weir_op_t *op,
                                              uv_file file, weir_mseq_t into,
                                              int64_t offset, weir_op_cb cb);

/* Writes once from the first up to 16 segments of from, as weir_file_pread
 * reads. A file opened with UV_FS_O_APPEND ignores offset (on Linux).
 *
 * A pipe or socket whose reader has gone gives UV_EPIPE and raises no SIGPIPE.
 * On io_uring with a kernel that does not know RWF_NOSIGNAL (Linux 6.18 does),
 * such descriptors are for that written to in a thread of libuv's pool. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_pwrite(weir_loop_t *loop, weir_op_t *op,
                                               uv_file file, weir_seq_t from,
                                               int64_t offset, weir_op_cb cb);

/* Read into all of a sequence, and write all of one, of however many segments:
 * as the functions above, again and again from where the last transfer ended.
 * n is exact in every case: success moved all of it; UV_EOF is a file that
 * ended before, and any other error is that of the transfer behind the n bytes,
 * as UV_ENOSPC of a device that was full then. UV_EIO is also a write that
 * moved nothing and did not fail. Between two transfers others of the same file
 * may come, which matters to those at its own position. Segments of 64 KiB or
 * more that all lie in registered pools are moved one after the other where
 * only so each of them uses its registration.
 *
 * Without a callback they return 0 or the error, and weir_file_moved(op) is n,
 * if op is not NULL. */
WEIR_EXTERN WEIR_MUST_USE int
weir_file_pread_all(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    weir_mseq_t into, int64_t offset, weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int
weir_file_pwrite_all(weir_loop_t *loop, weir_op_t *op, uv_file file,
                     weir_seq_t from, int64_t offset, weir_op_cb cb);

/* Writes all of a sequence as weir_file_pwrite_all, and then brings it to the
 * device as weir_file_fdatasync, in one operation: success says that all n
 * bytes are there. With an error nothing is said of that, also of those n bytes
 * that were written: a write that failed or was cancelled is followed by no
 * sync, and an error with all of n is the sync's. An empty sequence is a sync
 * alone. On io_uring (since Linux 6.0) the last transfer and the sync are
 * submitted together. */
WEIR_EXTERN WEIR_MUST_USE int
weir_file_pwrite_sync(weir_loop_t *loop, weir_op_t *op, uv_file file,
                      weir_seq_t from, int64_t offset, weir_op_cb cb);

/* How one transfer is to go. */
enum {
  WEIR_FILE_ALL = 1,    /* all of it, as the _all forms */
  WEIR_FILE_DSYNC = 2,  /* what was written is on the device then */
  WEIR_FILE_NOWAIT = 8, /* not at all, where it would have to wait */
  WEIR_FILE_APPEND = 16 /* at the end of the file, wherever that is */
};

/* Read, and write, as the functions above, with such flags. UV_EINVAL is also a
 * flag that there is not, and a read with one of writes. UV_ENOTSUP: the system
 * has no such flag (all but Linux have none but WEIR_FILE_ALL), or the file
 * none of that kind, as many file systems that cannot write without waiting.
 *
 * WEIR_FILE_DSYNC   brings each transfer to the device as weir_file_fdatasync:
 *                   n bytes are there also with an error.
 * WEIR_FILE_APPEND  ignores the offset, but for -1, which moves the file's own
 *                   position.
 * WEIR_FILE_NOWAIT  is UV_EAGAIN where bytes are not in memory, or a pipe or
 *                   socket is not ready: n bytes have gone before. */
WEIR_EXTERN WEIR_MUST_USE int
weir_file_pread_with(weir_loop_t *loop, weir_op_t *op, uv_file file,
                     weir_mseq_t into, int64_t offset, unsigned flags,
                     weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int
weir_file_pwrite_with(weir_loop_t *loop, weir_op_t *op, uv_file file,
                      weir_seq_t from, int64_t offset, unsigned flags,
                      weir_op_cb cb);

/* The n of one of these five, before op is used again: in its callback, or when
 * it has returned without one. Without a callback they return 0 or the error,
 * but for those that move once, which return n. */
WEIR_EXTERN size_t weir_file_moved(const weir_op_t *op);

/* Bring the file's data and metadata to the device; fdatasync only the data and
 * what is needed to find it again. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_fsync(weir_loop_t *loop, weir_op_t *op,
                                              uv_file file, weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_fdatasync(weir_loop_t *loop,
                                                  weir_op_t *op, uv_file file,
                                                  weir_op_cb cb);

/* Has the system begin to write what it keeps of len bytes from offset on to
 * the device (0: up to the end), and with wait returns when it has. That
 * spreads the writing out, so that a sync which follows has less to do; it is
 * none itself, since neither the size of the file nor the device's own cache
 * are seen to. Where there is no such call, on other systems than Linux, it is
 * a weir_file_fdatasync. UV_ESPIPE is a file without positions. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_sync_range(weir_loop_t *loop,
                                                   weir_op_t *op, uv_file file,
                                                   int64_t offset, int64_t len,
                                                   int wait, weir_op_cb cb);

/* ---- Size and space ---- */

/* Makes the file that long, with zeros behind what it had. size is at least
 * 0. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_truncate(weir_loop_t *loop,
                                                 weir_op_t *op, uv_file file,
                                                 int64_t size, weir_op_cb cb);

/* Has the file system keep room for len bytes, at least 1, from offset on, so
 * that writing there does not meet UV_ENOSPC; a file that was shorter is that
 * long then. UV_ENOTSUP where the file system cannot, and on other systems than
 * Linux. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_allocate(weir_loop_t *loop,
                                                 weir_op_t *op, uv_file file,
                                                 int64_t offset, int64_t len,
                                                 weir_op_cb cb);

/* How bytes of a file are going to be used. */
typedef enum weir_advice_e {
  WEIR_ADVICE_NORMAL,
  WEIR_ADVICE_SEQUENTIAL,
  WEIR_ADVICE_RANDOM,
  WEIR_ADVICE_WILLNEED, /* soon: they may be read ahead */
  WEIR_ADVICE_DONTNEED  /* not soon: memory that caches them may go */
} weir_advice_t;

/* Tells the system so, of len bytes from offset on; 0: up to the end. It
 * changes no result. Success where the system takes no advice. */
WEIR_EXTERN WEIR_MUST_USE int
weir_file_advise(weir_loop_t *loop, weir_op_t *op, uv_file file, int64_t offset,
                 int64_t len, weir_advice_t advice, weir_op_cb cb);

/* What there is to know of a file, as uv_fs_fstat and uv_fs_stat say it. *stat
 * has to stay until the callback, and is filled on success. A thread of the
 * kernel asks on io_uring, and one of libuv's pool else. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_fstat(weir_loop_t *loop, weir_op_t *op,
                                              uv_file file, uv_stat_t *stat,
                                              weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_stat(weir_loop_t *loop, weir_op_t *op,
                                             const char *path, uv_stat_t *stat,
                                             weir_op_cb cb);

/* What direct transfers (UV_FS_O_DIRECT) have to be multiples of, each a power
 * of two: the address of the memory; and the offset and the number of bytes.
 * Who does not keep to it gets UV_EINVAL, or, where a file system does that, is
 * served through the page cache. The last read of a file may be short.
 *
 * Buffers of a pool whose size is a multiple of 4096 are aligned to that. */
typedef struct weir_alignment_s {
  size_t memory;
  size_t offset;
} weir_alignment_t;

/* Asks the system for them, at once, whether file is open for direct transfers
 * or not. Where it does not say (before Linux 6.1, other systems, some file
 * systems), they are 4096. Returns 0; or UV_EINVAL (a NULL), UV_ENOTSUP (direct
 * transfers of this file are not to be had), or another error of fstat. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_alignment(uv_file file,
                                                  weir_alignment_t *alignment);

/* ---- Names ---- */

/* Change what is in directories, as the system calls of these names. Paths are
 * copied, one that begins with no / is below the working directory when the
 * operation is carried out. A kernel before Linux 5.15 has a thread of libuv's
 * pool do it. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_rename(weir_loop_t *loop, weir_op_t *op,
                                               const char *path, const char *to,
                                               weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_link(weir_loop_t *loop, weir_op_t *op,
                                             const char *path, const char *to,
                                             weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_unlink(weir_loop_t *loop, weir_op_t *op,
                                               const char *path, weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_mkdir(weir_loop_t *loop, weir_op_t *op,
                                              const char *path, int mode,
                                              weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_rmdir(weir_loop_t *loop, weir_op_t *op,
                                              const char *path, weir_op_cb cb);

#ifdef __cplusplus
}
#endif
#endif
