/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* What libuv's own tests call in place of some of libuv's functions, by the
 * linker's --wrap: every loop that they make has weir attached, whose handles
 * they do not see. With SUITE_BUSY set a read that does not end is outstanding
 * on each loop as well, which does not keep it going. */

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir.h>

uv_loop_t *__real_uv_default_loop(void);
int __real_uv_loop_init(uv_loop_t *uv);
int __real_uv_loop_close(uv_loop_t *uv);
int __real_uv_loop_fork(uv_loop_t *uv);
void __real_uv_walk(uv_loop_t *uv, uv_walk_cb cb, void *arg);

uv_loop_t *__wrap_uv_default_loop(void);
int __wrap_uv_loop_init(uv_loop_t *uv);
int __wrap_uv_loop_close(uv_loop_t *uv);
int __wrap_uv_loop_fork(uv_loop_t *uv);
void __wrap_uv_walk(uv_loop_t *uv, uv_walk_cb cb, void *arg);

/* A loop with weir attached. */
typedef struct guest_s {
  struct guest_s *next;
  uv_loop_t *uv;
  weir_loop_t *weir;
  weir_stream_t stream;
  weir_op_t op;
  int peer; /* -1: nothing is outstanding */
  char byte;
} guest_t;

static guest_t *guests;
static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock;

static void init_lock(void) {
  uv_mutex_init(&lock);
}

static guest_t *find(const uv_loop_t *uv) {
  guest_t *guest;
  uv_once(&once, init_lock);
  uv_mutex_lock(&lock);
  for (guest = guests; guest != NULL && guest->uv != uv;)
    guest = guest->next;
  uv_mutex_unlock(&lock);
  return guest;
}

static int is_ours(const guest_t *guest, const uv_handle_t *handle) {
  return guest != NULL && weir_owns_handle(guest->weir, handle);
}

static void unref_ours(uv_handle_t *handle, void *arg) {
  if (is_ours(arg, handle))
    uv_unref(handle);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)status;
  (void)n;
}

static void keep_busy(guest_t *guest) {
  int fds[2];
  if (getenv("SUITE_BUSY") == NULL ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return;
  if (weir_pipe_init(guest->weir, &guest->stream) != 0 ||
      weir_pipe_open(&guest->stream, fds[0]) != 0 ||
      weir_read_some(&guest->op, &guest->stream,
                     weir_mseq_block(&guest->byte, 1), on_read) != 0)
    abort();
  guest->peer = fds[1];
  /* It is no reason for the loop to go on. */
  __real_uv_walk(guest->uv, unref_ours, guest);
}

static int attach(uv_loop_t *uv) {
  guest_t *guest = calloc(1, sizeof *guest);
  if (guest == NULL)
    return UV_ENOMEM;
  guest->uv = uv;
  guest->peer = -1;
  int r = weir_loop_attach(uv, NULL, &guest->weir);
  if (r != 0) {
    free(guest);
    return r;
  }
  keep_busy(guest);
  uv_mutex_lock(&lock);
  guest->next = guests;
  guests = guest;
  uv_mutex_unlock(&lock);
  return 0;
}

/* ---- The end of a loop ---- */

static void count_other(uv_handle_t *handle, void *arg) {
  int *others = arg;
  *others += !is_ours(find(handle->loop), handle);
}

/* What uv_loop_close refuses. */
static int is_in_use(uv_loop_t *uv) {
  int others = 0;
  __real_uv_walk(uv, count_other, &others);
  return others > 0 || uv->active_reqs.count > 0;
}

static void on_closed(weir_stream_t *stream) {
  guest_t *guest = stream->data;
  close(guest->peer);
  guest->peer = -1;
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

/* The loop is not going any more: something else has to keep it so. */
static void end_busy(guest_t *guest) {
  uv_idle_t idle;
  uv_idle_init(guest->uv, &idle);
  uv_idle_start(&idle, on_idle);
  guest->stream.data = guest;
  if (weir_close(&guest->stream, on_closed) != 0)
    abort();
  while (guest->peer >= 0)
    uv_run(guest->uv, UV_RUN_NOWAIT);
  uv_close((uv_handle_t *)&idle, NULL);
  uv_run(guest->uv, UV_RUN_DEFAULT);
}

static void detach(guest_t *guest) {
  guest_t **link = &guests;
  if (guest->peer >= 0)
    end_busy(guest);
  if (weir_loop_detach(guest->weir, NULL) != 0)
    abort();
  uv_run(guest->uv, UV_RUN_DEFAULT);
  uv_mutex_lock(&lock);
  while (*link != guest)
    link = &(*link)->next;
  *link = guest->next;
  uv_mutex_unlock(&lock);
  free(guest);
}

/* ---- What the tests call ---- */

uv_loop_t *__wrap_uv_default_loop(void) {
  uv_loop_t *uv = __real_uv_default_loop();
  if (uv != NULL && find(uv) == NULL && attach(uv) != 0)
    return NULL;
  return uv;
}

int __wrap_uv_loop_init(uv_loop_t *uv) {
  int r = __real_uv_loop_init(uv);
  guest_t *old = r == 0 ? find(uv) : NULL;
  if (old != NULL) /* the test dropped a loop without closing it */
    old->uv = NULL;
  return r == 0 ? attach(uv) : r;
}

int __wrap_uv_loop_close(uv_loop_t *uv) {
  guest_t *guest = find(uv);
  if (guest != NULL) {
    if (is_in_use(uv))
      return UV_EBUSY;
    detach(guest);
  }
  return __real_uv_loop_close(uv);
}

int __wrap_uv_loop_fork(uv_loop_t *uv) {
  guest_t *guest = find(uv);
  int r = __real_uv_loop_fork(uv);
  if (r == 0 && guest != NULL)
    r = weir_loop_fork(guest->weir);
  return r;
}

typedef struct walk_s {
  const guest_t *guest;
  uv_walk_cb cb;
  void *arg;
} walk_t;

static void walk_other(uv_handle_t *handle, void *arg) {
  const walk_t *walk = arg;
  if (!is_ours(walk->guest, handle))
    walk->cb(handle, walk->arg);
}

void __wrap_uv_walk(uv_loop_t *uv, uv_walk_cb cb, void *arg) {
  walk_t walk = {find(uv), cb, arg};
  __real_uv_walk(uv, walk_other, &walk);
}
