/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "actors.h"
#include "pairs.h"

/* Clients come to a server and go for as long as one likes, and then nothing
 * may have grown. Each variant of the library serves, and is the client of
 * another one; first a crowd comes and stays together. Server and client are
 * processes with a loop each. What was wrong is said, and the last line sums
 * up. */

enum {
  SECONDS = 600,
  CONNECTIONS = 2000,
  CROWD = 10000,
  LARGE_CROWD = 100000,
  SLACK = 4 << 20,             /* bytes that the memory may grow by */
  SANITIZED_SLACK = 512 << 20, /* these keep what was freed */
  SPARE_FDS = 200,             /* descriptors besides those of connections */
  LEAST_S = 4,
  WARM_S = 30,
  REST_S = 60
};

static const variant_t variants[] = {
    {"uring_ring", WEIR_BACKEND_URING, WEIR_WAIT_RING},
    {"uring_uv", WEIR_BACKEND_URING, WEIR_WAIT_UV},
    {"uv", WEIR_BACKEND_UV, WEIR_WAIT_UV}};
enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };

static unsigned seconds = SECONDS;
static unsigned crowds[] = {CROWD, LARGE_CROWD};
static char directory[160];
static plan_t plan = {.connections = CONNECTIONS, .directory = directory};
static unsigned largest_crowd;

/* ---- What the machine allows ---- */

static unsigned most_descriptors(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 0;
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max < LARGE_CROWD + SPARE_FDS) {
    struct rlimit more = {LARGE_CROWD + SPARE_FDS, LARGE_CROWD + SPARE_FDS};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
      limit = more;
  }
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur > 1u << 30 ? 1u << 30 : (unsigned)limit.rlim_cur;
}

/* Bytes, or 0 if nobody says. */
static double memory_available(void) {
  char line[200];
  double kib = 0;
  FILE *file = fopen("/proc/meminfo", "r");

  while (file != NULL && fgets(line, sizeof(line), file) != NULL)
    if (sscanf(line, "MemAvailable: %lf", &kib) == 1)
      break;
  if (file != NULL)
    fclose(file);
  return kib * 1024;
}

/* ---- A crowd ---- */

static int is_gathered(void) {
  for (unsigned i = 0; i < pair_count; i++)
    if (pairs[i].board->reports[CLIENT].staying < pairs[i].plan.crowd ||
        pairs[i].board->reports[SERVER].open < pairs[i].plan.crowd)
      return 0;
  return 1;
}

static int is_dispersed(void) {
  return pairs_open(CLIENT) == 0 && pairs_open(SERVER) == 0;
}

static int gather(unsigned crowd) {
  double start = now(), there;

  if (!pairs_wait(is_gathered, "the crowd does not gather"))
    return 0;
  there = now();
  pairs_phase(PHASE_DISPERSE);
  if (!pairs_wait(is_dispersed, "the crowd does not disperse"))
    return 0;
  say("%u connections together on %u loop%s: there after %.1f s, gone after "
      "%.1f s",
      crowd, pair_count, pair_count == 1 ? "" : "s", there - start,
      now() - there);
  if (crowd > largest_crowd)
    largest_crowd = crowd;
  return 1;
}

/* ---- Coming and going ---- */

static int all_rest(void) {
  for (unsigned i = 0; i < pair_count; i++)
    for (int side = 0; side < SIDES; side++)
      if (pairs[i].board->reports[side].rests < pairs[i].board->rest)
        return 0;
  return 1;
}

static int rest(void) {
  for (unsigned i = 0; i < pair_count; i++)
    atomic_fetch_add(&pairs[i].board->rest, 1);
  pairs_phase(PHASE_REST);
  return pairs_wait(all_rest, "connections do not end");
}

static int come_and_go(double until) {
  pairs_phase(PHASE_RUN);
  while (now() < until)
    if (!pairs_look())
      return 0;
  return rest();
}

static void compare(const pair_t *pair, int side) {
  const report_t *r = &pair->board->reports[side];
  size_t slack = gauge_is_sanitized() ? SANITIZED_SLACK : SLACK;
  char grown[400], text[480];

  if (gauge_compare(&r->first, &r->now, slack, grown, sizeof(grown)) == 0)
    return;
  snprintf(text, sizeof(text), "at rest the %s has more than before: %s",
           side == SERVER ? "server" : "client", grown);
  failed(text);
}

/* Both sides have to agree on what went as it should. */
static void compare_counts(const pair_t *pair) {
  const report_t *s = &pair->board->reports[SERVER];
  const report_t *c = &pair->board->reports[CLIENT];
  char text[160];

  for (unsigned i = 0; i < actor_count; i++) {
    if (s->wholes[i] == c->wholes[i] || (actors[i].flags & ACTOR_RUDE) != 0)
      continue;
    snprintf(text, sizeof(text), "%s: whole for %llu clients and %llu servers",
             actors[i].name, (unsigned long long)c->wholes[i],
             (unsigned long long)s->wholes[i]);
    failed(text);
  }
}

