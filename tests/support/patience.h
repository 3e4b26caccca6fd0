/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PATIENCE_H
#define PATIENCE_H

/* So many seconds, or WEIR_TEST_PATIENCE times as many where all is slow. */
unsigned patience(unsigned seconds);

#endif
