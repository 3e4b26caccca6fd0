/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef ADOPTED_H
#define ADOPTED_H

#include "net.h"

/* A libuv application's own connection, and the weir stream made of it. */
struct adopted {
  struct conn conn;
  uv_tcp_t handle;
};

/* Connects the handle, whose data is a; has weir adopt it; and closes the
 * stream, and the handle with it. */
void adopted_open(struct weir_fixture *f, struct adopted *a, int sndbuf,
                  int rcvbuf);
void adopted_take(struct weir_fixture *f, struct adopted *a);
void adopted_close(struct weir_fixture *f, struct adopted *a);

/* The application reads from a handle itself: what uv_read_start says, and what
 * its callback has got as soon as that is not 0. */
int libuv_reads(uv_stream_t *handle);
long libuv_has_read(struct weir_fixture *f);

#endif
