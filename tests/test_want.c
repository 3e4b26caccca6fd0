/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/busy.h"
#include "support/scratch.h"
#include "support/scripted.h"
#include "support/want.h"
#include "support/worker.h"

/* Each scene is played again and again, and each time another allocation fails:
 * the first, the second, until there is none left to fail; that one alone, or
 * with all behind it; weir's or libuv's. What a call says then is UV_ENOMEM,
 * what was accepted ends once, nothing is leaked, and the same loop plays the
 * same scene without want. */

struct scene {
  struct weir_fixture *f;
  int plenty; /* nothing fails */
};

typedef void (*scene_fn)(struct scene *t);

/* ---- What a scene is made of ---- */

/* Whether it was accepted. */
static int taken(const struct scene *t, int r) {
  if (t->plenty)
    check_is(r, 0);
  cr_assert(r == 0 || (r == UV_ENOMEM && want_failures() > 0), "%s",
            uv_strerror(r));
  return r == 0;
}

static int got(const struct request *r, size_t n) {
  return r->calls == 1 && r->status == 0 && r->n == n;
}

/* Waits for the end of what was accepted: whether n bytes went. */
static int ended(struct scene *t, struct request *r, size_t n) {
  run_until(t->f, &r->calls);
  check_is(r->calls, 1);
  if (r->status == 0)
    check_is(r->n, n);
  cr_assert(r->status == 0 || (!t->plenty && r->n < n + !n));
  cr_assert(r->status == 0 || r->status == UV_ENOMEM ||
                r->status == UV_ECANCELED,
            "%s", uv_strerror(r->status));
  return r->status == 0;
}

/* The same of two that need each other, one of which may have been refused. */
static int both_end(struct scene *t, struct request *a, int has_a, size_t na,
                    struct request *b, int has_b, size_t nb) {
  if (!has_a && has_b)
    weir_cancel(&b->op);
  if (has_a && (!ended(t, a, na) || !has_b) && has_b && b->calls == 0)
    weir_cancel(&b->op);
  if (has_b)
    ended(t, b, nb);
  return has_a && has_b && got(a, na) && got(b, nb);
}

struct end {
  weir_stream_t stream;
  int closed;
  int open;
};

static void on_end_closed(weir_stream_t *stream) {
  struct end *e = (struct end *)stream;

  e->closed++;
}

static void close_end(struct scene *t, struct end *e) {
  if (!e->open)
    return;
  check_is(weir_close(&e->stream, on_end_closed), 0);
  run_until(t->f, &e->closed);
  check_is(e->closed, 1);
}

/* ---- Bytes from one end to the other ---- */

enum { MANY = 2000 };

/* Segments of one byte, apart from each other. */
static char sent[2 * MANY], received[2 * MANY];
static uv_buf_t from[MANY], into[MANY];

static void lay_out(size_t n) {
  for (size_t i = 0; i < n; i++) {
    pattern_fill(&sent[2 * i], i, 1);
    received[2 * i] = 0;
    from[i] = uv_buf_init(&sent[2 * i], 1);
    into[i] = uv_buf_init(&received[2 * i], 1);
  }
}

static int holds(size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!pattern_holds(&received[2 * i], i, 1))
      return 0;
  return 1;
}

static int pass(struct scene *t, struct end *a, struct end *b, size_t n) {
  struct request w = {0}, r = {0};
  int writes, reads;

  lay_out(n);
  writes =
      taken(t, weir_write(&w.op, &a->stream, weir_seq_bufs(from, n), on_done));
  reads = taken(t, weir_read(&r.op, &b->stream, weir_mseq_bufs(into, n),
                             weir_all(), on_done));
  if (!both_end(t, &w, writes, n, &r, reads, n))
    return 0;
  cr_assert(holds(n), "the bytes differ");
  return 1;
}

