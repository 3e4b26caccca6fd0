/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_RELAY_H
#define WEIR_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include <weir/export.h>
#include <weir/op.h>
#include <weir/pool.h>
#include <weir/seq.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A relay passes what comes on one stream, its source, on to another, its sink,
 * through a ring of memory. Streams of any kinds will do, also one as both. Two
 * relays are a proxy.
 *
 * It tops up: the room that a write has made is filled, before the next write,
 * with what the source has at that moment, so that a sink which takes little at
 * a time is always offered much. It never waits for the source with that, and
 * does it only where it pays: after a write that was short, and when half of
 * the ring is free.
 *
 * From the start to the callback the reading side of the source and the writing
 * side of the sink are the relay's. Each transfer is one of weir_read_some,
 * weir_read_now or weir_write_some, or spliced; nothing is allocated but pipes
 * for that.
 *
 * Where both streams are plain descriptors of the library's own kinds, and the
 * system is Linux, bytes need not come to memory at all: with WEIR_RELAY_SPLICE
 * they are spliced into a pipe and out of it. Its transfers are operations as
 * well, with all that holds for such: exact counts, deadlines of the streams,
 * cancelling. A relay has a pipe only while something is in it; the loop keeps
 * a few, and hands out a limited number. When there is none, or a splice is
 * refused, the relay goes on with its ring by itself, also in the middle, where
 * it lets no byte be lost: it never has more in a pipe than fits in the ring.
 * So the size of the ring is also that of the pipe, up to what the system
 * allows; the larger, the fewer system calls. */

typedef struct weir_relay_s weir_relay_t;

/* The end of a relay. Runs exactly once for each that was started, from within
 * uv_run, never inside a call of the program. The relay belongs to the
 * application again when this begins: it may be freed or started anew.
 *
 * status  0: the source has ended, all bytes were taken by the sink, and the
 *         end was passed on. UV_ECANCELED: it was stopped, or a stream closed.
 *         Else what one of the two failed with; weir_relay_info says which.
 *
 * An error of the source counts when all that had been read before it was
 * taken by the sink, or at once while there is none; one of the sink counts at
 * once. */
typedef void (*weir_relay_cb)(weir_relay_t *relay, int status);

/* n bytes, at least 1, have just been taken by the sink. Runs from within
 * uv_run, before more is read or written. Any function may be called here, but
 * for uv_run; the relay has to stay. */
typedef void (*weir_relay_progress_cb)(weir_relay_t *relay, size_t n);

/* weir_relay_options_t.flags */
enum {
  /* Read only when all that was read is written. */
  WEIR_RELAY_NO_TOPUP = 1,
  /* Leave the sink open when the source ends, for more to be written to it. */
  WEIR_RELAY_NO_EOF = 2,
  /* Splice where that can be. The descriptors are made non-blocking, and stay
   * so. */
  WEIR_RELAY_SPLICE = 4
};

typedef struct weir_relay_options_s {
  /* sizeof(weir_relay_options_t), or 0: that of the first version. */
  size_t size;
  /* The ring: a buffer of this pool, which is taken when the relay starts and
   * given back when its callback has returned; or, if pool is NULL, `capacity`
   * bytes of the application's at ring, which stay until the callback. */
  weir_pool_t *pool;
  void *ring;
  size_t capacity;
  /* May be NULL. */
  weir_relay_progress_cb progress;
  unsigned flags;
  /* So many bytes at the beginning of `ring` came from the source before the
   * relay, as to one who had to look at them, perhaps into a lease whose buffer
   * is the ring now: they are passed on first. At most capacity; 0 with a
   * pool. */
  size_t held;
} weir_relay_options_t;

/* Private: what a relay splices through. */
typedef struct weir_splice_s {
  struct weir__pipe_s *pipe;
  uint64_t bytes;
  int status;
  unsigned char on;
  unsigned char dry;
  unsigned char full;
  unsigned char reads;
  unsigned char read_vain;
  unsigned char write_vain;
} weir_splice_t;

