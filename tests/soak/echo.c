/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "actors.h"

/* What comes goes back, from the memory that it came to. */

/* ---- As it comes ---- */

static void receive(peer_t *p);

static void on_sent_back(weir_op_t *op, int status, size_t n) {
  piece_t *piece = op->data;
  peer_t *p = piece->peer;

  if (status == 0 && n != piece->len)
    peer_fault(p, "a count of what goes back", 0);
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "to send back", status);
  else
    receive(p);
}

static void on_all_sent_back(weir_op_t *op, int status, size_t n) {
  piece_t *piece = op->data;
  peer_t *p = piece->peer;

  (void)n;
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "to end", status);
  else
    peer_whole(p);
}

static void send_end(peer_t *p) {
  if (p->in.done != p->in.total)
    peer_trouble(p, "the end came early", UV_EOF);
  else
    peer_begun(p,
               weir_write_eof(&p->pieces[0].op, &p->stream,
                              weir_seq_block(NULL, 0), on_all_sent_back),
               "to end");
}

static void send_back(peer_t *p, weir_seq_t seq, weir_op_cb cb) {
  p->pieces[0].len = weir_seq_size(seq);
  peer_begun(p, weir_write(&p->pieces[0].op, &p->stream, seq, cb),
             "to send back");
}

static void on_received(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;

  peer_check(p, p->room, n);
  if (!peer_done(p))
    return;
  if (status == UV_EOF)
    send_end(p);
  else if (status != 0)
    peer_trouble(p, "to receive", status);
  else
    send_back(p, weir_seq_block(p->room, n), on_sent_back);
}

static void receive(peer_t *p) {
  weir_mseq_t room = weir_mseq_block(p->room, p->side->room);

  peer_begun(p, weir_read_some(&p->read, &p->stream, room, on_received),
             "to receive");
}

void serve_echo(peer_t *p) {
  receive(p);
}

/* ---- Line by line ---- */

enum { LONGEST = POOL_SIZE, BLOCK = 512 };

static void read_line(peer_t *p);

static void free_lines(peer_t *p) {
  if (weir_buffer_reset(p->more) != 0)
    peer_fault(p, "a buffer is held", 0);
}

static void on_line_sent_back(weir_op_t *op, int status, size_t n) {
  piece_t *piece = op->data;
  peer_t *p = piece->peer;

  (void)n;
  weir_buffer_consume(p->more, piece->len);
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "to send a line back", status);
  else
    read_line(p);
}

/* What is held at the end is the last line. */
static void on_line(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  weir_seq_t line = weir_seq_prefix(weir_buffer_data(p->more), n);
  weir_seq_t rest = line;
  uv_buf_t segment;

  while (weir_seq_next(&rest, &segment))
    peer_check(p, segment.base, segment.len);
  if (!peer_done(p))
    return;
  if (status == 0 || (status == UV_EOF && n > 0))
    send_back(p, line, on_line_sent_back);
  else if (status == UV_EOF)
    send_end(p);
  else
    peer_trouble(p, "to read a line", status);
}

static void read_line(peer_t *p) {
  weir_until_t until = weir_until_byte('\n');

  peer_begun(p, weir_read_until(&p->read, &p->stream, p->more, until, on_line),
             "to read a line");
}

/* Takes a buffer of the pool, if there is one. */
static int init_pooled(peer_t *p, weir_buffer_t *buffer) {
  weir_buffer_options_t options = {.max_size = LONGEST};
  weir_mseq_t room;

  return weir_pool_source(p->side->pool, &options) == 0 &&
         weir_flat_init(buffer, &options) == 0 &&
         weir_buffer_prepare(buffer, 1, &room) == 0;
}

static int init_lines(peer_t *p, weir_buffer_t *buffer) {
  weir_buffer_options_t options = {.max_size = LONGEST, .block_size = BLOCK};

  switch (peer_random(p, 4)) {
  case 0:
    return weir_ring_init(buffer, LONGEST, NULL);
  case 1:
    return weir_chain_init(buffer, &options);
  case 2:
    if (init_pooled(p, buffer))
      return 0;
    /* fall through */
  default:
    return weir_flat_init(buffer, &options);
  }
}

void serve_lines(peer_t *p) {
  p->more = malloc(sizeof(weir_buffer_t));
  if (p->more == NULL || init_lines(p, p->more) != 0) {
    peer_fault(p, "no buffer", 0);
    peer_close(p);
    return;
  }
  p->on_gone = free_lines;
  read_line(p);
}
