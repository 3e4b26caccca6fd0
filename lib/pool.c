/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <stdint.h>
#include <weir/pool.h>

#include "alloc.h"
#include "backend.h"
#include "debug_pool.h"
#include "pool.h"
#include "queue.h"
#include "seq.h"
#include "slab.h"

/* A pool: one slab, cut into equal buffers, a stack of the free ones, and a
 * queue of those who wait for one. While there are such, none is free. Up to
 * half of them are lent to the system, if it can choose one by itself when
 * something has come; whoever finds none free has these back. */

enum { PAGE = 4096, LINE = 64 };

/* Where there were too few buffers, that many reads go without lending; where
 * lending is not to be had, as many as can be counted. */
enum { PINCHED = 256 };

static const size_t largest = (size_t)1 << 30;

/* What is known of a buffer. */
typedef struct buffer_s {
  weir__tallied_t tallied;
  uint32_t refs; /* 0: it is free, or lent */
  uint32_t keepers;
  uint32_t holds; /* those of the refs that are the backend's */
  int lent;
} buffer_t;

struct weir_pool_s {
  weir_loop_t *loop;
  weir_node_t node; /* in the loop's list */
  char *slab;
  size_t slab_size;
  size_t size;   /* of a buffer */
  size_t stride; /* from one to the next */
  size_t count;
  size_t free;
  int index; /* of the registered memory, or the error that says why not */
  uint32_t *stack; /* numbers of the free buffers, `free` of them */
  buffer_t *buffers;
  weir__block_t *blocks; /* one for each; NULL: nobody has use of them */
  size_t kept;           /* those that have keepers */
  size_t holds;          /* of all buffers */
  weir_node_t waiting;   /* the weir__taker_t */
  weir__lent_t lent;
  size_t nlent;
  unsigned unlent; /* so many reads are to go without lending */
  size_t users;    /* reads that may take a buffer */
};

static weir_pool_t *pool_of(weir_node_t *node) {
  return (weir_pool_t *)((uintptr_t)node - offsetof(weir_pool_t, node));
}

int weir_pool_create(weir_loop_t *loop, size_t count, size_t size,
                     weir_pool_t **out) {
  if (loop == NULL || out == NULL || count == 0 || size == 0 ||
      size > largest || count > largest / size)
    return UV_EINVAL;
  size_t stride = (size + LINE - 1) & ~(size_t)(LINE - 1);
  if (count > largest / stride)
    return UV_EINVAL;
  int r = weir__loop_check(loop);
  if (r == 0)
    r = weir__loop_claim(loop);
  if (r != 0)
    return r;
  weir_pool_t *pool =
      weir__calloc(1, sizeof(*pool) + count * (sizeof(*pool->buffers) +
                                               sizeof(*pool->stack)));
  if (pool == NULL)
    return UV_ENOMEM;
  pool->slab_size = (count * stride + PAGE - 1) & ~(size_t)(PAGE - 1);
  pool->slab = weir__slab_alloc(pool->slab_size);
  if (pool->slab == NULL) {
    weir__free(pool);
    return UV_ENOMEM;
  }
  weir__debug_slab(loop, pool->slab, pool->slab_size);
  pool->loop = loop;
  pool->size = size;
  pool->stride = stride;
  pool->count = count;
  pool->buffers = (buffer_t *)(pool + 1);
  pool->stack = (uint32_t *)(void *)(pool->buffers + count);
  weir__queue_init(&pool->waiting);
  /* The lowest addresses go first. */
  for (size_t i = count; i-- > 0;)
    pool->stack[pool->free++] = (uint32_t)i;
  pool->index = loop->backend->memory_add(loop, pool->slab, pool->slab_size);
  weir__queue_push(&loop->pools, &pool->node);
  *out = pool;
  return 0;
}

static void destroy(weir_pool_t *pool) {
  weir__queue_remove(&pool->node);
  if (pool->lent.table != NULL)
    pool->loop->backend->lend_end(pool->loop, &pool->lent);
  if (pool->index >= 0)
    pool->loop->backend->memory_remove(pool->loop, pool->index);
  weir__debug_slab_end(pool->loop, pool->slab, pool->slab_size);
  weir__slab_free(pool->slab, pool->slab_size);
  weir__free(pool->blocks);
  weir__free(pool);
}

