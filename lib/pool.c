/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <stdint.h>
#include <weir/pool.h>

#include "alarm.h"
#include "alloc.h"
#include "backend.h"
#include "debug_pool.h"
#include "options.h"
#include "pool.h"
#include "post.h"
#include "queue.h"
#include "rare.h"
#include "returns.h"
#include "seq.h"
#include "slab_parts.h"

/* A pool: one slab, which is split into buffers, and a queue of those who wait
 * for one. Whoever asks is not served before them. Up to half of the whole
 * buffers are lent to the system, if it can choose one by itself when something
 * has come; whoever finds none free has these back, after what other threads
 * have returned and what is to go, and before more memory comes. A buffer has
 * the number of its first unit. */

enum { LINE = 64 };

/* Milliseconds. */
enum { IDLE = 1000 };

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

/* Where a buffer of an order lies in its units, and its bytes. */
typedef struct place_s {
  size_t offset;
  unsigned size;
} place_t;

struct weir_pool_s {
  weir__split_t split;
  weir_loop_t *loop;
  weir_node_t node; /* in the loop's list */
  weir__parts_t parts;
  weir_alarm_t alarm; /* there is more than the first part */
  uint64_t idle;
  size_t size; /* of a whole buffer */
  place_t places[WEIR__SPLIT_ORDERS];
  weir__returns_t returns;
  buffer_t *buffers;     /* one for each unit */
  weir__block_t *blocks; /* one for each whole buffer; NULL: nobody has use of
                          * them */
  size_t kept;           /* those that have keepers */
  size_t holds;          /* of all buffers */
  weir_node_t waiting;   /* the weir__taker_t */
  int serving;           /* they are */
  weir__lent_t lent;
  size_t nlent;
  unsigned unlent; /* so many reads are to go without lending */
  size_t users;    /* reads that may take a buffer */
};

static weir_pool_t *pool_of(weir_node_t *node) {
  return (weir_pool_t *)((uintptr_t)node - offsetof(weir_pool_t, node));
}

static weir_pool_t *pool_of_alarm(weir_alarm_t *alarm) {
  return (weir_pool_t *)((uintptr_t)alarm - offsetof(weir_pool_t, alarm));
}

/* It is the first in its pool. */
static weir_pool_t *pool_of_split(weir__split_t *split) {
  return (weir_pool_t *)(void *)split;
}

static void unheld(weir__split_t *split, uint32_t number);

static void on_idle(weir_alarm_t *alarm);
static void look(weir_loop_t *loop);
static int fetch(weir_pool_t *pool);

/* The order of a whole buffer, and the bytes of a unit; or UV_EINVAL. */
static int measure(const weir_pool_options_t *options, unsigned *top,
                   size_t *unit) {
  size_t size = options->buffer_size;
  *top = 0;
  *unit = options->least;
  if (options->count == 0 || size == 0 || size > largest ||
      options->most < options->count)
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
  return options->most > largest / (*unit * weir__split_units(*top)) ? UV_EINVAL
                                                                     : 0;
}

/* An object for `units` units and so many parts. */
static weir_pool_t *make(size_t units, size_t parts) {
  const size_t each =
      sizeof(buffer_t) + sizeof(weir__piece_t) + sizeof(weir__return_t);
  weir_pool_t *pool = weir__calloc(
      1, sizeof(*pool) + parts * sizeof(weir__part_t) + units * each);
  if (pool == NULL)
    return NULL;
  pool->parts.list = (weir__part_t *)(pool + 1);
  pool->buffers = (buffer_t *)(void *)(pool->parts.list + parts);
  pool->split.pieces = (weir__piece_t *)(void *)(pool->buffers + units);
  weir__returns_init(&pool->returns,
                     (weir__return_t *)(void *)(pool->split.pieces + units));
  return pool;
}

/* The memory of one that is made. */
static int provide(weir_pool_t *pool, const weir_pool_options_t *options) {
  pool->parts.loop = pool->loop;
  pool->parts.split = &pool->split;
  pool->parts.first = options->count;
  pool->parts.step = options->step;
  pool->parts.most = options->most;
  pool->parts.guard = weir__debug_guard(pool->loop);
  int r = weir__parts_begin(&pool->parts);
  if (r != 0)
    return r;
  r = weir__loop_add_slab(pool->loop, &pool->split);
  if (r != 0)
    weir__parts_end(&pool->parts);
  return r;
}

/* Has buffers whose units have that many bytes lie one behind the other; in
 * guard mode a unit has a page more, and a buffer ends where the last page of
 * its own begins, as far as where it is to begin allows: 0 or UV_ENOMEM. */
