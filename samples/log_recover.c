/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "log_recover.h"

#include <stdlib.h>
#include <string.h>

#include <weir/file.h>

#include "log_segment.h"

/* All of a segment. */
typedef struct loaded_s {
  uv_file file;
  uint32_t number;
  uint32_t size;
  char *bytes;
} loaded_t;

static void unload(weir_loop_t *loop, loaded_t *s) {
  free(s->bytes);
  s->bytes = NULL;
  if (s->file >= 0)
    (void)!weir_file_close(loop, NULL, s->file, NULL);
  s->file = -1;
}

/* Without a callback, operations on files run at once. */
static int load(weir_loop_t *loop, const char *dir, uint32_t number,
                loaded_t *s) {
  char path[SEGMENT_PATH];
  uv_stat_t stat;
  *s = (loaded_t){.file = -1, .number = number};
  int rc = segment_path(path, dir, number);
  if (rc == 0)
    rc = weir_file_open(loop, NULL, path, UV_FS_O_RDWR, 0, NULL);
  if (rc < 0)
    return rc;
  s->file = rc;
  rc = weir_file_fstat(loop, NULL, s->file, &stat, NULL);
  if (rc == 0 && (stat.st_size == 0 || stat.st_size > SEGMENT_MAX))
    rc = UV_EILSEQ;
  if (rc == 0) {
    s->size = (uint32_t)stat.st_size;
    s->bytes = malloc(s->size);
    rc = s->bytes != NULL ? 0 : UV_ENOMEM;
  }
  if (rc == 0)
    rc = weir_file_pread_all(loop, NULL, s->file,
                             weir_mseq_block(s->bytes, s->size), 0, NULL);
  if (rc != 0)
    unload(loop, s);
  return rc;
}

static int get(const loaded_t *s, uint32_t offset, record_t *record) {
  place_t place = {s->number, offset};
  return record_get(s->bytes + offset, s->size - offset, place, record);
}

/* Goes on with what follows in number behind offset. */
static void walk(const loaded_t *s, log_end_t *end, log_visit_cb visit,
                 void *arg) {
  uint32_t offset = 0;
  record_t record;
  while (get(s, offset, &record) && record.number == end->next) {
    if (visit != NULL)
      visit(arg, &record);
    if (record.first)
      end->batch = offset;
    end->next++;
    offset += (uint32_t)record_size(record.len);
  }
  if (offset > 0 || end->place.segment == 0) {
    end->place = (place_t){s->number, offset};
    end->size = s->size;
  }
  if (offset == 0 && end->place.segment == s->number)
    end->batch = 0;
}

/* Whether a batch lies there that was begun after the end. */
static int has_later(const loaded_t *s, uint32_t offset, uint64_t next) {
  record_t record;
  for (; offset < s->size; offset += 8)
    if (get(s, offset, &record) && record.first && record.number > next)
      return 1;
  return 0;
}

/* ---- Reading ---- */

int log_recover(weir_loop_t *loop, const char *dir, log_visit_cb visit,
                void *arg, log_end_t *end) {
  uint32_t count;
  loaded_t s;
  *end = (log_end_t){.next = 1};
  int rc = segment_count(dir, &count);
  for (uint32_t i = 1; rc == 0 && i <= count; i++) {
    rc = load(loop, dir, i, &s);
    if (rc != 0)
      break;
    walk(&s, end, visit, arg);
    unload(loop, &s);
  }
  for (uint32_t i = end->place.segment; rc == 0 && i > 0 && i <= count; i++) {
    rc = load(loop, dir, i, &s);
    if (rc != 0)
      break;
    uint32_t from = i == end->place.segment ? end->place.offset : 0;
    if (has_later(&s, from, end->next))
      rc = UV_EILSEQ;
    unload(loop, &s);
  }
  return rc;
}

/* ---- Repairing ---- */

/* Writes from `from` to `to` again as it is in memory. */
static int write_again(weir_loop_t *loop, const loaded_t *s, uint32_t from,
                       uint32_t to) {
  weir_seq_t data = weir_seq_block(s->bytes + from, to - from);
  int rc = weir_file_pwrite_all(loop, NULL, s->file, data, from, NULL);
  return rc != 0 ? rc : weir_file_fdatasync(loop, NULL, s->file, NULL);
}

static int repair(weir_loop_t *loop, const loaded_t *s, const log_end_t *end) {
  int last = s->number == end->place.segment;
  uint32_t at = last ? end->place.offset : 0;
  uint32_t to = s->size;
  while (to > at && s->bytes[to - 1] == 0)
    to--;
  memset(s->bytes + at, 0, to - at);
  return write_again(loop, s, last ? end->batch : 0, to);
}

int log_repair(weir_loop_t *loop, const char *dir, const log_end_t *end) {
  uint32_t count;
  loaded_t s;
  int rc = segment_count(dir, &count);
  for (uint32_t i = end->place.segment; rc == 0 && i > 0 && i <= count; i++) {
    rc = load(loop, dir, i, &s);
    if (rc != 0)
      break;
    rc = repair(loop, &s, end);
    unload(loop, &s);
  }
  return rc;
}