/* Whether somebody but the backend has it. */
static int is_out(const buffer_t *buffer) {
  return buffer->refs > buffer->holds;
}

static int any_is_out(const weir_pool_t *pool) {
  if (pool->holds == 0)
    return pool->free + pool->nlent != pool->count;
  for (size_t i = 0; i < pool->count; i++)
    if (is_out(&pool->buffers[i]))
      return 1;
  return 0;
}

int weir_pool_destroy(weir_pool_t *pool) {
  if (pool == NULL)
    return UV_EINVAL;
  if (any_is_out(pool) || pool->users > 0) {
    weir__debug_slab_left(pool->loop, pool->slab, pool->slab_size);
    return UV_EBUSY;
  }
  if (weir__loop_foreign(pool->loop))
    return UV_ESRCH;
  destroy(pool);
  return 0;
}

uv_buf_t weir__pool_buffer(const weir_pool_t *pool, uint32_t number) {
  return uv_buf_init(pool->slab + number * pool->stride, (unsigned)pool->size);
}

static void tell(const weir_pool_t *pool, weir__debug_event_t event,
                 uint32_t number) {
  weir__debug_buffer(pool->loop, event, weir__pool_buffer(pool, number));
}

static uint32_t pop(weir_pool_t *pool) {
  uint32_t number = pool->stack[--pool->free];
  pool->buffers[number].refs = 1;
  tell(pool, WEIR__DEBUG_TAKEN, number);
  return number;
}

static weir__taker_t *taker_of(weir_node_t *node) {
  return (weir__taker_t *)((uintptr_t)node -
                           offsetof(weir__taker_t, waiter.node));
}

static void put_back(weir_pool_t *pool, uint32_t number) {
  pool->stack[pool->free++] = number;
}

/* One reference less: the buffer goes to whom has waited longest. */
static void drop(weir_pool_t *pool, uint32_t number) {
  buffer_t *buffer = &pool->buffers[number];
  if (--buffer->refs > 0)
    return;
  tell(pool, WEIR__DEBUG_GIVEN, number);
  weir__tally_leave(&buffer->tallied);
  weir_node_t *node = weir__queue_pop(&pool->waiting);
  if (node == NULL) {
    put_back(pool, number);
    return;
  }
  weir__taker_t *taker = taker_of(node);
  buffer->refs = 1;
  tell(pool, WEIR__DEBUG_TAKEN, number);
  taker->number = number;
  taker->waiter.go(&taker->waiter);
}

static void unlend(weir_pool_t *pool, uint32_t number) {
  pool->buffers[number].lent = 0;
  pool->nlent--;
}

static void came_back(void *arg, uint32_t number) {
  unlend(arg, number);
  tell(arg, WEIR__DEBUG_BACK, number);
  put_back(arg, number);
}

/* Whether a buffer is free, after those that are lent were had back if there
 * was none. */
static int has_free(weir_pool_t *pool) {
  if (pool->free == 0 && pool->nlent > 0 && weir__loop_mine(pool->loop)) {
    pool->unlent = PINCHED;
    pool->loop->backend->recall(pool->loop, &pool->lent, came_back, pool);
  }
  return pool->free > 0;
}

static void lend(weir_pool_t *pool) {
  size_t most = weir__smaller(pool->count / 2, (size_t)pool->lent.mask + 1);
  while (pool->free > 0 && pool->nlent < most) {
    uint32_t number = pool->stack[pool->free - 1];
    const uv_buf_t buf = weir__pool_buffer(pool, number);
    if (!pool->loop->backend->lend(&pool->lent, &buf, number))
      return;
    pool->buffers[number].lent = 1;
    pool->free--;
    pool->nlent++;
  }
}

const weir__lent_t *weir__pool_lent(weir_pool_t *pool) {
  const weir__backend_t *backend = pool->loop->backend;
  if (pool->unlent > 0) {
    pool->unlent -= pool->unlent != UINT_MAX;
    return NULL;
  }
  if (pool->lent.table == NULL && pool->count / 2 > 0 &&
      backend->lend_begin(pool->loop, &pool->lent, pool->count / 2) != 0)
    pool->unlent = UINT_MAX;
  if (pool->lent.table == NULL)
    return NULL;
  lend(pool);
  return pool->nlent > 0 ? &pool->lent : NULL;
}

