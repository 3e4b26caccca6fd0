/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* One callback begins many times what the submission queue has room for, of
 * every sort, and takes some of it back: nothing is refused, nothing is lost,
 * and all of it is as exact as if there had been room. */

enum { LEN = 16, HALF = LEN / 2, ITEMS = 360, ROUNDS = 3 };

/* What an item does. */
enum {
  READ,             /* finds data */
  WRITE,            /* of one block */
  READ_CANCELLED,   /* at once; the data stays */
  WRITE_CANCELLED,  /* at once; nothing arrives */
  WAIT_CANCELLED,   /* a read without data, when all has been begun */
  WAIT_CLOSED,      /* the same, closed */
  WRITES,           /* a window full, and a half-close */
  PREAD,            /* of a file */
  PWRITE,           /* to it */
  PREAD_CANCELLED,  /* at once */
  PWRITE_CANCELLED, /* at once */
  PREAD_LATE,       /* cancelled when all has been begun */
  ROLES
};

struct item;

struct crowd {
  weir_op_t trigger;
  struct weir_fixture *f;
  struct conn beside;
  struct scratch file;
  struct item *items;
  int begun;
};

struct item {
  struct request r;
  struct request more[WEIR_WINDOW];
  struct crowd *crowd;
  struct conn c;
  size_t index;
  int role;
  char bytes[LEN + 1];
  uv_buf_t segments[2];
};

static int is_on_file(const struct item *t) {
  return t->role >= PREAD;
}

static int64_t place(const struct item *t) {
  return (int64_t)(t->index * LEN);
}

/* Every other one has its bytes in two places. */
static void place_bytes(struct item *t) {
  size_t gap = t->index / ROLES % 2;

  t->segments[0] = uv_buf_init(t->bytes, HALF);
  t->segments[1] = uv_buf_init(t->bytes + HALF + gap, HALF);
}

static void fill(struct item *t, size_t offset) {
  pattern_fill(t->segments[0].base, offset, HALF);
  pattern_fill(t->segments[1].base, offset + HALF, HALF);
}

static int holds(const struct item *t, size_t offset) {
  return pattern_holds(t->segments[0].base, offset, HALF) &&
         pattern_holds(t->segments[1].base, offset + HALF, HALF);
}

static weir_seq_t seq_of(const struct item *t) {
  return weir_seq_bufs(t->segments, 2);
}

static weir_mseq_t mseq_of(const struct item *t) {
  return weir_mseq_bufs(t->segments, 2);
}

static void begin_read(struct item *t) {
  memset(t->bytes, 0, sizeof(t->bytes));
  check_is(weir_read_some(&t->r.op, &t->c.stream, mseq_of(t), on_done), 0);
}

static void begin_write(struct item *t, struct request *r) {
  check_is(weir_write(&r->op, &t->c.stream, seq_of(t), on_done), 0);
}

static void begin_writes(struct item *t) {
  for (int i = 0; i < WEIR_WINDOW; i++)
    begin_write(t, &t->more[i]);
  check_is(weir_write_eof(&t->r.op, &t->c.stream, seq_of(t), on_done), 0);
}

static void begin_pread(struct item *t) {
  memset(t->bytes, 0, sizeof(t->bytes));
  check_is(weir_file_pread(t->crowd->f->loop, &t->r.op, t->crowd->file.fd,
                           mseq_of(t), place(t), on_done),
           0);
}

static void begin_pwrite(struct item *t) {
  memset(t->bytes, 'w', sizeof(t->bytes));
  check_is(weir_file_pwrite(t->crowd->f->loop, &t->r.op, t->crowd->file.fd,
                            seq_of(t), place(t), on_done),
           0);
}

static void begin(struct item *t) {
  switch (t->role) {
  case READ:
  case READ_CANCELLED:
  case WAIT_CANCELLED:
  case WAIT_CLOSED:
    begin_read(t);
    break;
  case WRITE:
  case WRITE_CANCELLED:
    begin_write(t, &t->r);
    break;
  case WRITES:
    begin_writes(t);
    break;
  case PWRITE:
  case PWRITE_CANCELLED:
    begin_pwrite(t);
    break;
  default:
    begin_pread(t);
  }
  if (t->role == READ_CANCELLED || t->role == WRITE_CANCELLED ||
      t->role == PREAD_CANCELLED || t->role == PWRITE_CANCELLED)
    weir_cancel(&t->r.op);
}

static void take_back(struct item *t) {
  if (t->role == WAIT_CANCELLED || t->role == PREAD_LATE)
    weir_cancel(&t->r.op);
  if (t->role == WAIT_CLOSED)
    check_is(weir_close(&t->c.stream, on_conn_closed), 0);
}

static void begin_all(weir_op_t *op, int status, size_t n) {
  struct crowd *crowd = op->data;

  check_is(status + (int)n, 0);
  for (int i = 0; i < ITEMS; i++)
    begin(&crowd->items[i]);
  for (int i = 0; i < ITEMS; i++)
    take_back(&crowd->items[i]);
  for (int i = 0; i < ITEMS; i++)
    check_is(crowd->items[i].r.calls, 0);
  crowd->begun = 1;
}

