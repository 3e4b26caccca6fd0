/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os.h"

#include <winternl.h>

#include "os_windows.h"

/* Files to files: all goes through buffers. */

enum { ACCESS_INFORMATION = 8 };

typedef NTSTATUS(NTAPI *query_t)(HANDLE file, IO_STATUS_BLOCK *status,
                                 void *out, ULONG size, int what);

/* A file that was opened to append has no right to write elsewhere, which only
 * the system below Windows tells. */
int weir__os_appends(uv_file file) {
  HMODULE system = GetModuleHandleW(L"ntdll.dll");
  ULONG access = FILE_WRITE_DATA;
  IO_STATUS_BLOCK status;
  query_t query = NULL;
  if (system != NULL)
    query = (query_t)(void (*)(void))GetProcAddress(system,
                                                    "NtQueryInformationFile");
  if (query == NULL || query(weir__handle_of(file), &status, &access,
                             sizeof(access), ACCESS_INFORMATION) != 0)
    return 0;
  return (access & (FILE_APPEND_DATA | FILE_WRITE_DATA)) == FILE_APPEND_DATA;
}

int weir__os_clone(uv_file from, uv_file to) {
  (void)from, (void)to;
  return UV_ENOTSUP;
}

int weir__os_copy_range(uv_file from, uv_file to, int64_t offset, size_t size) {
  (void)from, (void)to, (void)offset, (void)size;
  return UV_ENOSYS;
}

int weir__os_find_data(uv_file file, int64_t *offset, int64_t *end) {
  (void)file, (void)offset, (void)end;
  return UV_ENOTSUP;
}
