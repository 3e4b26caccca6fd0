/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SLAB_H
#define WEIR__SLAB_H

#include <stddef.h>

/* Memory for a pool: size is rounded up to whole pages by the caller. */
void *weir__slab_alloc(size_t size);
void weir__slab_free(void *slab, size_t size);

#endif
