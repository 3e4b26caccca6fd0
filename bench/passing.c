/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "passing.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 65536 };

typedef struct passage_s {
  int in, out; /* the same for an echo */
  bench_uv_t uv[2];
  uv_write_t request;
  weir_stream_t weir[2];
  weir_op_t op;
  size_t start;      /* of the free part of the room */
  size_t held, sent; /* bytes, on the ring */
  char room[ROOM];
} passage_t;

static passage_t *passages;
static unsigned ends; /* connections of each */

static void make_passages(void) {
  ends = bench.sockets / bench.count;
  passages = bench_memory(bench.count * sizeof *passages);
  for (unsigned i = 0; i < bench.count; i++) {
    passages[i].in = bench.fds[i * ends];
    passages[i].out = bench.fds[i * ends + ends - 1];
  }
}

/* ---- The other side, in this process ---- */

static void receive(unsigned i) {
  static char into[ROOM];
  ssize_t r = read(bench.others[i], into, bench.bytes);
  if (r != (ssize_t)bench.bytes)
    fail("read", r < 0 ? -errno : UV_EOF);
}

static void send_message(unsigned i) {
  static const char from[ROOM];
  ssize_t r = write(bench.others[i], from, bench.bytes);
  if (r != (ssize_t)bench.bytes)
    fail("write", r < 0 ? -errno : UV_EIO);
}

__attribute__((noinline)) void outside_batch(void) {
  static uint64_t target;
  if (bench.moved < target)
    return;
  for (unsigned i = ends - 1; i < bench.sockets && target > 0; i += ends)
    receive(i);
  if (bench.ops-- == 0)
    _exit(0);
  for (unsigned i = 0; i < bench.sockets; i += ends)
    send_message(i);
  target += bench.count * bench.bytes;
}

/* ---- Raw ---- */

static void raw_read(passage_t *p) {
  struct io_uring_sqe *sqe = bench_sqe();
  io_uring_prep_recv(sqe, p->in, p->room, ROOM, 0);
  io_uring_sqe_set_data(sqe, p);
  p->held = 0;
}

static void raw_write(passage_t *p) {
  struct io_uring_sqe *sqe = bench_sqe();
  io_uring_prep_send(sqe, p->out, p->room + p->sent, p->held - p->sent,
                     MSG_NOSIGNAL);
  io_uring_sqe_set_data(sqe, p);
}

static void on_completion(uint64_t data, int result) {
  passage_t *p = (passage_t *)(uintptr_t)data;
  if (result <= 0)
    fail("transfer", result == 0 ? UV_EOF : result);
  if (p->held == 0) {
    p->held = (size_t)result;
    p->sent = 0;
    raw_write(p);
    return;
  }
  p->sent += (size_t)result;
  bench_moved((size_t)result);
  if (p->sent < p->held)
    raw_write(p);
  else
    raw_read(p);
}

void passing_raw(void) {
  make_passages();
  for (unsigned i = 0; i < bench.count; i++)
    raw_read(&passages[i]);
  bench_go(on_completion);
}

/* ---- Libuv: a request and a turn of the loop only when a socket is full ----
 */

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_uv_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  passage_t *p = handle->data;
  (void)size;
  *buf = uv_buf_init(p->room, ROOM);
}

static void on_uv_written(uv_write_t *request, int status) {
  passage_t *p = request->data;
  if (status == 0)
    status = uv_read_start(&p->uv[0].stream, on_uv_alloc, on_uv_read);
  if (status != 0)
    fail("write", status);
  bench_moved(p->held - p->sent);
}

static void uv_write_rest(passage_t *p, size_t n, size_t sent) {
  uv_buf_t data = uv_buf_init(p->room + sent, (unsigned)(n - sent));
  p->held = n;
  p->sent = sent;
  p->request.data = p;
  uv_read_stop(&p->uv[0].stream); /* the buffer is taken until it is written */
  int r =
      uv_write(&p->request, &p->uv[ends - 1].stream, &data, 1, on_uv_written);
  if (r != 0)
    fail("write", r);
  bench_moved(sent);
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  passage_t *p = stream->data;
  uv_buf_t data = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
  if (n < 0)
    fail("read", (int)n);
  if (n == 0)
    return;
  int r = uv_try_write(&p->uv[ends - 1].stream, &data, 1);
  if (r < 0 && r != UV_EAGAIN)
    fail("write", r);
  if (r == n)
    bench_moved((size_t)n);
  else
    uv_write_rest(p, (size_t)n, r > 0 ? (size_t)r : 0);
}

void passing_libuv(void) {
  make_passages();
  for (unsigned i = 0; i < bench.count; i++) {
    passage_t *p = &passages[i];
    p->uv[0].stream.data = p;
    bench_open_uv(&p->uv[0], p->in);
    if (ends == 2)
      bench_open_uv(&p->uv[1], p->out);
    if (uv_read_start(&p->uv[0].stream, on_uv_alloc, on_uv_read) != 0)
      quit("libuv", "cannot begin");
  }
  bench_go(NULL);
}

/* ---- Weir ---- */

static void on_written(weir_op_t *op, int status, size_t n);

static void on_read(weir_op_t *op, int status, size_t n) {
  passage_t *p = op->data;
  weir_seq_t data = ends == 2 ? weir_seq_ring(p->room, ROOM, p->start, n)
                              : weir_seq_block(p->room, n);
  if (status == 0)
    status = weir_write(op, &p->weir[ends - 1], data, on_written);
  if (status != 0)
    fail("read", status);
}

static void weir_begin(passage_t *p) {
  weir_mseq_t room = ends == 2 ? weir_mseq_ring(p->room, ROOM, p->start, ROOM)
                               : weir_mseq_block(p->room, ROOM);
  int r = weir_read_some(&p->op, &p->weir[0], room, on_read);
  if (r != 0)
    fail("read", r);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  passage_t *p = op->data;
  if (status != 0)
    fail("write", status);
  p->start = (p->start + n) % ROOM;
  bench_moved(n);
  weir_begin(p);
}

void passing_weir(void) {
  make_passages();
  for (unsigned i = 0; i < bench.count; i++) {
    passage_t *p = &passages[i];
    p->op.data = p;
    bench_open_weir(&p->weir[0], p->in);
    if (ends == 2)
      bench_open_weir(&p->weir[1], p->out);
    weir_begin(p);
  }
  bench_go(NULL);
}
