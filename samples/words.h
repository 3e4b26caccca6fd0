/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_WORDS_H
#define SAMPLES_WORDS_H

#include <stddef.h>

/* Takes the next word off a line, as redis-cli's users type them: words are
 * separated by blanks; within "" there are the escapes \n \r \t \b \a \xHH and
 * \ before any other byte, within '' only \'.
 *
 * Looks from *at on and sets *at behind the word. Quotes and escapes are
 * resolved where they stand: the word is then from *from up to *to. Returns 1,
 * 0 when there is none, or UV_EINVAL for quotes that do not close, or close in
 * the middle of a word. */
int words_next(char *line, size_t len, size_t *at, size_t *from, size_t *to);

#endif
