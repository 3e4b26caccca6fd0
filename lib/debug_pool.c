/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "alloc.h"
#include "debug_op.h"
#include "debug_pool.h"
#include "debug_report.h"
#include "os_memory.h"

/* Buffers of pools in debug mode: what is free has a pattern, or in guard mode
 * no memory. */

enum { FREE_BYTE = 0xdb };

/* A buffer that was out once. */
typedef struct weir__debug_buf_s {
  struct weir__debug_buf_s *next;
  uv_buf_t buf;
  int out;
  weir_trail_t taken;
  weir_trail_t given;
} known_t;

/* Of AddressSanitizer's, if the program has it. */
#if defined(__GNUC__) && defined(__ELF__)
void __asan_poison_memory_region(const volatile void *at, size_t size)
    __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *at, size_t size)
    __attribute__((weak));

static void bar(const uv_buf_t *buf) {
  if (__asan_poison_memory_region != NULL)
    __asan_poison_memory_region(buf->base, buf->len);
}

static void unbar(const uv_buf_t *buf) {
  if (__asan_unpoison_memory_region != NULL)
    __asan_unpoison_memory_region(buf->base, buf->len);
}
#else
static void bar(const uv_buf_t *buf) {
  (void)buf;
}

static void unbar(const uv_buf_t *buf) {
  (void)buf;
}
#endif

/* The pages of a buffer in guard mode. */
static uv_buf_t pages_of(const weir_loop_t *loop, const uv_buf_t *buf) {
  size_t page = loop->debug->guard;
  size_t before = (uintptr_t)buf->base % page;
  size_t size = (before + buf->len + page - 1) / page * page;
  return weir__buf(buf->base - before, size);
}

static void poison(const uv_buf_t *buf) {
  unbar(buf);
  memset(buf->base, FREE_BYTE, buf->len);
  bar(buf);
}

/* It is free from now on. */
static void shut(const weir_loop_t *loop, const uv_buf_t *buf) {
  if (loop->debug->guard == 0) {
    poison(buf);
    return;
  }
  const uv_buf_t pages = pages_of(loop, buf);
  weir__os_slab_withdraw(pages.base, 0, pages.len);
}

size_t weir__debug_guard(const weir_loop_t *loop) {
  return loop->debug == NULL ? 0 : loop->debug->guard;
}

int weir__debug_buffer_open(weir_loop_t *loop, uv_buf_t buf) {
  if (loop->debug->guard == 0)
    return 1;
  const uv_buf_t pages = pages_of(loop, &buf);
  if (weir__os_slab_extend(pages.base, 0, pages.len) != 0)
    return 0;
  memset(pages.base, FREE_BYTE, pages.len);
  return 1;
}

/* The first byte of a free buffer that is not as it was left; NULL. */
static const char *changed(const uv_buf_t *buf) {
  for (size_t i = 0; i < buf->len; i++)
    if ((unsigned char)buf->base[i] != FREE_BYTE)
      return buf->base + i;
  return NULL;
}

static int within(const void *at, const void *base, size_t size) {
  return (uintptr_t)at - (uintptr_t)base < size;
}

/* What is known of the buffer that begins at this address. */
static known_t **find(weir__debug_t *debug, const void *base) {
  known_t **at = &debug->bufs[weir__debug_bucket(base)];
  while (*at != NULL && (*at)->buf.base != base)
    at = &(*at)->next;
  return at;
}

/* Of the one into which it points. */
static known_t *find_around(weir__debug_t *debug, const void *at) {
  for (size_t i = 0; i < WEIR__DEBUG_BUCKETS; i++) {
    known_t *known = debug->bufs[i];
    for (; known != NULL; known = known->next)
      if (within(at, known->buf.base, known->buf.len))
        return known;
  }
  return NULL;
}

static void report(weir_loop_t *loop, weir_misuse_t misuse, uv_buf_t buf,
                   const weir_trail_t *began, const weir_trail_t *also) {
  const weir_report_t made = {.misuse = misuse,
                              .what = "buffer",
                              .address = buf.base,
                              .size = buf.len,
                              .began = began,
                              .also = also};
  weir__debug_report(loop, &made);
}

