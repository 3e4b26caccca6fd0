/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_BUFFER_H
#define WEIR_BUFFER_H

#include <stddef.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/seq.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Dynamic buffers: bytes come in at the end and go out at the front.
 *
 *   prepare(n)  gives n bytes of room behind the data, to be written into
 *   commit(n)   makes the first n of them data
 *   data()      names the data, to be read from
 *   consume(n)  takes the first n bytes of the data away
 *
 * There are three kinds under this one contract:
 *
 *   flat   data and room are one segment each. Grows by doubling; moves its
 *          data to the front when that makes room, rather than fail.
 *   ring   a fixed capacity; data and room are at most two segments each, or
 *          one where the memory is mapped twice. Data never moves.
 *   chain  blocks of memory. Data never moves, but for weir_chain_pullup();
 *          memory of the caller's can be part of it without a copy, and chains
 *          are split and joined without one.
 *
 * The memory is the caller's (weir_flat_init_fixed, weir_ring_init_fixed:
 * these never allocate), the heap's, or that of a source such as a pool. Owned
 * memory is taken when it is first needed, not at init.
 *
 * Holds. An operation in flight reads the data or writes into the room while
 * the program goes on. A hold tells the buffer so: what would move or reuse
 * such bytes is then refused with UV_EBUSY and changes nothing. The library's
 * own operations on buffers hold and unhold by themselves.
 *
 * A weir_buffer_t is the caller's, must not be copied, and stays where it is
 * while it is in use. It needs no loop and no lock: one thread at a time. */

typedef struct weir_buffer_s weir_buffer_t;

/* Takes a block of memory from a source: sets *memory and returns 0, or
 * returns a negative error, which weir_buffer_prepare() then gives. It must not
 * call back into the buffer. */
typedef int (*weir_acquire_cb)(void *source, uv_buf_t *memory);

/* Gives memory back that acquire gave or that was adopted: exactly once, with
 * the base and length that it came with. It must not call back into the
 * buffer. */
typedef void (*weir_release_cb)(void *source, const uv_buf_t *memory);

/* Map the ring's memory twice, so that data and room are always one segment.
 * The capacity is rounded up to whole pages, and a forked child shares the
 * bytes. Where the system cannot, and with memory of a source, the ring is an
 * ordinary one. */
#define WEIR_BUFFER_MIRROR 1u

/* All zero is a good choice. */
typedef struct weir_buffer_options_s {
  size_t size;        /* sizeof(weir_buffer_options_t), or 0: that of the first
                         version */
  size_t max_size;    /* bound of size + prepared; 0: none but the address
                         space's. A ring's is its capacity. */
  size_t block_size;  /* chain: bytes of each block of the heap; 0: 16 KiB. A
                         prepare of 16 blocks and more takes larger ones. */
  unsigned int flags; /* 0 or WEIR_BUFFER_MIRROR, which only rings heed */
  /* Where memory comes from; both NULL: the heap. source must outlive the
   * buffer.
   *
   * A flat buffer and a ring take one block, at the first prepare, and are
   * bounded by its length from then on. They do not know it before: a prepare
   * of more gives the block back and fails with UV_ENOBUFS. So let max_size
   * (a ring's capacity) be that length.
   *
   * A chain takes a block when it needs one and gives it back when its last
   * byte is consumed. What a prepare took and no commit filled is kept for the
   * next one, until weir_buffer_shrink(). The bookkeeping, of some 100 bytes,
   * lies at the block's end; a block too small for it is UV_ENOBUFS. */
  weir_acquire_cb acquire;
  weir_release_cb release;
  void *source;
} weir_buffer_options_t;

/* All fields are private. */
struct weir_buffer_s {
  const struct weir__buffer_kind_s *kind;
  size_t size;
  size_t prepared;
  size_t max_size;
  size_t capacity; /* bytes of memory, of a chain: from the first data on */
  size_t head;     /* flat, ring: offset of the data; chain: data in tail */
  char *base;      /* flat, ring: the memory */
  struct weir__block_s *first, *tail, *last; /* chain; data ends in tail */
  unsigned int data_holds, room_holds;
  unsigned int flags;
  size_t block_size;
  weir_acquire_cb acquire;
  weir_release_cb release;
  void *source;
};

