/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <weir/pool.h>

#include "alloc.h"
#include "backend.h"
#include "pool.h"
#include "queue.h"
#include "slab.h"

/* A pool: one slab, cut into equal buffers, a stack of the free ones, and a
 * queue of those who wait for one. While there are such, none is free. */

enum { PAGE = 4096, LINE = 64 };

static const size_t largest = (size_t)1 << 30;

/* What is known of a buffer. */
typedef struct buffer_s {
  weir__tallied_t tallied;
  uint32_t refs; /* 0: it is free */
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
  weir_node_t waiting; /* the weir__taker_t */
  size_t users;        /* reads that may take a buffer */
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

int weir_pool_destroy(weir_pool_t *pool) {
  if (pool == NULL)
    return UV_EINVAL;
  if (pool->free != pool->count || pool->users > 0)
    return UV_EBUSY;
  if (weir__loop_foreign(pool->loop))
    return UV_ESRCH;
  weir__queue_remove(&pool->node);
  if (pool->index >= 0)
    pool->loop->backend->memory_remove(pool->loop, pool->index);
  weir__slab_free(pool->slab, pool->slab_size);
  weir__free(pool);
  return 0;
}

uv_buf_t weir__pool_buffer(const weir_pool_t *pool, uint32_t number) {
  return uv_buf_init(pool->slab + number * pool->stride, (unsigned)pool->size);
}

static uint32_t pop(weir_pool_t *pool) {
  uint32_t number = pool->stack[--pool->free];
  pool->buffers[number].refs = 1;
  return number;
}

static weir__taker_t *taker_of(weir_node_t *node) {
  return (weir__taker_t *)((uintptr_t)node -
                           offsetof(weir__taker_t, waiter.node));
}

/* One reference less: the buffer goes to whom has waited longest. */
static void drop(weir_pool_t *pool, uint32_t number) {
  buffer_t *buffer = &pool->buffers[number];
  if (--buffer->refs > 0)
    return;
  weir__tally_leave(&buffer->tallied);
  weir_node_t *node = weir__queue_pop(&pool->waiting);
  if (node == NULL) {
    pool->stack[pool->free++] = number;
    return;
  }
  weir__taker_t *taker = taker_of(node);
  buffer->refs = 1;
  taker->number = number;
  taker->waiter.go(&taker->waiter);
}

int weir_pool_acquire(weir_pool_t *pool, uv_buf_t *buf) {
  if (pool == NULL || buf == NULL)
    return UV_EINVAL;
  if (pool->free == 0)
    return UV_ENOBUFS;
  *buf = weir__pool_buffer(pool, pop(pool));
  return 0;
}

/* The number of the buffer of pool that is out and into which buf points;
 * WEIR__NO_BUFFER if there is none. */
static uint32_t number_of(const weir_pool_t *pool, const uv_buf_t *buf) {
  if (pool == NULL || buf == NULL)
    return WEIR__NO_BUFFER;
  uintptr_t offset = (uintptr_t)buf->base - (uintptr_t)pool->slab;
  if (offset >= pool->count * pool->stride)
    return WEIR__NO_BUFFER;
  size_t number = offset / pool->stride;
  return pool->buffers[number].refs == 0 ? WEIR__NO_BUFFER : (uint32_t)number;
}

int weir_pool_retain(weir_pool_t *pool, const uv_buf_t *buf) {
  uint32_t number = number_of(pool, buf);
  if (number == WEIR__NO_BUFFER)
    return UV_EINVAL;
  pool->buffers[number].refs++;
  return 0;
}

int weir_pool_release(weir_pool_t *pool, const uv_buf_t *buf) {
  uint32_t number = number_of(pool, buf);
  if (number == WEIR__NO_BUFFER)
    return UV_EINVAL;
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
  if (pool->free > 0) {
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

static int acquire(void *source, uv_buf_t *memory) {
  return weir_pool_acquire(source, memory);
}

static void release(void *source, const uv_buf_t *memory) {
  weir_pool_release(source, memory);
}

int weir_pool_source(weir_pool_t *pool, weir_buffer_options_t *options) {
  if (pool == NULL || options == NULL)
    return UV_EINVAL;
  options->acquire = acquire;
  options->release = release;
  options->source = pool;
  return 0;
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
  return pool->free;
}

size_t weir_pool_buffer_size(const weir_pool_t *pool) {
  return pool->size;
}

void weir__pools_renew(weir_loop_t *loop) {
  weir_node_t *node = loop->pools.next;
  for (; node != &loop->pools; node = node->next) {
    weir_pool_t *pool = pool_of(node);
    pool->index = loop->backend->memory_add(loop, pool->slab, pool->slab_size);
  }
}
