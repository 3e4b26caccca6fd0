/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <unistd.h>

#include "support/scene.h"
#include "support/scratch.h"

/* Buffers that grow, files and pools without memory. */

/* ---- Buffers ---- */

enum { LINE = 20000, REST = 30000 };

/* A line into the buffer, and all behind it. */
static void fill(struct scene *t, struct end ends[2], weir_buffer_t *buffer) {
  static char bytes[LINE + REST];
  struct request w = {0}, r = {0};
  int step, reads;

  memset(bytes, 'x', sizeof(bytes));
  bytes[LINE - 1] = '\n';
  if (!taken(t, weir_write_eof(&w.op, &ends[0].stream,
                               weir_seq_block(bytes, sizeof(bytes)), on_done)))
    return;
  for (step = 0; step < 2; step++) {
    memset(&r, 0, sizeof(r));
    reads = taken(t, step == 0 ? weir_read_until(&r.op, &ends[1].stream, buffer,
                                                 weir_until_byte('\n'), on_done)
                               : weir_read_to_end(&r.op, &ends[1].stream,
                                                  buffer, 0, on_done));
    if (!reads)
      break;
    run_until(t->f, &r.calls);
    cr_assert(r.status == 0 || (r.status == UV_ENOMEM && !t->plenty));
    check_is(r.n, r.status == 0 && step == 0 ? LINE : weir_buffer_size(buffer));
    check_is(weir_buffer_prepared(buffer), 0);
    if (r.status != 0)
      break;
  }
  if (step == 2)
    check_is(weir_buffer_size(buffer), LINE + REST);
  /* Much is left in the socket where the reading ended. */
  if (w.calls == 0)
    weir_cancel(&w.op);
  run_until(t->f, &w.calls);
  check_is(w.calls, 1);
}

static void grow(struct scene *t, weir_buffer_t *buffer) {
  struct end ends[2];

  scene_pair(t, ends);
  if (ends[0].open && ends[1].open)
    fill(t, ends, buffer);
  scene_close(t, &ends[0]);
  scene_close(t, &ends[1]);
  check_is(weir_buffer_reset(buffer), 0);
}

static void until_flat(struct scene *t) {
  weir_buffer_t buffer;

  check_is(weir_flat_init(&buffer, NULL), 0);
  grow(t, &buffer);
}

static void until_ring(struct scene *t) {
  weir_buffer_t buffer;

  check_is(weir_ring_init(&buffer, 65536, NULL), 0);
  grow(t, &buffer);
}

static void until_mirror(struct scene *t) {
  weir_buffer_options_t options = {.flags = WEIR_BUFFER_MIRROR};
  weir_buffer_t buffer;

  check_is(weir_ring_init(&buffer, 65536, &options), 0);
  grow(t, &buffer);
}

static void until_chain(struct scene *t) {
  weir_buffer_options_t options = {.block_size = 4096};
  weir_buffer_t buffer;

  check_is(weir_chain_init(&buffer, &options), 0);
  grow(t, &buffer);
}

static void ignore(void *arg, const uv_buf_t *memory) {
  (void)memory;
  ++*(int *)arg;
}

/* What is refused changes nothing. */
static void chains(struct scene *t) {
  weir_buffer_options_t options = {.block_size = 512};
  weir_buffer_t chain, front;
  char bytes[3000];
  const void *at;
  int released = 0;
  size_t size = 0;

  pattern_fill(bytes, 0, sizeof(bytes));
  check_is(weir_chain_init(&chain, &options), 0);
  check_is(weir_chain_init(&front, &options), 0);
  if (taken(t, weir_buffer_put(&chain, weir_seq_block(bytes, 2000))))
    size += 2000;
  check_is(weir_buffer_size(&chain), size);
  if (taken(t, weir_chain_adopt(&chain, bytes + size, sizeof(bytes) - size,
                                ignore, &released)))
    size = sizeof(bytes);
  else
    check_is(released, 0);
  check_is(weir_buffer_size(&chain), size);
  if (size > 700 && taken(t, weir_chain_split(&chain, 700, &front)))
    check_is(weir_buffer_size(&front), 700);
  check_is(weir_buffer_size(&front) + weir_buffer_size(&chain), size);
  if (taken(t, weir_chain_append(&front, &chain)))
    check_is(weir_buffer_size(&front), size);
  if (weir_buffer_size(&front) == size && size > 2500 &&
      taken(t, weir_chain_pullup(&front, 2500, &at)))
    cr_assert(pattern_holds(at, 0, 2500));
  check_is(weir_buffer_reset(&front), 0);
  check_is(weir_buffer_reset(&chain), 0);
  check_is(released, size == sizeof(bytes));
}