/* ---- Making ---- */

/* A flat buffer in memory that it owns. options may be NULL. Returns 0 or
 * UV_EINVAL (one of acquire and release only, an unknown flag,
 * a size that is none or has more than is known here). */
WEIR_EXTERN WEIR_MUST_USE int
weir_flat_init(weir_buffer_t *buffer, const weir_buffer_options_t *options);

/* A flat buffer in the caller's storage, which must outlive it. */
WEIR_EXTERN void weir_flat_init_fixed(weir_buffer_t *buffer, void *storage,
                                      size_t capacity);

/* A ring of `capacity` bytes, which may be 0, in memory that it owns. options
 * may be NULL; their max_size is not looked at. Returns 0 or UV_EINVAL. */
WEIR_EXTERN WEIR_MUST_USE int
weir_ring_init(weir_buffer_t *buffer, size_t capacity,
               const weir_buffer_options_t *options);

/* A ring in the caller's storage, which must outlive it. */
WEIR_EXTERN void weir_ring_init_fixed(weir_buffer_t *buffer, void *storage,
                                      size_t capacity);

/* An empty chain. options may be NULL. Returns 0 or UV_EINVAL. */
WEIR_EXTERN WEIR_MUST_USE int
weir_chain_init(weir_buffer_t *buffer, const weir_buffer_options_t *options);

/* Gives all memory back; adopted memory is released, data or not. The buffer
 * is then as it was after init. Returns 0, or UV_EBUSY while it is held. */
WEIR_EXTERN int weir_buffer_reset(weir_buffer_t *buffer);

/* ---- The contract ---- */

/* Gives exactly n bytes of room behind the data in *room; n may be 0. They
 * stay valid until the next commit, prepare, put or reset, and of a chain until
 * something is adopted, appended or split off to it. A second prepare replaces
 * the first. Allocates only when the memory does not suffice. Returns 0, or an
 * error, and then nothing has changed and an earlier prepare stands:
 *
 *   UV_ENOBUFS  size + n would be more than max_size, or a source's blocks
 *               are too small
 *   UV_EBUSY    the room is held, or making room would move held data
 *   UV_ENOMEM   no memory; a source may give other errors */
WEIR_EXTERN WEIR_MUST_USE int weir_buffer_prepare(weir_buffer_t *buffer,
                                                  size_t n, weir_mseq_t *room);

/* Makes the first n bytes of what was prepared data and ends the prepare.
 * Clamped: returns how many bytes were added, 0 if nothing was prepared. */
WEIR_EXTERN size_t weir_buffer_commit(weir_buffer_t *buffer, size_t n);

/* The data. What this gave stays valid, and names the bytes that it named,
 * until the next consume or reset; of a flat buffer until the next prepare or
 * put, too, and of a chain until the next pullup or split of it. So it outlives
 * commit in any case, and in a ring and a chain whatever puts bytes behind it:
 * prepare, put, weir_chain_adopt, weir_chain_append. The data of a chain that
 * was appended to another go on being valid as that one's. */
WEIR_EXTERN weir_seq_t weir_buffer_data(const weir_buffer_t *buffer);

/* Takes the first n bytes of the data away. Clamped: returns how many; always
 * 0 while the data is held. An outstanding prepare stays valid. */
WEIR_EXTERN size_t weir_buffer_consume(weir_buffer_t *buffer, size_t n);

/* Appends a copy of s, which is none of the buffer's own data, all of it or
 * nothing. Returns 0, and then an outstanding prepare is over, or an error of
 * weir_buffer_prepare(). */
WEIR_EXTERN WEIR_MUST_USE int weir_buffer_put(weir_buffer_t *buffer,
                                              weir_seq_t s);

