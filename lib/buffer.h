/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__BUFFER_H
#define WEIR__BUFFER_H

#include <weir/buffer.h>

/* A kind of dynamic buffer. weir_buffer_* checks what all kinds share (holds,
 * max_size, clamping), then calls these. */
typedef struct weir__buffer_kind_s {
  /* n fits max_size and the room is not held. Sets *room, not prepared. On
   * failure nothing has changed. */
  int (*prepare)(weir_buffer_t *b, size_t n, weir_mseq_t *room);
  /* n was prepared; prepared is 0 already. Adds to size. */
  void (*commit)(weir_buffer_t *b, size_t n);
  weir_seq_t (*data)(const weir_buffer_t *b);
  /* n is at most size. Takes from size. */
  void (*consume)(weir_buffer_t *b, size_t n);
  /* Gives back memory that holds nothing; nothing is prepared or held. */
  void (*shrink)(weir_buffer_t *b);
  /* Gives back all memory. */
  void (*reset)(weir_buffer_t *b);
  int (*check)(const weir_buffer_t *b);
} weir__buffer_kind_t;

extern const weir__buffer_kind_t weir__buffer_flat;
extern const weir__buffer_kind_t weir__buffer_ring;
extern const weir__buffer_kind_t weir__buffer_chain;

/* In flags, above the public ones. */
#define WEIR__BUFFER_FIXED 0x100u    /* the memory is the caller's */
#define WEIR__BUFFER_MIRRORED 0x200u /* the memory is mapped twice */
#define WEIR__BUFFER_LEASES 0x400u   /* reads take a buffer when data comes */

int weir__buffer_init(weir_buffer_t *b, const weir__buffer_kind_t *kind,
                      const weir_buffer_options_t *options);
void weir__buffer_init_fixed(weir_buffer_t *b, const weir__buffer_kind_t *kind,
                             void *storage, size_t capacity);

/* Whether every invariant holds: 1 or 0. */
int weir__buffer_check(const weir_buffer_t *b);

/* One block of memory for a flat buffer or a ring: `wanted` bytes of the heap,
 * or a block of the source that has at least `least`. */
int weir__buffer_acquire(const weir_buffer_t *b, size_t least, size_t wanted,
                         uv_buf_t *memory);
void weir__buffer_release(const weir_buffer_t *b);

#endif
