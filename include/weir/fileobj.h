/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_FILEOBJ_H
#define WEIR_FILEOBJ_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/op.h>
#include <weir/seq.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file that is read and written on from where the last transfer ended: a
 * descriptor with a position that is the program's own, so that nobody else who
 * has the same file open moves it. What has no use for the position is done
 * with the descriptor, by the functions of weir/file.h.
 *
 * Transfers at the position go one after the other, in the order in which they
 * were begun: each waits until the one before it has ended, and begins where
 * that did. So several may be outstanding at once, and what was read or written
 * is the same as if each had been begun in the callback of the one before it.
 * The position moves by n of each, also of one that fails or is cancelled; what
 * is cancelled before its turn has moved nothing.
 *
 * Where there are no positions (a pipe, a socket, a terminal), they go on with
 * what comes next. With UV_FS_O_APPEND writes go to the end of the file, and
 * move the position by n as any other. */
typedef struct weir_file_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  weir_loop_t *loop;
  int64_t position;
  weir_op_t *turn;
  weir_node_t waiting;
  uv_file file;
  void *spare[2];
} weir_file_t;

/* Makes a file of a descriptor, as weir_file_open gives one, at position 0, in
 * memory that needs no initialisation and has to stay where it is while
 * anything is outstanding. It holds nothing: the descriptor is the
 * application's, who closes it, with weir_file_close, when nothing of it is
 * outstanding. Returns 0, or UV_EINVAL (a NULL). */
WEIR_EXTERN WEIR_MUST_USE int weir_file_init(weir_loop_t *loop,
                                             weir_file_t *file, uv_file fd);

/* Read and write once at the position, as weir_file_pread and weir_file_pwrite,
 * and all of a sequence, as weir_file_pread_all and weir_file_pwrite_all, with
 * all that is said of these. UV_EINVAL is a NULL.
 *
 * Without a callback they run at once and return what those do; UV_EBUSY,
 * moving nothing, while others at the position are outstanding. The number of
 * bytes is weir_file_moved(op) for each of the four, if op is not NULL. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_read(weir_op_t *op, weir_file_t *file,
                                             weir_mseq_t into, weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_write(weir_op_t *op, weir_file_t *file,
                                              weir_seq_t from, weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_read_all(weir_op_t *op,
                                                 weir_file_t *file,
                                                 weir_mseq_t into,
                                                 weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_file_write_all(weir_op_t *op,
                                                  weir_file_t *file,
                                                  weir_seq_t from,
                                                  weir_op_cb cb);

/* Sets the position, which makes no system call: the end of the file is what
 * weir_file_fstat says. Returns 0; or, changing nothing, UV_EINVAL (a NULL, a
 * negative position), UV_EBUSY while transfers at the position are
 * outstanding. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_seek(weir_file_t *file,
                                             int64_t position);

/* The position: behind the transfers that have ended, whose callbacks may still
 * be due. */
WEIR_EXTERN int64_t weir_file_tell(const weir_file_t *file);

/* The descriptor, for all that is not done at the position. */
WEIR_EXTERN uv_file weir_file_descriptor(const weir_file_t *file);

#ifdef __cplusplus
}
#endif
#endif
