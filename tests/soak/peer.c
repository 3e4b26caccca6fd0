/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../samples/pattern.h"

/* In what needs no initialisation. */
enum { GARBAGE = 0xa5 };

/* ---- Those of a side ---- */

void peers_make(side_t *side, unsigned count, size_t room) {
  size_t size = sizeof(peer_t) + room;
  char *memory = malloc(count * size);

  if (memory == NULL) {
    fprintf(stderr, "soak: no memory for %u connections\n", count);
    exit(1);
  }
  memset(memory, 0, count * size); /* is resident from now on */
  side->peers = (void *)memory;
  side->room = room;
  for (unsigned i = 0; i < count; i++) {
    peer_t *p = (void *)(memory + i * size);

    p->next = side->free;
    side->free = p;
  }
}

peer_t *peer_take_free(side_t *side) {
  peer_t *p = side->free;

  if (p == NULL)
    return NULL;
  side->free = p->next;
  memset(p, 0, sizeof(*p));
  memset(&p->stream, GARBAGE, sizeof(p->stream));
  memset(&p->read, GARBAGE, sizeof(p->read));
  p->side = side;
  p->stream.data = p;
  p->read.data = p;
  for (unsigned i = 0; i < WRITES; i++) {
    memset(&p->pieces[i].op, GARBAGE, sizeof(p->pieces[i].op));
    p->pieces[i].peer = p;
    p->pieces[i].op.data = &p->pieces[i];
  }
  return p;
}

void peer_opened(peer_t *p, const actor_t *actor) {
  report_t *report = p->side->report;

  p->actor = actor;
  p->flags |= PEER_OPEN;
  report->open++;
  if (report->open > report->most)
    report->most = report->open;
}

/* Loopback takes much; some shall have to wait for room. Little room to receive
 * would have the kernel drop what is larger, and try again ever more slowly. */
