/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_LOG_CRC_H
#define SAMPLES_LOG_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32C of what had the sum crc, 0 at first, and len bytes more. It is
 * here since the samples need no library but weir's own. */
uint32_t log_crc(uint32_t crc, const void *bytes, size_t len);

#endif
