/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OS_MAP_H
#define WEIR__OS_MAP_H

#include <uv.h>

/* Files in memory. Results are 0 or a negative UV_E*. */

/* The size of a regular file; UV_ENODEV for what is none. */
int weir__os_map_size(uv_file file, int64_t *size);

/* What an offset is a multiple of. */
size_t weir__os_map_page(void);

int weir__os_map(uv_file file, int64_t offset, size_t size, int writable,
                 void **base);
void weir__os_unmap(void *base, size_t size);

/* advice is a weir_advice_t. */
int weir__os_map_advise(void *base, size_t size, int advice);

/* ---- Guards: pages for which there is no file become zeros ---- */

#define WEIR__NO_GUARD (-1)

/* UV_ENOBUFS when all are taken. All below do nothing with WEIR__NO_GUARD. */
int weir__os_guard_take(int writable, int *guard);
void weir__os_guard_give(int guard);

/* Guards this memory from now on, and forgets what was before. */
void weir__os_guard_cover(int guard, const void *base, size_t size);

/* Whether it had to. */
int weir__os_guard_hit(int guard);

#endif
