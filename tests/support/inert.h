/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef INERT_H
#define INERT_H

#include <weir/kind.h>

/* A kind whose transfers wait until somebody calls weir_stream_read_done or
 * weir_stream_write_done. Its table has no more than it must have. */
extern const weir_stream_kind_t inert_kind;

#endif
