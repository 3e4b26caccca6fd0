/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "peer.h"

/* Many small messages, each a write of its own: on each connection a batch is
 * queued at once, and the next when all of that has gone. Raw liburing sends a
 * batch in one request, as one would by hand. */

enum { BATCH = 64, MOST = 64 /* bytes */ };

typedef struct writer_s {
  int fd, peer;
  unsigned left; /* of the batch */
  bench_uv_t uv;
  weir_stream_t weir;
  size_t sent; /* bytes, on the ring */
  struct msghdr header;
  struct iovec segments[BATCH];
  union {
    uv_write_t uv;
    weir_op_t weir;
  } writes[BATCH];
} writer_t;

static char message[MOST];
static writer_t *writers;

static void prepare(void) {
  bench_connect(bench.count, peer_sink);
  writers = bench_memory(bench.count * sizeof *writers);
  for (unsigned i = 0; i < bench.count; i++) {
    writers[i].fd = bench.fds[i];
    writers[i].peer = bench.others[i];
  }
}

/* When instructions are counted, this takes each batch. */
void outside_take(const writer_t *w);
__attribute__((noinline)) void outside_take(const writer_t *w) {
  static char into[BATCH * MOST];
  ssize_t r = 0;
  for (size_t n = BATCH * bench.bytes; n > 0; n -= (size_t)r) {
    r = read(w->peer, into, n);
    if (r <= 0)
      fail("read", r == 0 ? UV_EOF : -errno);
  }
  if (--bench.ops == 0)
    _exit(0);
}

/* Notes that messages were written. 1 if they end the batch. */
static int written(writer_t *w, unsigned n) {
  bench_moved(n * bench.bytes);
  w->left -= n;
  if (w->left > 0)
    return 0;
  if (bench.counted)
    outside_take(w);
  return 1;
}

/* ---- Raw ---- */

static void raw_send(writer_t *w) {
  size_t whole = w->sent / bench.bytes, part = w->sent % bench.bytes;
  struct io_uring_sqe *sqe = bench_sqe();
  for (size_t i = 0; i < BATCH; i++)
    w->segments[i] =
        (struct iovec){.iov_base = message, .iov_len = bench.bytes};
  w->segments[whole].iov_base = message + part;
  w->segments[whole].iov_len = bench.bytes - part;
  w->header = (struct msghdr){.msg_iov = w->segments + whole,
                              .msg_iovlen = BATCH - whole};
  io_uring_prep_sendmsg(sqe, w->fd, &w->header, MSG_NOSIGNAL);
  io_uring_sqe_set_data(sqe, w);
}

static void on_completion(uint64_t data, int result) {
  writer_t *w = (writer_t *)(uintptr_t)data;
  if (result <= 0)
    fail("write", result);
  w->sent += (size_t)result;
  if (w->sent == BATCH * bench.bytes) {
    w->left = BATCH;
    w->sent = 0;
    written(w, BATCH);
  }
  raw_send(w);
}

static void run_raw(void) {
  for (unsigned i = 0; i < bench.count; i++)
    raw_send(&writers[i]);
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static void uv_batch(writer_t *w);

static void on_uv_written(uv_write_t *request, int status) {
  writer_t *w = request->data;
  if (status != 0)
    fail("write", status);
  if (written(w, 1))
    uv_batch(w);
}

static void uv_batch(writer_t *w) {
  uv_buf_t data = uv_buf_init(message, (unsigned)bench.bytes);
  int r = 0;
  for (w->left = 0; w->left < BATCH && r == 0; w->left++) {
    uv_write_t *request = &w->writes[w->left].uv;
    request->data = w;
    r = uv_write(request, &w->uv.stream, &data, 1, on_uv_written);
  }
  if (r != 0)
    fail("write", r);
}

static void run_libuv(void) {
  for (unsigned i = 0; i < bench.count; i++) {
    bench_open_uv(&writers[i].uv, writers[i].fd);
    uv_batch(&writers[i]);
  }
  bench_go(NULL);
}

/* ---- Weir ---- */

static void weir_batch(writer_t *w);

static void on_written(weir_op_t *op, int status, size_t n) {
  writer_t *w = op->data;
  (void)n;
  if (status != 0)
    fail("write", status);
  if (written(w, 1))
    weir_batch(w);
}

static void weir_batch(writer_t *w) {
  weir_seq_t data = weir_seq_block(message, bench.bytes);
  int r = 0;
  for (w->left = 0; w->left < BATCH && r == 0; w->left++) {
    weir_op_t *op = &w->writes[w->left].weir;
    op->data = w;
    r = weir_write(op, &w->weir, data, on_written);
  }
  if (r != 0)
    fail("write", r);
}

static void run_weir(void) {
  for (unsigned i = 0; i < bench.count; i++) {
    bench_open_weir(&writers[i].weir, writers[i].fd);
    weir_batch(&writers[i]);
  }
  bench_go(NULL);
}

const bench_workload_t bench_queued = {
    .name = "queued",
    .unit = "message",
    .what = "batches of 64 writes are queued on each connection",
    .prepare = prepare,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"1x64", 1, 64}, {"64x64", 64, 64}}};

/* ---- At once, without a queue and a callback ---- */

static void now_libuv(void) {
  writer_t *w = writers;
  uv_buf_t data = uv_buf_init(message, (unsigned)bench.bytes);
  bench_open_uv(&w->uv, w->fd);
  for (;;) {
    w->left = BATCH;
    do {
      int r = uv_try_write(&w->uv.stream, &data, 1);
      if (r != (int)bench.bytes)
        fail("write", r);
    } while (!written(w, 1));
  }
}

static void now_weir(void) {
  writer_t *w = writers;
  weir_seq_t data = weir_seq_block(message, bench.bytes);
  size_t n;
  bench_open_weir(&w->weir, w->fd);
  for (;;) {
    w->left = BATCH;
    do {
      int r =
          weir_write_now(&w->writes[0].weir, &w->weir, data, &n, on_written);
      if (r != 0)
        quit("weir_write_now", "waits");
    } while (!written(w, 1));
  }
}

const bench_workload_t bench_now = {.name = "now",
                                    .unit = "message",
                                    .what = "64 writes, each done at once",
                                    .measure = BENCH_INNER,
                                    .prepare = prepare,
                                    .libuv = now_libuv,
                                    .weir = now_weir,
                                    .shapes = {{NULL, 1, 64}}};
