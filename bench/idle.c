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
 * something is there, it has a little; or, on weir, it takes a buffer of a pool
 * that all share. */

enum { LITTLE = 64, SETTLE_MS = 50, SHARED = 64, BUFFER = 16 << 10 };

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

/* Buffers of which the kernel chooses one when something comes. */
static void raw_share(void) {
  struct io_uring_buf_ring *ring = bench_memory(BUFFER); /* on a page */
  char *room = bench_memory((size_t)SHARED * BUFFER);
  struct io_uring_buf_reg reg = {.ring_addr = (uintptr_t)ring,
                                 .ring_entries = SHARED};
  int r = io_uring_register_buf_ring(&bench.ring, &reg, 0);
  if (r != 0)
    bench_skip("a ring of buffers", r);
  io_uring_buf_ring_init(ring);
  for (unsigned short i = 0; i < SHARED; i++)
    io_uring_buf_ring_add(ring, room + (size_t)i * BUFFER, BUFFER, i,
                          io_uring_buf_ring_mask(SHARED), i);
  io_uring_buf_ring_advance(ring, SHARED);
}

static void run_raw_leases(void) {
  raw_share();
  for (unsigned i = 0; i < bench.count; i++) {
    int *c = make(sizeof *c);
    struct io_uring_sqe *sqe = bench_sqe();
    *c = bench.fds[i];
    io_uring_prep_recv(sqe, *c, NULL, BUFFER, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
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

typedef struct leasing_s {
  weir_stream_t stream;
  weir_op_t op;
  weir_lease_t lease;
} leasing_t;

static void run_leases(void) {
  weir_pool_t *pool;
  int r = weir_pool_create(bench.weir, SHARED, BUFFER, &pool);
  for (unsigned i = 0; r == 0 && i < bench.count; i++) {
    leasing_t *c = make(sizeof *c);
    bench_open_weir(&c->stream, bench.fds[i]);
    r = weir_read_lease(&c->op, &c->stream, pool, &c->lease, 0, on_read);
  }
  if (r != 0)
    fail("weir", r);
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

const bench_workload_t bench_idle_leases = {
    .name = "idle-leases",
    .unit = "connection",
    .what = "the same, when weir reads into leases of one pool",
    .measure = BENCH_BYTES,
    .prepare = prepare,
    .raw = run_raw_leases,
    .libuv = run_libuv,
    .weir = run_leases,
    .shapes = {{"5000", 5000, 1}}};
