/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <weir.h>

/* Reads of a pipe that wait in threads of libuv's pool, while they are
 * cancelled and while bytes come, at every moment: each ends once, and no byte
 * is lost. */

enum { ROUNDS = 300, READS = 6 };

struct read {
  weir_op_t op;
  char byte;
  int calls;
};

static uv_loop_t uv;
static weir_loop_t *loop;
static const char *failed;
static int got, cancelled;

static void expect(int is_so, const char *what) {
  if (!is_so && failed == NULL)
    failed = what;
}

static void on_read(weir_op_t *op, int status, size_t n) {
  struct read *read = (struct read *)op;

  read->calls++;
  got += n == 1;
  cancelled += status == UV_ECANCELED;
  expect((status == 0 && n == 1 && read->byte == 'x') ||
             (status == UV_ECANCELED && n == 0),
         "a read");
}

static void run_round(int fds[2], int round) {
  static struct read reads[READS];
  int i, written = 0, before = got;

  memset(reads, 0, sizeof(reads));
  for (i = 0; i < READS; i++)
    expect(weir_file_pread(loop, &reads[i].op, fds[0],
                           weir_mseq_block(&reads[i].byte, 1), -1,
                           on_read) == 0,
           "weir_file_pread");
  for (i = 0; i < round % 7; i++)
    uv_run(&uv, UV_RUN_NOWAIT);
  if (round % 3 != 0)
    usleep((unsigned)(round % 50) * 10);
  for (i = 0; i < round % READS; i++)
    written += write(fds[1], "x", 1) == 1;
  for (i = 0; i < READS; i++)
    if (reads[i].calls == 0)
      weir_cancel(&reads[i].op);
  uv_run(&uv, UV_RUN_DEFAULT);
  for (i = 0; i < READS; i++)
    expect(reads[i].calls == 1, "one callback each");
  for (; got - before < written; got++)
    expect(read(fds[0], &reads[0].byte, 1) == 1, "the bytes that are left");
}

int main(void) {
  weir_loop_options_t options;
  int fds[2], i;

  memset(&options, 0, sizeof(options));
  options.backend = WEIR_BACKEND_UV;
  expect(pipe(fds) == 0, "pipe");
  expect(uv_loop_init(&uv) == 0, "uv_loop_init");
  expect(weir_loop_attach(&uv, &options, &loop) == 0, "weir_loop_attach");
  for (i = 0; i < ROUNDS && failed == NULL; i++)
    run_round(fds, i);
  expect(got > 0 && cancelled > 0, "some of both");
  expect(weir_loop_detach(loop, NULL) == 0, "weir_loop_detach");
  expect(uv_run(&uv, UV_RUN_DEFAULT) == 0, "uv_run");
  expect(uv_loop_close(&uv) == 0, "uv_loop_close");
  if (failed != NULL)
    printf("%s failed\n", failed);
  return failed != NULL;
}
