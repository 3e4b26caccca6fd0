/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* A turn of the loop has a bound, however much could be done in it, and
 * everybody has a share in it. */

enum {
  MOST_PER_TURN = 4096, /* of whatever is counted */
  MOST_BEFORE = 20000,  /* of others' transfers before one's own callback */
  STREAMS = 1000
};

/* ---- What happened in each turn ---- */

typedef struct gauge_s {
  uv_prepare_t prepare;
  struct weir_fixture *f;
  weir_loop_stats_t last;
  uint64_t turns;
  uint64_t callbacks; /* the most in one turn; the same for the others */
  uint64_t transfers;
  uint64_t sqes;
  uint64_t allocations;
} gauge_t;

static void keep_most(uint64_t *most, uint64_t now, uint64_t before) {
  if (now - before > *most)
    *most = now - before;
}

/* Everything here moves one byte at a time. */
static uint64_t transfers_of(const weir_loop_stats_t *s) {
  return s->reads + s->bytes_written;
}

static void on_prepare(uv_prepare_t *prepare) {
  gauge_t *g = prepare->data;
  weir_loop_stats_t now = stats_of(g->f);

  keep_most(&g->callbacks, now.callbacks, g->last.callbacks);
  keep_most(&g->transfers, transfers_of(&now), transfers_of(&g->last));
  keep_most(&g->sqes, now.sqes, g->last.sqes);
  keep_most(&g->allocations, now.allocations, g->last.allocations);
  g->last = now;
  g->turns++;
}

static void gauge_open(struct weir_fixture *f, gauge_t *g) {
  *g = (gauge_t){.f = f, .last = stats_of(f)};
  check_is(uv_prepare_init(&f->uv, &g->prepare), 0);
  check_is(uv_prepare_start(&g->prepare, on_prepare), 0);
  uv_unref((uv_handle_t *)&g->prepare);
  g->prepare.data = g;
}

static void gauge_close(gauge_t *g) {
  uv_close((uv_handle_t *)&g->prepare, NULL);
  run_out(g->f);
}

/* Runs count turns of a loop that always has something to do. */
static void turns(const gauge_t *g, uint64_t count) {
  uint64_t end = g->turns + count;

  while (g->turns < end)
    uv_run(&g->f->uv, UV_RUN_NOWAIT);
}

static void expect_bounds(const gauge_t *g) {
  cr_assert(g->callbacks <= MOST_PER_TURN, "%llu callbacks in one turn",
            (unsigned long long)g->callbacks);
  cr_assert(g->sqes <= MOST_PER_TURN, "%llu entries in one turn",
            (unsigned long long)g->sqes);
  cr_assert(g->allocations <= MOST_PER_TURN, "%llu allocations in one turn",
            (unsigned long long)g->allocations);
}

/* Of streams; what threads have done for files is taken from them at once. */
static void expect_few_transfers(const gauge_t *g) {
  cr_assert(g->transfers <= MOST_PER_TURN, "%llu transfers in one turn",
            (unsigned long long)g->transfers);
}

/* ---- A crowd of busy streams ---- */

typedef struct member_s {
  weir_op_t op;
  struct conn c;
  struct crowd_s *crowd;
  unsigned long calls;
  char bytes[2];
} member_t;

typedef struct crowd_s {
  struct weir_fixture *f;
  void (*begin)(member_t *member);
  size_t count;
  int stop;
  unsigned long calls;
  void (*in_callback)(struct crowd_s *crowd);
  member_t members[];
} crowd_t;

static void on_member(weir_op_t *op, int status, size_t n) {
  member_t *m = (member_t *)op;
  crowd_t *crowd = m->crowd;

  (void)n;
  m->calls++;
  crowd->calls++;
  if (crowd->in_callback != NULL)
    crowd->in_callback(crowd);
  if (!crowd->stop && status == 0)
    crowd->begin(m);
}

