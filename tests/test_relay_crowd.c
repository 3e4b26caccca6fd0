/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

/* Relays of a crowd of clients, none of whom takes anything: what that costs.
 */

enum { CLIENTS = 1000, RING = 64 << 10, MOST = 140 << 20, LITTLE = 4096 };

typedef struct pair_s {
  weir_stream_t client, server;
  weir_relay_t up, down;
  int peers[2];
} pair_t;

static int over, closed;

static void on_over(weir_relay_t *relay, int status) {
  check_is(status, UV_ECANCELED);
  /* It reads when half of its ring is free. */
  cr_assert(weir_seq_size(weir_relay_held(relay)) >= RING / 2);
  over++;
}

static void on_closed(weir_stream_t *stream) {
  (void)stream;
  closed++;
}

static size_t resident(void) {
  unsigned long size, pages;
  FILE *file = fopen("/proc/self/statm", "r");

  if (file == NULL)
    cr_skip("there is no /proc/self/statm");
  check_is(fscanf(file, "%lu %lu", &size, &pages), 2);
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The system's buffers are small: it is weir's that are to be filled. */
static int open_stream(struct weir_fixture *f, weir_stream_t *stream) {
  const int little = LITTLE;
  int fds[2];

  check_is(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  for (int i = 0; i < 2; i++)
    check_is(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)),
             0);
  check_is(weir_pipe_init(f->loop, stream), 0);
  check_is(weir_pipe_open(stream, fds[0]), 0);
  return fds[1];
}

static void begin(struct weir_fixture *f, pair_t *pair, weir_pool_t *pool) {
  const weir_relay_options_t options = {.size = sizeof(options), .pool = pool};

  pair->peers[0] = open_stream(f, &pair->client);
  pair->peers[1] = open_stream(f, &pair->server);
  check_is(weir_relay_start(&pair->up, &pair->client, &pair->server, &options,
                            on_over),
           0);
  check_is(weir_relay_start(&pair->down, &pair->server, &pair->client, &options,
                            on_over),
           0);
}

/* All that the peers can send, until nothing moves any more. */
static void fill(struct weir_fixture *f, pair_t *pairs) {
  static char bytes[LITTLE];
  size_t moved;

  do {
    moved = 0;
    for (int i = 0; i < 2 * CLIENTS; i++) {
      ssize_t n = send(pairs[i / 2].peers[i % 2], bytes, sizeof(bytes),
                       MSG_DONTWAIT | MSG_NOSIGNAL);
      moved += n > 0 ? (size_t)n : 0;
    }
    run_some_turns(f);
  } while (moved > 0);
}

static void end(struct weir_fixture *f, pair_t *pairs) {
  for (int i = 0; i < CLIENTS; i++) {
    check_is(weir_close(&pairs[i].client, on_closed), 0);
    check_is(weir_close(&pairs[i].server, on_closed), 0);
  }
  while (closed < 2 * CLIENTS)
    uv_run(&f->uv, UV_RUN_ONCE);
  for (int i = 0; i < 2 * CLIENTS; i++)
    close(pairs[i / 2].peers[i % 2]);
  check_is(over, 2 * CLIENTS);
}

WEIR_TEST(relay_crowd, of_stalled_clients_has_its_rings_and_little_more) {
  size_t before = resident(), grown;
  pair_t *pairs = calloc(CLIENTS, sizeof(*pairs));
  weir_pool_t *pool;

  cr_assert(pairs != NULL);
  fixture_descriptors(f, (size_t)2 * CLIENTS);
  check_is(weir_pool_create(f->loop, (size_t)2 * CLIENTS, RING, &pool), 0);
  for (int i = 0; i < CLIENTS; i++)
    begin(f, &pairs[i], pool);
  fill(f, pairs);
  grown = resident() - before;
  end(f, pairs);
  free(pairs);
  check_is(weir_pool_destroy(pool), 0);
  cr_assert(grown >= (size_t)CLIENTS * RING, "%zu bytes are too few", grown);
  cr_assert(grown <= MOST, "%zu bytes", grown);
}
