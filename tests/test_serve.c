/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/loop.h"
#include "support/alloc.h"
#include "support/famine.h"
#include "support/net.h"

/* A server whose accepts are the library's. */

enum { GUESTS = 64 };

struct house {
  struct weir_fixture *f;
  weir_server_t server;
  weir_stream_t listener;
  struct sockaddr_in addr;
  int closed;

  /* What make gave and serve has not given back. */
  int rooms, most_rooms;
  int asked;
  int none_left; /* make has no memory */
  int came, failed, without_memory;
  int last_error;
  int shut;         /* close the listener at that connection */
  int shut_at_room; /* close it as room is made for that many */
  struct guest {
    weir_stream_t stream;
    struct house *house;
    int fd; /* the other end */
    int number;
    int closed;
  } * guests[GUESTS];
};

static void on_closed(weir_stream_t *listener);

static void shut(struct house *h) {
  check_is(weir_close(&h->listener, on_closed), 0);
}

static weir_stream_t *make(weir_server_t *server) {
  struct house *h = server->data;
  struct guest *g;

  h->asked++;
  if (h->none_left)
    return NULL;
  if (h->rooms + 1 == h->shut_at_room)
    shut(h);
  g = calloc(1, sizeof(*g));
  g->stream.data = g;
  h->rooms++;
  if (h->rooms > h->most_rooms)
    h->most_rooms = h->rooms;
  return &g->stream;
}

static void on_closed(weir_stream_t *listener) {
  struct house *h = listener->data;

  check_is(h->rooms, 0);
  h->closed++;
}

static void serve(weir_server_t *server, weir_stream_t *client, int status) {
  struct house *h = server->data;

  h->rooms -= client != NULL;
  if (status == 0) {
    struct guest *g = client->data;

    g->house = h;
    g->number = h->came;
    h->guests[h->came++] = g;
    if (h->came == h->shut)
      shut(h);
    return;
  }
  h->last_error = status;
  h->failed++;
  if (client == NULL) {
    check_is(status, UV_ENOMEM);
    h->without_memory++;
  } else {
    free(client->data);
  }
}

static void listen_here(struct house *h, weir_stream_t *listener) {
  int len = sizeof(h->addr);

  check_is(uv_ip4_addr("127.0.0.1", 0, &h->addr), 0);
  check_is(weir_tcp_init(h->f->loop, listener), 0);
  listener->data = h;
  check_is(weir_tcp_bind(listener, (struct sockaddr *)&h->addr, 0), 0);
  check_is(weir_listen(listener, 128), 0);
  check_is(weir_getsockname(listener, (struct sockaddr *)&h->addr, &len), 0);
}

static void open_house(struct weir_fixture *f, struct house *h, size_t most) {
  memset(h, 0, sizeof(*h));
  h->f = f;
  h->server.data = h;
  listen_here(h, &h->listener);
  check_is(weir_serve(&h->server, &h->listener, most, make, serve), 0);
  check_is(h->rooms, 0);
}

/* The other end of one that is to come. */
static int knock(struct house *h) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(connect(fd, (struct sockaddr *)&h->addr, sizeof(h->addr)), 0);
  return fd;
}

static void run_came(struct house *h, int count) {
  while (h->came < count)
    uv_run(&h->f->uv, UV_RUN_ONCE);
}

static void on_guest_closed(weir_stream_t *stream) {
  struct guest *g = stream->data;

  if (!g->house->closed)
    weir_serve_gone(&g->house->server);
  g->closed = 1;
}

/* Guest i of those that came goes. */
static void leave(struct house *h, int i) {
  check_is(weir_close(&h->guests[i]->stream, on_guest_closed), 0);
  run_until(h->f, &h->guests[i]->closed);
  free(h->guests[i]);
  h->guests[i] = NULL;
}

static void close_house(struct house *h) {
  if (!weir_is_closing(&h->listener))
    shut(h);
  run_until(h->f, &h->closed);
  for (int i = 0; i < h->came; i++)
    if (h->guests[i] != NULL)
      leave(h, i);
  run_out(h->f);
}

