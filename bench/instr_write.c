/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir.h>

#include "../samples/common.h"
#include "candidate.h"

/* Writes 64 messages of 64 bytes: all queued at once ("queued"), or each at
 * once ("now"). Then the other side takes them. */

enum { MESSAGES = 64, MESSAGE = 64, BATCH = MESSAGES * MESSAGE };

static char message[MESSAGE];
static int ours, theirs;
static unsigned long batches;
static unsigned left; /* messages of this batch that are not written */

void outside_take(void);
__attribute__((noinline)) void outside_take(void) {
  static char into[BATCH];
  ssize_t r = 0;
  for (size_t n = BATCH; n > 0; n -= (size_t)r) {
    r = read(theirs, into, n);
    if (r <= 0)
      fail("read", r == 0 ? UV_EOF : -errno);
  }
  if (--batches == 0)
    _exit(0);
}

/* Notes that a message was written. 1 if it was the last of the batch. */
static int written(int status) {
  if (status < 0)
    fail("write", status);
  if (--left > 0)
    return 0;
  outside_take();
  return 1;
}

/* ---- Raw ---- */

static struct io_uring ring;

static void on_completion(uint64_t data, int result) {
  (void)data;
  if (result != BATCH)
    fail("write", result < 0 ? result : UV_EIO);
  outside_take();
}

static void raw_queue(struct msghdr *header) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  for (size_t i = 0; i < MESSAGES; i++) {
    header->msg_iov[i].iov_base = message;
    header->msg_iov[i].iov_len = sizeof message;
  }
  io_uring_prep_sendmsg(sqe, ours, header, MSG_NOSIGNAL);
}

static void run_raw(void) {
  static struct iovec segments[MESSAGES];
  static struct msghdr header = {.msg_iov = segments, .msg_iovlen = MESSAGES};
  candidate_ring(&ring);
  for (;;) {
    raw_queue(&header);
    candidate_enter(&ring, on_completion);
  }
}

/* ---- Libuv ---- */

static uv_loop_t uv;
static uv_pipe_t pipe_uv;
static uv_write_t requests[MESSAGES];

static void libuv_queue(void);

static void on_uv_written(uv_write_t *req, int status) {
  (void)req;
  if (written(status))
    libuv_queue();
}

static void libuv_queue(void) {
  uv_buf_t data = uv_buf_init(message, sizeof message);
  int r = 0;
  for (left = 0; left < MESSAGES && r == 0; left++)
    r = uv_write(&requests[left], (uv_stream_t *)&pipe_uv, &data, 1,
                 on_uv_written);
  if (r != 0)
    fail("uv_write", r);
}

static void libuv_now(void) {
  uv_buf_t data = uv_buf_init(message, sizeof message);
  for (;;) {
    left = MESSAGES;
    while (!written(uv_try_write((uv_stream_t *)&pipe_uv, &data, 1)))
      ;
  }
}

static void run_libuv(int now) {
  candidate_attach(LIBUV, &uv, NULL);
  if (uv_pipe_init(&uv, &pipe_uv, 0) != 0 || uv_pipe_open(&pipe_uv, ours) != 0)
    quit("libuv", "cannot begin");
  if (now)
    libuv_now();
  libuv_queue();
  uv_run(&uv, UV_RUN_DEFAULT);
}

/* ---- Weir ---- */

static weir_stream_t stream;
static weir_op_t ops[MESSAGES];

static void weir_queue(void);

static void on_written(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)n;
  if (written(status))
    weir_queue();
}

static void weir_queue(void) {
  int r = 0;
  for (left = 0; left < MESSAGES && r == 0; left++)
    r = weir_write(&ops[left], &stream, weir_seq_block(message, sizeof message),
                   on_written);
  if (r != 0)
    fail("weir_write", r);
}

static void weir_now(void) {
  size_t n;
  int r;
  for (;;) {
    left = MESSAGES;
    do {
      r = weir_write_now(&ops[0], &stream,
                         weir_seq_block(message, sizeof message), &n,
                         on_written);
      if (r == WEIR_PENDING)
        quit("weir_write_now", "waits");
    } while (!written(r));
  }
}

static void run_weir(candidate_t candidate, int now) {
  weir_loop_t *weir = candidate_attach(candidate, &uv, NULL);
  if (weir_pipe_init(weir, &stream) != 0 || weir_pipe_open(&stream, ours) != 0)
    quit("weir", "cannot begin");
  if (now)
    weir_now();
  weir_queue();
  uv_run(&uv, UV_RUN_DEFAULT);
}

int main(int argc, char **argv) {
  int fds[2];
  if (argc != 4)
    return 2;
  candidate_t candidate = candidate_named(argv[1]);
  int now = strcmp(argv[2], "now") == 0;
  batches = strtoul(argv[3], NULL, 10);
  candidate_pair(fds);
  ours = fds[0];
  theirs = fds[1];
  if (candidate == RAW)
    run_raw();
  else if (candidate == LIBUV)
    run_libuv(now);
  else
    run_weir(candidate, now);
  quit("the loop", "ended");
}
