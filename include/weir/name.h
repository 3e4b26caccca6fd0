/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_NAME_H
#define WEIR_NAME_H

#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/op.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Clients and servers by name: what a name stands for is asked of the system's
 * resolver, in a thread of libuv's pool. */

/* Of a host's addresses so many are tried at most. */
#define WEIR_HOST_ADDRESSES 8

/* What a weir_connect_host needs besides its op: the application's memory,
 * which needs no initialisation and has to stay where it is until the callback.
 * All fields are private. */
typedef struct weir_connect_host_s {
  weir_op_t *op;
  weir_stream_t *stream;
  weir_loop_t *loop;
  struct weir__query_s *query;
  uv_timer_t timer;
  union {
    uint64_t align;
    unsigned char bytes[WEIR_STREAM_PLACE(sizeof(uv_check_t) + sizeof(void *))];
  } settle;
  uint64_t deadline;
  uint64_t next_due;
  unsigned count;
  unsigned begun;
  unsigned pending;
  unsigned open;
  int error;
  int over;
  struct {
    weir_stream_t stream;
    weir_op_t op;
    struct sockaddr_in6 addr;
    int closing;
  } attempts[WEIR_HOST_ADDRESSES];
} weir_connect_host_t;

/* Connects stream, a TCP stream without a socket, to a host by its name or
 * address and a service by its name or port. Both are copied.
 *
 * The host's addresses are tried in the resolver's order, but so that those of
 * IPv6 and IPv4 take turns, each 250 milliseconds after the one before, or as
 * soon as that has failed. The first that connects is the stream's; the others
 * are given up. timeout is for all of it together, in milliseconds from the
 * loop's time (uv_now), 0 for none; when it is over, that is UV_ETIMEDOUT.
 *
 * In the callback n is 0. The error, if all failed, is that of the first
 * address there was a way to; UV_EAI_* is the resolver's. After an error or a
 * cancellation the stream can only be closed. Both, and the timeout, do not
 * wait for the resolver; its thread goes on until it has its answer, and keeps
 * uv_run from returning until then. So does what connects after that, also if
 * weir_unref was called.
 *
 * Returns 0; UV_EINVAL (a NULL; a stream of another type, a listener, or one
 * with a socket, as of a bind; no such name), UV_EISCONN, UV_EALREADY
 * (connecting, or that failed), UV_EBADF (closing), UV_ENAMETOOLONG, UV_ENOMEM,
 * UV_ECANCELED. */
WEIR_EXTERN WEIR_MUST_USE int
weir_connect_host(weir_op_t *op, weir_stream_t *stream,
                  weir_connect_host_t *memory, const char *host,
                  const char *service, uint64_t timeout, weir_op_cb cb);

/* Binds stream, a TCP stream without a socket, to the first address of a host
 * that can be had, and listens there. A host of NULL is every address of the
 * machine, of IPv6 and IPv4 both if it has them; a service of NULL or "0" is a
 * port that the system chooses. backlog is as in listen(2), flags as of
 * weir_tcp_bind; with UV_TCP_IPV6ONLY no address of IPv4 is taken.
 *
 * It acts at once, and so waits for the resolver: for a name that is not in the
 * machine's own tables, perhaps for long.
 *
 * Returns 0; UV_EINVAL (stream or both names are NULL, an unknown flag, or
 * as above); what weir_tcp_bind and weir_listen may; UV_EAI_*. */
WEIR_EXTERN WEIR_MUST_USE int weir_listen_host(weir_stream_t *stream,
                                               const char *host,
                                               const char *service, int backlog,
                                               unsigned flags);

#ifdef __cplusplus
}
#endif
#endif