/* Each has `bytes` to read. */
static crowd_t *crowd_open(struct weir_fixture *f, size_t count, size_t bytes,
                           void (*begin)(member_t *member)) {
  crowd_t *crowd = calloc(1, sizeof(*crowd) + count * sizeof(member_t));

  cr_assert(crowd != NULL);
  crowd->f = f;
  crowd->begin = begin;
  crowd->count = count;
  fixture_descriptors(f, count);
  for (size_t i = 0; i < count; i++) {
    crowd->members[i].crowd = crowd;
    conn_unix(f, &crowd->members[i].c);
    if (bytes > 0)
      peer_send(&crowd->members[i].c, 0, bytes);
  }
  return crowd;
}

static void crowd_begin(crowd_t *crowd) {
  for (size_t i = 0; i < crowd->count; i++)
    crowd->begin(&crowd->members[i]);
}

static void crowd_close(crowd_t *crowd) {
  crowd->stop = 1;
  for (size_t i = 0; i < crowd->count; i++)
    check_is(weir_close(&crowd->members[i].c.stream, on_conn_closed), 0);
  run_out(crowd->f);
  for (size_t i = 0; i < crowd->count; i++) {
    check_is(crowd->members[i].c.closed, 1);
    close_peer(&crowd->members[i].c);
  }
  free(crowd);
}

static void expect_a_share_for_all(const crowd_t *crowd) {
  for (size_t i = 0; i < crowd->count; i++)
    cr_assert(crowd->members[i].calls > 0, "stream %zu of %zu was left out", i,
              crowd->count);
}

static void read_one(member_t *m) {
  check_is(weir_read_some(&m->op, &m->c.stream, weir_mseq_block(m->bytes, 1),
                          on_member),
           0);
}

static void write_one(member_t *m) {
  check_is(weir_write(&m->op, &m->c.stream, weir_seq_block("x", 1), on_member),
           0);
}

/* One to each side, by turns. */
static void do_one(member_t *m) {
  if (m->calls % 2 == 0)
    read_one(m);
  else
    write_one(m);
}

static void write_nothing(member_t *m) {
  check_is(weir_write(&m->op, &m->c.stream, weir_seq_block(NULL, 0), on_member),
           0);
}

/* ---- The bound ---- */

enum { TO_READ = 16384, TURNS = 40 };

static void busy_streams(struct weir_fixture *f,
                         void (*begin)(member_t *member)) {
  crowd_t *crowd = crowd_open(f, STREAMS, TO_READ, begin);
  gauge_t gauge;

  gauge_open(f, &gauge);
  crowd_begin(crowd);
  turns(&gauge, TURNS);
  expect_bounds(&gauge);
  expect_few_transfers(&gauge);
  expect_a_share_for_all(crowd);
  crowd_close(crowd);
  gauge_close(&gauge);
}

WEIR_TEST(turn, has_a_bound_with_many_readable_streams) {
  busy_streams(f, read_one);
}

WEIR_TEST(turn, has_a_bound_with_many_writable_streams) {
  busy_streams(f, write_one);
}

WEIR_TEST(turn, has_a_bound_with_many_streams_ready_for_both) {
  busy_streams(f, do_one);
}

WEIR_TEST(turn, has_a_bound_with_many_empty_writes) {
  busy_streams(f, write_nothing);
}

/* A read of many transfers has no callbacks in between. */
enum { LONG = 8192 };

static void read_long(member_t *m) {
  static char into[LONG];
  weir_cond_t cond = weir_all();

  cond.cap = 1;
  check_is(weir_read(&m->op, &m->c.stream, weir_mseq_block(into, LONG), cond,
                     on_member),
           0);
}

WEIR_TEST(turn, has_a_bound_with_many_reads_of_many_transfers) {
  crowd_t *crowd = crowd_open(f, STREAMS, TO_READ, read_long);
  gauge_t gauge;

  gauge_open(f, &gauge);
  crowd_begin(crowd);
  turns(&gauge, TURNS);
  expect_bounds(&gauge);
  expect_few_transfers(&gauge);
  crowd_close(crowd);
  gauge_close(&gauge);
}

