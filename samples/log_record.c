/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "log_record.h"

#include <string.h>

#include "log_crc.h"

enum { CRC_AT = 0, LEN_AT = 4, NUMBER_AT = 8, FIRST_BIT = 1 << 30 };

static void store(char *at, unsigned width, uint64_t value) {
  for (unsigned i = 0; i < width; i++)
    at[i] = (char)(value >> 8 * i);
}

static uint64_t load(const char *at, unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; i++)
    value |= (uint64_t)(unsigned char)at[i] << 8 * i;
  return value;
}

/* Over the place and what lies behind the sum itself. */
static uint32_t sum_of(const char *at, place_t place, size_t len) {
  char where[8];
  store(where, 4, place.segment);
  store(where + 4, 4, place.offset);
  uint32_t crc = log_crc(0, where, sizeof where);
  return log_crc(crc, at + LEN_AT, RECORD_HEAD - LEN_AT + len);
}

size_t record_size(size_t len) {
  return (RECORD_HEAD + len + 7) / 8 * 8;
}

void record_put(char *at, place_t place, const record_t *record) {
  size_t size = record_size(record->len);
  store(at + LEN_AT, 4, record->len | (record->first ? FIRST_BIT : 0));
  store(at + NUMBER_AT, 8, record->number);
  memset(at + size - 8, 0, size > RECORD_HEAD ? 8 : 0);
  memcpy(at + RECORD_HEAD, record->bytes, record->len);
  store(at + CRC_AT, 4, sum_of(at, place, record->len));
}

int record_get(const char *at, size_t len, place_t place, record_t *record) {
  if (len < RECORD_HEAD)
    return 0;
  uint32_t word = (uint32_t)load(at + LEN_AT, 4);
  record->first = (word & FIRST_BIT) != 0;
  record->len = word & ~(uint32_t)FIRST_BIT;
  record->number = load(at + NUMBER_AT, 8);
  record->bytes = at + RECORD_HEAD;
  return record->number > 0 && record->len <= RECORD_MAX &&
         record_size(record->len) <= len &&
         load(at + CRC_AT, 4) == sum_of(at, place, record->len);
}
