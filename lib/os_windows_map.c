/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os_map.h"

#include "os_windows.h"

int weir__os_map_size(uv_file file, int64_t *size) {
  BY_HANDLE_FILE_INFORMATION info;
  HANDLE handle = weir__handle_of(file);
  if (handle == INVALID_HANDLE_VALUE)
    return UV_EBADF;
  if (GetFileType(handle) != FILE_TYPE_DISK)
    return UV_ENODEV;
  if (!GetFileInformationByHandle(handle, &info))
    return weir__last_error();
  if ((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    return UV_ENODEV;
  *size = (int64_t)((uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow);
  return 0;
}

size_t weir__os_map_page(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwAllocationGranularity;
}

int weir__os_map(uv_file file, int64_t offset, size_t size, int writable,
                 void **base) {
  HANDLE handle = weir__handle_of(file);
  HANDLE map = CreateFileMappingW(
      handle, NULL, writable ? PAGE_WRITECOPY : PAGE_READONLY, 0, 0, NULL);
  if (map == NULL)
    return weir__last_error();
  void *p = MapViewOfFile(map, writable ? FILE_MAP_COPY : FILE_MAP_READ,
                          (DWORD)(offset >> 32), (DWORD)offset, size);
  int r = p == NULL ? weir__last_error() : 0;
  /* The view keeps what it needs. */
  CloseHandle(map);
  if (r == 0)
    *base = p;
  return r;
}

void weir__os_unmap(void *base, size_t size) {
  (void)size;
  UnmapViewOfFile(base);
}

int weir__os_map_advise(void *base, size_t size, int advice) {
  (void)base, (void)size, (void)advice;
  return 0;
}
