/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/fault.h>

#include "../lib/test/system.h"
#include "support/alloc.h"
#include "support/child.h"
#include "support/gate.h"
#include "support/net.h"

/* Connecting by name. */

/* ---- A resolver that answers when it is told to ---- */

enum { MOST = 20 };

static struct {
  weir__system_t was;
  uv_getaddrinfo_t *req;
  uv_getaddrinfo_cb cb;
  struct addrinfo list[MOST];
  struct sockaddr_in6 addrs[MOST];
  int count;
  int cancels;
  int freed;
} fake;

static int fake_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *req,
                            uv_getaddrinfo_cb cb, const char *node,
                            const char *service, const struct addrinfo *hints) {
  (void)loop;
  check_is(strcmp(node, "host"), 0);
  check_is(strcmp(service, "service"), 0);
  check_is(hints->ai_socktype, SOCK_STREAM);
  fake.req = req;
  fake.cb = cb;
  return 0;
}

static void fake_freeaddrinfo(struct addrinfo *found) {
  (void)found;
  fake.freed++;
}

static int fake_cancel(uv_req_t *req) {
  if (req != (uv_req_t *)fake.req)
    return fake.was.uv_cancel(req);
  fake.cancels++;
  return UV_EBUSY;
}

static void fake_begin(void) {
  weir__system_t *system = weir__system_get();

  memset(&fake, 0, sizeof(fake));
  fake.was = *system;
  system->uv_getaddrinfo = fake_getaddrinfo;
  system->uv_freeaddrinfo = fake_freeaddrinfo;
  system->uv_cancel = fake_cancel;
}

static void fake_end(void) {
  *weir__system_get() = fake.was;
}

static void fake_knows(const void *addr, size_t size) {
  struct addrinfo *entry = &fake.list[fake.count];

  cr_assert(fake.count < MOST);
  memcpy(&fake.addrs[fake.count], addr, size);
  entry->ai_addr = (struct sockaddr *)&fake.addrs[fake.count];
  entry->ai_family = entry->ai_addr->sa_family;
  if (fake.count > 0)
    fake.list[fake.count - 1].ai_next = entry;
  fake.count++;
}

static void fake_knows4(const char *host, int port) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr(host, port, &addr), 0);
  fake_knows(&addr, sizeof(addr));
}

static void fake_knows6(const char *host, int port) {
  struct sockaddr_in6 addr;

  check_is(uv_ip6_addr(host, port, &addr), 0);
  fake_knows(&addr, sizeof(addr));
}

static void fake_answers(int status) {
  uv_getaddrinfo_cb cb = fake.cb;

  fake.cb = NULL;
  cb(fake.req, status, status == 0 && fake.count > 0 ? fake.list : NULL);
}

/* ---- Addresses ---- */

/* Bare listeners: one that takes connections; one whose backlog is full, so
 * that connecting to it never ends; and a port that refuses. */
struct places {
  int good, silent, fillers[8];
  int good_port, silent_port, refused_port;
};

