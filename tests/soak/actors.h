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

#endif
