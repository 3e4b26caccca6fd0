/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OP_BLOCK_H
#define WEIR__OP_BLOCK_H

#include "loop.h"

/* A block with room for n segments, one that is free if there is one; NULL:
 * there is no memory. */
weir__op_block_t *weir__op_block_take(weir_loop_t *loop, size_t n);
void weir__op_block_give(weir_loop_t *loop, weir__op_block_t *block);

/* The same as size bytes for an operation of the library's own, and what goes
 * with it. */
void *weir__op_own_take(weir_loop_t *loop, size_t size);
void weir__op_own_give(weir_loop_t *loop, void *own);

/* Frees the blocks that nobody has. */
void weir__op_blocks_free(weir_loop_t *loop);

#endif
