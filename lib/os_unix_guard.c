/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weir/map.h>

#include "os_map.h"

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* A handler of SIGBUS may run in any thread, whatever that holds: so what it
 * looks at is a table without locks, which never moves. */

typedef struct guard_s {
  atomic_int taken;
  atomic_int rights;
  atomic_int hit;
  atomic_uintptr_t base;
  atomic_size_t size; /* 0: it guards nothing */
} guard_t;

static guard_t guards[WEIR_MAP_GUARDS];
static struct sigaction before;
static size_t page;
static int installed; /* 0, or why not */

static guard_t *guard_of(uintptr_t at) {
  for (int i = 0; i < WEIR_MAP_GUARDS; i++) {
    size_t size = atomic_load(&guards[i].size);
    if (size > 0 && at - atomic_load(&guards[i].base) < size)
      return &guards[i];
  }
  return NULL;
}

/* One page: those beside it may still be the file's. */
static int mend(uintptr_t at) {
  guard_t *guard = guard_of(at);
  if (guard == NULL)
    return 0;
  /* First, since other threads may look as soon as the page is there. */
  atomic_store(&guard->hit, 1);
  void *p = (void *)(at & ~(uintptr_t)(page - 1));
  return mmap(p, page, atomic_load(&guard->rights),
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* What is not ours goes where it would have gone: without a handler, the one
 * that there was is put back, under which the access fails again. */
static void pass_on(int number, siginfo_t *info, void *context) {
  int sent = info->si_code <= 0; /* by a process */
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  } else if (!sent || before.sa_handler == SIG_DFL) {
    sigaction(number, &before, NULL);
    if (sent)
      raise(number);
  }
}

static void on_signal(int number, siginfo_t *info, void *context) {
  int saved = errno;
  if (info->si_code <= 0 || !mend((uintptr_t)info->si_addr))
    pass_on(number, info, context);
  errno = saved;
}

static void install(void) {
  struct sigaction ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  ours.sa_sigaction = on_signal;
  sigemptyset(&ours.sa_mask);
  page = weir__os_map_page();
  if (sigaction(SIGBUS, NULL, &before) != 0 ||
      sigaction(SIGBUS, &ours, NULL) != 0)
    installed = uv_translate_sys_error(errno);
}

int weir__os_guard_take(int writable, int *guard) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, install);
  if (installed != 0)
    return installed;
  for (int i = 0; i < WEIR_MAP_GUARDS; i++) {
    if (atomic_exchange(&guards[i].taken, 1))
      continue;
    atomic_store(&guards[i].rights,
                 writable ? PROT_READ | PROT_WRITE : PROT_READ);
    *guard = i;
    return 0;
  }
  return UV_ENOBUFS;
}

void weir__os_guard_give(int guard) {
  if (guard == WEIR__NO_GUARD)
    return;
  atomic_store(&guards[guard].size, 0);
  atomic_store(&guards[guard].taken, 0);
}

void weir__os_guard_cover(int guard, const void *base, size_t size) {
  if (guard == WEIR__NO_GUARD)
    return;
  atomic_store(&guards[guard].size, 0);
  atomic_store(&guards[guard].hit, 0);
  atomic_store(&guards[guard].base, (uintptr_t)base);
  atomic_store(&guards[guard].size, size);
}

int weir__os_guard_hit(int guard) {
  return guard != WEIR__NO_GUARD && atomic_load(&guards[guard].hit);
}
