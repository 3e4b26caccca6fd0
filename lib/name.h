/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__NAME_H
#define WEIR__NAME_H

#include <weir/name.h>

/* Whose loop a handle of a weir_connect_host is, NULL for any other. */
weir_loop_t *weir__name_owner(const uv_handle_t *handle);

#endif
