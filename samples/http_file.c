/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif

#include "http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http_request.h"

enum { INDEX = 16, FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

static int root = -1;

int http_root_open(const char *path) {
  root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return root >= 0 ? 0 : -errno;
}

void http_root_close(void) {
  close(root);
}

/* ---- What there is below the root ---- */

/* Name by name, and none may be a link. */
static int walk(const char *path) {
  char name[HTTP_PATH_MAX + INDEX];
  int at = dup(root);
  while (at >= 0 && *path != '\0') {
    size_t len = strcspn(path, "/");
    int more = path[len] == '/';
    memcpy(name, path, len);
    name[len] = '\0';
    int next = openat(at, name, FLAGS | O_NOFOLLOW | (more ? O_DIRECTORY : 0));
    int error = errno;
    close(at);
    errno = error;
    at = next;
    path += len + (size_t)more;
  }
  return at;
}

#ifdef SYS_openat2

/* As of the kernel, for C libraries whose headers are older. */
enum { NO_MAGICLINKS = 0x02, BENEATH = 0x08, CACHED = 0x20 };
typedef struct how_s {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
} how_t;

static int open_below(const char *path, int wait) {
  how_t how = {.flags = FLAGS,
               .resolve = NO_MAGICLINKS | BENEATH | (wait ? 0 : CACHED)};
  int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  if (fd >= 0)
    return fd;
  if (!wait && (errno == EINVAL || errno == ENOSYS || errno == EPERM))
    errno = EAGAIN; /* CACHED is of Linux 5.12 */
  else if (wait && (errno == ENOSYS || errno == EPERM))
    return walk(path);
  return -1;
}

#else

static int open_below(const char *path, int wait) {
  if (wait)
    return walk(path);
  errno = EAGAIN;
  return -1;
}

#endif

/* ---- What sort of file it is ---- */

static const char *type_of(const char *path) {
  static const char *const types[][2] = {
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"txt", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"xml", "application/xml"},
      {"pdf", "application/pdf"},
      {"gz", "application/gzip"},
      {"zip", "application/zip"},
      {"wasm", "application/wasm"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"ico", "image/x-icon"},
      {"woff2", "font/woff2"},
      {"mp3", "audio/mpeg"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"}};
  const char *name = strrchr(path, '/');
  const char *dot = strrchr(name != NULL ? name : path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
    if (strcmp(dot + 1, types[i][0]) == 0)
      return types[i][1];
  return "application/octet-stream";
}

/* A FIFO would be waited for, had it been opened without O_NONBLOCK, which a
 * file is not to have. */
static int look_at(http_file_t *file, const char *path) {
  struct stat info;
  if (fstat(file->file, &info) != 0)
    return -errno;
  if (S_ISDIR(info.st_mode))
    return UV_EISDIR;
  if (!S_ISREG(info.st_mode))
    return UV_EACCES;
  if (fcntl(file->file, F_SETFL, 0) != 0)
    return -errno;
  file->size = info.st_size;
  file->modified = info.st_mtime;
  file->type = type_of(path);
  return 0;
}

void http_file_open(http_file_t *file, const char *path, int is_dir, int wait) {
  char full[HTTP_PATH_MAX + INDEX];
  snprintf(full, sizeof full, "%s%s%s", path,
           is_dir && path[0] != '\0' ? "/" : "", is_dir ? "index.html" : "");
  *file = (http_file_t){.file = open_below(full, wait)};
  file->error = file->file >= 0 ? look_at(file, full) : -errno;
  if (file->error != 0)
    http_file_close(file);
}

void http_file_close(http_file_t *file) {
  if (file->file >= 0)
    close(file->file);
  file->file = -1;
}
