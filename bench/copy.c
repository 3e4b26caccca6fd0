/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "bench.h"

/* Copies a file within the page cache, again and again: so many parts at a
 * time, each in a buffer that is registered where that can be. */

typedef struct part_s {
  uv_buf_t buf;
  int64_t offset;
  size_t filled, written;
  int writing;
  uv_fs_t uv;
  weir_op_t weir;
} part_t;

static part_t *parts;
static char *slab;
static int target;
static void (*go_on)(part_t *part); /* reads or writes the rest of a part */

static void prepare(void) {
  parts = bench_memory(bench.count * sizeof *parts);
  slab = bench_memory(bench.count * bench.bytes);
  for (size_t i = 0; i < bench.count; i++)
    parts[i].buf = uv_buf_init(slab + i * bench.bytes, (unsigned)bench.bytes);
  target = bench_make_file(0);
}

static void next_part(part_t *part) {
  static int64_t next;
  part->offset = next;
  next += (int64_t)bench.bytes;
  if (next == (int64_t)bench_file_size())
    next = 0;
  part->filled = part->written = 0;
  part->writing = 0;
  go_on(part);
}

static void transferred(part_t *part, int64_t n) {
  if (n <= 0)
    fail("transfer", n == 0 ? UV_EOF : (int)n);
  if (part->writing)
    part->written += (size_t)n;
  else
    part->filled += (size_t)n;
  part->writing = part->filled == bench.bytes;
  if (part->written < bench.bytes) {
    go_on(part);
    return;
  }
  bench_moved(bench.bytes);
  next_part(part);
}

static void begin_all(void (*transfer)(part_t *part)) {
  go_on = transfer;
  for (size_t i = 0; i < bench.count; i++)
    next_part(&parts[i]);
}

/* How far the transfer at hand has come, and what is left of it. */
static size_t at(const part_t *part) {
  return part->writing ? part->written : part->filled;
}

static uv_buf_t rest(const part_t *part) {
  return uv_buf_init(part->buf.base + at(part),
                     (unsigned)(bench.bytes - at(part)));
}

/* ---- Raw ---- */

static void raw_transfer(part_t *part) {
  struct io_uring_sqe *sqe = bench_sqe();
  uv_buf_t buf = rest(part);
  uint64_t offset = (uint64_t)part->offset + at(part);
  unsigned len = (unsigned)buf.len;
  if (part->writing)
    io_uring_prep_write_fixed(sqe, target, buf.base, len, offset, 0);
  else
    io_uring_prep_read_fixed(sqe, bench.file, buf.base, len, offset, 0);
  io_uring_sqe_set_data(sqe, part);
}

static void on_completion(uint64_t data, int result) {
  transferred((part_t *)(uintptr_t)data, result);
}

static void run_raw(void) {
  struct iovec memory = {.iov_base = slab,
                         .iov_len = bench.count * bench.bytes};
  int r = io_uring_register_buffers(&bench.ring, &memory, 1);
  if (r != 0)
    bench_skip("registering memory", r);
  begin_all(raw_transfer);
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static void on_uv(uv_fs_t *req) {
  int64_t result = req->result;
  uv_fs_req_cleanup(req);
  transferred(req->data, result);
}

static void uv_transfer(part_t *part) {
  uv_buf_t buf = rest(part);
  int64_t offset = part->offset + (int64_t)at(part);
  part->uv.data = part;
  int r = part->writing ? uv_fs_write(&bench.uv, &part->uv, target, &buf, 1,
                                      offset, on_uv)
                        : uv_fs_read(&bench.uv, &part->uv, bench.file, &buf, 1,
                                     offset, on_uv);
  if (r != 0)
    fail("libuv", r);
}

static void run_libuv(void) {
  begin_all(uv_transfer);
  bench_go(NULL);
}

/* ---- Weir ---- */

static void on_weir(weir_op_t *op, int status, size_t n) {
  transferred(op->data, status != 0 ? status : (int64_t)n);
}

static void weir_transfer(part_t *part) {
  uv_buf_t buf = rest(part);
  int64_t offset = part->offset + (int64_t)at(part);
  part->weir.data = part;
  int r = part->writing ? weir_file_pwrite(bench.weir, &part->weir, target,
                                           weir_seq_block(buf.base, buf.len),
                                           offset, on_weir)
                        : weir_file_pread(bench.weir, &part->weir, bench.file,
                                          weir_mseq_block(buf.base, buf.len),
                                          offset, on_weir);
  if (r != 0)
    fail("weir", r);
}

static void run_weir(void) {
  weir_pool_t *pool;
  int r = weir_pool_create(bench.weir, bench.count, bench.bytes, &pool);
  for (size_t i = 0; i < bench.count && r == 0; i++)
    r = weir_pool_acquire(pool, &parts[i].buf);
  if (r != 0)
    fail("pool", r);
  begin_all(weir_transfer);
  bench_go(NULL);
}

const bench_workload_t bench_copy = {
    .name = "copy",
    .unit = "part",
    .what = "a file is copied within the page cache",
    .prepare = prepare,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"16x256K", 16, 256 << 10}}};
