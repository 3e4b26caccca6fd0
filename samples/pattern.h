/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_PATTERN_H
#define SAMPLES_PATTERN_H

#include <stddef.h>

/* Bytes that are known by their offset in a stream, and are no period of any
 * buffer's size. */

enum { PATTERN_CHUNK = 64 << 10 };

/* The PATTERN_CHUNK bytes from offset on. */
const char *pattern_at(size_t offset);

#endif
