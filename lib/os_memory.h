/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OS_MEMORY_H
#define WEIR__OS_MEMORY_H

#include <stddef.h>

#include <uv.h>

/* Memory of whole pages, of the system's own. */

/* Zeros, at the beginning of a page; NULL if there is none. A child has memory
 * there after a fork, but nobody else's bytes. */
void *weir__os_slab(size_t size);
void weir__os_slab_free(void *slab, size_t size);

/* The same, but only its addresses: there is memory up to 0. Has it, where it
 * is so up to `from`, be so up to `to`, of any number of bytes: 0 or UV_ENOMEM;
 * and again only up to `from`. */
void *weir__os_slab_reserve(size_t size);
int weir__os_slab_extend(void *slab, size_t from, size_t to);
void weir__os_slab_withdraw(void *slab, size_t from, size_t to);

/* Memory that appears twice, one behind the other; NULL where the system
 * cannot. size is a multiple of the page size, as round makes it. */
void *weir__os_mirror(size_t size);
void weir__os_mirror_free(void *base, size_t size);
size_t weir__os_mirror_round(size_t size);

#endif
