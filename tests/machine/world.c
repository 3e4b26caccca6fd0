/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random.h"
#include "world.h"

/* Objects and their descriptors, what is to happen later, and time. */

enum { MOST_FDS = 512 };

/* So many calls in a row that neither moved nor slept are a spin. */
enum { SPIN = 1000 };

/* Nothing that happens here takes so long, in nanoseconds, but a timer of the
 * program's that is there to find what has been lost. */
#define LONGEST 3000000000u

typedef struct event_s {
  struct event_s *next;
  uint64_t at;
  void (*run)(object_t *object, long arg);
  object_t *object;
  long arg;
} event_t;

static struct {
  int on;
  int tracing;
  machine_options_t options;
  random_t dice;
  uint64_t now;
  uint64_t hash;
  unsigned quiet;
  event_t *events;
  event_t *spare;
  object_t *fds[MOST_FDS];
  int used; /* descriptors */
  int number;
  void (*say)(void);
  uint64_t (*count)(void);
  uint64_t moved;
} world;

const machine_options_t *options(void) {
  return &world.options;
}

/* ---- Chance and trace ---- */

unsigned chance_of(unsigned n) {
  return (unsigned)random_below(&world.dice, n);
}

unsigned machine_chance(unsigned n) {
  return chance_of(n);
}

int happens(unsigned per_mille) {
  return per_mille > 0 && chance_of(1000) < per_mille;
}

static void stir(uint64_t value) {
  world.hash = (world.hash ^ value) * 0x100000001b3u;
}

void machine_note(const char *what, long a, long b) {
  for (const char *s = what; *s != '\0'; s++)
    stir((unsigned char)*s);
  stir((uint64_t)a);
  stir((uint64_t)b);
  if (world.tracing)
    fprintf(stderr, "%10.3f us  %s %ld: %ld\n", (double)world.now / 1e3, what,
            a, b);
}

void machine_trace(int on) {
  world.tracing = on;
}

void machine_on_fail(void (*say)(void)) {
  world.say = say;
}

void machine_progress(uint64_t (*count)(void)) {
  world.count = count;
  world.quiet = 0;
}

void machine_fail(const char *why, ...) {
  va_list args;
  va_start(args, why);
  fprintf(stderr, "at %.3f us: ", (double)world.now / 1e3);
  vfprintf(stderr, why, args);
  fputc('\n', stderr);
  va_end(args);
  if (world.say != NULL)
    world.say();
  fflush(NULL);
  _exit(1);
}

void *take(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL)
    machine_fail("the machine has no memory");
  return memory;
}

/* ---- Objects ---- */

void *object_new(const kind_t *kind, size_t size) {
  object_t *object = take(size);
  object->kind = kind;
  object->refs = 1;
  object->number = ++world.number;
  return object;
}

void object_hold(object_t *object) {
  object->refs++;
}

void object_drop(object_t *object) {
  if (--object->refs > 0)
    return;
  if (object->kind->free != NULL)
    object->kind->free(object);
  free(object);
}

void object_use(object_t *object) {
  object->uses++;
}

/* With its last use goes a reference. */
void object_unuse(object_t *object) {
  if (--object->uses > 0)
    return;
  watches_end(object);
  if (object->kind->close != NULL)
    object->kind->close(object);
  object_drop(object);
}

void progress(void) {
  world.quiet = 0;
}

void object_moved(object_t *object) {
  object->moved++;
  progress();
}

void object_changed(object_t *object) {
  waiters_wake(object);
  watches_changed(object);
}

/* ---- Descriptors ---- */

static int limit_of_fds(void) {
  return world.options.fds > 0 ? (int)world.options.fds : MOST_FDS;
}

int fds_left(void) {
  return world.used < limit_of_fds();
}

int fd_new(object_t *object) {
  int fd = 0;
  int limit = limit_of_fds();
  while (fd < limit && world.fds[fd] != NULL)
    fd++;
  if (fd == limit) {
    if (limit == MOST_FDS)
      machine_fail("more than %d descriptors", MOST_FDS);
    object_use(object);
    object_unuse(object);
    return -EMFILE;
  }
  world.fds[fd] = object;
  object_use(object);
  world.used++;
  progress();
  return FIRST_FD + fd;
}

int machine_has(int fd) {
  return world.on && fd >= FIRST_FD && fd < FIRST_FD + MOST_FDS &&
         world.fds[fd - FIRST_FD] != NULL;
}

