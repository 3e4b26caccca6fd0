/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_OS_H
#define SAMPLES_OS_H

#include <uv.h>

/* What samples need of the system that libuv has no function for. */

/* Whether the program was started with this signal ignored. */
int os_ignores(int signal);

/* Has what would end the program be errors: SIGPIPE, which uv_write raises and
 * weir does not, and SIGXFSZ. */
void os_errors_for_signals(void);

/* The width of the terminal at stderr, or 0. */
int os_columns(void);

/* The permissions that a new file does not get. */
int os_creation_mask(void);

/* The bytes of a path up to and with its last separator, or 0. */
size_t os_directory(const char *path);

int os_set_times(uv_file file, uv_timespec_t read, uv_timespec_t written);

#endif
