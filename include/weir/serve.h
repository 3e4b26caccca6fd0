/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_SERVE_H
#define WEIR_SERVE_H

#include <stddef.h>

#include <weir/deadline.h>
#include <weir/export.h>
#include <weir/op.h>
#include <weir/stream.h>
#include <weir/water.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A server: keeps some accepts of a listener outstanding and hands out the
 * connections. With so many connections as it may have, or without descriptors
 * or memory, it does not ask: then they wait in the listener's backlog. */

/* Accepts that are outstanding at a time, at most. */
enum { WEIR_SERVE_ACCEPTS = 8 };

typedef struct weir_server_s weir_server_t;

/* Memory for the stream of a connection to come, which is not initialised and
 * has to stay where it is, or NULL if there is none now. It comes back in a
 * weir_serve_cb, once. Runs from within uv_run. */
typedef weir_stream_t *(*weir_serve_make_cb)(weir_server_t *server);

/* status 0: client is a connection, which has to be closed; weir_serve_gone is
 * to be called when it is, if there is a limit.
 *
 * Negative: client is that memory again, not initialised; it may be freed, and
 * its data is as it was. The server goes on asking, one at a time and not
 * before 100 ms, unless the listener is closing or the loop is at its end
 * (UV_ECANCELED, UV_EBADF, and what a ring says that was refused for good).
 * With a client of NULL: there was no memory to be had, and status is
 * UV_ENOMEM.
 *
 * Runs from within uv_run. Any function may be called here. */
typedef void (*weir_serve_cb)(weir_server_t *server, weir_stream_t *client,
                              int status);

/* Private: one accept. */
typedef struct weir_serve_slot_s {
  weir_op_t op;
  weir_server_t *server;
  weir_stream_t *client;
} weir_serve_slot_t;

/* The application provides the memory, which has to stay where it is until the
 * close callback of the listener. Allocate by sizeof. */
struct weir_server_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  weir_stream_t *listener;
  weir_serve_make_cb make;
  weir_serve_cb cb;
  size_t most;
  size_t clients; /* handed out and not gone */
  unsigned asked; /* bits of slots whose accept is outstanding */
  unsigned char failing;
  unsigned char waits;
  weir_alarm_t alarm;
  weir_watch_t watch;
  weir_news_t news;
  weir_serve_slot_t slots[WEIR_SERVE_ACCEPTS];
};

/* Begins to serve a stream that listens. At most `most` connections are there
 * at a time, 0 meaning any number. It ends when the listener is closed, by
 * weir_close: what make gave then comes back with UV_ECANCELED before the close
 * callback; the connections stay. Until then it keeps uv_run going, unless
 * there are as many connections as there may be.
 *
 * Returns 0; UV_EINVAL (a NULL, or not a listener), UV_EBADF (closing),
 * UV_EALREADY (it is served), UV_ECANCELED, UV_ESRCH. */
WEIR_EXTERN WEIR_MUST_USE int weir_serve(weir_server_t *server,
                                         weir_stream_t *listener, size_t most,
                                         weir_serve_make_cb make,
                                         weir_serve_cb cb);

/* One of the server's connections is gone: it may ask for another. To be called
 * once for each, in the connection's close callback, and not after the
 * listener's. */
WEIR_EXTERN void weir_serve_gone(weir_server_t *server);

/* Connections that were handed out and are not gone. */
WEIR_EXTERN size_t weir_serve_count(const weir_server_t *server);

#ifdef __cplusplus
}
#endif
#endif
