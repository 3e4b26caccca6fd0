/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_EXPORT_H
#define WEIR_EXPORT_H

/* WEIR_EXTERN marks every public function. Programs that link the static
 * library on Windows define WEIR_STATIC. */
#if defined(_WIN32)
#if defined(WEIR_BUILDING) || defined(WEIR_STATIC)
#define WEIR_EXTERN /* the linker has a list of what a DLL exports */
#else
#define WEIR_EXTERN __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define WEIR_EXTERN __attribute__((visibility("default")))
#else
#define WEIR_EXTERN
#endif

/* The same for one that compilers may put in line. The library has it all the
 * same, for other languages and for its address. What is defined here does not
 * come from a DLL. */
#if defined(_WIN32)
#define WEIR_INLINE_MARK
#else
#define WEIR_INLINE_MARK WEIR_EXTERN
#endif
#if defined(__GNUC_GNU_INLINE__)
#define WEIR_INLINE WEIR_INLINE_MARK extern inline
#else
#define WEIR_INLINE WEIR_INLINE_MARK inline
#endif

/* Ignoring the result of such a function is a mistake. */
#if defined(__GNUC__)
#define WEIR_MUST_USE __attribute__((warn_unused_result))
#else
#define WEIR_MUST_USE
#endif

#endif
