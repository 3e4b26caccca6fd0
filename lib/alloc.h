/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__ALLOC_H
#define WEIR__ALLOC_H

#include <stddef.h>

#include <weir/alloc.h>

/* The only way to the heap. weir__realloc and weir__free take NULL as the C
 * library's do. */
void *weir__malloc(size_t size);
void *weir__realloc(void *ptr, size_t size);
void *weir__calloc(size_t count, size_t size);
void weir__free(void *ptr);

#endif
