/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef ALLOC_H
#define ALLOC_H

#include <stddef.h>

/* A counting allocator under weir and libuv. To be installed before anything
 * else of them is called. */
void alloc_install(void);

/* Blocks that weir holds. */
size_t alloc_blocks(void);

/* Allocations made so far by weir, and by libuv. */
size_t alloc_calls(void);
size_t alloc_calls_of_uv(void);

/* Lets weir's next `count` allocations succeed and all after them fail, until
 * it is called with SIZE_MAX. */
void alloc_fail_after(size_t count);

#endif
