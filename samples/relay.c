/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A TCP relay. server.c accepts; pair.c connects each client to the other
 * address and has the library move the bytes. */

#include <stdio.h>

#include <weir.h>

#include "common.h"
#include "pair.h"

static const char help[] =
    "usage: relay --listen HOST:PORT --connect HOST:PORT [--no-topup]\n"
    "             [--splice] [--buffer BYTES] [--idle SECONDS] [--stats]\n"
    "Passes TCP connections on to another address, in both directions. After\n"
    "a signal those that there are go on; a second one cuts them.\n"
    "  --listen HOST:PORT   address to listen on; a HOST of * is every one,\n"
    "                       port 0 picks a free one\n"
    "  --connect HOST:PORT  address that each connection is passed on to\n"
    "  --no-topup           read only when all that was read is written\n"
    "  --splice             have the bytes stay in the system, on Linux\n"
    "  --buffer BYTES       for each direction; default 256K\n"
    "  --idle SECONDS       cut connections that have moved nothing so long\n"
    "  --stats              print lines for each connection and the loop, too\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

enum { CHECK_MS = 1000 };

static uv_loop_t uv;
static uv_timer_t timer;

static void on_time(uv_timer_t *unused) {
  (void)unused;
  server_each(pair_check);
}

static void stop_now(void) {
  server_stop(pair_cut);
}

static void stop(void) {
  unsigned count = server_drain();
  on_stop_signal(&uv, stop_now);
  if (count == 0)
    return;
  printf("%u connections go on; another signal cuts them\n", count);
  fflush(stdout);
}

int main(int argc, char **argv) {
  const char *from = NULL, *to = NULL, *buffer = NULL, *idle = NULL;
  int no_topup = 0, splice = 0;
  int with_stats = 0;
  const option_t options[] = {
      {"--listen", NULL, &from},       {"--connect", NULL, &to},
      {"--no-topup", &no_topup, NULL}, {"--splice", &splice, NULL},
      {"--buffer", NULL, &buffer},     {"--idle", NULL, &idle},
      {"--stats", &with_stats, NULL},  {NULL, NULL, NULL},
  };
  struct sockaddr_storage addr;
  static pairs_t pairs = {.capacity = 256 << 10};

  parse_options(argc, argv, help, options, 0);
  parse_listen_address("--listen", from, &addr);
  parse_address("--connect", to, &pairs.target);
  if (buffer != NULL)
    pairs.capacity = parse_bytes("--buffer", buffer);
  if (idle != NULL)
    pairs.idle = parse_seconds("--idle", idle);
  pairs.flags =
      (no_topup ? WEIR_RELAY_NO_TOPUP : 0) | (splice ? WEIR_RELAY_SPLICE : 0);
  pairs.with_counts = with_stats;
  pairs.loop = open_loop(&uv);
  on_stop_signal(&uv, stop);
  uv_timer_init(&uv, &timer);
  uv_timer_start(&timer, on_time, CHECK_MS, CHECK_MS);
  uv_unref((uv_handle_t *)&timer);
  server_start(pairs.loop, &addr, pair_setup(&pairs), pair_serve);
  server_run(pairs.loop);
  uv_close((uv_handle_t *)&timer, NULL);
  counts_print("total up", &pairs.up);
  counts_print("total down", &pairs.down);
  if (with_stats)
    print_stats(pairs.loop);
  close_loop(&uv, pairs.loop);
  return 0;
}
