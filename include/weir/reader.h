/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_READER_H
#define WEIR_READER_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/lease.h>
#include <weir/op.h>
#include <weir/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A reader reads a file from one place on, ahead of the program: several reads
 * are in flight at once, each into a buffer of a pool, and the blocks are
 * handed out in the order in which they lie in the file, one callback for each.
 * So the device is never idle while the program is at work on a block, and
 * nothing is copied or allocated on the way. */
typedef struct weir_file_reader_s weir_file_reader_t;

/* The bytes that follow on those of the block before: at least 1, and a whole
 * buffer of the pool but for the last block. Runs from within uv_run. The lease
 * is the program's, who releases it, here or later; as long as all buffers of
 * the pool are out, nothing more is read. Any function may be called here, but
 * for uv_run; the reader has to stay. */
typedef void (*weir_file_reader_cb)(weir_file_reader_t *reader,
                                    weir_lease_t lease);

/* Reads in flight at most. */
#define WEIR_FILE_READER_DEPTH 16

typedef struct weir_file_reader_options_s {
  /* sizeof(weir_file_reader_options_t), or 0: that of the first version. */
  size_t size;
  /* Where the first block begins; at least 0. */
  int64_t offset;
  /* How many bytes there are to be read; 0: up to the end of the file. */
  uint64_t len;
  /* So many reads are in flight, WEIR_FILE_READER_DEPTH at most; 0: 4. */
  unsigned depth;
} weir_file_reader_options_t;

/* Private. */
typedef struct weir_file_reader_slot_s {
  weir_op_t op;
  uv_buf_t buf;
  size_t n;
  int status;
  int read;
} weir_file_reader_slot_t;

/* Allocate readers by sizeof; it is part of the ABI and does not change. */
struct weir_file_reader_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  weir_op_t *op;
  weir_pool_t *pool;
  weir_file_reader_cb block;
  int64_t offset;
  uint64_t left;
  uv_file file;
  int status;
  int state;
  unsigned depth;
  unsigned head;
  unsigned used;
  unsigned inflight;
  union {
    void *align;
    unsigned char bytes[40];
  } taker;
  void *spare[2];
  weir_op_t kick;
  weir_file_reader_slot_t slots[WEIR_FILE_READER_DEPTH];
};

/* Starts to read file, which has positions: a regular file or a block device.
 * reader is memory that needs no initialisation and has to stay where it is
 * until cb. options may be NULL.
 *
 * cb is the end. n is the number of bytes that were handed out, which are those
 * of the file from the offset on without a gap. status is 0 when these were all
 * that there are, or as many as were asked for; UV_EOF when the file had fewer;
 * UV_ECANCELED when op was cancelled; or the error of the read behind them. A
 * file that others make longer or shorter meanwhile ends where a block first
 * found its end. What had been read beyond is given back to the pool.
 *
 * Returns 0; or, with no callback, UV_EINVAL (a NULL, a negative offset, too
 * large a depth, another loop's pool), UV_ESPIPE (a file without positions),
 * UV_ECANCELED, UV_ESRCH as weir_file_pread. */
WEIR_EXTERN WEIR_MUST_USE int weir_file_reader_start(
    weir_loop_t *loop, weir_op_t *op, weir_file_reader_t *reader, uv_file file,
    weir_pool_t *pool, const weir_file_reader_options_t *options,
    weir_file_reader_cb block, weir_op_cb cb);

/* Have a reader that has not ended hand out no blocks until it is resumed; what
 * is in flight is read meanwhile, and kept. Called twice, they do it once. */
WEIR_EXTERN void weir_file_reader_pause(weir_file_reader_t *reader);
WEIR_EXTERN void weir_file_reader_resume(weir_file_reader_t *reader);

#ifdef __cplusplus
}
#endif
#endif
