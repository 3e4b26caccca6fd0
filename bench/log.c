/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "bench.h"

/* Appends records to a log: those of a batch go in one gathered write, and the
 * next batch when that is done, or when the disk has it. A batch is what so
 * many producers have written meanwhile, one record each. */

static int target;
static int synced; /* each batch */
static int64_t batch;
static int64_t end; /* of the log */
static uv_buf_t *records;
static void (*append)(void);

static void prepare(void) {
  target = bench_make_file(0);
  batch = (int64_t)(bench.count * bench.bytes);
  records = bench_memory(bench.count * sizeof *records);
  for (size_t i = 0; i < bench.count; i++) {
    char *record = bench_memory(bench.bytes);
    record[bench.bytes - 1] = '\n';
    records[i] = uv_buf_init(record, (unsigned)bench.bytes);
  }
}

static void prepare_synced(void) {
  synced = 1;
  prepare();
}

static void expect(int64_t result, int64_t expected) {
  if (result != expected)
    fail("log", result < 0 ? (int)result : UV_EIO);
}

/* A log that has grown large begins anew. */
static void next_batch(void) {
  end += batch;
  if (end + batch > BENCH_FILE)
    end = 0;
  bench_moved((size_t)batch);
  append();
}

/* ---- Raw ---- */

enum { WRITTEN, ON_DISK };

static void raw_append(void) {
  struct io_uring_sqe *sqe = bench_sqe();
  io_uring_prep_writev(sqe, target, (const struct iovec *)records, bench.count,
                       (uint64_t)end);
  io_uring_sqe_set_data64(sqe, WRITTEN);
  if (!synced)
    return;
  sqe->flags |= IOSQE_IO_LINK;
  sqe = bench_sqe();
  io_uring_prep_fsync(sqe, target, IORING_FSYNC_DATASYNC);
  io_uring_sqe_set_data64(sqe, ON_DISK);
}

static void on_completion(uint64_t data, int result) {
  expect(result, data == WRITTEN ? batch : 0);
  if (data == ON_DISK || !synced)
    next_batch();
}

static void run_raw(void) {
  append = raw_append;
  append();
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static uv_fs_t request;

static int64_t result_of(uv_fs_t *req) {
  int64_t result = req->result;
  uv_fs_req_cleanup(req);
  return result;
}

static void on_uv_synced(uv_fs_t *req) {
  expect(result_of(req), 0);
  next_batch();
}

static void on_uv_written(uv_fs_t *req) {
  expect(result_of(req), batch);
  if (!synced) {
    next_batch();
    return;
  }
  int r = uv_fs_fdatasync(&bench.uv, &request, target, on_uv_synced);
  if (r != 0)
    fail("uv_fs_fdatasync", r);
}

static void uv_append(void) {
  int r = uv_fs_write(&bench.uv, &request, target, records, bench.count, end,
                      on_uv_written);
  if (r != 0)
    fail("uv_fs_write", r);
}

static void run_libuv(void) {
  append = uv_append;
  append();
  bench_go(NULL);
}

/* ---- Weir ---- */

static weir_op_t op;

static void on_weir(weir_op_t *unused, int status, size_t n) {
  (void)unused;
  expect(status != 0 ? status : (int64_t)n, batch);
  next_batch();
}

static void weir_append(void) {
  weir_seq_t from = weir_seq_pinned(weir_seq_bufs(records, bench.count));
  int r =
      synced
          ? weir_file_pwrite_sync(bench.weir, &op, target, from, end, on_weir)
          : weir_file_pwrite(bench.weir, &op, target, from, end, on_weir);
  if (r != 0)
    fail("weir_file_pwrite", r);
}

static void run_weir(void) {
  append = weir_append;
  append();
  bench_go(NULL);
}

const bench_workload_t bench_log = {
    .name = "log",
    .unit = "record",
    .what = "records are appended to a file, a batch at a time",
    .prepare = prepare,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"16x128", 16, 128}}};

const bench_workload_t bench_log_synced = {
    .name = "log-synced",
    .unit = "record",
    .what = "the same, brought to the disk a batch at a time",
    .prepare = prepare_synced,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"1x128", 1, 128}, {"16x128", 16, 128}, {"64x128", 64, 128}}};