object_t *fd_object(int fd) {
  return machine_has(fd) ? world.fds[fd - FIRST_FD] : NULL;
}

object_t *fd_of_kind(int fd, const kind_t *kind) {
  object_t *object = fd_object(fd);
  return object != NULL && object->kind == kind ? object : NULL;
}

int fd_close(int fd) {
  object_t *object = fd_object(fd);
  if (object == NULL)
    return -EBADF;
  world.fds[fd - FIRST_FD] = NULL;
  world.used--;
  progress();
  object_unuse(object);
  return 0;
}

/* ---- Later ---- */

void later(uint64_t ns, void (*run)(object_t *object, long arg),
           object_t *object, long arg) {
  event_t *event = world.spare;
  event_t **at = &world.events;
  if (event != NULL)
    world.spare = event->next;
  else
    event = take(sizeof(*event));
  event->at = world.now + ns;
  event->run = run;
  event->object = object;
  event->arg = arg;
  object_hold(object);
  while (*at != NULL && (*at)->at <= event->at)
    at = &(*at)->next;
  event->next = *at;
  *at = event;
}

uint64_t some_time(void) {
  if (!happens(world.options.slow))
    return chance_of(20) * 100;
  return (uint64_t)chance_of(happens(100) ? 20000 : 300) * NS_PER_US;
}

static void run_due(void) {
  event_t *event;
  while ((event = world.events) != NULL && event->at <= world.now) {
    world.events = event->next;
    event->next = world.spare;
    world.spare = event;
    object_t *object = event->object;
    event->run(object, event->arg);
    object_drop(object);
    progress();
  }
  works_wake();
}

static void forget_events(void) {
  event_t *event;
  while ((event = world.events) != NULL) {
    world.events = event->next;
    object_drop(event->object);
    free(event);
  }
  while ((event = world.spare) != NULL) {
    world.spare = event->next;
    free(event);
  }
}

/* ---- Calls ---- */

/* Not all that the program does comes here. */
static int moved_elsewhere(void) {
  uint64_t moved = world.count != NULL ? world.count() : 0;
  int more = moved != world.moved;
  world.moved = moved;
  if (more)
    world.quiet = 0;
  return more;
}

void call_begins(const char *name, int fd) {
  world.now += 100 + chance_of(400);
  run_due();
  rings_work();
  if (++world.quiet > SPIN && !moved_elsewhere())
    machine_fail("a spin: %d calls without any progress, the last of them %s "
                 "of %d",
                 SPIN, name, fd);
}

long call_ends(const char *name, int fd, long result) {
  machine_note(name, fd, result);
  return result;
}

int sleep_until(int (*woken)(void *arg), void *arg, uint64_t ns) {
  uint64_t end = ns < UINT64_MAX - world.now ? world.now + ns : UINT64_MAX;
  if (work_sleeps(woken, arg))
    return 1;
  while (!woken(arg)) {
    uint64_t next = world.events != NULL ? world.events->at : UINT64_MAX;
    uint64_t then = next < end ? next : end;
    if (next == UINT64_MAX && end - world.now > LONGEST)
      machine_fail("a lost wake-up: it sleeps, and nothing will happen");
    if (then > world.now) {
      world.now = then;
      world.quiet = 0;
    }
    if (next > end)
      return 0;
    run_due();
  }
  return 1;
}

uint64_t machine_now(void) {
  return world.now;
}

/* ---- On and off ---- */

int machine_descriptors(void) {
  return world.used;
}

int machine_is_on(void) {
  return world.on;
}

void machine_begin(const machine_options_t *wanted) {
  int tracing = world.tracing;
  void (*say)(void) = world.say;
  memset(&world, 0, sizeof(world));
  world.options = *wanted;
  world.dice.state = wanted->seed;
  world.now = 1000000000;
  world.hash = 0xcbf29ce484222325u;
  world.tracing = tracing;
  world.say = say;
  world.on = 1;
  system_on();
}

uint64_t machine_end(void) {
  for (int i = 0; i < MOST_FDS; i++)
    if (world.fds[i] != NULL)
      machine_fail("descriptor %d, a %s, is still open", FIRST_FD + i,
                   world.fds[i]->kind->name);
  forget_events();
  works_reset();
  rings_reset();
  sockets_reset();
  files_reset();
  system_off();
  world.on = 0;
  return world.hash;
}
