/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <weir.h>

#include "world.h"

/* A program is a string of bytes, that says what an application does with a
 * loop: two bytes about the loop, then steps of four. Any string is one. It is
 * played against a model that knows every byte of every stream and file; where
 * the library says or does something else, the process is aborted, with the
 * reason on stderr.
 *
 * Nothing in it depends on the time, on addresses or on what the kernel did
 * before, but for what callbacks find when they go on. */

enum { PROGRAM_HEAD = 2, PROGRAM_STEP = 4, PROGRAM_MOST = 16384 };

/* Makes the program of a seed, of up to so many steps: its bytes, and their
 * number. */
size_t program_make(uint64_t seed, size_t steps, uint8_t bytes[PROGRAM_MOST]);

/* Plays it, on a loop of its own which is closed again. name is said when it
 * fails. With WEIR_PROGRAM_TRACE in the environment each step is printed.
 * Returns 0, or why the backend cannot be had. */
int program_play(world_t *world, const char *name,
                 const weir_loop_options_t *options, const uint8_t *bytes,
                 size_t size);

#endif
