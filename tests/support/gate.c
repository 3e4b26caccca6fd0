/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "gate.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_CALLS = 4, OTHER_CALLS = 2, MOST_FDS = 1024, REGISTERED_RING = 16 };

/* What C libraries may call in place of these: one call for all that is asked
 * of sockets, whose first argument says what, and one for large files. */
#ifdef SYS_socketcall
enum { CALL_SOCKET = SYS_socketcall };
#else
enum { CALL_SOCKET = -1 };
#endif
#ifdef SYS_fcntl64
enum { CALL_FCNTL = SYS_fcntl64 };
#else
enum { CALL_FCNTL = -1 };
#endif

static const int of_sockets[] = {-1,
                                 SYS_socket,
                                 SYS_bind,
                                 SYS_connect,
                                 SYS_listen,
                                 SYS_accept4,
                                 SYS_getsockname,
                                 SYS_getpeername,
                                 SYS_socketpair,
                                 SYS_sendto,
                                 SYS_recvfrom,
                                 SYS_sendto,
                                 SYS_recvfrom,
                                 SYS_shutdown,
                                 SYS_setsockopt,
                                 SYS_getsockopt,
                                 SYS_sendmsg,
                                 SYS_recvmsg,
                                 SYS_accept4};

static int call_of(const struct seccomp_data *data) {
  if (data->nr == CALL_FCNTL)
    return SYS_fcntl;
  if (data->nr != CALL_SOCKET)
    return data->nr;
  return data->args[0] < sizeof(of_sockets) / sizeof(of_sockets[0])
             ? of_sockets[data->args[0]]
             : -1;
}

typedef struct gate_s {
  int call;
  atomic_int error;
  atomic_int after;
  atomic_int times;
  atomic_int calls;
  atomic_int failures;
} gate_t;

static gate_t gates[MOST_CALLS];
static size_t gate_count;
static atomic_int listener;
static unsigned char spared[MOST_FDS];
static atomic_uint unknown; /* flags of io_uring_setup */

static gate_t *find_gate(int call) {
  for (size_t i = 0; i < gate_count; i++)
    if (gates[i].call == call)
      return &gates[i];
  return NULL;
}

static gate_t *gate_of(int call) {
  gate_t *gate = find_gate(call);

  cr_assert(gate != NULL, "there is no gate before %d", call);
  return gate;
}

/* ---- The keeper, a thread that the filter does not hold for ---- */

/* A ring that is named by an index is not libuv's, which names its own by their
 * descriptors. */
static int is_spared(const struct seccomp_data *data) {
  if (data->nr == CALL_URING_ENTER && (data->args[3] & REGISTERED_RING) != 0)
    return 0;
  if (data->nr != CALL_URING_ENTER && data->nr != CALL_URING_REGISTER)
    return 0;
  return data->args[0] < MOST_FDS && spared[data->args[0]];
}

/* Before the answer, behind which the test may look. */
static void count(gate_t *gate, int fails, int by) {
  if (gate == NULL)
    return;
  atomic_fetch_add(&gate->calls, by);
  if (!fails) {
    if (atomic_load(&gate->after) > 0)
      atomic_fetch_sub(&gate->after, by);
    return;
  }
  atomic_fetch_add(&gate->failures, by);
  if (atomic_load(&gate->times) != GATE_FOR_EVER)
    atomic_fetch_sub(&gate->times, by);
}

/* The flags are the third number of io_uring_params, in our own memory. */
static int is_unknown(const struct seccomp_data *data) {
  const unsigned *params = (const unsigned *)(uintptr_t)data->args[1];

  return data->nr == CALL_URING_SETUP &&
         (params[2] & atomic_load(&unknown)) != 0;
}

/* By number: the C libraries do not agree on the type of what is asked for. */
static long ask(unsigned long what, void *arg) {
  return syscall(SYS_ioctl, atomic_load(&listener), what, arg);
}

static void answer(const struct seccomp_notif *asked) {
  gate_t *gate = find_gate(call_of(&asked->data));
  struct seccomp_notif_resp says = {.id = asked->id};
  int fails = gate != NULL && !is_spared(&asked->data) &&
              atomic_load(&gate->times) != 0 && atomic_load(&gate->after) == 0;

  if (fails)
    says.error = -atomic_load(&gate->error);
  else if (is_unknown(&asked->data))
    says.error = -EINVAL;
  else
    says.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  count(gate, fails, 1);
  /* Who was interrupted meanwhile comes again. */
  if (ask(SECCOMP_IOCTL_NOTIF_SEND, &says) != 0)
    count(gate, fails, -1);
}

static void keep(void *arg) {
  struct seccomp_notif asked;

  (void)arg;
  while (atomic_load(&listener) == 0)
    uv_sleep(1);
  for (;;) {
    memset(&asked, 0, sizeof(asked));
    if (ask(SECCOMP_IOCTL_NOTIF_RECV, &asked) == 0)
      answer(&asked);
    else if (errno != EINTR && errno != ENOENT)
      return;
  }
}

/* ---- The test's side ---- */

static int install(const int *asked, size_t count) {
  struct sock_filter code[MOST_CALLS + OTHER_CALLS + 3];
  int calls[MOST_CALLS + OTHER_CALLS];

  memcpy(calls, asked, count * sizeof(*calls));
  calls[count++] = CALL_SOCKET;
  calls[count++] = CALL_FCNTL;
  struct sock_fprog program = {(unsigned short)(count + 3), code};
  code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                         offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < count; i++)
    code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                               (unsigned)calls[i],
                                               (unsigned char)(count - i), 0);
  code[count + 1] =
      (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  code[count + 2] =
      (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return -1;
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

void gate_open(struct weir_fixture *f, const int *calls, size_t count) {
  uv_thread_t keeper;

  cr_assert(count <= MOST_CALLS);
  for (size_t i = 0; i < count; i++)
    gates[i].call = calls[i];
  gate_count = count;
  check_is(uv_thread_create(&keeper, keep, NULL), 0);
  int fd = install(calls, count);
  if (fd < 0)
    fixture_skip(f, "no seccomp filter with a listener here");
  atomic_store(&listener, fd);
  f->descriptors++;
}

void gate_spare_rings(void) {
  memset(spared, 0, sizeof(spared));
  for (int fd = 0; fd < MOST_FDS; fd++) {
    char path[32];
    char target[32] = "";

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (readlink(path, target, sizeof(target) - 1) > 0)
      spared[fd] = strstr(target, "io_uring") != NULL;
  }
}

void gate_fail_later(int call, int error, int after, int times) {
  gate_t *gate = gate_of(call);

  atomic_store(&gate->error, error);
  atomic_store(&gate->after, after);
  atomic_store(&gate->times, times);
}

void gate_fail(int call, int error, int times) {
  gate_fail_later(call, error, 0, times);
}

void gate_pass(void) {
  for (size_t i = 0; i < gate_count; i++)
    atomic_store(&gates[i].times, 0);
}

void gate_unknown(unsigned flags) {
  atomic_store(&unknown, flags);
}

int gate_calls(int call) {
  return atomic_load(&gate_of(call)->calls);
}

int gate_failures(int call) {
  return atomic_load(&gate_of(call)->failures);
}
