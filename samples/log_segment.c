/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "log_segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

enum { AGAIN_MS = 100, ZEROS = 64 << 10, ZEROS_AT_ONCE = 16 };

static const char zeros[ZEROS];

/* ---- Names ---- */

int segment_path(char path[SEGMENT_PATH], const char *dir, uint32_t number) {
  int n = number == 0 ? snprintf(path, SEGMENT_PATH, "%s/next.tmp", dir)
                      : snprintf(path, SEGMENT_PATH, "%s/%08" PRIu32 ".wal",
                                 dir, number);
  return n < SEGMENT_PATH ? 0 : UV_ENAMETOOLONG;
}

/* The number that a name has, or 0. */
static uint32_t number_of(const char *name) {
  uint32_t number = 0;
  if (strlen(name) != 12 || strspn(name, "0123456789") != 8 ||
      strcmp(name + 8, ".wal") != 0)
    return 0;
  for (int i = 0; i < 8; i++)
    number = number * 10 + (uint32_t)(name[i] - '0');
  return number;
}

int segment_count(const char *dir, uint32_t *count) {
  uv_fs_t fs;
  uv_dirent_t entry;
  uint32_t last = 0;
  *count = 0;
  int rc = uv_fs_scandir(NULL, &fs, dir, 0, NULL);
  while (rc >= 0 && uv_fs_scandir_next(&fs, &entry) == 0) {
    uint32_t number = number_of(entry.name);
    *count += number > 0;
    if (number > last)
      last = number;
  }
  uv_fs_req_cleanup(&fs);
  return rc < 0 ? rc : *count == last ? 0 : UV_ENOENT;
}

/* ---- Making one ---- */

static void on_step(weir_op_t *op, int status, size_t n);

static int open_it(segment_maker_t *m) {
  char path[SEGMENT_PATH];
  int rc = segment_path(path, m->dir, 0);
  m->filled = 0;
  return rc != 0 ? rc
                 : weir_file_open(m->loop, &m->op, path,
                                  UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_TRUNC,
                                  0600, on_step);
}

static int fill_it(segment_maker_t *m) {
  uv_buf_t many[ZEROS_AT_ONCE];
  for (int i = 0; i < ZEROS_AT_ONCE; i++)
    many[i] = uv_buf_init((char *)zeros, ZEROS);
  weir_seq_t data = weir_seq_bufs(many, ZEROS_AT_ONCE);
  data = weir_seq_prefix(data, (size_t)(m->size - m->filled));
  return weir_file_pwrite_all(m->loop, &m->op, m->file, data, m->filled,
                              on_step);
}

static int sync_it(segment_maker_t *m) {
  return weir_file_fsync(m->loop, &m->op, m->file, on_step);
}

static int name_it(segment_maker_t *m) {
  char path[SEGMENT_PATH], to[SEGMENT_PATH];
  int rc = segment_path(path, m->dir, 0);
  if (rc == 0)
    rc = segment_path(to, m->dir, m->number);
  return rc != 0 ? rc : weir_file_rename(m->loop, &m->op, path, to, on_step);
}

static int sync_name(segment_maker_t *m) {
  return weir_file_fsync(m->loop, &m->op, m->dir_file, on_step);
}

static int (*const steps[])(segment_maker_t *) = {open_it, fill_it, sync_it,
                                                  name_it, sync_name};
enum { OPENED = 0, FILLED = 1, STEPS = sizeof steps / sizeof *steps };

static void on_timer(uv_timer_t *timer);

/* All of it is done again: nothing has been promised that lies there. */
static void put_off(segment_maker_t *m, int error) {
  static trouble_t trouble;
  char path[SEGMENT_PATH];
  if (m->file >= 0 && segment_path(path, m->dir, 0) == 0)
    (void)!weir_file_unlink(m->loop, NULL, path, NULL);
  if (m->file >= 0 && weir_file_close(m->loop, NULL, m->file, NULL) != 0)
    complain("a segment", UV_EIO);
  m->file = -1;
  m->step = 0;
  if (m->over)
    return;
  complain_rarely(&trouble, "make a segment in", m->dir, error);
  uv_timer_start(&m->timer, on_timer, AGAIN_MS, 0);
}

static void take_step(segment_maker_t *m) {
  int rc = steps[m->step](m);
  if (rc != 0)
    put_off(m, rc);
}

static void on_timer(uv_timer_t *timer) {
  take_step(timer->data);
}

static void on_step(weir_op_t *op, int status, size_t n) {
  segment_maker_t *m = op->data;
  if (m->step == OPENED && status == 0)
    m->file = weir_file_result(op);
  if (m->step == FILLED)
    m->filled += (int64_t)n;
  if (status != 0 || m->over) {
    put_off(m, status);
    return;
  }
  if (m->step != FILLED || m->filled == m->size)
    m->step++;
  if (m->step < STEPS) {
    take_step(m);
    return;
  }
  uv_file file = m->file;
  m->file = -1;
  m->step = 0;
  m->made(m, file);
}

int segment_maker_start(segment_maker_t *m) {
  m->op.data = m->timer.data = m;
  m->file = -1;
  return uv_timer_init(weir_loop_uv(m->loop), &m->timer);
}

void segment_make(segment_maker_t *m, uint32_t number) {
  m->number = number;
  take_step(m);
}

void segment_maker_stop(segment_maker_t *m) {
  m->over = 1;
  uv_close((uv_handle_t *)&m->timer, NULL);
  weir_cancel(&m->op);
}
