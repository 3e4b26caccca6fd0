/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SPLICE_H
#define WEIR__SPLICE_H

#include <weir/relay.h>

/* Reads and writes whose bytes stay in the system: from a stream into a pipe,
 * and from there into another. They are operations like others, and each has
 * memory of the caller's for what it may hold: when the system refuses, they go
 * on with that by themselves.
 *
 * While splice->pipe is there, it holds what was read and not written; else all
 * that is in memory. */

/* Ready for use: from source to sink, if both are plain descriptors of the
 * system's. */
void weir__splice_begin(weir_splice_t *splice, const weir_stream_t *source,
                        const weir_stream_t *sink);

/* A read that any byte finishes. Nothing is held. */
int weir__splice_read(weir_splice_t *splice, weir_op_t *op,
                      weir_stream_t *source, weir_mseq_t into, weir_op_cb cb);

/* A write of some of what the pipe holds, which is `from`'s. */
int weir__splice_write(weir_splice_t *splice, weir_op_t *op,
                       weir_stream_t *sink, weir_seq_t from, weir_op_cb cb);

/* Adds to the pipe what the source has at this moment, `size` bytes at most,
 * unless it has a read outstanding: as weir_read_now. When the system refuses,
 * that is UV_EAGAIN, and nothing is spliced any more. */
int weir__splice_more(weir_splice_t *splice, weir_stream_t *source, size_t size,
                      size_t *n);

/* n bytes of it were written, and so many are held yet. */
void weir__splice_took(weir_splice_t *splice, weir_loop_t *loop, size_t n,
                       size_t held);

/* Puts what the pipe holds where it belongs in memory, and splices no more. 0,
 * or an error: the bytes are not to be had. */
int weir__splice_end(weir_splice_t *splice, weir_loop_t *loop, weir_seq_t held);

#endif
