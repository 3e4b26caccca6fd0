/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Copies a file, which is one operation; source.c says what can be copied, and
 * target.c lets the destination appear only when it is complete. */

#include <stdio.h>
#include <unistd.h>

#include <weir.h>

#include "common.h"
#include "os.h"
#include "progress.h"
#include "source.h"
#include "target.h"

static const char help[] =
    "usage: cp [-p] [--buffers] [--progress] [--stats] [--sync] [--] SRC DST\n"
    "Copies the regular file SRC, as long as it is at first, to DST, which is\n"
    "replaced when all went well and left as it was when not: with status 1 "
    "if\n"
    "SRC became shorter, the copy failed or was interrupted. DST keeps owner,\n"
    "group and mode; holes stay holes.\n"
    "  -p          DST has the permissions of SRC, but for those of its owner\n"
    "              alone (setuid), and its times\n"
    "  --buffers   read and write, though the system could do it alone\n"
    "  --progress  show a bar, if stderr is a terminal\n"
    "  --stats     print the backend and its counters\n"
    "  --sync      bring DST to the device before it gets its name\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

static weir_loop_t *loop;
static weir_op_t copy;
static int status;      /* of the copy */
static uint64_t copied; /* bytes */
static source_t source;
static target_t target;
static uv_loop_t uv;

static void on_progress(weir_op_t *op, uint64_t done, uint64_t total) {
  (void)op;
  (void)total;
  progress_show(done);
}

static void on_copied(weir_op_t *op, int rc, size_t n) {
  (void)op;
  status = rc;
  copied = n;
}

/* What is in the kernel's hands may hang there. */
static void stop_now(void) {
  target_discard(&target);
  _exit(1);
}

static void stop(void) {
  weir_cancel(&copy);
  on_stop_signal(&uv, stop_now);
}

static _Noreturn void refuse(const char *path, int error) {
  if (error == UV_EEXIST)
    quit(path, "is the same file as the source");
  if (error == UV_EINVAL)
    quit(path, "is not a regular file");
  fail(path, error);
}

static void print_report(uint64_t nanoseconds) {
  static const char *const ways[] = {"read and written in buffers",
                                     "copied by the system",
                                     "shared with the source"};
  double mib = (double)copied / (1 << 20);
  printf("copied %.1f MiB, %.0f MiB/s\n", mib, mib * 1e9 / (double)nanoseconds);
  printf("bytes: %s\n", ways[weir_file_copy_way(&copy)]);
  print_stats(loop);
}

/* Gives the target its name, or says why not: the exit status. */
static int finish(const char *from, const char *to) {
  int rc = status;
  if (rc == 0 && source_was_cut(&source, copied))
    rc = UV_EOF;
  if (rc == 0)
    rc = target_commit(&target, (int64_t)copied);
  else
    target_discard(&target);
  if (rc == UV_EOF)
    quit(from, "became shorter while it was copied");
  if (rc == UV_ECANCELED)
    complain("interrupted", rc);
  else if (rc != 0)
    complain(to, rc);
  return rc != 0;
}

static void run(unsigned flags, int with_progress, int with_stats) {
  const weir_copy_options_t options = {
      .size = sizeof(options), .progress = on_progress, .flags = flags};
  uint64_t started = uv_hrtime();
  if (with_progress)
    progress_start(source.stat.st_size);
  status = weir_file_copy(loop, &copy, source.file, target.file, &options,
                          on_copied);
  uv_run(&uv, UV_RUN_DEFAULT);
  progress_end(copied);
  if (with_stats)
    print_report(uv_hrtime() - started);
}

int main(int argc, char **argv) {
  int preserve = 0;
  int by_buffers = 0;
  int with_progress = 0;
  int with_stats = 0;
  int with_sync = 0;
  const option_t options[] = {{"-p", &preserve, NULL},
                              {"--buffers", &by_buffers, NULL},
                              {"--progress", &with_progress, NULL},
                              {"--stats", &with_stats, NULL},
                              {"--sync", &with_sync, NULL},
                              {NULL, NULL, NULL}};

  parse_options(argc, argv, help, options, 2);
  loop = open_loop(&uv);
  os_errors_for_signals(); /* a write above the limit shall say UV_EFBIG */
  int rc = source_open(&source, loop, argv[1]);
  if (rc != 0)
    refuse(argv[1], rc);
  on_stop_signal(&uv, stop); /* from here on there is something to remove */
  rc = target_open(&target, argv[2], &source.stat);
  if (rc != 0)
    refuse(argv[2], rc);
  if (preserve)
    target_preserve(&target, &source.stat);
  target.syncs = with_sync;
  run(by_buffers ? WEIR_COPY_NO_CLONE | WEIR_COPY_NO_RANGE : 0, with_progress,
      with_stats);
  rc = finish(argv[1], argv[2]);
  if (weir_file_close(loop, NULL, source.file, NULL) != 0)
    complain(argv[1], UV_EIO);
  close_loop(&uv, loop);
  return rc;
}
