/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__RARE_H
#define WEIR__RARE_H

/* A function that another one calls last, for what is not the common case:
 * apart, so that the common one has no more registers to save than it needs
 * itself. */
#ifdef __GNUC__
#define WEIR__APART __attribute__((noinline))
#define WEIR__RARE __attribute__((noinline, cold))
#else
#define WEIR__APART
#define WEIR__RARE
#endif

#endif
