/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/scene.h"
#include "support/scripted.h"

/* What is built on operations, without memory. */

static void on_released(weir_message_t *message) {
  ++*(int *)message->data;
}

/* Writes of which nobody hears. */
static void messages(struct scene *t) {
  const weir_test_options_t options = {.no_now = 1};
  static char bytes[20000];
  weir_message_t message;
  struct scripted s;
  int released = 0;
  size_t n = 0;

  scene_lay_out(1000);
  scripted_open(t->f, &s, &options);
  message.data = &released;
  check_is(
      weir_message_init(&message, weir_seq_bufs(scene_from, 1000), on_released),
      0);
  if (taken(t, weir_message_write(&message, &s.stream)))
    n = 1000;
  pattern_fill(bytes, n, sizeof(bytes));
  if (taken(t, weir_write_copy(&s.stream, bytes, sizeof(bytes))))
    n += sizeof(bytes);
  check_is(weir_stream_queued(&s.stream), n);
  weir_message_release(&message);
  run_out(t->f);
  check_is(released, 1);
  scripted_expect(&s, n);
  scripted_close(t->f, &s);
}

static void on_late_close(weir_stream_t *stream) {
  ((struct scripted *)stream)->closed++;
}

/* A close that waits for what is queued. */
static void closing_after(struct scene *t) {
  const weir_test_options_t options = {.no_now = 1};
  struct scripted s;

  scripted_open(t->f, &s, &options);
  if (!taken(t, weir_close_after(&s.stream, 60000, on_late_close))) {
    check_is(weir_is_closing(&s.stream), 0);
    check_is(weir_close(&s.stream, on_late_close), 0);
  }
  scripted_close_end(t->f, &s);
}

/* ---- Names ---- */

static void by_name(struct scene *t) {
  struct end ends[3]; /* listener, client, server */
  struct request connect = {0}, accept = {0};
  weir_connect_host_t memory;
  struct sockaddr_in addr;
  int len = sizeof(addr), connects, accepts;
  char port[8];

  memset(ends, 0, sizeof(ends));
  if (scene_make(t, &ends[0], 1) &&
      taken(t, weir_listen_host(&ends[0].stream, "127.0.0.1", "0", 5, 0)) &&
      scene_make(t, &ends[1], 1)) {
    check_is(weir_getsockname(&ends[0].stream, (struct sockaddr *)&addr, &len),
             0);
    snprintf(port, sizeof(port), "%d", ntohs(addr.sin_port));
    connects = taken(t, weir_connect_host(&connect.op, &ends[1].stream, &memory,
                                          "127.0.0.1", port, 60000, on_done));
    accepts = taken(
        t, weir_accept(&accept.op, &ends[0].stream, &ends[2].stream, on_done));
    both_end(t, &connect, connects, 0, &accept, accepts, 0);
    ends[2].open = got(&accept, 0);
  }
  for (int i = 2; i >= 0; i--)
    scene_close(t, &ends[i]);
  run_out(t->f);
}

/* ---- Relays and leases ---- */

struct passing {
  weir_relay_t relay;
  int calls;
  int status;
};

static void on_passed(weir_relay_t *relay, int status) {
  struct passing *p = (struct passing *)relay;

  p->calls++;
  p->status = status;
}

enum { BYTES = 9000 };

