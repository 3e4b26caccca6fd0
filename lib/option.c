/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/option.h>

#include <limits.h>

#include "os.h"
#include "stream.h"

/* Settings of the sockets under streams. */

static int set(const weir_stream_t *stream, weir__option_t option, int value) {
  weir__fd_t fd;
  int r = weir__stream_fd(stream, &fd);
  return r != 0 ? r : weir__os_set_option(fd, option, value);
}

static int get(const weir_stream_t *stream, weir__option_t option, int *value) {
  weir__fd_t fd;
  int r = weir__stream_fd(stream, &fd);
  if (r == 0 && value == NULL)
    r = UV_EINVAL;
  return r != 0 ? r : weir__os_get_option(fd, option, value);
}

static int get_flag(const weir_stream_t *stream, weir__option_t option,
                    int *on) {
  int r = get(stream, option, on);
  if (r == 0)
    *on = *on != 0;
  return r;
}

/* 0 leaves what is set. */
static int set_some(const weir_stream_t *stream, weir__option_t option,
                    unsigned value) {
  if (value == 0)
    return 0;
  return value > INT_MAX ? UV_EINVAL : set(stream, option, (int)value);
}

int weir_tcp_keepalive(weir_stream_t *stream, int on, unsigned idle,
                       unsigned interval, unsigned count) {
  int r = 0;
  if (on) {
    r = set_some(stream, WEIR__OPTION_KEEP_IDLE, idle);
    if (r == 0)
      r = set_some(stream, WEIR__OPTION_KEEP_INTERVAL, interval);
    if (r == 0)
      r = set_some(stream, WEIR__OPTION_KEEP_COUNT, count);
  }
  return r != 0 ? r : set(stream, WEIR__OPTION_KEEPALIVE, on != 0);
}

static int get_some(const weir_stream_t *stream, weir__option_t option,
                    unsigned *value) {
  int found = 0;
  int r = value != NULL ? get(stream, option, &found) : 0;
  if (r == 0 && value != NULL)
    *value = (unsigned)found;
  return r;
}

int weir_tcp_get_keepalive(const weir_stream_t *stream, int *on, unsigned *idle,
                           unsigned *interval, unsigned *count) {
  int found = 0;
  int r = get_flag(stream, WEIR__OPTION_KEEPALIVE, &found);
  if (r == 0)
    r = get_some(stream, WEIR__OPTION_KEEP_IDLE, idle);
  if (r == 0)
    r = get_some(stream, WEIR__OPTION_KEEP_INTERVAL, interval);
  if (r == 0)
    r = get_some(stream, WEIR__OPTION_KEEP_COUNT, count);
  if (r == 0 && on != NULL)
    *on = found;
  return r;
}

int weir_tcp_nodelay(weir_stream_t *stream, int on) {
  return set(stream, WEIR__OPTION_NODELAY, on != 0);
}

int weir_tcp_get_nodelay(const weir_stream_t *stream, int *on) {
  return get_flag(stream, WEIR__OPTION_NODELAY, on);
}

int weir_tcp_cork(weir_stream_t *stream, int on) {
  return set(stream, WEIR__OPTION_CORK, on != 0);
}

int weir_tcp_get_cork(const weir_stream_t *stream, int *on) {
  return get_flag(stream, WEIR__OPTION_CORK, on);
}

int weir_tcp_fastopen(weir_stream_t *stream, int most) {
  return most < 0 ? UV_EINVAL : set(stream, WEIR__OPTION_FASTOPEN, most);
}

int weir_tcp_get_fastopen(const weir_stream_t *stream, int *most) {
  return get(stream, WEIR__OPTION_FASTOPEN, most);
}

int weir_tcp_fastopen_connect(weir_stream_t *stream, int on) {
  return set(stream, WEIR__OPTION_FASTOPEN_CONNECT, on != 0);
}

int weir_tcp_get_fastopen_connect(const weir_stream_t *stream, int *on) {
  return get_flag(stream, WEIR__OPTION_FASTOPEN_CONNECT, on);
}

int weir_tcp_reuseport(weir_stream_t *stream, int on) {
  return set(stream, WEIR__OPTION_REUSEPORT, on != 0);
}

int weir_tcp_get_reuseport(const weir_stream_t *stream, int *on) {
  return get_flag(stream, WEIR__OPTION_REUSEPORT, on);
}

/* The stream's kind if it is of one that can, else NULL. */
static const weir__kind_t *uncopying(const weir_stream_t *stream) {
  const weir__kind_t *kind = weir__kind(stream);
  return kind != NULL && kind->zerocopy != NULL && stream->type == UV_TCP
             ? kind
             : NULL;
}

int weir_tcp_zerocopy(weir_stream_t *stream, size_t least, unsigned flags) {
  if (stream == NULL || (flags & ~WEIR_ZEROCOPY_LOOPBACK) != 0)
    return UV_EINVAL;
  int r = weir__stream_check(stream);
  if (r != 0)
    return r;
  const weir__kind_t *kind = uncopying(stream);
  return kind == NULL ? UV_ENOTSUP : kind->zerocopy(stream, least, flags);
}

int weir_tcp_get_zerocopy(const weir_stream_t *stream, size_t *least) {
  if (stream == NULL || least == NULL)
    return UV_EINVAL;
  const weir__kind_t *kind = uncopying(stream);
  if (kind == NULL)
    return UV_ENOTSUP;
  *least = kind->zerocopied(stream);
  return 0;
}

/* The system takes -1 for its default. */
int weir_tcp_ttl(weir_stream_t *stream, int ttl) {
  return ttl < 1 || ttl > 255 ? UV_EINVAL : set(stream, WEIR__OPTION_TTL, ttl);
}

int weir_tcp_get_ttl(const weir_stream_t *stream, int *ttl) {
  return get(stream, WEIR__OPTION_TTL, ttl);
}

int weir_tcp_tos(weir_stream_t *stream, int tos) {
  return tos < 0 || tos > 255 ? UV_EINVAL : set(stream, WEIR__OPTION_TOS, tos);
}

int weir_tcp_get_tos(const weir_stream_t *stream, int *tos) {
  return get(stream, WEIR__OPTION_TOS, tos);
}

static int size(const weir_stream_t *stream, weir__option_t option,
                int *value) {
  if (value == NULL || *value < 0)
    return UV_EINVAL;
  return *value == 0 ? get(stream, option, value) : set(stream, option, *value);
}

int weir_send_buffer_size(weir_stream_t *stream, int *value) {
  return size(stream, WEIR__OPTION_SEND_BUFFER, value);
}

int weir_recv_buffer_size(weir_stream_t *stream, int *value) {
  return size(stream, WEIR__OPTION_RECV_BUFFER, value);
}
