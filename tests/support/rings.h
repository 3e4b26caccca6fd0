/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef RINGS_H
#define RINGS_H

#include "fixture.h"

/* What differs between the rings of older kernels and newer ones, of an
 * attached f: 0 on libuv. */

/* Completions come only to the thread that enters the ring; so what others do
 * cannot end what is in it, and another thread needs a ring of its own. */
int ring_is_one_threads(const struct weir_fixture *f);

/* Memory can be registered, if there is enough to lock. */
int ring_registers(const struct weir_fixture *f);

/* The kernel can be asked to end all that is in it, within the call. */
int ring_cancels_all(const struct weir_fixture *f);

/* Buffers can be lent to the kernel, which chooses one when something comes. */
int ring_chooses(const struct weir_fixture *f);

/* Segments of one registration go to a file, or come from one, together. */
int ring_takes_vectors(const struct weir_fixture *f);

/* What is sent can go without a copy, and the kernel says if it did not. */
int ring_sends_uncopied(const struct weir_fixture *f);

#endif
