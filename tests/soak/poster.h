/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTER_H
#define POSTER_H

#include "side.h"

/* Begins to post to the loop of this process from another thread. */
void poster_start(side_t *side);

/* Ends that, and runs what was posted. */
void poster_end(void);

#endif
