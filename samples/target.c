/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "target.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os.h"

/* The result of a request that is over. */
static int done(int rc, uv_fs_t *fs) {
  uv_fs_req_cleanup(fs);
  return rc;
}

/* Whether what has the name path now may be replaced by a copy of source. */
static int replaceable(const char *path, const uv_stat_t *now,
                       const uv_stat_t *source) {
  uv_fs_t fs;
  if ((now->st_mode & S_IFMT) == S_IFDIR)
    return UV_EISDIR;
  if ((now->st_mode & S_IFMT) != S_IFREG)
    return UV_EINVAL;
  if (now->st_dev == source->st_dev && now->st_ino == source->st_ino)
    return UV_EEXIST;
  return done(uv_fs_access(NULL, &fs, path, W_OK, NULL), &fs);
}

/* Finds where path really is; now->st_mode is 0 if nothing has the name. */
static int resolve(target_t *target, const char *path, const uv_stat_t *source,
                   uv_stat_t *now) {
  uv_fs_t fs;
  int rc = uv_fs_stat(NULL, &fs, path, NULL);
  const char *real = path;
  *now = fs.statbuf;
  uv_fs_req_cleanup(&fs);
  if (rc == 0) {
    rc = replaceable(path, now, source);
    if (rc != 0)
      return rc;
    rc = uv_fs_realpath(NULL, &fs, path, NULL);
    real = fs.ptr;
  } else if (rc == UV_ENOENT) {
    now->st_mode = 0;
    rc = uv_fs_lstat(NULL, &fs, path, NULL);
    /* A symbolic link to nowhere is nothing to be replaced. */
    rc = rc == UV_ENOENT ? 0 : rc == 0 ? UV_ENOENT : rc;
  }
  if (rc == 0 && strlen(real) >= sizeof target->path)
    rc = UV_ENAMETOOLONG;
  if (rc == 0)
    strcpy(target->path, real);
  return done(rc, &fs);
}

static int make_temporary(target_t *target) {
  static const char name[] = ".weir-cp-XXXXXX";
  size_t dir = os_directory(target->path);
  uv_fs_t fs;
  if (dir + sizeof name > sizeof target->temporary)
    return UV_ENAMETOOLONG;
  memcpy(target->temporary, target->path, dir);
  memcpy(target->temporary + dir, name, sizeof name);
  int rc = uv_fs_mkstemp(NULL, &fs, target->temporary, NULL);
  if (rc >= 0) {
    target->file = rc;
    memcpy(target->temporary, fs.path, dir + sizeof name);
    rc = 0;
  }
  return done(rc, &fs);
}

int target_open(target_t *target, const char *path, const uv_stat_t *source) {
  uv_stat_t now;
  uv_fs_t fs;
  int rc = resolve(target, path, source, &now);
  if (rc == 0)
    rc = make_temporary(target);
  if (rc != 0)
    return rc;
  target->mode = (int)source->st_mode & 0777 & ~os_creation_mask();
  if (now.st_mode == 0)
    return 0;
  target->mode = (int)now.st_mode & 07777;
  rc = done(uv_fs_fchown(NULL, &fs, target->file, (uv_uid_t)now.st_uid,
                         (uv_gid_t)now.st_gid, NULL),
            &fs);
  if (rc != 0)
    target_discard(target);
  return rc;
}

void target_preserve(target_t *target, const uv_stat_t *source) {
  target->mode = (int)source->st_mode & 0777;
  target->keeps = 1;
  target->read = source->st_atim;
  target->written = source->st_mtim;
}

int target_commit(target_t *target, int64_t size) {
  uv_fs_t fs;
  int rc = done(uv_fs_ftruncate(NULL, &fs, target->file, size, NULL), &fs);
  if (rc == 0)
    rc = done(uv_fs_fchmod(NULL, &fs, target->file, target->mode, NULL), &fs);
  if (rc == 0 && target->keeps)
    rc = os_set_times(target->file, target->read, target->written);
  if (rc == 0 && target->syncs)
    rc = done(uv_fs_fsync(NULL, &fs, target->file, NULL), &fs);
  if (rc != 0) {
    target_discard(target);
    return rc;
  }
  rc = done(uv_fs_close(NULL, &fs, target->file, NULL), &fs);
  if (rc == 0)
    rc = done(uv_fs_rename(NULL, &fs, target->temporary, target->path, NULL),
              &fs);
  if (rc != 0)
    done(uv_fs_unlink(NULL, &fs, target->temporary, NULL), &fs);
  return rc;
}

void target_discard(target_t *target) {
  uv_fs_t fs;
  done(uv_fs_close(NULL, &fs, target->file, NULL), &fs);
  done(uv_fs_unlink(NULL, &fs, target->temporary, NULL), &fs);
}
