/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__UNTIL_H
#define WEIR__UNTIL_H

#include "op.h"

/* Reads into a dynamic buffer, as the reading side of a stream sees them. The
 * window of such an op comes from its buffer: something is prepared there
 * exactly while a transfer is asked for. */

static inline int weir__op_is_until(const weir_op_t *op) {
  return op->type == WEIR__READ_UNTIL || op->type == WEIR__READ_TO_END;
}

/* Looks at what the buffer holds before the first transfer: 1 if op is
 * finished by it, 0 if not, or an error. */
int weir__until_held(weir_op_t *op);

/* Prepares room for one transfer: op->seq and op->left. 0 or an error. */
int weir__until_prepare(weir_op_t *op);

/* n bytes of it have come: looks at them and ends the prepare. As
 * weir__until_held. */
int weir__until_transferred(weir_op_t *op, size_t n);

#endif
