/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef ENDS_H
#define ENDS_H

#include "side.h"

/* What the two processes of a soak do until they are told to leave. Both end
 * the process, with 1 after a fault. */
_Noreturn void server_run(const plan_t *plan, board_t *board,
                          const variant_t *variant);
_Noreturn void client_run(const plan_t *plan, board_t *board,
                          const variant_t *variant);

/* Bytes that a peer has to read into, and how many peers a server has to have:
 * some may not have closed when their clients have. */
size_t plan_room(const plan_t *plan);
unsigned plan_peers(const plan_t *plan);

#endif