WEIR_TEST(serve, hands_out_all_that_come_in_their_order) {
  struct house h;
  int fds[GUESTS];
  char byte;

  fixture_descriptors(f, GUESTS);
  open_house(f, &h, 0);
  for (int i = 0; i < GUESTS; i++)
    fds[i] = knock(&h);
  run_came(&h, GUESTS);
  check_is(h.failed, 0);
  check_is(h.most_rooms, WEIR_SERVE_ACCEPTS);
  check_is(weir_serve_count(&h.server), GUESTS);
  for (int i = 0; i < GUESTS; i++) {
    byte = (char)i;
    check_is(write(fds[i], &byte, 1), 1);
  }
  for (int i = 0; i < GUESTS; i++) {
    struct request r = {0};

    check_is(weir_read_some(&r.op, &h.guests[i]->stream,
                            weir_mseq_block(&byte, 1), on_done),
             0);
    finish(f, &r, 0, 1);
    check_is(byte, i);
    close(fds[i]);
  }
  close_house(&h);
  check_is(h.failed, WEIR_SERVE_ACCEPTS);
  check_is(h.last_error, UV_ECANCELED);
  check_is(weir_serve_count(&h.server), GUESTS);
}

WEIR_TEST(serve, has_no_more_than_it_may) {
  enum { MOST = 3, ALL = 10 };
  struct house h;
  int fds[ALL];

  open_house(f, &h, MOST);
  for (int i = 0; i < ALL; i++)
    fds[i] = knock(&h);
  run_came(&h, MOST);
  run_some_turns(f);
  check_is(h.came, MOST);
  check_is(h.most_rooms, MOST);
  check_is(h.rooms, 0);
  for (int i = 0; i + MOST < ALL; i++) {
    leave(&h, i);
    run_came(&h, MOST + i + 1);
    run_some_turns(f);
    check_is(h.came, MOST + i + 1);
    check_is(weir_serve_count(&h.server), MOST);
  }
  for (int i = 0; i < ALL; i++)
    close(fds[i]);
  close_house(&h);
  check_is(h.failed, 0);
}

