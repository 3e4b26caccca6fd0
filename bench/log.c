/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "bench.h"

/* Appends records to a log: those of a batch go in one gathered write, and the
 * next batch when that is done, or when the disk has it. */

static int target;
static int synced; /* each batch */
static int syncing;
static int64_t end; /* of the log */
static uv_buf_t *records;
static void (*append)(void);
static void (*sync_log)(void);

static void prepare(void) {
  target = bench_make_file(0);
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

/* A log that has grown large begins anew. */
static void next_batch(void) {
  size_t batch = bench.count * bench.bytes;
  syncing = 0;
  end += (int64_t)batch;
  if (end + (int64_t)batch > BENCH_FILE)
    end = 0;
  bench_moved(batch);
  append();
}

static void done(int64_t result) {
  int64_t batch = (int64_t)(bench.count * bench.bytes);
  if (result != (syncing ? 0 : batch))
    fail("log", result < 0 ? (int)result : UV_EIO);
  if (syncing || !synced) {
    next_batch();
    return;
  }
  syncing = 1;
  sync_log();
}

static void begin(void (*how)(void), void (*how_to_sync)(void)) {
  append = how;
  sync_log = how_to_sync;
  append();
}

/* ---- Raw ---- */

static void raw_append(void) {
  io_uring_prep_writev(bench_sqe(), target, (const struct iovec *)records,
                       bench.count, (uint64_t)end);
}

static void raw_sync(void) {
  io_uring_prep_fsync(bench_sqe(), target, 0);
}

static void on_completion(uint64_t data, int result) {
  (void)data;
  done(result);
}

static void run_raw(void) {
  begin(raw_append, raw_sync);
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static uv_fs_t request;

static void on_uv(uv_fs_t *req) {
  int64_t result = req->result;
  uv_fs_req_cleanup(req);
  done(result);
}

static void uv_append(void) {
  int r = uv_fs_write(&bench.uv, &request, target, records, bench.count, end,
                      on_uv);
  if (r != 0)
    fail("uv_fs_write", r);
}

static void uv_sync(void) {
  int r = uv_fs_fsync(&bench.uv, &request, target, on_uv);
  if (r != 0)
    fail("uv_fs_fsync", r);
}

static void run_libuv(void) {
  begin(uv_append, uv_sync);
  bench_go(NULL);
}

/* ---- Weir ---- */

static weir_op_t op;

static void on_weir(weir_op_t *unused, int status, size_t n) {
  (void)unused;
  done(status != 0 ? status : (int64_t)n);
}

static void weir_append(void) {
  weir_seq_t batch = weir_seq_pinned(weir_seq_bufs(records, bench.count));
  int r = weir_file_pwrite(bench.weir, &op, target, batch, end, on_weir);
  if (r != 0)
    fail("weir_file_pwrite", r);
}

static void weir_sync(void) {
  int r = weir_file_fsync(bench.weir, &op, target, on_weir);
  if (r != 0)
    fail("weir_file_fsync", r);
}

static void run_weir(void) {
  begin(weir_append, weir_sync);
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
    .what = "the same with an fsync behind each batch",
    .prepare = prepare_synced,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"16x128", 16, 128}}};
