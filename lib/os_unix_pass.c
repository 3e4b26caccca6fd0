/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h" /* before all others: struct ucred */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#if defined(__APPLE__)
#include <sys/un.h>
#endif
#include <unistd.h>

#include "os.h"

/* What UNIX sockets carry besides bytes. */

static int last_error(void) {
  return errno == EWOULDBLOCK ? UV_EAGAIN : uv_translate_sys_error(errno);
}

int weir__os_check_unix(weir__fd_t fd) {
  struct sockaddr_storage name;
  int len = sizeof(name);
  int r = weir__os_sockname(fd, (struct sockaddr *)&name, &len);
  return r == 0 && name.ss_family != AF_UNIX ? UV_ENOTSUP : r;
}

#if defined(__linux__)
int weir__os_peer_cred(weir__fd_t fd, weir__cred_t *cred) {
  struct ucred peer;
  socklen_t len = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
    return last_error();
  *cred = (weir__cred_t){peer.pid, peer.uid, peer.gid};
  return 0;
}
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) ||    \
    defined(__NetBSD__) || defined(__DragonFly__)
int weir__os_peer_cred(weir__fd_t fd, weir__cred_t *cred) {
  *cred = (weir__cred_t){0, 0, 0};
  if (getpeereid(fd, &cred->uid, &cred->gid) < 0)
    return last_error();
#if defined(LOCAL_PEERPID)
  socklen_t len = sizeof(cred->pid);
  if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &cred->pid, &len) < 0)
    cred->pid = 0;
#endif
  return 0;
}
#else
int weir__os_peer_cred(weir__fd_t fd, weir__cred_t *cred) {
  (void)fd, (void)cred;
  return UV_ENOTSUP;
}
#endif

/* ---- Descriptors ---- */

enum { MOST = 253 };

/* Room for one message of that many, aligned as it has to be. */
typedef union control_u {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(MOST * sizeof(int))];
} control_t;

#if defined(MSG_NOSIGNAL)
enum { SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };
#else
enum { SEND_FLAGS = MSG_DONTWAIT };
#endif

#if defined(MSG_CMSG_CLOEXEC)
enum { RECEIVE_FLAGS = MSG_DONTWAIT | MSG_CMSG_CLOEXEC };
#else
enum { RECEIVE_FLAGS = MSG_DONTWAIT };
#endif

static struct msghdr message(const uv_buf_t *bufs, unsigned nbufs,
                             control_t *control, size_t size) {
  struct msghdr msg;
  memset(&msg, 0, sizeof(msg));
  msg.msg_iov = (struct iovec *)(uintptr_t)bufs;
  msg.msg_iovlen = (__typeof__(msg.msg_iovlen))nbufs;
  msg.msg_control = control->bytes;
  msg.msg_controllen = (__typeof__(msg.msg_controllen))size;
  return msg;
}

int weir__os_send_fds(weir__fd_t fd, const uv_buf_t *bufs, unsigned nbufs,
                      const uv_file *fds, unsigned count, size_t *n) {
  control_t control;
  memset(&control, 0, sizeof(control));
  struct msghdr msg =
      message(bufs, nbufs, &control, CMSG_SPACE(count * sizeof(*fds)));
  struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len =
      (__typeof__(header->cmsg_len))CMSG_LEN(count * sizeof(*fds));
  memcpy(CMSG_DATA(header), fds, count * sizeof(*fds));
  ssize_t put;
  do
    put = sendmsg(fd, &msg, SEND_FLAGS);
  while (put < 0 && errno == EINTR);
  if (put < 0)
    return last_error();
  *n = (size_t)put;
  return put == 0 ? UV_EIO : 0;
}

static void set_cloexec(int fd) {
#if !defined(MSG_CMSG_CLOEXEC)
  fcntl(fd, F_SETFD, FD_CLOEXEC);
#else
  (void)fd;
#endif
}

/* Those of one message: where there is no room they are closed. */
static void take_fds(struct cmsghdr *header, uv_file *fds, unsigned room,
                     unsigned *count, int *lost) {
  size_t bytes = header->cmsg_len - CMSG_LEN(0);
  for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
    int fd;
    memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
    if (*count == room) {
      close(fd);
      *lost = 1;
      continue;
    }
    set_cloexec(fd);
    fds[(*count)++] = fd;
  }
}

int weir__os_receive_fds(weir__fd_t fd, const uv_buf_t *bufs, unsigned nbufs,
                         uv_file *fds, unsigned room, unsigned *count,
                         int *lost, size_t *n) {
  control_t control;
  struct msghdr msg;
  ssize_t got;
  do {
    msg = message(bufs, nbufs, &control, sizeof(control));
    got = recvmsg(fd, &msg, RECEIVE_FLAGS);
  } while (got < 0 && errno == EINTR);
  if (got < 0)
    return last_error();
  *lost = (msg.msg_flags & MSG_CTRUNC) != 0;
  *count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&msg); header != NULL;
       header = CMSG_NXTHDR(&msg, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      take_fds(header, fds, room, count, lost);
  if (got == 0)
    return UV_EOF;
  *n = (size_t)got;
  return 0;
}
