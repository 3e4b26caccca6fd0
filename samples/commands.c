/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "commands.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "set.h"

enum { SHARED = 16 << 10 }; /* from here on values are not copied */

static const char not_a_number[] = "value is not an integer or out of range";

/* Returns 1 if the client is to be served no more. */
typedef int (*command_fn)(database_t *db, const resp_t *q, reply_t *r);

typedef struct command_s {
  const char *name;
  int arity; /* with the name; -n: at least n */
  int first_key, last_key;
  command_fn run;
} command_t;

/* ---- Keys ---- */

static void release_value(void *value, const uv_buf_t *unused) {
  (void)unused;
  value_release(value);
}

static int get(database_t *db, const resp_t *q, reply_t *r) {
  const entry_t *entry = store_find(&db->store, resp_word(q, 1));
  value_t *value = entry != NULL ? entry->value : NULL;
  if (value == NULL) {
    reply_line(r, "$-1");
  } else if (value->len < SHARED) {
    reply_bulk(r, value->bytes, value->len);
  } else {
    value->refs++;
    reply_shared(r, value->bytes, value->len, release_value, value);
  }
  return 0;
}

static int set(database_t *db, const resp_t *q, reply_t *r) {
  set_run(&db->store, q, r);
  return 0;
}

static int incr(database_t *db, const resp_t *q, reply_t *r) {
  text_t key = resp_word(q, 1);
  entry_t *entry = store_find(&db->store, key);
  uint64_t expires = entry != NULL ? entry->expires : 0;
  long long n = 0;
  char digits[24];
  if (entry != NULL &&
      !parse_integer(entry->value->bytes, entry->value->len, &n)) {
    reply_error(r, not_a_number);
    return 0;
  }
  if (n == LLONG_MAX) {
    reply_error(r, "increment or decrement would overflow");
    return 0;
  }
  int len = snprintf(digits, sizeof digits, "%lld", ++n);
  entry = store_put(&db->store, key, digits, (size_t)len);
  if (entry == NULL) {
    reply_error(r, "out of memory");
    return 0;
  }
  entry->expires = expires;
  reply_number(r, ':', n);
  return 0;
}

static int del(database_t *db, const resp_t *q, reply_t *r) {
  long long n = 0;
  for (size_t i = 1; i < q->count; i++)
    n += store_remove(&db->store, resp_word(q, i));
  reply_number(r, ':', n);
  return 0;
}

static int exists(database_t *db, const resp_t *q, reply_t *r) {
  long long n = 0;
  for (size_t i = 1; i < q->count; i++)
    n += store_find(&db->store, resp_word(q, i)) != NULL;
  reply_number(r, ':', n);
  return 0;
}

static int flush_all(database_t *db, const resp_t *q, reply_t *r) {
  (void)q;
  store_clear(&db->store);
  reply_line(r, "+OK");
  return 0;
}

static int dbsize(database_t *db, const resp_t *q, reply_t *r) {
  (void)q;
  reply_number(r, ':', (long long)db->store.count);
  return 0;
}

/* ---- The connection ---- */

static int ping(database_t *db, const resp_t *q, reply_t *r) {
  (void)db;
  if (q->count == 1)
    reply_line(r, "+PONG");
  else if (q->count == 2)
    reply_bulk(r, resp_word(q, 1).at, resp_word(q, 1).len);
  else
    reply_error(r, "wrong number of arguments for 'ping' command");
  return 0;
}

static int echo(database_t *db, const resp_t *q, reply_t *r) {
  (void)db;
  reply_bulk(r, resp_word(q, 1).at, resp_word(q, 1).len);
  return 0;
}

static int select_db(database_t *db, const resp_t *q, reply_t *r) {
  text_t word = resp_word(q, 1);
  long long n;
  (void)db;
  if (!parse_integer(word.at, word.len, &n))
    reply_error(r, not_a_number);
  else if (n != 0)
    reply_error(r, "DB index is out of range");
  else
    reply_line(r, "+OK");
  return 0;
}

static int quit_now(database_t *db, const resp_t *q, reply_t *r) {
  (void)db;
  (void)q;
  reply_line(r, "+OK");
  return 1;
}

/* A browser that was made to speak to us: what follows is not for us. */
static int hang_up(database_t *db, const resp_t *q, reply_t *r) {
  (void)db;
  (void)q;
  (void)r;
  return 1;
}

/* ---- The server ---- */

