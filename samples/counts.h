/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_COUNTS_H
#define SAMPLES_COUNTS_H

/* What a direction of a relay has moved. */
typedef struct counts_s {
  unsigned long long bytes; /* delivered */
  unsigned long long reads;
  unsigned long long writes;
  unsigned long long short_writes; /* took less than they were offered */
  unsigned long long spliced;      /* of the bytes */
} counts_t;

void counts_add(counts_t *total, const counts_t *counts);

/* One line on stdout, at once. */
void counts_print(const char *what, const counts_t *counts);

#endif
