/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int os_ignores(int number) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void os_errors_for_signals(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int os_columns(void) {
  struct winsize size;
  return ioctl(2, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Only the call that sets the mask tells it. */
int os_creation_mask(void) {
  mode_t mask = umask(0);
  umask(mask);
  return (int)mask;
}

size_t os_directory(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

int os_set_times(uv_file file, uv_timespec_t read, uv_timespec_t written) {
  const struct timespec times[2] = {{read.tv_sec, read.tv_nsec},
                                    {written.tv_sec, written.tv_nsec}};
  return futimens(file, times) == 0 ? 0 : uv_translate_sys_error(errno);
}
