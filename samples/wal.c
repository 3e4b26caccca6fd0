/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A log that survives: each line that comes on stdin or on a connection is a
 * record, and is answered by its number when it is on disk. log.c brings it
 * there, many at a time; log_recover.c finds what is there; server.c accepts
 * connections. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir.h>

#include "common.h"
#include "log.h"
#include "os.h"
#include "server.h"

static const char help[] =
    "usage: wal [--listen HOST:PORT | --print] [--segment SIZE] [--stats] DIR\n"
    "Appends each line of stdin, or of TCP connections, to the log in the\n"
    "directory DIR, and answers with its number when it is on disk.\n"
    "  --listen HOST:PORT  address to listen on; a HOST of * is every one,\n"
    "                      port 0 picks a free one\n"
    "  --print             print the records; changes nothing\n"
    "  --segment SIZE      bytes of each file of the log from now on, 64K to\n"
    "                      1G (K, M or G may follow; default 16M)\n"
    "  --stats             at the end, print the backend and its counters\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

enum { GROUP = 1024, ANSWER = 24, HELD = 40 << 10 };

/* Whoever sends lines. Does one thing after the other: reads, appends what has
 * come, waits for the disk, answers. */
typedef struct producer_s {
  client_t client; /* not that of stdin */
  weir_stream_t *in;
  weir_stream_t *out;
  weir_op_t op;
  log_wait_t wait;
  unsigned appended; /* lines that are not answered */
  uint64_t first;    /* the number of the first of them */
  weir_buffer_t lines;
  char held[HELD];
  char answers[GROUP * ANSWER];
} producer_t;

static const char too_long[] = "a line from";
static uv_loop_t uv;
static log_t the_log;
static int status_of_all;
static int listens;
static uint64_t recovered; /* records */
static weir_stream_t standard_in, standard_out;

static void receive(producer_t *p);
static void append_lines(producer_t *p);

/* ---- The end ---- */

static void on_closed(weir_stream_t *stream) {
  server_forget(stream->data);
}

static void stop_lines(void) {
  log_close(&the_log);
  weir_close(&standard_in, NULL);
  weir_close(&standard_out, NULL);
}

/* Lines that are not answered may be in the log or not: no end, a reset. */
static void cut(client_t *client) {
  if (!weir_is_closing(&client->stream) &&
      weir_close_reset(&client->stream, on_closed) != 0)
    weir_close(&client->stream, on_closed);
}

static void stop(void) {
  log_close(&the_log);
  if (listens)
    server_stop(cut);
  else
    stop_lines();
}

static void on_failed(log_t *log, int status) {
  (void)log;
  complain("the log takes no more", status);
  status_of_all = 1;
  stop();
}

/* A producer who is at fault, or cannot be answered. */
static void give_up(producer_t *p, const char *why, int error) {
  static trouble_t trouble;
  if (why != NULL)
    complain_rarely(&trouble, why, listens ? peer_text(p->in).text : "stdin",
                    error);
  if (listens) {
    cut(&p->client);
    return;
  }
  if (why == NULL && the_log.status == 0)
    complain("stdin or stdout", error);
  status_of_all = 1;
  stop_lines();
}

static void finish(producer_t *p) {
  if (listens)
    weir_close(p->in, on_closed);
  else
    stop_lines();
}

/* ---- One thing after the other ---- */

static void on_answered(weir_op_t *op, int status, size_t n) {
  producer_t *p = op->data;
  (void)n;
  if (status != 0)
    give_up(p, NULL, status);
  else
    append_lines(p);
}

static void on_disk(log_wait_t *wait, int status) {
  producer_t *p = wait->data;
  size_t n = 0;
  for (unsigned i = 0; i < p->appended; i++)
    n +=
        (size_t)snprintf(p->answers + n, ANSWER, "%" PRIu64 "\n", p->first + i);
  p->appended = 0;
  if (status == 0)
    status =
        weir_write(&p->op, p->out, weir_seq_block(p->answers, n), on_answered);
  if (status != 0)
    give_up(p, NULL, status);
}

static void on_room(log_wait_t *wait, int status) {
  producer_t *p = wait->data;
  if (status != 0)
    give_up(p, NULL, status);
  else
    append_lines(p);
}

/* So many as there is room for; from the first on they follow each other. */
static void append_lines(producer_t *p) {
  uv_buf_t data = {0};
  const char *end;
  int rc = 0;
  weir_seq_t seq = weir_buffer_data(&p->lines);
  p->first = the_log.next;
  while (p->appended < GROUP && weir_seq_next(&seq, &data) &&
         (end = memchr(data.base, '\n', data.len)) != NULL) {
    rc = log_append(&the_log, data.base, (size_t)(end - data.base));
    if (rc != 0)
      break;
    weir_buffer_consume(&p->lines, (size_t)(end - data.base) + 1);
    p->appended++;
    seq = weir_buffer_data(&p->lines);
  }
  if (p->appended > 0)
    log_wait(&the_log, &p->wait, the_log.next - 1, on_disk);
  else if (rc == UV_EAGAIN)
    log_wait(&the_log, &p->wait, the_log.on_disk + 1, on_room);
  else if (rc != 0)
    give_up(p, rc == UV_EMSGSIZE ? too_long : NULL, rc);
  else
    receive(p);
}

