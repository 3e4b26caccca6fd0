/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "patience.h"

#include <stdlib.h>

unsigned patience(unsigned seconds) {
  const char *given = getenv("WEIR_TEST_PATIENCE");
  unsigned times = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 1;

  return seconds * (times > 0 ? times : 1);
}
