/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A room: what somebody says in a line, all others hear. Every line is in
 * memory once, however many it goes to. Who does not take what is said is shown
 * the door, so that nobody waits for him. server.c accepts the connections. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir.h>

#include "common.h"
#include "server.h"

static const char help[] =
    "usage: chat --listen HOST:PORT [--high-water SIZE] [--stats]\n"
    "Sends each line that comes in on a TCP connection to all others.\n"
    "  --listen HOST:PORT  address to listen on; a HOST of * is every one,\n"
    "                      port 0 picks a free one\n"
    "  --high-water SIZE   with so much that he has not taken, somebody is\n"
    "                      dropped (K, M or G may follow; default 256K)\n"
    "  --stats             at the end, print the backend and its counters\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

enum { LONGEST = 4096, LAST_WORDS_MS = 2000 };

typedef struct person_s {
  client_t client;
  unsigned number;
  weir_op_t op;
  weir_buffer_t buffer;
  char storage[LONGEST];
} person_t;

/* A line on its way to everybody: "NUMBER: TEXT\n". */
typedef struct line_s {
  weir_message_t message;
  const person_t *speaker;
  char text[LONGEST + 32];
} line_t;

static size_t high_water = 256 * 1024;
static unsigned people; /* so far */

/* ---- Going ---- */

static void on_closed(weir_stream_t *stream) {
  server_forget(stream->data);
}

/* He must not take what he has for all. */
static void drop(person_t *p) {
  weir_stream_t *stream = &p->client.stream;
  if (!weir_is_closing(stream) && weir_close_reset(stream, on_closed) != 0)
    weir_close(stream, on_closed);
}

/* What is on its way to him may arrive. */
static void part(person_t *p) {
  weir_stream_t *stream = &p->client.stream;
  if (!weir_is_closing(stream) &&
      weir_close_after(stream, LAST_WORDS_MS, on_closed) != 0)
    drop(p);
}

static void end(client_t *client) {
  part((person_t *)client);
}

/* ---- Saying ---- */

static line_t *saying;

static void on_released(weir_message_t *message) {
  free(message);
}

/* What is queued here is only what he does not take: the system has room for
 * much before. */
static void hear(client_t *client) {
  person_t *p = (person_t *)client;
  if (p == saying->speaker || weir_is_closing(&client->stream))
    return;
  if (weir_stream_queued(&client->stream) >= high_water ||
      weir_message_write(&saying->message, &client->stream) != 0)
    drop(p);
}

/* 0, or UV_ENOMEM. */
static int say(const person_t *speaker, weir_seq_t words) {
  line_t *line = malloc(sizeof *line);
  weir_mseq_t room;
  size_t n;
  if (line == NULL)
    return UV_ENOMEM;
  line->speaker = speaker;
  n = (size_t)snprintf(line->text, 32, "%u: ", speaker->number);
  room = weir_mseq_block(line->text + n, LONGEST);
  n += weir_seq_copy(room, words, LONGEST);
  line->text[n++] = '\n';
  weir_message_init(&line->message, weir_seq_block(line->text, n), on_released);
  saying = line;
  server_each(hear);
  weir_message_release(&line->message);
  return 0;
}

/* ---- Listening ---- */

static void listen_to(person_t *p);

/* A line that is too long goes in several, and a last one may have no end. */
static void on_line(weir_op_t *op, int status, size_t n) {
  person_t *p = op->data;
  weir_seq_t words = weir_buffer_data(&p->buffer);
  int over = status == UV_EOF;
  if (status == 0)
    words = weir_seq_prefix(words, n - 1);
  else if (over || status == UV_ENOBUFS)
    status = 0;
  if (status == 0 && (!over || n > 0))
    status = say(p, words);
  weir_buffer_consume(&p->buffer, n);
  if (status != 0)
    drop(p);
  else if (over)
    part(p);
  else
    listen_to(p);
}

static void listen_to(person_t *p) {
  if (weir_read_until(&p->op, &p->client.stream, &p->buffer,
                      weir_until_byte('\n'), on_line) != 0)
    drop(p);
}

/* ---- Coming ---- */

static void serve(client_t *client) {
  person_t *p = (person_t *)client;
  p->number = ++people;
  p->op.data = p;
  weir_flat_init_fixed(&p->buffer, p->storage, sizeof p->storage);
  if (weir_tcp_nodelay(&client->stream, 1) != 0)
    drop(p);
  else
    listen_to(p);
}

int main(int argc, char **argv) {
  const char *listen_word = NULL, *high_word = NULL;
  int with_stats = 0;
  const option_t options[] = {{"--listen", NULL, &listen_word},
                              {"--high-water", NULL, &high_word},
                              {"--stats", &with_stats, NULL},
                              {NULL, NULL, NULL}};
  struct sockaddr_storage addr;

  parse_options(argc, argv, help, options, 0);
  parse_listen_address("--listen", listen_word, &addr);
  if (high_word != NULL)
    high_water = parse_bytes("--high-water", high_word);
  server_main(&addr, sizeof(person_t), serve, end, with_stats);
  return 0;
}
