/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "peer.h"

/* The server's memory for connections on which nothing comes: its own and that
 * of the libraries, not the kernel's. Where a read needs memory before
 * something is there, it has a little. */

enum { LITTLE = 64, SETTLE_MS = 50 };

static double before;

/* Bytes of this process that are in memory. */
static double resident(void) {
  unsigned long size, pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  int n = file != NULL ? fscanf(file, "%lu %lu", &size, &pages) : 0;
  if (n != 2)
    bench_skip("/proc/self/statm", UV_ENOENT);
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void prepare(void) {
  bench_connect(bench.count, peer_wait);
  before = resident();
}

static _Noreturn void tell(void) {
  bench_report((resident() - before) / bench.count);
}

static void *make(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL)
    fail("memory", UV_ENOMEM);
  return memory;
}

static void on_time(uv_timer_t *timer) {
  (void)timer;
  tell();
}

static _Noreturn void settle(void) {
  static uv_timer_t timer;
  uv_timer_init(&bench.uv, &timer);
  uv_timer_start(&timer, on_time, SETTLE_MS, 0);
  bench_go(NULL);
}

/* ---- Raw ---- */

typedef struct raw_s {
  int fd;
  char room[LITTLE];
} raw_t;

static void run_raw(void) {
  for (unsigned i = 0; i < bench.count; i++) {
    raw_t *c = make(sizeof *c);
    struct io_uring_sqe *sqe = bench_sqe();
    c->fd = bench.fds[i];
    io_uring_prep_recv(sqe, c->fd, c->room, sizeof c->room, 0);
    io_uring_sqe_set_data(sqe, c);
  }
  io_uring_submit(&bench.ring);
  tell();
}

/* ---- Libuv ---- */

static void on_uv_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle;
  *buf = uv_buf_init(make(size), (unsigned)size);
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)stream;
  (void)buf;
  fail("an idle connection", (int)n);
}

static void run_libuv(void) {
  for (unsigned i = 0; i < bench.count; i++) {
    uv_tcp_t *c = make(sizeof *c);
    int r = uv_tcp_init(&bench.uv, c);
    if (r == 0)
      r = uv_tcp_open(c, bench.fds[i]);
    if (r == 0)
      r = uv_read_start((uv_stream_t *)c, on_uv_alloc, on_uv_read);
    if (r != 0)
      fail("libuv", r);
  }
  settle();
}

/* ---- Weir ---- */

typedef struct idle_s {
  weir_stream_t stream;
  weir_op_t op;
  char room[LITTLE];
} idle_t;

static void on_read(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)n;
  fail("an idle connection", status);
}

static void run_weir(void) {
  for (unsigned i = 0; i < bench.count; i++) {
    idle_t *c = make(sizeof *c);
    bench_open_weir(&c->stream, bench.fds[i]);
    int r = weir_read_some(&c->op, &c->stream,
                           weir_mseq_block(c->room, sizeof c->room), on_read);
    if (r != 0)
      fail("weir", r);
  }
  settle();
}

const bench_workload_t bench_idle = {
    .name = "idle",
    .unit = "connection",
    .what = "bytes of the server for each connection on which nothing comes",
    .measure = BENCH_BYTES,
    .prepare = prepare,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"5000", 5000, 1}}};
