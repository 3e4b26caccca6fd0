/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef GAUGE_H
#define GAUGE_H

#include <stddef.h>

#include <weir/loop.h>

/* What a process holds. */
typedef struct gauge_s {
  size_t rss;     /* bytes */
  size_t heap;    /* bytes of the library's own */
  size_t blocks;  /* allocations of the library's own */
  size_t fds;     /* open descriptors */
  size_t threads; /* of all sorts */
  size_t workers; /* of them: the kernel's, for io_uring */
  size_t active;  /* operations and closes outstanding */
  size_t slots;   /* requests in the ring */
  size_t polls;   /* waits that the kernel holds for the ring */
} gauge_t;

/* Has the library's allocations counted. Before any other call of it. */
void gauge_install(void);

/* loop may be NULL. */
void gauge_read(gauge_t *gauge, const weir_loop_t *loop);

size_t gauge_rss(void);

/* Whether a sanitizer has mapped more than a machine has. */
int gauge_is_sanitized(void);
size_t gauge_fds(void);

/* Writes to text, of size bytes, what has grown from before to now beyond what
 * may; returns how many did. slack is how much the memory may. */
int gauge_compare(const gauge_t *before, const gauge_t *now, size_t slack,
                  char *text, size_t size);

#endif
