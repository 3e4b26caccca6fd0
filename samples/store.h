/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_STORE_H
#define SAMPLES_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "resp.h"

/* Keys and their values in memory. The table grows and moves by one chain of
 * entries with each that is new: no call takes long, however many there are,
 * but for store_clear. */

/* Bytes that several may need: the store, and replies on their way. */
typedef struct value_s {
  size_t refs;
  size_t len;
  size_t room;
  char bytes[];
} value_t;

typedef struct entry_s {
  struct entry_s *next;
  value_t *value;
  uint64_t hash;
  uint64_t expires; /* in the time of now; 0: never */
  size_t len;
  char key[];
} entry_t;

typedef struct store_s {
  entry_t **chains;
  size_t nchains;
  size_t room;
  size_t count; /* of entries */
  size_t swept;
  uint64_t now; /* the caller's: milliseconds */
  uint64_t secret[2];
} store_t;

/* 0, or a negative UV_E*. */
int store_init(store_t *store);

/* The entry of a key that has not expired, or NULL. */
entry_t *store_find(store_t *store, text_t key);

/* Gives a key, new or not, a copy of the bytes, and expires = 0; NULL when
 * there is no memory, and then nothing has changed. */
entry_t *store_put(store_t *store, text_t key, const char *at, size_t len);

/* Returns whether it was there. */
int store_remove(store_t *store, text_t key);

void store_clear(store_t *store);

/* Removes what has expired from the next n chains. */
void store_sweep(store_t *store, size_t n);

void value_release(value_t *value);

#endif
