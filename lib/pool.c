/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <stdint.h>
#include <weir/pool.h>

#include "alloc.h"
#include "backend.h"
#include "debug_pool.h"
#include "options.h"
#include "os_memory.h"
#include "pool.h"
#include "queue.h"
#include "seq.h"
#include "slab_split.h"

/* A pool: one slab, which is split into buffers, and a queue of those who wait
 * for one. Whoever asks is not served before them. Up to half of the whole
 * buffers are lent to the system, if it can choose one by itself when something
 * has come; whoever finds none free has these back. A buffer has the number of
 * its first unit. */

enum { PAGE = 4096, LINE = 64 };

/* Where there were too few buffers, that many reads go without lending; where
 * lending is not to be had, as many as can be counted. */
enum { PINCHED = 256 };

static const size_t largest = (size_t)1 << 30;

/* What is known of the buffer that begins with a unit. */
typedef struct buffer_s {
  weir__tallied_t tallied;
  uint32_t refs; /* 0: it is free, or lent, or an operation's alone */
  uint32_t keepers;
  uint32_t holds; /* those of its piece that are the backend's */
  int lent;
} buffer_t;

struct weir_pool_s {
  weir__split_t split;
  weir_loop_t *loop;
  weir_node_t node; /* in the loop's list */
  size_t slab_size;
  size_t size; /* of a whole buffer */
  size_t count;
  int index; /* of the registered memory, or the error that says why not */
  buffer_t *buffers;     /* one for each unit */
  weir__block_t *blocks; /* one for each whole buffer; NULL: nobody has use of
                          * them */
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

/* It is the first in its pool. */
static weir_pool_t *pool_of_split(weir__split_t *split) {
  return (weir_pool_t *)(void *)split;
}

static void unheld(weir__split_t *split, uint32_t number);

/* The order of a whole buffer, and the bytes of a unit; or UV_EINVAL. */
static int measure(const weir_pool_options_t *options, unsigned *top,
                   size_t *unit) {
  size_t size = options->buffer_size;
  *top = 0;
  *unit = options->least;
  if (options->count == 0 || size == 0 || size > largest)
    return UV_EINVAL;
  if (*unit == 0)
    *unit = (size + LINE - 1) & ~(size_t)(LINE - 1);
  else if (*unit % LINE != 0)
    return UV_EINVAL;
  while (*unit < size && *top < WEIR__SPLIT_ORDERS - 1 &&
         *unit * weir__split_units(*top) < size)
    ++*top;
  if (options->least != 0 && *unit * weir__split_units(*top) != size)
    return UV_EINVAL;
  return options->count > largest / (*unit * weir__split_units(*top))
             ? UV_EINVAL
             : 0;
}

/* An object for `units` units, and the slab. */
static weir_pool_t *make(size_t units, size_t unit) {
  const size_t each = sizeof(buffer_t) + sizeof(weir__piece_t);
  weir_pool_t *pool = weir__calloc(1, sizeof(*pool) + units * each);
  if (pool == NULL)
    return NULL;
  pool->slab_size = (units * unit + PAGE - 1) & ~(size_t)(PAGE - 1);
  pool->split.base = weir__os_slab(pool->slab_size);
  if (pool->split.base != NULL)
    return pool;
  weir__free(pool);
  return NULL;
}

static void unmake(weir_pool_t *pool) {
  weir__os_slab_free(pool->split.base, pool->slab_size);
  weir__free(pool);
}

static int create(weir_loop_t *loop, const weir_pool_options_t *options,
                  weir_pool_t **out) {
  unsigned top;
  size_t unit;
  int r = measure(options, &top, &unit);
  if (r == 0)
    r = weir__loop_check(loop);
  if (r == 0)
    r = weir__loop_claim(loop);
  if (r != 0)
    return r;
  size_t units = options->count * weir__split_units(top);
  weir_pool_t *pool = make(units, unit);
  if (pool == NULL)
    return UV_ENOMEM;
  pool->loop = loop;
  pool->size = options->buffer_size;
  pool->count = options->count;
  pool->buffers = (buffer_t *)(pool + 1);
  pool->split.unit = unit;
  pool->split.unheld = unheld;
  weir__queue_init(&pool->waiting);
  weir__split_init(&pool->split,
                   (weir__piece_t *)(void *)(pool->buffers + units),
                   pool->count, top);
  if (weir__loop_add_slab(loop, &pool->split) != 0) {
    unmake(pool);
    return UV_ENOMEM;
  }
  weir__debug_slab(loop, pool->split.base, pool->slab_size);
  pool->index =
      loop->backend->memory_add(loop, pool->split.base, pool->slab_size);
  weir__queue_push(&loop->pools, &pool->node);
  *out = pool;
  return 0;
}

int weir_pool_create(weir_loop_t *loop, size_t count, size_t size,
                     weir_pool_t **out) {
  const weir_pool_options_t options = {
      .size = sizeof(options), .count = count, .buffer_size = size};
  return loop == NULL || out == NULL ? UV_EINVAL : create(loop, &options, out);
}

int weir_pool_create_with(weir_loop_t *loop, const weir_pool_options_t *options,
                          weir_pool_t **out) {
  weir_pool_options_t mine = {.size = 0};
  if (loop == NULL || options == NULL || out == NULL)
    return UV_EINVAL;
  int r = weir__options_take(&mine, sizeof(mine), sizeof(mine), options);
  return r != 0 ? r : create(loop, &mine, out);
}

static void destroy(weir_pool_t *pool) {
  weir__queue_remove(&pool->node);
  weir__loop_remove_slab(pool->loop, &pool->split);
  if (pool->lent.table != NULL)
    pool->loop->backend->lend_end(pool->loop, &pool->lent);
  if (pool->index >= 0)
    pool->loop->backend->memory_remove(pool->loop, pool->index);
  weir__debug_slab_end(pool->loop, pool->split.base, pool->slab_size);
  weir__free(pool->blocks);
  unmake(pool);
}

/* Whether somebody but the backend has the buffer that begins there. */
static int is_out(const weir_pool_t *pool, size_t number) {
  const weir__piece_t *piece = &pool->split.pieces[number];
  return piece->state == WEIR__PIECE_OUT ||
         (piece->state == WEIR__PIECE_LEFT &&
          piece->holds > pool->buffers[number].holds);
}

static int any_is_out(const weir_pool_t *pool) {
  if (pool->holds == 0)
    return weir_pool_available(pool) != pool->count;
  for (size_t i = 0; i < pool->split.size / pool->split.unit; i++)
    if (is_out(pool, i))
      return 1;
  return 0;
}

int weir_pool_destroy(weir_pool_t *pool) {
  if (pool == NULL)
    return UV_EINVAL;
  if (any_is_out(pool) || pool->users > 0) {
    weir__debug_slab_left(pool->loop, pool->split.base, pool->slab_size);
    return UV_EBUSY;
  }
  if (weir__loop_foreign(pool->loop))
    return UV_ESRCH;
  destroy(pool);
  return 0;
}

weir_loop_t *weir__pool_loop(const weir_pool_t *pool) {
  return pool->loop;
}

uv_buf_t weir__pool_buffer(const weir_pool_t *pool, uint32_t number) {
  const weir__split_t *split = &pool->split;
  unsigned order = split->pieces[number].order;
  size_t size =
      order == split->top ? pool->size : split->unit * weir__split_units(order);
  return uv_buf_init(split->base + number * split->unit, (unsigned)size);
}

static void tell(const weir_pool_t *pool, weir__debug_event_t event,
                 uint32_t number) {
  weir__debug_buffer(pool->loop, event, weir__pool_buffer(pool, number));
}

static void unlend(weir_pool_t *pool, uint32_t number) {
  pool->buffers[number].lent = 0;
  pool->nlent--;
}

/* What it is for the system: so whole buffers are counted. */
static inline unsigned whole_shift(const weir_pool_t *pool) {
  return 2 * pool->split.top;
}

static void came_back(void *arg, uint32_t whole) {
  weir_pool_t *pool = arg;
  uint32_t number = whole << whole_shift(pool);
  unlend(pool, number);
  tell(pool, WEIR__DEBUG_BACK, number);
  weir__split_give(&pool->split, number);
}

static void let_out(weir_pool_t *pool, uint32_t number) {
  pool->buffers[number].refs = 1;
  pool->split.pieces[number].state = WEIR__PIECE_OUT;
}

/* Takes a free buffer, after those that are lent were had back if there was
 * none: its number or WEIR__NO_BUFFER. */
static uint32_t take(weir_pool_t *pool, unsigned order) {
  uint32_t number = weir__split_take(&pool->split, order);
  if (number == WEIR__NO_UNIT) {
    if (pool->nlent == 0 || !weir__loop_mine(pool->loop))
      return WEIR__NO_BUFFER;
    pool->unlent = PINCHED;
    pool->loop->backend->recall(pool->loop, &pool->lent, came_back, pool);
    number = weir__split_take(&pool->split, order);
    if (number == WEIR__NO_UNIT)
      return WEIR__NO_BUFFER;
  }
  let_out(pool, number);
  tell(pool, WEIR__DEBUG_TAKEN, number);
  return number;
}

static weir__taker_t *taker_of(weir_node_t *node) {
  return (weir__taker_t *)((uintptr_t)node -
                           offsetof(weir__taker_t, waiter.node));
}

static unsigned order_of(const weir_pool_t *pool, const weir__taker_t *taker) {
  return pool->split.top - taker->below;
}

/* Gives those who have waited longest what they wait for, as far as it is
 * there. */
static void serve(weir_pool_t *pool) {
  while (!weir__queue_empty(&pool->waiting)) {
    weir__taker_t *taker = taker_of(pool->waiting.next);
    uint32_t number = take(pool, order_of(pool, taker));
    if (number == WEIR__NO_BUFFER)
      return;
    weir__queue_remove(&taker->waiter.node);
    taker->number = number;
    taker->waiter.go(&taker->waiter);
  }
}

static void put_back(weir_pool_t *pool, uint32_t number) {
  tell(pool, WEIR__DEBUG_GIVEN, number);
  weir__split_give(&pool->split, number);
  serve(pool);
}

static void unheld(weir__split_t *split, uint32_t number) {
  put_back(pool_of_split(split), number);
}

/* One reference less. */
static void drop(weir_pool_t *pool, uint32_t number) {
  buffer_t *buffer = &pool->buffers[number];
  if (--buffer->refs > 0)
    return;
  weir__tally_leave(&buffer->tallied);
  if (pool->split.pieces[number].holds > 0)
    pool->split.pieces[number].state = WEIR__PIECE_LEFT;
  else
    put_back(pool, number);
}

static void lend(weir_pool_t *pool) {
  unsigned top = pool->split.top;
  size_t most = weir__smaller(pool->count / 2, (size_t)pool->lent.mask + 1);
  while (pool->split.count[top] > 0 && pool->nlent < most) {
    uint32_t number = pool->split.first[top];
    const uv_buf_t buf = weir__pool_buffer(pool, number);
    if (!pool->loop->backend->lend(&pool->lent, &buf,
                                   number >> whole_shift(pool)))
      return;
    weir__split_take(&pool->split, top);
    pool->buffers[number].lent = 1;
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
                       uint32_t whole) {
  taker->number = whole << whole_shift(pool);
  unlend(pool, taker->number);
  tell(pool, WEIR__DEBUG_CHOSEN, taker->number);
  let_out(pool, taker->number);
}

uint32_t weir__pool_below(const weir_pool_t *pool, size_t size) {
  uint32_t below = 0;
  while (below < pool->split.top &&
         size <=
             pool->split.unit * weir__split_units(pool->split.top - below - 1))
    below++;
  return below;
}

int weir_pool_acquire_size(weir_pool_t *pool, size_t size, uv_buf_t *buf) {
  if (pool == NULL || buf == NULL || size == 0 || size > pool->size)
    return UV_EINVAL;
  if (!weir__queue_empty(&pool->waiting))
    return UV_ENOBUFS;
  uint32_t number = take(pool, pool->split.top - weir__pool_below(pool, size));
  if (number == WEIR__NO_BUFFER)
    return UV_ENOBUFS;
  *buf = weir__pool_buffer(pool, number);
  return 0;
}

int weir_pool_acquire(weir_pool_t *pool, uv_buf_t *buf) {
  return pool == NULL ? UV_EINVAL
                      : weir_pool_acquire_size(pool, pool->size, buf);
}

uint32_t weir__pool_number(const weir_pool_t *pool, const uv_buf_t *buf) {
  if (pool == NULL || buf == NULL)
    return WEIR__NO_BUFFER;
  uint32_t number = weir__split_find(&pool->split, buf->base);
  return number == WEIR__NO_UNIT || pool->buffers[number].refs == 0
             ? WEIR__NO_BUFFER
             : number;
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
  uint32_t number = WEIR__NO_BUFFER;
  if (weir__queue_empty(&pool->waiting))
    number = take(pool, order_of(pool, taker));
  taker->number = number;
  if (number != WEIR__NO_BUFFER)
    return 0;
  weir__queue_push(&pool->waiting, &taker->waiter.node);
  return WEIR_PENDING;
}

/* Those behind may want less. */
void weir__pool_leave(weir_pool_t *pool, weir__taker_t *taker) {
  weir__queue_remove(&taker->waiter.node);
  serve(pool);
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
  uint32_t whole = number >> whole_shift(pool);
  if (pool->blocks == NULL || pool->blocks[whole].refs > 0)
    return NULL;
  const uv_buf_t buf = weir__pool_buffer(pool, number);
  pool->blocks[whole] = (weir__block_t){.link = {.buf = buf},
                                        .memory = buf,
                                        .release = weir__pool_release,
                                        .source = pool,
                                        .refs = 1,
                                        .place = WEIR__BLOCK_LENT};
  return &pool->blocks[whole];
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
  return pool->split.count[pool->split.top] + pool->nlent;
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
    if (pool->buffers[i << whole_shift(pool)].lent)
      came_back(pool, i);
}

void weir__pools_drop(weir_loop_t *loop) {
  while (!weir__queue_empty(&loop->pools))
    destroy(pool_of(loop->pools.next));
}

/* ---- For the backend ---- */

weir_pool_t *weir__pool_hold(weir_loop_t *loop, const uv_buf_t *buf) {
  weir__split_t *split = weir__slabs_find(&loop->slabs, buf->base);
  if (split == NULL)
    return NULL;
  uint32_t number = weir__split_find(split, buf->base);
  weir__piece_t *piece = &split->pieces[number];
  size_t offset = (size_t)(buf->base - split->base) - number * split->unit;
  if (piece->state != WEIR__PIECE_OUT ||
      offset + buf->len > weir__split_units(piece->order) * split->unit)
    return NULL;
  weir_pool_t *pool = pool_of_split(split);
  piece->holds++;
  pool->buffers[number].holds++;
  pool->holds++;
  return pool;
}

void weir__pool_unhold(weir_pool_t *pool, const uv_buf_t *buf) {
  uint32_t number = weir__split_find(&pool->split, buf->base);
  pool->buffers[number].holds--;
  pool->holds--;
  weir__slabs_unhold_one(&pool->split, &pool->split.pieces[number]);
}

int weir__pools_touch(weir_loop_t *loop, const uv_buf_t *bufs, unsigned nbufs) {
  for (unsigned i = 0; i < nbufs; i++)
    if (weir__slabs_find(&loop->slabs, bufs[i].base) != NULL)
      return 1;
  return 0;
}

void weir__pools_renew(weir_loop_t *loop) {
  weir_node_t *node = loop->pools.next;
  for (; node != &loop->pools; node = node->next) {
    weir_pool_t *pool = pool_of(node);
    lent_is_lost(pool);
    pool->index =
        loop->backend->memory_add(loop, pool->split.base, pool->slab_size);
  }
}
