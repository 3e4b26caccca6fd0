/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/scene.h"
#include "support/scripted.h"

/* Streams without memory. */

/* ---- Bytes from one end to the other ---- */

static int pass(struct scene *t, struct end *a, struct end *b, size_t n) {
  struct request w = {0}, r = {0};
  int writes, reads;

  scene_lay_out(n);
  writes = taken(
      t, weir_write(&w.op, &a->stream, weir_seq_bufs(scene_from, n), on_done));
  reads = taken(t, weir_read(&r.op, &b->stream, weir_mseq_bufs(scene_into, n),
                             weir_all(), on_done));
  if (!both_end(t, &w, writes, n, &r, reads, n))
    return 0;
  cr_assert(scene_holds(n), "the bytes differ");
  return 1;
}

static int pass_now(struct scene *t, struct end *a, struct end *b) {
  struct request w = {0}, r = {0};
  size_t n = 1;

  scene_lay_out(17);
  if (!taken(t, weir_write_now(&w.op, &a->stream, weir_seq_bufs(scene_from, 17),
                               &n, on_done))) {
    check_is(n, 0);
    return 0;
  }
  check_is(n, 17);
  if (!taken(t, weir_read_some(&r.op, &b->stream,
                               weir_mseq_bufs(scene_into, 17), on_done)) ||
      !ended(t, &r, 16))
    return 0;
  memset(&r, 0, sizeof(r));
  check_is(weir_read_some(&r.op, &b->stream, weir_mseq_bufs(scene_into + 16, 1),
                          on_done),
           0);
  return ended(t, &r, 1) && scene_holds(17);
}

/* Three writes and the end, queued; some may be refused. */
static void pass_the_end(struct scene *t, struct end *a, struct end *b) {
  struct request w[3], r = {0};
  size_t expected = 0;
  int has[3], i, reads;

  memset(w, 0, sizeof(w));
  scene_lay_out(60);
  reads = taken(t, weir_read(&r.op, &b->stream, weir_mseq_bufs(scene_into, 60),
                             weir_all(), on_done));
  for (i = 0; i < 3; i++) {
    weir_seq_t seq = weir_seq_bufs(scene_from + expected, 17);

    has[i] =
        taken(t, i == 0   ? weir_write(&w[i].op, &a->stream, seq, on_done)
                 : i == 1 ? weir_write_at_least(&w[i].op, &a->stream, seq, 17,
                                                on_done)
                          : weir_write_eof(&w[i].op, &a->stream, seq, on_done));
    expected += has[i] ? 17 : 0;
  }
  for (i = 0; i < 3; i++)
    if (has[i])
      has[i] = ended(t, &w[i], 17);
  if (!reads)
    return;
  if (!has[2])
    weir_cancel(&r.op);
  run_until(t->f, &r.calls);
  check_is(r.calls, 1);
  cr_assert(r.status == UV_EOF || !t->plenty);
  cr_assert(scene_holds(r.n) && r.n <= expected);
  if (r.status == UV_EOF)
    check_is(r.n, expected);
}

static void talk(struct scene *t, struct end *a, struct end *b) {
  if (pass(t, a, b, 17) && pass(t, b, a, 1000) && pass(t, a, b, SCENE_MOST) &&
      pass_now(t, b, a))
    pass_the_end(t, a, b);
}

/* ---- Scenes ---- */

static int start_server(struct scene *t, struct end *listener,
                        const char *path) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  return scene_make(t, listener, path == NULL) &&
         taken(t, path != NULL ? weir_pipe_bind(&listener->stream, path)
                               : weir_tcp_bind(&listener->stream,
                                               (struct sockaddr *)&addr, 0)) &&
         taken(t, weir_listen(&listener->stream, 5));
}

static int start_client(struct scene *t, struct end *client, struct request *r,
                        const struct end *listener, const char *path) {
  struct sockaddr_storage addr;
  int len = sizeof(addr);

  if (!scene_make(t, client, path == NULL))
    return 0;
  if (path != NULL)
    return taken(t, weir_pipe_connect(&r->op, &client->stream, path, on_done));
  check_is(weir_getsockname(&listener->stream, (struct sockaddr *)&addr, &len),
           0);
  return taken(t, weir_tcp_connect(&r->op, &client->stream,
                                   (struct sockaddr *)&addr, on_done));
}

/* The second of two small segments would wait for the other side. */
static void hurry(struct end *a, struct end *b) {
  check_is(weir_tcp_nodelay(&a->stream, 1), 0);
  check_is(weir_tcp_nodelay(&b->stream, 1), 0);
}

