/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/serve.h>

#include "alarm.h"
#include "queue.h"
#include "stream.h"
#include "watch.h"

/* Accepts in slots. After a failure there is a pause, and one accept only,
 * until that one succeeds. */

enum { PAUSE_MS = 100 };

static void ask(weir_server_t *server);

/* ---- What is asked for later: make may be called from uv_run only ---- */

/* It holds the loop, as the accept would that it stands for. */
static void ask_after(weir_server_t *server, uint64_t ms) {
  weir_loop_t *loop = server->listener->loop;
  if (server->waits)
    return;
  server->waits = 1;
  weir__loop_ref(loop);
  weir__alarm_after(loop, &server->alarm, ms);
}

static void rung(weir_alarm_t *alarm) {
  weir_server_t *server =
      (weir_server_t *)((uintptr_t)alarm - offsetof(weir_server_t, alarm));
  weir__queue_push(&server->listener->loop->news, &server->news.node);
}

static void notify(weir_news_t *news) {
  weir_server_t *server =
      (weir_server_t *)((uintptr_t)news - offsetof(weir_server_t, news));
  server->waits = 0;
  ask(server);
}

static void ask_no_more(weir_server_t *server) {
  weir_loop_t *loop = server->listener->loop;
  if (!server->waits)
    return;
  server->waits = 0;
  if (weir__alarm_is_set(&server->alarm))
    weir__alarm_end(loop, &server->alarm);
  else
    weir__queue_remove(&server->news.node);
  weir__loop_unref(loop);
}

static void told(weir_watch_t *watch, weir_stream_t *stream,
                 weir__tidings_t tidings) {
  weir_server_t *server =
      (weir_server_t *)((uintptr_t)watch - offsetof(weir_server_t, watch));
  (void)stream;
  if (tidings != WEIR__CLOSES)
    return;
  ask_no_more(server);
  weir__watch_remove(watch);
}

static const weir__watch_class_t watch_class = {told};

/* ---- Accepting ---- */

static int goes_on(const weir_server_t *server) {
  return !weir_is_closing(server->listener) &&
         weir__loop_check(server->listener->loop) == 0;
}

static void failed(weir_server_t *server) {
  server->failing = 1;
  if (goes_on(server))
    ask_after(server, PAUSE_MS);
}

static void on_accepted(weir_op_t *op, int status, size_t n) {
  weir_serve_slot_t *slot = (weir_serve_slot_t *)op;
  weir_server_t *server = slot->server;
  (void)n;
  server->asked &= ~(1u << (slot - server->slots));
  if (status == 0) {
    server->failing = 0;
    server->clients++;
  } else {
    failed(server);
  }
  server->cb(server, slot->client, status);
  ask(server);
}

/* How many accepts there should be. */
static unsigned wanted(const weir_server_t *server) {
  unsigned count = server->failing ? 1 : WEIR_SERVE_ACCEPTS;
  size_t room = server->most - server->clients;
  if (server->waits || !goes_on(server))
    return 0;
  return server->most > 0 && room < count ? (unsigned)room : count;
}

static unsigned outstanding(const weir_server_t *server) {
  unsigned count = 0;
  for (unsigned bits = server->asked; bits != 0; bits &= bits - 1)
    count++;
  return count;
}

static weir_serve_slot_t *free_slot(weir_server_t *server) {
  unsigned i = 0;
  while ((server->asked >> i & 1) != 0)
    i++;
  return &server->slots[i];
}

/* One more accept, or a pause. */
static void ask_one(weir_server_t *server) {
  weir_serve_slot_t *slot = free_slot(server);
  int r = UV_ENOMEM;
  slot->server = server;
  slot->client = server->make(server);
  if (slot->client != NULL)
    r = weir_accept(&slot->op, server->listener, slot->client, on_accepted);
  if (r == 0) {
    server->asked |= 1u << (slot - server->slots);
  } else {
    failed(server);
    server->cb(server, slot->client, r);
  }
}

static void ask(weir_server_t *server) {
  while (outstanding(server) < wanted(server))
    ask_one(server);
}

static int is_served(const weir_stream_t *listener) {
  const weir_watch_t *watch = listener->watch;
  while (watch != NULL && watch->type != &watch_class)
    watch = watch->next;
  return watch != NULL;
}

int weir_serve(weir_server_t *server, weir_stream_t *listener, size_t most,
               weir_serve_make_cb make, weir_serve_cb cb) {
  if (server == NULL || listener == NULL || make == NULL || cb == NULL)
    return UV_EINVAL;
  if ((listener->state & WEIR__CLOSING) != 0)
    return UV_EBADF;
  if ((listener->state & WEIR__LISTENING) == 0)
    return UV_EINVAL;
  if (is_served(listener))
    return UV_EALREADY;
  int r = weir__loop_check(listener->loop);
  if (r != 0)
    return r;
  *server = (weir_server_t){.data = server->data,
                            .listener = listener,
                            .make = make,
                            .cb = cb,
                            .most = most,
                            .alarm = {.ring = rung},
                            .news = {.tell = notify}};
  weir__watch_add(listener, &server->watch, &watch_class);
  ask_after(server, 0);
  return 0;
}

void weir_serve_gone(weir_server_t *server) {
  server->clients--;
  if (goes_on(server) && outstanding(server) < wanted(server))
    ask_after(server, 0);
}

size_t weir_serve_count(const weir_server_t *server) {
  return server->clients;
}
