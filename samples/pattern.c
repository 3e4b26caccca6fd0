/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "pattern.h"

enum { PERIOD = 65521 };

const char *pattern_at(size_t offset) {
  static char bytes[PERIOD + PATTERN_CHUNK];
  static int made;
  unsigned x = 1;
  for (size_t i = 0; i < sizeof bytes && !made; i++) {
    if (i % PERIOD == 0)
      x = 1;
    x = x * 1103515245u + 12345u;
    bytes[i] = (char)(x >> 16);
  }
  made = 1;
  return bytes + offset % PERIOD;
}
