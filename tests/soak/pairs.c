/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "pairs.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ends.h"

enum {
  SPARE_PEERS = 600, /* of a server: see plan_peers */
  PROGRESS_S = 10,
  PATIENCE_S = 60, /* for what cannot take so long */
  PAUSE_MS = 20,
  MANY = 20000,  /* too many for much room each */
  FEW_HOSTS = 8, /* addresses of loopback */
  PORTS = 8192   /* connections for which there is one more */
};

pair_t pairs[MOST_PAIRS];
unsigned pair_count;
totals_t totals;

static const variant_t *serving;
static const variant_t *visiting;
static double said;

size_t plan_room(const plan_t *plan) {
  return plan->crowd > MANY ? 1024 : 4096;
}

unsigned plan_peers(const plan_t *plan) {
  unsigned most =
      plan->crowd > plan->connections ? plan->crowd : plan->connections;

  return most + SPARE_PEERS;
}

double now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- Progress ---- */

void say(const char *format, ...) {
  va_list arguments;

  printf("%5.0f s  %s for %s: ", now() - totals.began, serving->name,
         visiting->name);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

void failed(const char *what) {
  totals.failures++;
  say("FAILED: %s", what);
}

typedef struct sums_s {
  uint64_t begun, whole, broken, bytes, cancels, crowded, fixed;
  unsigned open, faults;
  size_t rss;
} sums_t;

static sums_t sum_up(int side) {
  sums_t s;

  memset(&s, 0, sizeof(s));
  for (unsigned i = 0; i < pair_count; i++) {
    const report_t *r = &pairs[i].board->reports[side];

    s.begun += r->begun;
    s.whole += r->whole;
    s.broken += r->broken;
    s.bytes += r->bytes;
    s.cancels += r->cancels;
    s.crowded += r->crowded;
    s.fixed += r->fixed;
    s.open += r->open;
    s.faults += r->faults;
    s.rss += r->rss;
  }
  return s;
}

static void say_progress(void) {
  sums_t s = sum_up(SERVER), c = sum_up(CLIENT);

  say("%u open, %" PRIu64 " were whole, %" PRIu64 " broken off, %.2f GB, "
      "%" PRIu64 " cancels, %" PRIu64 " registered, resident %.0f + %.0f MiB%s",
      c.open, c.whole, c.broken, (double)(s.bytes + c.bytes) / 1e9,
      c.cancels + s.cancels, s.fixed, (double)s.rss / 1048576,
      (double)c.rss / 1048576, s.faults + c.faults != 0 ? ", FAULTS" : "");
  said = now();
}

/* ---- Processes ---- */

static void be(int side, const pair_t *pair) {
  struct rlimit memory = {(rlim_t)2 << 30, (rlim_t)2 << 30};

  if (!gauge_is_sanitized())
    setrlimit(RLIMIT_AS, &memory);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  gauge_install();
  if (side == SERVER)
    server_run(&pair->plan, pair->board, serving);
  client_run(&pair->plan, pair->board, visiting);
}

static void start_process(pair_t *pair, int side) {
  fflush(stdout);
  pair->pids[side] = fork();
  if (pair->pids[side] < 0) {
    perror("soak: fork");
    exit(1);
  }
  if (pair->pids[side] == 0)
    be(side, pair);
}

static void say_status(int side, int status) {
  char text[80];

  if (WIFSIGNALED(status))
    snprintf(text, sizeof(text), "the %s got signal %d",
             side == SERVER ? "server" : "client", WTERMSIG(status));
  else
    snprintf(text, sizeof(text), "the %s ended with %d",
             side == SERVER ? "server" : "client", WEXITSTATUS(status));
  failed(text);
}

/* Returns whether that process is there. */
static int is_alive(pair_t *pair, int side, int leaving) {
  int status;

  if (pair->pids[side] == 0)
    return 0;
  if (waitpid(pair->pids[side], &status, WNOHANG) == 0)
    return 1;
  pair->pids[side] = 0;
  if (status != 0 || !leaving)
    say_status(side, status);
  return 0;
}

static int all_left(void) {
  int count = 0;

  for (unsigned i = 0; i < pair_count; i++)
    for (int side = 0; side < SIDES; side++)
      count += is_alive(&pairs[i], side, 1);
  return count == 0;
}

int pairs_look(void) {
  struct timespec pause = {0, PAUSE_MS * 1000000};
  int alive = 1;

  nanosleep(&pause, NULL);
  for (unsigned i = 0; i < pair_count; i++)
    for (int side = 0; side < SIDES; side++)
      if (pairs[i].pids[side] != 0)
        alive &=
            is_alive(&pairs[i], side, pairs[i].board->phase == PHASE_LEAVE);
  if (now() - said >= PROGRESS_S)
    say_progress();
  return alive;
}

unsigned pairs_open(int side) {
  return sum_up(side).open;
}

void pairs_phase(phase_t phase) {
  for (unsigned i = 0; i < pair_count; i++)
    atomic_store(&pairs[i].board->phase, phase);
}

int pairs_wait(int (*is_so)(void), const char *what) {
  double end = now() + PATIENCE_S;

  while (!is_so()) {
    if (!pairs_look())
      return 0;
    if (now() > end) {
      failed(what);
      return 0;
    }
  }
  return 1;
}

static int all_listen(void) {
  for (unsigned i = 0; i < pair_count; i++)
    if (pairs[i].board->port == 0)
      return 0;
  return 1;
}

int pairs_start(unsigned count, const plan_t *plan, const variant_t *server,
                const variant_t *client) {
  serving = server;
  visiting = client;
  said = now();
  pair_count = count;
  for (unsigned i = 0; i < count; i++) {
    pair_t *pair = &pairs[i];

    pair->plan = *plan;
    pair->plan.seed += i;
    pair->plan.crowd = plan->crowd / count + (i < plan->crowd % count);
    pair->plan.hosts = FEW_HOSTS + pair->plan.crowd / PORTS;
    pair->pids[SERVER] = pair->pids[CLIENT] = 0;
    pair->board = mmap(NULL, sizeof(*pair->board), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pair->board == MAP_FAILED) {
      perror("soak: mmap");
      exit(1);
    }
    start_process(pair, SERVER);
  }
  if (!pairs_wait(all_listen, "no server listens"))
    return 0;
  for (unsigned i = 0; i < count; i++)
    start_process(&pairs[i], CLIENT);
  return 1;
}

void pairs_finish(int orderly) {
  sums_t s, c;

  pairs_phase(PHASE_LEAVE);
  if (orderly)
    orderly = pairs_wait(all_left, "the processes do not end");
  say_progress();
  for (unsigned i = 0; i < pair_count; i++) {
    for (int side = 0; side < SIDES; side++) {
      if (pairs[i].pids[side] != 0) {
        kill(pairs[i].pids[side], SIGKILL);
        waitpid(pairs[i].pids[side], NULL, 0);
      }
      if (pairs[i].board->reports[side].faults != 0)
        failed(pairs[i].board->reports[side].fault);
    }
  }
  s = sum_up(SERVER);
  c = sum_up(CLIENT);
  totals.begun += c.begun;
  totals.bytes += c.bytes + s.bytes;
  for (unsigned i = 0; i < pair_count; i++)
    munmap(pairs[i].board, sizeof(*pairs[i].board));
  pair_count = 0;
}
