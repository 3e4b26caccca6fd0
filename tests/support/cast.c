/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "cast.h"

#include <stdlib.h>
#include <string.h>

#include <weir.h>

#include "../../bench/calls.h"

enum { FEW = 8 /* lines */ };

/* Each write of a line holds it. Lines lie apart, as a server has them that
 * changes what it passes on. */
typedef struct cast_line_s {
  int holders;
  char bytes[];
} cast_line_t;

/* A line on its way to a client. */
typedef struct cast_write_s {
  union {
    weir_op_t weir;
    uv_write_t uv;
  } request;
  cast_client_t *client;
  cast_line_t *line;
  struct cast_write_s *next;
} cast_write_t;

static void fail(cast_t *cast, int error) {
  if (cast->error == 0 && !cast->closing)
    cast->error = error;
}

static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL)
    abort();
  return memory;
}

static void release(cast_line_t *line) {
  if (--line->holders == 0)
    free(line);
}

static void on_client_closed(cast_client_t *client) {
  cast_write_t *w;
  while ((w = client->pool) != NULL) {
    client->pool = w->next;
    free(w);
  }
}

static void on_written(cast_write_t *w, int status) {
  cast_client_t *client = w->client;
  if (status != 0 && !client->cut)
    fail(client->cast, status);
  release(w->line);
  w->next = client->pool;
  client->pool = w;
}

static void on_end(cast_t *cast, int status) {
  cast->ended = 1;
  if (status != UV_EOF)
    fail(cast, status);
}

/* ---- What weir and plain libuv do differently ---- */

static void on_weir_written(weir_op_t *op, int status, size_t n) {
  (void)n;
  on_written((cast_write_t *)op, status);
}

static void on_uv_written(uv_write_t *request, int status) {
  on_written((cast_write_t *)request, status);
}

static int start_write(cast_write_t *w) {
  cast_client_t *client = w->client;
  size_t len = client->cast->line;
  uv_buf_t buf = uv_buf_init(w->line->bytes, (unsigned)len);
  if (client->cast->weir != NULL)
    return weir_write(&w->request.weir, &client->stream.weir,
                      weir_seq_block(buf.base, len), on_weir_written);
  return uv_write(&w->request.uv, (uv_stream_t *)&client->stream.uv, &buf, 1,
                  on_uv_written);
}

static size_t queued(const cast_client_t *client) {
  if (client->cast->weir != NULL)
    return weir_stream_queued(&client->stream.weir);
  return uv_stream_get_write_queue_size(
      (const uv_stream_t *)&client->stream.uv);
}

static int open_client(cast_t *cast, cast_client_t *client, int fd) {
  client->cast = cast;
  if (cast->weir != NULL) {
    int rc = weir_pipe_init(cast->weir, &client->stream.weir);
    client->stream.weir.data = client;
    return rc != 0 ? rc : weir_pipe_open(&client->stream.weir, fd);
  }
  int rc = uv_pipe_init(cast->uv, &client->stream.uv, 0);
  client->stream.uv.data = client;
  return rc != 0 ? rc : uv_pipe_open(&client->stream.uv, fd);
}

static void on_weir_closed(weir_stream_t *stream) {
  on_client_closed(stream->data);
}

static void on_uv_closed(uv_handle_t *handle) {
  on_client_closed(handle->data);
}

static void close_client(cast_client_t *client) {
  if (client->cast->weir != NULL)
    weir_close(&client->stream.weir, on_weir_closed);
  else
    uv_close((uv_handle_t *)&client->stream.uv, on_uv_closed);
}

/* ---- Lines ---- */

static void send_line(cast_client_t *client, cast_line_t *line) {
  cast_write_t *w = client->pool;
  if (client->cut)
    return;
  if (w != NULL)
    client->pool = w->next;
  else
    w = allocate(sizeof *w);
  w->client = client;
  w->line = line;
  line->holders++;
  int rc = start_write(w);
  if (rc != 0)
    on_written(w, rc);
  if (queued(client) > client->cast->limit) {
    client->cut = 1;
    close_client(client);
  }
}

static void pass_on(cast_t *cast, const char *bytes) {
  cast_line_t *line = allocate(sizeof *line + cast->line);
  memcpy(line->bytes, bytes, cast->line);
  line->holders = 1;
  for (unsigned i = 0; i < cast->count; i++)
    send_line(&cast->clients[i], line);
  release(line);
}

/* n bytes have come, behind those that were held. */
static void on_bytes(cast_t *cast, size_t n) {
  size_t len = cast->held + n, at;
  for (at = 0; len - at >= cast->line; at += cast->line) {
    if (cast->on_lines != NULL && at / cast->line % FEW == 0)
      cast->on_lines(cast);
    pass_on(cast, cast->room + at);
  }
  cast->held = len - at;
  memmove(cast->room, cast->room + at, cast->held);
  if (cast->on_lines != NULL)
    cast->on_lines(cast);
}

/* ---- Reading ---- */

static void on_weir_read(weir_op_t *op, int status, size_t n);

static void read_weir(cast_t *cast) {
  weir_stream_t *from =
      cast->source != NULL ? cast->source : &cast->sender.stream.weir;
  weir_mseq_t room =
      weir_mseq_block(cast->room + cast->held, CAST_READ - cast->held);
  cast->reading.data = cast;
  int rc = weir_read_some(&cast->reading, from, room, on_weir_read);
  if (rc != 0)
    on_end(cast, rc);
}

static void on_weir_read(weir_op_t *op, int status, size_t n) {
  cast_t *cast = op->data;
  if (status != 0) {
    on_end(cast, status);
    return;
  }
  on_bytes(cast, n);
  read_weir(cast);
}

static void on_uv_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  const cast_client_t *sender = handle->data;
  cast_t *cast = sender->cast;
  (void)size;
  *buf =
      uv_buf_init(cast->room + cast->held, (unsigned)(CAST_READ - cast->held));
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  const cast_client_t *sender = stream->data;
  (void)buf;
  if (n > 0)
    on_bytes(sender->cast, (size_t)n);
  else if (n < 0)
    on_end(sender->cast, (int)n);
}

int cast_open(cast_t *cast, int sender, const int *clients, unsigned count) {
  int rc = open_client(cast, &cast->sender, sender);
  for (; rc == 0 && cast->count < count; cast->count++)
    rc = open_client(cast, &cast->clients[cast->count], clients[cast->count]);
  if (rc != 0)
    return rc;
  if (cast->weir != NULL) {
    read_weir(cast);
    return cast->error;
  }
  return uv_read_start((uv_stream_t *)&cast->sender.stream.uv, on_uv_alloc,
                       on_uv_read);
}

void cast_close(cast_t *cast) {
  cast->closing = 1;
  close_client(&cast->sender);
  for (unsigned i = 0; i < cast->count; i++)
    if (!cast->clients[i].cut)
      close_client(&cast->clients[i]);
}

unsigned long cast_calls(const cast_t *cast) {
  weir_loop_stats_t stats = {0};
  if (cast->weir != NULL)
    weir_loop_stats(cast->weir, &stats, sizeof(stats));
  return calls_made() + (unsigned long)stats.enters;
}