/* Bytes of data; bytes prepared; the bound of their sum, SIZE_MAX for none,
 * which a source may lower at the first prepare; and how many bytes the memory
 * that the buffer has now could hold. */
WEIR_EXTERN size_t weir_buffer_size(const weir_buffer_t *buffer);
WEIR_EXTERN size_t weir_buffer_prepared(const weir_buffer_t *buffer);
WEIR_EXTERN size_t weir_buffer_max_size(const weir_buffer_t *buffer);
WEIR_EXTERN size_t weir_buffer_capacity(const weir_buffer_t *buffer);

/* Gives back owned memory that holds nothing: all of it if the buffer is
 * empty, and of a chain the spare blocks if it is not. While something is
 * prepared or held it does nothing. */
WEIR_EXTERN void weir_buffer_shrink(weir_buffer_t *buffer);

/* ---- Holds ---- */

#define WEIR_HOLD_DATA 1u /* an operation reads the data */
#define WEIR_HOLD_ROOM 2u /* an operation writes into what was prepared */

/* Holds are counted; each hold is ended by one unhold of the same, and an
 * unhold without a hold does nothing. While the room is held, a commit is
 * allowed, but no prepare until the unhold. While the data is held, more may
 * come behind it, and consume returns 0. */
WEIR_EXTERN void weir_buffer_hold(weir_buffer_t *buffer, unsigned int what);
WEIR_EXTERN void weir_buffer_unhold(weir_buffer_t *buffer, unsigned int what);

/* ---- Rings ---- */

/* 1 if the ring's memory is mapped twice, else 0; known after the first
 * prepare. */
WEIR_EXTERN int weir_ring_is_mirrored(const weir_buffer_t *buffer);

/* ---- Chains ----
 *
 * These return UV_EINVAL for a buffer that is no chain, and append and split
 * for one chain given twice. With an error nothing has changed. Bytes that come
 * behind the data of a chain by adopt, append or split end a prepare that is
 * outstanding there, and append ends that of `from`. */

/* Appends memory of the caller's without copying it. It must stay unchanged
 * until `release` is called with `arg` and the memory: when its last byte is
 * consumed, copied by a pullup or reset, in whatever chains its parts are by
 * then; within this call if len is 0. release may be NULL. Returns 0 or, with
 * release not called, UV_ENOBUFS (max_size), UV_EBUSY (the room is held),
 * UV_ENOMEM. */
WEIR_EXTERN WEIR_MUST_USE int weir_chain_adopt(weir_buffer_t *chain,
                                               const void *base, size_t len,
                                               weir_release_cb release,
                                               void *arg);

/* Moves all data of `from` behind that of `chain`, in constant time; from is
 * then empty. Returns 0, UV_ENOBUFS (chain's max_size), UV_EBUSY (from is held,
 * or the room of chain is). */
WEIR_EXTERN WEIR_MUST_USE int weir_chain_append(weir_buffer_t *chain,
                                                weir_buffer_t *from);

/* Moves the first n bytes (clamped) of `chain` behind the data of `front`. No
 * byte is copied: a block that has the cut in it is shared, and given back when
 * both are done with it. A prepare of chain's stands. The cost is that of the
 * blocks passed. Returns 0, UV_ENOBUFS (front's max_size), UV_ENOMEM, UV_EBUSY
 * (chain is held, or the room of front is). */
WEIR_EXTERN WEIR_MUST_USE int weir_chain_split(weir_buffer_t *chain, size_t n,
                                               weir_buffer_t *front);

/* Makes the first n bytes one segment and sets *at to it, or to NULL if n is 0;
 * copies only if they are not, into new memory of the heap. Valid until the
 * next consume, pullup, split or reset; a prepare stands. Returns 0; UV_EINVAL
 * if there are fewer than n bytes; UV_ENOMEM; UV_EBUSY if bytes would have to
 * move that are held. */
WEIR_EXTERN WEIR_MUST_USE int weir_chain_pullup(weir_buffer_t *chain, size_t n,
                                                const void **at);

#ifdef __cplusplus
}
#endif

#endif
