/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_COMMON_H
#define SAMPLES_COMMON_H

#include <weir/loop.h>

/* What all samples share, and what is not about weir: the command line,
 * addresses, signals and error messages. Functions that fail say why on stderr
 * in one line and exit: with status 2 if the command line is wrong, with 1 if
 * the system refuses. */

/* An option of the command line: "--name" sets *flag to 1, "--name WORD" sets
 * *word. A table of them ends with a NULL name. */
typedef struct option_s {
  const char *name;
  int *flag;
  const char **word;
} option_t;

/* Parses the command line and moves the words that belong to no option to
 * argv[1] and on; there have to be exactly nwords. "--help" prints help and
 * exits with status 0. */
void parse_options(int argc, char **argv, const char *help,
                   const option_t *options, int nwords);

/* A number of bytes of at least 1, perhaps with a K, M or G behind it. */
size_t parse_bytes(const char *option, const char *text);

/* HOST:PORT or [HOST]:PORT, where HOST may be a name. */
void parse_address(const char *option, const char *text,
                   struct sockaddr_storage *addr);

/* "HOST:PORT" or "[HOST]:PORT". */
typedef struct address_text_s {
  char text[80];
} address_text_t;
address_text_t address_text(const struct sockaddr_storage *addr);

/* Prints "listening on HOST:PORT" on stdout, at once. */
void print_listening(const struct sockaddr_storage *addr);

/* Makes a plain libuv server of listener: binds, listens, and says so. */
void listen_plain(uv_loop_t *uv, uv_tcp_t *listener,
                  const struct sockaddr_storage *addr, uv_connection_cb cb);

/* uv_loop_init and weir_loop_attach with default options, which leaves the
 * choice of backend and wait to the environment. */
weir_loop_t *open_loop(uv_loop_t *uv);

/* Calls stop once, at the first SIGINT or SIGTERM. It keeps no loop going. */
void on_stop_signal(uv_loop_t *uv, void (*stop)(void));

/* Closes what open_loop and on_stop_signal opened, once uv_run has returned
 * and all else is closed. weir may be NULL. */
void close_loop(uv_loop_t *uv, weir_loop_t *weir);

/* "PROGRAM: what: reason of the error" on stderr. */
void complain(const char *what, int error);

/* The same, and in other words, then exit with status 1. */
_Noreturn void fail(const char *what, int error);
_Noreturn void quit(const char *what, const char *why);

/* Print the backend and why it was taken; that, and the loop's counters. */
void print_backend(const weir_loop_t *weir);
void print_stats(const weir_loop_t *weir);

#endif
