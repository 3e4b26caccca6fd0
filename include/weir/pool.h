/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/buffer.h>
#include <weir/export.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A pool of buffers in one slab of memory, which is registered with the loop's
 * io_uring where possible. Any uv_buf_t that points into the slab, cut
 * in whatever way, then takes READ_FIXED and WRITE_FIXED in file operations by
 * itself; nothing changes where it is used. Where registration is not to be
 * had (no io_uring, not enough RLIMIT_MEMLOCK) the same calls work
 * unregistered. Buffers of another loop's pool are ordinary memory.
 *
 * The buffers are equal; or each is cut where smaller ones are wanted, into
 * four, and each of these again, and is one again when all of them have come
 * back.
 *
 * The slab is mapped and does not come from weir_replace_allocator. A forked
 * child has it at the same address; on Linux it is all zeros there. */
typedef struct weir_pool_s weir_pool_t;

/* Makes a pool of count buffers of size bytes each, at least 1 of each, which
 * are not cut. Every buffer begins at a multiple of 4096 if size is one, else
 * of 64.
 *
 * Returns 0 and sets *pool; or UV_EINVAL (a NULL, a zero, or a total above
 * 1 GiB, with each size rounded up to a multiple of 64), UV_ENOMEM,
 * UV_ECANCELED (the loop's handles were closed by the application), UV_ESRCH (a
 * child after a fork, see weir_loop_fork). */
WEIR_EXTERN WEIR_MUST_USE int weir_pool_create(weir_loop_t *loop, size_t count,
                                               size_t size, weir_pool_t **pool);

typedef struct weir_pool_options_s {
  /* sizeof(weir_pool_options_t), or 0: that of the first version. */
  size_t size;
  /* Whole buffers, and bytes of each. */
  size_t count;
  size_t buffer_size;
  /* Bytes of the smallest that one is cut into: buffer_size divided by 4, 16,
   * 64 or another power of four up to 16384, and a multiple of 64; or 0: they
   * are not cut. With 4096 and a buffer_size of 262144 there are buffers of 4,
   * 16, 64 and 256 KiB. For each of the smallest that there may be about 80
   * bytes are needed besides. */
  size_t least;
  /* Whole buffers that there may be, if more than count: where none is left,
   * `step` more come, or as many as there may be yet; 0: count more. What was
   * not needed for `idle` milliseconds goes again, if half as much is free
   * besides: the last that came, one step at a time, and as soon as none of it
   * is out. 0: 1000; UINT64_MAX: it stays. Addresses for all are reserved from
   * the beginning. */
  size_t most;
  size_t step;
  uint64_t idle;
} weir_pool_options_t;

/* The same, as options say: UV_EINVAL also for a `least` that is none of these,
 * or a `most` that is below count.
 * Every buffer begins at a multiple of 4096, or of 64, as its size is one. */
WEIR_EXTERN WEIR_MUST_USE int
weir_pool_create_with(weir_loop_t *loop, const weir_pool_options_t *options,
                      weir_pool_t **pool);

/* Frees the pool and its memory, which has to be done before the loop is
 * detached. Returns 0, UV_EINVAL (a NULL), or, changing nothing, UV_EBUSY while
 * a buffer is out, an operation uses one, or a read of a lease (weir/lease.h)
 * or a weir_pool_acquire_wait is outstanding, or UV_ESRCH as weir_pool_create.
 * A buffer that only the system still needs (weir_tcp_zerocopy) is not out. */
WEIR_EXTERN WEIR_MUST_USE int weir_pool_destroy(weir_pool_t *pool);

/* Takes a whole buffer: sets *buf to all of it, with whatever was left in it.
 * Returns 0, UV_EINVAL (a NULL), or UV_ENOBUFS when none is there and no more
 * can come, or somebody waits for one; then *buf is not changed. Allocates
 * nothing, unless the pool grows. */
WEIR_EXTERN WEIR_MUST_USE int weir_pool_acquire(weir_pool_t *pool,
                                                uv_buf_t *buf);

/* The same with the smallest that has size bytes: buf->len may be more.
 * UV_EINVAL also if size is 0, or above weir_pool_buffer_size. */
