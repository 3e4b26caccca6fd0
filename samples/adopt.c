/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* An echo server on plain libuv whose connection handler was moved to weir.
 * The lines that this took are marked with "weir"; --plain runs the handler as
 * it was before. The listener, the signals and the call of uv_run are
 * libuv's and stayed as they were. */

#include <stdlib.h>
#include <uv.h>
#include <weir.h> /* weir */

#include "common.h"
#include "plain.h"

static const char help[] =
    "usage: adopt --listen HOST:PORT [--plain]\n"
    "An echo server on libuv whose connection handler was moved to weir.\n"
    "  --listen HOST:PORT  address to listen on; a HOST of * is every one,\n"
    "                      port 0 picks a free one\n"
    "  --plain             use the handler as it was before\n";

typedef struct connection_s {
  uv_tcp_t tcp;
  uv_write_t request;
  weir_stream_t stream; /* weir: made of tcp */
  weir_op_t op;         /* weir: in the place of request */
  int adopted;          /* weir */
  char buffer[65536];
} connection_t;

static uv_loop_t uv;
static weir_loop_t *weir; /* weir */
static int plain;

/* ---- The handler before ---- */

/* An answer that is cut off shall not look whole. */
static void cut(connection_t *c) {
  if (!uv_is_closing((uv_handle_t *)&c->tcp) &&
      uv_tcp_close_reset(&c->tcp, plain_closed) != 0)
    uv_close((uv_handle_t *)&c->tcp, plain_closed);
}

static void end(connection_t *c) {
  if (uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) != 0)
    cut(c);
  else if (!uv_is_closing((uv_handle_t *)&c->tcp))
    uv_close((uv_handle_t *)&c->tcp, plain_closed);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  connection_t *c = handle->data;
  (void)size;
  *buf = uv_buf_init(c->buffer, sizeof c->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *request, int status) {
  connection_t *c = request->data;
  if (status != 0 || uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
    cut(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  connection_t *c = stream->data;
  uv_buf_t data = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
  if (n == 0)
    return;
  uv_read_stop(stream); /* the buffer is taken until it is written */
  if (n == UV_EOF)
    end(c);
  else if (n < 0 || uv_write(&c->request, stream, &data, 1, on_written) != 0)
    cut(c);
}

/* ---- The handler after: the same, on weir ---- */

static void on_weir_closed(weir_stream_t *stream) {
  free(stream->data); /* the uv_tcp_t in it is closed, too */
}

static void weir_cut(connection_t *c) {
  if (weir_close_reset(&c->stream, on_weir_closed) != 0)
    weir_close(&c->stream, on_weir_closed);
}

static void weir_end(connection_t *c) {
  if (weir_stream_queued(&c->stream) != 0)
    weir_cut(c);
  else
    weir_close(&c->stream, on_weir_closed);
}

static void on_weir_read(weir_op_t *op, int status, size_t n);

static void on_weir_written(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  weir_mseq_t room = weir_mseq_block(c->buffer, sizeof c->buffer);
  (void)n;
  if (status != 0 || weir_read_some(op, &c->stream, room, on_weir_read) != 0)
    weir_cut(c);
}

static void on_weir_read(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  weir_seq_t data = weir_seq_block(c->buffer, n);
  if (status == UV_EOF)
    weir_end(c);
  else if (status != 0 ||
           weir_write(op, &c->stream, data, on_weir_written) != 0)
    weir_cut(c);
}

static void serve_on_weir(connection_t *c) {
  c->adopted = weir_adopt(weir, &c->stream, (uv_stream_t *)&c->tcp) == 0;
  c->stream.data = c;
  c->op.data = c;
  if (c->adopted)
    on_weir_written(&c->op, 0, 0);
  else
    cut(c);
}

/* ---- Both ---- */

static void serve(uv_tcp_t *tcp) {
  connection_t *c = (connection_t *)tcp;
  tcp->data = c;
  c->request.data = c;
  c->adopted = 0; /* weir */
  if (plain)
    on_written(&c->request, 0);
  else
    serve_on_weir(c); /* weir */
}

static void end_any(uv_tcp_t *tcp) {
  connection_t *c = (connection_t *)tcp;
  if (c->adopted) /* weir */
    weir_end(c);
  else
    end(c);
}

static void stop(void) {
  plain_stop(end_any);
}

int main(int argc, char **argv) {
  const char *word = NULL;
  const option_t options[] = {
      {"--listen", NULL, &word}, {"--plain", &plain, NULL}, {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  parse_options(argc, argv, help, options, 0);
  parse_listen_address("--listen", word, &addr);
  weir = open_loop(&uv); /* weir: uv_loop_init, then weir_loop_attach */
  on_stop_signal(&uv, stop);
  plain_start(&uv, &addr, sizeof(connection_t), serve);
  uv_run(&uv, UV_RUN_DEFAULT);
  close_loop(&uv, weir); /* weir: weir_loop_detach, then uv_loop_close */
  return 0;
}