static int pass_now(struct scene *t, struct end *a, struct end *b) {
  struct request w = {0}, r = {0};
  size_t n = 1;

  lay_out(17);
  if (!taken(t, weir_write_now(&w.op, &a->stream, weir_seq_bufs(from, 17), &n,
                               on_done))) {
    check_is(n, 0);
    return 0;
  }
  check_is(n, 17);
  if (!taken(t, weir_read_some(&r.op, &b->stream, weir_mseq_bufs(into, 17),
                               on_done)) ||
      !ended(t, &r, 16))
    return 0;
  memset(&r, 0, sizeof(r));
  check_is(
      weir_read_some(&r.op, &b->stream, weir_mseq_bufs(into + 16, 1), on_done),
      0);
  return ended(t, &r, 1) && holds(17);
}

/* Three writes and the end, queued; some may be refused. */
static void pass_the_end(struct scene *t, struct end *a, struct end *b) {
  struct request w[3], r = {0};
  size_t expected = 0;
  int has[3], i, reads;

  memset(w, 0, sizeof(w));
  lay_out(60);
  reads = taken(t, weir_read(&r.op, &b->stream, weir_mseq_bufs(into, 60),
                             weir_all(), on_done));
  for (i = 0; i < 3; i++) {
    weir_seq_t seq = weir_seq_bufs(from + expected, 17);

    has[i] =
        taken(t, i == 0   ? weir_write(&w[i].op, &a->stream, seq, on_done)
                 : i == 1 ? weir_write_at_least(&w[i].op, &a->stream, seq, 17,
                                                on_done)
                          : weir_write_eof(&w[i].op, &a->stream, seq, on_done));
    expected += has[i] ? 17 : 0;
  }
  for (i = 0; i < 3; i++)
    if (has[i])
      has[i] = ended(t, &w[i], 17);
  if (!reads)
    return;
  if (!has[2])
    weir_cancel(&r.op);
  run_until(t->f, &r.calls);
  check_is(r.calls, 1);
  cr_assert(r.status == UV_EOF || !t->plenty);
  cr_assert(holds(r.n) && r.n <= expected);
  if (r.status == UV_EOF)
    check_is(r.n, expected);
}

static void talk(struct scene *t, struct end *a, struct end *b) {
  if (pass(t, a, b, 17) && pass(t, b, a, 1000) && pass(t, a, b, MANY) &&
      pass_now(t, b, a))
    pass_the_end(t, a, b);
}

/* ---- Scenes: streams ---- */

static int make(struct scene *t, struct end *e, int tcp) {
  e->open = taken(t, tcp ? weir_tcp_init(t->f->loop, &e->stream)
                         : weir_pipe_init(t->f->loop, &e->stream));
  return e->open;
}

static int start_server(struct scene *t, struct end *listener,
                        const char *path) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  return make(t, listener, path == NULL) &&
         taken(t, path != NULL ? weir_pipe_bind(&listener->stream, path)
                               : weir_tcp_bind(&listener->stream,
                                               (struct sockaddr *)&addr, 0)) &&
         taken(t, weir_listen(&listener->stream, 5));
}

static int start_client(struct scene *t, struct end *client, struct request *r,
                        const struct end *listener, const char *path) {
  struct sockaddr_storage addr;
  int len = sizeof(addr);

  if (!make(t, client, path == NULL))
    return 0;
  if (path != NULL)
    return taken(t, weir_pipe_connect(&r->op, &client->stream, path, on_done));
  check_is(weir_getsockname(&listener->stream, (struct sockaddr *)&addr, &len),
           0);
  return taken(t, weir_tcp_connect(&r->op, &client->stream,
                                   (struct sockaddr *)&addr, on_done));
}

/* The second of two small segments would wait for the other side. */
static void hurry(struct end *a, struct end *b) {
  check_is(weir_tcp_nodelay(&a->stream, 1), 0);
  check_is(weir_tcp_nodelay(&b->stream, 1), 0);
}

