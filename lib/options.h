/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OPTIONS_H
#define WEIR__OPTIONS_H

#include <string.h>

#include <uv.h>

/* Copies the options that a caller gave, whose first member is their size, to
 * ours, which are all 0, of known bytes; first is the size in the first
 * version. What a caller does not know stays 0; what we do not know has to be.
 * 0 or UV_EINVAL. */
static inline int weir__options_take(void *ours, size_t known, size_t first,
                                     const void *theirs) {
  size_t size;
  memcpy(&size, theirs, sizeof(size));
  if (size == 0)
    size = first;
  if (size < first)
    return UV_EINVAL;
  for (size_t i = known; i < size; i++)
    if (((const unsigned char *)theirs)[i] != 0)
      return UV_EINVAL;
  memcpy(ours, theirs, size < known ? size : known);
  return 0;
}

#endif
