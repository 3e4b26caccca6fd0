/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_SESSION_H
#define SAMPLES_SESSION_H

#include <weir/buffer.h>

#include "commands.h"
#include "resp.h"

/* What a client says and what it is answered, apart from how the bytes come
 * and go: those that come are put into room for them, those that are to go lie
 * in out. Neither grows beyond one request or one reply and what is below. */

enum {
  SESSION_READ = 16 << 10,      /* asked for at once, if no more is known */
  SESSION_READ_MAX = 256 << 10, /* within a large request */
  SESSION_OUT = 256 << 10 /* who does not read so much, is asked no more */
};

typedef struct session_s {
  weir_buffer_t out; /* a chain */
  int over;          /* nothing is answered any more, only read over */

  /* Private. */
  database_t *db;
  weir_buffer_t in;
  resp_t request;
} session_t;

void session_begin(session_t *s, database_t *db);

/* Frees everything. */
void session_end(session_t *s);

/* Whether more may be read: not as long as too much is to be written. */
int session_may_read(const session_t *s);

/* Room for what comes next; 0 or an error. It is taken by session_take. */
int session_room(session_t *s, weir_mseq_t *room);
void session_take(session_t *s, size_t n);

/* Answers what has come, until out holds too much. Called again when some of
 * that has gone. Returns 0 or UV_ENOMEM. */
int session_run(session_t *s);

#endif
