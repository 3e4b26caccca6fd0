/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors.h"

/* All that comes goes to a file, and from there back, through a buffer of the
 * pool or, when all are out, through memory of its own. One operation after the
 * other; some of those on the file are cancelled, and begun again. */

typedef struct store_s {
  weir_op_t op;
  uv_buf_t memory;
  int pooled;
  int fd; /* -1: none */
  char path[200];
  size_t offset; /* in the file */
  size_t at;     /* in memory */
  size_t len;    /* of what is there */
  void (*again)(peer_t *p);
  void (*then)(peer_t *p, size_t n);
} store_t;

static void receive(peer_t *p);
static void read_back(peer_t *p);

/* ---- Operations on the file ---- */

static void on_file(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  store_t *s = p->more;

  if (!peer_done(p))
    peer_fault(p, "a file without its stream", 0);
  else if (status == UV_ECANCELED)
    s->again(p);
  else if (status != 0) {
    peer_fault(p, s->path, status);
    peer_close(p);
  } else
    s->then(p, n);
}

/* r is what the call said that began; it is to go on with then, or again. */
static void begun(peer_t *p, int r, peer_cb again,
                  void (*then)(peer_t *p, size_t n)) {
  store_t *s = p->more;

  s->again = again;
  s->then = then;
  if (r != 0) {
    peer_fault(p, "to begin with a file", r);
    peer_close(p);
    return;
  }
  p->outstanding++;
  if (peer_random(p, 16) != 0)
    return;
  add(&p->side->report->cancels, 1);
  weir_cancel(&s->op);
}

/* ---- Back ---- */

static void on_ended(weir_op_t *op, int status, size_t n) {
  peer_t *p = ((piece_t *)op->data)->peer;

  (void)n;
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "to end", status);
  else
    peer_whole(p);
}

static void on_file_closed(peer_t *p, size_t n) {
  store_t *s = p->more;

  (void)n;
  s->fd = -1;
  peer_begun(p,
             weir_write_eof(&p->pieces[0].op, &p->stream,
                            weir_seq_block(NULL, 0), on_ended),
             "to end");
}

static void close_file(peer_t *p) {
  store_t *s = p->more;

  begun(p, weir_file_close(p->side->loop, &s->op, s->fd, on_file), close_file,
        on_file_closed);
}

static void on_sent_back(weir_op_t *op, int status, size_t n) {
  peer_t *p = ((piece_t *)op->data)->peer;
  store_t *s = p->more;

  if (!peer_done(p))
    return;
  s->offset += n;
  if (status != 0)
    peer_trouble(p, "to send back", status);
  else
    read_back(p);
}

static void on_read_back(peer_t *p, size_t n) {
  store_t *s = p->more;

  if (n == 0) {
    peer_fault(p, "the file is too short", 0);
    peer_close(p);
    return;
  }
  peer_begun(p,
             weir_write(&p->pieces[0].op, &p->stream,
                        weir_seq_block(s->memory.base, n), on_sent_back),
             "to send back");
}

static void read_back(peer_t *p) {
  store_t *s = p->more;
  weir_mseq_t room = weir_mseq_block(s->memory.base, s->memory.len);

  if (s->offset == p->in.total) {
    close_file(p);
    return;
  }
  memset(s->memory.base, 0, s->memory.len);
  begun(p,
        weir_file_pread(p->side->loop, &s->op, s->fd, room, (int64_t)s->offset,
                        on_file),
        read_back, on_read_back);
}

/* ---- There ---- */

static void on_synced(peer_t *p, size_t n) {
  store_t *s = p->more;

  (void)n;
  s->offset = 0;
  read_back(p);
}

static void sync_file(peer_t *p) {
  store_t *s = p->more;

  begun(p, weir_file_fsync(p->side->loop, &s->op, s->fd, on_file), sync_file,
        on_synced);
}

static void turn_round(peer_t *p) {
  if (p->in.done != p->in.total)
    peer_trouble(p, "the end came early", UV_EOF);
  else if (peer_random(p, 64) == 0)
    sync_file(p);
  else
    on_synced(p, 0);
}

static void put_away(peer_t *p);

static void on_put_away(peer_t *p, size_t n) {
  store_t *s = p->more;

  s->offset += n;
  s->at += n;
  if (s->at < s->len)
    put_away(p);
  else
    receive(p);
}

static void put_away(peer_t *p) {
  store_t *s = p->more;
  weir_seq_t data = weir_seq_block(s->memory.base + s->at, s->len - s->at);

  begun(p,
        weir_file_pwrite(p->side->loop, &s->op, s->fd, data, (int64_t)s->offset,
                         on_file),
        put_away, on_put_away);
}

static void on_received(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  store_t *s = p->more;

  peer_check(p, s->memory.base, n);
  if (!peer_done(p))
    return;
  s->at = 0;
  s->len = n;
  if (n > 0)
    put_away(p); /* what ended it comes again */
  else if (status == UV_EOF)
    turn_round(p);
  else
    peer_trouble(p, "to receive", status);
}

/* As much as there is room for, or less. */
static void receive(peer_t *p) {
  store_t *s = p->more;
  weir_mseq_t room = weir_mseq_block(s->memory.base, s->memory.len);
  size_t left = p->in.total - p->in.done;

  if (left > s->memory.len && peer_random(p, 2) == 0)
    peer_begun(p,
               weir_read(&p->read, &p->stream, room, weir_all(), on_received),
               "to receive");
  else
    peer_begun(p, weir_read_some(&p->read, &p->stream, room, on_received),
               "to receive");
}

/* ---- The beginning and the end ---- */

static void on_opened(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  store_t *s = p->more;

  if (status == 0)
    s->fd = weir_file_result(op);
  unlink(s->path);
  on_file(op, status, n);
}

static void go_on(peer_t *p, size_t n) {
  (void)n;
  receive(p);
}

static void open_file(peer_t *p) {
  store_t *s = p->more;
  int flags = UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_TRUNC;

  begun(p,
        weir_file_open(p->side->loop, &s->op, s->path, flags, 0600, on_opened),
        open_file, go_on);
}

static void let_go(peer_t *p) {
  store_t *s = p->more;

  if (s->fd >= 0 && weir_file_close(p->side->loop, NULL, s->fd, NULL) != 0)
    peer_fault(p, "to close a file", 0);
  if (!s->pooled)
    free(s->memory.base);
  else if (weir_pool_release(p->side->pool, &s->memory) != 0)
    peer_fault(p, "weir_pool_release", 0);
}

void serve_file(peer_t *p) {
  store_t *s = calloc(1, sizeof(*s));

  if (s != NULL) {
    s->pooled = weir_pool_acquire(p->side->pool, &s->memory) == 0;
    if (!s->pooled)
      s->memory = uv_buf_init(calloc(1, POOL_SIZE), POOL_SIZE);
  }
  if (s == NULL || s->memory.base == NULL) {
    free(s);
    peer_fault(p, "no memory", 0);
    peer_close(p);
    return;
  }
  s->op.data = p;
  s->fd = -1;
  snprintf(s->path, sizeof(s->path), "%s/%u", p->side->plan->directory,
           p->side->files++);
  p->more = s;
  p->on_gone = let_go;
  open_file(p);
}