WEIR_TEST(turn, has_a_bound_when_many_are_closed) {
  crowd_t *crowd = crowd_open(f, 6000, 0, read_one);
  gauge_t gauge;

  crowd_begin(crowd);
  for (int i = 0; i < 8; i++)
    run_some_turns(f);
  gauge_open(f, &gauge);
  crowd_close(crowd);
  expect_bounds(&gauge);
  gauge_close(&gauge);
}

/* ---- A signal gets through ---- */

typedef struct alarm_s {
  uv_signal_t signal;
  const crowd_t *crowd;
  unsigned long raised; /* at that callback of the crowd's */
  unsigned long seen;
} alarm_t;

static alarm_t alarm_bell;

static void raise_once(crowd_t *crowd) {
  if (alarm_bell.raised > 0 || crowd->calls < 2000)
    return;
  alarm_bell.raised = crowd->calls;
  raise(SIGUSR1);
}

static void on_signal(uv_signal_t *signal, int number) {
  alarm_t *a = signal->data;

  (void)number;
  a->seen = a->crowd->calls;
}

WEIR_TEST(turn, lets_a_signal_through) {
  crowd_t *crowd = crowd_open(f, STREAMS, TO_READ, read_one);
  alarm_t *a = &alarm_bell;

  *a = (alarm_t){.crowd = crowd};
  a->signal.data = a;
  check_is(uv_signal_init(&f->uv, &a->signal), 0);
  check_is(uv_signal_start(&a->signal, on_signal, SIGUSR1), 0);
  crowd->in_callback = raise_once;
  crowd_begin(crowd);
  while (a->seen == 0)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  cr_assert(a->seen - a->raised <= MOST_BEFORE,
            "the signal came after %lu callbacks", a->seen - a->raised);
  uv_close((uv_handle_t *)&a->signal, NULL);
  crowd_close(crowd);
}

/* ---- Files ---- */

enum { FILES = 100000, CHAINS = 1500, CANCELS = 20000 };

typedef struct files_s {
  struct weir_fixture *f;
  struct scratch file;
  weir_op_t *ops;
  char *bytes;
  size_t calls;
  size_t cancelled;
  int again;
} files_t;

static void on_file(weir_op_t *op, int status, size_t n) {
  files_t *files = op->data;

  files->calls++;
  files->cancelled += status == UV_ECANCELED;
  cr_assert(status == UV_ECANCELED || (status == 0 && n == 1));
  if (files->again)
    check_is(weir_file_pread(files->f->loop, op, files->file.fd,
                             weir_mseq_block(files->bytes, 1), 0, on_file),
             0);
}

static void files_open(struct weir_fixture *f, files_t *files, size_t count) {
  *files = (files_t){.f = f};
  scratch_make(&files->file, 16);
  files->ops = calloc(count, sizeof(*files->ops));
  files->bytes = calloc(count, 1);
  cr_assert(files->ops != NULL && files->bytes != NULL);
}

static void files_begin(files_t *files, size_t count, int fd, int64_t offset) {
  for (size_t i = 0; i < count; i++) {
    files->ops[i].data = files;
    check_is(weir_file_pread(files->f->loop, &files->ops[i], fd,
                             weir_mseq_block(files->bytes + i, 1), offset,
                             on_file),
             0);
  }
}

static void files_close(files_t *files) {
  free(files->ops);
  free(files->bytes);
  scratch_remove(&files->file);
}

WEIR_TEST(turn, starts_only_so_many_of_the_files_that_wait) {
  files_t files;
  gauge_t gauge;

  files_open(f, &files, FILES);
  gauge_open(f, &gauge);
  files_begin(&files, FILES, files.file.fd, 0);
  run_out(f);
  check_is(files.calls, FILES);
  expect_bounds(&gauge);
  cr_assert(gauge.turns >= FILES / MOST_PER_TURN, "in %llu turns",
            (unsigned long long)gauge.turns);
  gauge_close(&gauge);
  files_close(&files);
}