static void say_gauge(const char *who, const report_t *r) {
  const gauge_t *a = &r->first, *b = &r->now;

  say("%s at rest: resident %.1f -> %.1f MiB, the library's %zu -> %zu KiB, "
      "descriptors %zu -> %zu, threads %zu -> %zu (the ring's %zu -> %zu), "
      "slots %zu -> %zu, waits %zu -> %zu",
      who, (double)a->rss / 1048576, (double)b->rss / 1048576, a->heap / 1024,
      b->heap / 1024, a->fds, b->fds, a->threads, b->threads, a->workers,
      b->workers, a->slots, b->slots, a->polls, b->polls);
}

static int churn(double length) {
  double warm = length / 4 < WARM_S ? length / 4 : WARM_S;
  double end = now() + length;

  if (!come_and_go(now() + warm))
    return 0;
  do {
    double left = end - now();
    if (!come_and_go(left < 2 * REST_S ? end : now() + REST_S))
      return 0;
  } while (now() + 1 < end);
  for (int side = 0; side < SIDES; side++) {
    say_gauge(side == SERVER ? "server" : "client",
              &pairs[0].board->reports[side]);
    compare(&pairs[0], side);
  }
  compare_counts(&pairs[0]);
  return 1;
}

/* ---- All of it ---- */

static int start(unsigned i, unsigned loops) {
  return pairs_start(loops, &plan, &variants[i], &variants[(i + 1) % VARIANTS]);
}

/* Each variant gets the same share of what is left until end. */
static void soak(unsigned i, double end) {
  double until = now() + (end - now()) / (VARIANTS - i);

  plan.crowd = crowds[0];
  pairs_finish(start(i, 1) && (plan.crowd == 0 || gather(plan.crowd)) &&
               churn(until - now() < LEAST_S ? LEAST_S : until - now()));
}

/* On as few loops as the limits allow. */
static void crowd_only(unsigned crowd, unsigned descriptors) {
  unsigned most = descriptors - SPARE_FDS;
  unsigned loops = (crowd + most - 1) / most;

  if (loops > 1)
    printf("left out: %u connections on one loop: a process may have %u "
           "descriptors\n",
           crowd, descriptors);
  if (loops > MOST_PAIRS || memory_available() < crowd * 40e3) {
    printf("left out: %u connections on %u loops: %.1f GB of memory\n", crowd,
           loops, memory_available() / 1e9);
    return;
  }
  plan.crowd = crowd;
  for (unsigned i = 0; i < VARIANTS; i++)
    pairs_finish(start(i, loops) && gather(crowd));
}

static void parse(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    unsigned long long n;

    if (sscanf(argv[i], "--seconds=%llu", &n) == 1)
      seconds = (unsigned)n;
    else if (sscanf(argv[i], "--connections=%llu", &n) == 1 && n > 0)
      plan.connections = (unsigned)n;
    else if (sscanf(argv[i], "--crowd=%llu", &n) == 1)
      crowds[0] = (unsigned)n, crowds[1] = 0;
    else if (sscanf(argv[i], "--seed=%llu", &n) == 1)
      plan.seed = n;
    else {
      fprintf(stderr, "usage: soak [--seconds=N] [--connections=N] "
                      "[--crowd=N] [--seed=N]\n");
      exit(2);
    }
  }
}

static int make_directory(void) {
  const char *where = getenv("TMPDIR");

  snprintf(directory, sizeof(directory), "%s/weir-soak-XXXXXX",
           where == NULL ? "/tmp" : where);
  if (mkdtemp(directory) != NULL)
    return 1;
  perror(directory);
  return 0;
}

static void remove_directory(void) {
  if (rmdir(directory) == 0)
    return;
  printf("FAILED: %s: %s\n", directory, strerror(errno));
  totals.failures++;
}

int main(int argc, char **argv) {
  unsigned descriptors = most_descriptors();

  plan.seed = ((uint64_t)time(NULL) * 1000 + (uint64_t)getpid()) % 1000000007;
  parse(argc, argv);
  totals.began = now();
  if (!make_directory())
    return 1;
  printf("seed %" PRIu64 ", %u s, %u connections at a time\n", plan.seed,
         seconds, plan.connections);
  if (crowds[1] != 0)
    crowd_only(crowds[1], descriptors);
  for (unsigned i = 0; i < VARIANTS; i++)
    soak(i, totals.began + seconds);
  remove_directory();
  printf("soak: %s: %" PRIu64 " connections, %u together, %.2f GB compared, "
         "seed %" PRIu64 ", %.0f s\n",
         totals.failures == 0 ? "passed" : "FAILED", totals.begun,
         largest_crowd, (double)totals.bytes / 1e9, plan.seed,
         now() - totals.began);
  return totals.failures != 0;
}
