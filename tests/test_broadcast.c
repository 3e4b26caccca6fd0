/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bench/calls.h"
#include "cast.h"
#include "support/net.h"
#include "support/scripted.h"

/* A server with clients that read and clients that do not, on weir and on plain
 * libuv: only those that do not may be cut.
 *
 * Nothing depends on time. The sender has always more, and the clients that
 * read have taken all that the system holds for them before the next few lines
 * are sent. So they are never slow, and look so only if the server keeps back
 * what could go. */

enum {
  READERS = 30,
  STUCK = 3,
  CLIENTS = READERS + STUCK,
  LINE = 512,
  LINES = 2048,
  BYTES = LINE * LINES,
  LIMIT = 256 * 1024,
  BUFFER = 32 * 1024 /* of a client's socket */
};

struct peer {
  int fd;
  int stuck;
  int bad; /* other bytes came than were sent */
  size_t received;
};

struct audience {
  cast_t cast;
  unsigned long calls; /* of the system, by the server */
  int sender;
  size_t sent;
  struct peer peers[CLIENTS];
};

/* The peers have their turn, whose system calls do not count. */
static void on_lines(cast_t *cast) {
  struct audience *a = cast->data;
  int counted = calls_count(0);
  int i;

  for (i = 0; i < CLIENTS; i++) {
    struct peer *p = &a->peers[i];

    if (!p->stuck && !take_pattern(p->fd, &p->received))
      p->bad = 1;
  }
  offer_pattern(a->sender, &a->sent, BYTES);
  if (a->sent == BYTES)
    shutdown(a->sender, SHUT_WR);
  calls_count(counted);
}

static void connect_all(struct audience *a) {
  int size = BUFFER;
  int sender[2], pair[2], fds[CLIENTS];
  int i;

  pair_unix(sender);
  a->sender = sender[1];
  for (i = 0; i < CLIENTS; i++) {
    pair_unix(pair);
    check_is(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
             0);
    fds[i] = pair[0];
    a->peers[i].fd = pair[1];
    a->peers[i].stuck = i % (CLIENTS / STUCK) == 1;
  }
  check_is(cast_open(&a->cast, sender[0], fds, CLIENTS), 0);
}

static void disconnect_all(struct audience *a) {
  int i;

  cast_close(&a->cast);
  check_is(uv_run(a->cast.uv, UV_RUN_DEFAULT), 0);
  close(a->sender);
  for (i = 0; i < CLIENTS; i++)
    close(a->peers[i].fd);
}

/* How many clients are to get something yet. */
static int unserved(const struct audience *a) {
  int i, n = 0;

  for (i = 0; i < CLIENTS; i++)
    n += !a->peers[i].stuck && !a->cast.clients[i].cut &&
         a->peers[i].received < BYTES;
  return n;
}

/* All lines from the sender, or from source if that is not NULL. */
static void serve(struct audience *a, uv_loop_t *uv, weir_loop_t *weir,
                  weir_stream_t *source) {
  memset(a, 0, sizeof(*a));
  a->cast.uv = uv;
  a->cast.weir = weir;
  a->cast.source = source;
  a->cast.line = LINE;
  a->cast.limit = LIMIT;
  a->cast.on_lines = on_lines;
  a->cast.data = a;
  connect_all(a);
  a->calls = cast_calls(&a->cast);
  while (unserved(a) > 0 && a->cast.error == 0) {
    on_lines(&a->cast);
    calls_count(1);
    uv_run(uv, UV_RUN_ONCE);
    calls_count(0);
  }
  a->calls = cast_calls(&a->cast) - a->calls;
  disconnect_all(a);
}

/* All lines came to those that read, and only the others were cut. */
static void check_served(const struct audience *a) {
  unsigned long lines = 0;
  int i, cut[2] = {0, 0};

  for (i = 0; i < CLIENTS; i++) {
    lines += a->peers[i].received / LINE;
    cut[a->peers[i].stuck] += a->cast.clients[i].cut;
    check_is(a->peers[i].bad, 0);
  }
  check_is(a->cast.error, 0);
  cr_assert(lines == READERS * LINES && cut[0] == 0 && cut[1] == STUCK,
            "%lu of %d lines came, %d of %d that read and %d of %d that do not "
            "were cut, after %lu system calls",
            lines, READERS * LINES, cut[0], READERS, cut[1], STUCK, a->calls);
}

WEIR_TEST(broadcast, cuts_only_those_that_do_not_read) {
  static struct audience a;

  serve(&a, &f->uv, f->loop, NULL);
  check_served(&a);
}

WEIR_TEST(broadcast, takes_half_the_system_calls_of_libuv) {
  static struct audience a, plain;
  uv_loop_t uv;

  check_is(uv_loop_init(&uv), 0);
  serve(&plain, &uv, NULL, NULL);
  check_is(uv_loop_close(&uv), 0);
  check_served(&plain);
  serve(&a, &f->uv, f->loop, NULL);
  check_served(&a);
  cr_assert(a.calls <= plain.calls / 2, "%lu system calls, libuv %lu", a.calls,
            plain.calls);
}

/* Here one read after the other is done at once, each of one line. */
WEIR_TEST(broadcast, keeps_up_with_a_source_that_never_waits) {
  static struct audience a;
  static char bytes[BYTES];
  const weir_test_options_t options = {.no_now = 1,
                                       .read = {.rest = {.bytes = LINE}},
                                       .input = bytes,
                                       .input_size = BYTES};
  struct scripted script;

  pattern_fill(bytes, 0, BYTES);
  scripted_open(f, &script, &options);
  serve(&a, &f->uv, f->loop, &script.stream);
  check_served(&a);
  scripted_close(f, &script);
}
