/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "log_crc.h"

enum { HALF_BYTES = 16 };

/* Castagnoli's polynomial, the lowest bit first: what each half of a byte does
 * to the sum. */
static void make_table(uint32_t table[HALF_BYTES]) {
  for (uint32_t i = 0; i < HALF_BYTES; i++) {
    table[i] = i;
    for (int bit = 0; bit < 4; bit++)
      table[i] = table[i] >> 1 ^ ((table[i] & 1) != 0 ? 0x82f63b78u : 0);
  }
}

uint32_t log_crc(uint32_t crc, const void *bytes, size_t len) {
  static uint32_t table[HALF_BYTES];
  const unsigned char *at = bytes;
  if (table[1] == 0)
    make_table(table);
  crc = ~crc;
  for (; len > 0; len--) {
    crc ^= *at++;
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}
