/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir.h>

#include "../samples/common.h"
#include "candidate.h"

/* Passes messages on: each of 64 connections gets its own back ("echo"), or
 * each of 64 streams gets those of another, through a ring of memory ("relay";
 * raw and plain libuv do without the ring). The other side sends the next batch
 * when all of the last has come, while the loop is about to sleep: so what is
 * counted does not depend on time. */

enum { CONNECTIONS = 64, ROOM = 16384 };

typedef struct connection_s {
  int in;
  int out; /* the same for an echo */
  int from;
  int to; /* the other ends */
  uv_pipe_t uv[2];
  weir_stream_t weir[2];
  weir_op_t op;
  size_t start; /* of the free part of a relay's room */
  char room[ROOM];
} connection_t;

static int relay;
static size_t message; /* bytes */
static connection_t connections[CONNECTIONS];
static unsigned long batches;
static size_t left; /* bytes of this batch that have not been passed on */

/* ---- The other side ---- */

static void receive(const connection_t *c) {
  static char into[ROOM];
  ssize_t r = read(c->to, into, message);
  if (r != (ssize_t)message)
    fail("read", r < 0 ? -errno : UV_EOF);
}

static void send_message(const connection_t *c) {
  static const char from[ROOM];
  ssize_t r = write(c->from, from, message);
  if (r != (ssize_t)message)
    fail("write", r < 0 ? -errno : UV_EIO);
}

void outside_batch(void);
__attribute__((noinline)) void outside_batch(void) {
  static int begun;
  if (left > 0)
    return;
  for (size_t i = 0; i < CONNECTIONS && begun; i++)
    receive(&connections[i]);
  if (batches-- == 0)
    _exit(0);
  for (size_t i = 0; i < CONNECTIONS; i++)
    send_message(&connections[i]);
  begun = 1;
  left = CONNECTIONS * message;
}

/* ---- Raw ---- */

static struct io_uring ring;

static void raw_read(unsigned i) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  io_uring_prep_recv(sqe, connections[i].in, connections[i].room, ROOM, 0);
  sqe->user_data = i;
}

static void raw_write(unsigned i, size_t n) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  io_uring_prep_send(sqe, connections[i].out, connections[i].room, n,
                     MSG_NOSIGNAL);
  sqe->user_data = i + CONNECTIONS;
}

static void on_completion(uint64_t data, int result) {
  if (result <= 0)
    fail("transfer", result == 0 ? UV_EOF : result);
  if (data < CONNECTIONS) {
    raw_write((unsigned)data, (size_t)result);
    return;
  }
  left -= (size_t)result;
  raw_read((unsigned)data - CONNECTIONS);
}

static void run_raw(void) {
  candidate_ring(&ring);
  for (unsigned i = 0; i < CONNECTIONS; i++)
    raw_read(i);
  for (;;) {
    outside_batch();
    candidate_enter(&ring, on_completion);
  }
}

/* ---- Libuv ---- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  connection_t *c = handle->data;
  (void)size;
  *buf = uv_buf_init(c->room, ROOM);
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  connection_t *c = stream->data;
  uv_buf_t data = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
  if (n < 0)
    fail("read", (int)n);
  if (n == 0)
    return;
  int r = uv_try_write((uv_stream_t *)&c->uv[relay], &data, 1);
  if (r != n)
    fail("write", r);
  left -= (size_t)n;
}

static void open_uv(uv_loop_t *uv, uv_pipe_t *pipe, int fd) {
  if (uv_pipe_init(uv, pipe, 0) != 0 || uv_pipe_open(pipe, fd) != 0)
    quit("libuv", "cannot begin");
}

static void run_libuv(void) {
  uv_loop_t uv;
  candidate_attach(LIBUV, &uv, outside_batch);
  for (size_t i = 0; i < CONNECTIONS; i++) {
    connection_t *c = &connections[i];
    c->uv[0].data = c;
    open_uv(&uv, &c->uv[0], c->in);
    if (relay)
      open_uv(&uv, &c->uv[1], c->out);
    if (uv_read_start((uv_stream_t *)&c->uv[0], on_alloc, on_uv_read) != 0)
      quit("libuv", "cannot begin");
  }
  uv_run(&uv, UV_RUN_DEFAULT);
}

/* ---- Weir ---- */

static void on_written(weir_op_t *op, int status, size_t n);

static void on_read(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  weir_seq_t data = relay ? weir_seq_ring(c->room, ROOM, c->start, n)
                          : weir_seq_block(c->room, n);
  if (status == 0)
    status = weir_write(op, &c->weir[relay], data, on_written);
  if (status != 0)
    fail("read", status);
}

static void weir_begin(connection_t *c) {
  weir_mseq_t room = relay ? weir_mseq_ring(c->room, ROOM, c->start, ROOM)
                           : weir_mseq_block(c->room, ROOM);
  int r = weir_read_some(&c->op, &c->weir[0], room, on_read);
  if (r != 0)
    fail("read", r);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  if (status != 0)
    fail("write", status);
  left -= n;
  c->start = (c->start + n) % ROOM;
  weir_begin(c);
}

static void open_weir(weir_loop_t *weir, weir_stream_t *stream, int fd) {
  if (weir_pipe_init(weir, stream) != 0 || weir_pipe_open(stream, fd) != 0)
    quit("weir", "cannot begin");
}

static void run_weir(candidate_t candidate) {
  uv_loop_t uv;
  weir_loop_t *weir = candidate_attach(candidate, &uv, outside_batch);
  for (size_t i = 0; i < CONNECTIONS; i++) {
    connection_t *c = &connections[i];
    c->op.data = c;
    open_weir(weir, &c->weir[0], c->in);
    if (relay)
      open_weir(weir, &c->weir[1], c->out);
    weir_begin(c);
  }
  uv_run(&uv, UV_RUN_DEFAULT);
}

static void open_connection(connection_t *c) {
  int fds[2];
  candidate_pair(fds);
  c->in = c->out = fds[0];
  c->from = c->to = fds[1];
  if (!relay)
    return;
  candidate_pair(fds);
  c->out = fds[0];
  c->to = fds[1];
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  candidate_t candidate = candidate_named(argv[1]);
  relay = strcmp(argv[2], "relay") == 0;
  message = relay ? 4096 : 64;
  batches = strtoul(argv[3], NULL, 10);
  for (unsigned i = 0; i < CONNECTIONS; i++)
    open_connection(&connections[i]);
  if (candidate == RAW)
    run_raw();
  else if (candidate == LIBUV)
    run_libuv();
  else
    run_weir(candidate);
  quit("the loop", "ended");
}
