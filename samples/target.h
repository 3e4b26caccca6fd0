/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_TARGET_H
#define SAMPLES_TARGET_H

#include <uv.h>

/* A file that appears under its name only when it is complete: until then it
 * is a temporary file in the same directory, which nobody else may read. */
typedef struct target_s {
  char path[4096];
  char temporary[4096];
  uv_file file; /* to be written to */
  int mode;     /* that it will have */
  int syncs;    /* it is brought to the device before it has its name */
  int keeps;    /* it will have these times */
  uv_timespec_t read;
  uv_timespec_t written;
} target_t;

/* Makes the temporary file for path, which is followed if it is a symbolic
 * link. What has the name now is replaced by a file of the same owner, group
 * and mode; a new one gets source's permissions as far as the umask lets it,
 * and never its setuid bits, since the owner is another.
 *
 * Returns 0; or, with nothing left behind, a negative UV_E*: UV_EISDIR,
 * UV_EEXIST if path is the file that source describes, UV_EINVAL if it is
 * neither a regular file nor absent, UV_ENAMETOOLONG, UV_EPERM if the owner
 * cannot be kept, or the system's. */
int target_open(target_t *target, const char *path, const uv_stat_t *source);

/* Has it get the permissions of source, but never its setuid bits, and its
 * times. */
void target_preserve(target_t *target, const uv_stat_t *source);

/* Makes the file so long, holes and all, and gives it mode and name. 0, or an
 * error, after which nothing is left behind and what had the name before has
 * it still. */
int target_commit(target_t *target, int64_t size);

/* Closes and removes the temporary file. */
void target_discard(target_t *target);

#endif
