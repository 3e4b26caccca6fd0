/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_LOG_RECORD_H
#define SAMPLES_LOG_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* A record of a log as it lies in a segment: a CRC-32C, the length, the number,
 * the bytes, and zeros up to a multiple of 8. Where there is no record there
 * are zeros. The sum is also over the place, so that what once lay, or what
 * somebody logs of another log, is no record here.
 *
 * Records are written in batches, a batch when the one before it is on disk.
 * So a record that is the first of its batch tells that all before it was. */

enum { RECORD_HEAD = 16, RECORD_MAX = 32 << 10 };

typedef struct record_s {
  uint64_t number; /* from 1 */
  int first;       /* of a batch */
  const char *bytes;
  size_t len; /* at most RECORD_MAX */
} record_t;

typedef struct place_s {
  uint32_t segment; /* from 1 */
  uint32_t offset;
} place_t;

/* The room that one of len bytes takes. */
size_t record_size(size_t len);

/* Writes it to at, where it has its place. */
void record_put(char *at, place_t place, const record_t *record);

/* Whether a whole one lies in the len bytes at that place: 1, or 0. */
int record_get(const char *at, size_t len, place_t place, record_t *record);

#endif
