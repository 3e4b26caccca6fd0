/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "set.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int text_is(text_t word, const char *name) {
  size_t i = 0;
  for (; i < word.len && name[i] != '\0'; i++) {
    char c = word.at[i];
    if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != name[i])
      return 0;
  }
  return i == word.len && name[i] == '\0';
}

int parse_integer(const char *at, size_t len, long long *number) {
  char text[24], again[24];
  if (len == 0 || len >= sizeof text)
    return 0;
  memcpy(text, at, len);
  text[len] = '\0';
  errno = 0;
  *number = strtoll(text, NULL, 10);
  snprintf(again, sizeof again, "%lld", *number);
  return errno == 0 && strlen(again) == len && memcmp(again, text, len) == 0;
}

typedef struct options_s {
  int only_new;
  int only_old;
  long long lifetime; /* in milliseconds; 0: for ever */
} options_t;

/* The time behind the option at word i; NULL, or what is wrong. */
static const char *take_time(const resp_t *q, size_t i, long long unit,
                             options_t *options) {
  long long n;
  if (i + 1 >= q->count || options->lifetime != 0)
    return "syntax error";
  text_t word = resp_word(q, i + 1);
  if (!parse_integer(word.at, word.len, &n))
    return "value is not an integer or out of range";
  if (n <= 0 || n > LLONG_MAX / 4 / unit)
    return "invalid expire time in 'set' command";
  options->lifetime = n * unit;
  return NULL;
}

static const char *take_options(const resp_t *q, options_t *options) {
  const char *wrong = NULL;
  for (size_t i = 3; i < q->count && wrong == NULL; i++) {
    text_t word = resp_word(q, i);
    if (text_is(word, "nx"))
      options->only_new = 1;
    else if (text_is(word, "xx"))
      options->only_old = 1;
    else if (text_is(word, "ex"))
      wrong = take_time(q, i++, 1000, options);
    else if (text_is(word, "px"))
      wrong = take_time(q, i++, 1, options);
    else
      wrong = "syntax error";
  }
  if (wrong == NULL && options->only_new && options->only_old)
    wrong = "syntax error";
  return wrong;
}

void set_run(store_t *store, const resp_t *q, reply_t *r) {
  options_t options = {0};
  text_t key = resp_word(q, 1), value = resp_word(q, 2);
  const char *wrong = q->count > 3 ? take_options(q, &options) : NULL;
  if (wrong != NULL) {
    reply_error(r, "%s", wrong);
    return;
  }
  if ((options.only_new || options.only_old) &&
      (store_find(store, key) != NULL) != options.only_old) {
    reply_line(r, "$-1");
    return;
  }
  entry_t *entry = store_put(store, key, value.at, value.len);
  if (entry == NULL) {
    reply_error(r, "out of memory");
    return;
  }
  if (options.lifetime != 0)
    entry->expires = store->now + (uint64_t)options.lifetime;
  reply_line(r, "+OK");
}
