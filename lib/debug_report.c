/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug_report.h"

#ifdef __has_include
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define CAN_TRACE 1
#endif
#endif

/* Where something was done, and how it is told. */

void weir__debug_trail(weir_trail_t *trail) {
  trail->count = 0;
#ifdef CAN_TRACE
  /* The first is this function. */
  void *at[WEIR_TRAIL + 1];
  int n = backtrace(at, WEIR_TRAIL + 1);
  for (int i = 1; i < n; i++)
    trail->at[trail->count++] = at[i];
#endif
}

static const char *words_of(weir_misuse_t misuse) {
  static const char *const words[] = {
      [WEIR_MISUSE_CHANGED] = "its bytes were changed before its callback",
      [WEIR_MISUSE_SHARED] = "shares memory that is read into with another",
      [WEIR_MISUSE_BEGUN_TWICE] = "was begun again while it was outstanding",
      [WEIR_MISUSE_RELEASED_IN_USE] = "was released with an operation on it",
      [WEIR_MISUSE_WRITTEN_FREE] = "was written to while it was free",
      [WEIR_MISUSE_RELEASED_TWICE] = "was released while it was free",
      [WEIR_MISUSE_FOREIGN] = "is not of the pool that it was released to",
      [WEIR_MISUSE_LEFT] = "is left",
      [WEIR_MISUSE_BESIDE] = "was written beside while it was out"};
  return words[misuse];
}

typedef struct line_s {
  char *at;
  size_t size;
  size_t len;
} line_t;

static void add(line_t *line, int n) {
  line->len += n < 0 ? 0 : (size_t)n;
}

static char *end_of(const line_t *line) {
  return line->len < line->size ? line->at + line->len : NULL;
}

static size_t room_of(const line_t *line) {
  return line->len < line->size ? line->size - line->len : 0;
}

static void add_trail(line_t *line, const char *word,
                      const weir_trail_t *trail) {
  if (trail == NULL || trail->count == 0)
    return;
  add(line, snprintf(end_of(line), room_of(line), "; %s at", word));
  for (unsigned i = 0; i < trail->count; i++)
    add(line, snprintf(end_of(line), room_of(line), " %p", trail->at[i]));
}

int weir_debug_line(const weir_report_t *report, char *text, size_t size) {
  line_t line = {.at = text, .size = size};
  add(&line,
      snprintf(text, size, "weir: %s: %s (%zu bytes at %p)", report->what,
               words_of(report->misuse), report->size, report->address));
  add_trail(&line, "begun", report->began);
  if (report->other != NULL)
    add(&line, snprintf(end_of(&line), room_of(&line), "; the other: %s",
                        report->other));
  add_trail(&line, report->other != NULL ? "begun" : "released", report->also);
  return (int)line.len;
}

static void print(const weir_report_t *report) {
  char line[1024];
  weir_debug_line(report, line, sizeof(line));
  fprintf(stderr, "%s\n", line);
}

void weir__debug_report(weir_loop_t *loop, const weir_report_t *report) {
  weir__debug_t *debug = loop->debug;
  debug->reports++;
  if (debug->cb != NULL)
    debug->cb(loop, report);
  else
    print(report);
  if (debug->aborts)
    abort();
}

int weir_debug_on_report(weir_loop_t *loop, weir_report_cb cb) {
  if (loop == NULL)
    return UV_EINVAL;
  if (loop->debug == NULL)
    return UV_ENOTSUP;
  loop->debug->cb = cb;
  return 0;
}

uint64_t weir_debug_reports(const weir_loop_t *loop) {
  return loop->debug == NULL ? 0 : loop->debug->reports;
}
