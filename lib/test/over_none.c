/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"

/* Where nothing can come before the system's functions. */

int weir__over_in_place(void) {
  return 0;
}
