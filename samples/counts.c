/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "counts.h"

#include <stdio.h>

void counts_add(counts_t *total, const counts_t *counts) {
  total->bytes += counts->bytes;
  total->reads += counts->reads;
  total->writes += counts->writes;
  total->short_writes += counts->short_writes;
  total->spliced += counts->spliced;
}

void counts_print(const char *what, const counts_t *counts) {
  printf("%s: %llu bytes, %llu reads, %llu writes, %llu of them short, "
         "%llu bytes spliced, %llu bytes a write\n",
         what, counts->bytes, counts->reads, counts->writes,
         counts->short_writes, counts->spliced,
         counts->bytes / (counts->writes > 0 ? counts->writes : 1));
  fflush(stdout);
}
