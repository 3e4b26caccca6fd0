/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <weir.h>

#include "../samples/common.h"
#include "candidate.h"

/* Reads blocks of a file that is in the page cache into registered memory, 64
 * at a time ("pread") or fewer ("pread:8"): its own program, which was just
 * read to be run. */

enum { MOST = 64, BLOCK = 4096 };

typedef struct part_s {
  uv_buf_t buf;
  uv_fs_t uv;
  weir_op_t weir;
} part_t;

static unsigned depth = MOST;
static part_t parts[MOST];
static char slab[MOST * BLOCK] __attribute__((aligned(BLOCK)));
static int file;
static int64_t blocks; /* whole ones in the file */
static unsigned long more, outstanding;

/* Notes that a read is done. 1 if there is another to be begun. */
static int done(int64_t result) {
  if (result != BLOCK)
    fail("read", result < 0 ? (int)result : UV_EOF);
  if (more > 0) {
    more--;
    return 1;
  }
  if (--outstanding == 0)
    outside_end();
  return 0;
}

static int64_t next_offset(void) {
  static int64_t next;
  next = next + 1 < blocks ? next + 1 : 0;
  return next * BLOCK;
}

static void begin_all(void (*begin)(part_t *part)) {
  for (size_t i = 0; i < depth; i++) {
    if (parts[i].buf.base == NULL)
      parts[i].buf = uv_buf_init(slab + i * BLOCK, BLOCK);
    begin(&parts[i]);
  }
}

/* ---- Raw ---- */

static struct io_uring ring;

static void raw_begin(part_t *part) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  io_uring_prep_read_fixed(sqe, file, part->buf.base, BLOCK,
                           (uint64_t)next_offset(), 0);
  io_uring_sqe_set_data(sqe, part);
}

static void on_completion(uint64_t data, int result) {
  if (done(result))
    raw_begin((part_t *)(uintptr_t)data);
}

static void run_raw(void) {
  struct iovec memory = {.iov_base = slab, .iov_len = sizeof slab};
  candidate_ring(&ring);
  int r = io_uring_register_buffers(&ring, &memory, 1);
  if (r != 0)
    fail("registering memory", r);
  begin_all(raw_begin);
  for (;;)
    candidate_enter(&ring, on_completion);
}

/* ---- Libuv's thread pool ----
 *
 * It has one thread here, and that waits until all reads of a batch are queued,
 * as the loop then does until all are done: so what is counted, in both
 * threads, does not depend on time. */

static uv_loop_t uv;
static uv_work_t gates[2];
static uv_sem_t reached, opened;

void outside_gate(uv_work_t *gate);
__attribute__((noinline)) void outside_gate(uv_work_t *gate) {
  (void)gate;
  uv_sem_post(&reached);
  uv_sem_wait(&opened);
}

static void after_gate(uv_work_t *gate, int status) {
  (void)gate;
  (void)status;
}

static void queue_gate(void) {
  static unsigned next;
  uv_queue_work(&uv, &gates[next++ % 2], outside_gate, after_gate);
}

/* The reads that were queued lie between two gates. */
void outside_pass(void);
__attribute__((noinline)) void outside_pass(void) {
  queue_gate();
  uv_sem_post(&opened);
  uv_sem_wait(&reached);
}

static void make_gates(void) {
  if (setenv("UV_THREADPOOL_SIZE", "1", 1) != 0 || uv_sem_init(&reached, 0) ||
      uv_sem_init(&opened, 0))
    quit("libuv", "no semaphore");
}

static void close_gate(void) {
  queue_gate();
  uv_sem_wait(&reached);
}

/* ---- Libuv ---- */

static void libuv_begin(part_t *part);

static void on_uv_read(uv_fs_t *req) {
  part_t *part = req->data;
  int64_t result = req->result;
  uv_fs_req_cleanup(req);
  if (done(result))
    libuv_begin(part);
}

static void libuv_begin(part_t *part) {
  part->uv.data = part;
  int r = uv_fs_read(&uv, &part->uv, file, &part->buf, 1, next_offset(),
                     on_uv_read);
  if (r != 0)
    fail("uv_fs_read", r);
}

static void run_libuv(void) {
  make_gates();
  candidate_attach(LIBUV, &uv, outside_pass);
  close_gate();
  begin_all(libuv_begin);
  uv_run(&uv, UV_RUN_DEFAULT);
}

/* ---- Weir ---- */

static weir_loop_t *weir;

static void weir_begin(part_t *part);

static void on_read(weir_op_t *op, int status, size_t n) {
  if (done(status != 0 ? status : (int64_t)n))
    weir_begin(op->data);
}

static void weir_begin(part_t *part) {
  part->weir.data = part;
  int r = weir_file_pread(weir, &part->weir, file,
                          weir_mseq_block(part->buf.base, BLOCK), next_offset(),
                          on_read);
  if (r != 0)
    fail("weir_file_pread", r);
}

static void run_weir(candidate_t candidate) {
  weir_pool_t *pool;
  make_gates();
  weir =
      candidate_attach(candidate, &uv, candidate == UV ? outside_pass : NULL);
  if (candidate == UV)
    close_gate();
  int r = weir_pool_create(weir, depth, BLOCK, &pool);
  for (size_t i = 0; i < depth && r == 0; i++)
    r = weir_pool_acquire(pool, &parts[i].buf);
  if (r != 0)
    fail("pool", r);
  if (candidate != UV && weir_pool_status(pool, NULL) != 0)
    fail("registering memory", weir_pool_status(pool, NULL));
  begin_all(weir_begin);
  uv_run(&uv, UV_RUN_DEFAULT);
}

int main(int argc, char **argv) {
  struct stat info;
  if (argc != 4)
    return 2;
  candidate_t candidate = candidate_named(argv[1]);
  const char *fewer = strchr(argv[2], ':');
  if (fewer != NULL)
    depth = (unsigned)strtoul(fewer + 1, NULL, 10);
  if (depth == 0 || depth > MOST)
    quit(argv[2], "1 to 64 at a time");
  more = strtoul(argv[3], NULL, 10) * depth;
  outstanding = depth;
  file = open(argv[0], O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &info) != 0)
    fail(argv[0], -errno);
  blocks = info.st_size / BLOCK;
  if (candidate == RAW)
    run_raw();
  else if (candidate == LIBUV)
    run_libuv();
  else
    run_weir(candidate);
  quit("the loop", "ended");
}