/* path: of a UNIX socket, or NULL for TCP. */
static void meet(struct scene *t, const char *path) {
  struct end ends[3]; /* listener, client, server */
  struct request connect = {0}, accept = {0};
  int connects, accepts;

  memset(ends, 0, sizeof(ends));
  if (start_server(t, &ends[0], path)) {
    connects = start_client(t, &ends[1], &connect, &ends[0], path);
    accepts = taken(
        t, weir_accept(&accept.op, &ends[0].stream, &ends[2].stream, on_done));
    both_end(t, &connect, connects, 0, &accept, accepts, 0);
    ends[2].open = got(&accept, 0);
    if (got(&connect, 0) && got(&accept, 0)) {
      if (path == NULL)
        hurry(&ends[1], &ends[2]);
      talk(t, &ends[1], &ends[2]);
    }
  }
  for (int i = 2; i >= 0; i--)
    scene_close(t, &ends[i]);
}

static void tcp(struct scene *t) {
  meet(t, NULL);
}

static void unix_socket(struct scene *t) {
  char dir[] = "/tmp/weir-want.XXXXXX", path[40];

  cr_assert_not_null(mkdtemp(dir));
  snprintf(path, sizeof(path), "%s/socket", dir);
  meet(t, path);
  unlink(path); /* where libuv did not know its name any more */
  check_is(rmdir(dir), 0);
}

static void adopted(struct scene *t) {
  struct end ends[2];
  uv_tcp_t handles[2];
  int fds[2];

  memset(ends, 0, sizeof(ends));
  pair_tcp(fds, 0, 0);
  for (int i = 0; i < 2; i++) {
    check_is(uv_tcp_init(&t->f->uv, &handles[i]), 0);
    check_is(uv_tcp_open(&handles[i], fds[i]), 0);
    ends[i].open = taken(
        t, weir_adopt(t->f->loop, &ends[i].stream, (uv_stream_t *)&handles[i]));
  }
  if (ends[0].open && ends[1].open) {
    hurry(&ends[0], &ends[1]);
    talk(t, &ends[0], &ends[1]);
  }
  for (int i = 0; i < 2; i++) {
    scene_close(t, &ends[i]);
    if (!ends[i].open)
      uv_close((uv_handle_t *)&handles[i], NULL);
  }
  run_some_turns(t->f);
}

static void own_kind(struct scene *t) {
  const weir_test_options_t options = {.no_now = 1};
  struct request w = {0};
  struct scripted s;

  scene_lay_out(1000);
  scripted_open(t->f, &s, &options);
  if (taken(t, weir_write(&w.op, &s.stream, weir_seq_bufs(scene_from, 1000),
                          on_done))) {
    cr_assert(ended(t, &w, 1000));
    scripted_expect(&s, 1000);
  } else {
    check_is(weir_test_calls(s.script), 0);
    check_is(weir_stream_queued(&s.stream), 0);
  }
  scripted_close(t->f, &s);
}

/* ---- More than there are places ---- */

enum { CROWD = 40 };

/* Each end waits for a byte, and then gets one; who was told that there is no
 * place asks once more. */
static void crowd_of_streams(struct scene *t) {
  struct conn *c = calloc(CROWD, sizeof(*c));
  struct request r[CROWD];
  char bytes[CROWD];

  cr_assert_not_null(c);
  memset(r, 0, sizeof(r));
  for (int i = 0; i < CROWD; i++) {
    conn_unix(t->f, &c[i]);
    check_is(weir_read_some(&r[i].op, &c[i].stream,
                            weir_mseq_block(&bytes[i], 1), on_done),
             0);
  }
  run_some_turns(t->f);
  for (int i = 0; i < CROWD; i++)
    peer_send(&c[i], (size_t)i, 1);
  for (int i = 0; i < CROWD; i++) {
    if (!ended(t, &r[i], 1)) {
      check_is(r[i].n, 0);
      memset(&r[i], 0, sizeof(r[i]));
      check_is(weir_read_some(&r[i].op, &c[i].stream,
                              weir_mseq_block(&bytes[i], 1), on_done),
               0);
      if (!ended(t, &r[i], 1))
        continue;
    }
    cr_assert(pattern_holds(&bytes[i], (size_t)i, 1));
  }
  for (int i = 0; i < CROWD; i++)
    conn_close(t->f, &c[i]);
  free(c);
}

/* ---- All of them ---- */

WEIR_TEST(want, tcp) {
  scene_play(f, tcp, SAME_LOOP);
}

WEIR_TEST(want, unix_sockets) {
  scene_play(f, unix_socket, SAME_LOOP);
}

WEIR_TEST(want, adopted_handles) {
  scene_play(f, adopted, SAME_LOOP);
}

WEIR_TEST(want, an_own_kind) {
  scene_play(f, own_kind, SAME_LOOP);
}

WEIR_TEST(want, more_streams_than_places) {
  scene_play(f, crowd_of_streams, SAME_LOOP);
}