static int listen_bare(int backlog, int *port) {
  struct sockaddr_in addr;
  socklen_t len = sizeof(addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(bind(fd, (struct sockaddr *)&addr, len), 0);
  if (backlog >= 0)
    check_is(listen(fd, backlog), 0);
  check_is(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
  *port = ntohs(addr.sin_port);
  return fd;
}

static void places_make(struct places *p) {
  struct sockaddr_in addr;
  int fd, i;

  p->good = listen_bare(128, &p->good_port);
  p->silent = listen_bare(0, &p->silent_port);
  fd = listen_bare(-1, &p->refused_port);
  close(fd);
  check_is(uv_ip4_addr("127.0.0.1", p->silent_port, &addr), 0);
  for (i = 0; i < 8; i++) {
    p->fillers[i] =
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect(p->fillers[i], (struct sockaddr *)&addr, sizeof(addr));
  }
}

static void places_close(const struct places *p) {
  int i;

  close(p->good);
  close(p->silent);
  for (i = 0; i < 8; i++)
    close(p->fillers[i]);
}

/* ---- One client ---- */

struct client {
  struct conn c;
  struct request r;
  weir_connect_host_t memory;
};

static void client_init(struct weir_fixture *f, struct client *c) {
  memset(c, 0xa5, sizeof(*c));
  memset(&c->r, 0, sizeof(c->r));
  c->c.peer = -1;
  c->c.closed = 0;
  check_is(weir_tcp_init(f->loop, &c->c.stream), 0);
}

static int client_go(struct client *c, uint64_t timeout) {
  return weir_connect_host(&c->r.op, &c->c.stream, &c->memory, "host",
                           "service", timeout, on_done);
}

static void client_begin(struct weir_fixture *f, struct client *c,
                         uint64_t timeout) {
  client_init(f, c);
  check_is(client_go(c, timeout), 0);
  check_is(c->r.calls, 0);
}

/* The connection works in both directions. */
static void client_works(struct weir_fixture *f, struct client *c, int server) {
  struct request w = {0}, r = {0};
  char bytes[8];
  int fd = accept(server, NULL, NULL);

  cr_assert(fd >= 0);
  c->c.peer = fd;
  check_is(weir_write(&w.op, &c->c.stream, weir_seq_block("hello", 5), on_done),
           0);
  finish(f, &w, 0, 5);
  check_is(recv(fd, bytes, 8, 0), 5);
  check_is(
      weir_read_some(&r.op, &c->c.stream, weir_mseq_block(bytes, 8), on_done),
      0);
  run_some_turns(f);
  check_is(send(fd, "hi", 2, 0), 2);
  finish(f, &r, 0, 2);
}

/* ---- The real resolver ---- */

static void connects_to(struct weir_fixture *f, const char *host) {
  struct client c;
  char service[16];
  int port, server = listen_bare(8, &port);

  snprintf(service, sizeof(service), "%d", port);
  client_init(f, &c);
  check_is(weir_connect_host(&c.r.op, &c.c.stream, &c.memory, host, service,
                             10000, on_done),
           0);
  finish(f, &c.r, 0, 0);
  client_works(f, &c, server);
  conn_close(f, &c.c);
  close(server);
}

WEIR_TEST(name, connects_to_an_address) {
  connects_to(f, "127.0.0.1");
}

/* Its first address may be one of IPv6, where nobody listens. */
WEIR_TEST(name, connects_to_a_name) {
  connects_to(f, "localhost");
}

WEIR_TEST(name, that_is_none) {
  struct client c;

  client_init(f, &c);
  check_is(weir_connect_host(&c.r.op, &c.c.stream, &c.memory, "256.0.0.0.1.x.",
                             "no-such-service", 0, on_done),
           0);
  run_until(f, &c.r.calls);
  cr_assert(c.r.status < 0);
  conn_close(f, &c.c);
}

/* ---- The race ---- */

WEIR_TEST(name, the_next_begins_at_once_after_a_failure) {
  struct places p;
  struct client c;
  int before;

  fake_begin();
  places_make(&p);
  before = count_descriptors();
  fake_knows4("127.0.0.1", p.refused_port);
  fake_knows4("127.0.0.1", p.refused_port);
  fake_knows4("127.0.0.1", p.good_port);
  client_begin(f, &c, 0);
  run_some_turns(f);
  check_is(c.r.calls, 0);
  fake_answers(0);
  check_is(c.r.calls, 0);
  finish(f, &c.r, 0, 0);
  check_is(c.memory.begun, 3);
  check_is(fake.freed, 1);
  /* There may be one of the backend's own. */
  cr_assert(count_descriptors() <= before + 2);
  client_works(f, &c, p.good);
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
}

/* Of three the last connects; the others are given up. */
WEIR_TEST(name, the_next_begins_while_one_is_silent) {
  struct places p;
  struct client c;
  int before;

  fake_begin();
  places_make(&p);
  fake_knows4("127.0.0.1", p.silent_port);
  fake_knows4("127.0.0.1", p.silent_port);
  fake_knows4("127.0.0.1", p.good_port);
  fake_knows4("127.0.0.1", p.good_port);
  client_begin(f, &c, 0);
  before = count_descriptors();
  fake_answers(0);
  run_some_turns(f);
  check_is(c.memory.begun, 1);
  finish(f, &c.r, 0, 0);
  check_is(c.memory.begun, 3);
  cr_assert(count_descriptors() <= before + 2);
  client_works(f, &c, p.good);
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
}

WEIR_TEST(name, two_families_take_turns) {
  static const int families[] = {AF_INET6, AF_INET,  AF_INET6, AF_INET,
                                 AF_INET6, AF_INET6, AF_INET6, AF_INET6};
  struct client c;
  int i;

  fake_begin();
  for (i = 0; i < 8; i++)
    fake_knows6("::1", i + 1);
  for (i = 0; i < 2; i++)
    fake_knows4("127.0.0.1", i + 1);
  client_begin(f, &c, 0);
  fake_answers(0);
  check_is(c.memory.count, WEIR_HOST_ADDRESSES);
  for (i = 0; i < WEIR_HOST_ADDRESSES; i++)
    check_is(c.memory.attempts[i].addr.sin6_family, families[i]);
  check_is(ntohs(c.memory.attempts[0].addr.sin6_port), 1);
  check_is(ntohs(c.memory.attempts[3].addr.sin6_port), 2);
  check_is(ntohs(c.memory.attempts[7].addr.sin6_port), 6);
  run_until(f, &c.r.calls);
  cr_assert(c.r.status < 0);
  conn_close(f, &c.c);
  fake_end();
}

WEIR_TEST(name, the_first_family_is_the_resolvers) {
  struct client c;

  fake_begin();
  fake_knows4("127.0.0.1", 1);
  fake_knows4("127.0.0.1", 2);
  fake_knows6("::1", 3);
  client_begin(f, &c, 0);
  fake_answers(0);
  check_is(c.memory.count, 3);
  check_is(c.memory.attempts[0].addr.sin6_family, AF_INET);
  check_is(c.memory.attempts[1].addr.sin6_family, AF_INET6);
  check_is(c.memory.attempts[2].addr.sin6_family, AF_INET);
  run_until(f, &c.r.calls);
  conn_close(f, &c.c);
  fake_end();
}

WEIR_TEST(name, the_second_family_may_have_more) {
  struct client c;

  fake_begin();
  fake_knows4("127.0.0.1", 1);
  for (int i = 0; i < 3; i++)
    fake_knows6("::1", i + 2);
  client_begin(f, &c, 0);
  fake_answers(0);
  check_is(c.memory.count, 4);
  for (int i = 0; i < 4; i++)
    check_is(c.memory.attempts[i].addr.sin6_family,
             i == 0 ? AF_INET : AF_INET6);
  run_until(f, &c.r.calls);
  conn_close(f, &c.c);
  fake_end();
}

/* What there was a way to says more: 1 for a port that refuses, 0 for an
 * address that there is no way to. */
static void expect_error(struct weir_fixture *f, const char *which, int error) {
  struct places p;
  struct client c;

  fake_begin();
  places_make(&p);
  for (; *which != '\0'; which++)
    if (*which == '1')
      fake_knows4("127.0.0.1", p.refused_port);
    else
      fake_knows4("224.0.0.1", 9);
  client_begin(f, &c, 0);
  fake_answers(0);
  finish(f, &c.r, error, 0);
  check_is(client_go(&c, 0), UV_EALREADY);
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
}

WEIR_TEST(name, the_error_that_says_most) {
  expect_error(f, "1", UV_ECONNREFUSED);
  expect_error(f, "0", UV_ENETUNREACH);
  expect_error(f, "01", UV_ECONNREFUSED);
  expect_error(f, "10", UV_ECONNREFUSED);
  expect_error(f, "0000000000", UV_ENETUNREACH);
}

/* The first of two attempts fails with that error, the second is refused. */
static int error_of_both(struct weir_fixture *f, int first) {
  weir_fault_rule_t rule = {.what = WEIR_FAULT_CONNECT, .error = first};
  weir_fault_options_t options = {0};
  weir_fault_t *fault;
  struct places p;
  struct client c;

  check_is(weir_fault_begin(&options, &fault), 0);
  fixture_reattach(f, 0);
  fake_begin();
  places_make(&p);
  check_is(weir_fault_add(fault, &rule), 0);
  fake_knows4("127.0.0.1", p.refused_port);
  fake_knows4("127.0.0.1", p.refused_port);
  client_begin(f, &c, 0);
  fake_answers(0);
  run_until(f, &c.r.calls);
  check_is(weir_fault_count(fault, WEIR_FAULT_CONNECT).failed, 1);
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
  weir_fault_end(fault);
  return c.r.status;
}

WEIR_TEST(name, errors_that_say_little) {
  check_is(error_of_both(f, UV_ENETUNREACH), UV_ECONNREFUSED);
  check_is(error_of_both(f, UV_EHOSTUNREACH), UV_ECONNREFUSED);
  check_is(error_of_both(f, UV_EADDRNOTAVAIL), UV_ECONNREFUSED);
  check_is(error_of_both(f, UV_EAFNOSUPPORT), UV_ECONNREFUSED);
  check_is(error_of_both(f, UV_EACCES), UV_EACCES);
  fixture_reattach(f, 0);
}

WEIR_TEST(name, the_resolvers_error) {
  struct client c;

  fake_begin();
  client_begin(f, &c, 0);
  fake_answers(UV_EAI_NONAME);
  finish(f, &c.r, UV_EAI_NONAME, 0);
  conn_close(f, &c.c);
  client_begin(f, &c, 0);
  fake_answers(0);
  finish(f, &c.r, UV_EAI_NODATA, 0);
  conn_close(f, &c.c);
  check_is(fake.freed, 2);
  fake_end();
}

/* ---- The deadline ---- */

/* It does not wait for the resolver, which answers when all is over. */
WEIR_TEST(name, the_deadline_while_it_is_resolved) {
  struct places p;
  struct client c;

  fake_begin();
  places_make(&p);
  fake_knows4("127.0.0.1", p.good_port);
  client_begin(f, &c, 20);
  finish(f, &c.r, UV_ETIMEDOUT, 0);
  check_is(fake.cancels, 1);
  conn_close(f, &c.c);
  memset(&c, 0xa5, sizeof(c));
  fake_answers(0);
  check_is(fake.freed, 1);
  run_some_turns(f);
  places_close(&p);
  fake_end();
}

WEIR_TEST(name, the_deadline_while_it_connects) {
  struct places p;
  struct client c;
  int i;

  fake_begin();
  places_make(&p);
  for (i = 0; i < 10; i++)
    fake_knows4("127.0.0.1", p.silent_port);
  client_begin(f, &c, 300);
  fake_answers(0);
  finish(f, &c.r, UV_ETIMEDOUT, 0);
  check_is(c.memory.begun, 2);
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
}

/* ---- Early ends ---- */

/* Ends the client at one of its moments, by a cancel or by a close of its
 * stream. */
enum moment { ASKED, ANSWERED, BEGUN, WAITING, WON, MOMENTS };

static void until(struct weir_fixture *f, struct client *c, enum moment when) {
  client_begin(f, c, 60000);
  if (when >= ANSWERED)
    fake_answers(0);
  if (when >= BEGUN)
    run_turn(f);
  if (when >= WAITING)
    run_some_turns(f);
  while (when == WON && !c->memory.over)
    uv_run(&f->uv, UV_RUN_ONCE);
}

static void end_at(struct weir_fixture *f, enum moment when, int by_close) {
  struct places p;
  struct client c;
  int before;

  fake_begin();
  places_make(&p);
  before = count_descriptors();
  fake_knows4("127.0.0.1", p.silent_port);
  fake_knows4("127.0.0.1", when == WON ? p.good_port : p.silent_port);
  until(f, &c, when);
  if (c.r.calls == 0 && !by_close) {
    weir_cancel(&c.r.op);
    weir_cancel(&c.r.op);
  }
  if (by_close)
    check_is(weir_close(&c.c.stream, on_conn_closed), 0);
  run_until(f, &c.r.calls);
  cr_assert(c.r.status == UV_ECANCELED || (when == WON && c.r.status == 0));
  if (by_close)
    run_until(f, &c.c.closed);
  else
    close_stream(f, &c.c);
  check_is(c.r.calls, 1);
  memset(&c, 0xa5, sizeof(c));
  if (when == ASKED)
    fake_answers(UV_ECANCELED);
  check_is(fake.freed, 1);
  run_out(f);
  cr_assert(count_descriptors() <= before + 1);
  places_close(&p);
  fake_end();
}

WEIR_TEST(name, a_cancel_at_every_moment) {
  int when;

  for (when = 0; when < MOMENTS; when++)
    end_at(f, (enum moment)when, 0);
}

WEIR_TEST(name, a_close_at_every_moment) {
  int when;

  for (when = 0; when < MOMENTS; when++)
    end_at(f, (enum moment)when, 1);
}

/* The callback may free all of it. */
struct freed {
  weir_op_t op;
  weir_connect_host_t memory;
  struct conn *c;
  int *calls;
};

static void on_freed(weir_op_t *op, int status, size_t n) {
  struct freed *freed = (struct freed *)op;

  (void)status, (void)n;
  ++*freed->calls;
  free(freed);
}

WEIR_TEST(name, the_callback_may_free_it) {
  struct places p;
  struct conn c = {.peer = -1};
  int calls, good;

  fake_begin();
  places_make(&p);
  for (good = 0; good < 2; good++) {
    struct freed *freed = malloc(sizeof(*freed));

    memset(&c, 0, sizeof(c));
    c.peer = -1;
    calls = 0;
    freed->calls = &calls;
    fake.count = 0;
    memset(fake.list, 0, sizeof(fake.list));
    fake_knows4("127.0.0.1", good ? p.good_port : p.refused_port);
    check_is(weir_tcp_init(f->loop, &c.stream), 0);
    check_is(weir_connect_host(&freed->op, &c.stream, &freed->memory, "host",
                               "service", 1000, on_freed),
             0);
    fake_answers(0);
    run_until(f, &calls);
    conn_close(f, &c);
  }
  places_close(&p);
  fake_end();
}

/* ---- Many at once ---- */

enum { MANY = 200 };

WEIR_TEST(name, many_at_once) {
  struct client *c = calloc(MANY, sizeof(*c));
  char service[16];
  int port, server, i;

  fixture_descriptors(f, MANY * 2);
  server = listen_bare(MANY, &port);
  snprintf(service, sizeof(service), "%d", port);
  for (i = 0; i < MANY; i++) {
    client_init(f, &c[i]);
    check_is(weir_connect_host(&c[i].r.op, &c[i].c.stream, &c[i].memory,
                               "127.0.0.1", service, 20000, on_done),
             0);
    if (i % 3 == 0)
      weir_cancel(&c[i].r.op);
  }
  for (i = 0; i < MANY; i++)
    finish(f, &c[i].r, i % 3 == 0 ? UV_ECANCELED : 0, 0);
  for (i = 0; i < MANY; i++)
    conn_close(f, &c[i].c);
  run_out(f);
  close(server);
  free(c);
}

/* ---- What is missing ---- */

WEIR_TEST(name, without_memory) {
  struct client c;

  fake_begin();
  client_init(f, &c);
  alloc_fail_after(0);
  check_is(client_go(&c, 0), UV_ENOMEM);
  alloc_fail_after(SIZE_MAX);
  check_is(client_go(&c, 0), 0);
  weir_cancel(&c.r.op);
  finish(f, &c.r, UV_ECANCELED, 0);
  fake_answers(UV_ECANCELED);
  conn_close(f, &c.c);
  fake_end();
}

WEIR_TEST(name, without_descriptors) {
  struct rlimit limit, less;
  struct places p;
  struct client c;

  fake_begin();
  places_make(&p);
  fake_knows4("127.0.0.1", p.good_port);
  fake_knows4("127.0.0.1", p.good_port);
  client_begin(f, &c, 0);
  check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
  less = limit;
  less.rlim_cur = 3;
  check_is(setrlimit(RLIMIT_NOFILE, &less), 0);
  fake_answers(0);
  finish(f, &c.r, UV_EMFILE, 0);
  check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
}

/* ---- Handles ---- */

static void expect_owned(uv_handle_t *handle, void *arg) {
  struct weir_fixture *f = arg;

  if (handle != (uv_handle_t *)&f->watchdog &&
      handle != (uv_handle_t *)&f->uv.wq_async)
    cr_assert(weir_owns_handle(f->loop, handle), "a handle of type %d",
              handle->type);
}

WEIR_TEST(name, its_handles_are_known) {
  struct places p;
  struct client c;

  fake_begin();
  places_make(&p);
  fake_knows4("127.0.0.1", p.silent_port);
  client_begin(f, &c, 0);
  uv_walk(&f->uv, expect_owned, f);
  fake_answers(0);
  run_some_turns(f);
  uv_walk(&f->uv, expect_owned, f);
  weir_cancel(&c.r.op);
  while (c.r.calls == 0) {
    uv_walk(&f->uv, expect_owned, f);
    uv_run(&f->uv, UV_RUN_NOWAIT);
  }
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
}

static void lose_handles(struct weir_fixture *f, int answered) {
  struct places p;
  struct client c;

  fake_begin();
  places_make(&p);
  fake_knows4("127.0.0.1", p.refused_port);
  fake_knows4("127.0.0.1", p.silent_port);
  client_begin(f, &c, 60000);
  if (answered)
    fake_answers(0);
  while (c.memory.begun < (answered ? 2u : 0u))
    run_turn(f);
  run_some_turns(f);
  uv_walk(&f->uv, close_owned, f->loop);
  check_is(weir_close(&c.c.stream, on_conn_closed), 0);
  run_until(f, &c.c.closed);
  check_is(c.r.calls, 1);
  check_is(c.r.status, UV_ECANCELED);
  memset(&c, 0xa5, sizeof(c));
  if (!answered)
    fake_answers(0);
  places_close(&p);
  fake_end();
}

WEIR_TEST(name, its_handles_are_closed_while_it_is_resolved) {
  lose_handles(f, 0);
}

WEIR_TEST(name, its_handles_are_closed_while_it_connects) {
  lose_handles(f, 1);
}

/* ---- A ring that is refused ---- */

WEIR_RING_TEST(name, the_ring_is_refused_while_it_is_resolved) {
  const int calls[] = {CALL_URING_ENTER};
  struct request read = {0};
  struct client c;
  struct conn other;
  char byte;

  gate_open(f, calls, 1);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  gate_spare_rings();
  fixture_attach(f, NULL);
  fake_begin();
  fake_knows4("127.0.0.1", 1);
  client_begin(f, &c, 0);
  conn_unix(f, &other);
  gate_fail(CALL_URING_ENTER, EPERM, GATE_FOR_EVER);
  check_is(weir_read_some(&read.op, &other.stream, weir_mseq_block(&byte, 1),
                          on_done),
           0);
  finish(f, &read, UV_EPERM, 0);
  check_is(c.r.calls, 0);
  fake_answers(0);
  finish(f, &c.r, UV_EPERM, 0);
  gate_pass();
  conn_close(f, &other);
  conn_close(f, &c.c);
  fake_end();
}

/* ---- A child ---- */

static void child_has_it(struct weir_fixture *f, void *arg) {
  struct client *c = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  while (c->r.calls == 0)
    must(uv_run(&f->uv, UV_RUN_ONCE) >= 0);
  must(c->r.status == UV_ECANCELED);
  must(weir_close(&c->c.stream, NULL) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
}

/* The parent is not disturbed. */
WEIR_TEST(name, is_cancelled_in_a_child) {
  struct places p;
  struct client c;

  fake_begin();
  places_make(&p);
  fake_knows4("127.0.0.1", p.silent_port);
  fake_knows4("127.0.0.1", p.good_port);
  client_begin(f, &c, 60000);
  fake_answers(0);
  run_some_turns(f);
  child_run(child_has_it, f, &c);
  finish(f, &c.r, 0, 0);
  client_works(f, &c, p.good);
  conn_close(f, &c.c);
  places_close(&p);
  fake_end();
}

static void no_work(struct uv__work *work) {
  (void)work;
}

/* There the resolver's thread is not, but libuv's count of its request is. */
WEIR_TEST(name, is_cancelled_in_a_child_while_it_is_resolved) {
  struct client c;

  fake_begin();
  client_begin(f, &c, 0);
  fake.req->work_req.work = no_work;
  f->uv.active_reqs.count++;
  child_run(child_has_it, f, &c);
  check_is(c.r.calls, 0);
  check_is(fake.cancels, 0);
  f->uv.active_reqs.count--;
  fake_answers(UV_EAI_AGAIN);
  finish(f, &c.r, UV_EAI_AGAIN, 0);
  conn_close(f, &c.c);
  fake_end();
}

/* ---- What is refused ---- */

WEIR_TEST(name, what_is_no_client) {
  struct sockaddr_in addr;
  struct client c;
  struct conn other;

  fake_begin();
  client_init(f, &c);
  check_is(weir_connect_host(NULL, &c.c.stream, &c.memory, "host", "service", 0,
                             on_done),
           UV_EINVAL);
  check_is(weir_connect_host(&c.r.op, NULL, &c.memory, "host", "service", 0,
                             on_done),
           UV_EINVAL);
  check_is(weir_connect_host(&c.r.op, &c.c.stream, NULL, "host", "service", 0,
                             on_done),
           UV_EINVAL);
  check_is(weir_connect_host(&c.r.op, &c.c.stream, &c.memory, NULL, "service",
                             0, on_done),
           UV_EINVAL);
  check_is(weir_connect_host(&c.r.op, &c.c.stream, &c.memory, "host", NULL, 0,
                             on_done),
           UV_EINVAL);
  check_is(weir_connect_host(&c.r.op, &c.c.stream, &c.memory, "host", "service",
                             0, NULL),
           UV_EINVAL);
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_bind(&c.c.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(client_go(&c, 0), UV_EINVAL);
  check_is(weir_listen(&c.c.stream, 1), 0);
  check_is(client_go(&c, 0), UV_EINVAL);
  check_is(weir_close(&c.c.stream, on_conn_closed), 0);
  check_is(client_go(&c, 0), UV_EBADF);
  run_until(f, &c.c.closed);

  conn_tcp(f, &other);
  check_is(weir_connect_host(&c.r.op, &other.stream, &c.memory, "host",
                             "service", 0, on_done),
           UV_EISCONN);
  conn_close(f, &other);
  memset(&other, 0, sizeof(other));
  other.peer = -1;
  check_is(weir_pipe_init(f->loop, &other.stream), 0);
  check_is(weir_connect_host(&c.r.op, &other.stream, &c.memory, "host",
                             "service", 0, on_done),
           UV_EINVAL);
  conn_close(f, &other);
  check_is(c.r.calls, 0);
  fake_end();
}
