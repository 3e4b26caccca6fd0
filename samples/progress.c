/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "progress.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

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

static void draw(uint64_t done) {
  static const char full[] = "##############################";
  uint64_t elapsed = uv_hrtime() - started;
  double seconds = (double)(elapsed + 1) / 1e9;
  double part = total > 0 && done < total ? (double)done / (double)total : 1;
  int cells = (int)(part * (double)strlen(full));
  fprintf(stderr, "\r[%-*.*s] %3d%%  %.0f MiB  %.0f MiB/s ", (int)strlen(full),
          cells, full, (int)(part * 100), (double)done / 1048576,
          (double)done / 1048576 / seconds);
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
