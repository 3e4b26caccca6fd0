/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "http_connection.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <weir.h>

#include "address.h"
#include "http_reply.h"
#include "message.h"

enum { PART = 64 << 10, PARTS = 64, LAST_MS = 2000, LAST_BYTES = 1 << 20 };

typedef struct connection_s {
  client_t client;
  weir_op_t op;
  weir_deadline_t deadline; /* of op */
  uv_work_t work;
  int busy;  /* a thread or the kernel has its file: it cannot be freed */
  int ended; /* it is to be closed then */
  weir_buffer_t in;
  char storage[HTTP_HEAD_MAX];
  size_t read_over; /* behind the last request */
  http_request_t request;
  http_file_t file;
  http_reply_t reply;
  uv_buf_t part; /* of the file, while it is sent */
} connection_t;

static weir_loop_t *loop;
static weir_pool_t *pool;
static unsigned timeout_ms;

static void next_request(connection_t *c);
static void send_part(connection_t *c);
static void read_over(connection_t *c);

/* ---- The end of a connection ---- */

static void forget_file(connection_t *c) {
  http_file_close(&c->file);
  if (c->part.base != NULL && weir_pool_release(pool, &c->part) != 0)
    free(c->part.base);
  c->part.base = NULL;
}

static void on_closed(weir_stream_t *stream) {
  connection_t *c = stream->data;
  forget_file(c);
  server_forget(&c->client);
}

static void end(connection_t *c) {
  c->ended = 1;
  if (!c->busy && !weir_is_closing(&c->client.stream))
    weir_close(&c->client.stream, on_closed);
}

/* What is cut off shall not look whole. */
static void cut(connection_t *c) {
  weir_stream_t *stream = &c->client.stream;
  c->ended = 1;
  if (!c->busy && !weir_is_closing(stream) &&
      weir_close_reset(stream, on_closed) != 0)
    weir_close(stream, on_closed);
}

void http_end(client_t *client) {
  connection_t *c = (connection_t *)client;
  if (c->busy || weir_stream_queued(&client->stream) > 0)
    cut(c);
  else
    end(c);
}

static void give_up(connection_t *c, int error) {
  static trouble_t trouble;
  if (error == UV_ENOMEM)
    complain_rarely(&trouble, "serve", peer_text(&c->client.stream).text,
                    error);
  cut(c);
}

/* What was begun has so long; rc is how that went. */
static void set_deadline(connection_t *c, int rc, uint64_t ms) {
  if (rc == 0)
    rc = weir_deadline_op(&c->deadline, &c->op, ms);
  if (rc != 0)
    give_up(c, rc);
}

static void on_read_over(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  c->read_over += n;
  if (status != 0 || c->read_over > LAST_BYTES)
    end(c);
  else
    read_over(c);
}

/* Our end has gone. Closed at once, with bytes of the client's unread, the
 * connection would be reset, and what was said be lost. */
static void read_over(connection_t *c) {
  weir_mseq_t room = weir_mseq_block(c->storage, sizeof c->storage);
  set_deadline(c, weir_read_some(&c->op, &c->client.stream, room, on_read_over),
               LAST_MS);
}

/* ---- Answering ---- */

static void on_sent(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  (void)n;
  if (status != 0) {
    cut(c);
    return;
  }
  c->reply.len = 0;
  if (c->reply.left > 0) {
    send_part(c);
    return;
  }
  forget_file(c);
  if (c->reply.keep)
    next_request(c);
  else
    read_over(c);
}

/* The head goes with the first part, and with the last our end of the stream,
 * if it is to end. */
static void send_reply(connection_t *c, size_t n) {
  const uv_buf_t bufs[] = {
      uv_buf_init(c->reply.head, (unsigned)c->reply.len),
      uv_buf_init(c->part.base, (unsigned)n),
  };
  weir_seq_t data = weir_seq_bufs(bufs, 2);
  int last = c->reply.left == 0 && !c->reply.keep;
  set_deadline(c,
               (last ? weir_write_eof : weir_write)(&c->op, &c->client.stream,
                                                    data, on_sent),
               timeout_ms);
}

/* A file that has become shorter cannot be answered with what was said. */
static void on_part(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  c->busy = 0;
  if (status != 0 || n == 0 || c->ended) {
    cut(c);
    return;
  }
  c->reply.offset += (int64_t)n;
  c->reply.left -= (int64_t)n;
  send_reply(c, n);
}

