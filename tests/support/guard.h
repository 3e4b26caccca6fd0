/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef GUARD_H
#define GUARD_H

#include <stddef.h>

/* Memory that shows who touches it too late, without a sanitizer: zeroed, in
 * pages of its own, and after guard_end every access to it is a SIGSEGV. It
 * goes with the process, so that no address comes again. */
void *guard_new(size_t size);
void guard_end(void *memory, size_t size);

#endif
