/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Processes of tests, by fork. What one has to say comes through a pipe, and is
 * less than that holds. */

enum { MOST = 64 };

typedef struct process_s {
  pid_t pid;
  int pipe;
  const runner_test_t *test;
} process_t;

static process_t running[MOST];
static unsigned count;
static int to_parent = -1;

static void must(int ok, const char *what) {
  if (ok)
    return;
  perror(what);
  exit(2);
}

unsigned runner_processors(void) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (unsigned)n : 1;
}

/* ---- In the process ---- */

/* A skip is an orderly end. What fails may hold locks. */
void runner_leave(int outcome, const char *why) {
  runner_result_t result = {
      .outcome = outcome == RUNNER_SKIPPED ? RUNNER_SKIPPED : RUNNER_FAILED};
  snprintf(result.why, sizeof(result.why), "%s", why);
  while (write(to_parent, &result, sizeof(result)) < 0 && errno == EINTR)
    continue;
  if (outcome == RUNNER_SKIPPED)
    exit(0);
  _exit(1);
}

/* A fork goes on where it is. */
void runner_begin(int argc, char **argv, runner_find_t find) {
  (void)argc;
  (void)argv;
  (void)find;
}

static void be(const runner_test_t *test, double seconds, int fd) {
  to_parent = fd;
  signal(SIGALRM, SIG_DFL);
  alarm(seconds > 0 ? (unsigned)seconds + 1 : 0);
  runner_be(test);
}

/* ---- Beside it ---- */

/* A child of the test's may still have the other end. */
static void hear(const process_t *process, int status,
                 runner_result_t *result) {
  ssize_t n = read(process->pipe, result, sizeof(*result));
  if (n == (ssize_t)sizeof(*result))
    return;
  result->outcome = RUNNER_FAILED;
  if (WIFSIGNALED(status))
    snprintf(result->why, sizeof(result->why), "ended by signal %d%s",
             WTERMSIG(status),
             WTERMSIG(status) == SIGALRM ? ": it took too long" : "");
  else if (WEXITSTATUS(status) != 0)
    snprintf(result->why, sizeof(result->why), "exit status %d",
             WEXITSTATUS(status));
  else
    result->outcome = RUNNER_PASSED;
}

static void wait_one(runner_done_t done) {
  runner_result_t result = {.outcome = RUNNER_FAILED};
  int status;
  pid_t pid;
  do
    pid = waitpid(-1, &status, 0);
  while (pid < 0 && errno == EINTR);
  must(pid >= 0, "waitpid");
  for (unsigned i = 0; i < count; i++) {
    if (running[i].pid != pid)
      continue;
    process_t process = running[i];
    running[i] = running[--count];
    hear(&process, status, &result);
    close(process.pipe);
    done(process.test, &result);
    return;
  }
}

void runner_start(const runner_test_t *test, double seconds, unsigned jobs,
                  runner_done_t done) {
  int fds[2];
  while (count > 0 && count >= (jobs < MOST ? jobs : MOST))
    wait_one(done);
  must(pipe(fds) == 0, "pipe");
  must(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0, "fcntl");
  must(fcntl(fds[0], F_SETFD, FD_CLOEXEC) == 0, "fcntl");
  must(fcntl(fds[1], F_SETFD, FD_CLOEXEC) == 0, "fcntl");
  fflush(NULL);
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0)
    be(test, seconds, fds[1]);
  close(fds[1]);
  running[count++] = (process_t){pid, fds[0], test};
}

void runner_wait_all(runner_done_t done) {
  while (count > 0)
    wait_one(done);
}