WEIR_TEST(turn, has_a_bound_with_many_busy_files) {
  files_t files;
  gauge_t gauge;

  files_open(f, &files, CHAINS);
  gauge_open(f, &gauge);
  files.again = 1;
  files_begin(&files, CHAINS, files.file.fd, 0);
  while (gauge.turns < TURNS)
    uv_run(&f->uv, UV_RUN_ONCE);
  files.again = 0;
  run_out(f);
  expect_bounds(&gauge);
  gauge_close(&gauge);
  files_close(&files);
}

/* Reads of a pipe, which nothing but the cancellation ends; but for those that
 * threads of libuv's are in. */
WEIR_TEST(turn, has_a_bound_when_many_files_are_cancelled) {
  static const char bytes[4];
  files_t files;
  gauge_t gauge;
  int fds[2];

  setenv("UV_THREADPOOL_SIZE", "4", 1);
  files_open(f, &files, CANCELS);
  check_is(pipe(fds), 0);
  files_begin(&files, CANCELS, fds[0], -1);
  for (int i = 0; i < 8; i++)
    run_some_turns(f);
  check_is(files.calls, 0);
  gauge_open(f, &gauge);
  for (size_t i = 0; i < CANCELS; i++)
    weir_cancel(&files.ops[i]);
  while (files.calls < CANCELS - sizeof(bytes))
    run_turn(f);
  check_is(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
  run_out(f);
  check_is(files.calls, CANCELS);
  cr_assert(files.cancelled >= CANCELS - sizeof(bytes));
  expect_bounds(&gauge);
  gauge_close(&gauge);
  files_close(&files);
  close(fds[0]);
  close(fds[1]);
}

/* ---- Everybody's share ---- */

/* A kind that is never done and never waits: one byte at a time. */
static int drip(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                size_t *n) {
  (void)stream;
  (void)nbufs;
  bufs[0].base[0] = 'x';
  *n = 1;
  return 0;
}

static int drip_away(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  (void)stream;
  (void)bufs;
  (void)nbufs;
  *n = 1;
  return 0;
}

static int no_cancel(weir_stream_t *stream) {
  (void)stream;
  return 0;
}

static void drip_close(weir_stream_t *stream) {
  weir_stream_close_done(stream);
}

static const weir_stream_kind_t drip_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "drip",
    .read_some = drip,
    .write_some = drip_away,
    .cancel_read = no_cancel,
    .cancel_write = no_cancel,
    .shutdown = no_cancel,
    .close = drip_close,
};

/* A flood of so many streams with so many transfers each: more than may come
 * before anybody else's one, and no end before that. */
enum { FLOOD = 1100, EACH = 200 };

typedef struct flood_s {
  struct weir_fixture *f;
  weir_op_t ops[FLOOD];
  weir_stream_t streams[FLOOD];
  int peers[FLOOD];
  int left[FLOOD];
  size_t over;
  char bytes[EACH];
} flood_t;

static void on_flood_over(weir_op_t *op, int status, size_t n) {
  flood_t *flood = op->data;

  check_is(status, 0);
  check_is(n, EACH);
  flood->over++;
}

static void flood_with_sockets(flood_t *flood) {
  weir_cond_t cond = weir_all();

  cond.cap = 1;
  for (int i = 0; i < FLOOD; i++) {
    int fds[2];

    pair_unix(fds);
    flood->peers[i] = fds[1];
    check_is(send(fds[1], flood->bytes, EACH, MSG_NOSIGNAL), EACH);
    check_is(weir_pipe_init(flood->f->loop, &flood->streams[i]), 0);
    check_is(weir_pipe_open(&flood->streams[i], fds[0]), 0);
    check_is(weir_read(&flood->ops[i], &flood->streams[i],
                       weir_mseq_block(flood->bytes, EACH), cond,
                       on_flood_over),
             0);
  }
}

static void flood_with_reads(flood_t *flood) {
  for (int i = 0; i < FLOOD; i++) {
    check_is(
        weir_stream_init(flood->f->loop, &flood->streams[i], &drip_kind, NULL),
        0);
    check_is(weir_read(&flood->ops[i], &flood->streams[i],
                       weir_mseq_block(flood->bytes, EACH), weir_all(),
                       on_flood_over),
             0);
  }
}

