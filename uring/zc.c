/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <weir/option.h>

#include "../lib/rare.h"
#include "../lib/seq.h"
#include "../lib/watch.h"

/* Writes of registered memory that the kernel does not copy. Such a request
 * completes twice: when the bytes are in the socket's queue, which is the end
 * of the write, and when the system needs the memory no more. Between the two
 * its slot is a notice's, which holds the buffer and nothing of the stream. */

static const unsigned usage_copied = 1u << 31;

/* What a stream has asked for. */
typedef struct zerocopy_s {
  weir_watch_t watch; /* first; on the stream until that closes */
  size_t least;
  unsigned flags;
  unsigned refs; /* the stream's, and those of notices */
  int route;
  int copied; /* a notification said so */
} zerocopy_t;

/* zerocopy_t.route */
enum { UNKNOWN, LOCAL, FAR };

struct weir__notice_s {
  weir__notice_t *next;  /* in the list of free ones */
  weir_stream_t *stream; /* the write's */
  zerocopy_t *zerocopy;
  weir_pool_t *pool; /* NULL: it was destroyed */
  uv_buf_t buf;
  int index;
};

/* ---- The setting ---- */

static void drop(zerocopy_t *zc) {
  if (--zc->refs == 0)
    weir__free(zc);
}

static void take_off(zerocopy_t *zc) {
  weir__watch_remove(&zc->watch);
  drop(zc);
}

static void told(weir_watch_t *watch, weir_stream_t *stream,
                 weir__tidings_t tidings) {
  (void)stream;
  if (tidings == WEIR__CLOSES)
    take_off((zerocopy_t *)watch);
}

static const weir__watch_class_t zerocopy_class = {told};

static zerocopy_t *zerocopy_of(const weir_stream_t *stream) {
  weir_watch_t *watch = stream->watch;
  while (watch != NULL && watch->type != &zerocopy_class)
    watch = watch->next;
  return (zerocopy_t *)watch;
}

static void turn_off(weir_stream_t *stream) {
  weir__socket(stream)->flags &= ~(unsigned)WEIR__SOCKET_ZEROCOPY;
  stream->state &= ~WEIR__UNHURRIED;
}

int weir__zerocopy_set(weir_stream_t *stream, size_t least, unsigned flags) {
  zerocopy_t *zc = zerocopy_of(stream);
  if (!(weir__ring(stream->loop)->caps & WEIR__CAP_SEND_ZC))
    return UV_ENOTSUP;
  turn_off(stream);
  if (least == 0) {
    if (zc != NULL)
      take_off(zc);
    return 0;
  }
  if (zc == NULL) {
    zc = weir__malloc(sizeof(*zc));
    if (zc == NULL)
      return UV_ENOMEM;
    zc->refs = 1;
    weir__watch_add(stream, &zc->watch, &zerocopy_class);
  }
  zc->least = least;
  zc->flags = flags;
  zc->route = UNKNOWN;
  zc->copied = 0;
  weir__socket(stream)->flags |= WEIR__SOCKET_ZEROCOPY;
  stream->state |= WEIR__UNHURRIED;
  return 0;
}

size_t weir__zerocopy_get(const weir_stream_t *stream) {
  const zerocopy_t *zc = zerocopy_of(stream);
  return zc == NULL || zc->copied || zc->route == LOCAL ? 0 : zc->least;
}

/* ---- Where it goes ---- */

static int is_loopback(const struct in6_addr *addr) {
  return IN6_IS_ADDR_LOOPBACK(addr) ||
         (IN6_IS_ADDR_V4MAPPED(addr) && addr->s6_addr[12] == 127);
}

