/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <weir.h>

/* Several threads, each with a loop of its own, attach at the same time, move
 * bytes through sockets and read a file: what they share is the library's own
 * knowledge of the system. Another thread wakes them. */

enum { THREADS = 4, ROUNDS = 3, PINGS = 200 };

struct runner {
  weir_backend_t backend;
  weir_wait_t wait;
  const char *failed;
  uv_loop_t uv;
  weir_loop_t *loop;
  uv_async_t async;
  weir_stream_t streams[2];
  weir_op_t read;
  weir_op_t write;
  weir_op_t file_read;
  int left;
  int file;
  char byte;
  char bytes[64];
};

/* The sanitizer does not see how liburing maps memory, nor how libuv closes
 * descriptors: what follows at the same address or number would look like a
 * race. So nothing is closed while another thread may still open, and no ring
 * unmapped while another thread may still use its own. */
static uv_barrier_t all;

static void expect(struct runner *r, int is_so, const char *what) {
  if (!is_so && r->failed == NULL)
    r->failed = what;
}

static void ping(struct runner *r);

static void pinged(weir_op_t *op, int status, size_t n) {
  struct runner *r = op->data;

  expect(r, status == 0 && n == 1, "a read");
  if (--r->left > 0)
    ping(r);
}

static void written(weir_op_t *op, int status, size_t n) {
  expect(op->data, status == 0 && n == 1, "a write");
}

static void file_read(weir_op_t *op, int status, size_t n) {
  struct runner *r = op->data;

  expect(r, status == 0 && n == sizeof(r->bytes), "a file's read");
}

static void ping(struct runner *r) {
  weir_mseq_t into = weir_mseq_block(&r->byte, 1);
  weir_seq_t from = weir_seq_block("x", 1);

  expect(r, weir_read_some(&r->read, &r->streams[0], into, pinged) == 0,
         "weir_read_some");
  expect(r, weir_write(&r->write, &r->streams[1], from, written) == 0,
         "weir_write");
}

static void on_async(uv_async_t *async) {
  struct runner *r = async->data;
  weir_mseq_t into = weir_mseq_block(r->bytes, sizeof(r->bytes));

  expect(r,
         weir_file_pread(r->loop, &r->file_read, r->file, into, 0, file_read) ==
             0,
         "weir_file_pread");
  uv_close((uv_handle_t *)async, NULL);
}

static void open_streams(struct runner *r) {
  int fds[2], i;

  expect(r, socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
  for (i = 0; i < 2; i++) {
    expect(r, weir_pipe_init(r->loop, &r->streams[i]) == 0, "weir_pipe_init");
    expect(r, weir_pipe_open(&r->streams[i], fds[i]) == 0, "weir_pipe_open");
  }
}

static void attach(struct runner *r) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = r->backend;
  options.wait = r->wait;
  expect(r, weir_loop_attach(&r->uv, &options, &r->loop) == 0,
         "weir_loop_attach");
}

static void run(void *arg) {
  struct runner *r = arg;

  attach(r);
  if (r->failed != NULL) {
    uv_barrier_wait(&all);
    uv_barrier_wait(&all);
    return;
  }
  open_streams(r);
  r->file = weir_file_open(r->loop, NULL, "/dev/zero", UV_FS_O_RDONLY, 0, NULL);
  expect(r, r->file >= 0, "weir_file_open");
  uv_barrier_wait(&all);
  ping(r);
  expect(r, uv_run(&r->uv, UV_RUN_DEFAULT) == 0, "uv_run");
  expect(r, r->left == 0, "all pings");
  expect(r, weir_file_close(r->loop, NULL, r->file, NULL) == 0,
         "weir_file_close");
  expect(r, weir_close(&r->streams[0], NULL) == 0, "weir_close");
  expect(r, weir_close(&r->streams[1], NULL) == 0, "weir_close");
  expect(r, uv_run(&r->uv, UV_RUN_DEFAULT) == 0, "uv_run to close");
  uv_barrier_wait(&all);
  expect(r, weir_loop_detach(r->loop, NULL) == 0, "weir_loop_detach");
  expect(r, uv_run(&r->uv, UV_RUN_DEFAULT) == 0, "uv_run to detach");
}

static int run_all(weir_backend_t backend, weir_wait_t wait) {
  static struct runner runners[THREADS];
  uv_thread_t threads[THREADS];
  int i, failed = 0;

  memset(runners, 0, sizeof(runners));
  if (uv_barrier_init(&all, THREADS) != 0)
    return 1;
  for (i = 0; i < THREADS; i++) {
    struct runner *r = &runners[i];

    r->backend = backend;
    r->wait = wait;
    r->left = PINGS;
    r->read.data = r->write.data = r->file_read.data = r->async.data = r;
    expect(r, uv_loop_init(&r->uv) == 0, "uv_loop_init");
    expect(r, uv_async_init(&r->uv, &r->async, on_async) == 0, "uv_async_init");
  }
  for (i = 0; i < THREADS; i++)
    expect(&runners[i], uv_thread_create(&threads[i], run, &runners[i]) == 0,
           "uv_thread_create");
  for (i = 0; i < THREADS; i++)
    uv_async_send(&runners[i].async);
  for (i = 0; i < THREADS; i++) {
    uv_thread_join(&threads[i]);
    expect(&runners[i], uv_loop_close(&runners[i].uv) == 0, "uv_loop_close");
    if (runners[i].failed != NULL) {
      fprintf(stderr, "%s, thread %d: %s failed\n", weir_backend_name(backend),
              i, runners[i].failed);
      failed = 1;
    }
  }
  uv_barrier_destroy(&all);
  return failed;
}

static int has_uring(void) {
  weir_loop_t *loop;
  uv_loop_t uv;
  int found;

  if (uv_loop_init(&uv) != 0 || weir_loop_attach(&uv, NULL, &loop) != 0)
    return 0;
  found = weir_loop_backend(loop) == WEIR_BACKEND_URING;
  if (weir_loop_detach(loop, NULL) == 0)
    uv_run(&uv, UV_RUN_DEFAULT);
  uv_loop_close(&uv);
  return found;
}

int main(void) {
  int uring = has_uring(), failed = 0, i;

  for (i = 0; i < ROUNDS; i++) {
    failed |= run_all(WEIR_BACKEND_AUTO, WEIR_WAIT_AUTO);
    failed |= run_all(WEIR_BACKEND_UV, WEIR_WAIT_UV);
  }
  if (uring)
    for (i = 0; i < ROUNDS; i++)
      failed |= run_all(WEIR_BACKEND_URING, WEIR_WAIT_RING);
  return failed;
}