/* ---- Files and pools ---- */

/* Side by side, so that none has what another has left. */
static void look(struct scene *t, int fd) {
  struct request r[3];
  uv_stat_t info[3];
  int has[3];

  memset(r, 0, sizeof(r));
  for (int i = 0; i < 3; i++)
    has[i] = taken(
        t, i == 2
               ? weir_file_stat(t->f->loop, &r[i].op, "/", &info[i], on_done)
               : weir_file_fstat(t->f->loop, &r[i].op, fd, &info[i], on_done));
  for (int i = 0; i < 3; i++)
    if (has[i] && ended(t, &r[i], 0) && i < 2)
      check_is(info[i].st_size, 1000);
}

static void transfer(struct scene *t, int fd) {
  struct request r = {0}, w = {0}, s = {0};

  scene_lay_out(17);
  if (taken(t, weir_file_pread(t->f->loop, &r.op, fd,
                               weir_mseq_bufs(scene_into, 17), 0, on_done)) &&
      ended(t, &r, 16))
    cr_assert(scene_holds(16));
  if (taken(t, weir_file_pwrite(t->f->loop, &w.op, fd,
                                weir_seq_bufs(scene_from, 17), 0, on_done)))
    ended(t, &w, 16);
  if (taken(t, weir_file_fsync(t->f->loop, &s.op, fd, on_done)))
    ended(t, &s, 0);
  look(t, fd);
}

static void files(struct scene *t) {
  struct request o = {0}, c = {0};
  struct scratch scratch;
  uv_file fd;

  scratch_make(&scratch, 1000);
  if (taken(t, weir_file_open(t->f->loop, &o.op, scratch.path, UV_FS_O_RDWR, 0,
                              on_done)) &&
      ended(t, &o, 0)) {
    fd = weir_file_result(&o.op);
    transfer(t, fd);
    if (!taken(t, weir_file_close(t->f->loop, &c.op, fd, on_done)) ||
        !ended(t, &c, 0))
      close(fd);
  }
  scratch_expect(&scratch, 0, 1000);
  scratch_remove(&scratch);
}

/* Transfers that go on, of more segments than an operation has room for; and of
 * a file with a position. */
static void whole_files(struct scene *t) {
  enum { MANY = 40 };
  struct request a = {0}, s = {0}, w = {0}, r = {0}, o = {0};
  weir_loop_t *loop = t->f->loop;
  struct scratch scratch;
  weir_file_t file;

  scene_lay_out(MANY);
  weir_seq_t from = weir_seq_bufs(scene_from, MANY);
  weir_mseq_t into = weir_mseq_bufs(scene_into, MANY);
  scratch_make(&scratch, MANY);
  if (taken(t, weir_file_pwrite_all(loop, &a.op, scratch.fd, from, 0, on_done)))
    ended(t, &a, MANY);
  if (taken(t,
            weir_file_pwrite_sync(loop, &s.op, scratch.fd, from, 0, on_done)))
    ended(t, &s, MANY);
  if (taken(t, weir_file_pwrite_with(loop, &w.op, scratch.fd, from, 0,
                                     WEIR_FILE_ALL, on_done)))
    ended(t, &w, MANY);
  if (taken(t, weir_file_pread_with(loop, &r.op, scratch.fd, into, 0,
                                    WEIR_FILE_ALL, on_done)) &&
      ended(t, &r, MANY))
    cr_assert(scene_holds(MANY));
  check_is(weir_file_init(loop, &file, scratch.fd), 0);
  if (taken(t, weir_file_write_all(&o.op, &file, from, on_done)))
    ended(t, &o, MANY);
  scratch_expect(&scratch, 0, MANY);
  scratch_remove(&scratch);
}

static void copies(struct scene *t) {
  enum { SIZE = 100000 };
  static const weir_copy_options_t options = {.flags = WEIR_COPY_NO_CLONE |
                                                       WEIR_COPY_NO_RANGE};
  struct scratch source, target;
  struct request r = {0};

  scratch_make(&source, SIZE);
  scratch_make(&target, 0);
  if (taken(t, weir_file_copy(t->f->loop, &r.op, source.fd, target.fd, &options,
                              on_done)) &&
      ended(t, &r, SIZE))
    scratch_expect(&target, 0, SIZE);
  scratch_remove(&source);
  scratch_remove(&target);
}

