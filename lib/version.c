/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/version.h>

#define TEXT_OF(x) #x
#define VERSION_TEXT(x) TEXT_OF(x)

#if WEIR_VERSION_IS_RELEASE
#define SUFFIX ""
#else
#define SUFFIX "-" WEIR_VERSION_SUFFIX
#endif

unsigned weir_version(void) {
  return WEIR_VERSION_HEX;
}

const char *weir_version_string(void) {
  return VERSION_TEXT(WEIR_VERSION_MAJOR) "." VERSION_TEXT(
      WEIR_VERSION_MINOR) "." VERSION_TEXT(WEIR_VERSION_PATCH) SUFFIX;
}
