/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <sys/socket.h>

#include "bench.h"
#include "peer.h"

/* Each line of one sender goes to all clients, as a write of its own. The next
 * lines are read when all have the last. Raw liburing sends a client all lines
 * that have come in one request, as one would by hand. */

enum { LINES = 64 /* at a time, at most */, LINE = 128 };

typedef struct client_s {
  int fd;
  bench_uv_t uv;
  weir_stream_t weir;
  struct msghdr header;
  struct iovec segments[LINES];
  size_t sent; /* bytes, on the ring */
  union {
    uv_write_t uv;
    weir_op_t weir;
  } writes[LINES];
} client_t;

static client_t *clients;
static char room[LINES * LINE];
static size_t held;    /* bytes in it, perhaps with the beginning of a line */
static unsigned lines; /* whole ones in it */
static unsigned left;  /* writes that are not done */
static void (*read_more)(void);
static void (*send_lines)(client_t *c);

static void prepare(void) {
  bench_connect(1 + bench.count, peer_lines);
  clients = bench_memory(bench.count * sizeof *clients);
  for (unsigned i = 0; i < bench.count; i++)
    clients[i].fd = bench.fds[i + 1];
}

static void on_bytes(ssize_t n) {
  if (n <= 0)
    fail("read", n == 0 ? UV_EOF : (int)n);
  held += (size_t)n;
  lines = (unsigned)(held / bench.bytes);
  left = lines * bench.count;
  for (unsigned i = 0; i < bench.count && lines > 0; i++)
    send_lines(&clients[i]);
  if (lines == 0)
    read_more();
}

/* Lines have gone to a client. */
static void written(unsigned n) {
  size_t whole = lines * bench.bytes;
  bench_moved(n * bench.bytes);
  left -= n;
  if (left > 0)
    return;
  held -= whole;
  for (size_t i = 0; i < held; i++)
    room[i] = room[whole + i];
  read_more();
}

/* Where the next bytes go. */
static uv_buf_t vacant(void) {
  return uv_buf_init(room + held, (unsigned)(LINES * bench.bytes - held));
}

static uv_buf_t line(unsigned i) {
  return uv_buf_init(room + i * bench.bytes, (unsigned)bench.bytes);
}

/* ---- Raw ---- */

static void raw_read(void) {
  uv_buf_t into = vacant();
  struct io_uring_sqe *sqe = bench_sqe();
  io_uring_prep_recv(sqe, bench.fds[0], into.base, into.len, 0);
  io_uring_sqe_set_data(sqe, NULL);
}

static void raw_write(client_t *c) {
  size_t whole = c->sent / bench.bytes, part = c->sent % bench.bytes;
  struct io_uring_sqe *sqe = bench_sqe();
  for (unsigned i = 0; i < lines; i++)
    c->segments[i] = (struct iovec){line(i).base, bench.bytes};
  c->segments[whole].iov_base = line((unsigned)whole).base + part;
  c->segments[whole].iov_len -= part;
  c->header = (struct msghdr){.msg_iov = c->segments + whole,
                              .msg_iovlen = lines - whole};
  io_uring_prep_sendmsg(sqe, c->fd, &c->header, MSG_NOSIGNAL);
  io_uring_sqe_set_data(sqe, c);
}

static void on_completion(uint64_t data, int result) {
  client_t *c = (client_t *)(uintptr_t)data;
  if (c == NULL) {
    on_bytes(result);
    return;
  }
  if (result <= 0)
    fail("write", result);
  c->sent += (size_t)result;
  if (c->sent < lines * bench.bytes) {
    raw_write(c);
    return;
  }
  c->sent = 0;
  written(lines);
}

static void run_raw(void) {
  read_more = raw_read;
  send_lines = raw_write;
  read_more();
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static bench_uv_t uv_sender;

static void on_uv_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle;
  (void)size;
  *buf = vacant();
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)buf;
  if (n == 0)
    return;
  uv_read_stop(stream);
  on_bytes(n);
}

static void uv_read_more(void) {
  int r = uv_read_start(&uv_sender.stream, on_uv_alloc, on_uv_read);
  if (r != 0)
    fail("read", r);
}

static void on_uv_written(uv_write_t *request, int status) {
  (void)request;
  if (status != 0)
    fail("write", status);
  written(1);
}

static void uv_send(client_t *c) {
  int r = 0;
  for (unsigned i = 0; i < lines && r == 0; i++) {
    uv_buf_t data = line(i);
    r = uv_write(&c->writes[i].uv, &c->uv.stream, &data, 1, on_uv_written);
  }
  if (r != 0)
    fail("write", r);
}

static void run_libuv(void) {
  read_more = uv_read_more;
  send_lines = uv_send;
  bench_open_uv(&uv_sender, bench.fds[0]);
  for (unsigned i = 0; i < bench.count; i++)
    bench_open_uv(&clients[i].uv, clients[i].fd);
  read_more();
  bench_go(NULL);
}

/* ---- Weir ---- */

static weir_stream_t weir_sender;
static weir_op_t reading;

static void on_read(weir_op_t *op, int status, size_t n) {
  (void)op;
  on_bytes(status != 0 ? status : (ssize_t)n);
}

static void weir_read_more(void) {
  uv_buf_t into = vacant();
  int r = weir_read_some(&reading, &weir_sender,
                         weir_mseq_block(into.base, into.len), on_read);
  if (r != 0)
    fail("read", r);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)n;
  if (status != 0)
    fail("write", status);
  written(1);
}

static void weir_send(client_t *c) {
  int r = 0;
  for (unsigned i = 0; i < lines && r == 0; i++)
    r = weir_write(&c->writes[i].weir, &c->weir,
                   weir_seq_block(line(i).base, bench.bytes), on_written);
  if (r != 0)
    fail("write", r);
}

static void run_weir(void) {
  read_more = weir_read_more;
  send_lines = weir_send;
  bench_open_weir(&weir_sender, bench.fds[0]);
  for (unsigned i = 0; i < bench.count; i++)
    bench_open_weir(&clients[i].weir, clients[i].fd);
  read_more();
  bench_go(NULL);
}

const bench_workload_t bench_fanout = {
    .name = "fanout",
    .unit = "line to a client",
    .what = "each line of one sender goes to all clients",
    .prepare = prepare,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"32x128", 32, LINE}}};
