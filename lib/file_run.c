/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "file.h"

#include "backend.h"
#include "os.h"
#include "seq.h"

static int finish(uv_fs_t *req) {
  int r = (int)req->result;
  uv_fs_req_cleanup(req);
  return r;
}

int weir__file_open_now(const char *path, int flags, int mode) {
  uv_fs_t req;
  uv_fs_open(NULL, &req, path, flags, mode, NULL);
  return finish(&req);
}

int weir__file_now(weir__file_form_t form, uv_file file) {
  uv_fs_t req;
  if (form == WEIR__FILE_CLOSE)
    uv_fs_close(NULL, &req, file, NULL);
  else
    uv_fs_fsync(NULL, &req, file, NULL);
  return finish(&req);
}

/* ---- Transfers ---- */

static unsigned fill(const weir_seq_t *seq, uv_buf_t *window) {
  size_t bytes = 0;
  return weir__seq_fill(seq, window, 0, &bytes, weir__seq_max_bytes());
}

static int transfer(int form, uv_file file, const weir_seq_t *seq,
                    int64_t offset) {
  uv_buf_t window[WEIR_WINDOW];
  unsigned used = fill(seq, window);
  if (used == 0)
    return 0;
  return form == WEIR__FILE_PWRITE ? weir__os_pwrite(file, window, used, offset)
                                   : weir__os_pread(file, window, used, offset);
}

/* What has no positions has no use for an offset. */
int weir__file_transfer_now(weir__file_form_t form, uv_file file,
                            weir_seq_t seq, int64_t offset) {
  int r = transfer(form, file, &seq, offset);
  return r == UV_ESPIPE ? transfer(form, file, &seq, -1) : r;
}

int weir__file_moved(weir_op_t *op, size_t n) {
  weir__file_args_t *args = weir__file_args(op);
  op->left -= weir__seq_advance(&op->seq, n);
  if (args->offset >= 0)
    args->offset += (int64_t)n;
  if (op->left == 0)
    return 0;
  if (n > 0)
    return WEIR_PENDING;
  return op->form == WEIR__FILE_PREAD ? UV_EOF : UV_EIO;
}

int weir__file_whole_now(weir__file_form_t form, uv_file file, weir_seq_t seq,
                         int64_t offset, size_t *n) {
  weir_op_t op = {.form = (unsigned char)form, .seq = seq};
  int r = WEIR_PENDING;
  op.left = weir__seq_size(&seq);
  weir__file_args(&op)->offset = offset;
  while (r == WEIR_PENDING) {
    int moved = weir__file_transfer_now(form, file, op.seq,
                                        weir__file_args(&op)->offset);
    r = moved < 0 ? moved : weir__file_moved(&op, (size_t)moved);
    op.done += moved < 0 ? 0 : (size_t)moved;
  }
  if (n != NULL)
    *n = op.done;
  return r;
}

/* ---- What was begun ---- */

int weir__file_try(weir_op_t *op) {
  const weir__file_args_t *args = weir__file_args(op);
  uv_buf_t window[WEIR_WINDOW];
  if (args->offset >= 0)
    return weir__file_run(op);
  unsigned used = fill(&op->seq, window);
  return op->form == WEIR__FILE_PWRITE
             ? weir__os_pwrite_now(args->file, window, used)
             : weir__os_pread_now(args->file, window, used);
}

int weir__file_run(weir_op_t *op) {
  const weir__file_args_t *args = weir__file_args(op);
  const weir__open_args_t *open = weir__open_args(op);
  switch (op->form) {
  case WEIR__FILE_OPEN:
    return weir__file_open_now(open->path, open->flags, open->mode);
  case WEIR__FILE_PREAD:
  case WEIR__FILE_PWRITE:
    return transfer(op->form, args->file, &op->seq, args->offset);
  default:
    return weir__file_now((weir__file_form_t)op->form, args->file);
  }
}