static void on_line(weir_op_t *op, int status, size_t n) {
  producer_t *p = op->data;
  if (status == 0)
    append_lines(p);
  else if (status == UV_EOF && n == 0)
    finish(p);
  else if (status == UV_EOF)
    give_up(p, "a line without its end from", UV_EOF);
  else if (status == UV_ENOBUFS)
    give_up(p, too_long, UV_EMSGSIZE);
  else
    give_up(p, NULL, status);
}

static void receive(producer_t *p) {
  int rc =
      weir_read_until(&p->op, p->in, &p->lines, weir_until_byte('\n'), on_line);
  if (rc != 0)
    give_up(p, NULL, rc);
}

static void begin(producer_t *p) {
  p->op.data = p->wait.data = p;
  p->appended = 0;
  weir_flat_init_fixed(&p->lines, p->held, sizeof p->held);
  receive(p);
}

static void serve(client_t *client) {
  producer_t *p = (producer_t *)client;
  p->in = p->out = &client->stream;
  if (weir_tcp_nodelay(&client->stream, 1) != 0)
    cut(client);
  else
    begin(p);
}

static void read_lines(weir_loop_t *loop) {
  static producer_t producer;
  producer.in = &standard_in;
  producer.out = &standard_out;
  int rc = weir_pipe_init(loop, &standard_in);
  if (rc == 0)
    rc = weir_pipe_open(&standard_in, 0);
  if (rc != 0)
    fail("stdin", rc);
  rc = weir_pipe_init(loop, &standard_out);
  if (rc == 0)
    rc = weir_pipe_open(&standard_out, 1);
  if (rc != 0)
    fail("stdout", rc);
  begin(&producer);
  uv_run(&uv, UV_RUN_DEFAULT);
}

/* ---- The program ---- */

static void print_record(void *unused, const record_t *record) {
  (void)unused;
  fwrite(record->bytes, 1, record->len, stdout);
  putchar('\n');
}

static _Noreturn void refuse(const char *dir, const log_end_t *end, int rc) {
  char where[80];
  snprintf(where, sizeof where,
           "record %" PRIu64 " is damaged, and later ones are there",
           end->next);
  if (rc == UV_EILSEQ)
    quit(dir, where);
  fail(dir, rc);
}

static int print_log(weir_loop_t *loop, const char *dir) {
  log_end_t end;
  int rc = log_recover(loop, dir, print_record, NULL, &end);
  if (fflush(stdout) != 0 || ferror(stdout))
    fail("stdout", UV_EIO);
  if (rc != 0)
    refuse(dir, &end, rc);
  close_loop(&uv, loop);
  return 0;
}

static size_t parse_segment(const char *word) {
  size_t size = word != NULL ? parse_bytes("--segment", word) : 16 << 20;
  if (size < SEGMENT_MIN || size > SEGMENT_MAX)
    misuse("not 64K to 1G", "--segment");
  return size / 4096 * 4096;
}

static void print_counts(const weir_loop_t *loop) {
  printf("records %" PRIu64 ", commits %" PRIu64 "\n",
         the_log.on_disk - recovered, the_log.commits);
  print_stats(loop);
}

int main(int argc, char **argv) {
  const char *listen_word = NULL, *segment_word = NULL;
  int with_stats = 0, prints = 0;
  const option_t options[] = {{"--listen", NULL, &listen_word},
                              {"--print", &prints, NULL},
                              {"--segment", NULL, &segment_word},
                              {"--stats", &with_stats, NULL},
                              {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  log_end_t end;

  parse_options(argc, argv, help, options, 1);
  size_t size = parse_segment(segment_word);
  listens = listen_word != NULL;
  if (listens && prints)
    misuse("not together with --listen", "--print");
  if (listens)
    parse_listen_address("--listen", listen_word, &addr);
  weir_loop_t *loop = open_loop(&uv);
  if (prints)
    return print_log(loop, argv[1]);
  os_errors_for_signals(); /* a write above the limit shall say UV_EFBIG */
  the_log.failed = on_failed;
  int rc = log_open(&the_log, loop, argv[1], size, &end);
  if (rc != 0)
    refuse(argv[1], &end, rc);
  recovered = the_log.on_disk;
  on_stop_signal(&uv, stop);
  if (listens) {
    server_start(loop, &addr, sizeof(producer_t), serve);
    server_run(loop);
  } else {
    read_lines(loop);
  }
  if (with_stats)
    print_counts(loop);
  log_free(&the_log);
  close_loop(&uv, loop);
  return status_of_all;
}
