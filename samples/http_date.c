/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strptime, timegm */
#endif

#include "http_date.h"

#include <string.h>
#include <time.h>

void http_date_print(char text[HTTP_DATE], int64_t seconds) {
  time_t time = (time_t)seconds;
  struct tm tm;
  gmtime_r(&time, &tm);
  strftime(text, HTTP_DATE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

int64_t http_date_parse(const char *at, size_t len) {
  static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                      "%A, %d-%b-%y %H:%M:%S GMT",
                                      "%a %b %e %H:%M:%S %Y"};
  char text[64];
  if (len >= sizeof text)
    return -1;
  memcpy(text, at, len);
  text[len] = '\0';
  for (int i = 0; i < 3; i++) {
    struct tm tm;
    memset(&tm, 0, sizeof tm);
    const char *end = strptime(text, forms[i], &tm);
    time_t time = end != NULL && *end == '\0' ? timegm(&tm) : -1;
    if (time >= 0)
      return time;
  }
  return -1;
}
