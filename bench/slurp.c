/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Reads a file from its beginning to its end, for make bench-disk. Nobody looks
 * at the bytes, as with cat and dd when they write to /dev/null. */

#include <fcntl.h>

#include <weir.h>

#include "../samples/common.h"

static const char help[] =
    "usage: slurp FILE\n"
    "Reads FILE by weir's reader, and drops what it reads.\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

enum { BLOCKS = 8, BLOCK = 256 << 10 };

static uv_loop_t uv;
static weir_pool_t *pool;
static weir_file_reader_t reader;
static weir_op_t op;

static void on_block(weir_file_reader_t *unused, weir_lease_t lease) {
  (void)unused;
  weir_lease_release(&lease);
}

static void on_end(weir_op_t *unused, int status, size_t n) {
  (void)unused;
  (void)n;
  if (status != 0)
    fail("reading", status);
}

int main(int argc, char **argv) {
  const option_t options[] = {{NULL, NULL, NULL}};
  uv_fs_t req;
  parse_options(argc, argv, help, options, 1);
  weir_loop_t *loop = open_loop(&uv);
  int file = uv_fs_open(NULL, &req, argv[1], O_RDONLY, 0, NULL);
  uv_fs_req_cleanup(&req);
  if (file < 0)
    fail(argv[1], file);
  int r = weir_pool_create(loop, BLOCKS, BLOCK, &pool);
  if (r == 0)
    r = weir_file_reader_start(loop, &op, &reader, file, pool, NULL, on_block,
                               on_end);
  if (r != 0)
    fail(argv[1], r);
  uv_run(&uv, UV_RUN_DEFAULT);
  r = weir_pool_destroy(pool);
  if (r != 0)
    fail("the pool", r);
  uv_fs_close(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
  close_loop(&uv, loop);
  return 0;
}
