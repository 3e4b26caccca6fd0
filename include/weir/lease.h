/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_LEASE_H
#define WEIR_LEASE_H

#include <stddef.h>

#include <uv.h>

#include <weir/buffer.h>
#include <weir/export.h>
#include <weir/op.h>
#include <weir/pool.h>
#include <weir/seq.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that were received into a buffer of a pool, which the reader holds
 * until it releases them. The buffer is chosen when there is something to read,
 * so that a connection on which nothing comes holds none: ten thousand of them
 * share the few buffers that are in use at a time.
 *
 * A lease is a value and may be copied. Each holder is one reference on the
 * buffer: weir_read_lease gives one, weir_lease_retain one more, and with the
 * last weir_lease_release the buffer goes back. An operation on the bytes holds
 * no reference; who begins one keeps his until its callback. A buffer may be
 * held as long as one likes, also when the stream is closed, but not when the
 * pool is to be destroyed. */
typedef struct weir_lease_s {
  weir_pool_t *pool; /* NULL: nothing is held */
  uv_buf_t buf;      /* the bytes received, in a buffer of the pool */
} weir_lease_t;

/* Reads as weir_read_some, into a buffer of pool that is taken when there is
 * something to read, as much as comes and fits. With success *lease, which has
 * to stay where it is until the callback, is the n bytes that came, and the
 * reader's to release; in all other cases it is empty.
 *
 * When all buffers are out, the reads that have something to read wait in the
 * order in which they found that out, each for one that is given back. So does,
 * in a place of its own, a read of a stream of which max leases are out, from
 * whichever pool, until one of those goes back: a stream whose bytes are held
 * for long leaves the others their share. max 0: no limit. Nothing runs while
 * they wait, and they can be cancelled.
 *
 * A stream of a kind of your own (weir/kind.h) takes its buffer when the read
 * is started, since only the library's kinds can tell that something is there.
 *
 * Returns as weir_read_some, and UV_EINVAL if pool is another loop's. */
WEIR_EXTERN WEIR_MUST_USE int
weir_read_lease(weir_op_t *op, weir_stream_t *stream, weir_pool_t *pool,
                weir_lease_t *lease, size_t max, weir_op_cb cb);

/* The bytes of a lease, to be written, cut or searched; none of an empty one.
 * What is written to a file from there uses the registration of the pool, if it
 * has one. */
WEIR_EXTERN weir_seq_t weir_lease_seq(const weir_lease_t *lease);

/* One holder more, for a copy of *lease. Returns 0, or UV_EINVAL (a NULL, or an
 * empty one). */
WEIR_EXTERN int weir_lease_retain(const weir_lease_t *lease);

/* One holder less: *lease is empty then. Reads that wait for the buffer go on.
 * No operation on the bytes that this holder began may be outstanding. Returns
 * 0, or UV_EINVAL (a NULL, an empty one, or a buffer that is not out). */
WEIR_EXTERN int weir_lease_release(weir_lease_t *lease);

/* ---- In chains ---- */

/* An empty chain (weir/buffer.h) over the leases of pool: what weir_read_until
 * and weir_read_to_end (weir/until.h) read into it is never copied. They take a
 * buffer when there is something to read, and wait for one, or for one of the
 * max that the stream may have, as weir_read_lease; an empty chain holds none
 * meanwhile. Buffers are filled up, and go back one by one, when the last byte
 * in them was consumed. What of the options is heeded is max_size; acquire and
 * release have to be NULL; options may be NULL. The pool has to outlive the
 * chain; in all else the chain is one whose source is the pool.
 *
 * A read that already has bytes in the chain keeps their buffers while it waits
 * for another. It gets UV_ENOBUFS, with the data as it is, where it would wait
 * for ever: when each buffer of the pool lies in the chain of a read that waits
 * for one, and when all of the max do in its own. Beginning again says so
 * again, until something was consumed.
 *
 * Who keeps a message beyond its consume retains the segments that it lies in:
 * {pool, segment} is a lease.
 *
 * Returns 0, UV_EINVAL (a NULL pool, or options as weir_chain_init),
 * UV_ENOMEM. */
WEIR_EXTERN WEIR_MUST_USE int
weir_chain_init_leases(weir_buffer_t *chain, weir_pool_t *pool, size_t max,
                       const weir_buffer_options_t *options);

/* Appends the bytes of a lease to any chain without copying them. The chain is
 * one holder more of the buffer until the last of them is consumed, in whatever
 * chains they are by then; *lease stays as it is, and may be released.
 * Allocates nothing if the buffer lies in no chain yet; only the first for a
 * pool does. Returns 0, or an error, and then nothing has changed: UV_EINVAL
 * (no chain, a NULL, or as weir_lease_retain), UV_ENOBUFS (max_size), UV_EBUSY
 * (the room is held), UV_ENOMEM. */
WEIR_EXTERN WEIR_MUST_USE int weir_chain_push_lease(weir_buffer_t *chain,
                                                    const weir_lease_t *lease);

#ifdef __cplusplus
}
#endif
#endif
