/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patience.h"

/* Less than the fixture's watchdog, whose assertion is not for a child. */
enum { CHILD_SECONDS = 20, FAILED = 99 };

/* There with --coverage only. */
void __gcov_dump(void) __attribute__((weak));

void child_leave(int status) {
  if (__gcov_dump != NULL)
    __gcov_dump();
  _exit(status);
}

pid_t child_begin(child_fn body, struct weir_fixture *f, void *arg) {
  pid_t child = fork();

  if (child != 0) {
    cr_assert(child > 0, "fork");
    return child;
  }
  signal(SIGALRM, SIG_DFL);
  alarm(patience(CHILD_SECONDS));
  body(f, arg);
  child_leave(0);
}

void child_end(pid_t child) {
  int status = -1;

  check_is(waitpid(child, &status, 0), child);
  cr_assert(!WIFSIGNALED(status), "the child ended by signal %d",
            WTERMSIG(status));
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
            "the child failed, see above");
}

void child_run(child_fn body, struct weir_fixture *f, void *arg) {
  child_end(child_begin(body, f, arg));
}

void must_at(const char *file, int line, const char *text, int holds) {
  if (holds)
    return;
  fprintf(stderr, "[----] %s:%d: in the child: %s\n", file, line, text);
  fflush(stderr);
  child_leave(FAILED);
}

void must_finish(struct weir_fixture *f, struct request *r, int status,
                 size_t n) {
  while (r->calls == 0)
    must(uv_run(&f->uv, UV_RUN_ONCE) != 0 || r->calls != 0);
  must(r->calls == 1);
  must(r->status == status);
  must(r->n == n);
}

static void ping(struct weir_fixture *f, weir_stream_t *a, weir_stream_t *b) {
  struct request r = {0}, w = {0};
  char byte = 0;

  must(weir_read_some(&r.op, a, weir_mseq_block(&byte, 1), on_done) == 0);
  must(weir_write(&w.op, b, weir_seq_block("x", 1), on_done) == 0);
  must_finish(f, &r, 0, 1);
  must_finish(f, &w, 0, 1);
  must(byte == 'x');
}

void must_close(struct weir_fixture *f, struct conn *c) {
  must(weir_close(&c->stream, on_conn_closed) == 0);
  while (!c->closed)
    must(uv_run(&f->uv, UV_RUN_ONCE) != 0 || c->closed);
}

/* Streams, a file and a pool. */
void must_work(struct weir_fixture *f) {
  struct conn ends[2];
  struct request p = {0};
  uv_buf_t buf;
  weir_pool_t *pool;
  int fds[2], file, i;

  memset(ends, 0, sizeof(ends));
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  for (i = 0; i < 2; i++) {
    must(weir_pipe_init(f->loop, &ends[i].stream) == 0);
    must(weir_pipe_open(&ends[i].stream, fds[i]) == 0);
  }
  for (i = 0; i < 50; i++)
    ping(f, &ends[i & 1].stream, &ends[!(i & 1)].stream);
  must_close(f, &ends[0]);
  must_close(f, &ends[1]);

  must(weir_pool_create(f->loop, 2, 4096, &pool) == 0);
  must(weir_pool_acquire(pool, &buf) == 0);
  memset(buf.base, 'x', 4096);
  file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  must(weir_file_pread(f->loop, &p.op, file, weir_mseq_block(buf.base, buf.len),
                       0, on_done) == 0);
  must_finish(f, &p, 0, 4096);
  must(buf.base[0] == 0 && buf.base[4095] == 0);
  close(file);
  must(weir_pool_release(pool, &buf) == 0);
  must(weir_pool_destroy(pool) == 0);
}

void must_leave(struct weir_fixture *f) {
  must(weir_loop_detach(f->loop, NULL) == 0);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(&f->uv) == 0);
}
