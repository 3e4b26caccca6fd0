/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_PLAIN_H
#define SAMPLES_PLAIN_H

#include <uv.h>

/* A TCP server on plain libuv. A program has one. What it needs for each
 * connection begins with a uv_tcp_t, and is freed when that is closed. When
 * memory runs out, connections wait and it tries again ten times a second. */

typedef void (*plain_cb)(uv_tcp_t *tcp);

/* Listens on addr and prints "listening on HOST:PORT"; exits with status 1 if
 * it cannot. For each connection, size bytes are allocated and serve runs. */
void plain_start(uv_loop_t *uv, const struct sockaddr_storage *addr,
                 size_t size, plain_cb serve);

/* The callback for uv_close on a connection: frees it. */
void plain_closed(uv_handle_t *handle);

/* Ends accepting, and calls end for each connection that is not closing. */
void plain_stop(plain_cb end);

#endif
