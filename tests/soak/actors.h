/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef ACTORS_H
#define ACTORS_H

#include "peer.h"

/* What clients do. What the library learns to do is one more entry here. */
extern const actor_t actors[];
extern const unsigned actor_count;

/* The server's side of those that send back what came. */
void serve_echo(peer_t *p);  /* as it comes */
void serve_lines(peer_t *p); /* line by line */
void serve_file(peer_t *p);  /* from a file that all of it went to */
void serve_relay(peer_t *p);
void serve_leases(peer_t *p);
void serve_when_ready(peer_t *p);

/* Writes of copies, and deadlines: both directions; a client that closes behind
 * its bytes; one that says nothing, for whom the server does not wait. */
void both_copied(peer_t *p);
void play_parting(peer_t *p);
void serve_parting(peer_t *p);
void play_late(peer_t *p);
void serve_late(peer_t *p);

#endif
