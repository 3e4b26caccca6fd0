/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>
#include <weir.h>

#include "machine/calls.h"
#include "machine/machine.h"
#include "program/program.h"
#include "random.h"

/* simulate [FIRST [COUNT [--trace]]]: random programs in the machine, one for
 * each seed. The same seed does the same, to the last system call. Without
 * arguments it tries a few from WEIR_TEST_SEED on; see random.h. */

enum { STEPS = 120, A_FEW = 4000, TWICE = 60 };

static const weir_loop_options_t variants[] = {
    {.backend = WEIR_BACKEND_URING, .wait = WEIR_WAIT_RING},
    {.backend = WEIR_BACKEND_URING, .wait = WEIR_WAIT_UV},
    {.backend = WEIR_BACKEND_UV},
};
enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };

/* ---- The world of a program, in the machine ---- */

static int sim_pair(world_t *world, world_link_t kind, int fds[2]) {
  int tcp = kind == WORLD_TCP || kind == WORLD_TCP_SLOW;
  int slow = kind == WORLD_TCP_SLOW || kind == WORLD_UNIX_SLOW;
  (void)world;
  if (kind == WORLD_PIPE)
    return machine_pipe2(fds, O_NONBLOCK);
  return machine_pair(tcp, slow ? 4096 : 0, fds);
}

static ssize_t result(ssize_t n) {
  return n >= 0 ? n : -errno;
}

static ssize_t sim_give(world_t *world, int fd, const void *bytes, size_t len) {
  ssize_t n;
  (void)world;
  do
    n = machine_is_socket(fd)
            ? machine_send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL)
            : machine_write(fd, bytes, len);
  while (n < 0 && errno == EINTR);
  return n < 0 && errno == ENOBUFS ? -EAGAIN : result(n);
}

static ssize_t sim_take(world_t *world, int fd, void *bytes, size_t len) {
  ssize_t n;
  (void)world;
  do
    n = machine_is_socket(fd) ? machine_recv(fd, bytes, len, MSG_DONTWAIT)
                              : machine_read(fd, bytes, len);
  while (n < 0 && errno == EINTR);
  return result(n);
}

static void sim_end(world_t *world, int fd) {
  (void)world;
  machine_shutdown(fd, SHUT_WR);
}

static void sim_drop(world_t *world, int fd, int reset) {
  const struct linger now = {1, 0};
  (void)world;
  if (reset)
    machine_setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  machine_close(fd);
}

/* There is no such directory: what the machine does not know does no harm. */
static void sim_path(world_t *world, char path[WORLD_PATH], const char *name) {
  (void)world;
  snprintf(path, WORLD_PATH, "/machine/%s", name);
}

static int sim_make(world_t *world, const char *path, const void *bytes,
                    size_t len) {
  (void)world;
  return machine_make(path, bytes, len) == 0 ? 0 : -1;
}

static ssize_t sim_look(world_t *world, const char *path, void *bytes,
                        size_t room) {
  (void)world;
  return machine_look(path, bytes, room);
}

static void sim_remove(world_t *world, const char *path) {
  (void)world;
  machine_unlink(path);
}

static int sim_descriptors(world_t *world) {
  (void)world;
  return machine_descriptors();
}

static weir_loop_t *attached;

/* Streams may be in memory. */
static uint64_t count_bytes(void) {
  weir_loop_stats_t stats;
  weir_loop_stats(attached, &stats, sizeof(stats));
  return stats.bytes_read + stats.bytes_written;
}

static void sim_attached(world_t *world, weir_loop_t *loop) {
  (void)world;
  attached = loop;
  machine_progress(loop != NULL ? count_bytes : NULL);
}

static world_t simulated = {
    .pair = sim_pair,
    .give = sim_give,
    .take = sim_take,
    .end = sim_end,
    .drop = sim_drop,
    .path = sim_path,
    .make = sim_make,
    .look = sim_look,
    .remove = sim_remove,
    .descriptors = sim_descriptors,
    .attached = sim_attached,
};

/* ---- The weather ---- */

/* Mostly nothing, sometimes anything up to most. */
static unsigned weather(random_t *dice, unsigned most) {
  return random_below(dice, 3) == 0 ? (unsigned)random_below(dice, most) : 0;
}

