/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__FILE_H
#define WEIR__FILE_H

#include "op.h"

/* Operations on files at once, in whatever thread this is; what a backend asks
 * for of them is in backend.h. They return as the public functions do without a
 * callback. */

int weir__file_transfer_now(weir__file_form_t form, uv_file file,
                            weir_seq_t seq, int64_t offset);

/* All of seq: 0 or why not; *n, which may be NULL, is what was moved. */
int weir__file_whole_now(weir__file_form_t form, uv_file file, weir_seq_t seq,
                         int64_t offset, size_t *n);

/* Takes the n bytes that a transfer has moved off op->seq and op->left:
 * WEIR_PENDING if there is to be another one, else the status of op. */
int weir__file_advance(weir_op_t *op, size_t n);

#endif
