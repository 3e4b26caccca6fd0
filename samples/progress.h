/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_PROGRESS_H
#define SAMPLES_PROGRESS_H

#include <stdint.h>

/* A progress bar on stderr; nothing if that is no terminal, or before
 * progress_start. total may be 0: not known. */
void progress_start(uint64_t total);

/* Draws it anew, at most ten times in a second. */
void progress_show(uint64_t done);

/* Leaves the last state on the screen and ends the line. */
void progress_end(uint64_t done);

#endif