WEIR_EXTERN WEIR_MUST_USE int
weir_pool_acquire_size(weir_pool_t *pool, size_t size, uv_buf_t *buf);

/* The same, which waits where none is there. Those who wait, reads of leases
 * among them, are served in the order in which they came, whatever size they
 * want. *buf, which has to stay until the callback, is set before it with
 * status 0 and else not changed. cb is called with 0, or UV_ECANCELED after
 * weir_cancel, and an n of 0. Returns 0, or UV_EINVAL as above and for any
 * NULL, or what weir_pool_create returns for the loop. */
WEIR_EXTERN WEIR_MUST_USE int weir_pool_acquire_wait(weir_op_t *op,
                                                     weir_pool_t *pool,
                                                     size_t size, uv_buf_t *buf,
                                                     weir_op_cb cb);

/* One holder more of a buffer that is out, and one less: with the last it goes
 * back. Whoever acquired it is one, and so is who got it by a lease
 * (weir/lease.h). buf->base may point anywhere into the buffer; its length does
 * not matter. Return 0, or UV_EINVAL, changing nothing, for a NULL or if it is
 * not a buffer of this pool that is out.
 *
 * An operation of the same loop that was begun on memory of buffers that are
 * out holds them until its callback is due: one whose last holder releases it
 * before goes back only then. Not so if the sequence is pinned
 * (weir_seq_pinned) and no block: who pinned it has promised that. */
WEIR_EXTERN int weir_pool_retain(weir_pool_t *pool, const uv_buf_t *buf);
WEIR_EXTERN int weir_pool_release(weir_pool_t *pool, const uv_buf_t *buf);

/* weir_pool_release from any thread, without a lock; all other functions of a
 * pool are for the thread that has the loop. Who returns a buffer got it from
 * there in some way that orders memory (weir_post_from_thread, a mutex); the
 * loop is attached until the call has returned, while the pool may already have
 * been destroyed by then if this was its last buffer. It goes back when the
 * loop's thread finds none of its size free, or destroys the pool; at once, by
 * a wake-up, if somebody waits for it there and the loop is open for posts
 * (weir_post_open). Returns 0, or UV_EINVAL for a NULL or what is outside the
 * pool. Whether a buffer is out is seen only when it goes back: what is not is
 * left alone then, and reported in debug mode. */
WEIR_EXTERN int weir_pool_return(weir_pool_t *pool, const uv_buf_t *buf);

/* Has a dynamic buffer (weir/buffer.h) take its memory from pool: sets acquire,
 * release and source of *options and nothing else. What is read into such a
 * buffer, or written from it, then uses the registration. The pool has to
 * outlive the buffer. A flat buffer and a ring hold no more than one buffer of
 * the pool: let max_size, or the ring's capacity, be weir_pool_buffer_size.
 * Returns 0, or UV_EINVAL (a NULL). */
WEIR_EXTERN int weir_pool_source(weir_pool_t *pool,
                                 weir_buffer_options_t *options);

/* Whether the pool is registered, step by step: all of it, as much of what came
 * at once as RLIMIT_MEMLOCK lets be (all, half, a quarter, down to one whole
 * buffer, from the first on), or none. 0 when it is all, else the negative
 * UV_E* that says why not (UV_ENOTSUP on the libuv backend, and in the guard
 * mode of weir/debug.h, UV_ENOMEM when RLIMIT_MEMLOCK is too low, UV_ENOBUFS
 * when all slots are taken, of which all pools of a loop have 64, and each step
 * of growth takes one). sentence, if not NULL, is set to one line that says it
 * in words; it lives as long as the pool. What is not registered is used all
 * the same. */
WEIR_EXTERN int weir_pool_status(const weir_pool_t *pool,
                                 const char **sentence);

/* Whole buffers in the pool now, those of them that are registered, those of
 * which nothing is out (but what other threads returned may yet count as out),
 * bytes of one. */
WEIR_EXTERN size_t weir_pool_count(const weir_pool_t *pool);
WEIR_EXTERN size_t weir_pool_registered(const weir_pool_t *pool);
WEIR_EXTERN size_t weir_pool_available(const weir_pool_t *pool);
WEIR_EXTERN size_t weir_pool_buffer_size(const weir_pool_t *pool);

#ifdef __cplusplus
}
#endif
#endif