static int arrange(weir_pool_t *pool, size_t unit, unsigned top, size_t most) {
  size_t guard = weir__debug_guard(pool->loop);
  size_t stride =
      guard == 0 ? unit : (unit + guard - 1) / guard * guard + guard;
  for (unsigned order = 0; order <= top; order++)
    pool->places[order] =
        (place_t){.offset = weir__split_units(order) * (stride - unit) - guard,
                  .size = (unsigned)(weir__split_units(order) * unit)};
  pool->places[top].size = (unsigned)pool->size;
  pool->split.unit = stride;
  return most > SIZE_MAX / 2 / stride / weir__split_units(top) ? UV_ENOMEM : 0;
}

static int create(weir_loop_t *loop, weir_pool_options_t *options,
                  weir_pool_t **out) {
  unsigned top;
  size_t unit;
  if (options->most == 0)
    options->most = options->count;
  if (options->step == 0)
    options->step = options->count;
  int r = measure(options, &top, &unit);
  if (r == 0)
    r = weir__loop_check(loop);
  if (r == 0)
    r = weir__loop_claim(loop);
  if (r != 0)
    return r;
  weir_pool_t *pool =
      make(options->most * weir__split_units(top),
           weir__parts_limit(options->count, options->step, options->most));
  if (pool == NULL)
    return UV_ENOMEM;
  pool->loop = loop;
  pool->size = options->buffer_size;
  pool->idle = options->idle == 0 ? IDLE : options->idle;
  pool->alarm.ring = on_idle;
  pool->split.unheld = unheld;
  weir__queue_init(&pool->waiting);
  r = arrange(pool, unit, top, options->most);
  if (r == 0) {
    weir__split_init(&pool->split, pool->split.pieces, options->most, top);
    r = provide(pool, options);
  }
  if (r != 0) {
    weir__free(pool);
    return r;
  }
  loop->box.look = look;
  weir__queue_push(&loop->pools, &pool->node);
  *out = pool;
  return 0;
}

