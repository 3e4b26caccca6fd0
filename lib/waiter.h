/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__WAITER_H
#define WEIR__WAITER_H

#include <weir/op.h>

/* Somebody who waits for what others give back. */
typedef struct weir__waiter_s {
  weir_node_t node; /* in a queue, where there is one */

  /* It may go on; it is in no queue any more. Runs no callbacks. */
  void (*go)(struct weir__waiter_s *waiter);
} weir__waiter_t;

#endif
