/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "calls.h"
#include "peer.h"

enum { WARM = 2 /* operations of each */, STEP = 64 /* between looks */ };

bench_t bench;

static int result_fd = -1;

/* ---- Allocations ---- */

static atomic_ulong allocations;

static void *count_malloc(size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  return malloc(size);
}

static void *count_realloc(void *ptr, size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  return realloc(ptr, size);
}

static void *count_calloc(size_t count, size_t size) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  return calloc(count, size);
}

static void count_allocations(void) {
  int r = uv_replace_allocator(count_malloc, count_realloc, count_calloc, free);
  if (r == 0)
    r = weir_replace_allocator(count_malloc, count_realloc, count_calloc, free);
  if (r != 0)
    fail("counting allocations", r);
}

void *bench_memory(size_t size) {
  void *memory = NULL;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (size < page)
    memory = calloc(1, size);
  else if (posix_memalign(&memory, page, size) == 0)
    memset(memory, 0, size);
  if (memory == NULL)
    fail("memory", UV_ENOMEM);
  return memory;
}

/* ---- Measuring ---- */

typedef struct sample_s {
  uint64_t time, moved;
  double used; /* microseconds of processor time, of all threads */
  unsigned long calls, allocations;
} sample_t;

static unsigned long entered; /* the raw ring */

static sample_t sample(void) {
  struct rusage usage;
  weir_loop_stats_t stats = {0};
  sample_t now = {.time = uv_hrtime(), .moved = bench.moved};
  getrusage(RUSAGE_SELF, &usage);
  now.used = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  if (bench.weir != NULL)
    weir_loop_stats(bench.weir, &stats, sizeof stats);
  now.calls = calls_made() + entered + (unsigned long)stats.enters;
  now.allocations = atomic_load(&allocations);
  return now;
}

static _Noreturn void finish(const bench_result_t *result) {
  if (write(result_fd, result, sizeof *result) != sizeof *result)
    fail("result", -errno);
  peer_end();
  _exit(0);
}

static _Noreturn void finish_rate(const sample_t *from) {
  sample_t to = sample();
  double ops = (double)(to.moved - from->moved) / (double)bench.bytes;
  bench_result_t result = {
      .figures = {ops * 1e9 / (double)(to.time - from->time),
                  (to.used - from->used) / ops,
                  (double)(to.calls - from->calls) / ops,
                  (double)(to.allocations - from->allocations) / ops}};
  finish(&result);
}

void bench_mark(void) {
  static sample_t begin;
  uint64_t step = STEP * bench.bytes;
  if (bench.counted) {
    bench.mark = UINT64_MAX;
    return;
  }
  if (begin.time == 0) {
    calls_count(1);
    begin = sample();
  } else if (bench.ops > 0 ||
             uv_hrtime() - begin.time >= bench.milliseconds * 1000000ull) {
    finish_rate(&begin);
  }
  bench.mark = bench.moved + (bench.ops > 0 ? bench.ops * bench.bytes : step);
}

void bench_report(double value) {
  bench_result_t result = {.figures = {value}};
  finish(&result);
}

void bench_skip(const char *what, int error) {
  bench_result_t result = {.why = ""};
  snprintf(result.why, sizeof result.why, "%s: %s", what, uv_strerror(error));
  finish(&result);
}

/* ---- The candidate's loop ---- */

void bench_open(void) {
  void (*outside)(void) = bench.counted ? bench.workload->outside : NULL;
  if (bench.candidate == RAW)
    candidate_ring(&bench.ring);
  else
    bench.weir = candidate_attach(bench.candidate, &bench.uv, outside);
}

void bench_open_uv(bench_uv_t *stream, int fd) {
  int r = bench.counted ? uv_pipe_init(&bench.uv, &stream->pipe, 0)
                        : uv_tcp_init(&bench.uv, &stream->tcp);
  if (r == 0)
    r = bench.counted ? uv_pipe_open(&stream->pipe, fd)
                      : uv_tcp_open(&stream->tcp, fd);
  if (r != 0)
    fail("libuv", r);
}

void bench_open_weir(weir_stream_t *stream, int fd) {
  int r = bench.counted ? weir_pipe_init(bench.weir, stream)
                        : weir_tcp_init(bench.weir, stream);
  if (r == 0)
    r = bench.counted ? weir_pipe_open(stream, fd) : weir_tcp_open(stream, fd);
  if (r != 0)
    fail("weir", r);
}

struct io_uring_sqe *bench_sqe(void) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&bench.ring);
  if (sqe != NULL)
    return sqe;
  entered++;
  io_uring_submit(&bench.ring);
  sqe = io_uring_get_sqe(&bench.ring);
  if (sqe == NULL)
    quit("io_uring", "no room for a submission");
  return sqe;
}

void bench_go(void (*on_completion)(uint64_t data, int result)) {
  while (bench.candidate == RAW) {
    if (bench.counted && bench.workload->outside != NULL)
      bench.workload->outside();
    entered++;
    candidate_enter(&bench.ring, on_completion);
  }
  uv_run(&bench.uv, UV_RUN_DEFAULT);
  quit(bench.workload->name, "the loop ended");
}

/* ---- The run ---- */

int bench_make_file(size_t size) {
  enum { BLOCK = 1 << 20 };
  char path[4096];
  snprintf(path, sizeof path, "%s/weir-bench-XXXXXX", bench.directory);
  int fd = mkstemp(path);
  if (fd < 0)
    fail(path, -errno);
  unlink(path);
  unsigned char *block = malloc(BLOCK);
  if (block == NULL)
    fail("memory", UV_ENOMEM);
  for (size_t i = 0; i < BLOCK; i++)
    block[i] = (unsigned char)(i * 7 + i / 4096);
  for (size_t n = 0; n < size; n += BLOCK)
    if (write(fd, block, BLOCK) != BLOCK)
      fail(path, -errno);
  free(block);
  return fd;
}

void bench_run(int fd) {
  const bench_workload_t *w = bench.workload;
  void (*way)(void) = bench.candidate == RAW     ? w->raw
                      : bench.candidate == LIBUV ? w->libuv
                                                 : w->weir;
  result_fd = fd;
  signal(SIGPIPE, SIG_IGN); /* libuv's writes raise it */
  if (bench.cpu >= 0)
    peer_pin(bench.cpu);
  if (!bench.counted)
    count_allocations();
  bench.mark = WARM * bench.count * bench.bytes;
  if (way == NULL)
    quit(w->name, "this is not for that candidate");
  if (w->prepare != NULL)
    w->prepare();
  bench_open();
  way();
  quit(w->name, "has ended");
}
