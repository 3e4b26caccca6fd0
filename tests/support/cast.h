/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef CAST_H
#define CAST_H

#include <weir/stream.h>

/* A server that passes each line of one sender on to all clients, and cuts
 * those with too much queued. It is the same on weir and on plain libuv but for
 * the calls: weir_write here and uv_write there, one for each line and client,
 * from a pool of requests that each client has. */

enum { CAST_CLIENTS = 64, CAST_READ = 64 * 1024 };

typedef struct cast_s cast_t;

typedef struct cast_client_s {
  union {
    weir_stream_t weir;
    uv_pipe_t uv;
  } stream;
  cast_t *cast;
  struct cast_write_s *pool;
  int cut; /* had too much queued */
} cast_client_t;

struct cast_s {
  /* To be set; what comes after it has to be 0. */
  uv_loop_t *uv;
  weir_loop_t *weir;     /* NULL: plain libuv */
  weir_stream_t *source; /* on weir, what lines come from; NULL: the sender */
  size_t line;           /* bytes of each line */
  size_t limit;          /* a client with more of them queued is cut */
  void (*on_lines)(cast_t *cast); /* after each read, and every few lines */
  void *data;                     /* the application's */

  int ended; /* the sender has */
  int error; /* the first that should not be */

  unsigned count;
  cast_client_t clients[CAST_CLIENTS];
  cast_client_t sender;
  weir_op_t reading;
  int closing;
  size_t held; /* bytes in room: the beginning of a line */
  char room[CAST_READ];
};

/* Takes over connected sockets, and begins to serve. 0 or an error. */
int cast_open(cast_t *cast, int sender, const int *clients, unsigned count);

/* Closes all that is open; done when nothing keeps the loop going. */
void cast_close(cast_t *cast);

/* The system calls that were made while they were counted, see calls.h. */
unsigned long cast_calls(const cast_t *cast);

#endif
