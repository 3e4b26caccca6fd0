/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Copies a file. copy.c does the reading and writing, with many fixed buffers
 * in flight; source.c knows where the data is; target.c lets the destination
 * appear only when it is complete. */

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <weir.h>

#include "common.h"
#include "copy.h"
#include "progress.h"
#include "target.h"

static const char help[] =
    "usage: cp [--progress] [--stats] [--] SRC DST\n"
    "Copies the regular file SRC, as long as it is at first, to DST, which is\n"
    "replaced when all went well and left as it was when not: with status 1 "
    "if\n"
    "SRC became shorter, the copy failed or was interrupted. DST keeps owner,\n"
    "group and mode; holes stay holes.\n"
    "  --progress  show a bar, if stderr is a terminal\n"
    "  --stats     print the backend and its counters\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

static copy_t copy = {.progress = progress_show};
static target_t target;
static uv_loop_t uv;

/* What is in the kernel's hands may hang there. */
static void stop_now(void) {
  target_discard(&target);
  _exit(1);
}

static void stop(void) {
  copy_cancel(&copy, UV_ECANCELED);
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
  const char *why = "";
  double mib = (double)copy.copied / (1 << 20);
  if (copy.pool != NULL)
    (void)weir_pool_status(copy.pool, &why);
  printf("copied %.1f MiB, %.0f MiB/s\n", mib, mib * 1e9 / (double)nanoseconds);
  printf("buffers: %s\n", why);
  print_stats(copy.loop);
}

/* Gives the target its name, or says why not: the exit status. */
static int finish(const char *from, const char *to) {
  int rc = copy.status;
  int was_cut = rc == 0 && source_was_cut(&copy.source, copy.end);
  if (rc == 0 && !was_cut)
    rc = target_commit(&target, copy.end);
  else
    target_discard(&target);
  if (was_cut)
    quit(from, "became shorter while it was copied");
  if (rc == UV_ECANCELED)
    complain("interrupted", rc);
  else if (rc != 0)
    complain(copy.source_failed ? from : to, rc);
  return rc != 0;
}

int main(int argc, char **argv) {
  int with_progress = 0;
  int with_stats = 0;
  const option_t options[] = {{"--progress", &with_progress, NULL},
                              {"--stats", &with_stats, NULL},
                              {NULL, NULL, NULL}};

  parse_options(argc, argv, help, options, 2);
  copy.loop = open_loop(&uv);
#ifdef SIGXFSZ
  signal(SIGXFSZ, SIG_IGN); /* a write above the limit shall say UV_EFBIG */
#endif
  int rc = source_open(&copy.source, copy.loop, argv[1]);
  if (rc != 0)
    refuse(argv[1], rc);
  on_stop_signal(&uv, stop); /* from here on there is something to remove */
  rc = target_open(&target, argv[2], &copy.source.stat);
  if (rc != 0)
    refuse(argv[2], rc);
  copy.target = target.file;
  if (with_progress)
    progress_start(copy.source.stat.st_size);

  uint64_t started = uv_hrtime();
  rc = copy_begin(&copy);
  if (rc != 0)
    copy_cancel(&copy, rc);
  uv_run(&uv, UV_RUN_DEFAULT);
  progress_end(copy.copied);
  if (with_stats)
    print_report(uv_hrtime() - started);
  copy_end(&copy);
  rc = finish(argv[1], argv[2]);
  if (weir_file_close(copy.loop, NULL, copy.source.file, NULL) != 0)
    complain(argv[1], UV_EIO);
  close_loop(&uv, copy.loop);
  return rc;
}
