/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WANT_H
#define WANT_H

#include <stddef.h>

/* Want of memory: an allocator under weir and libuv, one allocation of which
 * fails. What libuv allocates anew never does: that is the table of its
 * descriptors, without which libuv ends the program. */

struct want {
  int of_uv;    /* libuv's memory, not weir's */
  int for_good; /* and all behind it fail as well */
  size_t at;    /* which one it is, from 0 */
};

/* To be called when neither holds a block that it will free. */
void want_install(void);

/* From now on until want_end, which says how many have failed. */
void want_begin(const struct want *want);
size_t want_end(void);

/* How many have failed so far. */
size_t want_failures(void);

/* Blocks that weir and libuv hold, since want_install. */
long want_blocks(void);

#endif