int weir__zerocopy_is_local(const struct sockaddr *own,
                            const struct sockaddr *peer) {
  struct sockaddr_in6 six, other_six;
  struct sockaddr_in four, other_four;
  switch (peer->sa_family) {
  case AF_INET:
    memcpy(&four, peer, sizeof(four));
    memcpy(&other_four, own, sizeof(other_four));
    return ntohl(four.sin_addr.s_addr) >> 24 == 127 ||
           four.sin_addr.s_addr == other_four.sin_addr.s_addr;
  case AF_INET6:
    memcpy(&six, peer, sizeof(six));
    memcpy(&other_six, own, sizeof(other_six));
    return is_loopback(&six.sin6_addr) ||
           IN6_ARE_ADDR_EQUAL(&six.sin6_addr, &other_six.sin6_addr);
  default:
    return 1;
  }
}

static void find_route(weir_stream_t *stream, zerocopy_t *zc, int fd) {
  struct sockaddr_storage own, peer;
  int own_len = sizeof(own), peer_len = sizeof(peer);
  if (zc->flags & WEIR_ZEROCOPY_LOOPBACK) {
    zc->route = FAR;
    return;
  }
  stream->loop->stats.syscalls += 2;
  if (weir__os_sockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
      weir__os_peername(fd, (struct sockaddr *)&peer, &peer_len) != 0)
    return;
  zc->route =
      weir__zerocopy_is_local((struct sockaddr *)&own, (struct sockaddr *)&peer)
          ? LOCAL
          : FAR;
}

/* ---- Notices ---- */

static weir__notice_t *notice_take(weir__ring_t *ring) {
  weir__notice_t *notice = ring->notices;
  if (notice != NULL) {
    ring->notices = notice->next;
    return notice;
  }
  notice = weir__malloc(sizeof(*notice));
  if (notice != NULL)
    ring->loop->stats.allocations++;
  return notice;
}

static void notice_give(weir__ring_t *ring, weir__notice_t *notice) {
  drop(notice->zerocopy);
  notice->next = ring->notices;
  ring->notices = notice;
}

/* What the kernel has not told stays its own where the ring has failed, though
 * not in a child, and not where it was seen to let go of the ring. */
static void noticed(weir__ring_t *ring, void *owner, int result,
                    unsigned flags) {
  weir__notice_t *notice = owner;
  weir_loop_t *loop = ring->loop;
  int told = (flags & WEIR__CQE_F_NOTIF) != 0;
  loop->notices--;
  if (told && (unsigned)result & usage_copied) {
    loop->stats.zerocopy_copied++;
    notice->zerocopy->copied = 1;
  }
  if (told || ring->error == 0 || ring->error == UV_ESRCH) {
    loop->stats.zerocopy_over++;
    if (notice->pool != NULL)
      weir__pool_unhold(notice->pool, &notice->buf);
  }
  notice_give(ring, notice);
}

static const weir__request_t notice_request = {
    .ended = noticed, .background = 1, .unseen = 1, .settled = 1};

/* ---- The write ---- */

static void write_done(weir_stream_t *stream, zerocopy_t *zc, int result) {
  weir__socket_t *sock = weir__socket(stream);
  size_t n = result > 0 ? (size_t)result : 0;
  sock->write_tag = 0;
  switch (result) {
  case -EAGAIN:
  case -EINPROGRESS:
    sock->flags |= WEIR__SOCKET_FULL;
    result = UV_EAGAIN;
    break;
  case -EOPNOTSUPP:
  case -EINVAL:
    /* This socket cannot, or this memory. */
    zc->copied = 1;
    result = UV_EAGAIN;
    break;
  case -EINTR:
    result = UV_EAGAIN;
    break;
  case -ENOMEM:
  case -ENOBUFS:
    result = UV_EBUSY;
    break;
  default:
    break;
  }
  weir_stream_write_done(stream, n > 0 ? 0 : result, n);
}

static inline void note_length(const weir__notice_t *notice, int result) {
  if (result > 0 && (size_t)result < notice->buf.len)
    weir__socket(notice->stream)->flags |= WEIR__SOCKET_FULL;
}

/* A notification will follow. */
static void sent(weir__ring_t *ring, uint64_t tag, void *owner, int result,
                 unsigned flags) {
  const weir__notice_t *notice = owner;
  (void)flags;
  weir__slot_find(ring, tag)->type = &notice_request;
  ring->inflight--;
  ring->loop->notices++;
  ring->loop->stats.zerocopy_sends++;
  note_length(notice, result);
  write_done(notice->stream, notice->zerocopy, result);
}