static void take(weir_loop_t *loop, uv_buf_t buf, int chosen) {
  known_t **at = find(loop->debug, buf.base);
  known_t *known = *at;
  unbar(&buf);
  const char *where = chosen ? NULL : changed(&buf);
  if (where != NULL && loop->debug->pid == uv_os_getpid())
    report(loop, WEIR_MISUSE_WRITTEN_FREE,
           weir__buf(where, (size_t)(buf.base + buf.len - where)),
           known == NULL ? NULL : &known->taken,
           known == NULL ? NULL : &known->given);
  if (known == NULL)
    known = *at = weir__calloc(1, sizeof(*known));
  if (known == NULL)
    return;
  known->buf = buf;
  known->out = 1;
  weir__debug_trail(&known->taken);
}

/* What shares the first and the last page of a buffer in guard mode is
 * nobody's. */
static void look_beside(weir_loop_t *loop, uv_buf_t buf, const known_t *known) {
  if (loop->debug->guard == 0 || loop->debug->pid != uv_os_getpid())
    return;
  const uv_buf_t pages = pages_of(loop, &buf);
  const char *end = buf.base + buf.len;
  const uv_buf_t sides[] = {
      weir__buf(pages.base, (size_t)(buf.base - pages.base)),
      weir__buf(end, (size_t)(pages.base + pages.len - end))};
  for (int i = 0; i < 2; i++)
    if (changed(&sides[i]) != NULL)
      report(loop, WEIR_MISUSE_BESIDE, buf,
             known == NULL ? NULL : &known->taken, NULL);
}

static void give(weir_loop_t *loop, uv_buf_t buf) {
  known_t *known = *find(loop->debug, buf.base);
  weir__debug_withdrawn(loop, buf, known == NULL ? NULL : &known->taken);
  look_beside(loop, buf, known);
  shut(loop, &buf);
  if (known == NULL)
    return;
  known->out = 0;
  weir__debug_trail(&known->given);
}

static void astray(weir_loop_t *loop, uv_buf_t buf) {
  const known_t *known = find_around(loop->debug, buf.base);
  if (known != NULL && !known->out)
    report(loop, WEIR_MISUSE_RELEASED_TWICE, buf, &known->taken, &known->given);
  else
    report(loop, WEIR_MISUSE_FOREIGN, buf, NULL, NULL);
}

void weir__debug_buffer_told(weir_loop_t *loop, weir__debug_event_t event,
                             uv_buf_t buf) {
  switch (event) {
  case WEIR__DEBUG_TAKEN:
  case WEIR__DEBUG_CHOSEN:
    take(loop, buf, event == WEIR__DEBUG_CHOSEN);
    break;
  case WEIR__DEBUG_GIVEN:
    give(loop, buf);
    break;
  case WEIR__DEBUG_BACK:
    shut(loop, &buf);
    break;
  default:
    astray(loop, buf);
  }
}

void weir__debug_slab(weir_loop_t *loop, char *slab, size_t size) {
  const uv_buf_t all = weir__buf(slab, size);
  if (loop->debug != NULL)
    poison(&all);
}

void weir__debug_slab_left(weir_loop_t *loop, const char *slab, size_t size) {
  if (loop->debug == NULL)
    return;
  for (size_t i = 0; i < WEIR__DEBUG_BUCKETS; i++) {
    const known_t *known = loop->debug->bufs[i];
    for (; known != NULL; known = known->next)
      if (known->out && within(known->buf.base, slab, size))
        report(loop, WEIR_MISUSE_LEFT, known->buf, &known->taken, NULL);
  }
}

void weir__debug_slab_end(weir_loop_t *loop, char *slab, size_t size) {
  const uv_buf_t all = weir__buf(slab, size);
  if (loop->debug == NULL)
    return;
  weir__debug_slab_left(loop, slab, size);
  unbar(&all);
  for (size_t i = 0; i < WEIR__DEBUG_BUCKETS; i++) {
    known_t **at = &loop->debug->bufs[i];
    while (*at != NULL) {
      known_t *known = *at;
      if (!within(known->buf.base, slab, size)) {
        at = &known->next;
        continue;
      }
      *at = known->next;
      weir__free(known);
    }
  }
}
