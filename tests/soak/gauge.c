/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "gauge.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir.h>

#include "loop.h"
#ifdef WEIR_HAVE_URING
#include "../../uring/ring.h"
#endif

/* ---- The library's allocations ---- */

static size_t blocks;
static size_t heap;

/* MemorySanitizer does not see what a ring writes: what is so large may be a
 * buffer. */
enum { LARGE = 256 };
static int clears;

static void clear(void *p, size_t from, size_t size) {
  if (clears && p != NULL && size >= LARGE && from < size)
    memset((char *)p + from, 0, size - from);
}

static void *counted(void *p) {
  blocks += p != NULL;
  heap += malloc_usable_size(p);
  return p;
}

static void uncounted(void *p) {
  blocks -= p != NULL;
  heap -= malloc_usable_size(p);
}

static void *counted_malloc(size_t size) {
  void *p = malloc(size);

  clear(p, 0, size);
  return counted(p);
}

static void *counted_calloc(size_t count, size_t size) {
  return counted(calloc(count, size));
}

static void counted_free(void *p) {
  uncounted(p);
  free(p);
}

static void *counted_realloc(void *p, size_t size) {
  size_t had = malloc_usable_size(p);
  void *q = realloc(p, size);

  if (q == NULL)
    return NULL;
  clear(q, had, size);
  blocks += p == NULL;
  heap += malloc_usable_size(q) - had;
  return q;
}

void gauge_install(void) {
  clears = gauge_is_sanitized();
  if (weir_replace_allocator(counted_malloc, counted_realloc, counted_calloc,
                             counted_free) != 0)
    abort();
}

/* ---- What the system says ---- */

static void read_sizes(size_t *mapped, size_t *resident) {
  unsigned long pages[2] = {0, 0};
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  FILE *file = fopen("/proc/self/statm", "r");

  if (file == NULL || fscanf(file, "%lu %lu", &pages[0], &pages[1]) != 2)
    pages[1] = 0;
  if (file != NULL)
    fclose(file);
  *mapped = pages[0] * page;
  *resident = pages[1] * page;
}

size_t gauge_rss(void) {
  size_t mapped, resident;

  read_sizes(&mapped, &resident);
  return resident;
}

int gauge_is_sanitized(void) {
  size_t mapped, resident;

  read_sizes(&mapped, &resident);
  return (uint64_t)mapped >> 40 != 0;
}

/* How many names in path, but for those of the directory itself. */
static size_t count_names(const char *path) {
  DIR *dir = opendir(path);
  struct dirent *entry;
  size_t count = 0;

  if (dir == NULL)
    return 0;
  while ((entry = readdir(dir)) != NULL)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

size_t gauge_fds(void) {
  return count_names("/proc/self/fd") - 1; /* its own */
}

/* How many lines of a file under /proc begin with word. */
static size_t count_lines(const char *path, const char *word) {
  char line[256];
  size_t count = 0;
  FILE *file = fopen(path, "r");

  if (file == NULL)
    return 0;
  while (fgets(line, sizeof(line), file) != NULL)
    count += strncmp(line + strspn(line, " \t"), word, strlen(word)) == 0;
  fclose(file);
  return count;
}

static size_t count_workers(void) {
  DIR *dir = opendir("/proc/self/task");
  struct dirent *entry;
  char path[300];
  size_t count = 0;

  if (dir == NULL)
    return 0;
  while ((entry = readdir(dir)) != NULL) {
    snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
    count += count_lines(path, "iou-wrk");
  }
  closedir(dir);
  return count;
}

#ifdef WEIR_HAVE_URING
/* Those that are not in the list of free ones. */
static size_t count_slots(const weir__ring_t *ring) {
  size_t count = ring->slot_count;

  for (uint32_t i = ring->slot_free; i != WEIR__NO_SLOT && count > 0;
       i = ring->slots[i].next)
    count--;
  return count;
}
#endif

static void read_ring(gauge_t *gauge, const weir_loop_t *loop) {
  gauge->slots = 0;
  gauge->polls = 0;
#ifdef WEIR_HAVE_URING
  if (weir_loop_backend(loop) == WEIR_BACKEND_URING) {
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
             weir__ring(loop)->uring.ring_fd);
    gauge->slots = count_slots(weir__ring(loop));
    gauge->polls = count_lines(path, "op=");
  }
#endif
}

void gauge_read(gauge_t *gauge, const weir_loop_t *loop) {
  memset(gauge, 0, sizeof(*gauge));
  gauge->rss = gauge_rss();
  gauge->heap = heap;
  gauge->blocks = blocks;
  gauge->fds = gauge_fds();
  gauge->threads = count_names("/proc/self/task");
  gauge->workers = count_workers();
  if (loop == NULL)
    return;
  gauge->active = loop->active;
  read_ring(gauge, loop);
}

/* ---- Whether it grew ---- */

typedef struct rule_s {
  const char *what;
  size_t before;
  size_t now;
  size_t slack;
} rule_t;

int gauge_compare(const gauge_t *before, const gauge_t *now, size_t slack,
                  char *text, size_t size) {
  /* The kernel ends its threads when they have had nothing to do for a while;
   * those of libuv stay. */
  const rule_t rules[] = {
      {"bytes resident", before->rss, now->rss, slack},
      {"bytes of the library", before->heap, now->heap, slack / 8},
      {"descriptors", before->fds, now->fds, 0},
      {"threads of its own", before->threads - before->workers,
       now->threads - now->workers, 0},
      {"threads of the ring", before->workers, now->workers, 16},
      {"operations", before->active, now->active, 0},
      {"slots of the ring", before->slots, now->slots, 0},
      {"waits in the kernel", before->polls, now->polls, 0}};
  int grown = 0;
  size_t len = 0;

  text[0] = 0;
  for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
    const rule_t *r = &rules[i];

    if (r->now <= r->before + r->slack)
      continue;
    grown++;
    if (len < size)
      len += (size_t)snprintf(text + len, size - len, "%s%s %zu -> %zu",
                              len == 0 ? "" : ", ", r->what, r->before, r->now);
  }
  return grown;
}