void weir__pool_chosen(weir_pool_t *pool, weir__taker_t *taker,
                       uint32_t number) {
  unlend(pool, number);
  tell(pool, WEIR__DEBUG_CHOSEN, number);
  pool->buffers[number].refs = 1;
  taker->number = number;
}

int weir_pool_acquire(weir_pool_t *pool, uv_buf_t *buf) {
  if (pool == NULL || buf == NULL)
    return UV_EINVAL;
  if (!has_free(pool))
    return UV_ENOBUFS;
  *buf = weir__pool_buffer(pool, pop(pool));
  return 0;
}

uint32_t weir__pool_number(const weir_pool_t *pool, const uv_buf_t *buf) {
  if (pool == NULL || buf == NULL)
    return WEIR__NO_BUFFER;
  uintptr_t offset = (uintptr_t)buf->base - (uintptr_t)pool->slab;
  if (offset >= pool->count * pool->stride)
    return WEIR__NO_BUFFER;
  size_t number = offset / pool->stride;
  return is_out(&pool->buffers[number]) ? (uint32_t)number : WEIR__NO_BUFFER;
}

/* What is to be released or retained, but is not out. */
static int astray(const weir_pool_t *pool, const uv_buf_t *buf) {
  if (pool != NULL && buf != NULL)
    weir__debug_buffer(pool->loop, WEIR__DEBUG_ASTRAY, *buf);
  return UV_EINVAL;
}

int weir_pool_retain(weir_pool_t *pool, const uv_buf_t *buf) {
  uint32_t number = weir__pool_number(pool, buf);
  if (number == WEIR__NO_BUFFER)
    return astray(pool, buf);
  pool->buffers[number].refs++;
  return 0;
}

int weir_pool_release(weir_pool_t *pool, const uv_buf_t *buf) {
  uint32_t number = weir__pool_number(pool, buf);
  if (number == WEIR__NO_BUFFER)
    return astray(pool, buf);
  drop(pool, number);
  return 0;
}

int weir__pool_use(weir_pool_t *pool, const weir_loop_t *loop) {
  if (pool->loop != loop)
    return 0;
  pool->users++;
  return 1;
}

void weir__pool_unuse(weir_pool_t *pool) {
  pool->users--;
}

int weir__pool_take(weir_pool_t *pool, weir__taker_t *taker) {
  if (has_free(pool)) {
    taker->number = pop(pool);
    return 0;
  }
  weir__queue_push(&pool->waiting, &taker->waiter.node);
  return WEIR_PENDING;
}

void weir__pool_untake(weir_pool_t *pool, weir__taker_t *taker) {
  uint32_t number = taker->number;
  taker->number = WEIR__NO_BUFFER;
  if (number != WEIR__NO_BUFFER)
    drop(pool, number);
}

void weir__pool_tally(weir_pool_t *pool, uint32_t number,
                      weir__tallied_t **tally) {
  weir__tally_join(tally, &pool->buffers[number].tallied);
}

int weir__pool_is_tallied(const weir_pool_t *pool, uint32_t number,
                          weir__tallied_t *const *tally) {
  return pool->buffers[number].tallied.tally == tally;
}

/* ---- For chains ---- */

int weir__pool_acquire(void *source, uv_buf_t *memory) {
  return weir_pool_acquire(source, memory);
}

void weir__pool_release(void *source, const uv_buf_t *memory) {
  weir_pool_release(source, memory);
}

int weir_pool_source(weir_pool_t *pool, weir_buffer_options_t *options) {
  if (pool == NULL || options == NULL)
    return UV_EINVAL;
  options->acquire = weir__pool_acquire;
  options->release = weir__pool_release;
  options->source = pool;
  return 0;
}

int weir__pool_provide(weir_pool_t *pool) {
  if (pool->blocks == NULL)
    pool->blocks = weir__calloc(pool->count, sizeof(*pool->blocks));
  return pool->blocks == NULL ? UV_ENOMEM : 0;
}

weir__block_t *weir__pool_block(weir_pool_t *pool, uint32_t number) {
  if (pool->blocks == NULL || pool->blocks[number].refs > 0)
    return NULL;
  const uv_buf_t buf = weir__pool_buffer(pool, number);
  pool->blocks[number] = (weir__block_t){.link = {.buf = buf},
                                         .memory = buf,
                                         .release = weir__pool_release,
                                         .source = pool,
                                         .refs = 1,
                                         .place = WEIR__BLOCK_LENT};
  return &pool->blocks[number];
}

