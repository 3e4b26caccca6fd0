/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BUSY_H
#define BUSY_H

#include "child.h"
#include "net.h"

/* What a program may have going when its loop comes into other hands: those of
 * another thread, or of a child process. */

enum { PART = 3, WHOLE = 8 };

struct busy {
  struct conn reads;  /* 3 of 8 bytes have come */
  struct conn writes; /* blocked */
  struct conn idle;
  weir_stream_t listener;
  weir_stream_t client;
  struct request read, write, accept, file;
  weir_pool_t *pool;
  uv_buf_t buf;
  char bytes[WHOLE];
  char *much;
  int pipe[2]; /* nothing comes */
  char byte;
};

/* Begins it all and has the loop look at it; ends it, as if nothing had
 * happened meanwhile. */
void busy_begin(struct weir_fixture *f, struct busy *b);
void busy_end(struct weir_fixture *f, struct busy *b);

/* Runs body in a child meanwhile; its arg is a struct busy. */
void busy_in_child(struct weir_fixture *f, child_fn body);

/* ---- In a child; arg is a struct busy ---- */

/* Every call is refused. */
void busy_is_refused(struct weir_fixture *f, void *arg);

/* The child makes the loop its own, and busy_must_go_on. */
void busy_goes_on(struct weir_fixture *f, void *arg);

/* The child has made the loop its own: what was outstanding ends, all things
 * work, and all can be closed. The first and last of this alone. */
void busy_must_go_on(struct weir_fixture *f, struct busy *b);
void busy_must_end(struct weir_fixture *f, struct busy *b);
void busy_must_close(struct weir_fixture *f, struct busy *b);

#endif