static void flood_with_writes(flood_t *flood) {
  for (int i = 0; i < FLOOD; i++) {
    check_is(
        weir_stream_init(flood->f->loop, &flood->streams[i], &drip_kind, NULL),
        0);
    check_is(weir_write(&flood->ops[i], &flood->streams[i],
                        weir_seq_block(flood->bytes, EACH), on_flood_over),
             0);
  }
}

/* The same by callbacks: each begins the next. */
static void on_drop(weir_op_t *op, int status, size_t n) {
  flood_t *flood = op->data;
  size_t i = (size_t)(op - flood->ops);

  check_is(status, 0);
  check_is(n, 1);
  if (--flood->left[i] == 0)
    flood->over++;
  else
    check_is(weir_read_some(op, &flood->streams[i],
                            weir_mseq_block(flood->bytes, 1), on_drop),
             0);
}

static void flood_with_callbacks(flood_t *flood) {
  for (int i = 0; i < FLOOD; i++) {
    flood->left[i] = EACH;
    check_is(
        weir_stream_init(flood->f->loop, &flood->streams[i], &drip_kind, NULL),
        0);
    check_is(weir_read_some(&flood->ops[i], &flood->streams[i],
                            weir_mseq_block(flood->bytes, 1), on_drop),
             0);
  }
}

/* And with operations that are done when they are begun. */
static void on_empty(weir_op_t *op, int status, size_t n) {
  flood_t *flood = op->data;
  size_t i = (size_t)(op - flood->ops);

  check_is(status, 0);
  check_is(n, 0);
  if (--flood->left[i] == 0)
    flood->over++;
  else
    check_is(weir_file_pread(flood->f->loop, op, 0, weir_mseq_block(NULL, 0), 0,
                             on_empty),
             0);
}

static void flood_with_empty_files(flood_t *flood) {
  for (int i = 0; i < FLOOD; i++) {
    flood->left[i] = EACH;
    check_is(weir_file_pread(flood->f->loop, &flood->ops[i], 0,
                             weir_mseq_block(NULL, 0), 0, on_empty),
             0);
  }
}

static flood_t *flood_open(struct weir_fixture *f,
                           void (*begin)(flood_t *flood)) {
  flood_t *flood = calloc(1, sizeof(*flood));

  cr_assert(flood != NULL);
  flood->f = f;
  fixture_descriptors(f, FLOOD);
  for (int i = 0; i < FLOOD; i++) {
    flood->ops[i].data = flood;
    flood->peers[i] = -1;
  }
  begin(flood);
  return flood;
}

static void flood_close(flood_t *flood) {
  run_out(flood->f);
  check_is(flood->over, FLOOD);
  for (int i = 0; i < FLOOD; i++) {
    if (flood->streams[i].loop != NULL)
      check_is(weir_close(&flood->streams[i], NULL), 0);
    if (flood->peers[i] >= 0)
      close(flood->peers[i]);
  }
  run_out(flood->f);
  free(flood);
}

/* One operation of somebody else's, and what came before its callback. */
typedef struct probe_s {
  weir_op_t op;
  struct weir_fixture *f;
  struct conn c;
  weir_loop_stats_t began;
  weir_loop_stats_t came;
  int calls;
} probe_t;

static void on_probe(weir_op_t *op, int status, size_t n) {
  probe_t *p = (probe_t *)op;

  (void)n;
  cr_assert(status == 0 || status == UV_ECANCELED);
  p->calls++;
  p->came = stats_of(p->f);
}

static void on_probe_closed(weir_stream_t *stream) {
  probe_t *p = stream->data;

  p->c.closed = 1;
  p->calls++;
  p->came = stats_of(p->f);
}

enum { WRITE, READ, CANCEL, CLOSE, EMPTY_FILE, PROBES };

