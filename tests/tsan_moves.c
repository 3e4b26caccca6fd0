/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <weir.h>

/* One loop goes from thread to thread with reads, writes and a file outstanding
 * all the time: it is attached in one, run by three that live side by side and
 * by some that end, and closed by the first. Whoever is not at work waits for a
 * semaphore. */

enum { THREADS = 3, MOVES = 24, BYTES = 64 };

struct life {
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_pool_t *pool;
  weir_stream_t streams[2];
  weir_op_t read;
  weir_op_t write;
  weir_op_t file;
  char in[BYTES];
  uv_buf_t out;
  uv_buf_t in_file;
  int transfers; /* done */
  int files;     /* done, or ended by a move */
  int fd;
  const char *failed;
  int over;
  uv_sem_t turns[THREADS];
  uv_sem_t done;
};

struct runner {
  struct life *life;
  int number;
};

static void expect(struct life *l, int is_so, const char *what) {
  if (!is_so && l->failed == NULL)
    l->failed = what;
}

static void read_next(struct life *l);
static void write_next(struct life *l);
static void file_next(struct life *l);

static void on_read(weir_op_t *op, int status, size_t n) {
  struct life *l = op->data;

  if (status == UV_ECANCELED && l->over)
    return;
  expect(l, status == 0 && n == BYTES, "a read");
  l->transfers++;
  read_next(l);
}

static void read_next(struct life *l) {
  expect(l,
         weir_read(&l->read, &l->streams[0], weir_mseq_block(l->in, BYTES),
                   weir_all(), on_read) == 0,
         "weir_read");
}

static void on_write(weir_op_t *op, int status, size_t n) {
  struct life *l = op->data;

  if (status == UV_ECANCELED && l->over)
    return;
  expect(l, status == 0 && n == BYTES, "a write");
}

static void write_next(struct life *l) {
  expect(l,
         weir_write(&l->write, &l->streams[1],
                    weir_seq_block(l->out.base, BYTES), on_write) == 0,
         "weir_write");
}

static void on_file(weir_op_t *op, int status, size_t n) {
  struct life *l = op->data;

  expect(l, status == UV_ECANCELED || (status == 0 && n == BYTES), "a file");
  l->files++;
  if (!l->over)
    file_next(l);
}

static void file_next(struct life *l) {
  expect(l,
         weir_file_pread(l->loop, &l->file, l->fd,
                         weir_mseq_block(l->in_file.base, BYTES), 0,
                         on_file) == 0,
         "weir_file_pread");
}

/* Runs until one more transfer was made, with the next begun. */
static void run_one(struct life *l) {
  int before = l->transfers;

  write_next(l);
  while (l->transfers == before && l->failed == NULL)
    expect(l, uv_run(&l->uv, UV_RUN_ONCE) != 0, "uv_run");
}

static void take_turns(void *arg) {
  struct runner *r = arg;
  struct life *l = r->life;

  for (;;) {
    uv_sem_wait(&l->turns[r->number]);
    if (l->over)
      return;
    run_one(l);
    uv_sem_post(&l->done);
  }
}

static void run_and_end(void *arg) {
  run_one(arg);
}

static void run_in_threads(struct life *l) {
  struct runner runners[THREADS];
  uv_thread_t threads[THREADS], brief;
  int i;

  for (i = 0; i < THREADS; i++) {
    runners[i].life = l;
    runners[i].number = i;
    uv_sem_init(&l->turns[i], 0);
    uv_thread_create(&threads[i], take_turns, &runners[i]);
  }
  for (i = 0; i < MOVES; i++) {
    uv_sem_post(&l->turns[i % THREADS]);
    uv_sem_wait(&l->done);
    if (i % 4 != 0)
      continue;
    uv_thread_create(&brief, run_and_end, l);
    uv_thread_join(&brief);
    run_one(l);
  }
  l->over = 1;
  for (i = 0; i < THREADS; i++) {
    uv_sem_post(&l->turns[i]);
    uv_thread_join(&threads[i]);
    uv_sem_destroy(&l->turns[i]);
  }
}

static void begin(struct life *l) {
  int fds[2], i;

  expect(l, socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
  for (i = 0; i < 2; i++) {
    expect(l, weir_pipe_init(l->loop, &l->streams[i]) == 0, "weir_pipe_init");
    expect(l, weir_pipe_open(&l->streams[i], fds[i]) == 0, "weir_pipe_open");
  }
  expect(l, weir_pool_create(l->loop, 2, BYTES, &l->pool) == 0,
         "weir_pool_create");
  expect(l, weir_pool_acquire(l->pool, &l->out) == 0, "weir_pool_acquire");
  expect(l, weir_pool_acquire(l->pool, &l->in_file) == 0, "weir_pool_acquire");
  l->fd = weir_file_open(l->loop, NULL, "/dev/zero", UV_FS_O_RDONLY, 0, NULL);
  expect(l, l->fd >= 0, "weir_file_open");
  l->read.data = l->write.data = l->file.data = l;
  if (l->failed != NULL)
    return;
  read_next(l);
  file_next(l);
}

static void end(struct life *l) {
  int i;

  for (i = 0; i < 2; i++)
    expect(l, weir_close(&l->streams[i], NULL) == 0, "weir_close");
  expect(l, uv_run(&l->uv, UV_RUN_DEFAULT) == 0, "uv_run to close");
  expect(l, weir_pool_release(l->pool, &l->out) == 0, "weir_pool_release");
  expect(l, weir_pool_release(l->pool, &l->in_file) == 0, "weir_pool_release");
  expect(l, weir_pool_destroy(l->pool) == 0, "weir_pool_destroy");
  expect(l, weir_file_close(l->loop, NULL, l->fd, NULL) == 0,
         "weir_file_close");
  expect(l, weir_loop_detach(l->loop, NULL) == 0, "weir_loop_detach");
  expect(l, uv_run(&l->uv, UV_RUN_DEFAULT) == 0, "uv_run to detach");
  expect(l, uv_loop_close(&l->uv) == 0, "uv_loop_close");
}

static int run(weir_backend_t backend, weir_wait_t wait) {
  static struct life l;
  weir_loop_options_t options;

  memset(&l, 0, sizeof(l));
  memset(&options, 0, sizeof(options));
  options.backend = backend;
  options.wait = wait;
  if (uv_loop_init(&l.uv) != 0)
    return 1;
  if (weir_loop_attach(&l.uv, &options, &l.loop) != 0) {
    uv_loop_close(&l.uv);
    return 0;
  }
  uv_sem_init(&l.done, 0);
  begin(&l);
  if (l.failed == NULL)
    run_in_threads(&l);
  if (l.failed == NULL)
    end(&l);
  uv_sem_destroy(&l.done);
  if (l.failed == NULL && l.files == 0)
    l.failed = "no file";
  if (l.failed != NULL)
    fprintf(stderr, "%s, wait %d: %s\n", weir_backend_name(backend), (int)wait,
            l.failed);
  return l.failed != NULL;
}

int main(void) {
  return run(WEIR_BACKEND_UV, WEIR_WAIT_UV) |
         run(WEIR_BACKEND_URING, WEIR_WAIT_UV) |
         run(WEIR_BACKEND_URING, WEIR_WAIT_RING);
}
