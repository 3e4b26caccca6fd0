/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "support/net.h"

/* Streams used in every order that a program could think of. Whatever happens,
 * each operation ends once, and what a reader got is what the writes at the
 * other end say that they sent. */

enum {
  CHANNELS = 8,
  WRITES = 200,
  SOURCE = 300000,
  INTO = 4096,
  SEGMENTS = 24,
  STEPS = 3000,
  ROUNDS = 4
};

struct channel;

struct issue {
  weir_op_t op;
  struct channel *channel;
  int outstanding;
  int eof;
  int status;
  size_t start; /* its bytes are those of the pattern from here on */
  size_t len;
  size_t n;
};

struct channel {
  struct conn writer;
  struct conn reader;
  uv_tcp_t handle; /* of a writer that was adopted */
  int writer_closing;
  int reader_closing;
  int got_end; /* the reader met the end of the stream */

  struct issue issues[WRITES];
  int used;

  weir_op_t read;
  int reading;
  char into[2][INTO];
  uv_buf_t into_segments[SEGMENTS];
  size_t into_count;

  char *received;
  size_t received_len;
  size_t received_max;
};

static random_t dice;
static char *source[2]; /* the pattern, twice: segments that do not touch */
static struct channel channels[CHANNELS];

static int chance(size_t one_in) {
  return random_below(&dice, one_in) == 0;
}

static size_t random_size(void) {
  switch (random_below(&dice, 8)) {
  case 0:
    return 0;
  case 1:
    return 1 + random_below(&dice, 3);
  case 2:
    return random_below(&dice, SOURCE / 2);
  default:
    return random_below(&dice, 3000);
  }
}

/* Cuts [start, start + len) of two equal areas into segments. */
static size_t cut(char *const areas[2], size_t start, size_t len,
                  uv_buf_t *out) {
  size_t count = 1 + random_below(&dice, SEGMENTS);
  size_t i;

  for (i = 0; i < count; i++) {
    size_t part = i + 1 == count ? len : random_below(&dice, len + 1);

    if (i + 1 < count && chance(3))
      part = 0;
    out[i] = uv_buf_init(areas[i % 2] + start, (unsigned)part);
    start += part;
    len -= part;
  }
  return count;
}

/* ---- Writing ---- */

static void cancel_some(struct channel *c);
static void write_one(struct channel *c);

static void on_write(weir_op_t *op, int status, size_t n) {
  struct issue *w = (struct issue *)op;

  check_is(w->outstanding, 1);
  w->outstanding = 0;
  w->status = status;
  w->n = n;
  cr_assert(n <= w->len);
  /* All bytes are a success, unless the end was to follow and could not. */
  if (status != 0 && w->len > 0 && !w->eof)
    cr_assert(n < w->len, "%s with all bytes moved", uv_err_name(status));
  if (chance(4))
    write_one(w->channel);
  if (chance(10))
    cancel_some(w->channel);
}

static void write_one(struct channel *c) {
  struct issue *w = &c->issues[c->used];
  uv_buf_t segments[SEGMENTS];
  weir_seq_t seq;
  int r;

  if (c->used == WRITES || c->writer_closing)
    return;
  memset(w, 0, sizeof(*w));
  w->channel = c;
  w->len = random_size();
  w->start = random_below(&dice, SOURCE - w->len);
  seq = weir_seq_bufs(segments, cut(source, w->start, w->len, segments));
  w->outstanding = 1;
  switch (random_below(&dice, 12)) {
  case 0:
    r = weir_write_some(&w->op, &c->writer.stream, seq, on_write);
    break;
  case 1:
  case 2:
    r = weir_write_now(&w->op, &c->writer.stream, seq, &w->n, on_write);
    cr_assert(w->n <= w->len);
    if (r == WEIR_PENDING)
      break;
    if (r == 0)
      check_is(w->n, w->len);
    w->outstanding = 0;
    c->used++;
    return;
  case 3:
    r = chance(10) ? weir_write_eof(&w->op, &c->writer.stream, seq, on_write)
                   : UV_EAGAIN;
    w->eof = 1;
    break;
  default:
    r = weir_write(&w->op, &c->writer.stream, seq, on_write);
    break;
  }
  if (r < 0)
    w->outstanding = 0;
  else
    c->used++;
}

static void cancel_some(struct channel *c) {
  struct issue *w;

  if (c->used == 0)
    return;
  w = &c->issues[random_below(&dice, (size_t)c->used)];
  if (w->outstanding)
    weir_cancel(&w->op);
}

/* ---- Reading ---- */

static void read_one(struct channel *c);

static void receive(struct channel *c, const uv_buf_t *segments, size_t count,
                    size_t n) {
  size_t i;

  if (c->received_len + n > c->received_max) {
    c->received_max = 2 * (c->received_len + n);
    c->received = realloc(c->received, c->received_max);
    cr_assert(c->received != NULL);
  }
  for (i = 0; i < count && n > 0; i++) {
    size_t part = segments[i].len < n ? segments[i].len : n;

    if (part > 0)
      memcpy(c->received + c->received_len, segments[i].base, part);
    c->received_len += part;
    n -= part;
  }
  check_is(n, 0);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  struct channel *c = op->data;

  check_is(c->reading, 1);
  c->reading = 0;
  if (status != 0)
    check_is(n, 0);
  if (status == UV_EOF)
    c->got_end = 1;
  receive(c, c->into_segments, c->into_count, n);
  if (chance(2))
    read_one(c);
}

