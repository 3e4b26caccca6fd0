/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* What is not on Windows: tests that need it are skipped. */

#undef weir_fault_begin
#undef weir_pipe_init

#include <criterion/criterion.h>
#include <weir/fault.h>
#include <weir/stream.h>

#include "deny.h"
#include "famine.h"
#include "gate.h"
#include "host.h"
#include "os_windows.h"

/* ---- Processes and signals ---- */

int os_fork(void) {
  cr_skip("there is no fork()");
}

int os_waitpid(int process, int *status, int options) {
  (void)process;
  (void)status;
  (void)options;
  cr_skip("there is no fork()");
}

/* SIGPIPE is never raised. */
int os_sigaction(int signum, const struct os_sigaction *action,
                 struct os_sigaction *old) {
  (void)action;
  (void)old;
  if (signum != SIGPIPE)
    cr_skip("there is no sigaction()");
  return 0;
}

int os_sigemptyset(sigset_t *set) {
  *set = 0;
  return 0;
}

int os_kill(int process, int signum) {
  (void)process;
  (void)signum;
  cr_skip("there is no kill()");
}

int os_pthread_kill(pthread_t thread, int signum) {
  (void)thread;
  (void)signum;
  cr_skip("there are no signals");
}

unsigned os_alarm(unsigned seconds) {
  (void)seconds;
  cr_skip("there is no alarm()");
}

/* ---- Limits, and what is the kernel's ---- */

int os_getrlimit(int resource, struct rlimit *limit) {
  (void)resource;
  (void)limit;
  cr_skip("there are no limits of resources");
}

int os_setrlimit(int resource, const struct rlimit *limit) {
  (void)resource;
  (void)limit;
  cr_skip("there are no limits of resources");
}

long os_syscall(long number, ...) {
  (void)number;
  cr_skip("there is no syscall()");
}

int os_gettid(void) {
  return (int)GetCurrentThreadId();
}

/* Tests of what another system says or has, by what their names begin with. */
static const char no_pipes[] = "there are no streams of pipes";
static const char other_errors[] = "other errors for other calls";
static const char other_numbers[] =
    "the number of a closed socket does not come again at once";
static const char file_waits[] = "who waits for a file waits to its end";
static const char no_unix[] = "there are no UNIX sockets";
static const char no_descriptor[] = "a loop has no descriptor to wait for";

static const struct {
  const char *suite;
  const char *name;
  const char *why;
} without[] = {
    {"adopt", "a_pipe", no_pipes},
    {"adopt", "reads_and_writes_on_the_handles",
     "libuv has a socket of its own from the first poll on"},
    {"adopt", "refuses_what_it_cannot_serve", no_pipes},
    {"adopt", "serves_unix_sockets", no_pipes},
    {"adopt", "takes_over_from_an_application_that_has_read",
     "a read that was stopped stays with the handle"},
    {"adopt_lost", "closed_", other_numbers},
    {"adopt_lost", "closing_the_handle_leaves", other_numbers},
    {"adopt_lost", "what_just_began", other_numbers},
    {"again", "much_is_given_up_in", no_unix},
    {"again", "much_is_given_up_that", no_unix},
    {"busy", "is_asked_again_in_an_embedded_loop", no_descriptor},
    {"connect", "what_is_no_socket", other_errors},
    {"connecting", "the_number_of", other_numbers},
    {"deadline", "ends_a_file_operation_that_waits", file_waits},
    {"deadline", "may_be_cancelled_before", file_waits},
    {"embed", "begun_", no_descriptor},
    {"embed", "goes_on_", no_descriptor},
    {"embed", "sees_every_byte", no_descriptor},
    {"file", "errors_are_the_systems", other_errors},
    {"file_all", "ends_with_the_loop", file_waits},
    {"file_all", "has_a_deadline", file_waits},
    {"file_all", "is_cancelled_between", file_waits},
    {"file_calls", "advise", other_errors},
    {"file_calls", "are_done_by_threads", "files have no such modes"},
    {"file_calls", "bring_a_part", other_errors},
    {"file_calls", "change_what_is_in", "files have no such modes"},
    {"fileobj", "all_end_", file_waits},
    {"fileobj", "cancelled_in_its_turn", file_waits},
    {"many", "adopted_are_closed", no_pipes},
    {"move", "the_queue_may_be_full",
     "a socket does not say whether it is non-blocking"},
    {"move", "what_may_be_done", "there is no mkfifo()"},
    {"option", "a_cork", "there is no such setting"},
    {"option", "a_unix_socket", no_unix},
    {"option", "reuseport", "there is no such setting"},
    {"ready", "what_is_not_sent_yet", "there is no such setting"},
    {"refused", "a_stream_has_one", other_errors},
    {"refused", "addresses_of_other", other_errors},
    {"release", "libuv_goes_on",
     "a read that was stopped stays with the handle"},
    {"reset", "refuses_unix_sockets", no_unix},
    {"sendfile", "ends_while_the_file", file_waits},
    {"shutdown", "ends_all_that_a_loop_has", file_waits},
    {"stacked", "the_end_and_errors", no_unix},
    {"turn", "has_a_share_for_files_under", file_waits},
    {"turn", "lets_a_signal_through", "there are no such signals"},
    {"want", "another_thread", file_waits},
    {"want", "more_files_than_places", file_waits},
    {"write", "to_a_unix_socket", no_unix},
    {"zero", "", "no socket has the number 0"},
};

