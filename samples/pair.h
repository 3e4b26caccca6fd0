/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_PAIR_H
#define SAMPLES_PAIR_H

#include "counts.h"
#include "server.h"

/* The connections of a relay: each is a pair of streams with a weir_relay_t in
 * either direction. An end is passed on as an end, a reset as a reset; and
 * whatever else breaks off is a reset for both sides, since neither may take
 * what it has got for all. */

/* What they have in common. */
typedef struct pairs_s {
  weir_loop_t *loop;
  struct sockaddr_storage target; /* that each connection is passed on to */
  size_t capacity;                /* of the ring of each direction */
  unsigned flags;                 /* of the relays */
  unsigned idle;   /* seconds without a byte that end it; 0: none do */
  int with_counts; /* print those of each connection */
  counts_t up;     /* of all connections that are over */
  counts_t down;
} pairs_t;

/* Keeps that; returns how much memory server_start has to provide for each. */
size_t pair_setup(pairs_t *pairs);

/* Connects a client to the target. */
void pair_serve(client_t *client);

/* Behind the end of a stream nothing is read any more, so that a peer that is
 * gone is seen when something is written to it, or by asking now and then: cuts
 * the pair if one is. */
void pair_check(client_t *client);

/* Ends a pair at once: both sides see a reset. */
void pair_cut(client_t *client);

#endif
