/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_COMMON_H
#define SAMPLES_COMMON_H

#include <weir/loop.h>

#include "address.h"
#include "message.h"
#include "options.h"

/* The beginning and the end of every sample. What the system refuses is said
 * in one line on stderr, and the program ends with status 1. */

/* uv_loop_init and weir_loop_attach with default options, which leaves the
 * choice of backend and wait to the environment. */
weir_loop_t *open_loop(uv_loop_t *uv);

/* Calls stop once, at the next SIGINT, SIGTERM or SIGHUP, from within uv_run;
 * called again, it says what the signal after that does. Keeps no loop going.
 * A SIGHUP that is ignored, as under nohup, stays so. */
void on_stop_signal(uv_loop_t *uv, void (*stop)(void));

/* Makes a plain libuv server of listener: binds, listens, and says where, which
 * is also what it returns. */
address_text_t listen_plain(uv_loop_t *uv, uv_tcp_t *listener,
                            const struct sockaddr_storage *addr,
                            uv_connection_cb cb);

/* Closes what open_loop and on_stop_signal opened, once uv_run has returned
 * and all else is closed. weir may be NULL. */
void close_loop(uv_loop_t *uv, weir_loop_t *weir);

/* Print the backend and why it was taken; that, and the loop's counters. */
void print_backend(const weir_loop_t *weir);
void print_stats(const weir_loop_t *weir);

#endif