const char *os_without(const char *suite, const char *name) {
  for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
    if (strcmp(without[i].suite, suite) == 0 &&
        strncmp(without[i].name, name, strlen(without[i].name)) == 0)
      return without[i].why;
  return NULL;
}

int os_has_pipes(void) {
  return 0;
}

int os_pipe_init(weir_loop_t *loop, weir_stream_t *stream) {
  int r = weir_pipe_init(loop, stream);
  if (r == UV_ENOTSUP)
    cr_skip("there are no streams of pipes");
  return r;
}

/* Wine's sockets say the end of the stream instead. */
int os_tells_resets(void) {
  HMODULE ntdll = GetModuleHandleA("ntdll.dll");
  return ntdll == NULL || GetProcAddress(ntdll, "wine_get_version") == NULL;
}

/* A type of service is taken, and not heeded. */
int os_has_option(int level, int name) {
  switch (level) {
  case SOL_SOCKET:
    return name != SO_REUSEPORT;
  case IPPROTO_TCP:
    return name != TCP_CORK && name != TCP_FASTOPEN;
  case IPPROTO_IP:
    return name != IP_TOS;
  default:
    return name != IPV6_TCLASS;
  }
}

int os_buffer_size(int size) {
  return size;
}

int os_own_network(void) {
  return 0;
}

int os_geteuid(void) {
  return 0;
}

int os_seteuid(uid_t id) {
  (void)id;
  cr_skip("there is no seteuid()");
}

int os_mkfifo(const char *path, int mode) {
  (void)path;
  (void)mode;
  cr_skip("there is no mkfifo()");
}

long os_readlink(const char *path, char *target, size_t size) {
  (void)path;
  (void)target;
  (void)size;
  cr_skip("there is no readlink()");
}

int os_eventfd(unsigned count, int flags) {
  (void)count;
  (void)flags;
  cr_skip("there is no eventfd()");
}

int os_allow_descriptors(size_t count) {
  (void)count;
  return 1;
}

/* There are no rings. */
int os_may_lock(size_t size) {
  (void)size;
  return 1;
}

/* ---- Denial ---- */

int deny_syscall(int number, int error) {
  (void)number;
  (void)error;
  return ENOSYS;
}

int deny_family(int family, int error) {
  (void)family;
  (void)error;
  return ENOSYS;
}

int deny_enter(int error, const struct open_rings *spared) {
  (void)error;
  (void)spared;
  return ENOSYS;
}

int uring_denied(void) {
  return ENOSYS;
}

void find_open_rings(struct open_rings *rings) {
  rings->count = 0;
}

void gate_open(struct weir_fixture *f, const int *calls, size_t count) {
  (void)calls;
  (void)count;
  fixture_skip(f, "there are no gates before system calls");
}

void gate_spare_rings(void) {
}

void gate_fail(int call, int error, int times) {
  (void)call;
  (void)error;
  (void)times;
}

void gate_pass(void) {
}

void gate_fail_later(int call, int error, int after, int times) {
  (void)call;
  (void)error;
  (void)after;
  (void)times;
}

void gate_unknown(unsigned flags) {
  (void)flags;
}

int gate_failures(int call) {
  (void)call;
  return 0;
}

int gate_calls(int call) {
  (void)call;
  return 0;
}

/* ---- Faults ---- */

int os_fault_begin(const weir_fault_options_t *options, weir_fault_t **fault) {
  int r = weir_fault_begin(options, fault);
  if (r == UV_ENOTSUP)
    cr_skip("there is no layer of faults");
  return r;
}
