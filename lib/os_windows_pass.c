/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os.h"

/* UNIX sockets carry bytes alone here. */

int weir__os_check_unix(weir__fd_t fd) {
  (void)fd;
  return UV_ENOTSUP;
}

int weir__os_peer_cred(weir__fd_t fd, weir__cred_t *cred) {
  (void)fd, (void)cred;
  return UV_ENOTSUP;
}

int weir__os_send_fds(weir__fd_t fd, const uv_buf_t *bufs, unsigned nbufs,
                      const uv_file *fds, unsigned count, size_t *n) {
  (void)fd, (void)bufs, (void)nbufs, (void)fds, (void)count, (void)n;
  return UV_ENOTSUP;
}

int weir__os_receive_fds(weir__fd_t fd, const uv_buf_t *bufs, unsigned nbufs,
                         uv_file *fds, unsigned room, unsigned *count,
                         int *lost, size_t *n) {
  (void)fd, (void)bufs, (void)nbufs, (void)fds, (void)room, (void)count;
  (void)lost, (void)n;
  return UV_ENOTSUP;
}
