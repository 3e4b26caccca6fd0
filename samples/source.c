/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "source.h"

#include <sys/stat.h>

static int check(int rc, uv_fs_t *fs, uv_stat_t *stat) {
  *stat = fs->statbuf;
  uv_fs_req_cleanup(fs);
  if (rc == 0 && (stat->st_mode & S_IFMT) == S_IFDIR)
    return UV_EISDIR;
  if (rc == 0 && (stat->st_mode & S_IFMT) != S_IFREG)
    return UV_EINVAL;
  return rc;
}

int source_open(source_t *source, weir_loop_t *loop, const char *path) {
  uv_stat_t *stat = &source->stat;
  uv_fs_t fs;
  /* Before it is opened: with a pipe, that would wait for a writer. */
  int rc = check(uv_fs_stat(NULL, &fs, path, NULL), &fs, stat);
  if (rc != 0)
    return rc;
  /* Without a callback, operations on files run at once. */
  rc = weir_file_open(loop, NULL, path, UV_FS_O_RDONLY, 0, NULL);
  if (rc < 0)
    return rc;
  source->file = rc;
  return check(uv_fs_fstat(NULL, &fs, source->file, NULL), &fs, stat);
}

static int same_time(uv_timespec_t a, uv_timespec_t b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* What /sys says of its files is too much; that alone is no change. */
int source_was_cut(const source_t *source, uint64_t copied) {
  const uv_stat_t *then = &source->stat;
  uv_stat_t now;
  uv_fs_t fs;
  if (copied >= then->st_size)
    return 0;
  return check(uv_fs_fstat(NULL, &fs, source->file, NULL), &fs, &now) != 0 ||
         now.st_size != then->st_size || !same_time(now.st_mtim, then->st_mtim);
}
