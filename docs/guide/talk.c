/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* talk PORT: sends its standard input, and prints what comes back.
 * docs/guide.md explains it. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir.h>

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_stream_t stream;
static weir_op_t connecting, up, down;
static char to_send[65536], received[65536];
static weir_seq_t to_print;
static int asking; /* the standard input is being read */
static int over, failed;

static void must(int r, const char *what) {
  if (r >= 0)
    return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(r));
  exit(1);
}

/* The peer's end is the end. Somebody may sit at the terminal and type nothing:
 * that read has to be cancelled, or uv_run would wait for it. */
static void end(const char *what, int status) {
  if (over)
    return;
  over = 1;
  if (status != UV_EOF) {
    fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
    failed = 1;
  }
  if (asking)
    weir_cancel(&up);
  weir_close(&stream, NULL);
}

/* ---- From the standard input to the peer ---- */

static void on_input(weir_op_t *op, int status, size_t n);

static void on_sent(weir_op_t *op, int status, size_t n) {
  weir_mseq_t room = weir_mseq_block(to_send, sizeof to_send);
  (void)n;
  if (status == 0)
    status = weir_file_pread(loop, op, STDIN_FILENO, room, -1, on_input);
  asking = status == 0;
  if (status != 0)
    end("send", status);
}

static void on_end_sent(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)n;
  if (status != 0)
    end("send", status);
}

/* For a file success with no byte is its end: then the peer gets ours. */
static void on_input(weir_op_t *op, int status, size_t n) {
  weir_seq_t data = weir_seq_block(to_send, n);
  asking = 0;
  if (over)
    return;
  if (status == 0)
    status = n > 0 ? weir_write(op, &stream, data, on_sent)
                   : weir_write_eof(op, &stream, data, on_end_sent);
  if (status != 0)
    end("standard input", status);
}

/* ---- From the peer to the standard output ---- */

static void on_received(weir_op_t *op, int status, size_t n);

/* A write to a file may take less than it was given. */
static void on_printed(weir_op_t *op, int status, size_t n) {
  weir_mseq_t room = weir_mseq_block(received, sizeof received);
  weir_seq_advance(&to_print, n);
  if (over)
    return;
  if (status == 0 && weir_seq_empty(to_print))
    status = weir_read_some(op, &stream, room, on_received);
  else if (status == 0)
    status =
        weir_file_pwrite(loop, op, STDOUT_FILENO, to_print, -1, on_printed);
  if (status != 0)
    end("standard output", status);
}

static void on_received(weir_op_t *op, int status, size_t n) {
  to_print = weir_seq_block(received, n);
  if (status == 0)
    on_printed(op, 0, 0);
  else
    end("receive", status);
}

/* ---- The program ---- */

static void on_connected(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)n;
  if (status != 0) {
    end("connect", status);
    return;
  }
  on_sent(&up, 0, 0);
  on_printed(&down, 0, 0);
}

/* -1 if it is none. */
static int port_of(const char *word) {
  char *end;
  long port = strtol(word, &end, 10);
  return *end == '\0' && port >= 0 && port <= 65535 ? (int)port : -1;
}

int main(int argc, char **argv) {
  struct sockaddr_in addr;
  int port = argc == 2 ? port_of(argv[1]) : -1;
  if (port < 0) {
    fprintf(stderr, "usage: talk PORT\n");
    return 2;
  }
  must(uv_ip4_addr("127.0.0.1", port, &addr), "address");
  must(uv_loop_init(&uv), "loop");
  must(weir_loop_attach(&uv, NULL, &loop), "attach");
  must(weir_tcp_init(loop, &stream), "stream");
  to_print = weir_seq_block(NULL, 0);
  must(weir_tcp_connect(&connecting, &stream, (struct sockaddr *)&addr,
                        on_connected),
       "connect");
  uv_run(&uv, UV_RUN_DEFAULT);

  must(weir_loop_detach(loop, NULL), "detach");
  uv_run(&uv, UV_RUN_DEFAULT);
  must(uv_loop_close(&uv), "close");
  return failed;
}
