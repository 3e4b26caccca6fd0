/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "copy.h"

static void on_read(weir_op_t *op, int status, size_t n);
static void on_written(weir_op_t *op, int status, size_t n);

/* Parts come to rest as their operations end. */
void copy_cancel(copy_t *copy, int status) {
  if (copy->status != 0)
    return;
  copy->status = status;
  for (int i = 0; i < COPY_PARTS; i++)
    if (copy->parts[i].busy)
      weir_cancel(&copy->parts[i].op);
}

static void source_error(copy_t *copy, int status) {
  if (copy->status == 0)
    copy->source_failed = 1;
  copy_cancel(copy, status);
}

/* ---- The round of a part ---- */

/* Reads behind what the buffer holds already. The buffer lies in a registered
 * pool, so that this is a READ_FIXED: nothing has to be said about it. */
static void read_part(copy_part_t *part) {
  copy_t *copy = part->copy;
  weir_mseq_t room = weir_mseq_block(part->buffer.base, part->len);
  weir_mseq_advance(&room, part->filled);
  int rc = weir_file_pread(copy->loop, &part->op, copy->source.file, room,
                           part->offset + (int64_t)part->filled, on_read);
  part->busy = rc == 0;
  if (rc != 0)
    source_error(copy, rc);
}

static void write_part(copy_part_t *part) {
  copy_t *copy = part->copy;
  weir_seq_t data = weir_seq_block(part->buffer.base, part->filled);
  weir_seq_advance(&data, part->written);
  int rc = weir_file_pwrite(copy->loop, &part->op, copy->target, data,
                            part->offset + (int64_t)part->written, on_written);
  part->busy = rc == 0;
  if (rc != 0)
    copy_cancel(copy, rc);
}

static void meet_end(copy_t *copy, int64_t end) {
  if (end < copy->end)
    copy->end = end;
}

/* Takes the next part of the source that is no hole; rests if there is none. */
static void next_part(copy_part_t *part) {
  copy_t *copy = part->copy;
  int64_t offset = copy->next_offset;
  size_t len = COPY_PART_SIZE;
  if (offset >= copy->end)
    return;
  source_find(&copy->source, &offset, &len);
  if (len == 0)
    meet_end(copy, offset);
  if (offset > copy->end)
    offset = copy->end;
  if (copy->end - offset < (int64_t)len)
    len = (size_t)(copy->end - offset);
  if (offset > copy->next_offset)
    copy->copied += (uint64_t)(offset - copy->next_offset);
  copy->next_offset = offset + (int64_t)len;
  part->offset = offset;
  part->len = len;
  part->filled = 0;
  part->written = 0;
  if (len > 0)
    read_part(part);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  copy_part_t *part = op->data;
  part->busy = 0;
  part->filled += n;
  if (status != 0)
    source_error(part->copy, status);
  if (part->copy->status != 0)
    return;
  if (n == 0)
    meet_end(part->copy, part->offset + (int64_t)part->filled);
  if (n > 0 && part->filled < part->len)
    read_part(part); /* a short read */
  else if (part->filled > 0)
    write_part(part);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  copy_part_t *part = op->data;
  copy_t *copy = part->copy;
  part->busy = 0;
  part->written += n;
  copy->copied += n;
  if (status != 0)
    copy_cancel(copy, status);
  if (copy->status != 0)
    return;
  copy->progress(copy->copied);
  if (part->written < part->filled)
    write_part(part); /* a short write */
  else
    next_part(part);
}

/* ---- The whole ---- */

int copy_begin(copy_t *copy) {
  int rc =
      weir_pool_create(copy->loop, COPY_PARTS, COPY_PART_SIZE, &copy->pool);
  if (rc != 0)
    return rc;
  copy->end = copy->source.size >= 0 ? copy->source.size : INT64_MAX;
  /* Where the size is not known, what is read is made for the reader, who had
   * better go through it once. */
  int parts = copy->source.size >= 0 ? COPY_PARTS : 1;
  for (int i = 0; i < parts; i++) {
    copy_part_t *part = &copy->parts[i];
    part->copy = copy;
    part->op.data = part;
    rc = weir_pool_acquire(copy->pool, &part->buffer);
    if (rc != 0)
      return rc;
    next_part(part);
  }
  return 0;
}

void copy_end(copy_t *copy) {
  for (int i = 0; i < COPY_PARTS; i++)
    if (copy->parts[i].buffer.base != NULL)
      weir_pool_release(copy->pool, &copy->parts[i].buffer);
  if (copy->pool != NULL && weir_pool_destroy(copy->pool) == 0)
    copy->pool = NULL;
}
