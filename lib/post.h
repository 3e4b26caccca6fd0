/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__POST_H
#define WEIR__POST_H

#include "loop.h"

/* A loop that is not open for them. */
void weir__post_init(weir_loop_t *loop);

/* Nothing is posted by other threads any more, as weir_post_close. */
void weir__post_shut(weir_loop_t *loop);

/* Ends every post with UV_ECANCELED. */
void weir__post_cancel_all(weir_loop_t *loop);

/* In any thread: has loop->box.look called in the loop's, if it is open for
 * posts. */
void weir__post_nudge(weir_loop_t *loop);

/* This is a child after a fork: no other thread is at work here. */
void weir__post_renew(weir_loop_t *loop);

#endif
