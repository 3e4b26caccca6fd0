/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <string.h>

#include "bench.h"
#include "peer.h"

/* Takes lines out of what comes, one after the other. By hand that is memchr,
 * and a memmove of the last line's beginning before the next read. */

enum { ROOM = 65536 };

static char room[ROOM];
static size_t held; /* bytes in it: the beginning of a line */

static void prepare(void) {
  bench_connect(1, peer_lines);
}

/* n bytes have come behind those that were held. */
static void take_lines(size_t n) {
  const char *from = room, *found;
  size_t left = held + n, known = held;
  while ((found = memchr(from + known, '\n', left - known)) != NULL) {
    size_t len = (size_t)(found + 1 - from);
    if (len != bench.bytes)
      quit("until", "a line has another length");
    bench_moved(len);
    from += len;
    left -= len;
    known = 0;
  }
  held = left;
  memmove(room, from, held);
}

/* ---- Raw ---- */

static void raw_read(void) {
  io_uring_prep_recv(bench_sqe(), bench.fds[0], room + held, ROOM - held, 0);
}

static void on_completion(uint64_t data, int result) {
  (void)data;
  if (result <= 0)
    fail("read", result == 0 ? UV_EOF : result);
  take_lines((size_t)result);
  raw_read();
}

static void run_raw(void) {
  raw_read();
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static bench_uv_t uv;

static void on_uv_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle;
  (void)size;
  *buf = uv_buf_init(room + held, (unsigned)(ROOM - held));
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)stream;
  (void)buf;
  if (n < 0)
    fail("read", (int)n);
  take_lines((size_t)n);
}

static void run_libuv(void) {
  bench_open_uv(&uv, bench.fds[0]);
  if (uv_read_start(&uv.stream, on_uv_alloc, on_uv_read) != 0)
    quit("libuv", "cannot begin");
  bench_go(NULL);
}

/* ---- Weir ---- */

static weir_stream_t stream;
static weir_buffer_t buffer;
static weir_op_t op;

static void on_line(weir_op_t *unused, int status, size_t n);

static void read_line(void) {
  int r =
      weir_read_until(&op, &stream, &buffer, weir_until_byte('\n'), on_line);
  if (r != 0)
    fail("read", r);
}

static void on_line(weir_op_t *unused, int status, size_t n) {
  (void)unused;
  if (status != 0)
    fail("read", status);
  if (n != bench.bytes)
    quit("until", "a line has another length");
  weir_buffer_consume(&buffer, n);
  bench_moved(n);
  read_line();
}

static void run_weir(void) {
  weir_flat_init_fixed(&buffer, room, sizeof room);
  bench_open_weir(&stream, bench.fds[0]);
  read_line();
  bench_go(NULL);
}

const bench_workload_t bench_until = {
    .name = "until",
    .unit = "line",
    .what = "lines are taken out of a stream",
    .prepare = prepare,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"1x80", 1, 80}, {"1x4K", 1, 4096}}};