static void read_one(struct channel *c) {
  char *areas[2];

  if (c->reading || c->reader_closing || c->got_end)
    return;
  areas[0] = c->into[0];
  areas[1] = c->into[1];
  c->into_count =
      cut(areas, 0, 1 + random_below(&dice, INTO), c->into_segments);
  c->read.data = c;
  check_is(weir_read_some(&c->read, &c->reader.stream,
                          weir_mseq_bufs(c->into_segments, c->into_count),
                          on_read),
           0);
  c->reading = 1;
}

static void read_now(struct channel *c) {
  uv_buf_t segments[SEGMENTS];
  char *areas[2];
  size_t count, n = 1;
  int r;

  if (c->reading || c->reader_closing || c->got_end)
    return;
  areas[0] = c->into[0];
  areas[1] = c->into[1];
  count = cut(areas, 0, 1 + random_below(&dice, INTO), segments);
  r = weir_read_now(&c->reader.stream, weir_mseq_bufs(segments, count), &n);
  if (r == UV_EOF)
    c->got_end = 1;
  if (r != 0)
    check_is(n, 0);
  receive(c, segments, count, n);
}

/* ---- A channel's life ---- */

static void open_writer(struct weir_fixture *f, struct channel *c, int fd,
                        int tcp) {
  if (!tcp) {
    check_is(weir_pipe_init(f->loop, &c->writer.stream), 0);
    check_is(weir_pipe_open(&c->writer.stream, fd), 0);
  } else if (chance(2)) {
    check_is(uv_tcp_init(&f->uv, &c->handle), 0);
    check_is(uv_tcp_open(&c->handle, fd), 0);
    check_is(weir_adopt(f->loop, &c->writer.stream, (uv_stream_t *)&c->handle),
             0);
  } else {
    check_is(weir_tcp_init(f->loop, &c->writer.stream), 0);
    check_is(weir_tcp_open(&c->writer.stream, fd), 0);
  }
}

static void channel_open(struct weir_fixture *f, struct channel *c) {
  int tcp = chance(2), fds[2];

  memset(c, 0, sizeof(*c));
  c->writer.peer = c->reader.peer = -1;
  if (tcp)
    pair_tcp(fds, chance(2) ? 4096 : 0, chance(2) ? 4096 : 0);
  else
    pair_unix(fds);
  open_writer(f, c, fds[0], tcp);
  check_is(weir_pipe_init(f->loop, &c->reader.stream), 0);
  check_is(weir_pipe_open(&c->reader.stream, fds[1]), 0);
}

static void close_writer(struct channel *c) {
  if (!c->writer_closing)
    check_is(weir_close(&c->writer.stream, on_conn_closed), 0);
  c->writer_closing = 1;
}

static void close_reader(struct channel *c) {
  if (!c->reader_closing)
    check_is(weir_close(&c->reader.stream, on_conn_closed), 0);
  c->reader_closing = 1;
}

/* What was received is what was sent, in order; all of it if the reader met
 * the end. */
static void channel_check(const struct channel *c) {
  size_t at = 0;
  int i;

  for (i = 0; i < c->used; i++) {
    const struct issue *w = &c->issues[i];
    size_t n = w->n;

    check_is(w->outstanding, 0);
    if (at + n > c->received_len) {
      cr_assert(!c->got_end, "%zu bytes of write %d are missing",
                at + n - c->received_len, i);
      n = c->received_len - at;
    }
    cr_assert(n == 0 || memcmp(c->received + at, source[0] + w->start, n) == 0,
              "write %d arrived with other bytes", i);
    at += n;
  }
  check_is(at, c->received_len);
}

static void channel_end(struct weir_fixture *f, struct channel *c) {
  int finished = c->reader_closing;

  /* Half of the readers that are left read on until the end. */
  if (!finished && chance(2)) {
    close_writer(c);
    while (!c->got_end) {
      read_one(c);
      run_until(f, &c->writer.closed);
      if (!c->got_end && c->reading)
        uv_run(&f->uv, UV_RUN_ONCE);
    }
  }
  close_writer(c);
  close_reader(c);
  run_until(f, &c->writer.closed);
  run_until(f, &c->reader.closed);
  check_is(c->reading, 0);
  channel_check(c);
  free(c->received);
}

static void step(struct weir_fixture *f) {
  struct channel *c = &channels[random_below(&dice, CHANNELS)];

  switch (random_below(&dice, 16)) {
  case 0:
  case 1:
  case 2:
  case 3:
    write_one(c);
    break;
  case 4:
  case 5:
  case 6:
  case 7:
    read_one(c);
    break;
  case 8:
    read_now(c);
    break;
  case 9:
    cancel_some(c);
    break;
  case 10:
    if (c->reading)
      weir_cancel(&c->read);
    break;
  case 11:
    if (chance(40))
      close_writer(c);
    if (chance(40))
      close_reader(c);
    break;
  default:
    run_turn(f);
    break;
  }
}

WEIR_TEST(random, whatever_is_done_the_counts_are_those_of_the_bytes) {
  int round, i;

  dice = random_seeded("random");
  for (i = 0; i < 2; i++) {
    source[i] = malloc(SOURCE);
    cr_assert(source[i] != NULL);
    pattern_fill(source[i], 0, SOURCE);
  }
  for (round = 0; round < ROUNDS; round++) {
    fixture_reattach(f, round % 2 ? 8 : 0);
    for (i = 0; i < CHANNELS; i++)
      channel_open(f, &channels[i]);
    for (i = 0; i < STEPS; i++)
      step(f);
    for (i = 0; i < CHANNELS; i++)
      channel_end(f, &channels[i]);
  }
  free(source[0]);
  free(source[1]);
}
