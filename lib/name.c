/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "name.h"

#include <assert.h>
#include <string.h>

#include "alloc.h"
#include "os.h"
#include "self.h"
#include "settle.h"
#include "stream.h"

/* Connecting to a host is a race of ordinary connects, each with a stream of
 * its own. The descriptor of the one that wins is handed over. */

typedef weir_connect_host_t race_t;

enum { NEXT_AFTER = 250 };

static_assert(sizeof(weir__settle_t) <=
                  sizeof(((weir_connect_host_t *)0)->settle),
              "a settle fits in it");

/* Apart from the race, which need not wait for the resolver's thread. */
typedef struct weir__query_s {
  uv_getaddrinfo_t req;
  race_t *race; /* NULL: nobody wants the answer */
  uint64_t thread;
} query_t;

/* ---- The end ---- */

static race_t *race_of(const weir_op_t *op) {
  return *(race_t **)weir__op_scratch(op);
}

static void on_settled(weir__settle_t *settle) {
  race_t *race = (race_t *)(void *)((char *)settle - offsetof(race_t, settle));
  const uv_handle_t *timer = (const uv_handle_t *)&race->timer;
  if (!weir__settle_over(timer, race->loop->closing)) {
    weir__settle_again(settle);
    return;
  }
  weir__connect_done(race->stream, race->error);
}

/* Libuv may yet have the timer: the application may have closed it. */
static void leave(race_t *race) {
  uv_handle_t *timer = (uv_handle_t *)&race->timer;
  if (!uv_is_closing(timer))
    uv_close(timer, NULL);
  weir__settle(race->loop->uv, (weir__settle_t *)(void *)race->settle.bytes,
               race->loop, on_settled);
}

static void on_closed(weir_stream_t *stream) {
  race_t *race = stream->data;
  race->open--;
  if (race->over && race->open == 0)
    leave(race);
}

/* It fails only without memory for new handles of the loop's, and is tried
 * again then. */
static int close_attempt(race_t *race, unsigned i) {
  int r = 0;
  if (!race->attempts[i].closing)
    r = weir_close(&race->attempts[i].stream, on_closed);
  if (r == 0)
    race->attempts[i].closing = 1;
  return r;
}

static void on_timer(uv_timer_t *timer);

static void close_attempts(race_t *race) {
  int failed = 0;
  for (unsigned i = 0; i < race->begun; i++)
    failed |= close_attempt(race, i);
  if (failed && !uv_is_closing((uv_handle_t *)&race->timer))
    uv_timer_start(&race->timer, on_timer, 1, 0);
}

/* Nobody waits for the answer any more. In a child there is no thread that
 * could give it, but libuv counts the request for ever. */
static void forget(race_t *race) {
  query_t *query = race->query;
  if (query == NULL)
    return;
  race->query = NULL;
  query->race = NULL;
  if (weir__self_shares_process(query->thread))
    uv_cancel((uv_req_t *)&query->req);
  else if (query->req.work_req.work != NULL)
    race->loop->uv->active_reqs.count--;
}

static void finish(race_t *race, int status) {
  if (race->over)
    return;
  race->over = 1;
  race->error = status;
  uv_timer_stop(&race->timer);
  forget(race);
  close_attempts(race);
  if (race->open == 0)
    leave(race);
}

static void cancel(weir_op_t *op) {
  finish(race_of(op), UV_ECANCELED);
}

static const weir__op_class_t host_class = {"connect_host", cancel};

/* ---- The race ---- */

/* Errors that only say that there is no way to addresses of a family. */
static int is_vague(int error) {
  return error == UV_ENETUNREACH || error == UV_EHOSTUNREACH ||
         error == UV_EADDRNOTAVAIL || error == UV_EAFNOSUPPORT;
}

static void note(int *error, int status) {
  if (*error == 0 || (is_vague(*error) && !is_vague(status)))
    *error = status;
}

/* Sets the timer to what comes first. */
static void arm(race_t *race) {
  uint64_t due = race->deadline;
  uint64_t now = uv_now(race->loop->uv);
  if (race->begun > 0 && race->begun < race->count && race->next_due < due)
    due = race->next_due;
  if (uv_is_closing((uv_handle_t *)&race->timer))
    return;
  if (due == UINT64_MAX)
    uv_timer_stop(&race->timer);
  else
    uv_timer_start(&race->timer, on_timer, due > now ? due - now : 0, 0);
}