static int info(database_t *db, const resp_t *q, reply_t *r) {
  char text[512];
  (void)q;
  snprintf(text, sizeof text,
           "# Server\r\nserver:respd\r\nbackend:%s\r\n"
           "uptime_in_seconds:%llu\r\n\r\n"
           "# Clients\r\nconnected_clients:%llu\r\n\r\n"
           "# Stats\r\ntotal_commands_processed:%llu\r\n\r\n"
           "# Keyspace\r\ndb0:keys=%zu\r\n",
           db->backend,
           (unsigned long long)(db->store.now - db->started) / 1000,
           db->clients, db->commands, db->store.count);
  reply_string(r, text);
  return 0;
}

/* What redis-benchmark asks for, to name it in its report. */
static const char *const settings[][2] = {{"save", ""}, {"appendonly", "no"}};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static int is_asked(const resp_t *q, const char *name) {
  for (size_t i = 2; i < q->count; i++)
    if (text_is(resp_word(q, i), name) || text_is(resp_word(q, i), "*"))
      return 1;
  return 0;
}

static int config(database_t *db, const resp_t *q, reply_t *r) {
  long long n = 0;
  (void)db;
  if (!text_is(resp_word(q, 1), "get") || q->count < 3) {
    reply_error(r, "only CONFIG GET is known here");
    return 0;
  }
  for (int i = 0; i < SETTINGS; i++)
    n += 2 * is_asked(q, settings[i][0]);
  reply_number(r, '*', n);
  for (int i = 0; i < SETTINGS; i++) {
    if (!is_asked(q, settings[i][0]))
      continue;
    reply_string(r, settings[i][0]);
    reply_string(r, settings[i][1]);
  }
  return 0;
}

static int command(database_t *db, const resp_t *q, reply_t *r);

/* In the order in which they are looked for. */
static const command_t commands[] = {{"get", 2, 1, 1, get},
                                     {"set", -3, 1, 1, set},
                                     {"incr", 2, 1, 1, incr},
                                     {"ping", -1, 0, 0, ping},
                                     {"del", -2, 1, -1, del},
                                     {"exists", -2, 1, -1, exists},
                                     {"echo", 2, 0, 0, echo},
                                     {"dbsize", 1, 0, 0, dbsize},
                                     {"flushall", -1, 0, 0, flush_all},
                                     {"info", -1, 0, 0, info},
                                     {"config", -2, 0, 0, config},
                                     {"command", -1, 0, 0, command},
                                     {"select", 2, 0, 0, select_db},
                                     {"quit", -1, 0, 0, quit_now},
                                     {"post", -1, 0, 0, hang_up},
                                     {"host:", -1, 0, 0, hang_up}};
enum { COMMANDS = sizeof commands / sizeof commands[0], HIDDEN = 2 };

static void describe(const command_t *c, reply_t *r) {
  reply_number(r, '*', 6);
  reply_string(r, c->name);
  reply_number(r, ':', c->arity);
  reply_number(r, '*', 0);
  reply_number(r, ':', c->first_key);
  reply_number(r, ':', c->last_key);
  reply_number(r, ':', c->first_key != 0);
}

static int command(database_t *db, const resp_t *q, reply_t *r) {
  (void)db;
  if (q->count > 1 && text_is(resp_word(q, 1), "count")) {
    reply_number(r, ':', COMMANDS - HIDDEN);
    return 0;
  }
  if (q->count > 1) { /* redis-cli asks for DOCS, and does without */
    reply_number(r, '*', 0);
    return 0;
  }
  reply_number(r, '*', COMMANDS - HIDDEN);
  for (int i = 0; i < COMMANDS - HIDDEN; i++)
    describe(&commands[i], r);
  return 0;
}

int command_run(database_t *db, const resp_t *request, reply_t *reply) {
  text_t name = resp_word(request, 0);
  size_t count = request->count;
  int i = 0;
  db->commands++;
  while (i < COMMANDS && !text_is(name, commands[i].name))
    i++;
  if (i == COMMANDS) {
    reply_error(reply, "unknown command '%.*s'",
                (int)(name.len < 64 ? name.len : 64), name.at);
    return 0;
  }
  int arity = commands[i].arity;
  if (arity > 0 ? count != (size_t)arity : count < (size_t)-arity) {
    reply_error(reply, "wrong number of arguments for '%s' command",
                commands[i].name);
    return 0;
  }
  return commands[i].run(db, request, reply);
}
