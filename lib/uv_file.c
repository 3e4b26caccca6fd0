/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_backend.h"

#include <stdatomic.h>
#include <weir/file.h>

#include "alloc.h"
#include "os.h"
#include "queue.h"

/* File operations run whole in a thread of libuv's pool: up to 16 segments in
 * one trip, without the memory that uv_fs_read and uv_fs_write of more than 4
 * segments need, and in a way that can be cancelled while it waits. */

typedef struct weir__uv_file_s {
  uv_work_t work;
  struct weir__uv_file_s *next; /* in the loop's list of free ones */
  weir_op_t *op;                /* NULL: forgotten */
  int result;
  uv_file wake[2]; /* a pipe, when the thread waits with it */
  atomic_int waiting;
  atomic_int cancelled;
  atomic_int finished;
} weir__uv_file_t;

/* Waits in poll, from where the loop's thread can call this one back. Either
 * this thread sees that it is cancelled, or the other one that it waits. */
static int await_ready(weir__uv_file_t *file, uv_file fd, int write) {
  if (!atomic_load(&file->waiting) && uv_pipe(file->wake, 0, 0) == 0)
    atomic_store(&file->waiting, 1);
  if (atomic_load(&file->cancelled))
    return UV_ECANCELED;
  uv_file stop = atomic_load(&file->waiting) ? file->wake[0] : -1;
  return weir__os_await(fd, write, stop, -1) == UV_ECANCELED ? UV_ECANCELED : 0;
}

/* So often what is called ready and is not is tried again: others may have been
 * faster. */
enum { TRIES = 16 };

static int try_and_wait(weir__uv_file_t *file) {
  weir_op_t *op = file->op;
  uv_file fd = weir__file_args(op)->file;
  int write = op->form == WEIR__FILE_PWRITE;
  for (int vain = 0; vain < TRIES; vain++) {
    int r = weir__file_try(op);
    if (r != UV_EAGAIN)
      return r;
    if (weir__os_await(fd, write, -1, 0) != 0)
      continue;
    r = await_ready(file, fd, write);
    if (r != 0)
      return r;
    vain = 0;
  }
  return UV_EAGAIN;
}

/* Where it is not to wait. */
static int try_once(weir_op_t *op) {
  int r = weir__file_run(op);
  if (r != UV_ESPIPE)
    return r;
  weir__file_args(op)->offset = -1;
  return weir__file_run(op);
}

/* What may have to wait for others shows itself by its answer to an offset. */
static int transfer(weir__uv_file_t *file) {
  weir__file_args_t *args = weir__file_args(file->op);
  if ((args->flags & WEIR_FILE_NOWAIT) != 0)
    return try_once(file->op);
  if (args->offset < 0 && weir__os_is_file(args->file))
    return weir__file_run(file->op);
  int r = args->offset >= 0 ? weir__file_run(file->op) : UV_EAGAIN;
  if (r == UV_ESPIPE)
    args->offset = -1;
  else if (r != UV_EAGAIN)
    return r;
  return try_and_wait(file);
}

static void run(uv_work_t *work) {
  weir__uv_file_t *file = work->data;
  if (weir__file_transfers(file->op))
    file->result = transfer(file);
  else
    file->result = weir__file_run(file->op);
  atomic_store(&file->finished, 1);
}

static void close_wake(weir__uv_file_t *file) {
  if (!atomic_exchange(&file->waiting, 0))
    return;
  weir__os_close_file(file->wake[0]);
  weir__os_close_file(file->wake[1]);
}

static void on_done(uv_work_t *work, int status) {
  weir__uv_file_t *file = work->data;
  weir_op_t *op = file->op;
  close_wake(file);
  if (op == NULL) {
    weir__free(file);
    return;
  }
  weir_loop_t *loop = op->loop;
  file->next = loop->uv_files;
  loop->uv_files = file;
  loop->uv_files_out--;
  weir__file_done(op, status != 0 ? status : file->result);
}

static weir__uv_file_t *file_take(weir_loop_t *loop) {
  weir__uv_file_t *file = loop->uv_files;
  if (file != NULL) {
    loop->uv_files = file->next;
    return file;
  }
  file = weir__malloc(sizeof(*file));
  if (file != NULL)
    loop->stats.allocations++;
  return file;
}

/* As many as libuv's pool can have threads, and few enough for one turn when
 * it reports all that are done. */
enum { AT_ONCE = 1024 };

/* Memory of a pool is registered with a ring, of which a thread makes no use.
 */
static void count_unfixed(weir_loop_t *loop, const weir_op_t *op) {
  if ((op->flags & (WEIR__OP_HOLDS | WEIR__OP_HOLDS_ONE)) == 0)
    return;
  if (loop->backend->id == WEIR_BACKEND_UV)
    loop->stats.unfixed_pools++;
  else
    loop->stats.unfixed_threads++;
}

int weir__uv_file_start(weir_loop_t *loop, weir_op_t *op) {
  if ((loop->flags & WEIR__LOOP_STARTING) == 0 || loop->uv_files_out == AT_ONCE)
    return UV_EBUSY;
  weir__uv_file_t *file = file_take(loop);
  if (file == NULL)
    return UV_ENOMEM;
  loop->uv_files_out++;
  count_unfixed(loop, op);
  file->op = op;
  file->work.data = file;
  atomic_init(&file->waiting, 0);
  atomic_init(&file->cancelled, 0);
  atomic_init(&file->finished, 0);
  *weir__op_owner(op) = file;
  /* The thread does not look at the op's, which cancelling changes. */
  weir__file_args(op)->flags = weir__file_flags(op);
  /* It fails only without a function to run. */
  return uv_queue_work(loop->uv, &file->work, run, on_done);
}

int weir__uv_file_cancel(weir_loop_t *loop, weir_op_t *op) {
  static const char byte = 0;
  const uv_buf_t buf = weir__buf(&byte, 1);
  weir__uv_file_t *file = *weir__op_owner(op);
  (void)loop;
  if (uv_cancel((uv_req_t *)&file->work) != UV_EBUSY)
    return 0;
  atomic_store(&file->cancelled, 1);
  if (atomic_load(&file->waiting))
    (void)weir__os_pwrite(file->wake[1], &buf, 1, -1);
  return 0;
}

void weir__uv_abandon_files(weir_loop_t *loop) {
  const weir_node_t *node = loop->file_ops.next;
  for (; node != &loop->file_ops; node = node->next) {
    weir_op_t *op = weir__op_of(node);
    if (*weir__op_owner(op) != NULL)
      weir__uv_file_cancel(loop, op);
  }
}

/* Libuv has lost the request with its threads, but counts it for ever; the
 * memory may be in a list of theirs. */
static void forget(weir_loop_t *loop, weir__uv_file_t *file) {
  if (!atomic_load(&file->finished)) {
    loop->uv->active_reqs.count--;
    close_wake(file);
  }
  loop->uv_files_out--;
  file->op = NULL;
}

void weir__uv_forget_files(weir_loop_t *loop) {
  weir_node_t *node = loop->file_ops.next;
  while (node != &loop->file_ops) {
    weir_op_t *op = weir__op_of(node);
    node = node->next;
    weir__uv_file_t *file = *weir__op_owner(op);
    if (file == NULL)
      continue;
    forget(loop, file);
    weir__file_done(op, UV_ECANCELED);
  }
}

void weir__uv_free_files(weir_loop_t *loop) {
  weir__uv_file_t *file;
  while ((file = loop->uv_files) != NULL) {
    loop->uv_files = file->next;
    weir__free(file);
  }
}