static void on_attempt(weir_op_t *op, int status, size_t n);

static int begin_attempt(race_t *race, unsigned i) {
  weir_stream_t *stream = &race->attempts[i].stream;
  const struct sockaddr *addr =
      (const struct sockaddr *)&race->attempts[i].addr;
  race->attempts[i].closing = 1;
  int r = weir_tcp_init(race->loop, stream);
  if (r == 0) {
    race->attempts[i].closing = 0;
    race->open++;
    stream->data = race;
    r = weir_tcp_connect(&race->attempts[i].op, stream, addr, on_attempt);
    if (r == 0)
      race->pending++;
    else
      close_attempt(race, i);
  }
  return r;
}

/* Begins with the next address that can be begun with. */
static void go_on(race_t *race) {
  int r = UV_EAGAIN;
  while (r != 0 && race->begun < race->count) {
    unsigned i = race->begun++;
    race->attempts[i].op.data = race;
    r = begin_attempt(race, i);
    if (r != 0)
      note(&race->error, r);
  }
  race->next_due = uv_now(race->loop->uv) + NEXT_AFTER;
  if (race->pending == 0)
    finish(race, race->error);
  else
    arm(race);
}

static void win(race_t *race, unsigned i) {
  weir__fd_t fd = weir__own_give(&race->attempts[i].stream);
  weir__own_init(race->stream, fd, 1);
  finish(race, 0);
}

static unsigned index_of(const race_t *race, const weir_op_t *op) {
  unsigned i = 0;
  while (&race->attempts[i].op != op)
    i++;
  return i;
}

/* What the race did not cancel, the loop has. */
static void on_attempt(weir_op_t *op, int status, size_t n) {
  race_t *race = op->data;
  (void)n;
  race->pending--;
  if (race->over)
    return;
  if (status == 0) {
    win(race, index_of(race, op));
  } else if (status == UV_ECANCELED) {
    finish(race, status);
  } else {
    note(&race->error, status);
    close_attempt(race, index_of(race, op));
    go_on(race);
  }
}

/* A child that does not go on with the loop may run its timers. */
static void on_timer(uv_timer_t *timer) {
  race_t *race = timer->data;
  if (weir__loop_foreign(race->loop))
    return;
  if (race->over)
    close_attempts(race);
  else if (uv_now(race->loop->uv) >= race->deadline)
    finish(race, UV_ETIMEDOUT);
  else
    go_on(race);
}

weir_loop_t *weir__name_owner(const uv_handle_t *handle) {
  if (handle->type != UV_TIMER ||
      ((const uv_timer_t *)handle)->timer_cb != on_timer)
    return NULL;
  return ((const race_t *)handle->data)->loop;
}

/* ---- The resolver ---- */

/* The first address of that family from `at` on; 0: of any. */
static const struct addrinfo *find(const struct addrinfo *at, int family) {
  while (at != NULL && (weir__os_address_size(at->ai_addr) == 0 ||
                        (family != 0 && at->ai_family != family)))
    at = at->ai_next;
  return at;
}

/* Two families take turns. */
static void collect(race_t *race, const struct addrinfo *found) {
  const struct addrinfo *first = find(found, 0);
  if (first == NULL)
    return;
  int other = first->ai_family == AF_INET ? AF_INET6 : AF_INET;
  const struct addrinfo *turns[2] = {first, find(found, other)};
  for (unsigned turn = turns[1] == NULL ? 2 : 0;
       race->count < WEIR_HOST_ADDRESSES &&
       (turns[0] != NULL || turns[1] != NULL);
       turn++) {
    const struct addrinfo **at = &turns[turn % 2];
    if (*at == NULL)
      continue;
    memcpy(&race->attempts[race->count++].addr, (*at)->ai_addr,
           weir__os_address_size((*at)->ai_addr));
    *at = find((*at)->ai_next, (*at)->ai_family);
  }
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
                        struct addrinfo *found) {
  query_t *query = (query_t *)(void *)((char *)req - offsetof(query_t, req));
  race_t *race = query->race;
  if (race != NULL) {
    race->query = NULL;
    collect(race, found);
  }
  uv_freeaddrinfo(found);
  weir__free(query);
  /* In a child that does not go on with the loop it is the parent's. */
  if (race == NULL || weir__loop_foreign(race->loop))
    return;
  if (status == 0 && race->count == 0)
    status = UV_EAI_NODATA;
  if (status != 0)
    finish(race, status);
  else
    go_on(race);
}

