/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* UNIX sockets and their paths. */

enum { PATH_LIMIT = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct place {
  char dir[SCRATCH_DIR];
  char server[SCRATCH_DIR + 16];
  char client[SCRATCH_DIR + 16];
};

static void place_make(struct place *p) {
  scratch_dir(p->dir);
  snprintf(p->server, sizeof(p->server), "%s/server", p->dir);
  snprintf(p->client, sizeof(p->client), "%s/client", p->dir);
}

/* Nothing may be left in it. */
static void place_remove(struct place *p) {
  check_is(rmdir(p->dir), 0);
}

static int exists(const char *path) {
  return access(path, F_OK) == 0;
}

static void stream_init(struct weir_fixture *f, struct conn *c) {
  memset(c, 0, sizeof(*c));
  c->peer = -1;
  check_is(weir_pipe_init(f->loop, &c->stream), 0);
}

static void stream_listen(struct weir_fixture *f, struct conn *c,
                          const char *path, int backlog) {
  stream_init(f, c);
  check_is(weir_pipe_bind(&c->stream, path), 0);
  check_is(weir_listen(&c->stream, backlog), 0);
}

static int stream_connect(struct request *r, struct conn *c, const char *path) {
  memset(r, 0, sizeof(*r));
  return weir_pipe_connect(&r->op, &c->stream, path, on_done);
}

/* ---- Two paths of one socket ---- */

WEIR_TEST(unix_path, a_bound_client_leaves_the_servers_file) {
  struct conn server, client;
  struct request r;
  struct place p;

  place_make(&p);
  stream_listen(f, &server, p.server, 4);
  stream_init(f, &client);
  check_is(weir_pipe_bind(&client.stream, p.client), 0);
  check_is(stream_connect(&r, &client, p.server), 0);
  finish(f, &r, 0, 0);
  conn_close(f, &client);
  cr_assert(exists(p.server), "the client took the server's file away");
  cr_assert(!exists(p.client), "the client left its own file behind");
  conn_close(f, &server);
  place_remove(&p);
}

WEIR_TEST(unix_path, a_bound_client_that_fails_removes_only_its_own) {
  struct conn client;
  struct request r;
  struct place p;
  FILE *file;

  place_make(&p);
  file = fopen(p.server, "w");
  cr_assert(file != NULL);
  fclose(file);
  stream_init(f, &client);
  check_is(weir_pipe_bind(&client.stream, p.client), 0);
  check_is(stream_connect(&r, &client, p.server), 0);
  finish(f, &r, UV_ECONNREFUSED, 0);
  conn_close(f, &client);
  check_is(unlink(p.server), 0);
  cr_assert(!exists(p.client));
  place_remove(&p);
}

/* ---- Lengths ---- */

/* A path of `len` bytes below dir. */
static const char *path_of(const struct place *p, size_t len) {
  static char path[512];

  memset(path, 'x', sizeof(path));
  memcpy(path, p->dir, strlen(p->dir));
  path[strlen(p->dir)] = '/';
  path[len] = '\0';
  return path;
}

static void expect_path_works(struct weir_fixture *f, const struct place *p,
                              size_t len) {
  struct conn server, client;
  struct sockaddr_un name;
  int size = sizeof(name);
  struct request r;

  stream_listen(f, &server, path_of(p, len), 4);
  check_is(weir_getsockname(&server.stream, (struct sockaddr *)&name, &size),
           0);
  check_is(size, offsetof(struct sockaddr_un, sun_path) + len + 1);
  cr_assert(strcmp(name.sun_path, path_of(p, len)) == 0);
  stream_init(f, &client);
  check_is(stream_connect(&r, &client, path_of(p, len)), 0);
  finish(f, &r, 0, 0);
  conn_close(f, &client);
  conn_close(f, &server);
}

WEIR_TEST(unix_path, may_be_as_long_as_the_system_allows) {
  struct place p;

  place_make(&p);
  expect_path_works(f, &p, PATH_LIMIT - 2);
  expect_path_works(f, &p, PATH_LIMIT - 1);
  place_remove(&p);
}

/* Cut off, the path would be that of another socket, which is there. */
WEIR_TEST(unix_path, that_is_too_long_is_refused_whole) {
  static const size_t lengths[] = {
      PATH_LIMIT, PATH_LIMIT + 1, 126, 127, 128, 129, 400};
  struct conn other, c;
  struct request r;
  struct place p;
  size_t i;

  place_make(&p);
  stream_listen(f, &other, path_of(&p, PATH_LIMIT - 1), 4);
  stream_init(f, &c);
  for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
    const char *path = path_of(&p, lengths[i]);

    check_is(weir_pipe_bind(&c.stream, path), UV_ENAMETOOLONG);
    check_is(stream_connect(&r, &c, path), UV_ENAMETOOLONG);
  }
  check_is(weir_pipe_bind(&c.stream, p.client), 0);
  check_is(stream_connect(&r, &c, path_of(&p, PATH_LIMIT - 1)), 0);
  finish(f, &r, 0, 0);
  conn_close(f, &c);
  conn_close(f, &other);
  place_remove(&p);
}

/* It would be an abstract name to some. */
WEIR_TEST(unix_path, that_is_empty_is_refused) {
  struct request r;
  struct conn c;

  stream_init(f, &c);
  check_is(weir_pipe_bind(&c.stream, ""), UV_EINVAL);
  check_is(weir_pipe_bind2(&c.stream, "", 1), UV_EINVAL);
  check_is(stream_connect(&r, &c, ""), UV_EINVAL);
  conn_close(f, &c);
  check_is(r.calls, 0);
}

