/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__FILE_H
#define WEIR__FILE_H

#include "op.h"

/* ---- file.c ---- */

/* The class of an operation on a file with WEIR__OP_TOLD. */
typedef struct weir__file_class_s {
  weir__op_class_t base; /* its cancel is weir__file_cancel */

  /* It ends with result, and its callback is not yet due. */
  void (*ended)(weir_op_t *op, int64_t result);
} weir__file_class_t;

void weir__file_cancel(weir_op_t *op);

/* Begins a transfer for owner (see weir__file_owner), which is in no queue;
 * flags are of op->flags. 0, or an error and nothing has changed. */
int weir__file_begin(weir_loop_t *loop, weir_op_t *op,
                     const weir__file_class_t *type, void *owner,
                     weir__file_form_t form, unsigned flags, uv_file file,
                     const weir_seq_t *seq, weir_op_cb cb);

/* Has it carried out from offset on: begins it in this call, or with the next
 * flush. */
void weir__file_go(weir_op_t *op, int64_t offset);
void weir__file_go_later(weir_op_t *op, int64_t offset);

/* Ends all file operations that are not with the backend; and asks for the end
 * of those that are. */
void weir__file_cancel_all(weir_loop_t *loop);
void weir__file_end_all(weir_loop_t *loop);

/* A step of a copy, which stays until the callback, as an operation on a file
 * that moves no bytes. */
struct weir__copy_step_s;
int weir__file_step(weir_loop_t *loop, weir_op_t *op,
                    struct weir__copy_step_s *step, weir_op_cb cb);

/* ---- file_run.c ---- */

/* Operations on files at once, in whatever thread this is; what a backend asks
 * for of them is in backend.h. They return as the public functions do without a
 * callback. */

/* flags are for the system. */
int weir__file_transfer_now(weir__file_form_t form, uv_file file,
                            weir_seq_t seq, int64_t offset, unsigned flags);

/* flags are WEIR_FILE_*: with WEIR_FILE_ALL all of seq, and 0 or why not. *n is
 * what was moved. */
int weir__file_now(weir__file_form_t form, uv_file file, const weir_seq_t *seq,
                   int64_t offset, unsigned flags, size_t *n);

/* Takes the n bytes that a transfer has moved off op->seq and op->left:
 * WEIR_PENDING if there is to be another one, else the status of op. */
int weir__file_advance(weir_op_t *op, size_t n);

#endif
