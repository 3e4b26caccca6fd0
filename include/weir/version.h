/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/* The WEIR_VERSION_HEX of the library in use. Any thread may call it. */
WEIR_EXTERN unsigned weir_version(void);

/* The same in words, as "1.2.3" for a release and "1.2.3-suffix" for what is
 * not one yet. The string is static. Any thread may call it. */
WEIR_EXTERN const char *weir_version_string(void);

#ifdef __cplusplus
}
#endif

#endif
