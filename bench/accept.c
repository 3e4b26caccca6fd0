/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "peer.h"

/* Accepts connections and closes them. The other side makes so many at a time
 * and ends them with a reset, so that none is left waiting. */

enum { ACCEPTS = 16 /* outstanding */ };

static struct sockaddr_in where;
static int listener;

static void knock(void) {
  struct linger reset = {.l_onoff = 1};
  char byte;
  bench.others = bench_memory(bench.count * sizeof(int));
  close(listener);
  for (;;) {
    for (unsigned i = 0; i < bench.count; i++)
      bench.others[i] = peer_dial(&where);
    for (unsigned i = 0; i < bench.count; i++) {
      if (recv(bench.others[i], &byte, 1, 0) != 0)
        return;
      setsockopt(bench.others[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      close(bench.others[i]);
    }
  }
}

static void prepare(void) {
  listener = peer_listen(&where);
  peer_start(knock);
}

/* ---- Raw ---- */

static void raw_accept(void) {
  io_uring_prep_accept(bench_sqe(), listener, NULL, NULL, SOCK_CLOEXEC);
}

static void on_completion(uint64_t data, int result) {
  (void)data;
  if (result < 0)
    fail("accept", result);
  close(result);
  bench_moved(1);
  raw_accept();
}

static void run_raw(void) {
  for (int i = 0; i < ACCEPTS; i++)
    raw_accept();
  bench_go(on_completion);
}

/* ---- Libuv ---- */

static void on_uv_closed(uv_handle_t *handle) {
  free(handle);
  bench_moved(1);
}

static void on_connection(uv_stream_t *server, int status) {
  uv_tcp_t *client = malloc(sizeof *client);
  if (status == 0)
    status = client != NULL ? uv_tcp_init(&bench.uv, client) : UV_ENOMEM;
  if (status == 0)
    status = uv_accept(server, (uv_stream_t *)client);
  if (status != 0)
    fail("accept", status);
  uv_close((uv_handle_t *)client, on_uv_closed);
}

static void run_libuv(void) {
  static uv_tcp_t server;
  int r = uv_tcp_init(&bench.uv, &server);
  if (r == 0)
    r = uv_tcp_open(&server, listener);
  if (r == 0)
    r = uv_listen((uv_stream_t *)&server, 1024, on_connection);
  if (r != 0)
    fail("listen", r);
  bench_go(NULL);
}

/* ---- Weir ---- */

typedef struct place_s {
  weir_op_t op;
  weir_stream_t stream;
} place_t;

static weir_stream_t server;

static void weir_wait_for(place_t *place);

static void on_weir_closed(weir_stream_t *stream) {
  bench_moved(1);
  weir_wait_for(stream->data);
}

static void on_accepted(weir_op_t *op, int status, size_t n) {
  place_t *place = op->data;
  (void)n;
  if (status == 0)
    status = weir_close(&place->stream, on_weir_closed);
  if (status != 0)
    fail("accept", status);
}

static void weir_wait_for(place_t *place) {
  place->op.data = place;
  int r = weir_tcp_init(bench.weir, &place->stream);
  place->stream.data = place;
  if (r == 0)
    r = weir_accept(&place->op, &server, &place->stream, on_accepted);
  if (r != 0)
    fail("accept", r);
}

static void run_weir(void) {
  static place_t places[ACCEPTS];
  int r = weir_tcp_init(bench.weir, &server);
  if (r == 0)
    r = weir_tcp_open(&server, listener);
  if (r == 0)
    r = weir_listen(&server, 1024);
  if (r != 0)
    fail("listen", r);
  for (int i = 0; i < ACCEPTS; i++)
    weir_wait_for(&places[i]);
  bench_go(NULL);
}

const bench_workload_t bench_accept = {
    .name = "accept",
    .unit = "connection",
    .what = "connections are accepted and closed",
    .prepare = prepare,
    .raw = run_raw,
    .libuv = run_libuv,
    .weir = run_weir,
    .shapes = {{"64", 64, 1}}};