void weir__pool_keep(weir_pool_t *pool, uint32_t number) {
  pool->kept += pool->buffers[number].keepers++ == 0;
}

void weir__pool_unkeep(weir_pool_t *pool, uint32_t number) {
  pool->kept -= --pool->buffers[number].keepers == 0;
}

int weir__pool_is_stuck(const weir_pool_t *pool) {
  return pool->kept == pool->count;
}

int weir_pool_status(const weir_pool_t *pool, const char **sentence) {
  int status = pool->index < 0 ? pool->index : 0;
  if (sentence == NULL)
    return status;
  switch (status) {
  case 0:
    *sentence = "the buffers are registered with io_uring";
    break;
  case UV_ENOTSUP:
    *sentence = "not registered: this needs io_uring of Linux 5.13 or later";
    break;
  case UV_ENOMEM:
    *sentence = "not registered: RLIMIT_MEMLOCK is too low for the slab";
    break;
  case UV_ENOBUFS:
    *sentence = "not registered: all slots for fixed buffers are taken";
    break;
  default:
    *sentence = "not registered: the kernel refused";
  }
  return status;
}

size_t weir_pool_count(const weir_pool_t *pool) {
  return pool->count;
}

size_t weir_pool_available(const weir_pool_t *pool) {
  return pool->free + pool->nlent;
}

size_t weir_pool_buffer_size(const weir_pool_t *pool) {
  return pool->size;
}

/* What it was lent to has gone, with all that was to be reported. */
static void lent_is_lost(weir_pool_t *pool) {
  if (pool->lent.table == NULL)
    return;
  pool->loop->backend->lend_end(pool->loop, &pool->lent);
  for (uint32_t i = 0; pool->nlent > 0; i++)
    if (pool->buffers[i].lent)
      came_back(pool, i);
}

void weir__pools_drop(weir_loop_t *loop) {
  while (!weir__queue_empty(&loop->pools))
    destroy(pool_of(loop->pools.next));
}

static int is_in(const weir_pool_t *pool, const void *base) {
  return (uintptr_t)base - (uintptr_t)pool->slab < pool->slab_size;
}

/* The number of the buffer that is out and holds all of buf. */
static uint32_t whole(const weir_pool_t *pool, const uv_buf_t *buf) {
  uint32_t number = weir__pool_number(pool, buf);
  if (number == WEIR__NO_BUFFER)
    return number;
  size_t offset = (size_t)(buf->base - pool->slab) - number * pool->stride;
  return offset + buf->len <= pool->size ? number : WEIR__NO_BUFFER;
}

weir_pool_t *weir__pool_hold(const weir_loop_t *loop, const uv_buf_t *buf) {
  weir_node_t *node = loop->pools.next;
  while (node != &loop->pools && !is_in(pool_of(node), buf->base))
    node = node->next;
  if (node == &loop->pools)
    return NULL;
  weir_pool_t *pool = pool_of(node);
  uint32_t number = whole(pool, buf);
  if (number == WEIR__NO_BUFFER)
    return NULL;
  pool->buffers[number].refs++;
  pool->buffers[number].holds++;
  pool->holds++;
  return pool;
}

void weir__pool_unhold(weir_pool_t *pool, const uv_buf_t *buf) {
  uint32_t number = (uint32_t)((size_t)(buf->base - pool->slab) / pool->stride);
  pool->buffers[number].holds--;
  pool->holds--;
  drop(pool, number);
}

int weir__pools_touch(const weir_loop_t *loop, const uv_buf_t *bufs,
                      unsigned nbufs) {
  weir_node_t *node = loop->pools.next;
  for (; node != &loop->pools; node = node->next)
    for (unsigned i = 0; i < nbufs; i++)
      if (is_in(pool_of(node), bufs[i].base))
        return 1;
  return 0;
}

void weir__pools_renew(weir_loop_t *loop) {
  weir_node_t *node = loop->pools.next;
  for (; node != &loop->pools; node = node->next) {
    weir_pool_t *pool = pool_of(node);
    lent_is_lost(pool);
    pool->index = loop->backend->memory_add(loop, pool->slab, pool->slab_size);
  }
}
