/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_TESTS_MACHINE_WORLD_H
#define WEIR_TESTS_MACHINE_WORLD_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "machine.h"

/* What the parts of the machine have of each other: objects, descriptors, what
 * is to happen later, and chance. All results are those of the kernel: a
 * number, or an error below 0. */

enum { NS_PER_US = 1000 };

#ifndef POLLRDHUP
#define POLLRDHUP 0x2000
#endif

typedef struct object_s object_t;
typedef struct request_s request_t;
typedef struct watch_s watch_t;

typedef struct kind_s {
  const char *name;
  unsigned type; /* as in st_mode */

  /* What it is ready for; NULL: it cannot be waited for. */
  unsigned (*ready)(const object_t *object);

  /* As without blocking: -EAGAIN if it would have to wait. The offset is -1
   * where none was given; flags are those of recvmsg. NULL: -EINVAL. */
  ssize_t (*read)(object_t *object, const struct iovec *v, int n,
                  int64_t offset, int flags);
  ssize_t (*write)(object_t *object, const struct iovec *v, int n,
                   int64_t offset, int flags);

  /* Nobody uses it any more. May be NULL. */
  void (*close)(object_t *object);
  void (*free)(object_t *object);
} kind_t;

struct object_s {
  const kind_t *kind;
  int refs; /* of the memory */
  int uses; /* by descriptors and rings: without one it is closed */
  int number;
  int nonblocking;
  unsigned moved;     /* transfers and the like that succeeded */
  request_t *waiters; /* of rings */
  watch_t *watches;   /* of epolls */
};

/* ---- world.c ---- */

const machine_options_t *options(void);

/* One of n, 0 to n - 1. */
unsigned chance_of(unsigned n);

/* Whether it happens, of a thousand times so often. */
int happens(unsigned per_mille);

void *take(size_t size);
void *object_new(const kind_t *kind, size_t size);
void object_hold(object_t *object);
void object_drop(object_t *object);
void object_use(object_t *object);
void object_unuse(object_t *object);

/* Its readiness may have changed. */
void object_changed(object_t *object);

/* Something was moved: nobody spins. */
void object_moved(object_t *object);
void progress(void);

/* Descriptors: that of object from now on, or -EMFILE, and then object is
 * dropped. */
int fd_new(object_t *object);
int fds_left(void);
object_t *fd_object(int fd);
object_t *fd_of_kind(int fd, const kind_t *kind);
int fd_close(int fd);

/* In so many nanoseconds run is called. It has a reference to object then, and
 * drops it. */
void later(uint64_t ns, void (*run)(object_t *object, long arg),
           object_t *object, long arg);

/* A delay, mostly short. */
uint64_t some_time(void);

/* A call of the system's begins: time passes, and what is due happens. */
void call_begins(const char *name, int fd);
long call_ends(const char *name, int fd, long result);

/* The caller sleeps until woken says yes, or until so many nanoseconds have
 * passed; UINT64_MAX is for ever. 1 if woken, 0 otherwise. */
int sleep_until(int (*woken)(void *arg), void *arg, uint64_t ns);

size_t vector_size(const struct iovec *v, int n);

/* ---- queue.c: bytes on their way ---- */

typedef struct bytes_s {
  char *data;
  size_t start;
  size_t size;
  size_t room;
} bytes_t;

void bytes_put(bytes_t *bytes, const struct iovec *v, int n, size_t at_most);
size_t bytes_take(bytes_t *bytes, const struct iovec *v, int n, size_t at_most);
void bytes_cut(bytes_t *bytes, size_t size);
void bytes_free(bytes_t *bytes);

/* How much of size is moved by one call: mostly all. */
size_t some_of(size_t size);

/* ---- socket.c ---- */

extern const kind_t socket_kind;

int socket_new(int family);
/* limit is what one side may send before the other has read; 0: the usual. */
int socket_pair(int family, size_t limit, int fds[2]);
int socket_accept(object_t *object, int flags);
/* How many connections wait to be accepted, as far as that is told. */
int socket_queued(const object_t *object);
/* 0, or -EINPROGRESS, -EALREADY until it is done. */
int socket_connect(object_t *object, const struct sockaddr *addr);
int socket_bind(object_t *object, const struct sockaddr *addr);
int socket_listen(object_t *object, int backlog);
int socket_shutdown(object_t *object, int how);
int socket_error(object_t *object);
int socket_name(object_t *object, int peer, struct sockaddr *addr,
                socklen_t *len);
/* What was sent with MSG_MORE is kept back no longer. */
void socket_push(object_t *object);
void socket_linger(object_t *object);
size_t socket_held(const object_t *object);
int socket_family(const object_t *object);
void sockets_reset(void);

/* ---- pipe.c, counter.c, file.c ---- */

extern const kind_t pipe_in_kind;
extern const kind_t pipe_out_kind;
extern const kind_t counter_kind;
extern const kind_t file_kind;

/* The flags of a transfer that preadv2 and its like (RWF_) mean: a socket's
 * (MSG_DONTWAIT), or this one of a file. */
enum { AT_THE_END = 1 << 30 };
int transfer_flags(unsigned rwf);

int pipe_new(int fds[2], int nonblocking);
int counter_new(unsigned count, int nonblocking);
void counter_signal(object_t *object);
int file_open(const char *path, int flags);
int file_unlink(const char *path);
int64_t file_size(const object_t *object);
int file_truncate(object_t *object, int64_t size);

/* As statx, of that object, or else of what has that name. */
int file_tell(const object_t *object, const char *path, void *record);
void files_reset(void);

/* ---- epoll.c ---- */

extern const kind_t epoll_kind;

int epoll_new(void);
/* object is not watched any more; what watches it has changed. */
void watches_end(object_t *object);
void watches_changed(object_t *object);

/* ---- ring.c ---- */

extern const kind_t ring_kind;

/* Something of object has changed: who waits for it may go on. */
void waiters_wake(object_t *object);

/* What rings have to do in the context of their thread, at each call. */
void rings_work(void);

/* Whether something is there that interrupts a sleep outside of the ring. */
int rings_interrupt(void);

/* Somebody slept outside of the rings since then: nothing of theirs was to be
 * missed. */
void rings_slept(uint64_t since);
void rings_reset(void);

/* ---- work.c ---- */

/* In the work of a thread: sleeps until woken says yes, while the loop goes
 * on. 0: it is the loop that would sleep. */
int work_sleeps(int (*woken)(void *arg), void *arg);

/* Goes on with the work of a thread, if one can. */
void works_wake(void);
void works_reset(void);

/* ---- system.c ---- */

void system_on(void);
void system_off(void);

#endif
