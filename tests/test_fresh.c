/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* Operations that end right after the call that began them, before the loop
 * has turned: it is as if they had never been. Nothing was moved, and what they
 * would have moved is there for the next. */

/* So few that all have room together; more than that. */
enum { LEN = 16, FEW = 64, MANY = 1000 };

struct set_s;

/* One operation, and a second one that finds all as it was. */
typedef struct item_s {
  struct request r;
  struct request again;
  struct conn c;
  const struct set_s *set;
  size_t index;
  char bytes[LEN];
} item_t;

/* What begins, on what; says whether it has happened, and undoes it all. */
typedef struct what_s {
  void (*open)(item_t *item);
  void (*begin)(item_t *item, struct request *r);
  size_t moves;
  void (*check)(item_t *item);
  void (*check_untouched)(item_t *item);
  int is_stream;
} what_t;

typedef struct set_s {
  struct weir_fixture *f;
  const what_t *what;
  item_t *items;
  size_t count;
  struct conn listener;
  struct scratch file;
} set_t;

/* ---- Reads ---- */

/* TCP and UNIX sockets, two by two; of a crowd most are UNIX, which is faster.
 */
static void open_conn(item_t *item) {
  if (item->index < FEW && (item->index & 2) != 0)
    conn_tcp(item->set->f, &item->c);
  else
    conn_unix(item->set->f, &item->c);
}

static void open_with_data(item_t *item) {
  open_conn(item);
  peer_send(&item->c, 0, LEN);
}

static void begin_read(item_t *item, struct request *r) {
  check_is(weir_read_some(&r->op, &item->c.stream,
                          weir_mseq_block(item->bytes, LEN), on_done),
           0);
}

static void begin_read_all(item_t *item, struct request *r) {
  check_is(weir_read(&r->op, &item->c.stream, weir_mseq_block(item->bytes, LEN),
                     weir_all(), on_done),
           0);
}

static void check_bytes(item_t *item) {
  cr_assert(pattern_holds(item->bytes, 0, LEN));
}

static void check_no_bytes(item_t *item) {
  static const char none[LEN];

  cr_assert(memcmp(item->bytes, none, LEN) == 0, "bytes were read");
}

/* ---- Writes ---- */

static void begin_write(item_t *item, struct request *r) {
  pattern_fill(item->bytes, 0, LEN);
  check_is(weir_write(&r->op, &item->c.stream, weir_seq_block(item->bytes, LEN),
                      on_done),
           0);
}

static void begin_eof(item_t *item, struct request *r) {
  pattern_fill(item->bytes, 0, LEN);
  check_is(weir_write_eof(&r->op, &item->c.stream,
                          weir_seq_block(item->bytes, LEN), on_done),
           0);
}

static void check_arrived(item_t *item) {
  peer_take(&item->c, 0, LEN);
  check_is(peer_take_available(&item->c), 0);
}

static void check_not_arrived(item_t *item) {
  check_is(peer_take_available(&item->c), 0);
}

static void check_arrived_whole(item_t *item) {
  peer_take(&item->c, 0, LEN);
  peer_expect_end(&item->c);
}

/* ---- Accepts ---- */

static void listen_begin(set_t *set) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  set->listener.peer = -1;
  check_is(weir_tcp_init(set->f->loop, &set->listener.stream), 0);
  check_is(
      weir_tcp_bind(&set->listener.stream, (const struct sockaddr *)&addr, 0),
      0);
  check_is(weir_listen(&set->listener.stream, MANY + 24), 0);
}

