/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "backend.h"

/* Whose a loop is: of which process, and of which of its threads. What the
 * kernel keeps for a loop may be bound to the one as to the other. */

/* What is outstanding is the parent's: it keeps no loop of the child's going.
 */
static void lose(weir_loop_t *loop) {
  loop->flags |= WEIR__LOOP_LOST;
  uv_unref((uv_handle_t *)&loop->hooks->prepare);
  if ((loop->flags & WEIR__LOOP_LEAVING) == 0)
    loop->backend->lose(loop);
}

int weir__loop_orphaned(weir_loop_t *loop) {
  if (weir__self_shares_process(loop->owner))
    return 0;
  if ((loop->flags & WEIR__LOOP_LOST) == 0)
    lose(loop);
  return 1;
}

int weir__loop_move(weir_loop_t *loop) {
  if (weir__loop_orphaned(loop))
    return UV_ESRCH;
  loop->owner = weir__self();
  loop->backend->move(loop);
  return 0;
}
