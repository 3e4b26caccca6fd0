/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_DEBUG_H
#define WEIR_DEBUG_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Debug mode: a loop that looks for misuse of memory, of which it otherwise
 * knows nothing. It is had without another library or another build: with
 * WEIR_DEBUG=1 in the environment, or by the option `debug` of
 * weir_loop_attach. Without it nothing here costs anything.
 *
 * Reads and writes of streams and files, and what else is begun on a file, have
 * a record until their callback, and the bytes of writes a checksum. Buffers of
 * pools are filled with a pattern while they are free, and are poisoned for
 * AddressSanitizer then if the program has it. A report is a line on standard
 * error, or a call of the program's function; it ends the program if
 * WEIR_DEBUG=abort says so.
 *
 * WEIR_DEBUG=guard is the same, and has each buffer of a pool end at a page
 * that is no memory, and begin behind one: the instruction that goes past its
 * end is ended by SIGSEGV, and so is what touches a buffer after it has gone
 * back. It reaches so far:
 *
 *   past the end   to the byte, if the buffer's size is a multiple of 64
 *   before it      to the byte, if its size is a multiple of the page's; else
 *                  from the beginning of its first page on
 *   other bytes    of its pages, if they are written to: reported when it goes
 *                  back
 *   the system     a read of a stream that goes past the end is UV_EFAULT; what
 *                  else is begun on such bytes is a signal in that call
 *
 * A buffer that another thread returned is memory until the loop's thread has
 * taken it back, and one that the system may choose for a lease, too. Buffers
 * of a size below weir_pool_buffer_size are guarded as whole ones are. What is
 * past the bytes of a chain's block is the library's own note of it, at its
 * end. No other memory is guarded. Buffers do not follow one another, so that
 * what is begun on several at once as on one is past the end of the first. A
 * pool is not registered then, and weir_pool_status says so; a buffer takes at
 * least two pages of addresses, one of memory, and two system calls each time
 * that it is out, and comes with none of its old bytes. Where the system has no
 * more mappings (Linux: vm.max_map_count, of which a buffer that is out takes
 * two) no buffer is to be had.
 *
 * What is not seen: a look at a buffer into which a read goes, but by another
 * operation of the loop; an operation that moves no bytes of its caller's, as
 * an accept, begun twice; the bytes of a write with descriptors; a buffer that
 * was acquired anew by somebody else when it was released a second time, or
 * while the kernel had it to choose from. In a child after a fork memory is not
 * compared with what the parent had.
 *
 * It takes time: each operation is compared with all that are outstanding, and
 * each byte is read twice. Reading them is the process's own look, so that one
 * at bytes that are not there is a signal, not UV_EFAULT. */

typedef enum weir_misuse_e {
  /* An operation that writes: its bytes are others now than when it began. */
  WEIR_MISUSE_CHANGED = 1,
  /* Two that were outstanding together: one reads into memory of the other. */
  WEIR_MISUSE_SHARED,
  /* An operation was begun that is outstanding: that is refused with
   * UV_EBUSY. */
  WEIR_MISUSE_BEGUN_TWICE,
  /* A buffer went back to its pool with an operation on it that had not
   * ended. */
  WEIR_MISUSE_RELEASED_IN_USE,
  /* One that was free was written to: found when it is acquired. */
  WEIR_MISUSE_WRITTEN_FREE,
  /* One that is free was released or retained. */
  WEIR_MISUSE_RELEASED_TWICE,
  /* What is no buffer of the pool was. */
  WEIR_MISUSE_FOREIGN,
  /* When a pool was to be destroyed, or the loop to be detached: a buffer that
   * is out, an operation that is outstanding, a stream that is open. Also a
   * buffer that goes with its pool in a weir_loop_shutdown. */
  WEIR_MISUSE_LEFT,
  /* Guard mode: bytes were written to beside a buffer, in a page of its own:
   * found when it goes back. */
  WEIR_MISUSE_BESIDE
} weir_misuse_t;

/* Where something was done: the return addresses of the functions that were
 * called, the innermost first, which are the library's own. Where the C library
 * cannot tell (it needs execinfo.h), there are none. */
enum { WEIR_TRAIL = 32 };
typedef struct weir_trail_s {
  unsigned count;
  void *at[WEIR_TRAIL];
} weir_trail_t;

/* Later versions may add to its end. */
typedef struct weir_report_s {
  weir_misuse_t misuse;
  const char *what;    /* as "write", "file read", "buffer", "stream" */
  const void *address; /* of the memory; of a stream */
  size_t size;
  const weir_trail_t *began; /* where it was begun, or acquired; NULL */
  const char *other;         /* WEIR_MISUSE_SHARED, _RELEASED_IN_USE: the second
                                operation; else NULL */
  const weir_trail_t *also;  /* where that was begun, or the buffer released
                                before; NULL */
} weir_report_t;

/* May call any function but those that end the loop; what report points to is
 * there until it returns. */
typedef void (*weir_report_cb)(weir_loop_t *loop, const weir_report_t *report);

/* Has cb called for each report from now on, NULL: a line on standard error.
 * Returns 0, UV_EINVAL (a NULL loop), or UV_ENOTSUP if loop is not in debug
 * mode. */
WEIR_EXTERN int weir_debug_on_report(weir_loop_t *loop, weir_report_cb cb);

/* How many reports there were; 0 where there is no debug mode. */
WEIR_EXTERN uint64_t weir_debug_reports(const weir_loop_t *loop);

/* Writes report as one line, without its end, to size bytes at line, and
 * returns how many it has, as snprintf does. */
WEIR_EXTERN int weir_debug_line(const weir_report_t *report, char *line,
                                size_t size);

#ifdef __cplusplus
}
#endif

#endif
