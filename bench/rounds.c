/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "rounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60 /* seconds that one run may take */ };

/* ---- One run ---- */

/* Reads what the run said; 0 if it said nothing. */
static int await(pid_t pid, int fd, bench_result_t *result) {
  int status;
  ssize_t n = read(fd, result, sizeof *result);
  close(fd);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  return n == sizeof *result && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run_once(bench_result_t *result) {
  int fds[2];
  if (pipe(fds) != 0)
    fail("pipe", -errno);
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0)
    fail("fork", -errno);
  if (pid == 0) {
    close(fds[0]);
    alarm(PATIENCE);
    bench_run(fds[1]);
  }
  close(fds[1]);
  return await(pid, fds[0], result);
}

/* ---- All runs ---- */

static void note(rounds_t *rounds, candidate_t c, int ran,
                 const bench_result_t *result) {
  if (!ran)
    rounds->failed |= 1 << c;
  else if (result->why[0] != '\0')
    memcpy(rounds->why[c], result->why, sizeof result->why);
  for (int i = 0; i < BENCH_FIGURES && rounds_have(rounds, c); i++)
    rounds->figures[c][i][rounds->count] = result->figures[i];
}

/* Why the ring is not to be had, which is asked once; or an empty text. */
static const char *ring_refused(void) {
  static char why[sizeof((bench_result_t *)0)->why];
  static int asked;
  struct io_uring ring;
  if (asked++)
    return why;
  int r = io_uring_queue_init(8, &ring, 0);
  if (r == 0)
    io_uring_queue_exit(&ring);
  else
    snprintf(why, sizeof why, "io_uring: %s", uv_strerror(r));
  return why;
}

static void leave_out(rounds_t *rounds) {
  static const candidate_t on_ring[] = {RAW, GUEST, RING};
  for (size_t i = 0; i < sizeof on_ring / sizeof *on_ring; i++)
    strcpy(rounds->why[on_ring[i]], ring_refused());
}

void rounds_run(rounds_t *rounds) {
  unsigned times = rounds->count;
  bench.workload = rounds->workload;
  bench.shape = rounds->shape;
  bench.count = rounds->shape->count;
  bench.bytes = rounds->shape->bytes;
  leave_out(rounds);
  for (rounds->count = 0; rounds->count < times; rounds->count++)
    for (int c = RAW; c <= UV; c++) {
      bench_result_t result;
      if (!rounds_have(rounds, (candidate_t)c))
        continue;
      bench.candidate = (candidate_t)c;
      int ran = run_once(&result);
      note(rounds, bench.candidate, ran, &result);
    }
}

int rounds_have(const rounds_t *rounds, candidate_t candidate) {
  return (rounds->failed & 1 << candidate) == 0 &&
         rounds->why[candidate][0] == '\0';
}

/* ---- Figures ---- */

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void sort(double *to, const double *from, unsigned n) {
  memcpy(to, from, n * sizeof *to);
  qsort(to, n, sizeof *to, compare);
}

double rounds_median(const rounds_t *rounds, candidate_t candidate,
                     int figure) {
  double v[BENCH_ROUNDS];
  sort(v, rounds->figures[candidate][figure], rounds->count);
  return v[(rounds->count - 1) / 2];
}

double rounds_spread(const rounds_t *rounds, candidate_t candidate) {
  double v[BENCH_ROUNDS];
  sort(v, rounds->figures[candidate][0], rounds->count);
  return (v[rounds->count - 1] - v[0]) / 2;
}

double rounds_ratio(const rounds_t *rounds, candidate_t candidate,
                    candidate_t base, int figure) {
  double v[BENCH_ROUNDS];
  for (unsigned i = 0; i < rounds->count; i++)
    v[i] = rounds->figures[candidate][figure][i] /
           rounds->figures[base][figure][i];
  sort(v, v, rounds->count);
  return v[(rounds->count - 1) / 2];
}
