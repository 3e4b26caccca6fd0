/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__POOL_H
#define WEIR__POOL_H

#include <weir/pool.h>

#include "backend.h"
#include "buffer_block.h"
#include "tally.h"
#include "waiter.h"

/* What reads need of a pool: a buffer at the moment when it is wanted, or a
 * place in the queue of those who wait for one. */

#define WEIR__NO_BUFFER UINT32_MAX

typedef struct weir__taker_s {
  weir__waiter_t waiter; /* told when it was given one */
  uint32_t number;       /* of its buffer, or WEIR__NO_BUFFER */
  uint32_t below;        /* so many times smaller by four than a whole one */
} weir__taker_t;

/* Whether the pool belongs to loop; then it cannot be destroyed before as many
 * calls of weir__pool_unuse. */
int weir__pool_use(weir_pool_t *pool, const weir_loop_t *loop);
void weir__pool_unuse(weir_pool_t *pool);

/* Gives taker, who has none, a buffer: 0; or WEIR_PENDING: it is in the queue
 * until it is given one, or weir__pool_leave takes it out. */
int weir__pool_take(weir_pool_t *pool, weir__taker_t *taker);
void weir__pool_leave(weir_pool_t *pool, weir__taker_t *taker);

/* weir__taker_t.below for the smallest buffers that have size bytes. */
uint32_t weir__pool_below(const weir_pool_t *pool, size_t size);

/* Takes the buffer of taker, if it has one, back. */
void weir__pool_untake(weir_pool_t *pool, weir__taker_t *taker);

/* The buffers that are with the system, which are some; NULL: it is not to
 * choose. */
const weir__lent_t *weir__pool_lent(weir_pool_t *pool);

/* The system has chosen one of them for taker, who has none: the number under
 * which that was lent. */
void weir__pool_chosen(weir_pool_t *pool, weir__taker_t *taker, uint32_t whole);

/* The loop that it belongs to. */
weir_loop_t *weir__pool_loop(const weir_pool_t *pool);

/* All of a buffer that is out. */
uv_buf_t weir__pool_buffer(const weir_pool_t *pool, uint32_t number);

/* Counts a buffer that is out in tally until it goes back. */
void weir__pool_tally(weir_pool_t *pool, uint32_t number,
                      weir__tallied_t **tally);

/* The number of the buffer of pool that is out and into which buf points;
 * WEIR__NO_BUFFER if there is none. */
uint32_t weir__pool_number(const weir_pool_t *pool, const uv_buf_t *buf);

/* Whether a buffer that is out is counted there. */
int weir__pool_is_tallied(const weir_pool_t *pool, uint32_t number,
                          weir__tallied_t *const *tally);

/* Has the loop told of what other threads return to any of its pools: 0 if
 * something was returned meanwhile, which has gone back. */
int weir__pools_await(weir_loop_t *loop);

/* ---- For chains ---- */

/* The acquire and release of a source that is a pool. */
int weir__pool_acquire(void *source, uv_buf_t *memory);
void weir__pool_release(void *source, const uv_buf_t *memory);

/* Provides for one block for each buffer: 0 or UV_ENOMEM. */
int weir__pool_provide(weir_pool_t *pool);

/* The block of a whole buffer that is out, all of which it describes, with one
 * reference on it; NULL if it is in use, or none were provided. */
weir__block_t *weir__pool_block(weir_pool_t *pool, uint32_t number);

/* Somebody who waits for a buffer keeps this one meanwhile; he waits no
 * more. */
void weir__pool_keep(weir_pool_t *pool, uint32_t number);
void weir__pool_unkeep(weir_pool_t *pool, uint32_t number);

/* Whether all are kept so, and none can come back. */
int weir__pool_is_stuck(const weir_pool_t *pool);

/* ---- pool_wait.c ---- */

/* Ends every weir_pool_acquire_wait with UV_ECANCELED. */
void weir__pool_wait_cancel_all(weir_loop_t *loop);

#endif