static void on_block(weir_file_reader_t *reader, weir_lease_t lease) {
  size_t *at = reader->data;

  cr_assert(pattern_holds(lease.buf.base, *at, lease.buf.len));
  *at += lease.buf.len;
  weir_lease_release(&lease);
}

static void readers(struct scene *t) {
  enum { SIZE = 20000 };
  struct request r = {0};
  weir_file_reader_t reader;
  weir_pool_t *pool = NULL;
  struct scratch scratch;
  size_t at = 0;

  if (!taken(t, weir_pool_create(t->f->loop, 4, 4096, &pool)))
    return;
  scratch_make(&scratch, SIZE);
  reader.data = &at;
  if (taken(t, weir_file_reader_start(t->f->loop, &r.op, &reader, scratch.fd,
                                      pool, NULL, on_block, on_done))) {
    ended(t, &r, SIZE);
    check_is(at, r.n);
  }
  scratch_remove(&scratch);
  check_is(weir_pool_destroy(pool), 0);
}

static void read_fixed(struct scene *t, weir_pool_t *pool) {
  struct request r = {0};
  struct scratch scratch;
  uv_buf_t buf;

  scratch_make(&scratch, 4096);
  check_is(weir_pool_acquire(pool, &buf), 0);
  if (taken(t,
            weir_file_pread(t->f->loop, &r.op, scratch.fd,
                            weir_mseq_block(buf.base, buf.len), 0, on_done)) &&
      ended(t, &r, 4096))
    cr_assert(pattern_holds(buf.base, 0, 4096));
  check_is(weir_pool_release(pool, &buf), 0);
  scratch_remove(&scratch);
}

static void pools(struct scene *t) {
  weir_buffer_options_t options = {0};
  weir_buffer_t buffer;
  weir_pool_t *pool = NULL;

  if (!taken(t, weir_pool_create(t->f->loop, 20, 4096, &pool))) {
    cr_assert_null(pool);
    return;
  }
  read_fixed(t, pool);
  check_is(weir_pool_source(pool, &options), 0);
  check_is(weir_chain_init(&buffer, &options), 0);
  grow(t, &buffer);
  check_is(weir_pool_available(pool), 20);
  check_is(weir_pool_destroy(pool), 0);
}

/* ---- More than there are places ---- */

enum { CROWD = 40 };

static void crowd_of_files(struct scene *t) {
  struct request r[CROWD];
  int fds[2], has[CROWD];
  char byte;

  memset(r, 0, sizeof(r));
  check_is(pipe(fds), 0);
  for (int i = 0; i < CROWD; i++)
    has[i] = taken(t, weir_file_pread(t->f->loop, &r[i].op, fds[0],
                                      weir_mseq_block(&byte, 1), -1, on_done));
  run_some_turns(t->f);
  for (int i = 0; i < CROWD; i++)
    if (has[i]) {
      cr_assert(r[i].calls == 0 || r[i].status == UV_ENOMEM);
      if (r[i].calls == 0)
        weir_cancel(&r[i].op);
    }
  for (int i = 0; i < CROWD; i++)
    if (has[i]) {
      run_until(t->f, &r[i].calls);
      check_is(r[i].calls, 1);
      check_is(r[i].n, 0);
      cr_assert(r[i].status == UV_ECANCELED ||
                (r[i].status == UV_ENOMEM && !t->plenty));
    }
  close(fds[0]);
  close(fds[1]);
}

/* ---- All of them ---- */

WEIR_TEST(want, reading_into_flat_buffers) {
  scene_play(f, until_flat, SAME_LOOP);
}

WEIR_TEST(want, reading_into_rings) {
  scene_play(f, until_ring, SAME_LOOP);
  scene_play(f, until_mirror, SAME_LOOP);
}

WEIR_TEST(want, reading_into_chains) {
  scene_play(f, until_chain, SAME_LOOP);
}

WEIR_TEST(want, chains) {
  scene_play(f, chains, SAME_LOOP);
}

WEIR_TEST(want, files) {
  scene_play(f, files, SAME_LOOP);
}

WEIR_TEST(want, whole_files) {
  scene_play(f, whole_files, SAME_LOOP);
}

WEIR_TEST(want, copies_of_files) {
  scene_play(f, copies, SAME_LOOP);
}

WEIR_TEST(want, readers_of_files) {
  scene_play(f, readers, SAME_LOOP);
}

WEIR_TEST(want, pools) {
  scene_play(f, pools, SAME_LOOP);
}

WEIR_TEST(want, more_files_than_places) {
  scene_play(f, crowd_of_files, SAME_LOOP);
}