/* Allocate relays by sizeof; it is part of the ABI and does not change. */
struct weir_relay_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. */
  weir_stream_t *source;
  weir_stream_t *sink;
  char *ring;
  size_t capacity;
  size_t start;
  size_t held;
  size_t offered;
  int state;
  int status;
  int read_status;
  int write_status;
  uint64_t bytes_read;
  uint64_t bytes_written;
  uint64_t reads;
  uint64_t writes;
  uint64_t short_writes;
  weir_pool_t *pool;
  weir_relay_progress_cb progress;
  weir_relay_cb cb;
  weir_splice_t splice;
  void *spare;
  weir_op_t read_op;
  weir_op_t write_op;
};

/* Starts to read from source, and to write to sink. relay is memory that needs
 * no initialisation and has to stay where it is until the callback; so have the
 * streams, which are not closed by it. A sink that is not connected yet may be
 * NULL: the ring is filled meanwhile, and weir_relay_set_sink gives it the
 * stream.
 *
 * Returns 0; or, with no callback, UV_EINVAL (a NULL, streams of two loops, no
 * pool and no memory, more held than that has room for, a size below the first
 * version's, an unknown flag, an option of a later version that is not 0),
 * UV_ENOBUFS (all buffers of the pool are out), UV_EALREADY (the source has a
 * read outstanding), or what else weir_read_some may say of source, or
 * weir_write_some of sink. Where bytes are held already, those two are asked
 * later, and what they say comes with the callback. */
WEIR_EXTERN WEIR_MUST_USE int
weir_relay_start(weir_relay_t *relay, weir_stream_t *source,
                 weir_stream_t *sink, const weir_relay_options_t *options,
                 weir_relay_cb cb);

/* Gives a relay without a sink a stream that is connected. Returns 0; or,
 * changing nothing, UV_EINVAL (a NULL, a stream of another loop), UV_EALREADY
 * (it has one), UV_ECANCELED (it is ending), or why nothing can be written to
 * sink. */
WEIR_EXTERN WEIR_MUST_USE int weir_relay_set_sink(weir_relay_t *relay,
                                                  weir_stream_t *sink);

/* Asks a relay to end, whose callback has not begun; it comes later, as soon as
 * what is outstanding has ended, mostly with UV_ECANCELED: with 0 or an error
 * if that was sooner. Stopping it again changes nothing.
 *
 * No byte is lost: what was read and not written is weir_relay_held, and both
 * streams, where they did not fail, go on behind it with whatever the
 * application wants. A relay without a sink has to be stopped when nothing is
 * to come of it, since closing the source is not noticed while the ring is
 * full. */
WEIR_EXTERN void weir_relay_stop(weir_relay_t *relay);

/* The bytes that were read from the source and not yet taken by the sink, in
 * the ring: so until the callback returns, or longer if the ring is the
 * application's. Of a relay that splices they are in the ring from the callback
 * on, and before it only their number is right. In the child of a fork there
 * are none: what was in a pipe is the parent's. */
WEIR_EXTERN weir_seq_t weir_relay_held(const weir_relay_t *relay);

/* What a relay has done since it was started. Later versions may add to its
 * end. */
typedef struct weir_relay_info_s {
  uint64_t bytes_read;    /* from the source, those held before among them */
  uint64_t bytes_written; /* taken by the sink */
  uint64_t reads;         /* that brought bytes */
  uint64_t writes;        /* that took bytes */
  uint64_t short_writes;  /* that took less than they were offered */
  int read_status;        /* what ended the reading, as UV_EOF; 0: nothing */
  int write_status;       /* the sink's error; UV_EOF: the end was passed on */
  uint64_t bytes_spliced; /* of bytes_written: they were never in memory */
  /* 0: it splices. Else why not. For good: UV_ENOTSUP (it was not asked to, or
   * one of the streams is of the program's own kind), UV_ENOSYS, or the error
   * with which a splice was refused. For the time being: UV_ENOTCONN (no sink
   * yet), UV_ENOBUFS (the loop's pipes are all out), or, as UV_EMFILE, why a
   * pipe could not be made. */
  int splice_status;
} weir_relay_info_t;

/* Fills the first size bytes of info; size is sizeof(*info). Members of a later
 * version than that of the library are 0. To be called at any time from the
 * start on, and in or after the callback. */
WEIR_EXTERN void weir_relay_info(const weir_relay_t *relay,
                                 weir_relay_info_t *info, size_t size);

#ifdef __cplusplus
}
#endif
#endif
