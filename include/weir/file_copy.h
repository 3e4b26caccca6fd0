/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_FILE_COPY_H
#define WEIR_FILE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A copy of a whole file, which keeps its holes. */

/* weir_copy_options_t.flags: what the copy is not to be made by. */
enum {
  WEIR_COPY_NO_CLONE = 1, /* sharing the source's blocks: it gets its own */
  WEIR_COPY_NO_RANGE = 2  /* copy_file_range(2) */
};

/* Told now and then how many bytes the target has, of how many; total is 0 if
 * that is not known. Any function may be called, as in op's callback. */
typedef void (*weir_copy_progress_cb)(weir_op_t *op, uint64_t done,
                                      uint64_t total);

typedef struct weir_copy_options_s {
  /* sizeof(weir_copy_options_t), or 0: that of the first version. */
  size_t size;
  weir_copy_progress_cb progress; /* may be NULL */
  unsigned flags;
} weir_copy_options_t;

/* Copies the regular file source, as long as it is at first, into the file
 * target, which is emptied first; where the source has holes, and the system
 * tells where, the target has them. Both have to stay open until the callback.
 * options may be NULL, and are copied.
 *
 * The bytes are cloned where the file system can share them (FICLONE); else
 * the system copies them, at most 4 MiB in one call (copy_file_range), both in
 * a thread of libuv's pool; else, as between file systems that cannot, they are
 * read and written through up to 16 buffers of 256 KiB, of a pool of the copy's
 * own, which is registered on io_uring. Other operations that use or change one
 * of the two files at the same time find it in between; where the system tells
 * of holes, the source's own position moves.
 *
 * n is exact in every case: the first n bytes of the source are in the target,
 * and the byte behind them is not known to be. With an error there may be
 * others behind; nothing is taken back.
 *
 * - Success: all of it, and the target ends there. What is appended to the
 *   source meanwhile is not copied. A file that the system makes up when it is
 *   read, and that has no size or a wrong one, is copied to its end.
 * - UV_EOF: the source became shorter meanwhile; the target ends where that was
 *   met.
 * - UV_ECANCELED, or UV_ETIMEDOUT: it was ended early, at the latest after what
 *   is under way in a thread, at most 4 MiB.
 * - UV_ENOMEM; or what ended it, as UV_ENOSPC, UV_EIO, UV_EFBIG. Nothing was
 *   done for UV_EINVAL: the source is no regular file, the target is the same
 *   or was opened with UV_FS_O_APPEND; and for UV_EISDIR.
 *
 * Nothing is brought to the device: that is weir_file_fsync. On a system where
 * size_t has 32 bits an n beyond it is SIZE_MAX.
 *
 * Returns 0, UV_EINVAL (a NULL that is not allowed, a negative descriptor,
 * unknown flags), UV_ENOMEM, and as those of weir/file.h. There is no form
 * without a callback. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_copy(weir_loop_t *loop, weir_op_t *op,
                                             uv_file source, uv_file target,
                                             const weir_copy_options_t *options,
                                             weir_op_cb cb);

/* What most of the copy was made by. Only inside its callback, before op is
 * used again. */
typedef enum weir_copy_way_e {
  WEIR_COPY_BY_BUFFERS,
  WEIR_COPY_BY_RANGE,
  WEIR_COPY_BY_CLONE
} weir_copy_way_t;
WEIR_EXTERN weir_copy_way_t weir_file_copy_way(const weir_op_t *op);

#ifdef __cplusplus
}
#endif
#endif
