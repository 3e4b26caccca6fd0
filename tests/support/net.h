/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef NET_H
#define NET_H

#include "fixture.h"

/* ---- Bytes that can be told apart by their offset ---- */

void pattern_fill(void *base, size_t offset, size_t len);

/* 1 if the bytes are those of the pattern from offset on. */
int pattern_holds(const void *base, size_t offset, size_t len);

/* ---- A weir stream and the bare descriptor at its other end ---- */

struct conn {
  weir_stream_t stream;
  int peer;   /* blocking, with a timeout; -1 when closed */
  int closed; /* the close callback came */
};

/* A TCP connection over loopback; a pair of UNIX sockets. */
void conn_tcp(struct weir_fixture *f, struct conn *c);
void conn_unix(struct weir_fixture *f, struct conn *c);

/* As conn_tcp, with socket buffers so small that a write of SLOW_BYTES cannot
 * be taken at once. */
enum { SLOW_BYTES = 4 << 20 };
void conn_slow(struct weir_fixture *f, struct conn *c);

void on_conn_closed(weir_stream_t *stream);

/* Closes both ends and waits for the close callback. */
void conn_close(struct weir_fixture *f, struct conn *c);
void close_stream(struct weir_fixture *f, struct conn *c);
void close_peer(struct conn *c);

/* Makes the peer go with a reset. */
void reset_peer(struct conn *c);

/* Two connected sockets: over loopback TCP with these buffer sizes (0: the
 * system's), over a pair of UNIX sockets. */
void pair_tcp(int fds[2], int sndbuf, int rcvbuf);
void pair_unix(int fds[2]);

/* Gives this process a network of its own, of loopback alone; skips the test
 * where that is refused. */
void own_network(struct weir_fixture *f);

/* ---- The peer, without a thread ---- */

/* Sends the pattern; takes exactly len bytes and asserts the pattern; asserts
 * that the other side has ended. All of them wait, for a while. */
void peer_send(const struct conn *c, size_t offset, size_t len);
void peer_take(const struct conn *c, size_t offset, size_t len);
void peer_expect_end(const struct conn *c);

/* What is there now: reads it all and returns how many bytes. */
size_t peer_take_available(const struct conn *c);

/* For a peer that never waits: sends the pattern from *sent on, at most up to
 * total, as far as there is room now; takes what is there now, the pattern from
 * *taken on, or returns 0. */
void offer_pattern(int fd, size_t *sent, size_t total);
int take_pattern(int fd, size_t *taken);

/* ---- The peer, in a thread ---- */

struct drain {
  uv_thread_t thread;
  int fd;
  size_t received; /* valid when joined, as is good */
  int good;        /* all of it was the pattern */
};

/* Reads until the end of the stream or an error. */
void drain_start(struct drain *d, int fd);
void drain_join(struct drain *d);

#endif