/* None will. */
static void ended(weir__ring_t *ring, void *owner, int result, unsigned flags) {
  weir__notice_t *notice = owner;
  weir_stream_t *stream = notice->stream;
  (void)flags;
  note_length(notice, result);
  write_done(stream, notice->zerocopy, result);
  weir__pool_unhold(notice->pool, &notice->buf);
  notice_give(ring, notice);
}

static const weir__request_t send_request = {.more = sent, .ended = ended};

static int begin(weir_stream_t *stream, zerocopy_t *zc, int fd,
                 const uv_buf_t *buf, int index) {
  weir__ring_t *ring = weir__ring(stream->loop);
  if (!weir__ring_provide(ring))
    return ring->refusal;
  weir_pool_t *pool = weir__pool_hold(stream->loop, buf);
  weir__notice_t *notice = pool != NULL ? notice_take(ring) : NULL;
  if (notice == NULL) {
    if (pool != NULL)
      weir__pool_unhold(pool, buf);
    return 0;
  }
  *notice = (weir__notice_t){.stream = stream,
                             .zerocopy = zc,
                             .pool = pool,
                             .buf = *buf,
                             .index = index};
  zc->refs++;
  struct io_uring_sqe *sqe =
      weir__ring_take(ring, &send_request, notice, WEIR__OP_SEND_ZC, fd,
                      &weir__socket(stream)->write_tag);
  sqe->addr = (uint64_t)(uintptr_t)buf->base;
  sqe->len = (uint32_t)buf->len;
  sqe->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  sqe->ioprio = WEIR__SEND_ZC_FLAGS;
  sqe->buf_index = (uint16_t)index;
  return WEIR_PENDING;
}

/* The first segment that goes without a copy; its registration is left in
 * *index. */
static unsigned first_large(weir__ring_t *ring, const zerocopy_t *zc,
                            const uv_buf_t *bufs, unsigned nbufs, int *index) {
  unsigned i = 0;
  for (; i < nbufs; i++) {
    *index = bufs[i].len < zc->least
                 ? -1
                 : weir__ring_memory_find(ring, bufs[i].base, bufs[i].len);
    if (*index >= 0)
      break;
  }
  return i;
}

int weir__zerocopy_write(weir_stream_t *stream, int fd, const uv_buf_t *bufs,
                         unsigned *nbufs) {
  zerocopy_t *zc = zerocopy_of(stream);
  int index = -1;
  if (zc != NULL && zc->route == UNKNOWN)
    find_route(stream, zc, fd);
  if (zc == NULL || zc->copied || zc->route == LOCAL) {
    turn_off(stream);
    return 0;
  }
  if (zc->route != FAR)
    return 0;
  unsigned first =
      first_large(weir__ring(stream->loop), zc, bufs, *nbufs, &index);
  if (first == *nbufs)
    return 0;
  if (first == 0)
    return begin(stream, zc, fd, bufs, index);
  *nbufs = first;
  weir__socket(stream)->flags |= WEIR__SOCKET_CUT;
  return 0;
}

/* ---- The end ---- */

void weir__notices_forget(weir__ring_t *ring, int index) {
  for (uint32_t i = 0; ring->loop->notices > 0 && i < ring->slot_count; i++) {
    const weir__slot_t *slot = &ring->slots[i];
    weir__notice_t *notice = slot->owner;
    if (slot->type == &notice_request && notice->index == index)
      notice->pool = NULL;
  }
}

void weir__notices_free(weir__ring_t *ring) {
  for (uint32_t i = 0; i < ring->slot_count; i++)
    if (ring->slots[i].type == &notice_request)
      weir__ring_end(ring, weir__slot_tag(ring, i), UV_ECANCELED, 0);
  while (ring->notices != NULL) {
    weir__notice_t *notice = ring->notices;
    ring->notices = notice->next;
    weir__free(notice);
  }
}
