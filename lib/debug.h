/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__DEBUG_H
#define WEIR__DEBUG_H

#include "loop.h"

/* 0 or UV_ENOMEM. */
int weir__debug_new(weir_loop_t *loop, weir_debug_t how);
void weir__debug_end(weir_loop_t *loop);

/* The loop cannot be detached: tells, if it is in debug mode, why. */
void weir__debug_left(weir_loop_t *loop);

#endif
