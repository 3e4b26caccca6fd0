/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "rings.h"

#if WEIR_HAVE_URING

#include "../../uring/ring.h"

static unsigned caps_of(const struct weir_fixture *f) {
  return weir_loop_backend(f->loop) == WEIR_BACKEND_URING
             ? weir__ring(f->loop)->caps
             : 0;
}

int ring_is_one_threads(const struct weir_fixture *f) {
  return (caps_of(f) & WEIR__CAP_DEFER_TASKRUN) != 0;
}

int ring_registers(const struct weir_fixture *f) {
  unsigned any = WEIR__CAP_SPARSE_BUFFERS | WEIR__CAP_TAGGED_BUFFERS;

  return (caps_of(f) & any) != 0;
}

int ring_cancels_all(const struct weir_fixture *f) {
  return (caps_of(f) & WEIR__CAP_SYNC_CANCEL) != 0;
}

int ring_chooses(const struct weir_fixture *f) {
  unsigned all = WEIR__CAP_BUFFER_RING | WEIR__CAP_DEFER_TASKRUN;

  return (caps_of(f) & all) == all;
}

int ring_takes_vectors(const struct weir_fixture *f) {
  unsigned all = WEIR__CAP_READV_FIXED | WEIR__CAP_WRITEV_FIXED;

  return (caps_of(f) & all) == all;
}

int ring_sends_uncopied(const struct weir_fixture *f) {
  return (caps_of(f) & WEIR__CAP_SEND_ZC) != 0;
}

#else

int ring_sends_uncopied(const struct weir_fixture *f) {
  (void)f;
  return 0;
}

int ring_takes_vectors(const struct weir_fixture *f) {
  (void)f;
  return 0;
}

int ring_chooses(const struct weir_fixture *f) {
  (void)f;
  return 0;
}

int ring_is_one_threads(const struct weir_fixture *f) {
  (void)f;
  return 0;
}

int ring_registers(const struct weir_fixture *f) {
  (void)f;
  return 0;
}

int ring_cancels_all(const struct weir_fixture *f) {
  (void)f;
  return 0;
}

#endif
