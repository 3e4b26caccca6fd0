/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "alloc.h"
#include "debug_op.h"
#include "debug_report.h"

/* Operations of a loop in debug mode. A record stands between each of them and
 * its callback. Where there is no memory for one, it goes without. */

typedef struct weir__debug_op_s {
  struct weir__debug_op_s *next;
  weir_op_t *op;
  weir_op_cb cb; /* the program's */
  uv_pid_t pid;
  int settled; /* its bytes were compared, or cannot be */
  uint64_t sum;
  weir_trail_t began;
  size_t count;
  uv_buf_t segments[];
} record_t;

/* FNV-1a, wherever the segments are cut. */
static uint64_t sum_of(const uv_buf_t *segments, size_t count) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < segments[i].len; k++)
      sum = (sum ^ (unsigned char)segments[i].base[k]) * 0x100000001b3u;
  return sum;
}

static const char *name_of(const weir_op_t *op) {
  if (strcmp(op->type->name, "file") != 0)
    return op->type->name;
  if (op->form == WEIR__FILE_PREAD)
    return "file read";
  return op->form == WEIR__FILE_PWRITE ? "file write" : "file";
}

/* Whether it takes bytes out of its memory; else it puts them there. A write
 * that is carried out in another way has bytes of its own, or none. */
static int takes_out(const weir_op_t *op) {
  return strcmp(op->type->name, "write") == 0 ||
         strcmp(name_of(op), "file write") == 0;
}

static int is_compared(const record_t *record) {
  return !record->settled && takes_out(record->op) &&
         (record->op->flags & WEIR__OP_BY) == 0 &&
         record->pid == uv_os_getpid();
}

static record_t **find(weir__debug_t *debug, const weir_op_t *op) {
  record_t **at = &debug->ops[weir__debug_bucket(op)];
  while (*at != NULL && (*at)->op != op)
    at = &(*at)->next;
  return at;
}

static weir_report_t report_of(weir_misuse_t misuse, const record_t *record) {
  weir_report_t report = {
      .misuse = misuse, .what = name_of(record->op), .began = &record->began};
  if (record->count > 0)
    report.address = record->segments[0].base;
  for (size_t i = 0; i < record->count; i++)
    report.size += record->segments[i].len;
  return report;
}

static void compare(weir_loop_t *loop, record_t *record) {
  if (is_compared(record) &&
      sum_of(record->segments, record->count) != record->sum) {
    const weir_report_t report = report_of(WEIR_MISUSE_CHANGED, record);
    weir__debug_report(loop, &report);
  }
  record->settled = 1;
}

/* What both have, if anything. */
static int overlap(const uv_buf_t *a, const uv_buf_t *b, uv_buf_t *common) {
  uintptr_t from = (uintptr_t)a->base;
  uintptr_t to = from + a->len;
  uintptr_t other = (uintptr_t)b->base;
  if (other > from)
    from = other;
  if (other + b->len < to)
    to = other + b->len;
  if (from >= to)
    return 0;
  *common = weir__buf((const char *)from, to - from);
  return 1;
}

static int overlap_any(const record_t *record, const uv_buf_t *buf,
                       uv_buf_t *common) {
  for (size_t i = 0; i < record->count; i++)
    if (overlap(&record->segments[i], buf, common))
      return 1;
  return 0;
}

static int share(const record_t *a, const record_t *b, uv_buf_t *common) {
  for (size_t i = 0; i < b->count; i++)
    if (overlap_any(a, &b->segments[i], common))
      return 1;
  return 0;
}

/* The first other one that has a part of the same memory, if one of the two
 * reads into it. Each two are looked at when the first of them ends: what a
 * file operation does is known by then. */
static const record_t *partner(const weir__debug_t *debug,
                               const record_t *record, uv_buf_t *common) {
  for (size_t i = 0; i < WEIR__DEBUG_BUCKETS; i++) {
    const record_t *other = debug->ops[i];
    for (; other != NULL; other = other->next)
      if ((!takes_out(record->op) || !takes_out(other->op)) &&
          share(record, other, common))
        return other;
  }
  return NULL;
}

static void look_at_others(weir_loop_t *loop, const record_t *record) {
  uv_buf_t common;
  const record_t *other = partner(loop->debug, record, &common);
  if (other == NULL)
    return;
  weir_report_t report = report_of(WEIR_MISUSE_SHARED, record);
  report.address = common.base;
  report.size = common.len;
  report.other = name_of(other->op);
  report.also = &other->began;
  weir__debug_report(loop, &report);
}

static void on_end(weir_op_t *op, int status, size_t n) {
  weir_loop_t *loop = op->loop;
  record_t **at = find(loop->debug, op);
  record_t *record = *at;
  weir_op_cb cb = record->cb;
  *at = record->next;
  op->cb = cb;
  compare(loop, record);
  look_at_others(loop, record);
  weir__free(record);
  cb(op, status, n);
}

static record_t *record_of(weir_op_t *op, weir_seq_t seq) {
  size_t count = weir_seq_count(seq);
  record_t *record =
      weir__calloc(1, sizeof(*record) + count * sizeof(record->segments[0]));
  if (record == NULL)
    return NULL;
  record->op = op;
  record->cb = op->cb;
  record->pid = uv_os_getpid();
  while (record->count < count &&
         weir_seq_next(&seq, &record->segments[record->count]))
    record->count++;
  weir__debug_trail(&record->began);
  return record;
}

int weir__debug_begin(weir_op_t *op, weir_loop_t *loop, void *owner,
                      const weir__op_class_t *type, const weir_seq_t *seq,
                      size_t size, weir_op_cb cb) {
  record_t **at = find(loop->debug, op);
  if (*at != NULL) {
    const weir_report_t report = report_of(WEIR_MISUSE_BEGUN_TWICE, *at);
    weir__debug_report(loop, &report);
    return UV_EBUSY;
  }
  int r = weir__op_begin(op, loop, owner, type, seq, size, cb);
  record_t *record = r == 0 ? record_of(op, *seq) : NULL;
  if (record == NULL)
    return r;
  /* What a file operation does is not known yet. */
  if (strcmp(type->name, "file") == 0 || takes_out(op))
    record->sum = sum_of(record->segments, record->count);
  *at = record;
  op->cb = on_end;
  return 0;
}

void weir__debug_withdrawn(weir_loop_t *loop, uv_buf_t buf,
                           const weir_trail_t *taken) {
  for (size_t i = 0; i < WEIR__DEBUG_BUCKETS; i++) {
    record_t *record = loop->debug->ops[i];
    for (; record != NULL; record = record->next) {
      uv_buf_t common;
      if (!overlap_any(record, &buf, &common))
        continue;
      compare(loop, record);
      if (record->op->state == WEIR__OP_DONE)
        continue;
      const weir_report_t report = {.misuse = WEIR_MISUSE_RELEASED_IN_USE,
                                    .what = "buffer",
                                    .address = buf.base,
                                    .size = buf.len,
                                    .began = taken,
                                    .other = name_of(record->op),
                                    .also = &record->began};
      weir__debug_report(loop, &report);
    }
  }
}

void weir__debug_ops_left(weir_loop_t *loop) {
  for (size_t i = 0; i < WEIR__DEBUG_BUCKETS; i++) {
    const record_t *record = loop->debug->ops[i];
    for (; record != NULL; record = record->next) {
      const weir_report_t report = report_of(WEIR_MISUSE_LEFT, record);
      weir__debug_report(loop, &report);
    }
  }
}
