/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Copies a file. copy.c does the reading and writing, with many fixed buffers
 * in flight; target.c lets the destination appear only when it is complete. */

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include <weir.h>

#include "common.h"
#include "copy.h"
#include "progress.h"
#include "target.h"

static const char help[] =
    "usage: cp [--progress] [--stats] SRC DST\n"
    "Copies the regular file SRC to DST, which is replaced when all went well\n"
    "and left as it was when not. Interrupted, it ends with status 1.\n"
    "  --progress  show a bar, if stderr is a terminal\n"
    "  --stats     print the backend and its counters\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

static copy_t copy = {.progress = progress_show};
static target_t target;

static void stop(void) {
  copy_cancel(&copy, UV_ECANCELED);
}

static _Noreturn void refuse(const char *path, int error) {
  if (error == UV_EEXIST)
    quit(path, "is the same file as the source");
  if (error == UV_EINVAL)
    quit(path, "is not a regular file");
  fail(path, error);
}

static uv_stat_t open_source(const char *path) {
  uv_fs_t fs;
  /* Without a callback, operations on files run at once. */
  int rc = weir_file_open(copy.loop, NULL, path, UV_FS_O_RDONLY, 0, NULL);
  if (rc < 0)
    refuse(path, rc);
  copy.source = rc;
  rc = uv_fs_fstat(NULL, &fs, copy.source, NULL);
  if (rc == 0 && (fs.statbuf.st_mode & S_IFMT) == S_IFDIR)
    rc = UV_EISDIR;
  else if (rc == 0 && (fs.statbuf.st_mode & S_IFMT) != S_IFREG)
    rc = UV_EINVAL;
  if (rc != 0)
    refuse(path, rc);
  uv_fs_req_cleanup(&fs);
  return fs.statbuf;
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

int main(int argc, char **argv) {
  int with_progress = 0;
  int with_stats = 0;
  const option_t options[] = {{"--progress", &with_progress, NULL},
                              {"--stats", &with_stats, NULL},
                              {NULL, NULL, NULL}};
  uv_loop_t uv;

  parse_options(argc, argv, help, options, 2);
  copy.loop = open_loop(&uv);
#ifdef SIGXFSZ
  signal(SIGXFSZ, SIG_IGN); /* a write above the limit shall say UV_EFBIG */
#endif
  uv_stat_t source = open_source(argv[1]);
  int rc = target_open(&target, argv[2], &source);
  if (rc != 0)
    refuse(argv[2], rc);
  copy.target = target.file;
  on_stop_signal(&uv, stop);
  if (with_progress)
    progress_start(source.st_size);

  uint64_t started = uv_hrtime();
  rc = copy_begin(&copy);
  if (rc != 0)
    copy_cancel(&copy, rc);
  uv_run(&uv, UV_RUN_DEFAULT);
  progress_end(copy.copied);
  if (with_stats)
    print_report(uv_hrtime() - started);
  copy_end(&copy);

  rc = copy.status;
  if (rc == 0)
    rc = target_commit(&target, source.st_mode);
  else
    target_discard(&target);
  if (rc != 0)
    complain(rc == UV_ECANCELED   ? "interrupted"
             : copy.source_failed ? argv[1]
                                  : argv[2],
             rc);
  if (weir_file_close(copy.loop, NULL, copy.source, NULL) != 0)
    complain(argv[1], UV_EIO);
  close_loop(&uv, copy.loop);
  return rc != 0;
}
