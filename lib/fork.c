/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "backend.h"
#include "pipe.h"
#include "post.h"

/* A loop becomes the child's after a fork. */

int weir_loop_fork(weir_loop_t *loop) {
  if (loop == NULL)
    return UV_EINVAL;
  if (!weir__loop_foreign(loop))
    return 0;
  loop->owner = weir__self();
  weir__post_renew(loop);
  weir__pipes_close(loop);
  loop->flags &= ~WEIR__LOOP_LOST;
  if (loop->active > 0)
    uv_ref((uv_handle_t *)&loop->hooks->prepare);
  if ((loop->flags & WEIR__LOOP_LEAVING) != 0)
    return 0;
  weir__loop_cancel_all(loop);
  return loop->backend->renew(loop);
}
