/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "target.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Checks what has the name path now, and finds where it really is. */
static int resolve(target_t *target, const char *path,
                   const uv_stat_t *source) {
  uv_fs_t fs;
  int rc = uv_fs_stat(NULL, &fs, path, NULL);
  uv_stat_t now = fs.statbuf;
  const char *real = path;
  uv_fs_req_cleanup(&fs);
  if (rc == 0) {
    if ((now.st_mode & S_IFMT) == S_IFDIR)
      return UV_EISDIR;
    if ((now.st_mode & S_IFMT) != S_IFREG)
      return UV_EINVAL;
    if (now.st_dev == source->st_dev && now.st_ino == source->st_ino)
      return UV_EEXIST;
    rc = uv_fs_realpath(NULL, &fs, path, NULL);
    real = fs.ptr;
  } else if (rc == UV_ENOENT) {
    rc = uv_fs_lstat(NULL, &fs, path, NULL);
    /* A symbolic link to nowhere is nothing to be replaced. */
    rc = rc == UV_ENOENT ? 0 : rc == 0 ? UV_ENOENT : rc;
  }
  if (rc == 0 && strlen(real) >= sizeof target->path)
    rc = UV_ENAMETOOLONG;
  if (rc == 0)
    strcpy(target->path, real);
  uv_fs_req_cleanup(&fs);
  return rc;
}

int target_open(target_t *target, const char *path, const uv_stat_t *source) {
  uv_fs_t fs;
  int rc = resolve(target, path, source);
  if (rc != 0)
    return rc;
  const char *slash = strrchr(target->path, '/');
  size_t dir = slash != NULL ? (size_t)(slash - target->path) + 1 : 0;
  static const char name[] = ".weir-cp-XXXXXX";
  if (dir + sizeof name > sizeof target->temporary)
    return UV_ENAMETOOLONG;
  memcpy(target->temporary, target->path, dir);
  memcpy(target->temporary + dir, name, sizeof name);

  rc = uv_fs_mkstemp(NULL, &fs, target->temporary, NULL);
  if (rc >= 0) {
    target->file = rc;
    memcpy(target->temporary, fs.path, dir + sizeof name);
    rc = 0;
  }
  uv_fs_req_cleanup(&fs);
  return rc;
}

int target_commit(target_t *target, uint64_t mode) {
  uv_fs_t fs;
  int rc = uv_fs_fchmod(NULL, &fs, target->file, (int)(mode & 07777), NULL);
  uv_fs_req_cleanup(&fs);
  if (rc != 0) {
    target_discard(target);
    return rc;
  }
  rc = uv_fs_close(NULL, &fs, target->file, NULL);
  uv_fs_req_cleanup(&fs);
  if (rc == 0)
    rc = uv_fs_rename(NULL, &fs, target->temporary, target->path, NULL);
  uv_fs_req_cleanup(&fs);
  if (rc != 0)
    uv_fs_unlink(NULL, &fs, target->temporary, NULL);
  uv_fs_req_cleanup(&fs);
  return rc;
}

void target_discard(target_t *target) {
  uv_fs_t fs;
  uv_fs_close(NULL, &fs, target->file, NULL);
  uv_fs_req_cleanup(&fs);
  uv_fs_unlink(NULL, &fs, target->temporary, NULL);
  uv_fs_req_cleanup(&fs);
}
