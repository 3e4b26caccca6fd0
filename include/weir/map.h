/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_MAP_H
#define WEIR_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/file.h>
#include <weir/seq.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file, or a range of it, as memory: one window of it at a time, as a
 * sequence that may be looked at, searched, and given to any operation that
 * writes. Nothing is read before it is touched; then the thread that touches it
 * waits for the device. No loop is needed. A map belongs to one thread at a
 * time, its bytes to any.
 *
 * A file that becomes shorter. The system has no bytes for what lies behind its
 * end, up to the last page that holds some of it. What comes of that:
 *
 *   weir_map_window   asks for the size at each call: UV_EOF if what was asked
 *                     for is not there any more.
 *   an operation      on the bytes ends with UV_EFAULT and the exact count of
 *                     those before, on both backends: system calls report what
 *                     they cannot read.
 *   this process      that touches them itself (a search, a copy, a parser)
 *                     gets SIGBUS, which ends it. Asking before does not help:
 *                     the file may be cut just then. So it is, too, for bytes
 *                     that the device cannot read.
 *   WEIR_MAP_GUARDED  has it find zeros instead, and weir_map_check tell that
 *                     it did. That is as far as the system lets us go: the
 *                     answer comes after the look, not in its place.
 *
 * Within the last page zeros stand behind the end, of which nobody is told but
 * by the size. What others write to the file may or may not be seen. */

/* weir_map_open's flags. */
enum {
  /* The memory may be written to; the file and others do not see that. What
   * was written is lost when the window moves: let the window be all. */
  WEIR_MAP_PRIVATE = 1,

  /* A SIGBUS in the window is caught. With the first such map, the process gets
   * a handler of that signal, for good, which passes on to the one before what
   * is none of ours; a program that sets one later takes this away. At most
   * WEIR_MAP_GUARDS maps of a process at a time. */
  WEIR_MAP_GUARDED = 2
};

enum { WEIR_MAP_GUARDS = 256 };

/* All fields are private. */
typedef struct weir_map_s {
  uv_file file;
  unsigned flags;
  int64_t offset; /* of the range in the file */
  int64_t len;
  size_t most;   /* bytes of a window */
  char *base;    /* what is mapped; NULL: nothing */
  size_t size;   /* of it */
  int64_t start; /* where it lies in the file */
  int advice;
  int guard;
  void *spare[4];
} weir_map_t;

/* Makes *map stand for len bytes of a regular file from offset on; len -1: up
 * to its end as it is now. window is the most that is mapped at a time, 0: all
 * of the range. Maps nothing yet. file has to stay open for reading until
 * weir_map_close, and remains the caller's.
 *
 * Returns 0; UV_EINVAL (a NULL, an offset below 0, a len below -1, another
 * flag); UV_EOF if the file ends before the range does; UV_ENODEV if it is not
 * a regular file; UV_ENOBUFS when there are too many guarded maps; UV_ENOTSUP
 * where the system has none; or what the system says. */
WEIR_EXTERN WEIR_MUST_USE int weir_map_open(weir_map_t *map, uv_file file,
                                            int64_t offset, int64_t len,
                                            size_t window, unsigned flags);

/* Nothing may be left in use of it. Closing a map that could not be opened, or
 * is closed, does nothing. */
WEIR_EXTERN void weir_map_close(weir_map_t *map);

/* The number of bytes of the range. */
WEIR_EXTERN int64_t weir_map_size(const weir_map_t *map);

/* Sets *seq to the bytes from offset of the range on: len of them, or as many
 * as a window has, or are left of the range, if that is less. So SIZE_MAX walks
 * it window by window; at the end of the range *seq is empty. Where they are
 * not all in the window, or zeros were found in it (weir_map_check), it is
 * mapped anew to begin with them, and all that was had of the one before is
 * gone: wait for operations on it first.
 *
 * Returns 0, or with *seq empty UV_EINVAL (a NULL, an offset outside of the
 * range), UV_EOF when the file ends before these bytes do, or what the system
 * says, as UV_ENOMEM; the window is the one before then. */
WEIR_EXTERN WEIR_MUST_USE int weir_map_window(weir_map_t *map, int64_t offset,
                                              size_t len, weir_seq_t *seq);

/* The same, to be written to: UV_EACCES if the map is not private. */
WEIR_EXTERN WEIR_MUST_USE int weir_map_private(weir_map_t *map, int64_t offset,
                                               size_t len, weir_mseq_t *seq);

/* How the bytes will be used, in this window and all after it: what is
 * WEIR_ADVICE_SEQUENTIAL is read well ahead, WEIR_ADVICE_WILLNEED has reading
 * begin without waiting. It changes no byte: UV_EINVAL for
 * WEIR_ADVICE_DONTNEED of a private map, and a NULL. */
WEIR_EXTERN int weir_map_advise(weir_map_t *map, weir_advice_t advice);

/* Whether what was seen of this window was the file's: 0; UV_EOF, the file ends
 * before the window does; or UV_EIO, it does not, but zeros were found in place
 * of some of it, since it was shorter for a while or the device failed. Without
 * WEIR_MAP_GUARDED, only whether the file is long enough now. A look before
 * this call that says 0 was at the file's bytes, if the map is guarded. */
WEIR_EXTERN int weir_map_check(const weir_map_t *map);

#ifdef __cplusplus
}
#endif

#endif
