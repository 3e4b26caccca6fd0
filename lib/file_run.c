/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "file.h"

#include <weir/file.h>

#include "backend.h"
#include "file_copy_step.h"
#include "os.h"
#include "seq.h"

/* ---- Transfers ---- */

static unsigned fill(const weir_seq_t *seq, uv_buf_t *window) {
  size_t bytes = 0;
  return weir__seq_fill(seq, window, 0, &bytes, weir__seq_max_bytes());
}

static int transfer(weir__file_form_t form, uv_file file, const weir_seq_t *seq,
                    int64_t offset, unsigned flags) {
  uv_buf_t window[WEIR_WINDOW];
  unsigned used = fill(seq, window);
  if (used == 0)
    return 0;
  if (flags != 0)
    return weir__os_move_with(file, form == WEIR__FILE_PWRITE, window, used,
                              offset, flags);
  return form == WEIR__FILE_PWRITE ? weir__os_pwrite(file, window, used, offset)
                                   : weir__os_pread(file, window, used, offset);
}

/* What has no positions has no use for an offset. */
int weir__file_transfer_now(weir__file_form_t form, uv_file file,
                            weir_seq_t seq, int64_t offset, unsigned flags) {
  int r = transfer(form, file, &seq, offset, flags);
  return r == UV_ESPIPE ? transfer(form, file, &seq, -1, flags) : r;
}

int weir__file_advance(weir_op_t *op, size_t n) {
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

static int whole(weir__file_form_t form, uv_file file, const weir_seq_t *seq,
                 int64_t offset, unsigned flags, size_t *n) {
  weir_op_t op = {.form = (unsigned char)form, .seq = *seq};
  int r = WEIR_PENDING;
  op.left = weir__seq_size(seq);
  weir__file_args(&op)->offset = offset;
  while (r == WEIR_PENDING) {
    int moved = weir__file_transfer_now(form, file, op.seq,
                                        weir__file_args(&op)->offset, flags);
    r = moved < 0 ? moved : weir__file_advance(&op, (size_t)moved);
    *n += moved < 0 ? 0 : (size_t)moved;
  }
  return r;
}

int weir__file_now(weir__file_form_t form, uv_file file, const weir_seq_t *seq,
                   int64_t offset, unsigned flags, size_t *n) {
  unsigned systems = flags & ~(unsigned)WEIR_FILE_ALL;
  *n = 0;
  if (systems != flags)
    return whole(form, file, seq, offset, systems, n);
  int r = weir__file_transfer_now(form, file, *seq, offset, systems);
  *n = r < 0 ? 0 : (size_t)r;
  return r;
}

int weir_file_alignment(uv_file file, weir_alignment_t *alignment) {
  enum { PAGE = 4096 };
  unsigned memory = PAGE;
  unsigned offset = PAGE;
  if (alignment == NULL)
    return UV_EINVAL;
  int r = weir__os_alignment(file, &memory, &offset);
  if (r != 0 && r != UV_ENOSYS)
    return r;
  alignment->memory = memory;
  alignment->offset = offset;
  return 0;
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

static int finish(uv_fs_t *req, uv_stat_t *stat) {
  int r = (int)req->result;
  if (r == 0 && stat != NULL)
    *stat = req->statbuf;
  uv_fs_req_cleanup(req);
  return r;
}

/* Where there is no such call, all of the file goes. */
static int sync_range(uv_fs_t *req, const weir__file_args_t *args,
                      const weir__file_more_t *more) {
  int r = weir__os_sync_range(args->file, args->offset, more->len, more->flags);
  if (r != UV_ENOSYS)
    return r;
  uv_fs_fdatasync(NULL, req, args->file, NULL);
  return finish(req, NULL);
}

static int run_descriptor(weir__file_form_t form, const weir__file_args_t *args,
                          const weir__file_more_t *more) {
  uv_fs_t req;
  uv_file file = args->file;
  switch (form) {
  case WEIR__FILE_CLOSE:
    uv_fs_close(NULL, &req, file, NULL);
    break;
  case WEIR__FILE_FSYNC:
    uv_fs_fsync(NULL, &req, file, NULL);
    break;
  case WEIR__FILE_FDATASYNC:
    uv_fs_fdatasync(NULL, &req, file, NULL);
    break;
  case WEIR__FILE_SYNC_RANGE:
    return sync_range(&req, args, more);
  case WEIR__FILE_TRUNCATE:
    uv_fs_ftruncate(NULL, &req, file, args->offset, NULL);
    break;
  case WEIR__FILE_ALLOCATE:
    return weir__os_allocate(file, args->offset, more->len);
  case WEIR__FILE_ADVISE:
    return weir__os_advise(file, args->offset, more->len, more->flags);
  case WEIR__FILE_COPY:
    return weir__copy_step_run(more->step);
  default:
    uv_fs_fstat(NULL, &req, file, NULL);
  }
  return finish(&req, form == WEIR__FILE_FSTAT ? more->stat : NULL);
}

static int run_path(weir__file_form_t form, const weir__file_more_t *more) {
  uv_fs_t req;
  switch (form) {
  case WEIR__FILE_OPEN:
    uv_fs_open(NULL, &req, more->path, more->flags, more->mode, NULL);
    break;
  case WEIR__FILE_RENAME:
    uv_fs_rename(NULL, &req, more->path, more->other, NULL);
    break;
  case WEIR__FILE_LINK:
    uv_fs_link(NULL, &req, more->path, more->other, NULL);
    break;
  case WEIR__FILE_UNLINK:
    uv_fs_unlink(NULL, &req, more->path, NULL);
    break;
  case WEIR__FILE_MKDIR:
    uv_fs_mkdir(NULL, &req, more->path, more->mode, NULL);
    break;
  case WEIR__FILE_RMDIR:
    uv_fs_rmdir(NULL, &req, more->path, NULL);
    break;
  default:
    uv_fs_stat(NULL, &req, more->path, NULL);
  }
  return finish(&req, form == WEIR__FILE_STAT ? more->stat : NULL);
}

int weir__file_run(weir_op_t *op) {
  const weir__file_args_t *args = weir__file_args(op);
  const weir__file_more_t *more = weir__file_more(op);
  weir__file_form_t form = (weir__file_form_t)op->form;
  if (weir__file_transfers(op))
    return transfer(form, args->file, &op->seq, args->offset, args->flags);
  return more->path != NULL ? run_path(form, more)
                            : run_descriptor(form, args, more);
}
