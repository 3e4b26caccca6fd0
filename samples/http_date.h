/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_HTTP_DATE_H
#define SAMPLES_HTTP_DATE_H

#include <stddef.h>
#include <stdint.h>

/* Dates as HTTP has them: "Sun, 06 Nov 1994 08:49:37 GMT". */

enum { HTTP_DATE = 32 };

/* seconds are counted since 1970. */
void http_date_print(char text[HTTP_DATE], int64_t seconds);

/* Of any of the three forms that a client may send, or -1. */
int64_t http_date_parse(const char *at, size_t len);

#endif
