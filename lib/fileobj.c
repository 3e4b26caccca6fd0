/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/file.h>
#include <weir/fileobj.h>

#include "file.h"
#include "op.h"
#include "queue.h"

/* A file with a position: operations on files of which one has its turn, while
 * the others wait in the file's own queue. */

int weir_file_init(weir_loop_t *loop, weir_file_t *file, uv_file fd) {
  if (loop == NULL || file == NULL)
    return UV_EINVAL;
  file->loop = loop;
  file->position = 0;
  file->turn = NULL;
  file->file = fd;
  weir__queue_init(&file->waiting);
  return 0;
}

/* Whoever waits longest has his turn in the next flush, as what ended may have
 * done so within a call of the program. What the loop does not begin any more
 * ends here. */
static void next(weir_file_t *file) {
  int r = weir__loop_check(file->loop);
  weir_node_t *node;
  file->turn = NULL;
  while (file->turn == NULL &&
         (node = weir__queue_pop(&file->waiting)) != NULL) {
    weir_op_t *op = weir__op_of(node);
    if (r != 0) {
      weir__op_finish(op, UV_ECANCELED);
    } else {
      file->turn = op;
      weir__file_go_later(op, file->position);
    }
  }
}

/* One that did not wait for its turn in vain. */
static void ended(weir_op_t *op, int64_t result) {
  weir_file_t *file = weir__file_owner(op);
  (void)result;
  if (file->turn != op)
    return;
  file->position += (int64_t)op->done;
  next(file);
}

static const weir__file_class_t positioned = {
    .base = {.name = "file", .cancel = weir__file_cancel},
    .ended = ended,
};

static int now(weir_op_t *op, weir_file_t *file, weir__file_form_t form,
               unsigned flags, const weir_seq_t *seq) {
  size_t n;
  if (file->turn != NULL)
    return UV_EBUSY;
  int r = weir__file_now(form, file->file, seq, file->position,
                         flags & WEIR__OP_WHOLE ? WEIR_FILE_ALL : 0, &n);
  file->position += (int64_t)n;
  if (op != NULL)
    op->done = n;
  return r;
}

static int transfer(weir_op_t *op, weir_file_t *file, weir__file_form_t form,
                    unsigned flags, const weir_seq_t *seq, weir_op_cb cb) {
  if (file == NULL || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL)
    return now(op, file, form, flags, seq);
  int r = weir__file_begin(file->loop, op, &positioned, file, form, flags,
                           file->file, seq, cb);
  if (r != 0)
    return r;
  if (op->left == 0) {
    weir__op_finish(op, 0);
  } else if (file->turn != NULL) {
    weir__queue_push(&file->waiting, &op->node);
  } else {
    file->turn = op;
    weir__file_go(op, file->position);
  }
  return 0;
}

int weir_file_read(weir_op_t *op, weir_file_t *file, weir_mseq_t into,
                   weir_op_cb cb) {
  return transfer(op, file, WEIR__FILE_PREAD, 0, &into.seq, cb);
}

int weir_file_write(weir_op_t *op, weir_file_t *file, weir_seq_t from,
                    weir_op_cb cb) {
  return transfer(op, file, WEIR__FILE_PWRITE, 0, &from, cb);
}

int weir_file_read_all(weir_op_t *op, weir_file_t *file, weir_mseq_t into,
                       weir_op_cb cb) {
  return transfer(op, file, WEIR__FILE_PREAD, WEIR__OP_WHOLE, &into.seq, cb);
}

int weir_file_write_all(weir_op_t *op, weir_file_t *file, weir_seq_t from,
                        weir_op_cb cb) {
  return transfer(op, file, WEIR__FILE_PWRITE, WEIR__OP_WHOLE, &from, cb);
}

int weir_file_seek(weir_file_t *file, int64_t position) {
  if (file == NULL || position < 0)
    return UV_EINVAL;
  if (file->turn != NULL)
    return UV_EBUSY;
  file->position = position;
  return 0;
}

int64_t weir_file_tell(const weir_file_t *file) {
  return file->position;
}

uv_file weir_file_descriptor(const weir_file_t *file) {
  return file->file;
}
