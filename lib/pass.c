/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/pass.h>

#include <assert.h>

#include "os.h"
#include "read.h"
#include "seq.h"
#include "stream.h"

/* Credentials and descriptors over UNIX sockets. Transfers with descriptors are
 * calls of the system on all backends; the kind only waits for them. */

/* 0 if it can: sets *fd. */
static int passes(const weir_stream_t *stream, weir__fd_t *fd) {
  int r = weir__stream_usable(stream);
  if (r == 0)
    r = weir__kind(stream) != NULL ? weir__stream_fd(stream, fd) : UV_ENOTSUP;
  return r != 0 ? r : weir__os_check_unix(*fd);
}

int weir_peer_cred(const weir_stream_t *stream, uv_pid_t *pid, uv_uid_t *uid,
                   uv_gid_t *gid) {
  weir__cred_t cred;
  weir__fd_t fd;
  if (stream == NULL)
    return UV_EINVAL;
  int r = passes(stream, &fd);
  if (r == 0)
    r = weir__os_peer_cred(fd, &cred);
  if (r != 0)
    return r;
  if (pid != NULL)
    *pid = cred.pid;
  if (uid != NULL)
    *uid = cred.uid;
  if (gid != NULL)
    *gid = cred.gid;
  return 0;
}

/* ---- Sending ---- */

/* In the op. */
typedef struct sending_s {
  weir__write_by_t by;
  const uv_file *fds;
  unsigned n;
} sending_t;

static_assert(sizeof(sending_t) <= WEIR_OP_SCRATCH,
              "what a write passes fits in its op");

/* They have gone as soon as one byte has. */
static int send_window(weir_stream_t *stream, const uv_buf_t *bufs,
                       unsigned nbufs, size_t *n) {
  const sending_t *sending = weir__op_scratch(weir__write_head(stream));
  weir__fd_t fd = weir__own_fd(stream);
  if (fd < 0)
    return (int)fd;
  stream->loop->stats.syscalls++;
  int r = weir__os_send_fds(fd, bufs, nbufs, sending->fds, sending->n, n);
  if (r == UV_EAGAIN)
    return weir__kind(stream)->await_write(stream);
  return r == UV_ENOBUFS ? UV_EBUSY : r;
}

int weir_write_fd(weir_op_t *op, weir_stream_t *stream, weir_seq_t from,
                  const uv_file *fds, unsigned n, weir_op_cb cb) {
  weir__fd_t fd;
  if (op == NULL || stream == NULL || cb == NULL || fds == NULL || n == 0 ||
      n > WEIR_FDS_MAX || weir_seq_empty(from))
    return UV_EINVAL;
  int r = passes(stream, &fd);
  if (r == 0)
    r = weir__write_by(op, stream, &from, SIZE_MAX, send_window, cb);
  if (r == 0) {
    sending_t *sending = weir__op_scratch(op);
    sending->fds = fds;
    sending->n = n;
  }
  return r;
}

/* ---- Receiving ---- */

static weir_fds_t **fds_of(const weir_op_t *op) {
  return weir__op_scratch(op);
}

static int receive(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  weir_fds_t *fds = *fds_of(op);
  uv_buf_t window[WEIR_WINDOW];
  weir__fd_t fd = weir__own_fd(stream);
  if (fd < 0)
    return (int)fd;
  unsigned used = weir_stream_read_window(stream, window);
  stream->loop->stats.syscalls++;
  int r = weir__os_receive_fds(fd, window, used, fds->fds, fds->room,
                               &fds->count, &fds->lost, n);
  if (r != UV_EAGAIN)
    return r;
  r = weir__kind(stream)->await(stream, 0);
  return r == 0 ? UV_EAGAIN : r;
}

static const weir__read_plan_t with_fds = {
    .type = {.name = "read_fd", .cancel = weir__read_cancel},
    .ask = receive,
    .at_end = UV_EOF,
};

int weir_read_fd(weir_op_t *op, weir_stream_t *stream, weir_mseq_t into,
                 weir_fds_t *fds, weir_op_cb cb) {
  const weir_seq_t *seq = &into.seq;
  weir__fd_t fd;
  if (op == NULL || stream == NULL || cb == NULL || fds == NULL ||
      (fds->fds == NULL && fds->room > 0))
    return UV_EINVAL;
  int r = passes(stream, &fd);
  size_t size = weir__seq_size(seq);
  if (r == 0)
    r = weir__read_begin(op, stream, seq, size, &with_fds, cb);
  if (r != 0)
    return r;
  fds->count = 0;
  fds->lost = 0;
  op->need = size > 0;
  *fds_of(op) = fds;
  return weir__read_go(stream);
}
