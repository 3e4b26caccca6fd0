/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef USE_H
#define USE_H

#include "fixture.h"

/* Whether the loop works: both directions of a connection, and a file. */
void use(struct weir_fixture *f);

#endif