/* ---- What came of it ---- */

static void expect_writes(struct weir_fixture *f, struct item *t) {
  for (int i = 0; i < WEIR_WINDOW; i++) {
    finish(f, &t->more[i], 0, LEN);
    peer_take(&t->c, 0, LEN);
  }
  finish(f, &t->r, 0, LEN);
  peer_take(&t->c, 0, LEN);
  peer_expect_end(&t->c);
}

static void expect_in_file(const struct item *t, int written) {
  char there[LEN], expected[LEN];

  pattern_fill(expected, (size_t)place(t), LEN);
  if (written)
    memset(expected, 'w', LEN);
  check_is(pread(t->crowd->file.fd, there, LEN, place(t)), LEN);
  cr_assert(memcmp(there, expected, LEN) == 0);
}

/* A file's read that was cancelled late has happened whole or not at all. */
static void expect_late(struct weir_fixture *f, struct item *t) {
  run_until(f, &t->r.calls);
  check_is(t->r.calls, 1);
  check_is(t->r.n, t->r.status == 0 ? LEN : 0);
  if (t->r.status != 0)
    check_is(t->r.status, UV_ECANCELED);
}

static void expect(struct weir_fixture *f, struct item *t) {
  switch (t->role) {
  case READ:
    finish(f, &t->r, 0, LEN);
    cr_assert(holds(t, 0));
    break;
  case WRITE:
    finish(f, &t->r, 0, LEN);
    peer_take(&t->c, 0, LEN);
    break;
  case WRITES:
    expect_writes(f, t);
    break;
  case READ_CANCELLED:
    finish(f, &t->r, UV_ECANCELED, 0);
    memset(&t->r, 0, sizeof(t->r));
    begin_read(t);
    finish(f, &t->r, 0, LEN);
    cr_assert(holds(t, 0));
    break;
  case WRITE_CANCELLED:
    finish(f, &t->r, UV_ECANCELED, 0);
    check_is(peer_take_available(&t->c), 0);
    break;
  case PREAD:
    finish(f, &t->r, 0, LEN);
    cr_assert(holds(t, (size_t)place(t)));
    break;
  case PWRITE:
    finish(f, &t->r, 0, LEN);
    expect_in_file(t, 1);
    break;
  case PREAD_LATE:
    expect_late(f, t);
    break;
  default:
    finish(f, &t->r, UV_ECANCELED, 0);
    if (is_on_file(t))
      expect_in_file(t, 0);
  }
}

/* ---- The crowd ---- */

static void item_open(struct weir_fixture *f, struct item *t) {
  t->c.peer = -1;
  place_bytes(t);
  fill(t, 0);
  if (is_on_file(t))
    return;
  conn_unix(f, &t->c);
  if (t->role == READ || t->role == READ_CANCELLED)
    peer_send(&t->c, 0, LEN);
}

static void crowd_open(struct weir_fixture *f, struct crowd *crowd) {
  memset(crowd, 0, sizeof(*crowd));
  crowd->f = f;
  conn_unix(f, &crowd->beside);
  scratch_make(&crowd->file, ITEMS * LEN);
  crowd->items = calloc(ITEMS, sizeof(struct item));
  cr_assert(crowd->items != NULL);
  for (size_t i = 0; i < ITEMS; i++) {
    struct item *t = &crowd->items[i];

    t->crowd = crowd;
    t->index = i;
    t->role = (int)(i % ROLES);
    item_open(f, t);
  }
}

static void crowd_close(struct weir_fixture *f, struct crowd *crowd) {
  for (int i = 0; i < ITEMS; i++) {
    struct item *t = &crowd->items[i];

    if (!is_on_file(t) && t->role != WAIT_CLOSED)
      check_is(weir_close(&t->c.stream, on_conn_closed), 0);
    close_peer(&t->c);
  }
  conn_close(f, &crowd->beside);
  run_out(f);
  for (int i = 0; i < ITEMS; i++)
    check_is(crowd->items[i].c.closed, !is_on_file(&crowd->items[i]));
  scratch_remove(&crowd->file);
  free(crowd->items);
}

static void in_a_queue_of(struct weir_fixture *f, unsigned entries) {
  fixture_reattach(f, entries);
  fixture_descriptors(f, ITEMS);
  for (int round = 0; round < ROUNDS; round++) {
    struct crowd crowd;

    crowd_open(f, &crowd);
    crowd.trigger.data = &crowd;
    check_is(weir_write(&crowd.trigger, &crowd.beside.stream,
                        weir_seq_block("", 0), begin_all),
             0);
    run_until(f, &crowd.begun);
    for (int i = 0; i < ITEMS; i++)
      expect(f, &crowd.items[i]);
    crowd_close(f, &crowd);
  }
}

WEIR_TEST(crowded, a_queue_of_two_entries) {
  in_a_queue_of(f, 2);
}

WEIR_TEST(crowded, a_queue_of_eight_entries) {
  in_a_queue_of(f, 8);
}

WEIR_TEST(crowded, a_queue_of_the_usual_size) {
  in_a_queue_of(f, 0);
}
