/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_OPTION_H
#define WEIR_OPTION_H

#include <weir/export.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Settings of sockets, weir_tcp_nodelay among them. Each, but for
 * weir_tcp_zerocopy, is a call of the system on the descriptor, at once, and is
 * the system's to keep: another that
 * is set by the application on weir_fileno's descriptor is never undone.
 *
 * A stream has a descriptor when it is bound, opened, accepted or adopted or
 * connecting has begun, or from the beginning, if weir_tcp_init_ex made it: so
 * that what has to be set before the bind or the connect can be.
 *
 * All of them return 0; UV_EINVAL (a NULL, a value that the system does not
 * take), UV_EBADF (no descriptor yet, or none any more), UV_ENOTSUP (the system
 * has no such setting, the stream is of a kind without a descriptor, not a
 * socket, or, for all but the sizes of buffers, not TCP's); or an error of the
 * system call. Those that ask set what their pointer names only on success. */

/* Has the system send a probe when a connection is idle, and end it with
 * UV_ETIMEDOUT if none of several is answered: after idle seconds the first,
 * the others at that interval in seconds, count of them. A 0 leaves what is
 * set, at first the system's defaults. With on = 0 the rest is not looked at.
 * The pointers of the second may be NULL. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_keepalive(weir_stream_t *stream, int on,
                                                 unsigned idle,
                                                 unsigned interval,
                                                 unsigned count);
WEIR_EXTERN WEIR_MUST_USE int
weir_tcp_get_keepalive(const weir_stream_t *stream, int *on, unsigned *idle,
                       unsigned *interval, unsigned *count);

/* What weir_tcp_nodelay has set. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_get_nodelay(const weir_stream_t *stream,
                                                   int *on);

/* While it is on, only full packets leave, also of several writes; what is left
 * over leaves when it is turned off, and on Linux after 200 milliseconds. On
 * the BSDs and macOS it is TCP_NOPUSH, and what is left over may wait there for
 * the next write. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_cork(weir_stream_t *stream, int on);
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_get_cork(const weir_stream_t *stream,
                                                int *on);

/* Lets a listener take data that comes with the first packet of a client which
 * it knows (TCP Fast Open): most such connections whose handshake is not over,
 * 0 for none. Some systems want it after weir_listen, and know 1 and 0 only;
 * whether it is had also depends on the administrator. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_fastopen(weir_stream_t *stream,
                                                int most);
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_get_fastopen(const weir_stream_t *stream,
                                                    int *most);

/* Has a connection begin with the first bytes that are written (TCP Fast Open
 * of clients; Linux): to be set before weir_tcp_connect, on a stream that
 * weir_tcp_init_ex made. To a server that the system knows, connecting is over
 * at once and nothing was sent; the first write is the first packet, and an
 * error of connecting is that of the write or of a later read. So the program
 * has to write first: a read alone waits for ever, and weir_getpeername says
 * UV_ENOTCONN meanwhile. To all others it connects as ever, and every byte is
 * sent, once, in either case. A server may see the first packet twice, as two
 * connections. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_fastopen_connect(weir_stream_t *stream,
                                                        int on);
WEIR_EXTERN WEIR_MUST_USE int
weir_tcp_get_fastopen_connect(const weir_stream_t *stream, int *on);

/* Lets several sockets of one user listen on the same address, which the system
 * shares the connections among. To be set before the bind, of all of them:
 * weir_tcp_bind does so with the flag WEIR_TCP_REUSEPORT. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_reuseport(weir_stream_t *stream, int on);
WEIR_EXTERN WEIR_MUST_USE int
weir_tcp_get_reuseport(const weir_stream_t *stream, int *on);

/* The most routers that a packet passes, 1 to 255, and the byte of each packet
 * that tells of its service (DSCP and ECN), 0 to 255, over IPv4 and IPv6. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_ttl(weir_stream_t *stream, int ttl);
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_get_ttl(const weir_stream_t *stream,
                                               int *ttl);
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_tos(weir_stream_t *stream, int tos);
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_get_tos(const weir_stream_t *stream,
                                               int *tos);

/* For weir_tcp_zerocopy: also to this machine, for tests. */
#define WEIR_ZEROCOPY_LOOPBACK 1u

/* Has the stream write least bytes or more in one segment from a buffer of a
 * registered pool (weir/pool.h) of its loop without copying them (SEND_ZC of
 * Linux 6.2), also what is queued already: the network's device takes them from
 * there. All else is written as ever, in order, and counts are exact as ever.
 * 0: turns it off, as it is at first. It pays for large writes, if at all:
 * measure it; 32 KiB are a sensible least.
 *
 * The write's callback comes when the system has taken the bytes, and not when
 * it needs the memory no more: that is when the peer has acknowledged them. So
 * after such a write the program does not change the buffer any more, not even
 * in the callback: it releases it. The library keeps it until the system has
 * given it back; so long it is not available, and none of the pool's is the
 * same memory. That keeps neither the stream, which may be closed, nor uv_run,
 * nor weir_pool_destroy or weir_loop_detach: where the pool is gone, the system
 * has its pages as long as it needs them. The loop that goes to another thread
 * meanwhile waits for that, as weir/loop.h says of what is in flight.
 *
 * What the system copies all the same only costs more. So nothing is written so
 * to this machine itself, which is known by the addresses of the connection,
 * but with WEIR_ZEROCOPY_LOOPBACK in flags; and the first time that the system
 * says that it had to copy, the stream turns it off by itself. Then the second
 * says 0. What goes at once in weir_write_now and weir_write_try is copied.
 *
 * In addition to the above UV_ENOTSUP on the libuv backend and on a kernel
 * without it, where everything is written as ever; UV_ENOMEM; UV_EINVAL for
 * other flags. It needs no descriptor: UV_EBADF is a stream that closes. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_zerocopy(weir_stream_t *stream,
                                                size_t least, unsigned flags);
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_get_zerocopy(const weir_stream_t *stream,
                                                    size_t *least);

/* As uv_send_buffer_size and uv_recv_buffer_size: set the size of the system's
 * buffer of any socket to *value bytes, or, if that is 0, set *value to it.
 * Linux makes it twice what is asked for, says so, and has limits of its own.
 */
WEIR_EXTERN WEIR_MUST_USE int weir_send_buffer_size(weir_stream_t *stream,
                                                    int *value);
WEIR_EXTERN WEIR_MUST_USE int weir_recv_buffer_size(weir_stream_t *stream,
                                                    int *value);

#ifdef __cplusplus
}
#endif
#endif
