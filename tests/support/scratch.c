/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

/* A path that is too long for that of a socket below it is not taken. */
void scratch_dir(char dir[SCRATCH_DIR]) {
  const char *tmp = getenv("TMPDIR");
  int len = snprintf(dir, SCRATCH_DIR, "%s/weir-test-XXXXXX",
                     tmp != NULL ? tmp : "/tmp");

  if (len >= SCRATCH_DIR)
    snprintf(dir, SCRATCH_DIR, "/tmp/weir-test-XXXXXX");
  cr_assert(mkdtemp(dir) != NULL, "%s", dir);
}

void scratch_make(struct scratch *s, size_t len) {
  char *bytes = malloc(len + 1);

  cr_assert(bytes != NULL);
  scratch_dir(s->dir);
  snprintf(s->path, sizeof(s->path), "%s/file", s->dir);
  s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  cr_assert(s->fd >= 0);
  pattern_fill(bytes, 0, len);
  check_is(pwrite(s->fd, bytes, len, 0), len);
  free(bytes);
}

void scratch_remove(struct scratch *s) {
  close(s->fd);
  check_is(unlink(s->path), 0);
  check_is(rmdir(s->dir), 0);
}

void scratch_expect(const struct scratch *s, size_t offset, size_t len) {
  char *bytes = malloc(len + 1);

  cr_assert(bytes != NULL);
  check_is(pread(s->fd, bytes, len, (off_t)offset), len);
  cr_assert(pattern_holds(bytes, offset, len), "the file holds other bytes");
  free(bytes);
}
