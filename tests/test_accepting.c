/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#if WEIR_HAVE_URING

#include "../uring/ring.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/famine.h"
#include "support/first.h"
#include "support/net.h"

/* Accepts in the ring: one that would have to wait does so before it tries,
 * which would make a socket and a file in vain. */

enum { SOME = 8 };

struct guest {
  struct request r;
  weir_stream_t stream;
  int closed;
};

struct door {
  struct weir_fixture *f;
  weir_stream_t listener;
  struct sockaddr_in addr;
  struct guest guests[SOME];
  first_t seen;
  int closed;
};

static void on_closed(weir_stream_t *stream) {
  *(int *)stream->data = 1;
}

static void open_door(struct weir_fixture *f, struct door *d) {
  int len = sizeof(d->addr);

  memset(d, 0, sizeof(*d));
  d->f = f;
  check_is(uv_ip4_addr("127.0.0.1", 0, &d->addr), 0);
  check_is(weir_tcp_init(f->loop, &d->listener), 0);
  check_is(weir_tcp_bind(&d->listener, (struct sockaddr *)&d->addr, 0), 0);
  check_is(weir_listen(&d->listener, SOME), 0);
  check_is(weir_getsockname(&d->listener, (struct sockaddr *)&d->addr, &len),
           0);
  first_begin(f, &d->seen, IORING_OP_ACCEPT, WEIR__ACCEPT_POLL_FIRST);
}

static void close_door(struct door *d) {
  first_end();
  d->listener.data = &d->closed;
  check_is(weir_close(&d->listener, on_closed), 0);
  run_until(d->f, &d->closed);
}

static int knock(const struct door *d) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(connect(fd, (const struct sockaddr *)&d->addr, sizeof(d->addr)), 0);
  return fd;
}

static void await_guest(struct door *d, int i) {
  struct guest *g = &d->guests[i];

  check_is(weir_accept(&g->r.op, &d->listener, &g->stream, on_done), 0);
}

static void meet(struct door *d, int i) {
  struct guest *g = &d->guests[i];

  finish(d->f, &g->r, 0, 0);
  g->stream.data = &g->closed;
  check_is(weir_close(&g->stream, on_closed), 0);
  run_until(d->f, &g->closed);
}

/* Each is asked for before it comes. */
WEIR_RING_TEST(accepting, waits_before_it_tries_if_the_last_one_had_to) {
  struct door d;

  open_door(f, &d);
  for (int i = 0; i < SOME; i++) {
    await_guest(&d, i);
    run_turn(f);
    run_turn(f);
    int fd = knock(&d);
    meet(&d, i);
    close(fd);
  }
  check_is(d.seen.asked, SOME);
  check_is(d.seen.first,
           first_has(f, WEIR__CAP_ACCEPT_POLL_FIRST) ? SOME - 1 : 0);
  close_door(&d);
}

/* All are there before they are asked for: a wait would be in vain. Only of
 * those that were submitted with a sleep it is not known. */
WEIR_RING_TEST(accepting, tries_first_while_more_are_there) {
  struct door d;
  int fds[SOME];

  open_door(f, &d);
  for (int i = 0; i < SOME; i++)
    fds[i] = knock(&d);
  for (int i = 0; i < SOME; i++)
    await_guest(&d, i);
  for (int i = 0; i < SOME; i++) {
    meet(&d, i);
    close(fds[i]);
  }
  check_is(d.seen.asked, SOME);
  check_is(d.seen.first, 0);
  close_door(&d);
}

/* One that waits for its turn in the kernel is ended there. */
WEIR_RING_TEST(accepting, is_cancelled_while_it_waits_first) {
  struct door d;

  open_door(f, &d);
  await_guest(&d, 0);
  run_turn(f);
  run_turn(f);
  int fd = knock(&d);
  meet(&d, 0);
  close(fd);
  await_guest(&d, 1);
  run_turn(f);
  run_turn(f);
  weir_cancel(&d.guests[1].r.op);
  finish(f, &d.guests[1].r, UV_ECANCELED, 0);
  fd = knock(&d);
  await_guest(&d, 2);
  meet(&d, 2);
  close(fd);
  close_door(&d);
}

/* It has waited in the kernel, and there is a connection, but no descriptor. */
WEIR_RING_TEST(accepting, says_that_there_is_no_descriptor) {
  struct famine famine;
  struct door d;

  open_door(f, &d);
  await_guest(&d, 0);
  run_turn(f);
  run_turn(f);
  int fd = knock(&d);
  meet(&d, 0);
  close(fd);
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  famine_begin(&famine);
  await_guest(&d, 1);
  run_turn(f);
  run_turn(f);
  check_is(d.guests[1].r.calls, 0);
  check_is(d.seen.first, first_has(f, WEIR__CAP_ACCEPT_POLL_FIRST));
  check_is(connect(fd, (struct sockaddr *)&d.addr, sizeof(d.addr)), 0);
  finish(f, &d.guests[1].r, UV_EMFILE, 0);
  famine_end(&famine);
  await_guest(&d, 2);
  meet(&d, 2);
  close(fd);
  close_door(&d);
}

#else

#include <criterion/criterion.h>

Test(accepting, is_for_io_uring) {
  cr_skip("this libweir was built without io_uring");
}

#endif
