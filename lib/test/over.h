/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__TEST_OVER_H
#define WEIR__TEST_OVER_H

/* A declaration of a function that takes the place of the one of that name.
 * Weak, so that a program's own goes before both; but a sanitizer that is part
 * of the program is weak as well. */
#if defined(__clang__) && defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||     \
    __has_feature(thread_sanitizer)
#define WEIR__WEAK
#endif
#endif
#ifndef WEIR__WEAK
#define WEIR__WEAK weak,
#endif
#define WEIR__OVER(name)                                                       \
  __asm__(name) __attribute__((WEIR__WEAK used, visibility("default")))

/* How a function with an off_t is called: where that had 32 bits once, by
 * another name since it has 64. */
#ifdef _FILE_OFFSET_BITS
#define WEIR__LARGE(name) name "64"
#else
#define WEIR__LARGE(name) name
#endif

/* Whether the functions of all files are those that are called; and those of
 * each. */
int weir__over_in_place(void);
int weir__over_transfers(void);
int weir__over_waits(void);
int weir__over_pool(void);
int weir__over_rings(void);

#endif
