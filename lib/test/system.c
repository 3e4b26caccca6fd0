/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "system.h"
#include "over.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The functions that those of over.c and over_ring.c stand before. */

weir__system_t weir__system;

typedef struct entry_s {
  size_t offset;
  const char *name;
} entry_t;

#define ENTRY(name)                                                            \
  { offsetof(weir__system_t, name), #name }
#define ENTRY_LARGE(name)                                                      \
  { offsetof(weir__system_t, name), WEIR__LARGE(#name) }

static const entry_t entries[] = {
    ENTRY(read),
    ENTRY(write),
    ENTRY(readv),
    ENTRY(writev),
    ENTRY_LARGE(preadv),
    ENTRY_LARGE(pwritev),
    ENTRY(send),
    ENTRY(recv),
    ENTRY(sendmsg),
    ENTRY(recvmsg),
    ENTRY(splice),
    ENTRY_LARGE(sendfile),
    ENTRY(socket),
    ENTRY(bind),
    ENTRY(listen),
    ENTRY(accept4),
    ENTRY(connect),
    ENTRY(shutdown),
    ENTRY(getsockname),
    ENTRY(getpeername),
    ENTRY(getsockopt),
    ENTRY(setsockopt),
    ENTRY_LARGE(fcntl),
    ENTRY(ioctl),
    ENTRY_LARGE(fstat),
    ENTRY_LARGE(ftruncate),
    ENTRY(eventfd),
    ENTRY(pipe2),
    ENTRY(dup3),
    ENTRY(close),
    ENTRY_LARGE(open),
    ENTRY(fsync),
    ENTRY(fdatasync),
    ENTRY(sync_file_range),
    ENTRY(poll),
    ENTRY(epoll_create1),
    ENTRY(epoll_ctl),
    ENTRY(epoll_wait),
    ENTRY(epoll_pwait),
    ENTRY(clock_gettime),
    ENTRY(syscall),
    ENTRY(uv_queue_work),
    ENTRY(uv_cancel),
    ENTRY(uv_fs_open),
    ENTRY(uv_fs_close),
    ENTRY(uv_fs_fsync),
    ENTRY(uv_getaddrinfo),
    ENTRY(uv_freeaddrinfo),
    ENTRY(uv_sleep),
#if WEIR_HAVE_URING
    ENTRY(io_uring_queue_init_params),
    ENTRY(io_uring_queue_exit),
    ENTRY(io_uring_enter2),
    ENTRY(io_uring_submit_and_wait),
    ENTRY(__io_uring_get_cqe),
    ENTRY(io_uring_ring_dontfork),
    ENTRY(io_uring_register),
    ENTRY(io_uring_register_buffers_sparse),
    ENTRY(io_uring_register_buffers_tags),
    ENTRY(io_uring_register_buffers_update_tag),
    ENTRY(io_uring_register_eventfd),
    ENTRY(io_uring_register_iowq_max_workers),
    ENTRY(io_uring_register_probe),
    ENTRY(io_uring_register_sync_cancel),
#endif
};

/* A sanitizer has one that looks at the memory it is given. */
static void *find(const char *name) {
  char intercepted[80];
  snprintf(intercepted, sizeof(intercepted), "__interceptor_%s", name);
  void *found = dlsym(RTLD_DEFAULT, intercepted);
  return found != NULL ? found : dlsym(RTLD_NEXT, name);
}

static void find_all(void) {
  for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
    *(void **)((char *)&weir__system + entries[i].offset) =
        find(entries[i].name);
}

/* Libraries call some of them before the program has begun. */
weir__system_t *weir__system_get(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_all);
  return &weir__system;
}

int weir__system_calls(const char *name, void (*function)(void)) {
  void *called = dlsym(RTLD_DEFAULT, name);
  return memcmp(&called, &function, sizeof(called)) == 0;
}