/* On Windows libuv has another word for want of memory, and then frees what it
 * finds in the request: that is to be zero. */
static int resolver_error(int r) {
  return r == UV_ENOBUFS ? UV_ENOMEM : r;
}

static const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                      .ai_socktype = SOCK_STREAM};

static int resolve(race_t *race, weir_loop_t *loop, const char *host,
                   const char *service) {
  query_t *query = weir__calloc(1, sizeof(*query));
  if (query == NULL)
    return UV_ENOMEM;
  query->race = race;
  query->thread = weir__self();
  int r =
      uv_getaddrinfo(loop->uv, &query->req, on_resolved, host, service, &hints);
  if (r != 0) {
    weir__free(query);
    return resolver_error(r);
  }
  loop->stats.allocations++;
  race->query = query;
  return 0;
}

/* ---- The calls ---- */

static void set_timer(race_t *race, uint64_t timeout) {
  uv_loop_t *uv = race->loop->uv;
  uint64_t now = uv_now(uv);
  uv_timer_init(uv, &race->timer);
  uv_unref((uv_handle_t *)&race->timer);
  race->timer.data = race;
  /* It is known by its callback also while it is not active. */
  uv_timer_start(&race->timer, on_timer, 0, 0);
  race->deadline =
      timeout == 0 || timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
  arm(race);
}

int weir_connect_host(weir_op_t *op, weir_stream_t *stream,
                      weir_connect_host_t *memory, const char *host,
                      const char *service, uint64_t timeout, weir_op_cb cb) {
  if (op == NULL || stream == NULL || memory == NULL || host == NULL ||
      service == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__socket_check_fresh(stream);
  if (r == 0)
    r = resolve(memory, stream->loop, host, service);
  if (r != 0)
    return r;
  memory->op = op;
  memory->stream = stream;
  memory->loop = stream->loop;
  memory->next_due = 0;
  memory->count = memory->begun = memory->pending = memory->open = 0;
  memory->error = memory->over = 0;
  set_timer(memory, timeout);
  weir__connect_enter(op, stream, &host_class, cb);
  *(race_t **)weir__op_scratch(op) = memory;
  return 0;
}

/* ---- Servers ---- */

static int listen_at(weir_stream_t *stream, const struct sockaddr *addr,
                     int backlog, unsigned flags) {
  if (addr->sa_family != AF_INET6)
    flags &= ~(unsigned)UV_TCP_IPV6ONLY;
  int r = weir_tcp_bind(stream, addr, flags);
  if (r == 0)
    r = weir_listen(stream, backlog);
  if (r != 0)
    weir__socket_drop(stream);
  return r;
}

/* At the addresses of one family, 0: of any, until one can be had. */
static int listen_at_one(weir_stream_t *stream, const struct addrinfo *found,
                         int family, int backlog, unsigned flags) {
  int error = 0;
  for (const struct addrinfo *at = find(found, family); at != NULL;
       at = find(at->ai_next, family)) {
    int r = listen_at(stream, at->ai_addr, backlog, flags);
    if (r == 0)
      return 0;
    note(&error, r);
  }
  return error != 0 ? error : UV_EAI_ADDRFAMILY;
}

int weir_listen_host(weir_stream_t *stream, const char *host,
                     const char *service, int backlog, unsigned flags) {
  struct addrinfo passive = hints;
  uv_getaddrinfo_t req;
  if (stream == NULL || (host == NULL && service == NULL))
    return UV_EINVAL;
  int r = weir__socket_check_fresh(stream);
  if (r != 0)
    return r;
  passive.ai_flags = AI_PASSIVE;
  memset(&req, 0, sizeof(req)); /* see resolver_error */
  r = uv_getaddrinfo(stream->loop->uv, &req, NULL, host, service, &passive);
  if (r != 0)
    return resolver_error(r);
  int only_v6 = (flags & UV_TCP_IPV6ONLY) != 0;
  /* A socket of IPv6 that is bound to every address takes IPv4 as well. */
  if (host == NULL || only_v6)
    r = listen_at_one(stream, req.addrinfo, AF_INET6, backlog, flags);
  if (!only_v6 && (host != NULL || (r != 0 && r != UV_EADDRINUSE)))
    r = listen_at_one(stream, req.addrinfo, host == NULL ? AF_INET : 0, backlog,
                      flags);
  uv_freeaddrinfo(req.addrinfo);
  return r;
}
