/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#if WEIR_HAVE_URING

#include "first.h"

#include <string.h>

#include "../../lib/test/system.h"
#include "../../uring/ring.h"

static struct {
  weir__system_t was;
  const weir__ring_t *ring;
  first_t *seen;
  unsigned opcode, flag;
} look;

static int over_enter(unsigned fd, unsigned submit, unsigned wait,
                      unsigned flags, sigset_t *mask, size_t size) {
  const struct io_uring_sq *sq = &look.ring->uring.sq;

  for (unsigned i = *sq->khead; i != sq->sqe_tail; i++) {
    const struct io_uring_sqe *sqe = &sq->sqes[i & sq->ring_mask];

    if (sqe->opcode != look.opcode)
      continue;
    look.seen->asked++;
    look.seen->first += (sqe->ioprio & look.flag) != 0;
  }
  return look.was.io_uring_enter2(fd, submit, wait, flags, mask, size);
}

void first_begin(const struct weir_fixture *f, first_t *seen, unsigned opcode,
                 unsigned flag) {
  memset(seen, 0, sizeof(*seen));
  look.was = *weir__system_get();
  look.ring = weir__ring(f->loop);
  look.seen = seen;
  look.opcode = opcode;
  look.flag = flag;
  weir__system_get()->io_uring_enter2 = over_enter;
}

void first_end(void) {
  *weir__system_get() = look.was;
}

int first_has(const struct weir_fixture *f, unsigned cap) {
  return (weir__ring(f->loop)->caps & cap) != 0;
}

#else
/* There is no ring to look at. */
typedef int first_is_for_rings;
#endif
