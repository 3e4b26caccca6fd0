/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_SET_H
#define SAMPLES_SET_H

#include "reply.h"
#include "resp.h"
#include "store.h"

/* SET key value [NX | XX] [EX seconds | PX milliseconds]. */
void set_run(store_t *store, const resp_t *request, reply_t *reply);

/* Whether a word is this one, written in any case; name is in lower case. */
int text_is(text_t word, const char *name);

/* Whether the bytes are an integer as it would be printed, which is then
 * *number. */
int parse_integer(const char *at, size_t len, long long *number);

#endif
