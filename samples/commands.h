/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_COMMANDS_H
#define SAMPLES_COMMANDS_H

#include "reply.h"
#include "resp.h"
#include "store.h"

/* The commands that clients of redis may use here; COMMAND lists them. */

typedef struct database_s {
  store_t store;
  const char *backend; /* for INFO, as what follows */
  uint64_t started;    /* in the store's time */
  unsigned long long commands;
  unsigned long long clients;
} database_t;

/* Carries out a request of at least one word and replies to it. Returns whether
 * the client is to be served no more. */
int command_run(database_t *db, const resp_t *request, reply_t *reply);

#endif
