/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "progress.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "os.h"

static int active;
static uint64_t total;
static uint64_t started; /* nanoseconds, as are the next */
static uint64_t drawn;

void progress_start(uint64_t bytes) {
  active = uv_guess_handle(2) == UV_TTY;
  total = bytes;
  started = uv_hrtime();
  drawn = started;
}

/* Columns that can be filled: one more might begin a new line. */
static int room(void) {
  int columns = os_columns();
  return columns > 0 ? columns - 1 : 79;
}

/* The bar gets what the numbers leave, and goes if that is nothing. */
static void draw(uint64_t done) {
  static const char full[] = "##############################";
  char numbers[80];
  double seconds = (double)(uv_hrtime() - started + 1) / 1e9;
  double part = total > 0 && done < total ? (double)done / (double)total : 1;
  double mib = (double)done / 1048576;
  int columns = room();
  int bar = columns - 2 -
            snprintf(numbers, sizeof numbers, " %3d%%  %.0f MiB  %.0f MiB/s ",
                     (int)(part * 100), mib, mib / seconds);
  if (bar > (int)strlen(full))
    bar = (int)strlen(full);
  if (bar > 0)
    fprintf(stderr, "\r[%-*.*s]%s", bar, (int)(part * bar), full, numbers);
  else
    fprintf(stderr, "\r%.*s", columns, numbers);
  fflush(stderr);
}

void progress_show(uint64_t done) {
  uint64_t now = uv_hrtime();
  if (!active || now - drawn < 100 * 1000 * 1000)
    return;
  drawn = now;
  draw(done);
}

void progress_end(uint64_t done) {
  if (!active)
    return;
  draw(done);
  fputc('\n', stderr);
  active = 0;
}
