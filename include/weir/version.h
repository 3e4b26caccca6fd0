/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

/* The version of this header. weir_version() gives that of the library which
 * is linked at run time; the two may differ. */
#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0
#define WEIR_VERSION_IS_RELEASE 0
#define WEIR_VERSION_SUFFIX "dev"

/* MAJOR << 16 | MINOR << 8 | PATCH, for comparing in the preprocessor. */
#define WEIR_VERSION_HEX                                                       \
  ((WEIR_VERSION_MAJOR << 16) | (WEIR_VERSION_MINOR << 8) | WEIR_VERSION_PATCH)

#endif