/* The first opens the listener for all. */
static void open_connection(item_t *item) {
  set_t *set = (set_t *)item->set;
  struct sockaddr_in addr;
  int len = sizeof(addr);

  if (item->index == 0)
    listen_begin(set);
  check_is(
      weir_getsockname(&set->listener.stream, (struct sockaddr *)&addr, &len),
      0);
  item->c.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(item->c.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static void begin_accept(item_t *item, struct request *r) {
  set_t *set = (set_t *)item->set;

  check_is(weir_accept(&r->op, &set->listener.stream, &item->c.stream, on_done),
           0);
}

static void check_nothing(item_t *item) {
  (void)item;
}

/* ---- Files ---- */

static void open_file(item_t *item) {
  set_t *set = (set_t *)item->set;

  if (item->index == 0)
    scratch_make(&set->file, set->count * LEN);
}

static int64_t place_of(const item_t *item) {
  return (int64_t)(item->index * LEN);
}

static void begin_pread(item_t *item, struct request *r) {
  const set_t *set = item->set;

  check_is(weir_file_pread(set->f->loop, &r->op, set->file.fd,
                           weir_mseq_block(item->bytes, LEN), place_of(item),
                           on_done),
           0);
}

static void check_was_read(item_t *item) {
  cr_assert(pattern_holds(item->bytes, (size_t)place_of(item), LEN));
}

static void begin_pwrite(item_t *item, struct request *r) {
  const set_t *set = item->set;

  memset(item->bytes, 'w', LEN);
  check_is(weir_file_pwrite(set->f->loop, &r->op, set->file.fd,
                            weir_seq_block(item->bytes, LEN), place_of(item),
                            on_done),
           0);
}

static void check_was_written(item_t *item) {
  char there[LEN];

  check_is(pread(item->set->file.fd, there, LEN, place_of(item)), LEN);
  cr_assert(memcmp(there, item->bytes, LEN) == 0, "the file is as it was");
}

static void check_not_written(item_t *item) {
  scratch_expect(&item->set->file, (size_t)place_of(item), LEN);
}

static const what_t reads = {open_with_data, begin_read,     LEN,
                             check_bytes,    check_no_bytes, 1};
static const what_t reads_all = {open_with_data, begin_read_all, LEN,
                                 check_bytes,    check_no_bytes, 1};
static const what_t writes = {open_conn,     begin_write,       LEN,
                              check_arrived, check_not_arrived, 1};
static const what_t eofs = {open_conn,           begin_eof,         LEN,
                            check_arrived_whole, check_not_arrived, 1};
static const what_t accepts = {open_connection, begin_accept,  0,
                               check_nothing,   check_nothing, 0};
static const what_t preads = {open_file,      begin_pread,    LEN,
                              check_was_read, check_no_bytes, 0};
static const what_t pwrites = {open_file,         begin_pwrite,      LEN,
                               check_was_written, check_not_written, 0};

/* ---- All of them ---- */

static void set_open(struct weir_fixture *f, set_t *set, const what_t *what,
                     size_t count) {
  fixture_descriptors(f, count);
  *set = (set_t){.f = f, .what = what, .count = count, .file = {.fd = -1}};
  set->items = calloc(count, sizeof(item_t));
  cr_assert(set->items != NULL);
  for (size_t i = 0; i < count; i++) {
    item_t *item = &set->items[i];

    item->set = set;
    item->index = i;
    item->c.peer = -1;
    what->open(item);
  }
}

static void set_close(set_t *set) {
  for (size_t i = 0; i < set->count; i++) {
    struct conn *c = &set->items[i].c;

    /* Nobody has to linger, and keep a port, of so many. */
    if (c->peer >= 0)
      reset_peer(c);
    if (c->stream.loop != NULL && c->closed == 0)
      check_is(weir_close(&c->stream, on_conn_closed), 0);
  }
  if (set->listener.stream.loop != NULL && set->listener.closed == 0)
    check_is(weir_close(&set->listener.stream, NULL), 0);
  run_out(set->f);
  if (set->file.fd >= 0)
    scratch_remove(&set->file);
  free(set->items);
}

/* Calls body with the set from outside of uv_run, or within a callback. */
typedef struct scene_s {
  weir_op_t op;
  struct conn c;
  int over;
  void (*body)(set_t *set);
  set_t *set;
} scene_t;

static void on_scene(weir_op_t *op, int status, size_t n) {
  scene_t *scene = op->data;

  (void)n;
  check_is(status, 0);
  scene->body(scene->set);
  scene->over = 1;
}

static void play(set_t *set, void (*body)(set_t *set), int inside) {
  scene_t scene = {.body = body, .set = set};

  if (!inside) {
    body(set);
    return;
  }
  conn_unix(set->f, &scene.c);
  scene.op.data = &scene;
  check_is(
      weir_write(&scene.op, &scene.c.stream, weir_seq_block("", 0), on_scene),
      0);
  run_until(set->f, &scene.over);
  conn_close(set->f, &scene.c);
}

static void begin(item_t *item) {
  item->set->what->begin(item, &item->r);
  check_is(item->r.calls, 0);
}

static void begin_again(item_t *item) {
  item->set->what->begin(item, &item->again);
}

static void cancel(item_t *item) {
  weir_cancel(&item->r.op);
  check_is(item->r.calls, 0);
}

static void each(set_t *set, size_t every, void (*function)(item_t *item)) {
  for (size_t i = 0; i < set->count; i += every)
    function(&set->items[i]);
}

/* It has happened as if the others had never been. */
static void expect_happened(item_t *item) {
  finish(item->set->f, &item->r, 0, item->set->what->moves);
  item->set->what->check(item);
}

static void expect_cancelled(item_t *item) {
  finish(item->set->f, &item->r, UV_ECANCELED, 0);
}

/* It was cancelled: nothing has happened, and may yet. */
static void expect_untouched(item_t *item) {
  expect_cancelled(item);
  item->set->what->check_untouched(item);
  begin_again(item);
}

static void expect_again(item_t *item) {
  finish(item->set->f, &item->again, 0, item->set->what->moves);
  item->set->what->check(item);
}

/* ---- Cancelled ---- */

static void begin_and_cancel(item_t *item) {
  begin(item);
  cancel(item);
}

static void cancel_each(set_t *set) {
  each(set, 1, begin_and_cancel);
}

/* The others are not disturbed. */
static void cancel_every_second(set_t *set) {
  for (size_t i = 0; i < set->count; i++)
    (i % 2 == 0 ? begin_and_cancel : begin)(&set->items[i]);
}

static void cancel_together(set_t *set) {
  each(set, 1, begin);
  each(set, 1, cancel);
}

static void cancel_every_second_together(set_t *set) {
  each(set, 1, begin);
  each(set, 2, cancel);
}

static void cancel_in(struct weir_fixture *f, const what_t *what, size_t count,
                      void (*body)(set_t *set), size_t every, int inside) {
  set_t set;

  set_open(f, &set, what, count);
  play(&set, body, inside);
  run_some_turns(f);
  if (every == 2)
    for (size_t i = 1; i < count; i += 2)
      expect_happened(&set.items[i]);
  each(&set, every, expect_untouched);
  each(&set, every, expect_again);
  set_close(&set);
}

static void cancelled(struct weir_fixture *f, const what_t *what) {
  for (int inside = 0; inside < 2; inside++) {
    cancel_in(f, what, 1, cancel_each, 1, inside);
    cancel_in(f, what, 2, cancel_each, 1, inside);
    cancel_in(f, what, 2, cancel_every_second, 2, inside);
    cancel_in(f, what, FEW, cancel_together, 1, inside);
    cancel_in(f, what, FEW, cancel_every_second_together, 2, inside);
  }
  cancel_in(f, what, MANY, cancel_each, 1, 0);
  cancel_in(f, what, MANY, cancel_every_second, 2, 1);
}

WEIR_TEST(fresh, reads_are_cancelled) {
  cancelled(f, &reads);
}

WEIR_TEST(fresh, reads_of_all_are_cancelled) {
  cancelled(f, &reads_all);
}

WEIR_TEST(fresh, writes_are_cancelled) {
  cancelled(f, &writes);
}

WEIR_TEST(fresh, ends_are_cancelled) {
  cancelled(f, &eofs);
}

WEIR_TEST(fresh, accepts_are_cancelled) {
  cancelled(f, &accepts);
}

WEIR_TEST(fresh, preads_are_cancelled) {
  cancelled(f, &preads);
}

WEIR_TEST(fresh, pwrites_are_cancelled) {
  cancelled(f, &pwrites);
}

/* ---- Cancelled, and begun anew at once ---- */

static void begin_cancel_begin(item_t *item) {
  begin_and_cancel(item);
  begin_again(item);
}

static void replace_each(set_t *set) {
  each(set, 1, begin_cancel_begin);
}

static void expect_replaced(item_t *item) {
  expect_cancelled(item);
  expect_again(item);
}

static void replaced(struct weir_fixture *f, const what_t *what) {
  static const size_t counts[] = {1, 2, FEW, MANY};

  for (int i = 0; i < 7; i++) {
    set_t set;

    set_open(f, &set, what, counts[i / 2]);
    play(&set, replace_each, i % 2);
    each(&set, 1, expect_replaced);
    set_close(&set);
  }
}

WEIR_TEST(fresh, reads_are_replaced) {
  replaced(f, &reads);
}

WEIR_TEST(fresh, writes_are_replaced) {
  replaced(f, &writes);
}

WEIR_TEST(fresh, ends_are_replaced) {
  replaced(f, &eofs);
}

WEIR_TEST(fresh, accepts_are_replaced) {
  replaced(f, &accepts);
}

WEIR_TEST(fresh, preads_are_replaced) {
  replaced(f, &preads);
}

WEIR_TEST(fresh, pwrites_are_replaced) {
  replaced(f, &pwrites);
}

/* ---- Closed ---- */

static void begin_and_close(item_t *item) {
  begin(item);
  check_is(weir_close(&item->c.stream, on_conn_closed), 0);
  check_is(item->r.calls, 0);
}

static void close_all_of(set_t *set) {
  each(set, 1, begin_and_close);
}

static void close_every_second(set_t *set) {
  for (size_t i = 0; i < set->count; i++)
    (i % 2 == 0 ? begin_and_close : begin)(&set->items[i]);
}

static void expect_closed(item_t *item) {
  expect_cancelled(item);
  run_until(item->set->f, &item->c.closed);
  check_is(item->c.closed, 1);
  item->set->what->check_untouched(item);
}

static void close_in(struct weir_fixture *f, const what_t *what, size_t count,
                     void (*body)(set_t *set), size_t every, int inside) {
  set_t set;

  set_open(f, &set, what, count);
  play(&set, body, inside);
  if (every == 2)
    for (size_t i = 1; i < count; i += 2)
      expect_happened(&set.items[i]);
  each(&set, every, expect_closed);
  set_close(&set);
}

static void closed(struct weir_fixture *f, const what_t *what) {
  for (int inside = 0; inside < 2; inside++) {
    close_in(f, what, 1, close_all_of, 1, inside);
    close_in(f, what, 2, close_every_second, 2, inside);
    close_in(f, what, FEW, close_all_of, 1, inside);
  }
  close_in(f, what, MANY, close_all_of, 1, 0);
  close_in(f, what, MANY, close_every_second, 2, 1);
}

WEIR_TEST(fresh, reads_are_closed) {
  closed(f, &reads);
}

WEIR_TEST(fresh, writes_are_closed) {
  closed(f, &writes);
}

WEIR_TEST(fresh, ends_are_closed) {
  closed(f, &eofs);
}

static void begin_and_close_listener(set_t *set) {
  each(set, 1, begin);
  check_is(weir_close(&set->listener.stream, on_conn_closed), 0);
}

WEIR_TEST(fresh, accepts_are_closed) {
  for (int inside = 0; inside < 2; inside++) {
    set_t set;

    set_open(f, &set, &accepts, FEW);
    play(&set, begin_and_close_listener, inside);
    each(&set, 1, expect_cancelled);
    run_until(f, &set.listener.closed);
    for (size_t i = 0; i < FEW; i++)
      set.items[i].c.stream.loop = NULL; /* it was never one */
    set_close(&set);
  }
}

/* ---- Many writes of one stream ---- */

enum { WRITES = 1000 };

/* Begins them with every second one cancelled at once, or all afterwards. What
 * the peer gets is what they say that they sent, in order. */
static void writes_of_one(struct weir_fixture *f, size_t count,
                          int afterwards) {
  struct request *r = calloc(count, sizeof(*r));
  char *bytes = malloc(count * LEN);
  size_t sent = 0, i;
  struct conn c;

  cr_assert(r != NULL && bytes != NULL);
  pattern_fill(bytes, 0, count * LEN);
  conn_tcp(f, &c);
  for (i = 0; i < count; i++) {
    check_is(weir_write(&r[i].op, &c.stream,
                        weir_seq_block(bytes + i * LEN, LEN), on_done),
             0);
    if (!afterwards && i % 2 == 0)
      weir_cancel(&r[i].op);
  }
  for (i = 0; afterwards && i < count; i++)
    if (r[i].calls == 0)
      weir_cancel(&r[i].op);
  for (i = 0; i < count; i++) {
    char there[LEN];

    run_until(f, &r[i].calls);
    check_is(r[i].calls, 1);
    if (r[i].n == LEN)
      check_is(r[i].status, 0);
    else
      check_is(r[i].status, UV_ECANCELED);
    if (r[i].n > 0)
      check_is(recv(c.peer, there, r[i].n, MSG_WAITALL), r[i].n);
    cr_assert(pattern_holds(there, i * LEN, r[i].n));
    sent += r[i].n;
    /* What has not filled a window has not begun. */
    if (count < WEIR_WINDOW)
      check_is(r[i].n, afterwards || i % 2 == 0 ? 0 : LEN);
  }
  check_is(weir_stream_queued(&c.stream), 0);
  check_is(stats_of(f).bytes_written, sent);
  close_stream(f, &c);
  peer_expect_end(&c);
  close_peer(&c);
  free(bytes);
  free(r);
}

WEIR_TEST(fresh, some_writes_of_one_stream_are_cancelled) {
  writes_of_one(f, WRITES, 0);
}

WEIR_TEST(fresh, few_writes_of_one_stream_are_cancelled) {
  writes_of_one(f, WEIR_WINDOW - 1, 0);
}

WEIR_TEST(fresh, all_writes_of_one_stream_are_cancelled) {
  writes_of_one(f, WRITES, 1);
}

WEIR_TEST(fresh, all_of_few_writes_of_one_stream_are_cancelled) {
  writes_of_one(f, WEIR_WINDOW - 1, 1);
}
