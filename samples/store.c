/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "siphash.h"

enum { FIRST_CHAINS = 64, SPARE = 64 };

/* ---- Values ---- */

void value_release(value_t *value) {
  if (--value->refs == 0)
    free(value);
}

/* Makes *value a copy of the bytes: in its place, if nobody else needs what is
 * there and not much is wasted. */
static int assign(value_t **value, const char *at, size_t len) {
  value_t *old = *value;
  value_t *v = old;
  if (old == NULL || old->refs > 1 || len > old->room ||
      old->room > len + len / 2 + SPARE) {
    v = malloc(sizeof *v + len);
    if (v == NULL)
      return UV_ENOMEM;
    v->refs = 1;
    v->room = len;
    if (old != NULL)
      value_release(old);
  }
  v->len = len;
  memcpy(v->bytes, at, len);
  *value = v;
  return 0;
}

/* ---- The table ---- */

int store_init(store_t *store) {
  memset(store, 0, sizeof *store);
  store->chains = calloc(FIRST_CHAINS, sizeof *store->chains);
  if (store->chains == NULL)
    return UV_ENOMEM;
  store->nchains = store->room = FIRST_CHAINS;
  return uv_random(NULL, NULL, store->secret, sizeof store->secret, 0, NULL);
}

/* The bits of a hash that tell n chains apart. */
static uint64_t mask_of(size_t n) {
  return (UINT64_C(2) << (63 - __builtin_clzll(n))) - 1;
}

/* Of the chains that a hash could have, those with the highest bit come into
 * being one by one. */
static entry_t **chain_of(const store_t *store, uint64_t hash) {
  uint64_t mask = mask_of(store->nchains);
  uint64_t i = hash & mask;
  return &store->chains[i < store->nchains ? i : i & mask >> 1];
}

/* One chain more, which takes its entries from that which had them. Without
 * memory for it, chains become longer. */
static void split_one(store_t *store) {
  size_t n = store->nchains;
  if (n == store->room) {
    entry_t **chains = realloc(store->chains, 2 * n * sizeof *chains);
    if (chains == NULL)
      return;
    store->chains = chains;
    store->room = 2 * n;
  }
  uint64_t mask = mask_of(n);
  entry_t **from = &store->chains[n & mask >> 1];
  entry_t **to = &store->chains[n];
  *to = NULL;
  store->nchains++;
  while (*from != NULL) {
    entry_t *entry = *from;
    if ((entry->hash & mask) != n) {
      from = &entry->next;
      continue;
    }
    *from = entry->next;
    entry->next = *to;
    *to = entry;
  }
}

static void drop(store_t *store, entry_t **link) {
  entry_t *entry = *link;
  *link = entry->next;
  value_release(entry->value);
  free(entry);
  store->count--;
}

static int has_expired(const store_t *store, const entry_t *entry) {
  return entry->expires != 0 && entry->expires <= store->now;
}

/* The link to the key's entry, or to the end of its chain. */
static entry_t **look_up(store_t *store, text_t key, uint64_t hash) {
  entry_t **link = chain_of(store, hash);
  for (; *link != NULL; link = &(*link)->next) {
    const entry_t *entry = *link;
    if (entry->hash == hash && entry->len == key.len &&
        memcmp(entry->key, key.at, key.len) == 0)
      break;
  }
  return link;
}

static uint64_t hash_of(const store_t *store, text_t key) {
  return siphash(store->secret, key.at, key.len);
}

/* ---- What may be asked of it ---- */

entry_t *store_find(store_t *store, text_t key) {
  entry_t **link = look_up(store, key, hash_of(store, key));
  if (*link == NULL)
    return NULL;
  if (!has_expired(store, *link))
    return *link;
  drop(store, link);
  return NULL;
}

static entry_t *add(store_t *store, text_t key, uint64_t hash, value_t *value) {
  entry_t *entry = malloc(sizeof *entry + key.len);
  if (entry == NULL) {
    value_release(value);
    return NULL;
  }
  entry->value = value;
  entry->hash = hash;
  entry->len = key.len;
  memcpy(entry->key, key.at, key.len);
  if (++store->count > store->nchains)
    split_one(store);
  entry_t **chain = chain_of(store, hash);
  entry->next = *chain;
  *chain = entry;
  return entry;
}

entry_t *store_put(store_t *store, text_t key, const char *at, size_t len) {
  uint64_t hash = hash_of(store, key);
  entry_t *entry = *look_up(store, key, hash);
  value_t *value = entry != NULL ? entry->value : NULL;
  if (assign(&value, at, len) != 0)
    return NULL;
  if (entry == NULL)
    entry = add(store, key, hash, value);
  if (entry == NULL)
    return NULL;
  entry->value = value;
  entry->expires = 0;
  return entry;
}

int store_remove(store_t *store, text_t key) {
  entry_t **link = look_up(store, key, hash_of(store, key));
  int was_there = *link != NULL && !has_expired(store, *link);
  if (*link != NULL)
    drop(store, link);
  return was_there;
}

void store_clear(store_t *store) {
  for (size_t i = 0; i < store->nchains; i++)
    while (store->chains[i] != NULL)
      drop(store, &store->chains[i]);
}

void store_sweep(store_t *store, size_t n) {
  if (n > store->nchains)
    n = store->nchains;
  for (; n > 0; n--) {
    entry_t **link = &store->chains[store->swept++ % store->nchains];
    while (*link != NULL) {
      if (has_expired(store, *link))
        drop(store, link);
      else
        link = &(*link)->next;
    }
  }
}
