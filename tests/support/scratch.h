/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

/* Makes a new directory and writes its path to dir. Whatever a test that fails
 * leaves there, run.sh removes. */
enum { SCRATCH_DIR = 64 };
void scratch_dir(char dir[SCRATCH_DIR]);

/* A file in a directory of its own, which holds `len` bytes of the pattern. */
struct scratch {
  char dir[SCRATCH_DIR];
  char path[SCRATCH_DIR + 8];
  int fd; /* open for reading and writing */
};

void scratch_make(struct scratch *s, size_t len);
void scratch_remove(struct scratch *s);

/* Asserts that the file holds len bytes of the pattern from offset on. */
void scratch_expect(const struct scratch *s, size_t offset, size_t len);

#endif
