/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_LOG_SEGMENT_H
#define SAMPLES_LOG_SEGMENT_H

#include <uv.h>
#include <weir/file.h>
#include <weir/loop.h>

/* The files of a log: "00000001.wal" and on, in one directory. A segment has
 * its name when all of it is zeros and on disk, so that a write into it changes
 * no size and needs no new blocks: fdatasync then brings data alone, and a full
 * disk is met before anything is promised. */

enum {
  SEGMENT_MIN = 64 << 10, /* bytes; a record fits in */
  SEGMENT_MAX = 1 << 30,
  SEGMENT_PATH = 1024
};

/* "DIR/00000001.wal"; UV_ENAMETOOLONG. Number 0 is that of one being made. */
int segment_path(char path[SEGMENT_PATH], const char *dir, uint32_t number);

/* How many there are, which begin with 1; UV_ENOENT where one is missing. */
int segment_count(const char *dir, uint32_t *count);

/* Makes segments, one at a time. Zeroed at first. */
typedef struct segment_maker_s segment_maker_t;
struct segment_maker_s {
  void *data;
  weir_loop_t *loop;
  const char *dir;
  uv_file dir_file; /* the directory, opened */
  int64_t size;     /* of each */
  /* It is made: it has its name and is open. */
  void (*made)(segment_maker_t *maker, uv_file file);

  /* Private. */
  uint32_t number;
  uv_file file;
  int64_t filled;
  unsigned step;
  int over;
  weir_op_t op;
  uv_timer_t timer;
};

/* To be called once, before the others. */
int segment_maker_start(segment_maker_t *maker);

/* Begins to make one; in place of one that is not in use, if there is. What
 * fails, for want of descriptors, of memory or of space, is said and tried
 * again after a while. */
void segment_make(segment_maker_t *maker, uint32_t number);

/* Ends it, whatever it is doing. */
void segment_maker_stop(segment_maker_t *maker);

#endif
