/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_SIPHASH_H
#define SAMPLES_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3: who does not know the key cannot choose inputs whose hashes are
 * alike, so that a table is not made slow by those who fill it. */
uint64_t siphash(const uint64_t key[2], const void *at, size_t len);

#endif