void peer_narrow(peer_t *p) {
  int bytes = 2048 << peer_random(p, 4);
  uv_os_fd_t fd;

  if (peer_random(p, 3) == 0 || weir_fileno(&p->stream, &fd) != 0)
    return;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void peer_drop(peer_t *p) {
  p->next = p->side->free;
  p->side->free = p;
}

/* Its stream is closed. */
static void release(peer_t *p) {
  side_t *side = p->side;

  if (p->flags & PEER_OPEN)
    side->report->open--;
  if (p->flags & PEER_STAYS)
    side->report->staying--;
  if (p->outstanding != 0)
    peer_fault(p, "closed before its callbacks", 0);
  if (p->on_gone != NULL)
    p->on_gone(p);
  free(p->more);
  p->more = NULL;
  p->flags &= PEER_LISTED;
  p->on_poke = NULL;
  if (p->flags == 0)
    peer_drop(p);
  side->on_released(side);
}

void peer_poke(peer_t *p, unsigned ticks, peer_cb cb) {
  p->on_poke = cb;
  p->ticks = ticks;
  if (p->flags & PEER_LISTED)
    return;
  p->flags |= PEER_LISTED;
  p->poked = p->side->poked;
  p->side->poked = p;
}

static void poke(peer_t *p) {
  peer_cb cb = p->on_poke;

  if (cb != NULL && p->ticks-- > 1) {
    peer_poke(p, p->ticks, cb);
  } else if (cb != NULL) {
    p->on_poke = NULL;
    cb(p);
  } else if (!(p->flags & (PEER_OPEN | PEER_OVER))) {
    peer_drop(p);
  }
}

void peers_poke(side_t *side) {
  peer_t *list = side->poked;

  side->poked = NULL;
  while (list != NULL) {
    peer_t *p = list;

    list = p->poked;
    p->flags &= ~(unsigned)PEER_LISTED;
    poke(p);
  }
}

/* ---- The end ---- */

static void on_closed(weir_stream_t *stream) {
  release(stream->data);
}

void peer_close(peer_t *p) {
  p->flags |= PEER_OVER;
  p->on_poke = NULL;
  if (weir_is_closing(&p->stream))
    return;
  if (weir_close(&p->stream, on_closed) != 0)
    peer_fault(p, "weir_close", 0);
}

void peer_reset(peer_t *p) {
  p->flags |= PEER_OVER;
  p->on_poke = NULL;
  if (weir_is_closing(&p->stream) ||
      weir_close_reset(&p->stream, on_closed) != 0)
    peer_close(p);
}

void peer_fault(peer_t *p, const char *what, int status) {
  side_fault(p->side, p->actor == NULL ? "nobody" : p->actor->name, what,
             status);
}

static int is_of_rudeness(int status) {
  return status == UV_ECONNRESET || status == UV_EPIPE || status == UV_EOF ||
         status == UV_ENOTCONN || status == UV_ECONNABORTED ||
         status == UV_ETIMEDOUT || status == UV_ECONNREFUSED;
}

void peer_trouble(peer_t *p, const char *what, int status) {
  if (!peer_is_rude(p) || !is_of_rudeness(status))
    peer_fault(p, what, status);
  else
    add(&p->side->report->broken, 1);
  peer_close(p);
}

void peer_whole(peer_t *p) {
  add(&p->side->report->whole, 1);
  p->side->report->wholes[p->greeting.actor]++;
  peer_close(p);
}

void peer_left(weir_stream_t *stream) {
  peer_t *p = stream->data;

  add(&p->side->report->whole, 1);
  p->side->report->wholes[p->greeting.actor]++;
  p->flags |= PEER_OVER;
  on_closed(stream);
}

void peer_part(peer_t *p) {
  if (--p->left == 0)
    peer_whole(p);
}

int peer_begun(peer_t *p, int r, const char *what) {
  if (r != 0)
    peer_trouble(p, what, r);
  else
    p->outstanding++;
  return r == 0;
}

int peer_done(peer_t *p) {
  p->outstanding--;
  return !(p->flags & PEER_OVER);
}

/* Perhaps ends what was begun right now. */
static void waver(peer_t *p, weir_op_t *op) {
  if (!(p->flags & PEER_FICKLE) || peer_random(p, 4) != 0)
    return;
  add(&p->side->report->cancels, 1);
  weir_cancel(op);
}

/* Cuts len bytes at base into at most 20 segments, into cuts. */
static size_t cut(peer_t *p, const char *base, size_t len, uv_buf_t *cuts) {
  size_t count = 0;

  while (len > 0) {
    size_t n = count == 19 ? len : side_random_size(p->side, len);

    cuts[count++] = uv_buf_init((char *)base, (unsigned)n);
    base += n;
    len -= n;
  }
  return count;
}

/* ---- In ---- */

static void take_more(peer_t *p);

void peer_check(peer_t *p, const void *bytes, size_t n) {
  if (n > p->in.total - p->in.done) {
    peer_fault(p, "more bytes than were sent", 0);
    n = p->in.total - p->in.done;
  }
  if (memcmp(bytes, pattern_at(p->in.seed + p->in.done), n) != 0)
    peer_fault(p, "other bytes than were sent", 0);
  p->in.done += n;
  add(&p->side->report->bytes, n);
}

static void took(peer_t *p) {
  p->flags &= ~(unsigned)PEER_READING;
  p->in.then(p);
}

static void on_end(peer_t *p) {
  if (p->until == TO_END && p->in.done == p->in.total)
    took(p);
  else
    peer_trouble(p, "the end came early", UV_EOF);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;

  peer_check(p, p->room, n);
  if (!peer_done(p))
    return;
  if (status == UV_EOF)
    on_end(p);
  else if (status != 0 && !(status == UV_ECANCELED && p->flags & PEER_FICKLE))
    peer_trouble(p, "a read", status);
  else if (p->until != TO_END && p->in.done >= p->until)
    took(p);
  else
    take_more(p);
}

/* One of the ways to read. */
static int begin_read(peer_t *p) {
  size_t left = p->in.total - p->in.done;
  size_t room = p->side->room;
  size_t most = left < room ? left : room;
  weir_mseq_t into = weir_mseq_block(p->room, room);
  uv_buf_t cuts[20];

  if (most == 0)
    return weir_read_some(&p->read, &p->stream, into, on_read);
  switch (peer_random(p, 6)) {
  case 0:
    into = weir_mseq_block(p->room, most);
    return weir_read(&p->read, &p->stream, into, weir_all(), on_read);
  case 1:
    return weir_read(&p->read, &p->stream, into,
                     weir_at_least(1 + peer_random(p, most)), on_read);
  case 2:
    return weir_read(&p->read, &p->stream, into,
                     weir_exactly(1 + peer_random(p, most)), on_read);
  case 3:
    into = weir_mseq_bufs(cuts, cut(p, p->room, room, cuts));
    return weir_read_some(&p->read, &p->stream, into, on_read);
  default:
    return weir_read_some(&p->read, &p->stream, into, on_read);
  }
}

/* What is there already. */
static void take_now(peer_t *p) {
  size_t n = 0;
  int r =
      weir_read_now(&p->stream, weir_mseq_block(p->room, p->side->room), &n);

  if (r == 0)
    peer_check(p, p->room, n);
}

static void take_more(peer_t *p) {
  if (p->in.done < p->until && p->in.done < p->in.total &&
      peer_random(p, 4) == 0)
    take_now(p);
  if (p->in.done >= p->until)
    took(p);
  else if (peer_begun(p, begin_read(p), "to read"))
    waver(p, &p->read);
}

void peer_take(peer_t *p, size_t until, peer_cb then) {
  p->until = until;
  p->in.then = then;
  p->flags |= PEER_READING;
  take_more(p);
}

/* ---- Out ---- */

static void send_more(peer_t *p);

static void on_written(weir_op_t *op, int status, size_t n) {
  piece_t *piece = op->data;
  peer_t *p = piece->peer;

  p->busy &= ~(1u << (piece - p->pieces));
  if (n > piece->len ||
      (status == 0 && n < piece->len && !(p->flags & PEER_ALONE)))
    peer_fault(p, "a count of a write", 0);
  if (!peer_done(p))
    return;
  if (p->flags & PEER_ALONE) {
    p->flags &= ~(unsigned)PEER_ALONE;
    p->out.done = piece->from + n;
    if (status == 0 && piece->ends)
      p->ended = 1;
  }
  if (status != 0 && !(status == UV_ECANCELED && p->flags & PEER_FICKLE))
    peer_trouble(p, "a write", status);
  else
    send_more(p);
}

/* One of the ways to write piece, of which seq has the bytes: WEIR_PENDING, or
 * 0 where it was done at once, or an error. What may end with less is alone. */
static int begin_write(peer_t *p, piece_t *piece, weir_seq_t seq, int at_once) {
  size_t n = 0;
  int r;

  if (piece->ends) {
    r = weir_write_eof(&piece->op, &p->stream, seq, on_written);
  } else if (at_once) {
    r = weir_write_now(&piece->op, &p->stream, seq, &n, on_written);
    if (r == 0 && n != piece->len)
      peer_fault(p, "a count of weir_write_now", 0);
    return r;
  } else if (p->busy == 0 && peer_random(p, 6) == 0) {
    p->flags |= PEER_ALONE;
    r = weir_write_some(&piece->op, &p->stream, seq, on_written);
  } else {
    r = weir_write(&piece->op, &p->stream, seq, on_written);
  }
  return r == 0 ? WEIR_PENDING : r;
}

static weir_seq_t next_piece(peer_t *p, piece_t *piece, uv_buf_t cuts[20]) {
  size_t left = p->out.total - p->out.done;
  size_t most = left < PATTERN_CHUNK ? left : PATTERN_CHUNK;
  const char *base = pattern_at(p->out.seed + p->out.done);

  piece->from = p->out.done;
  piece->len = most == 0 ? 0 : side_random_size(p->side, most);
  piece->ends = p->flags & PEER_ENDING && piece->len == left &&
                (left == 0 || peer_random(p, 2) == 0);
  if (peer_random(p, 3) == 0)
    return weir_seq_bufs(cuts, cut(p, base, piece->len, cuts));
  return weir_seq_block(base, piece->len);
}

/* Returns what begin_write did. */
static int send_piece(peer_t *p, unsigned i, int at_once) {
  piece_t *piece = &p->pieces[i];
  uv_buf_t cuts[20];
  weir_seq_t seq = next_piece(p, piece, cuts);
  int r;

  if (p->flags & PEER_FICKLE)
    p->flags |= PEER_ALONE;
  r = begin_write(p, piece, seq, at_once);
  if (r < 0) {
    peer_trouble(p, "to write", r);
    return r;
  }
  if (r == 0)
    p->flags &= ~(unsigned)PEER_ALONE;
  if (!(p->flags & PEER_ALONE)) {
    p->out.done += piece->len;
    p->ended = (unsigned)piece->ends;
  }
  if (r == WEIR_PENDING) {
    p->outstanding++;
    p->busy |= 1u << i;
    waver(p, &piece->op);
  }
  return r;
}

/* What goes without a callback. */
static void send_now(peer_t *p) {
  size_t left = p->out.total - p->out.done;
  size_t len = left < PATTERN_CHUNK ? left : PATTERN_CHUNK;
  const char *base = pattern_at(p->out.seed + p->out.done);
  size_t n = 0;

  if (weir_write_try(&p->stream, weir_seq_block(base, len), &n) == 0)
    p->out.done += n;
}

static int is_all_begun(const peer_t *p) {
  return p->out.done == p->out.total && (p->ended || !(p->flags & PEER_ENDING));
}

static void send_more(peer_t *p) {
  size_t way = peer_random(p, 8);
  peer_cb then = p->out.then;

  if (then == NULL)
    return;
  if (way == 0 && p->busy == 0 && p->out.done < p->out.total)
    send_now(p);
  for (unsigned i = 0; i < WRITES; i++) {
    if (is_all_begun(p) || p->flags & PEER_ALONE)
      break;
    if (!(p->busy & 1u << i) && send_piece(p, i, way == 1 && i == 0) < 0)
      return;
  }
  if (p->busy == 0) { /* then all of it was */
    p->out.then = NULL;
    then(p);
  }
}

void peer_send(peer_t *p, size_t total, unsigned flags, peer_cb then) {
  p->out.total = total;
  p->out.then = then;
  p->flags |= flags;
  send_more(p);
}

static void on_greeted(weir_op_t *op, int status, size_t n) {
  piece_t *piece = op->data;
  peer_t *p = piece->peer;

  p->busy &= ~(1u << (piece - p->pieces));
  if (status == 0 && n != sizeof(p->greeting))
    peer_fault(p, "a count of a greeting", 0);
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "a greeting", status);
  else
    send_more(p);
}

void peer_greet(peer_t *p) {
  weir_seq_t seq = weir_seq_block(&p->greeting, sizeof(p->greeting));

  p->busy = 1;
  peer_begun(p, weir_write(&p->pieces[0].op, &p->stream, seq, on_greeted),
             "to greet");
}
