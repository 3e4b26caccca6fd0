/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_SEQ_H
#define WEIR_SEQ_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Buffer sequences: bytes that lie in any number of segments.
 *
 * A sequence is a small value that names bytes and owns none. It is copied by
 * assignment; making one, slicing it and walking it never allocate and never
 * fail. Offsets and lengths are in bytes and are clamped to what there is;
 * SIZE_MAX means "to the end". Segments may be empty, anywhere and in any
 * number, and an empty one may have a null base.
 *
 *   weir_seq_t   bytes to be read from  (sent, written, searched)
 *   weir_mseq_t  bytes to be written into (received, read, copied to)
 *
 * They are distinct types, so a const sequence cannot be handed to a read;
 * weir_seq_from() converts the one way that is safe. Every weir_mseq_ function
 * does what the weir_seq_ function of the same name does.
 *
 * Lifetime. The memory of the bytes, and what the sequence was made from (the
 * descriptor array, links, parts, iterator's context), must stay as they are
 * while the sequence is used. An operation on a stream or file needs the
 * memory until its callback but copies the descriptors in the call that starts
 * it, unless weir_seq_pinned() promised that they stay too.
 *
 * Threads: the functions touch their arguments only. No loop is needed. */

/* The number of entries of a window: segments for one system call. */
#define WEIR_WINDOW 16

typedef struct weir_seq_s weir_seq_t;
typedef struct weir_mseq_s weir_mseq_t;

/* Gives the segment at *position in *segment, moves *position past it and
 * returns 1; returns 0 at the end and leaves both alone. It must give the same
 * segments each time that it is called with the same arguments, since a
 * sequence is walked more than once: the whole cursor is in *position, which
 * the sequence carries by value. An empty segment is passed over.
 *
 * It is called within the function that walks the sequence. An operation that
 * was given it pinned calls it also later, within uv_run or another write to
 * the stream, and one on a file in another thread, too. It must not call weir
 * there. */
typedef int (*weir_seq_next_cb)(void *context, uintptr_t *position,
                                uv_buf_t *segment);

/* All fields are private. */
struct weir_seq_s {
  size_t left;    /* bytes, at most; SIZE_MAX: up to the last segment's end */
  const void *at; /* where the current segment is described */
  unsigned int parts; /* parts from the current one on */
  unsigned char kind; /* 0: one block, which has only these */
  unsigned char flags;
  size_t skip; /* bytes passed in the current segment */
  union {
    const void *end;       /* array: behind the last descriptor */
    size_t size;           /* ring: its capacity; parts: left of the current */
    weir_seq_next_cb next; /* iterator */
  } u;
  const void *inner; /* parts: at of the current; iterator: its context */
};

struct weir_mseq_s {
  weir_seq_t seq; /* private */
};

/* A link of a chain of segments that the caller owns; the last one's next is
 * NULL. */
typedef struct weir_link_s weir_link_t;
struct weir_link_s {
  uv_buf_t buf;
  weir_link_t *next;
};

/* ---- Making ---- */

/* One block of len bytes. base may be NULL when len is 0. */
WEIR_INLINE weir_seq_t weir_seq_block(const void *base, size_t len) {
  weir_seq_t s = {len, base, 0, 0, 0, 0, {NULL}, NULL};
  return s;
}
WEIR_INLINE weir_mseq_t weir_mseq_block(void *base, size_t len) {
  weir_mseq_t m = {{len, base, 0, 0, 0, 0, {NULL}, NULL}};
  return m;
}

/* The segments of an array; bufs may be NULL when nbufs is 0. */
WEIR_EXTERN weir_seq_t weir_seq_bufs(const uv_buf_t *bufs, size_t nbufs);
WEIR_EXTERN weir_mseq_t weir_mseq_bufs(const uv_buf_t *bufs, size_t nbufs);

/* The segments of a linked chain; NULL is an empty one. */
WEIR_EXTERN weir_seq_t weir_seq_chain(const weir_link_t *first);
WEIR_EXTERN weir_mseq_t weir_mseq_chain(const weir_link_t *first);

/* len bytes of a ring of `capacity` bytes at base, beginning at `offset` and
 * going on at base where the ring ends: at most two segments. len is clamped
 * to capacity; offset is taken modulo capacity; a capacity of 0 gives an empty
 * sequence. */
WEIR_EXTERN weir_seq_t weir_seq_ring(const void *base, size_t capacity,
                                     size_t offset, size_t len);
WEIR_EXTERN weir_mseq_t weir_mseq_ring(void *base, size_t capacity,
                                       size_t offset, size_t len);

/* Several sequences of any kinds, one behind the other. The array of parts is
 * not copied. A part that was itself made by this function works, but is
 * walked from its beginning each time that the whole is advanced in it. */
WEIR_EXTERN weir_seq_t weir_seq_concat(const weir_seq_t *parts,
                                       unsigned int nparts);
WEIR_EXTERN weir_mseq_t weir_mseq_concat(const weir_mseq_t *parts,
                                         unsigned int nparts);

/* The segments that next gives, beginning with `position`. */
WEIR_EXTERN weir_seq_t weir_seq_iterator(weir_seq_next_cb next, void *context,
                                         uintptr_t position);
WEIR_EXTERN weir_mseq_t weir_mseq_iterator(weir_seq_next_cb next, void *context,
                                           uintptr_t position);

/* The same bytes, to be read from. */
WEIR_INLINE weir_seq_t weir_seq_from(weir_mseq_t m) {
  return m.seq;
}

/* The same sequence with the promise that what it was made from (descriptors,
 * links, parts, context) lives and stays unchanged until the callback of the
 * operation that it is given to, so that the operation need not copy it. Slices
 * of it keep the promise. A concatenation is pinned as a whole, for its parts
 * too; theirs alone do nothing. */
WEIR_EXTERN weir_seq_t weir_seq_pinned(weir_seq_t s);
WEIR_EXTERN weir_mseq_t weir_mseq_pinned(weir_mseq_t m);

/* ---- Asking ---- */

/* The number of bytes; SIZE_MAX when there are more than that. This, count and
 * suffix walk the whole sequence, if it is not one block or ring. */
WEIR_EXTERN size_t weir_seq_size(weir_seq_t s);
WEIR_EXTERN size_t weir_mseq_size(weir_mseq_t m);

/* 1 if there is not one byte in the whole sequence, else 0. */
WEIR_EXTERN int weir_seq_empty(weir_seq_t s);
WEIR_EXTERN int weir_mseq_empty(weir_mseq_t m);

/* The number of segments that are not empty. */
WEIR_EXTERN size_t weir_seq_count(weir_seq_t s);
WEIR_EXTERN size_t weir_mseq_count(weir_mseq_t m);

/* ---- Slicing ---- */

/* The first n bytes. */
WEIR_EXTERN weir_seq_t weir_seq_prefix(weir_seq_t s, size_t n);
WEIR_EXTERN weir_mseq_t weir_mseq_prefix(weir_mseq_t m, size_t n);

/* The last n bytes. */
WEIR_EXTERN weir_seq_t weir_seq_suffix(weir_seq_t s, size_t n);
WEIR_EXTERN weir_mseq_t weir_mseq_suffix(weir_mseq_t m, size_t n);

/* len bytes from offset off on. */
WEIR_EXTERN weir_seq_t weir_seq_slice(weir_seq_t s, size_t off, size_t len);
WEIR_EXTERN weir_mseq_t weir_mseq_slice(weir_mseq_t m, size_t off, size_t len);

/* Takes n bytes off the front of *s and returns how many there were to take.
 * The cost is that of the segments passed. */
WEIR_EXTERN size_t weir_seq_advance(weir_seq_t *s, size_t n);
WEIR_EXTERN size_t weir_mseq_advance(weir_mseq_t *m, size_t n);

/* Takes the first segment that is not empty off the front of *s, gives it in
 * *segment and returns 1; returns 0 at the end. A loop over all segments is
 *
 *   while (weir_seq_next(&s, &segment))
 *     use(segment.base, segment.len);
 */
WEIR_EXTERN int weir_seq_next(weir_seq_t *s, uv_buf_t *segment);
WEIR_EXTERN int weir_mseq_next(weir_mseq_t *m, uv_buf_t *segment);

/* ---- Moving bytes ---- */

/* Copies bytes of src to dst, until either is exhausted or at_most bytes are
 * copied; returns the number. The two must not overlap in memory. */
WEIR_EXTERN size_t weir_seq_copy(weir_mseq_t dst, weir_seq_t src,
                                 size_t at_most);

/* Describes the front of s for one system call: fills out and returns the
 * number of entries used, 0 to WEIR_WINDOW; 0 means that s is empty or
 * max_bytes is 0. No entry is empty, segments that touch in memory share one,
 * and together they have at most max_bytes bytes and at most 1 GiB, which every
 * platform takes in one call. After n bytes were moved, weir_seq_advance(&s,
 * n) and the next window begins at the first byte not moved and is full again:
 * the window slides. */
WEIR_EXTERN size_t weir_seq_window(weir_seq_t s, uv_buf_t out[WEIR_WINDOW],
                                   size_t max_bytes);
WEIR_EXTERN size_t weir_mseq_window(weir_mseq_t m, uv_buf_t out[WEIR_WINDOW],
                                    size_t max_bytes);

/* ---- Looking at bytes ---- */

/* Compares as memcmp() does: negative, 0 or positive. A sequence that the
 * other one begins with is the smaller. */
WEIR_EXTERN int weir_seq_compare(weir_seq_t a, weir_seq_t b);

/* The offset of the first byte of that value, or of the first place where the
 * len bytes at needle stand, in one segment or across several; SIZE_MAX if
 * there is none. A needle of no bytes is found at 0. */
WEIR_EXTERN size_t weir_seq_find_byte(weir_seq_t s, unsigned char byte);
WEIR_EXTERN size_t weir_seq_find(weir_seq_t s, const void *needle, size_t len);

/* A search over bytes that arrive in pieces. Nothing is looked at twice: a
 * match that began in one piece is carried into the next. Where such a match
 * fails, needle is compared with itself to see what is left of it, at most once
 * for each byte of a piece: nothing for a delimiter, but the time grows with
 * the square of a needle that is long and repeats itself. All fields are
 * private; needle must live, and stay as it is, as long as the search. */
typedef struct weir_search_s {
  const void *needle;
  size_t len;
  size_t matched; /* bytes of needle that the input so far ends with */
} weir_search_t;

WEIR_EXTERN void weir_search_init(weir_search_t *search, const void *needle,
                                  size_t len);

/* Searches the next piece. Returns 1 when a match is complete and sets *end to
 * the number of bytes of the piece up to and with it; the search then begins
 * anew, so that what is behind the match is the next piece to be fed. Matches
 * do not overlap. Else returns 0 and leaves *end alone. A needle of no bytes
 * matches at once, with *end 0, whatever the piece. */
WEIR_EXTERN int weir_search_feed(weir_search_t *search, weir_seq_t piece,
                                 size_t *end);

/* The order of the bytes of an integer. */
typedef enum weir_order_e {
  WEIR_LE, /* the lowest first */
  WEIR_BE  /* the highest first: network order */
} weir_order_t;

/* The byte at that offset, 0 to 255, or UV_EOF if there is none. */
WEIR_EXTERN int weir_seq_byte(weir_seq_t s, size_t offset);

/* Loads the unsigned integer of `width` bytes, 1 to 8, at that offset.
 * Returns 0; UV_EINVAL for another width; UV_EOF if the sequence ends before
 * the last byte. With an error *value is left alone. */
WEIR_EXTERN int weir_seq_load(weir_seq_t s, size_t offset, unsigned int width,
                              weir_order_t order, uint64_t *value);

/* A cursor reads a sequence from its beginning to its end and remembers its
 * place, so that reading it all in small steps takes linear time. It is a
 * value: a copy is a mark to return to. All fields are private. */
typedef struct weir_seq_cursor_s {
  weir_seq_t seq;   /* from the current segment on */
  uv_buf_t segment; /* the current segment */
  size_t used;      /* bytes read of it */
  size_t before;    /* bytes of the segments before it */
} weir_seq_cursor_t;

WEIR_EXTERN weir_seq_cursor_t weir_seq_cursor(weir_seq_t s);

/* The number of bytes read. */
WEIR_EXTERN size_t weir_seq_cursor_offset(const weir_seq_cursor_t *cursor);

/* The bytes not yet read. */
WEIR_EXTERN weir_seq_t weir_seq_cursor_rest(const weir_seq_cursor_t *cursor);

/* Reads one byte: 0 to 255, or UV_EOF at the end. */
WEIR_EXTERN int weir_seq_cursor_byte(weir_seq_cursor_t *cursor);

/* Reads up to n bytes to dst, or past them when dst is NULL; returns how many
 * there were. */
WEIR_EXTERN size_t weir_seq_cursor_read(weir_seq_cursor_t *cursor, void *dst,
                                        size_t n);

/* Reads an integer; results as for weir_seq_load(). With an error nothing is
 * read. */
WEIR_EXTERN int weir_seq_cursor_load(weir_seq_cursor_t *cursor,
                                     unsigned int width, weir_order_t order,
                                     uint64_t *value);

#ifdef __cplusplus
}
#endif

#endif