/* path: of a UNIX socket, or NULL for TCP. */
static void meet(struct scene *t, const char *path) {
  struct end ends[3]; /* listener, client, server */
  struct request connect = {0}, accept = {0};
  int connects, accepts;

  memset(ends, 0, sizeof(ends));
  if (start_server(t, &ends[0], path)) {
    connects = start_client(t, &ends[1], &connect, &ends[0], path);
    accepts = taken(
        t, weir_accept(&accept.op, &ends[0].stream, &ends[2].stream, on_done));
    both_end(t, &connect, connects, 0, &accept, accepts, 0);
    ends[2].open = got(&accept, 0);
    if (got(&connect, 0) && got(&accept, 0)) {
      if (path == NULL)
        hurry(&ends[1], &ends[2]);
      talk(t, &ends[1], &ends[2]);
    }
  }
  for (int i = 2; i >= 0; i--)
    close_end(t, &ends[i]);
}

static void tcp(struct scene *t) {
  meet(t, NULL);
}

static void unix_socket(struct scene *t) {
  char dir[] = "/tmp/weir-want.XXXXXX", path[40];

  cr_assert_not_null(mkdtemp(dir));
  snprintf(path, sizeof(path), "%s/socket", dir);
  meet(t, path);
  unlink(path); /* where libuv did not know its name any more */
  check_is(rmdir(dir), 0);
}

static void adopted(struct scene *t) {
  struct end ends[2];
  uv_tcp_t handles[2];
  int fds[2];

  memset(ends, 0, sizeof(ends));
  pair_tcp(fds, 0, 0);
  for (int i = 0; i < 2; i++) {
    check_is(uv_tcp_init(&t->f->uv, &handles[i]), 0);
    check_is(uv_tcp_open(&handles[i], fds[i]), 0);
    ends[i].open = taken(
        t, weir_adopt(t->f->loop, &ends[i].stream, (uv_stream_t *)&handles[i]));
  }
  if (ends[0].open && ends[1].open) {
    hurry(&ends[0], &ends[1]);
    talk(t, &ends[0], &ends[1]);
  }
  for (int i = 0; i < 2; i++) {
    close_end(t, &ends[i]);
    if (!ends[i].open)
      uv_close((uv_handle_t *)&handles[i], NULL);
  }
  run_some_turns(t->f);
}

static void own_kind(struct scene *t) {
  const weir_test_options_t options = {.no_now = 1};
  struct request w = {0};
  struct scripted s;

  lay_out(1000);
  scripted_open(t->f, &s, &options);
  if (taken(t,
            weir_write(&w.op, &s.stream, weir_seq_bufs(from, 1000), on_done))) {
    cr_assert(ended(t, &w, 1000));
    scripted_expect(&s, 1000);
  } else {
    check_is(weir_test_calls(s.script), 0);
    check_is(weir_stream_queued(&s.stream), 0);
  }
  scripted_close(t->f, &s);
}

static void on_released(weir_message_t *message) {
  ++*(int *)message->data;
}

/* Writes of which nobody hears. */
static void messages(struct scene *t) {
  const weir_test_options_t options = {.no_now = 1};
  static char bytes[20000];
  weir_message_t message;
  struct scripted s;
  int released = 0;
  size_t n = 0;

  lay_out(1000);
  scripted_open(t->f, &s, &options);
  message.data = &released;
  check_is(weir_message_init(&message, weir_seq_bufs(from, 1000), on_released),
           0);
  if (taken(t, weir_message_write(&message, &s.stream)))
    n = 1000;
  pattern_fill(bytes, n, sizeof(bytes));
  if (taken(t, weir_write_copy(&s.stream, bytes, sizeof(bytes))))
    n += sizeof(bytes);
  check_is(weir_stream_queued(&s.stream), n);
  weir_message_release(&message);
  run_out(t->f);
  check_is(released, 1);
  scripted_expect(&s, n);
  scripted_close(t->f, &s);
}

static void on_late_close(weir_stream_t *stream) {
  ((struct scripted *)stream)->closed++;
}

