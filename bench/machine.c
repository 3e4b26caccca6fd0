/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>

#include <weir.h>

static void look_at_kernel(machine_t *m) {
  struct utsname name;
  if (uname(&name) == 0)
    snprintf(m->kernel, sizeof m->kernel, "%.60s %.60s %.30s", name.sysname,
             name.release, name.machine);
}

static void look_at_processors(machine_t *m) {
  char line[256];
  cpu_set_t set;
  FILE *file = fopen("/proc/cpuinfo", "re");
  strcpy(m->processor, "unknown");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "model name : %159[^\n\"\\]", m->processor) == 1)
      break;
  if (file != NULL)
    fclose(file);
  m->cpus[0] = m->cpus[1] = -1;
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET((unsigned)i, &set) && m->processors++ < 2)
      m->cpus[m->processors - 1] = i;
}

static void look_at_files(machine_t *m, const char *directory) {
  static const struct {
    unsigned long type;
    const char *name;
  } known[] = {{0xEF53, "ext4"},          {0x01021994, "tmpfs"},
               {0x9123683E, "btrfs"},     {0x58465342, "xfs"},
               {0x794C7630, "overlayfs"}, {0x2FC12FC1, "zfs"},
               {0xF2F52010, "f2fs"},      {0x6969, "nfs"}};
  struct statfs info;
  if (statfs(directory, &info) != 0)
    return;
  unsigned long type = (unsigned long)info.f_type & 0xFFFFFFFFul;
  snprintf(m->filesystem, sizeof m->filesystem, "type %lx", type);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].type == type)
      strcpy(m->filesystem, known[i].name);
}

machine_t machine_look(const char *directory) {
  machine_t m = {.filesystem = "unknown"};
  time_t now = time(NULL);
  struct tm tm;
  look_at_kernel(&m);
  look_at_processors(&m);
  look_at_files(&m, directory);
  snprintf(m.liburing, sizeof m.liburing, "%s", LIBURING);
  snprintf(m.libuv, sizeof m.libuv, "%s", uv_version_string());
  snprintf(m.weir, sizeof m.weir, "%s", weir_version_string());
  if (gmtime_r(&now, &tm) != NULL)
    strftime(m.date, sizeof m.date, "%Y-%m-%d", &tm);
  return m;
}
