/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

/* Processes of tests, where there is no fork: the program starts itself again,
 * with the name of the test and its own end of a pipe:
 *
 *   test_NAME --be HANDLE SUITE/NAME
 *
 * What one has to say comes through the pipe, and is less than that holds. */

enum { MOST = MAXIMUM_WAIT_OBJECTS, TOO_LATE = 0x77656972 };

typedef struct process_s {
  HANDLE process;
  HANDLE pipe;
  const runner_test_t *test;
  ULONGLONG end; /* in milliseconds; 0: none */
} process_t;

static process_t running[MOST];
static unsigned count;
static HANDLE to_parent;

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "%s: error %lu\n", what, GetLastError());
  exit(2);
}

unsigned runner_processors(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return (unsigned)info.dwNumberOfProcessors;
}

/* ---- In the process ---- */

/* A skip is an orderly end. What fails may hold locks. */
void runner_leave(int outcome, const char *why) {
  runner_result_t result = {
      .outcome = outcome == RUNNER_SKIPPED ? RUNNER_SKIPPED : RUNNER_FAILED};
  DWORD n;
  snprintf(result.why, sizeof(result.why), "%s", why);
  WriteFile(to_parent, &result, sizeof(result), &n, NULL);
  if (outcome == RUNNER_SKIPPED)
    exit(0);
  fflush(NULL);
  TerminateProcess(GetCurrentProcess(), 1);
  abort();
}

void runner_begin(int argc, char **argv, runner_find_t find) {
  if (argc != 4 || strcmp(argv[1], "--be") != 0)
    return;
  const runner_test_t *test = find(argv[3]);
  to_parent = (HANDLE)(uintptr_t)strtoull(argv[2], NULL, 16);
  SetHandleInformation(to_parent, HANDLE_FLAG_INHERIT, 0);
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
  if (test == NULL) {
    fprintf(stderr, "%s: there is no such test\n", argv[3]);
    exit(2);
  }
  runner_be(test);
}

/* ---- Beside it ---- */

static const char *crash(DWORD status) {
  switch (status) {
  case EXCEPTION_ACCESS_VIOLATION:
    return ": no such memory";
  case EXCEPTION_STACK_OVERFLOW:
    return ": no stack left";
  case EXCEPTION_ILLEGAL_INSTRUCTION:
    return ": no such instruction";
  case EXCEPTION_INT_DIVIDE_BY_ZERO:
    return ": division by zero";
  default:
    return status >= 0x80000000 ? ": a crash" : "";
  }
}

static void hear(const process_t *process, DWORD status,
                 runner_result_t *result) {
  DWORD n = 0, there = 0;
  if (PeekNamedPipe(process->pipe, NULL, 0, NULL, &there, NULL) &&
      there >= sizeof(*result) &&
      ReadFile(process->pipe, result, sizeof(*result), &n, NULL) &&
      n == sizeof(*result))
    return;
  result->outcome = RUNNER_FAILED;
  if (status == TOO_LATE)
    snprintf(result->why, sizeof(result->why), "it took too long");
  else if (status != 0)
    snprintf(result->why, sizeof(result->why), "exit status 0x%lx%s", status,
             crash(status));
  else
    result->outcome = RUNNER_PASSED;
}

/* Ends those whose time is over; how long the others have, at most. */
static DWORD time_left(void) {
  ULONGLONG now = GetTickCount64(), left = INFINITE;
  for (unsigned i = 0; i < count; i++) {
    const process_t *process = &running[i];
    if (process->end == 0)
      continue;
    if (process->end <= now)
      TerminateProcess(process->process, TOO_LATE);
    else if (process->end - now < left)
      left = process->end - now;
  }
  return (DWORD)left;
}

static void wait_one(runner_done_t done) {
  runner_result_t result = {.outcome = RUNNER_FAILED};
  HANDLE all[MOST];
  DWORD which, status = 2;
  do {
    DWORD left = time_left();
    for (unsigned i = 0; i < count; i++)
      all[i] = running[i].process;
    which = WaitForMultipleObjects(count, all, FALSE, left);
  } while (which == WAIT_TIMEOUT);
  must(which < WAIT_OBJECT_0 + count, "WaitForMultipleObjects");
  process_t process = running[which];
  running[which] = running[--count];
  GetExitCodeProcess(process.process, &status);
  hear(&process, status, &result);
  CloseHandle(process.process);
  CloseHandle(process.pipe);
  done(process.test, &result);
}

/* The program again, with what belongs to it alone. */
static HANDLE start(const runner_test_t *test, HANDLE pipe) {
  STARTUPINFOA info = {.cb = sizeof(info), .dwFlags = STARTF_USESTDHANDLES};
  PROCESS_INFORMATION made;
  char path[MAX_PATH], line[MAX_PATH + 512];
  info.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
  info.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
  info.hStdError = GetStdHandle(STD_ERROR_HANDLE);
  must(GetModuleFileNameA(NULL, path, sizeof(path)) < sizeof(path), "path");
  snprintf(line, sizeof(line), "\"%s\" --be %llx %s/%s", path,
           (unsigned long long)(uintptr_t)pipe, test->suite, test->name);
  must(
      CreateProcessA(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &info, &made),
      "CreateProcess");
  CloseHandle(made.hThread);
  return made.hProcess;
}

void runner_start(const runner_test_t *test, double seconds, unsigned jobs,
                  runner_done_t done) {
  HANDLE ours, theirs;
  while (count > 0 && count >= (jobs < MOST ? jobs : MOST))
    wait_one(done);
  must(CreatePipe(&ours, &theirs, NULL, 0), "CreatePipe");
  must(SetHandleInformation(theirs, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT),
       "SetHandleInformation");
  fflush(NULL);
  HANDLE process = start(test, theirs);
  CloseHandle(theirs);
  ULONGLONG end = GetTickCount64() + (ULONGLONG)(seconds * 1000) + 1000;
  running[count++] = (process_t){process, ours, test, seconds > 0 ? end : 0};
}

void runner_wait_all(runner_done_t done) {
  while (count > 0)
    wait_one(done);
}