static machine_options_t options_of(uint64_t seed) {
  static const size_t buffers[] = {0, 0, 4096, 600};
  random_t dice = {seed};
  machine_options_t options = {.seed = random_next(&dice)};
  if (random_below(&dice, 8) == 0)
    return options;
  options.interrupted = weather(&dice, 60);
  options.shortened = weather(&dice, 700);
  options.no_buffers = weather(&dice, 20);
  options.slow = weather(&dice, 1000);
  options.punted = weather(&dice, 1000);
  options.missed = weather(&dice, 500);
  options.short_of = weather(&dice, 60);
  options.partial = weather(&dice, 60);
  options.copied = weather(&dice, 500);
  options.unfinished = weather(&dice, 700);
  options.buffer = buffers[random_below(&dice, 4)];
  options.old_nonblocking = random_below(&dice, 4) == 0;
  switch (random_below(&dice, 6)) {
  case 0:
    options.setup_refuse = IORING_SETUP_DEFER_TASKRUN;
    break;
  case 1:
    options.setup_refuse =
        IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN;
    break;
  default:
    break;
  }
  return options;
}

/* ---- Runs ---- */

static char name[64];

static void say(void) {
  fprintf(stderr, "%s\n", name);
}

/* A signal ends it, once that is said; a sanitizer's handler says more. */
static void on_signal(int signum) {
  ssize_t n = write(STDERR_FILENO, name, strlen(name));
  n = write(STDERR_FILENO, "\n", 1);
  (void)n;
  raise(signum);
}

static void say_when_killed(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM};
  struct sigaction action = {.sa_handler = on_signal,
                             .sa_flags = (int)SA_RESETHAND};
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
    struct sigaction old;
    if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
      sigaction(signals[i], &action, NULL);
  }
}

static uint64_t simulate(uint64_t seed) {
  uint8_t bytes[PROGRAM_MOST];
  machine_options_t options = options_of(seed);
  weir_loop_options_t wanted = variants[seed % VARIANTS];
  snprintf(name, sizeof(name), "make simulate SEED=%llu SEEDS=1",
           (unsigned long long)seed);
  size_t size = program_make(seed, STEPS, bytes);
  machine_begin(&options);
  int r = program_play(&simulated, name, &wanted, bytes, size);
  if (r != 0)
    machine_fail("attaching: %s", uv_strerror(r));
  return machine_end();
}

/* What is found out once for each process must not be the first seed's. */
static void warm_up(void) {
  const machine_options_t calm = {0};
  uint8_t bytes[PROGRAM_MOST];
  machine_begin(&calm);
  for (int i = 0; i < VARIANTS; i++)
    program_play(&simulated, "first", &variants[i], bytes,
                 program_make(1, 4, bytes));
  machine_end();
}

static uint64_t number(const char *text, uint64_t otherwise) {
  return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t simulate_all(uint64_t first, uint64_t count) {
  uint64_t hash = 0;
  for (uint64_t seed = first; seed < first + count; seed++)
    hash = hash * 31 + simulate(seed);
  return hash;
}

/* Some are done twice, to see that they are the same. */
static int repeats(uint64_t first, uint64_t count) {
  uint64_t hash[TWICE];
  uint64_t twice = count < TWICE ? count : TWICE;
  for (uint64_t i = 0; i < twice; i++)
    hash[i] = simulate(first + i);
  for (uint64_t i = 0; i < twice; i++) {
    uint64_t again = simulate(first + i);
    if (again == hash[i])
      continue;
    fprintf(stderr, "%s: %016llx, and then %016llx\n", name,
            (unsigned long long)hash[i], (unsigned long long)again);
    return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  uint64_t first = number(argc > 1 ? argv[1] : NULL, random_seed());
  uint64_t count = number(argc > 2 ? argv[2] : NULL, A_FEW);
  const struct rlimit files = {FIRST_FD, FIRST_FD};
  uv_loop_t uv;
  /* The machine's descriptors are above; and libuv makes some of its own that
   * are for all loops. */
  if (setrlimit(RLIMIT_NOFILE, &files) != 0 || uv_loop_init(&uv) != 0 ||
      uv_loop_close(&uv) != 0)
    return 1;
  machine_on_fail(say);
  say_when_killed();
  warm_up();
  machine_trace(argc > 3 && strcmp(argv[3], "--trace") == 0);
  if (count > 1 && !repeats(first, count))
    return 1;
  printf("%llu schedules from seed %llu on: %016llx\n",
         (unsigned long long)count, (unsigned long long)first,
         (unsigned long long)simulate_all(first, count));
  return 0;
}