/* In a buffer of the pool, as long as there is one. */
static int take_buffer(connection_t *c) {
  if (c->part.base != NULL || weir_pool_acquire(pool, &c->part) == 0)
    return 0;
  c->part = uv_buf_init(malloc(PART), PART);
  return c->part.base != NULL ? 0 : UV_ENOMEM;
}

static void send_part(connection_t *c) {
  int rc = take_buffer(c);
  weir_mseq_t room = weir_mseq_block(c->part.base, PART);
  room = weir_mseq_prefix(
      room, (size_t)(c->reply.left < PART ? c->reply.left : PART));
  if (rc == 0)
    rc = weir_file_pread(loop, &c->op, c->file.file, room, c->reply.offset,
                         on_part);
  c->busy = rc == 0;
  if (rc != 0)
    give_up(c, rc);
}

static void answer(connection_t *c) {
  if (c->reply.left > 0)
    send_part(c);
  else
    send_reply(c, 0);
}

static void refuse(connection_t *c, int status) {
  http_refuse(&c->reply, &c->request, status);
  answer(c);
}

/* ---- Finding the file ---- */

static void open_waiting(uv_work_t *work) {
  connection_t *c = work->data;
  http_file_open(&c->file, c->request.path, c->request.is_dir, 1);
}

static void on_opened(uv_work_t *work, int status) {
  connection_t *c = work->data;
  c->busy = 0;
  if (status != 0)
    c->file = (http_file_t){.file = -1, .error = status};
  if (c->ended) {
    cut(c);
    return;
  }
  http_reply(&c->reply, &c->request, &c->file);
  answer(c);
}

/* What the kernel knows already is found here, the rest in a thread. */
static void find(connection_t *c) {
  http_file_open(&c->file, c->request.path, c->request.is_dir, 0);
  if (c->file.error == UV_EAGAIN) {
    c->busy = 1;
    int rc =
        uv_queue_work(weir_loop_uv(loop), &c->work, open_waiting, on_opened);
    if (rc != 0)
      on_opened(&c->work, rc);
    return;
  }
  on_opened(&c->work, 0);
}

/* ---- Asking ---- */

/* Empty lines before a request are passed over. */
static size_t blank(const char *at, size_t len) {
  size_t n = 0;
  while (n < len && (at[n] == '\r' || at[n] == '\n'))
    n++;
  return n;
}

static void on_head(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  weir_seq_t data = weir_buffer_data(&c->in);
  uv_buf_t in = {0};
  memset(&c->request, 0, sizeof c->request);
  if (status == UV_ENOBUFS) {
    refuse(c, 431);
  } else if (status == UV_ETIMEDOUT && n > 0) {
    refuse(c, 408);
  } else if (status != 0 || !weir_seq_next(&data, &in)) {
    end(c);
  } else if (blank(in.base, n) == n) {
    weir_buffer_consume(&c->in, n);
    next_request(c);
  } else {
    size_t skip = blank(in.base, n);
    status = http_request_parse(&c->request, in.base + skip, n - skip);
    weir_buffer_consume(&c->in, n);
    if (status != 0)
      refuse(c, status);
    else
      find(c);
  }
}

static void next_request(connection_t *c) {
  weir_until_t until = weir_until_bytes("\r\n\r\n", 4);
  set_deadline(
      c, weir_read_until(&c->op, &c->client.stream, &c->in, until, on_head),
      timeout_ms);
}

/* ---- The beginning ---- */

const size_t http_connection_size = sizeof(connection_t);

void http_serve(client_t *client) {
  connection_t *c = (connection_t *)client;
  memset(&c->op, 0, sizeof *c - offsetof(connection_t, op));
  c->op.data = c->work.data = c;
  c->file.file = -1;
  weir_flat_init_fixed(&c->in, c->storage, sizeof c->storage);
  int rc = weir_tcp_nodelay(&client->stream, 1);
  if (rc != 0)
    give_up(c, rc);
  else
    next_request(c);
}

int http_start(weir_loop_t *of, unsigned seconds) {
  loop = of;
  timeout_ms = seconds * 1000;
  return weir_pool_create(loop, PARTS, PART, &pool);
}

void http_stop(void) {
  if (weir_pool_destroy(pool) != 0)
    complain("buffers", UV_EBUSY);
}