/* From the peer of one pair to that of the other. */
static void pass_on(struct scene *t, struct end in[2], struct end out[2],
                    weir_pool_t *pool) {
  const weir_relay_options_t options = {.pool = pool};
  static char bytes[BYTES], copy[BYTES];
  struct request w = {0}, r = {0};
  struct passing p = {.calls = 0};
  int writes, reads, relays;

  pattern_fill(bytes, 0, BYTES);
  relays = taken(t, weir_relay_start(&p.relay, &in[1].stream, &out[0].stream,
                                     &options, on_passed));
  writes = taken(t, weir_write_eof(&w.op, &in[0].stream,
                                   weir_seq_block(bytes, BYTES), on_done));
  reads =
      taken(t, weir_read(&r.op, &out[1].stream, weir_mseq_block(copy, BYTES),
                         weir_all(), on_done));
  if (relays && !writes)
    weir_relay_stop(&p.relay);
  both_end(t, &w, writes, BYTES, &r, reads && relays, BYTES);
  if (reads && !relays)
    weir_cancel(&r.op);
  if (reads)
    run_until(t->f, &r.calls);
  if (relays)
    run_until(t->f, &p.calls);
  if (got(&r, BYTES))
    cr_assert(pattern_holds(copy, 0, BYTES));
  check_is(p.calls, relays);
  cr_assert(p.status == 0 || (!t->plenty && p.status == UV_ECANCELED));
}

static void relayed(struct scene *t) {
  weir_pool_t *pool = NULL;
  struct end in[2], out[2];

  scene_pair(t, in);
  scene_pair(t, out);
  if (taken(t, weir_pool_create(t->f->loop, 1, 4096, &pool))) {
    if (in[0].open && in[1].open && out[0].open && out[1].open)
      pass_on(t, in, out, pool);
    check_is(weir_pool_destroy(pool), 0);
  }
  for (int i = 0; i < 2; i++) {
    scene_close(t, &in[i]);
    scene_close(t, &out[i]);
  }
}

/* Reads that wait for the one buffer, and are late: what sets a deadline needs
 * no memory. The one of the stream stays set. */
static void lease_both(struct scene *t, struct end ends[2], weir_pool_t *pool,
                       weir_deadline_t *still) {
  struct request w = {0}, r[2] = {{.calls = 0}, {.calls = 0}};
  weir_deadline_t late = {0};
  weir_lease_t lease[2];
  int has[2];

  check_is(weir_deadline_write(still, &ends[0].stream, 3600000), 0);
  if (taken(t, weir_write_copy(&ends[0].stream, "x", 1)) &&
      taken(t, weir_write(&w.op, &ends[1].stream, weir_seq_block("y", 1),
                          on_done)))
    ended(t, &w, 1);
  for (int i = 0; i < 2; i++)
    has[i] = taken(t, weir_read_lease(&r[i].op, &ends[i].stream, pool,
                                      &lease[i], 1, on_done));
  run_some_turns(t->f);
  for (int i = 0; i < 2; i++)
    if (has[i] && r[i].calls == 0) {
      check_is(weir_deadline_op(&late, &r[i].op, 1), 0);
      run_until(t->f, &r[i].calls);
      cr_assert(r[i].status == UV_ETIMEDOUT);
    }
  check_is(!t->plenty || got(&r[0], 1) != got(&r[1], 1), 1);
  for (int i = 0; i < 2; i++)
    if (got(&r[i], 1))
      check_is(weir_lease_release(&lease[i]), 0);
}

static void leased(struct scene *t) {
  weir_deadline_t still = {0};
  weir_pool_t *pool = NULL;
  struct end ends[2];

  scene_pair(t, ends);
  if (taken(t, weir_pool_create(t->f->loop, 1, 4096, &pool))) {
    if (ends[0].open && ends[1].open)
      lease_both(t, ends, pool, &still);
    check_is(weir_pool_destroy(pool), 0);
  }
  scene_close(t, &ends[0]);
  scene_close(t, &ends[1]);
}

/* ---- Serving ---- */

struct house {
  weir_server_t server;
  struct end guest;
  int came;
};

static weir_stream_t *make_room(weir_server_t *server) {
  struct house *h = server->data;

  return h->guest.open ? NULL : &h->guest.stream;
}

/* Without memory the server asks again. */
static void on_guest(weir_server_t *server, weir_stream_t *client, int status) {
  struct house *h = server->data;

  h->came += status == 0;
  h->guest.open += status == 0;
  cr_assert(status == 0 || status == UV_ENOMEM || status == UV_ECANCELED);
  cr_assert(client == NULL || client == &h->guest.stream);
}