/* A close that waits for what is queued. */
static void closing_after(struct scene *t) {
  const weir_test_options_t options = {.no_now = 1};
  struct scripted s;

  scripted_open(t->f, &s, &options);
  if (!taken(t, weir_close_after(&s.stream, 60000, on_late_close))) {
    check_is(weir_is_closing(&s.stream), 0);
    check_is(weir_close(&s.stream, on_late_close), 0);
  }
  scripted_close_end(t->f, &s);
}

/* ---- Scenes: buffers that grow ---- */

static void pair_of_ends(struct scene *t, struct end ends[2]) {
  int fds[2];

  memset(ends, 0, 2 * sizeof(*ends));
  pair_unix(fds);
  for (int i = 0; i < 2; i++) {
    ends[i].open = make(t, &ends[i], 0) &&
                   taken(t, weir_pipe_open(&ends[i].stream, fds[i]));
    if (!ends[i].open)
      close(fds[i]);
  }
}

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

  pair_of_ends(t, ends);
  if (ends[0].open && ends[1].open)
    fill(t, ends, buffer);
  close_end(t, &ends[0]);
  close_end(t, &ends[1]);
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

/* ---- Scenes: files and pools ---- */

static void transfer(struct scene *t, int fd) {
  struct request r = {0}, w = {0}, s = {0};

  lay_out(17);
  if (taken(t, weir_file_pread(t->f->loop, &r.op, fd, weir_mseq_bufs(into, 17),
                               0, on_done)) &&
      ended(t, &r, 16))
    cr_assert(holds(16));
  if (taken(t, weir_file_pwrite(t->f->loop, &w.op, fd, weir_seq_bufs(from, 17),
                                0, on_done)))
    ended(t, &w, 16);
  if (taken(t, weir_file_fsync(t->f->loop, &s.op, fd, on_done)))
    ended(t, &s, 0);
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

/* ---- Scenes: more than there are places ---- */

enum { PLACES = 8, CROWD = 40 };

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

/* Each end waits for a byte, and then gets one; who was told that there is no
 * place asks once more. */
static void crowd_of_streams(struct scene *t) {
  struct conn *c = calloc(CROWD, sizeof(*c));
  struct request r[CROWD];
  char bytes[CROWD];

  cr_assert_not_null(c);
  memset(r, 0, sizeof(r));
  for (int i = 0; i < CROWD; i++) {
    conn_unix(t->f, &c[i]);
    check_is(weir_read_some(&r[i].op, &c[i].stream,
                            weir_mseq_block(&bytes[i], 1), on_done),
             0);
  }
  run_some_turns(t->f);
  for (int i = 0; i < CROWD; i++)
    peer_send(&c[i], (size_t)i, 1);
  for (int i = 0; i < CROWD; i++) {
    if (!ended(t, &r[i], 1)) {
      check_is(r[i].n, 0);
      memset(&r[i], 0, sizeof(r[i]));
      check_is(weir_read_some(&r[i].op, &c[i].stream,
                              weir_mseq_block(&bytes[i], 1), on_done),
               0);
      if (!ended(t, &r[i], 1))
        continue;
    }
    cr_assert(pattern_holds(&bytes[i], (size_t)i, 1));
  }
  for (int i = 0; i < CROWD; i++)
    conn_close(t->f, &c[i]);
  free(c);
}

/* ---- Scenes: another thread, a child, handles that are gone ---- */

/* A ring that cannot be made anew ends, and the loop with it. */
static void moved(struct scene *t) {
  struct request r = {0}, p = {0}, next = {0};
  struct worker w;
  struct conn c;
  int fds[2];
  char bytes[3];

  conn_unix(t->f, &c);
  check_is(pipe(fds), 0);
  check_is(weir_read(&r.op, &c.stream, weir_mseq_block(bytes, 2), weir_all(),
                     on_done),
           0);
  check_is(weir_file_pread(t->f->loop, &p.op, fds[0],
                           weir_mseq_block(&bytes[2], 1), -1, on_done),
           0);
  peer_send(&c, 0, 1);
  elsewhere(t->f, &w, ENDED);
  peer_send(&c, 1, 1);
  ended(t, &r, 2);
  weir_cancel(&p.op);
  run_until(t->f, &p.calls);
  check_is(p.calls, 1);
  cr_assert(p.status == UV_ECANCELED || (!t->plenty && p.status == UV_ENOMEM));
  if (taken(t,
            weir_write(&next.op, &c.stream, weir_seq_block("x", 1), on_done)))
    ended(t, &next, 1);
  conn_close(t->f, &c);
  close(fds[0]);
  close(fds[1]);
}

static void close_ours(uv_handle_t *handle, void *arg) {
  const struct weir_fixture *f = arg;

  if (weir_owns_handle(f->loop, handle) && !uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* The loop needs handles of its own to close anything, and memory for them. */
static void walked(struct scene *t) {
  struct request r = {0};
  struct end ends[2];
  char byte;

  pair_of_ends(t, ends);
  check_is(weir_read_some(&r.op, &ends[0].stream, weir_mseq_block(&byte, 1),
                          on_done),
           0);
  run_some_turns(t->f);
  uv_walk(&t->f->uv, close_ours, t->f);
  run_some_turns(t->f);
  for (int i = 0; i < 2; i++) {
    while (!taken(t, weir_close(&ends[i].stream, on_end_closed)))
      want_end();
    run_until(t->f, &ends[i].closed);
    check_is(ends[i].closed, 1);
  }
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
}

/* ---- Scenes: the beginning and the end ---- */

static void attach_as(struct scene *t, weir_backend_t backend) {
  char why[200] = "";
  weir_loop_options_t options = {.backend = backend,
                                 .wait = t->f->wait,
                                 .entries = PLACES,
                                 .why = why,
                                 .why_size = sizeof(why)};
  weir_loop_t *loop = NULL;
  const char *sentence;
  uv_loop_t uv;

  if (!taken(t, uv_loop_init(&uv)))
    return;
  if (taken(t, weir_loop_attach(&uv, &options, &loop))) {
    check_is(why[0], 0);
    if (weir_loop_backend(loop) != t->f->backend) {
      check_is(weir_loop_fallback_reason(loop, &sentence), UV_ENOMEM);
      cr_assert(!t->plenty && sentence[0] != 0);
    }
    uv_run(&uv, UV_RUN_NOWAIT);
    check_is(weir_loop_detach(loop, NULL), 0);
  } else {
    cr_assert_null(loop);
    cr_assert(why[0] != 0);
  }
  check_is(uv_run(&uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&uv), 0);
}

static void life(struct scene *t) {
  attach_as(t, t->f->backend);
}

static void life_of_any(struct scene *t) {
  attach_as(t, t->f->backend == WEIR_BACKEND_UV ? WEIR_BACKEND_UV
                                                : WEIR_BACKEND_AUTO);
}

/* ---- How they are played ---- */

static void leave(struct weir_fixture *f) {
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
}

static void arrive(struct weir_fixture *f) {
  weir_loop_options_t options = {.entries = PLACES};

  fixture_attach(f, &options);
}

enum { SAME_LOOP, NEW_LOOP };

/* Plays the scene in want, and again without; returns how many allocations
 * failed. */
static size_t play(struct weir_fixture *f, scene_fn body,
                   const struct want *want, int again) {
  struct scene t = {f, 0};
  long blocks = want_blocks();
  size_t failed;

  arrive(f);
  want_begin(want);
  body(&t);
  failed = want_end();
  if (again == NEW_LOOP) {
    leave(f);
    arrive(f);
  }
  t.plenty = 1;
  body(&t);
  leave(f);
  check_is(want_blocks(), blocks);
  check_is(count_sigpipe(), 0);
  return failed;
}

static void play_all(struct weir_fixture *f, scene_fn body, int again) {
  const struct want never = {.at = SIZE_MAX};
  struct want want;
  int descriptors;

  leave(f);
  want_install();
  /* What libuv opens once for a loop is no leak. */
  check_is(play(f, body, &never, again), 0);
  descriptors = count_descriptors();
  for (int how = 0; how < 4; how++) {
    want = (struct want){.of_uv = how & 1, .for_good = how >> 1};
    while (play(f, body, &want, again) > 0)
      want.at++;
    check_is(count_descriptors(), descriptors);
  }
  fixture_attach(f, NULL);
}

WEIR_TEST(want, attaching) {
  play_all(f, life, SAME_LOOP);
}

WEIR_TEST(want, attaching_to_what_there_is) {
  play_all(f, life_of_any, SAME_LOOP);
}

WEIR_TEST(want, tcp) {
  play_all(f, tcp, SAME_LOOP);
}

WEIR_TEST(want, unix_sockets) {
  play_all(f, unix_socket, SAME_LOOP);
}

WEIR_TEST(want, adopted_handles) {
  play_all(f, adopted, SAME_LOOP);
}

WEIR_TEST(want, an_own_kind) {
  play_all(f, own_kind, SAME_LOOP);
}

WEIR_TEST(want, messages) {
  play_all(f, messages, SAME_LOOP);
}

WEIR_TEST(want, closing_after) {
  play_all(f, closing_after, SAME_LOOP);
}

WEIR_TEST(want, reading_into_flat_buffers) {
  play_all(f, until_flat, SAME_LOOP);
}

WEIR_TEST(want, reading_into_rings) {
  play_all(f, until_ring, SAME_LOOP);
  play_all(f, until_mirror, SAME_LOOP);
}

WEIR_TEST(want, reading_into_chains) {
  play_all(f, until_chain, SAME_LOOP);
}

WEIR_TEST(want, chains) {
  play_all(f, chains, SAME_LOOP);
}

WEIR_TEST(want, files) {
  play_all(f, files, SAME_LOOP);
}

WEIR_TEST(want, pools) {
  play_all(f, pools, SAME_LOOP);
}

WEIR_TEST(want, more_files_than_places) {
  play_all(f, crowd_of_files, SAME_LOOP);
}

WEIR_TEST(want, more_streams_than_places) {
  play_all(f, crowd_of_streams, SAME_LOOP);
}

WEIR_TEST(want, another_thread) {
  play_all(f, moved, NEW_LOOP);
}

WEIR_TEST(want, handles_that_are_gone) {
  play_all(f, walked, NEW_LOOP);
}

/* ---- A child ---- */

struct family {
  struct busy busy;
  struct want want;
  size_t *failed; /* in the child; shared with it */
};

static void renews(struct weir_fixture *f, void *arg) {
  struct family *family = arg;
  struct busy *b = &family->busy;
  struct request r = {0};
  int error;

  must(uv_loop_fork(&f->uv) == 0);
  want_begin(&family->want);
  error = weir_loop_fork(f->loop);
  *family->failed = want_end();
  if (error == 0) {
    busy_must_go_on(f, b);
    return;
  }
  must(error == UV_ENOMEM && *family->failed > 0);
  busy_must_end(f, b);
  must(weir_read_some(&r.op, &b->idle.stream, weir_mseq_block(&b->byte, 1),
                      on_done) == UV_ENOMEM);
  busy_must_close(f, b);
}

WEIR_TEST(want, a_child) {
  struct family family = {.want = {.at = 0}};

  leave(f);
  want_install();
  family.failed = mmap(NULL, sizeof(size_t), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  cr_assert(family.failed != MAP_FAILED);
  do {
    long blocks = want_blocks();

    *family.failed = 0;
    arrive(f);
    busy_begin(f, &family.busy);
    child_run(renews, f, &family);
    busy_end(f, &family.busy);
    leave(f);
    check_is(want_blocks(), blocks);
    family.want.at++;
  } while (*family.failed > 0);
  munmap(family.failed, sizeof(size_t));
  fixture_attach(f, NULL);
}
