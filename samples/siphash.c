/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "siphash.h"

#include <string.h>

static uint64_t rotated(uint64_t x, int by) {
  return x << by | x >> (64 - by);
}

static void round_once(uint64_t v[4]) {
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotated(v[1], 13) ^ v[0];
  v[3] = rotated(v[3], 16) ^ v[2];
  v[0] = rotated(v[0], 32);
  v[2] += v[1];
  v[0] += v[3];
  v[1] = rotated(v[1], 17) ^ v[2];
  v[3] = rotated(v[3], 21) ^ v[0];
  v[2] = rotated(v[2], 32);
}

static void take(uint64_t v[4], uint64_t word) {
  v[3] ^= word;
  round_once(v);
  v[0] ^= word;
}

uint64_t siphash(const uint64_t key[2], const void *at, size_t len) {
  uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575),
                   key[1] ^ UINT64_C(0x646f72616e646f6d),
                   key[0] ^ UINT64_C(0x6c7967656e657261),
                   key[1] ^ UINT64_C(0x7465646279746573)};
  const char *bytes = at;
  uint64_t word;
  size_t left = len;
  for (; left >= sizeof word; left -= sizeof word, bytes += sizeof word) {
    memcpy(&word, bytes, sizeof word);
    take(v, word);
  }
  word = (uint64_t)len << 56;
  for (size_t i = 0; i < left; i++)
    word |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
  take(v, word);
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++)
    round_once(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}