int weir_pool_create(weir_loop_t *loop, size_t count, size_t size,
                     weir_pool_t **out) {
  weir_pool_options_t options = {
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
  weir__alarm_end(pool->loop, &pool->alarm);
  weir__parts_end(&pool->parts);
  weir__free(pool->blocks);
  weir__free(pool);
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
    return weir_pool_available(pool) != pool->parts.count;
  for (size_t i = 0; i < pool->split.units; i++)
    if (is_out(pool, i))
      return 1;
  return 0;
}

int weir_pool_destroy(weir_pool_t *pool) {
  if (pool == NULL)
    return UV_EINVAL;
  fetch(pool);
  if (any_is_out(pool) || pool->users > 0) {
    weir__debug_slab_left(pool->loop, pool->split.base, pool->split.size);
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
  const place_t *place = &pool->places[split->pieces[number].order];
  return uv_buf_init(split->base + number * split->unit + place->offset,
                     place->size);
}

static void notify(const weir_pool_t *pool, weir__debug_event_t event,
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
  notify(pool, WEIR__DEBUG_BACK, number);
  weir__split_give(&pool->split, number);
}

static void let_out(weir_pool_t *pool, uint32_t number) {
  pool->buffers[number].refs = 1;
  pool->split.pieces[number].state = WEIR__PIECE_OUT;
}

/* ---- Where buffers come from when none is free ---- */

/* What other threads have returned. */
static int fetch(weir_pool_t *pool) {
  uint32_t number = weir__returns_take(&pool->returns);
  int any = number != WEIR__NO_RETURN;
  while (number != WEIR__NO_RETURN) {
    const uv_buf_t buf =
        weir__pool_buffer(pool, weir__split_piece(&pool->split, number));
    unsigned times = weir__returns_next(&pool->returns, &number);
    while (times-- > 0)
      weir_pool_release(pool, &buf);
  }
  return any;
}

static int is_aside(const weir_pool_t *pool) {
  return pool->split.limit != WEIR__NO_UNIT;
}

/* What is to go stays. */
static int keep(weir_pool_t *pool) {
  if (!is_aside(pool))
    return 0;
  weir__split_set_aside(&pool->split, WEIR__NO_UNIT);
  return 1;
}

/* Those that are lent. */
static int recall(weir_pool_t *pool) {
  if (pool->nlent == 0 || !weir__loop_mine(pool->loop))
    return 0;
  pool->unlent = PINCHED;
  pool->loop->backend->recall(pool->loop, &pool->lent, came_back, pool);
  return 1;
}

static int grow(weir_pool_t *pool) {
  if (!weir__loop_mine(pool->loop) || !weir__parts_grow(&pool->parts))
    return 0;
  if (!weir__alarm_is_set(&pool->alarm))
    weir__alarm_after(pool->loop, &pool->alarm, pool->idle);
  return 1;
}

static WEIR__APART uint32_t scrape(weir_pool_t *pool, unsigned order) {
  int (*const sources[])(weir_pool_t *) = {keep, recall, grow};
  uint32_t number = WEIR__NO_UNIT;
  for (size_t i = 0;
       i < sizeof(sources) / sizeof(sources[0]) && number == WEIR__NO_UNIT; i++)
    if (sources[i](pool))
      number = weir__split_take(&pool->split, order);
  return number;
}

/* One that is let out in debug mode: its number; or WEIR__NO_BUFFER, and it is
 * free again, since in guard mode it had to become memory and did not. */
static WEIR__RARE uint32_t show(weir_pool_t *pool, uint32_t number) {
  if (weir__debug_open(pool->loop, weir__pool_buffer(pool, number))) {
    notify(pool, WEIR__DEBUG_TAKEN, number);
    return number;
  }
  pool->buffers[number].refs = 0;
  weir__split_give(&pool->split, number);
  return WEIR__NO_BUFFER;
}

/* Takes a free buffer: its number or WEIR__NO_BUFFER. */
static uint32_t take(weir_pool_t *pool, unsigned order) {
  if (pool->split.first[order] == WEIR__NO_UNIT)
    fetch(pool);
  uint32_t number = weir__split_take(&pool->split, order);
  if (number == WEIR__NO_UNIT &&
      (number = scrape(pool, order)) == WEIR__NO_UNIT)
    return WEIR__NO_BUFFER;
  let_out(pool, number);
  return pool->loop->debug == NULL ? number : show(pool, number);
}

static weir__taker_t *taker_of(weir_node_t *node) {
  return (weir__taker_t *)((uintptr_t)node -
                           offsetof(weir__taker_t, waiter.node));
}

static unsigned order_of(const weir_pool_t *pool, const weir__taker_t *taker) {
  return pool->split.top - taker->below;
}

/* Gives those who have waited longest what they wait for, as far as it is
 * there. What comes meanwhile is seen to in here. */
static void serve(weir_pool_t *pool) {
  if (pool->serving)
    return;
  pool->serving = 1;
  while (!weir__queue_empty(&pool->waiting)) {
    weir__taker_t *taker = taker_of(pool->waiting.next);
    uint32_t number = take(pool, order_of(pool, taker));
    if (number == WEIR__NO_BUFFER)
      break;
    weir__queue_remove(&taker->waiter.node);
    taker->number = number;
    taker->waiter.go(&taker->waiter);
  }
  pool->serving = 0;
}

static void put_back(weir_pool_t *pool, uint32_t number) {
  notify(pool, WEIR__DEBUG_GIVEN, number);
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
  size_t most =
      weir__smaller(pool->parts.count / 2, (size_t)pool->lent.mask + 1);
  while (pool->split.count[top] > 0 && pool->nlent < most) {
    uint32_t number = pool->split.first[top];
    const uv_buf_t buf = weir__pool_buffer(pool, number);
    if (!weir__debug_open(pool->loop, buf) ||
        !pool->loop->backend->lend(&pool->lent, &buf,
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
  if (pool->lent.table == NULL && pool->parts.count / 2 > 0 &&
      backend->lend_begin(pool->loop, &pool->lent, pool->parts.most / 2) != 0)
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
  notify(pool, WEIR__DEBUG_CHOSEN, taker->number);
  let_out(pool, taker->number);
}

uint32_t weir__pool_below(const weir_pool_t *pool, size_t size) {
  uint32_t below = 0;
  while (below < pool->split.top &&
         size <= pool->places[pool->split.top - below - 1].size)
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

/* In guard mode there is more between buffers than their own bytes. */
static WEIR__RARE uint32_t in_guarded(const weir_pool_t *pool,
                                      const uv_buf_t *buf, uint32_t number) {
  const uv_buf_t all = weir__pool_buffer(pool, number);
  return (uintptr_t)buf->base - (uintptr_t)all.base < all.len ? number
                                                              : WEIR__NO_BUFFER;
}

uint32_t weir__pool_number(const weir_pool_t *pool, const uv_buf_t *buf) {
  if (pool == NULL || buf == NULL)
    return WEIR__NO_BUFFER;
  uint32_t number = weir__split_find(&pool->split, buf->base);
  if (number == WEIR__NO_UNIT || pool->buffers[number].refs == 0)
    return WEIR__NO_BUFFER;
  return pool->parts.guard == 0 ? number : in_guarded(pool, buf, number);
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

/* Before anybody waits, all is looked for that came until other threads know
 * that it is awaited. */
int weir__pool_take(weir_pool_t *pool, weir__taker_t *taker) {
  uint32_t number = WEIR__NO_BUFFER;
  if (weir__queue_empty(&pool->waiting))
    do
      number = take(pool, order_of(pool, taker));
    while (number == WEIR__NO_BUFFER && !weir__returns_await(&pool->returns));
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
    pool->blocks = weir__calloc(pool->parts.most, sizeof(*pool->blocks));
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
  return pool->kept == pool->parts.count;
}

/* Why not all is registered, or none. */
static const char *say(int why, int some, int guarded) {
  if (guarded)
    return "not registered: in guard mode each buffer is mapped by itself";
  switch (why) {
  case 0:
    return "the buffers are registered with io_uring";
  case UV_ENOTSUP:
    return "not registered: this needs io_uring of Linux 5.13 or later";
  case UV_ENOMEM:
    return some ? "registered in part: RLIMIT_MEMLOCK is too low for the rest"
                : "not registered: RLIMIT_MEMLOCK is too low for the slab";
  case UV_ENOBUFS:
    return some ? "registered in part: all slots for fixed buffers are taken"
                : "not registered: all slots for fixed buffers are taken";
  default:
    return some ? "registered in part: the kernel refused the rest"
                : "not registered: the kernel refused";
  }
}

int weir_pool_status(const weir_pool_t *pool, const char **sentence) {
  int why = weir__parts_why(&pool->parts);
  if (sentence != NULL)
    *sentence = say(why, weir__parts_registered(&pool->parts) > 0,
                    pool->parts.guard > 0);
  return why;
}

size_t weir_pool_registered(const weir_pool_t *pool) {
  return weir__parts_registered(&pool->parts);
}

size_t weir_pool_count(const weir_pool_t *pool) {
  return pool->parts.count;
}

size_t weir_pool_available(const weir_pool_t *pool) {
  const weir__split_t *split = &pool->split;
  return split->count[split->top] + split->aside + pool->nlent;
}

size_t weir_pool_buffer_size(const weir_pool_t *pool) {
  return pool->size;
}

/* ---- The last part goes when nobody has needed it for long ---- */

/* After that, half of as much is free yet. */
static void set_aside(weir_pool_t *pool) {
  size_t last = weir__parts_last(&pool->parts);
  if (last == 0 || weir_pool_available(pool) < last + last / 2)
    return;
  if (pool->nlent > 0)
    pool->loop->backend->recall(pool->loop, &pool->lent, came_back, pool);
  weir__split_set_aside(&pool->split, (uint32_t)(pool->parts.count - last)
                                          << whole_shift(pool));
}

static void on_idle(weir_alarm_t *alarm) {
  weir_pool_t *pool = pool_of_alarm(alarm);
  fetch(pool);
  if (is_aside(pool) && pool->split.aside == weir__parts_last(&pool->parts)) {
    weir__parts_shrink(&pool->parts);
    weir__split_set_aside(&pool->split, WEIR__NO_UNIT);
  }
  if (!is_aside(pool))
    set_aside(pool);
  if (weir__parts_last(&pool->parts) > 0)
    weir__alarm_after(pool->loop, alarm, pool->idle);
}

/* ---- From other threads ---- */

int weir_pool_return(weir_pool_t *pool, const uv_buf_t *buf) {
  if (pool == NULL || buf == NULL)
    return UV_EINVAL;
  weir_loop_t *loop = pool->loop;
  size_t offset = (uintptr_t)buf->base - (uintptr_t)pool->split.base;
  if (offset >= pool->split.size)
    return UV_EINVAL;
  if (weir__returns_add(&pool->returns, (uint32_t)(offset / pool->split.unit)))
    weir__post_nudge(loop);
  return 0;
}

/* Whether all that comes back from now on is told of; else some has come. */
static int await_returns(weir_pool_t *pool) {
  return weir__returns_await(&pool->returns) || !fetch(pool);
}

int weir__pools_await(weir_loop_t *loop) {
  weir_node_t *node = loop->pools.next;
  int all = 1;
  for (; node != &loop->pools; node = node->next)
    all &= await_returns(pool_of(node));
  return all;
}

/* Something was returned that somebody waits for, or has waited. */
static void look(weir_loop_t *loop) {
  weir_node_t *node = loop->pools.next;
  for (; node != &loop->pools; node = node->next) {
    weir_pool_t *pool = pool_of(node);
    fetch(pool);
    while ((loop->capped > 0 || !weir__queue_empty(&pool->waiting)) &&
           !await_returns(pool))
      ;
  }
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
    weir__parts_renew(&pool->parts);
  }
}
