/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/net.h"
#include "support/scratch.h"

/* A kind whose transfers are operations on a file: each start of a stream is
 * one of a file as well. */

enum { READERS = 1200, ENDLESS = 100000, MOST_PER_TURN = 4096 };

struct over {
  weir_stream_t stream;
  weir_op_t op;
  int fd;
  struct request read;
  char byte;
};

static void on_file(weir_op_t *op, int status, size_t n) {
  struct over *o = (struct over *)((char *)op - offsetof(struct over, op));

  weir_stream_read_done(&o->stream, status, n);
}

static int over_read(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  struct over *o = weir_stream_impl(stream);
  int r;

  (void)n;
  r = weir_file_pread(weir_stream_loop(stream), &o->op, o->fd,
                      weir_mseq_bufs(bufs, nbufs), 0, on_file);
  return r == 0 ? WEIR_PENDING : r;
}

static int byte_read(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  (void)stream;
  (void)nbufs;
  *bufs[0].base = 'x';
  *n = 1;
  return 0;
}

static int no_write(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                    size_t *n) {
  (void)stream;
  (void)bufs;
  (void)nbufs;
  (void)n;
  return UV_ENOTSUP;
}

static int over_cancel(weir_stream_t *stream) {
  struct over *o = weir_stream_impl(stream);

  weir_cancel(&o->op);
  return 0;
}

static int nothing(weir_stream_t *stream) {
  (void)stream;
  return 0;
}

static weir_stream_kind_t kind_of(int (*read)(weir_stream_t *, const uv_buf_t *,
                                              unsigned, size_t *)) {
  return (weir_stream_kind_t){.size = sizeof(weir_stream_kind_t),
                              .name = "over",
                              .read_some = read,
                              .write_some = no_write,
                              .cancel_read = over_cancel,
                              .cancel_write = nothing,
                              .shutdown = nothing,
                              .close = weir_stream_close_done};
}

static void over_open(struct weir_fixture *f, struct over *o,
                      const weir_stream_kind_t *kind, int fd) {
  memset(o, 0, sizeof(*o));
  o->fd = fd;
  check_is(weir_stream_init(f->loop, &o->stream, kind, o), 0);
}

/* Whoever asks the program is not begun in its call. */
static size_t one(void *arg, size_t n) {
  (void)arg;
  return n == 0;
}

/* What streams begin while they are started themselves. */
WEIR_TEST(over_files, a_turn_has_its_bound) {
  const weir_stream_kind_t kind = kind_of(over_read);
  const weir_stream_kind_t endless = kind_of(byte_read);
  static struct over readers[READERS], flood;
  static char much[ENDLESS];
  struct scratch file;
  uint64_t most = 0;
  int i;

  scratch_make(&file, 1);
  for (i = 0; i < READERS; i++) {
    over_open(f, &readers[i], &kind, file.fd);
    check_is(weir_read(&readers[i].read.op, &readers[i].stream,
                       weir_mseq_block(&readers[i].byte, 1),
                       weir_when(one, NULL), on_done),
             0);
  }
  over_open(f, &flood, &endless, -1);
  check_is(weir_read(&flood.read.op, &flood.stream,
                     weir_mseq_block(much, ENDLESS), weir_all(), on_done),
           0);
  while (flood.read.calls == 0) {
    uint64_t before = stats_of(f).reads;
    uint64_t now;

    uv_run(&f->uv, UV_RUN_NOWAIT);
    now = stats_of(f).reads - before;
    most = now > most ? now : most;
  }
  cr_assert(most <= MOST_PER_TURN, "%llu reads in one turn",
            (unsigned long long)most);
  for (i = 0; i < READERS; i++) {
    if (readers[i].read.calls == 0)
      finish(f, &readers[i].read, 0, 1);
    check_is(readers[i].read.status, 0);
    check_is(weir_close(&readers[i].stream, NULL), 0);
  }
  check_is(weir_close(&flood.stream, NULL), 0);
  run_out(f);
  scratch_remove(&file);
}