static void served(struct scene *t) {
  struct end listener = {.open = 0};
  struct sockaddr_in addr;
  struct house h;
  int len = sizeof(addr), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  memset(&h, 0, sizeof(h));
  h.server.data = &h;
  if (scene_make(t, &listener, 1) &&
      taken(t, weir_listen_host(&listener.stream, "127.0.0.1", "0", 5, 0)) &&
      taken(t,
            weir_serve(&h.server, &listener.stream, 1, make_room, on_guest))) {
    check_is(weir_getsockname(&listener.stream, (struct sockaddr *)&addr, &len),
             0);
    check_is(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    run_some_turns(t->f);
    want_end();
    run_until(t->f, &h.came);
  }
  scene_close(t, &listener);
  scene_close(t, &h.guest);
  close(fd);
}

/* ---- Posts ---- */

static void posted(struct scene *t) {
  struct request near = {0}, far = {0};

  if (taken(t, weir_post_open(t->f->loop))) {
    check_is(weir_post_from_thread(&far.op, t->f->loop, on_done), 0);
    cr_assert(ended(t, &far, 0));
    check_is(weir_post_close(t->f->loop), 0);
  }
  if (taken(t, weir_post(&near.op, t->f->loop, on_done)))
    cr_assert(ended(t, &near, 0));
  run_out(t->f);
}

/* ---- The end of all ---- */

static int streams, loops;

static void on_stream(weir_stream_t *stream) {
  (void)stream;
  streams++;
}

static void on_loop(weir_loop_t *loop) {
  (void)loop;
  loops++;
}

/* With a read outstanding, bytes that nobody reads and a buffer that is out.
 * The shutdown itself needs no memory. */
static void shut_down(struct scene *t) {
  struct request r = {0};
  weir_pool_t *pool;
  struct end ends[2];
  uv_buf_t buf;
  char byte;
  int reads = 0;

  streams = loops = 0;
  scene_pair(t, ends);
  if (taken(t, weir_pool_create(t->f->loop, 1, 4096, &pool)))
    check_is(weir_pool_acquire(pool, &buf), 0);
  if (ends[0].open)
    reads = taken(t, weir_read_some(&r.op, &ends[0].stream,
                                    weir_mseq_block(&byte, 1), on_done));
  if (ends[1].open && !ends[0].open)
    taken(t, weir_write_copy(&ends[1].stream, "x", 1));
  check_is(weir_loop_shutdown(t->f->loop, on_stream, on_loop), 0);
  run_until(t->f, &loops);
  check_is(r.calls, reads);
  check_is(streams, ends[0].open + ends[1].open);
  cr_assert(r.status == UV_ECANCELED || (!t->plenty && r.status == UV_ENOMEM) ||
            !reads);
  want_end();
  uv_close((uv_handle_t *)&t->f->watchdog, NULL);
  run_out(t->f);
  scene_arrive(t->f);
}

/* ---- All of them ---- */

WEIR_TEST(want, messages) {
  scene_play(f, messages, SAME_LOOP);
}

WEIR_TEST(want, closing_after) {
  scene_play(f, closing_after, SAME_LOOP);
}

WEIR_TEST(want, names) {
  scene_play(f, by_name, SAME_LOOP);
}

WEIR_TEST(want, relays) {
  scene_play(f, relayed, SAME_LOOP);
}

WEIR_TEST(want, leases_and_deadlines) {
  scene_play(f, leased, SAME_LOOP);
}

WEIR_TEST(want, servers) {
  scene_play(f, served, SAME_LOOP);
}

WEIR_TEST(want, posts) {
  scene_play(f, posted, SAME_LOOP);
}

WEIR_TEST(want, shutdowns) {
  scene_play(f, shut_down, SAME_LOOP);
}