/* Then nothing of it keeps the loop going. */
WEIR_TEST(serve, does_not_hold_the_loop_when_it_is_full) {
  struct house h;
  int fd;

  open_house(f, &h, 1);
  check_is(uv_loop_alive(&f->uv), 1);
  fd = knock(&h);
  run_came(&h, 1);
  check_is(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
  close(fd);
  close_house(&h);
}

/* How often it may have failed by now: each accept once, and then one after
 * each pause. */
static int most_failures(const struct house *h, uint64_t began) {
  return WEIR_SERVE_ACCEPTS + 1 + (int)((uv_now(&h->f->uv) - began) / 100);
}

WEIR_TEST(serve, pauses_without_descriptors) {
  struct famine famine;
  struct house h;
  uint64_t began;
  int fd;

  open_house(f, &h, 0);
  fd = knock(&h);
  famine_begin(&famine);
  uv_update_time(&f->uv);
  began = uv_now(&f->uv);
  while (h.failed < WEIR_SERVE_ACCEPTS + 2)
    uv_run(&f->uv, UV_RUN_ONCE);
  uv_update_time(&f->uv);
  check_is(h.last_error, UV_EMFILE);
  check_is(h.came, 0);
  cr_assert(h.failed <= most_failures(&h, began));
  famine_end(&famine);
  run_came(&h, 1);
  for (int i = 0; i < 20; i++)
    close(knock(&h));
  run_came(&h, 21);
  check_is(h.rooms, WEIR_SERVE_ACCEPTS);
  close(fd);
  close_house(&h);
}

WEIR_TEST(serve, pauses_without_memory) {
  struct house h;
  uint64_t began;
  int fd;

  open_house(f, &h, 0);
  h.none_left = 1;
  fd = knock(&h);
  uv_update_time(&f->uv);
  began = uv_now(&f->uv);
  while (h.without_memory < 3)
    uv_run(&f->uv, UV_RUN_ONCE);
  uv_update_time(&f->uv);
  cr_assert(uv_now(&f->uv) - began >= 200);
  check_is(h.came, 0);
  h.none_left = 0;
  run_came(&h, 1);
  close(fd);
  close_house(&h);
}

WEIR_TEST(serve, may_be_closed_in_a_pause) {
  struct house h;

  open_house(f, &h, 0);
  h.none_left = 1;
  while (h.without_memory == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  shut(&h);
  run_until(f, &h.closed);
  check_is(weir__wheel_next(&f->loop->wheel), UINT64_MAX);
  close_house(&h);
  check_is(h.without_memory, 1);
  check_is(uv_loop_alive(&f->uv), 0);
}

WEIR_TEST(serve, may_be_closed_before_it_began) {
  struct house h;

  open_house(f, &h, 0);
  close_house(&h);
  check_is(h.failed, 0);
  check_is(h.most_rooms, 0);
}

/* What was accepted already by then comes, too; no more is asked for. */
WEIR_TEST(serve, may_be_closed_as_it_hands_one_out) {
  enum { ALL = 20 };
  struct house h;
  int fds[ALL];

  open_house(f, &h, 0);
  h.shut = 2;
  for (int i = 0; i < ALL; i++)
    fds[i] = knock(&h);
  run_until(f, &h.closed);
  cr_assert(h.came >= 2 && h.came <= WEIR_SERVE_ACCEPTS + 2);
  for (int i = 0; i < ALL; i++)
    close(fds[i]);
  close_house(&h);
}

/* What was made meanwhile comes back, too. */
WEIR_TEST(serve, may_be_closed_as_room_is_made) {
  struct house h;

  open_house(f, &h, 0);
  h.shut_at_room = 3;
  run_until(f, &h.closed);
  check_is(h.asked, 3);
  check_is(h.failed, 3);
  check_is(h.rooms, 0);
  close_house(&h);
}

static void close_in_post(weir_op_t *op, int status, size_t n) {
  check_is(status, 0);
  check_is(n, 0);
  shut(op->data);
}

/* When its time has come and it has not asked yet. */
WEIR_TEST(serve, may_be_closed_as_it_begins) {
  struct house h;
  weir_op_t op;

  open_house(f, &h, 0);
  op.data = &h;
  check_is(weir_post(&op, f->loop, close_in_post), 0);
  run_until(f, &h.closed);
  check_is(h.asked, 0);
  close_house(&h);
  check_is(uv_loop_alive(&f->uv), 0);
}

WEIR_TEST(serve, ends_with_a_loop_whose_handles_were_closed) {
  struct house h;
  int fd;

  open_house(f, &h, 0);
  fd = knock(&h);
  run_came(&h, 1);
  uv_walk(&f->uv, close_owned, f->loop);
  uv_run(&f->uv, UV_RUN_NOWAIT);
  close_house(&h);
  check_is(h.last_error, UV_ECANCELED);
  check_is(h.failed, WEIR_SERVE_ACCEPTS);
  close(fd);
}

/* Its pause, too, whose timer was among them. */
WEIR_TEST(serve, ends_in_a_pause_with_a_shutdown_after_that) {
  struct house h;

  open_house(f, &h, 0);
  h.none_left = 1;
  while (h.without_memory == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  uv_walk(&f->uv, close_owned, f->loop);
  check_is(weir_loop_shutdown(f->loop, on_closed, NULL), 0);
  run_out(f);
  check_is(h.closed, 1);
  check_is(h.without_memory, 1);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}

WEIR_TEST(serve, allocates_nothing) {
  struct house h;
  size_t calls;

  open_house(f, &h, 0);
  close(knock(&h));
  run_came(&h, 1);
  calls = alloc_calls();
  for (int i = 1; i < GUESTS; i++) {
    close(knock(&h));
    run_came(&h, i + 1);
  }
  check_is(alloc_calls(), calls);
  close_house(&h);
}

WEIR_TEST(serve, refuses_what_does_not_listen) {
  struct house h;
  weir_stream_t raw;

  memset(&h, 0, sizeof(h));
  h.f = f;
  check_is(weir_tcp_init(f->loop, &raw), 0);
  check_is(weir_serve(&h.server, &raw, 0, make, serve), UV_EINVAL);
  check_is(weir_close(&raw, NULL), 0);
  check_is(weir_serve(&h.server, &raw, 0, make, serve), UV_EBADF);
  run_out(f);
  listen_here(&h, &h.listener);
  check_is(weir_serve(NULL, &h.listener, 0, make, serve), UV_EINVAL);
  check_is(weir_serve(&h.server, NULL, 0, make, serve), UV_EINVAL);
  check_is(weir_serve(&h.server, &h.listener, 0, NULL, serve), UV_EINVAL);
  check_is(weir_serve(&h.server, &h.listener, 0, make, NULL), UV_EINVAL);
  check_is(weir_close(&h.listener, NULL), 0);
  run_out(f);
}

WEIR_TEST(serve, refuses_what_is_served) {
  weir_server_t other;
  struct house h;
  int guest;

  open_house(f, &h, 0);
  check_is(weir_serve(&h.server, &h.listener, 0, make, serve), UV_EALREADY);
  check_is(weir_serve(&other, &h.listener, 0, make, serve), UV_EALREADY);
  guest = knock(&h);
  run_came(&h, 1);
  close(guest);
  close_house(&h);
}
