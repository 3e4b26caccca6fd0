/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_ADDRESS_H
#define SAMPLES_ADDRESS_H

#include <uv.h>
#include <weir/stream.h>

/* HOST:PORT or [HOST]:PORT, where HOST may be a name. What cannot be parsed
 * ends the program with status 2, what cannot be resolved with status 1. */
void parse_address(const char *option, const char *text,
                   struct sockaddr_storage *addr);

/* The same, to listen on; a HOST of * is every address of this machine. */
void parse_listen_address(const char *option, const char *text,
                          struct sockaddr_storage *addr);

/* "HOST:PORT" or "[HOST]:PORT". */
typedef struct address_text_s {
  char text[80];
} address_text_t;
address_text_t address_text(const struct sockaddr_storage *addr);

/* That of a stream's peer, or "a peer that left". */
address_text_t peer_text(const weir_stream_t *stream);

/* Prints "listening on HOST:PORT" on stdout, at once. */
void print_listening(const struct sockaddr_storage *addr);

#endif
