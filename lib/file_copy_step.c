/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "file_copy_step.h"

#include <sys/stat.h>

#include "os.h"

/* UV_EISDIR: libuv's name for what Windows does not do with a pipe. */
static int look_at(uv_file file, uv_stat_t *stat) {
  uv_fs_t req;
  int r = uv_fs_fstat(NULL, &req, file, NULL);
  *stat = req.statbuf;
  uv_fs_req_cleanup(&req);
  return r == UV_EISDIR && !weir__os_is_file(file) ? UV_EINVAL : r;
}

static int end_at(uv_file file, int64_t size) {
  uv_fs_t req;
  int r = uv_fs_ftruncate(NULL, &req, file, size, NULL);
  uv_fs_req_cleanup(&req);
  return r;
}

/* Whether the one can be copied to the other. */
static int check(const weir__copy_step_t *step, const uv_stat_t *source,
                 const uv_stat_t *target) {
  if ((source->st_mode & S_IFMT) == S_IFDIR)
    return UV_EISDIR;
  if ((source->st_mode & S_IFMT) != S_IFREG ||
      (source->st_dev == target->st_dev && source->st_ino == target->st_ino) ||
      weir__os_appends(step->target))
    return UV_EINVAL;
  return 0;
}

static int begin(weir__copy_step_t *step) {
  uv_stat_t source, target;
  int r = look_at(step->source, &source);
  if (r == 0)
    r = look_at(step->target, &target);
  if (r == 0)
    r = check(step, &source, &target);
  if (r == 0)
    r = end_at(step->target, 0);
  if (r != 0)
    return r;
  step->size = (int64_t)source.st_size;
  step->changed = source.st_mtim;
  step->sparse = source.st_blocks * 512 < source.st_size;
  step->clones = step->clones && step->size > 0 &&
                 weir__os_clone(step->source, step->target) == 0;
  return 0;
}

/* Nothing but a hole is left, or nothing at all. */
static void find_end(weir__copy_step_t *step) {
  uv_stat_t now;
  step->offset = step->size;
  if (look_at(step->source, &now) == 0 && (int64_t)now.st_size < step->size)
    step->offset = (int64_t)now.st_size;
  step->end = step->offset;
}

/* Where the system does not tell, it is all data. */
static void find(weir__copy_step_t *step) {
  int r = UV_ENOTSUP;
  if (step->offset < step->end)
    return;
  if (step->sparse)
    r = weir__os_find_data(step->source, &step->offset, &step->end);
  if (r == UV_ENXIO || (r == 0 && step->offset >= step->size)) {
    find_end(step);
    return;
  }
  step->sparse = r == 0;
  if (r != 0 || step->end > step->size)
    step->end = step->size;
}

static int copy_range(weir__copy_step_t *step) {
  find(step);
  if (step->end - step->offset < (int64_t)step->most)
    step->most = (size_t)(step->end - step->offset);
  if (step->most == 0)
    return 0;
  int n =
      weir__os_copy_range(step->source, step->target, step->offset, step->most);
  step->most = n > 0 ? (size_t)n : 0;
  return n < 0 ? n : n == 0 ? UV_ENOTSUP : 0;
}

static int same_time(uv_timespec_t a, uv_timespec_t b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* A file that ended early was cut, unless its size was wrong from the
 * beginning. */
static int finish(const weir__copy_step_t *step) {
  uv_stat_t now;
  int r = end_at(step->target, step->offset);
  if (r != 0 || step->offset >= step->size)
    return r;
  r = look_at(step->source, &now);
  if (r != 0)
    return r;
  return (int64_t)now.st_size == step->size &&
                 same_time(now.st_mtim, step->changed)
             ? 0
             : UV_EOF;
}

int weir__copy_step_run(weir__copy_step_t *step) {
  switch (step->what) {
  case WEIR__COPY_BEGIN:
    return begin(step);
  case WEIR__COPY_FIND:
    find(step);
    return 0;
  case WEIR__COPY_RANGE:
    return copy_range(step);
  default:
    return finish(step);
  }
}
