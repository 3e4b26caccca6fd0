/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_ALLOC_H
#define WEIR_ALLOC_H

#include <stddef.h>

#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The allocator's functions; each does what the C library's function of that
 * name does. */
typedef void *(*weir_malloc_func)(size_t size);
typedef void *(*weir_realloc_func)(void *ptr, size_t size);
typedef void *(*weir_calloc_func)(size_t count, size_t size);
typedef void (*weir_free_func)(void *ptr);

/* Replaces the functions that weir gets its memory from, which are those of
 * the C library at first. It does not reach what is mapped: the slabs of pools,
 * rings that are mirrored, and io_uring's own memory; nor libuv, which has its
 * own uv_replace_allocator().
 *
 * Call it before any other function of weir, and not while another thread is
 * in one: memory is freed by the allocator that is set at that time. The
 * functions may be called from any thread that calls weir.
 *
 * Returns 0, or UV_EINVAL, changing nothing, when one of them is NULL. */
WEIR_EXTERN WEIR_MUST_USE int
weir_replace_allocator(weir_malloc_func malloc_func,
                       weir_realloc_func realloc_func,
                       weir_calloc_func calloc_func, weir_free_func free_func);

#ifdef __cplusplus
}
#endif

#endif
