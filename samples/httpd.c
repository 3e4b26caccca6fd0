/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Serves the files of a directory by HTTP/1.1. server.c accepts connections,
 * http_connection.c answers what they ask for. */

#include <weir.h>

#include "common.h"
#include "http_connection.h"
#include "http_file.h"
#include "server.h"

static const char help[] =
    "usage: httpd --listen HOST:PORT [--timeout SECONDS] [--stats] DIR\n"
    "Serves the files below the directory DIR by HTTP/1.1: GET and HEAD,\n"
    "ranges, index.html for directories; no names that begin with a dot, and\n"
    "nothing outside of DIR.\n"
    "  --listen HOST:PORT  address to listen on; a HOST of * is every one,\n"
    "                      port 0 picks a free one\n"
    "  --timeout SECONDS   for a request to come, and for each 64 KiB to go\n"
    "                      (default 30)\n"
    "  --stats             at the end, print the backend and its counters\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

static uv_loop_t uv;

static void stop(void) {
  server_stop(http_end);
}

int main(int argc, char **argv) {
  const char *listen_word = NULL, *timeout_word = "30";
  int with_stats = 0;
  const option_t options[] = {{"--listen", NULL, &listen_word},
                              {"--timeout", NULL, &timeout_word},
                              {"--stats", &with_stats, NULL},
                              {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  parse_options(argc, argv, help, options, 1);
  parse_listen_address("--listen", listen_word, &addr);
  unsigned seconds = parse_seconds("--timeout", timeout_word);
  int rc = http_root_open(argv[1]);
  if (rc != 0)
    fail(argv[1], rc);
  weir_loop_t *loop = open_loop(&uv);
  rc = http_start(loop, seconds);
  if (rc != 0)
    fail("cannot make buffers", rc);
  on_stop_signal(&uv, stop);
  server_start(loop, &addr, http_connection_size, http_serve);
  server_run(loop);
  if (with_stats)
    print_stats(loop);
  http_stop();
  http_root_close();
  close_loop(&uv, loop);
  return 0;
}
