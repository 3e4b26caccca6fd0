/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <dlfcn.h>
#include <sanitizer/msan_interface.h>
#include <uv.h>

/* For MemorySanitizer, which does not see what libuv writes: what it makes is
 * called initialised. Functions of the program go before libuv's of the same
 * name. */

typedef int (*call_fn)(void *a, void *b, void *c, void *d);

enum { FRAMES = 32 << 10 };

/* libuv's frames will lie where others have. */
static void clear_stack(void) {
  char *here = __builtin_frame_address(0);

  __msan_unpoison(here - FRAMES, FRAMES);
}

static int pass_on(const char *name, void *a, void *b, void *c, void *d) {
  union {
    void *symbol;
    call_fn call;
  } found = {.symbol = dlsym(RTLD_NEXT, name)};

  clear_stack();
  return found.call(a, b, c, d);
}

static int make(const char *name, void *first, void *made, size_t size) {
  int r = pass_on(name, first, made, NULL, NULL);

  __msan_unpoison(made, size);
  return r;
}

int uv_loop_init(uv_loop_t *loop) {
  int r = pass_on("uv_loop_init", loop, NULL, NULL, NULL);

  __msan_unpoison(loop, sizeof(*loop));
  return r;
}

int uv_prepare_init(uv_loop_t *loop, uv_prepare_t *handle) {
  return make("uv_prepare_init", loop, handle, sizeof(*handle));
}

int uv_check_init(uv_loop_t *loop, uv_check_t *handle) {
  return make("uv_check_init", loop, handle, sizeof(*handle));
}

int uv_idle_init(uv_loop_t *loop, uv_idle_t *handle) {
  return make("uv_idle_init", loop, handle, sizeof(*handle));
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *handle) {
  return make("uv_timer_init", loop, handle, sizeof(*handle));
}

int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd) {
  int r = pass_on("uv_poll_init", loop, handle, (void *)(intptr_t)fd, NULL);

  __msan_unpoison(handle, sizeof(*handle));
  return r;
}

int uv_async_init(uv_loop_t *loop, uv_async_t *handle, uv_async_cb cb) {
  int r = pass_on("uv_async_init", loop, handle, (void *)cb, NULL);

  __msan_unpoison(handle, sizeof(*handle));
  return r;
}

int uv_pipe(uv_file fds[2], int read_flags, int write_flags) {
  int r = pass_on("uv_pipe", fds, (void *)(intptr_t)read_flags,
                  (void *)(intptr_t)write_flags, NULL);

  __msan_unpoison(fds, 2 * sizeof(fds[0]));
  return r;
}

int uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                  uv_after_work_cb after) {
  int r = pass_on("uv_queue_work", loop, req, (void *)work, (void *)after);

  __msan_unpoison(req, sizeof(*req));
  return r;
}

int uv_fs_open(uv_loop_t *loop, uv_fs_t *req, const char *path, int flags,
               int mode, uv_fs_cb cb) {
  typedef int (*open_fn)(uv_loop_t *, uv_fs_t *, const char *, int, int,
                         uv_fs_cb);
  union {
    void *symbol;
    open_fn call;
  } found = {.symbol = dlsym(RTLD_NEXT, "uv_fs_open")};
  int r;

  clear_stack();
  r = found.call(loop, req, path, flags, mode, cb);
  __msan_unpoison(req, sizeof(*req));
  return r;
}

int uv_fs_close(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb) {
  int r = pass_on("uv_fs_close", loop, req, (void *)(intptr_t)file, (void *)cb);

  __msan_unpoison(req, sizeof(*req));
  return r;
}

int uv_fs_fsync(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb) {
  int r = pass_on("uv_fs_fsync", loop, req, (void *)(intptr_t)file, (void *)cb);

  __msan_unpoison(req, sizeof(*req));
  return r;
}
