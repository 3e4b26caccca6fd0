/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_HTTP_CONNECTION_H
#define SAMPLES_HTTP_CONNECTION_H

#include "server.h"

/* The connections of a server of files: requests are answered one after the
 * other, however many have come. http_request.c understands what is asked for,
 * http_file.c finds it, http_reply.c says what there is to say. */

/* Before and behind all others. seconds are for a request to come, and for each
 * 64 KiB to go. Returns 0 or an error. */
int http_start(weir_loop_t *loop, unsigned seconds);
void http_stop(void);

/* For server_start and server_stop. */
extern const size_t http_connection_size;
void http_serve(client_t *client);
void http_end(client_t *client);

#endif
