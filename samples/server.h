/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_SERVER_H
#define SAMPLES_SERVER_H

#include <weir/stream.h>

/* A TCP server: accepts connections and keeps a list of them. A program has
 * one. What it needs for each connection begins with a client_t.
 *
 * When descriptors or memory run out, connections wait in the listener's
 * backlog and it tries again ten times a second: that is weir_serve. */

typedef struct client_s client_t;
struct client_s {
  weir_stream_t stream; /* connected */
  client_t *next;
  client_t **link;
};

typedef void (*client_cb)(client_t *client);

/* Listens on addr and prints "listening on HOST:PORT"; exits with status 1 if
 * it cannot. For each connection, size bytes are allocated and serve runs. */
void server_start(weir_loop_t *loop, const struct sockaddr_storage *addr,
                  size_t size, client_cb serve);

/* uv_run, until the server is stopped and its clients are gone. Where the loop
 * refuses to accept at all, the program ends with status 1. */
void server_run(weir_loop_t *loop);

/* Frees a client, whose stream is closed. */
void server_forget(client_t *client);

/* Calls cb for each client, which may forget that one. */
void server_each(client_cb cb);

/* Ends accepting; what is accepted already goes on. Returns the number of
 * clients. */
unsigned server_drain(void);

/* Ends accepting, and calls end for each client that there is, and for one
 * that comes in at this very moment. */
void server_stop(client_cb end);

/* All that a program with nothing else on its loop does: that, from open_loop
 * to close_loop, until a signal ends it. end is for server_stop. */
void server_main(const struct sockaddr_storage *addr, size_t size,
                 client_cb serve, client_cb end, int with_stats);

#endif
