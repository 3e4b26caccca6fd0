/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "gate.h"

/* Reads blocks of a file, so many at a time, into memory that is registered
 * where that can be: at random or one after the other, from the page cache or
 * past it. */

typedef struct part_s {
  uv_buf_t buf;
  uv_fs_t uv;
  weir_op_t weir;
} part_t;

static part_t *parts;
static char *slab;
static int file;
static int sequential;

/* ---- What is read ---- */

static void prepare(void) {
  parts = bench_memory(bench.count * sizeof *parts);
  slab = bench_memory(bench.count * bench.bytes);
  for (size_t i = 0; i < bench.count; i++)
    parts[i].buf = uv_buf_init(slab + i * bench.bytes, (unsigned)bench.bytes);
  file = bench.file;
}

static void prepare_sequential(void) {
  sequential = 1;
  prepare();
}

/* The file again, past the page cache; not every file system lets us. */
static void prepare_direct(void) {
  char path[64];
  prepare();
  snprintf(path, sizeof path, "/proc/self/fd/%d", bench.file);
  file = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (file < 0 || pread(file, slab, bench.bytes, 0) < 0)
    bench_skip("O_DIRECT", -errno);
}

static int64_t next_offset(void) {
  static uint32_t random = 1, next;
  uint32_t blocks = (uint32_t)(bench_file_size() / bench.bytes);
  if (sequential)
    return (int64_t)(next++ % blocks) * (int64_t)bench.bytes;
  random = random * 1664525 + 1013904223;
  return (int64_t)((uint64_t)random * blocks >> 32) * (int64_t)bench.bytes;
}

static void done(int64_t result) {
  if (result != (int64_t)bench.bytes)
    fail("read", result < 0 ? (int)result : UV_EOF);
  bench_moved(bench.bytes);
  gate_done();
}

static void begin_all(void (*begin)(part_t *part)) {
  for (size_t i = 0; i < bench.count; i++)
    begin(&parts[i]);
}

/* ---- Raw ---- */

static void raw_begin(part_t *part) {
  struct io_uring_sqe *sqe = bench_sqe();
  io_uring_prep_read_fixed(sqe, file, part->buf.base, (unsigned)bench.bytes,
                           (uint64_t)next_offset(), 0);
  io_uring_sqe_set_data(sqe, part);
}

static void on_completion(uint64_t data, int result) {
  done(result);
  raw_begin((part_t *)(uintptr_t)data);
}

static void run_raw(void) {
  struct iovec memory = {.iov_base = slab,
                         .iov_len = bench.count * bench.bytes};
  int r = io_uring_register_buffers(&bench.ring, &memory, 1);
  if (r != 0)
    bench_skip("registering memory", r);
  begin_all(raw_begin);
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static void libuv_begin(part_t *part);

static void on_uv_read(uv_fs_t *req) {
  part_t *part = req->data;
  int64_t result = req->result;
  uv_fs_req_cleanup(req);
  done(result);
  libuv_begin(part);
}

static void libuv_begin(part_t *part) {
  part->uv.data = part;
  int r = uv_fs_read(&bench.uv, &part->uv, file, &part->buf, 1, next_offset(),
                     on_uv_read);
  if (r != 0)
    fail("uv_fs_read", r);
}

static void run_libuv(void) {
  gate_close();
  begin_all(libuv_begin);
  bench_go(NULL);
}

/* ---- Weir ---- */

static void weir_begin(part_t *part);

static void on_read(weir_op_t *op, int status, size_t n) {
  done(status != 0 ? status : (int64_t)n);
  weir_begin(op->data);
}

static void weir_begin(part_t *part) {
  part->weir.data = part;
  int r = weir_file_pread(bench.weir, &part->weir, file,
                          weir_mseq_block(part->buf.base, bench.bytes),
                          next_offset(), on_read);
  if (r != 0)
    fail("weir_file_pread", r);
}

static void run_weir(void) {
  weir_pool_t *pool;
  int r = weir_pool_create(bench.weir, bench.count, bench.bytes, &pool);
  for (size_t i = 0; i < bench.count && r == 0; i++)
    r = weir_pool_acquire(pool, &parts[i].buf);
  if (r != 0)
    fail("pool", r);
  r = bench.candidate != UV ? weir_pool_status(pool, NULL) : 0;
  if (r != 0)
    bench_skip("registering memory", r);
  gate_close();
  begin_all(weir_begin);
  bench_go(NULL);
}

const bench_workload_t bench_random = {
    .name = "random",
    .unit = "read",
    .what = "reads of a file in the page cache, so many at a time",
    .prepare = prepare,
    .outside = outside_pass,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"1x4K", 1, 4096},
               {"4x4K", 4, 4096},
               {"16x4K", 16, 4096},
               {"64x4K", 64, 4096}}};

const bench_workload_t bench_direct = {
    .name = "direct",
    .unit = "read",
    .what = "the same past the page cache (O_DIRECT)",
    .prepare = prepare_direct,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"1x4K", 1, 4096},
               {"4x4K", 4, 4096},
               {"16x4K", 16, 4096},
               {"64x4K", 64, 4096}}};

const bench_workload_t bench_sequential = {
    .name = "sequential",
    .unit = "read",
    .what = "reads of a file in the page cache, one behind the other",
    .prepare = prepare_sequential,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"4x128K", 4, 128 << 10}}};