/* ---- Names of a given length ---- */

/* A name that no other process has. */
static size_t abstract_name(char *name, size_t len) {
  static int number;
  int n;

  memset(name, 'a', len);
  n = snprintf(name + 1, len - 1, "weir-test-%d-%d", (int)getpid(), number++);
  name[0] = '\0';
  name[n + 1] = '\0';
  name[len - 1] = 'z';
  return len;
}

static void listen2(struct weir_fixture *f, struct conn *c, const char *name,
                    size_t len) {
  stream_init(f, c);
  check_is(weir_pipe_bind2(&c->stream, name, len), 0);
  check_is(weir_listen(&c->stream, 4), 0);
}

static void connect2(struct weir_fixture *f, const char *name, size_t len,
                     int status) {
  struct request r = {0};
  struct conn c;

  stream_init(f, &c);
  check_is(weir_pipe_connect2(&r.op, &c.stream, name, len, on_done), 0);
  finish(f, &r, status, 0);
  conn_close(f, &c);
}

WEIR_TEST(unix_name, abstract) {
  static const size_t lengths[] = {40, PATH_LIMIT - 1, PATH_LIMIT};
  char name[PATH_LIMIT + 1] = {0};
  struct sockaddr_un found;
  struct conn server;
  size_t i;

  for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
    size_t len = abstract_name(name, lengths[i]);
    int size = sizeof(found);

    listen2(f, &server, name, len);
    check_is(weir_getsockname(&server.stream, (struct sockaddr *)&found, &size),
             0);
    check_is(size, offsetof(struct sockaddr_un, sun_path) + len);
    check_is(memcmp(found.sun_path, name, len), 0);
    connect2(f, name, len, 0);
    /* Less of it is another name. */
    connect2(f, name, len - 1, UV_ECONNREFUSED);
    conn_close(f, &server);
    connect2(f, name, len, UV_ECONNREFUSED);
  }
}

WEIR_TEST(unix_name, a_path_with_and_without_its_zero) {
  struct conn server;
  struct place p;
  size_t len;
  int zero;

  place_make(&p);
  len = strlen(p.server);
  for (zero = 0; zero < 2; zero++) {
    listen2(f, &server, p.server, len + (size_t)zero);
    cr_assert(exists(p.server));
    connect2(f, p.server, len, 0);
    connect2(f, p.server, len + 1, 0);
    connect2(f, p.server, len - 1, UV_ENOENT);
    conn_close(f, &server);
    cr_assert(!exists(p.server));
  }
  place_remove(&p);
}

WEIR_TEST(unix_name, that_is_none_is_refused) {
  static const char zeros[PATH_LIMIT + 1] = {0};
  static const char path[] = "/tmp/with\0a zero";
  struct request r = {0};
  struct conn c;

  stream_init(f, &c);
  check_is(weir_pipe_bind2(&c.stream, "x", 0), UV_EINVAL);
  check_is(weir_pipe_bind2(&c.stream, zeros, 1), UV_EINVAL);
  check_is(weir_pipe_bind2(&c.stream, NULL, 1), UV_EINVAL);
  check_is(weir_pipe_bind2(NULL, "x", 1), UV_EINVAL);
  check_is(weir_pipe_bind2(&c.stream, path, sizeof(path)), UV_EINVAL);
  check_is(weir_pipe_bind2(&c.stream, zeros, sizeof(zeros)), UV_ENAMETOOLONG);
  check_is(weir_pipe_connect2(&r.op, &c.stream, path, sizeof(path), on_done),
           UV_EINVAL);
  check_is(weir_pipe_connect2(&r.op, &c.stream, "x", 0, on_done), UV_EINVAL);
  check_is(weir_pipe_connect2(&r.op, &c.stream, NULL, 1, on_done), UV_EINVAL);
  check_is(weir_pipe_connect2(&r.op, &c.stream, "x", 1, NULL), UV_EINVAL);
  check_is(weir_pipe_connect2(&r.op, &c.stream, zeros, sizeof(zeros), on_done),
           UV_ENAMETOOLONG);
  conn_close(f, &c);
  check_is(r.calls, 0);
}

/* ---- The backlog ---- */

WEIR_TEST(unix_path, a_full_backlog_is_reported) {
  enum { BACKLOG = 3, MOST = 16 };
  static struct conn clients[MOST];
  struct conn server, accepted, late;
  struct request r, a = {0};
  struct place p;
  int n, status = 0;

  place_make(&p);
  stream_listen(f, &server, p.server, BACKLOG);
  for (n = 0; n < MOST && status == 0; n++) {
    stream_init(f, &clients[n]);
    check_is(stream_connect(&r, &clients[n], p.server), 0);
    run_until(f, &r.calls);
    status = r.status;
  }
  check_is(status, UV_EAGAIN);
  check_is(r.n, 0);
  check_is(n, BACKLOG + 2);

  memset(&accepted, 0, sizeof(accepted));
  accepted.peer = -1;
  check_is(weir_accept(&a.op, &server.stream, &accepted.stream, on_done), 0);
  finish(f, &a, 0, 0);
  stream_init(f, &late);
  check_is(stream_connect(&r, &late, p.server), 0);
  finish(f, &r, 0, 0);

  conn_close(f, &late);
  conn_close(f, &accepted);
  while (n-- > 0)
    conn_close(f, &clients[n]);
  conn_close(f, &server);
  place_remove(&p);
}