static void probe_begin(struct weir_fixture *f, probe_t *p, int which) {
  static char byte;

  *p = (probe_t){.f = f};
  conn_unix(f, &p->c);
  peer_send(&p->c, 0, 1);
  p->c.stream.data = p;
  p->began = stats_of(f);
  if (which == WRITE)
    check_is(weir_write(&p->op, &p->c.stream, weir_seq_block("x", 1), on_probe),
             0);
  else if (which == CLOSE)
    check_is(weir_close(&p->c.stream, on_probe_closed), 0);
  else if (which == EMPTY_FILE)
    check_is(weir_file_pread(f->loop, &p->op, 0, weir_mseq_block(NULL, 0), 0,
                             on_probe),
             0);
  else
    check_is(weir_read_some(&p->op, &p->c.stream, weir_mseq_block(&byte, 1),
                            on_probe),
             0);
  if (which == CANCEL)
    weir_cancel(&p->op);
}

static void expect_probe(const probe_t *p, int which) {
  static const char *const names[] = {"a write", "a read", "a cancelled read",
                                      "a close", "an empty read of a file"};

  uint64_t callbacks = p->came.callbacks - p->began.callbacks;
  uint64_t transfers = transfers_of(&p->came) - transfers_of(&p->began);

  check_is(p->calls, 1);
  cr_assert(callbacks <= MOST_BEFORE && transfers <= MOST_BEFORE,
            "%s came after %llu callbacks and %llu transfers", names[which],
            (unsigned long long)callbacks, (unsigned long long)transfers);
}

static void everybody_has_a_share(struct weir_fixture *f,
                                  void (*begin)(flood_t *flood)) {
  flood_t *flood = flood_open(f, begin);
  probe_t probes[PROBES];

  for (int i = 0; i < PROBES; i++)
    probe_begin(f, &probes[i], i);
  run_out(f);
  for (int i = 0; i < PROBES; i++)
    expect_probe(&probes[i], i);
  flood_close(flood);
  for (int i = 0; i < PROBES; i++) {
    if (!probes[i].c.closed)
      close_stream(f, &probes[i].c);
    close_peer(&probes[i].c);
  }
}

WEIR_TEST(turn, has_a_share_for_all_under_a_flood_of_sockets) {
  everybody_has_a_share(f, flood_with_sockets);
}

WEIR_TEST(turn, has_a_share_for_all_under_a_flood_of_reads) {
  everybody_has_a_share(f, flood_with_reads);
}

WEIR_TEST(turn, has_a_share_for_all_under_a_flood_of_writes) {
  everybody_has_a_share(f, flood_with_writes);
}

WEIR_TEST(turn, has_a_share_for_all_under_a_flood_of_callbacks) {
  everybody_has_a_share(f, flood_with_callbacks);
}

WEIR_TEST(turn, has_a_share_for_all_under_a_flood_of_empty_file_reads) {
  everybody_has_a_share(f, flood_with_empty_files);
}

/* Streams that are never done, more than are started in a turn: the files'
 * share is not what they leave. */
WEIR_TEST(turn, has_a_share_for_files_under_a_flood_of_streams) {
  flood_t *flood = flood_open(f, flood_with_callbacks);
  struct request read = {0}, cancelled = {0};
  char byte;
  int fds[2];

  for (int i = 0; i < FLOOD; i++)
    flood->left[i] = INT_MAX;
  check_is(pipe(fds), 0);
  check_is(weir_file_pread(f->loop, &cancelled.op, fds[0],
                           weir_mseq_block(&byte, 1), -1, on_done),
           0);
  run_some_turns(f);
  weir_cancel(&cancelled.op);
  run_until(f, &cancelled.calls);
  check_is(cancelled.status, UV_ECANCELED);
  check_is(write(fds[1], "x", 1), 1);
  check_is(weir_file_pread(f->loop, &read.op, fds[0], weir_mseq_block(&byte, 1),
                           -1, on_done),
           0);
  run_until(f, &read.calls);
  check_is(read.status, 0);
  for (int i = 0; i < FLOOD; i++)
    flood->left[i] = 1;
  flood_close(flood);
  close(fds[0]);
  close(fds[1]);
}
