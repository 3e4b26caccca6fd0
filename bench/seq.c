/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* Does one thing of a given size in measured(), the only function of which
 * instructions.sh has the instructions counted here. */

enum { MOST = 1 << 20, SEGMENT = 64 };

static char source[MOST], target[2 * MOST];
static uv_buf_t from[MOST / SEGMENT], to[MOST / SEGMENT];
static weir_buffer_t buffer;
static weir_stream_t stream;
static size_t result;

/* Lines of text in which each needle begins often and ends nowhere but at the
 * end. */
static void write_text(size_t n, const char *needle) {
  size_t len = strlen(needle);
  size_t i;

  for (i = 0; i < n; i++)
    source[i] = (char)('a' + i * 7 % 26);
  if (len > 1)
    for (i = 60; i < n; i += 80)
      source[i] = needle[0];
  memcpy(source + n - len, needle, len);
}

/* Segments of 64 bytes that do not touch. */
static void make_segments(size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    from[i] = uv_buf_init(source + i * SEGMENT, SEGMENT - 1);
    to[i] = uv_buf_init(target + i * SEGMENT, SEGMENT - 1);
  }
}

static void make(const char *what, size_t n) {
  const char *needle = strstr(what, "string") != NULL ? "\r\n\r\n" : "\n";
  int fds[2];

  write_text(n, needle);
  make_segments(n / SEGMENT);
  if (pipe(fds) != 0)
    quit("seq", "no pipe");
  bench_open_weir(&stream, fds[0]);
  if (strstr(what, "ring") != NULL) {
    weir_ring_init_fixed(&buffer, target, n);
    if (weir_buffer_put(&buffer, weir_seq_block(source, n / 2)) != 0)
      exit(1);
    weir_buffer_consume(&buffer, n / 2);
  } else {
    weir_flat_init_fixed(&buffer, target, n);
  }
  if (weir_buffer_put(&buffer, weir_seq_block(source, n)) != 0)
    exit(1);
}

static void on_found(weir_op_t *op, int status, size_t n) {
  (void)op;
  result = status == 0 ? n : 0;
}

static void until(weir_until_t what) {
  static weir_op_t op;

  if (weir_read_until(&op, &stream, &buffer, what, on_found) != 0)
    exit(1);
  uv_run(&bench.uv, UV_RUN_DEFAULT);
}

/* n windows, each of `segments` segments. */
static void windows(size_t n, size_t segments) {
  uv_buf_t out[WEIR_WINDOW];
  weir_seq_t seq = weir_seq_bufs(from, segments);

  while (n-- > 0)
    result += weir_seq_window(seq, out, SIZE_MAX);
}

void measured(const char *what, size_t n);
__attribute__((noinline)) void measured(const char *what, size_t n) {
  const char *found = NULL;

  if (strcmp(what, "window-16") == 0)
    windows(n, 16);
  else if (strcmp(what, "window-8") == 0)
    windows(n, 8);
  else if (strcmp(what, "memchr") == 0)
    found = memchr(source, '\n', n);
  else if (strcmp(what, "memmem-string") == 0)
    found = memmem(source, n, "\r\n\r\n", 4);
  else if (strcmp(what, "until-byte") == 0 ||
           strcmp(what, "until-byte-ring") == 0)
    until(weir_until_byte('\n'));
  else if (strcmp(what, "until-string") == 0 ||
           strcmp(what, "until-string-ring") == 0)
    until(weir_until_bytes("\r\n\r\n", 4));
  else if (strcmp(what, "memcpy") == 0)
    memcpy(target, source, n);
  else if (strcmp(what, "copy") == 0)
    result = weir_seq_copy(weir_mseq_block(target, n),
                           weir_seq_block(source, n), SIZE_MAX);
  else if (strcmp(what, "copy-segments") == 0)
    result = weir_seq_copy(weir_mseq_bufs(to, n / SEGMENT),
                           weir_seq_bufs(from, n / SEGMENT), SIZE_MAX);
  if (found != NULL)
    result = (size_t)(found - source);
}

static void run(void) {
  if (bench.ops < SEGMENT || bench.ops > MOST)
    quit("seq", "64 to 1048576 bytes");
  make(bench.shape->name, (size_t)bench.ops);
  measured(bench.shape->name, (size_t)bench.ops);
  _exit(result == 0 && target[bench.ops / 3] == 0);
}

const bench_workload_t bench_seq = {
    .name = "seq",
    .unit = "byte",
    .what = "sequences and buffers, beside what the C library does",
    .measure = BENCH_INNER,
    .weir = run,
    .shapes = {{"window-16", 1, 1},
               {"window-8", 1, 1},
               {"memchr", 1, 1},
               {"memmem-string", 1, 1},
               {"until-byte", 1, 1},
               {"until-byte-ring", 1, 1},
               {"until-string", 1, 1},
               {"until-string-ring", 1, 1},
               {"memcpy", 1, 1},
               {"copy", 1, 1},
               {"copy-segments", 1, 1}}};
