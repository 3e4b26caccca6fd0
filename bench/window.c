/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <string.h>

#include "bench.h"

/* A long vector of segments is written in windows of 16, of which each short
 * write takes a part, so that the next begins within a segment. Nothing is
 * written. By hand, on a ring as with libuv, that is an index and an offset. */

enum { SEGMENTS = 1024, SEGMENT = 64, TAKEN = 300 /* bytes of each window */ };

static uv_buf_t segments[SEGMENTS];
static char room[SEGMENTS * SEGMENT];

static void prepare(void) {
  for (size_t i = 0; i < SEGMENTS; i++)
    segments[i] = uv_buf_init(room + i * SEGMENT, SEGMENT - 1);
}

/* Keeps the compiler from leaving out what makes a window. */
static void use(const uv_buf_t *window) {
  __asm__ volatile("" : : "r"(window) : "memory");
}

static void by_hand(void) {
  uv_buf_t window[WEIR_WINDOW];
  size_t first = 0, offset = 0;
  for (;;) {
    size_t n = SEGMENTS - first < WEIR_WINDOW ? SEGMENTS - first : WEIR_WINDOW;
    memcpy(window, segments + first, n * sizeof *window);
    window[0].base += offset;
    window[0].len -= offset;
    use(window);
    for (offset += TAKEN;
         first < SEGMENTS && offset >= (size_t)segments[first].len; first++)
      offset -= (size_t)segments[first].len;
    if (first == SEGMENTS)
      first = offset = 0;
    bench_moved(1);
  }
}

static void run_weir(void) {
  uv_buf_t window[WEIR_WINDOW];
  weir_seq_t seq = weir_seq_bufs(segments, SEGMENTS);
  for (;;) {
    if (weir_seq_window(seq, window, SIZE_MAX) == 0)
      seq = weir_seq_bufs(segments, SEGMENTS);
    use(window);
    weir_seq_advance(&seq, TAKEN);
    bench_moved(1);
  }
}

const bench_workload_t bench_window = {
    .name = "window",
    .unit = "window",
    .what = "windows of 16 segments out of 1024, without a system call",
    .prepare = prepare,
    .raw = by_hand,
    .libuv = by_hand,
    .weir = run_weir,
    .shapes = {{"16x64", 16, 1}}};
