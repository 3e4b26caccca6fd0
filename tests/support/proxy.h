/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PROXY_H
#define PROXY_H

#include "passage.h"

/* Two relays between two connections, whose peers are ours. */

enum { RING = 4096, SOME = 10000, MUCH = 64 << 20 };

typedef void (*connect_fn)(struct weir_fixture *f, struct conn *c);

typedef struct proxy_s {
  struct conn a, b;
  passage_t up;   /* from a to b */
  passage_t down; /* from b to a */
} proxy_t;

/* flags are those of both relays. */
void proxy_open(struct weir_fixture *f, proxy_t *p, connect_fn connect_a,
                connect_fn connect_b, size_t ring, unsigned flags);
void proxy_start_up(proxy_t *p);
void proxy_start(proxy_t *p);
void proxy_close(struct weir_fixture *f, proxy_t *p);

/* Until the relay from a to b is over, the peers move what can be moved, and
 * then the loop has a turn, in which nobody sleeps. The end follows on the
 * last of total bytes, which are more than 0. */
void proxy_pump(struct weir_fixture *f, proxy_t *p, size_t total, size_t *sent,
                size_t *taken);

/* Takes the rest of so many bytes at b. */
void proxy_take_rest(const proxy_t *p, size_t *taken, uint64_t total);

/* Fills all that there is from a to b, who does not read: how many bytes. */
size_t proxy_fill(struct weir_fixture *f, const proxy_t *p);

#endif
