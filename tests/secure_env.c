/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir.h>

/* A program with more rights than whoever started it takes no orders from the
 * environment. It starts a copy of itself that belongs to another user and has
 * the set-user-ID bit; the copy attaches a loop with variables set that any
 * other program would refuse. */

enum { PASS = 0, FAIL = 1, SKIP = 77, NOBODY = 65534 };

static int skip(const char *why) {
  puts(why);
  return SKIP;
}

static int attach(void) {
  uv_loop_t uv;
  weir_loop_t *loop;
  int r = uv_loop_init(&uv);

  if (r != 0)
    return r;
  r = weir_loop_attach(&uv, NULL, &loop);
  if (r == 0)
    r = weir_loop_detach(loop, NULL);
  uv_run(&uv, UV_RUN_DEFAULT);
  uv_loop_close(&uv);
  return r;
}

static int copy_self(const char *path) {
  static char bytes[65536];
  int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
  ssize_t n = -1;

  while (from >= 0 && to >= 0 && (n = read(from, bytes, sizeof(bytes))) > 0)
    if (write(to, bytes, (size_t)n) != n)
      break;
  /* The bit last, for writing and a new owner take it away. */
  if (n == 0 && (fchown(to, NOBODY, (gid_t)-1) != 0 || fchmod(to, 04755) != 0))
    n = -1;
  close(from);
  close(to);
  return n == 0 ? 0 : -1;
}

static int run_copy(char *path) {
  char word[] = "copy";
  char *const argv[] = {path, word, NULL};
  int status = -1;
  pid_t child = fork();

  if (child == 0) {
    execv(path, argv);
    exit(skip("programs in /tmp do not run"));
  }
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return FAIL;
  return WEXITSTATUS(status);
}

static int be_copy(void) {
  if (getauxval(AT_SECURE) == 0)
    return skip("programs in /tmp run without the rights of their owner");
  return attach() == 0 ? PASS : FAIL;
}

int main(int argc, char **argv) {
  char dir[] = "/tmp/weir-secure-XXXXXX";
  char path[sizeof(dir) + 8];
  int status;

  (void)argv;
  if (argc > 1) {
    status = be_copy();
    fflush(stdout);
    _exit(status); /* LeakSanitizer cannot look into such a process. */
  }
  if (geteuid() != 0)
    return skip("only root can make a program of another user");
  setenv("WEIR_BACKEND", "nonsense", 1);
  setenv("WEIR_WAIT", "nonsense", 1);
  if (attach() != UV_EINVAL || mkdtemp(dir) == NULL)
    return FAIL;
  chmod(dir, 0755);
  snprintf(path, sizeof(path), "%s/copy", dir);
  status = copy_self(path) == 0 ? run_copy(path) : FAIL;
  unlink(path);
  rmdir(dir);
  return status;
}
