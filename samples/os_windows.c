/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "os.h"

int os_ignores(int number) {
  (void)number;
  return 0;
}

void os_errors_for_signals(void) {
}

int os_columns(void) {
  CONSOLE_SCREEN_BUFFER_INFO info;
  return GetConsoleScreenBufferInfo(GetStdHandle(STD_ERROR_HANDLE), &info)
             ? info.srWindow.Right - info.srWindow.Left + 1
             : 0;
}

int os_creation_mask(void) {
  return 0;
}

size_t os_directory(const char *path) {
  size_t size = 0;
  for (size_t i = 0; path[i] != '\0'; i++)
    if (path[i] == '/' || path[i] == '\\' || path[i] == ':')
      size = i + 1;
  return size;
}

static double seconds(uv_timespec_t time) {
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int os_set_times(uv_file file, uv_timespec_t read, uv_timespec_t written) {
  uv_fs_t fs;
  int rc = uv_fs_futime(NULL, &fs, file, seconds(read), seconds(written), NULL);
  uv_fs_req_cleanup(&fs);
  return rc;
}
