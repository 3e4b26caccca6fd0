/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "support/net.h"

/* A terminal is a stream, and libuv's handle beside it sets it up. */

struct terminal {
  int master;
  uv_tty_t tty; /* nothing is read or written with it */
  struct conn c;
};

static int open_terminal(struct weir_fixture *f, int *master) {
  const char *name;
  int fd = -1;

  *master = posix_openpt(O_RDWR | O_NOCTTY);
  if (*master >= 0 && grantpt(*master) == 0 && unlockpt(*master) == 0 &&
      (name = ptsname(*master)) != NULL)
    fd = open(name, O_RDWR | O_NOCTTY);
  if (fd < 0) {
    close(*master);
    fixture_skip(f, "no terminal is to be had");
  }
  return fd;
}

static void terminal_open(struct weir_fixture *f, struct terminal *t) {
  int fd = open_terminal(f, &t->master);

  memset(&t->c, 0, sizeof(t->c));
  t->c.peer = -1;
  check_is(uv_tty_init(&f->uv, &t->tty, fd, 0), 0);
  check_is(weir_pipe_init(f->loop, &t->c.stream), 0);
  check_is(weir_pipe_open(&t->c.stream, fd), 0);
}

static void terminal_close(struct weir_fixture *f, struct terminal *t) {
  uv_close((uv_handle_t *)&t->tty, NULL);
  conn_close(f, &t->c);
  close(t->master);
  run_out(f);
}

static void types(struct weir_fixture *f, struct terminal *t, const char *text,
                  size_t expected) {
  struct request r = {0};
  char bytes[64];

  check_is(weir_read_some(&r.op, &t->c.stream,
                          weir_mseq_block(bytes, sizeof(bytes)), on_done),
           0);
  run_some_turns(f);
  check_is(r.calls, 0);
  check_is(write(t->master, text, strlen(text)), strlen(text));
  finish(f, &r, 0, expected);
  check_is(memcmp(bytes, text, expected), 0);
}

WEIR_TEST(tty, lines_and_single_keys) {
  struct terminal t;

  terminal_open(f, &t);
  types(f, &t, "line\n", 5);
  check_is(uv_tty_set_mode(&t.tty, UV_TTY_MODE_RAW), 0);
  types(f, &t, "x", 1);
  check_is(uv_tty_set_mode(&t.tty, UV_TTY_MODE_NORMAL), 0);
  terminal_close(f, &t);
}

WEIR_TEST(tty, output_and_its_size) {
  struct winsize size = {.ws_row = 7, .ws_col = 33};
  struct request w = {0};
  struct terminal t;
  int width = 0, height = 0;
  char bytes[16];

  terminal_open(f, &t);
  check_is(ioctl(t.master, TIOCSWINSZ, &size), 0);
  check_is(uv_tty_get_winsize(&t.tty, &width, &height), 0);
  check_is(width, 33);
  check_is(height, 7);
  check_is(weir_write(&w.op, &t.c.stream, weir_seq_block("hello", 5), on_done),
           0);
  finish(f, &w, 0, 5);
  check_is(read(t.master, bytes, sizeof(bytes)), 5);
  terminal_close(f, &t);
}

/* The key for the end of the input. */
WEIR_TEST(tty, the_end_of_the_input) {
  struct request r = {0};
  struct terminal t;
  char bytes[16];

  terminal_open(f, &t);
  check_is(
      weir_read_some(&r.op, &t.c.stream, weir_mseq_block(bytes, 16), on_done),
      0);
  check_is(write(t.master, "\004", 1), 1);
  finish(f, &r, UV_EOF, 0);
  terminal_close(f, &t);
}
