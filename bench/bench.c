/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Measures weir beside plain libuv and raw liburing; docs/performance.md tells
 * how to read what it says. */

#include "config.h"

#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../samples/options.h"
#include "machine.h"
#include "report.h"
#include "rounds.h"

static const char help[] =
    "usage: bench [NAME...] [--list] [--quick] [--json FILE] [--dir DIR]\n"
    "             [--rounds N] [--milliseconds T] [--ops N]\n"
    "             [--instructions FILE]\n"
    "       bench --count NAME CANDIDATE N\n"
    "Measures workloads on weir, plain libuv and raw liburing; all of them, "
    "or\n"
    "those of a NAME, or whose names begin with one and a -.\n"
    "  --list               says which there are\n"
    "  --quick              takes less than a minute, and is less exact\n"
    "  --json FILE          writes the results there, too\n"
    "  --dir DIR            where files are made; default: TMPDIR or /tmp\n"
    "  --rounds N           default 5\n"
    "  --milliseconds T     of each run; default 350\n"
    "  --ops N              of each run, instead of a time\n"
    "  --instructions FILE  what instructions.sh counted\n"
    "  --count ...          does so much of one thing, for instructions.sh\n";

enum { MOST_NAMES = 64 };

typedef struct words_s {
  const char *json, *dir, *rounds, *milliseconds, *ops, *instructions;
  int list, quick, count;
  const char *names[MOST_NAMES];
  int nnames;
} words_t;

#define WORKLOAD(w) extern const bench_workload_t w;
#include "workloads.h"
#undef WORKLOAD

static const bench_workload_t *const workloads[] = {
#define WORKLOAD(w) &w,
#include "workloads.h"
#undef WORKLOAD
    NULL};

/* ---- Which ---- */

static int is_named(const words_t *words, const bench_workload_t *w,
                    const bench_shape_t *s) {
  report_name_t name = report_name(w, s);
  for (int i = 0; i < words->nnames; i++) {
    size_t len = strlen(words->names[i]);
    if (strncmp(name.text, words->names[i], len) == 0 &&
        (name.text[len] == '\0' || name.text[len] == '-'))
      return 1;
  }
  return words->nnames == 0;
}

typedef void (*visit_t)(const bench_workload_t *w, const bench_shape_t *s,
                        void *data);

/* Returns how many there were. */
static int each(const words_t *words, visit_t visit, void *data) {
  int n = 0;
  for (size_t i = 0; workloads[i] != NULL; i++)
    for (const bench_shape_t *s = workloads[i]->shapes; s->count > 0; s++)
      if (is_named(words, workloads[i], s)) {
        visit(workloads[i], s, data);
        n++;
      }
  return n;
}

static void list(const bench_workload_t *w, const bench_shape_t *s,
                 void *unused) {
  (void)unused;
  printf("%-22s %s%s\n", report_name(w, s).text, w->what,
         w->measure == BENCH_INNER ? " (instructions only)" : "");
}

/* ---- Measuring ---- */

typedef struct session_s {
  FILE *json;
  unsigned rounds;
  int failed;
} session_t;

static void measure(const bench_workload_t *w, const bench_shape_t *s,
                    void *data) {
  static rounds_t rounds;
  session_t *session = data;
  if (w->measure == BENCH_INNER)
    return;
  rounds = (rounds_t){.workload = w, .shape = s, .count = session->rounds};
  rounds_run(&rounds);
  report_rounds(&rounds, session->json);
  session->failed |= rounds.failed;
}

static unsigned number(const char *option, const char *word,
                       unsigned otherwise) {
  size_t value = word != NULL ? parse_bytes(option, word) : otherwise;
  if (value > 1000000)
    quit(option, "too large");
  return (unsigned)value;
}

static void set_up(const words_t *words, const machine_t *machine) {
  bench.milliseconds =
      number("--milliseconds", words->milliseconds, words->quick ? 30 : 350);
  bench.ops = words->ops != NULL ? number("--ops", words->ops, 1) : 0;
  bench.cpu = machine->cpus[0];
  bench.peer_cpu = machine->cpus[1];
  bench.file = bench_make_file(BENCH_FILE);
}

static int measure_all(const words_t *words) {
  machine_t machine = machine_look(bench.directory);
  session_t session = {
      .rounds = number("--rounds", words->rounds, words->quick ? 3 : 5)};
  if (session.rounds > BENCH_ROUNDS)
    quit("--rounds", "too large");
  set_up(words, &machine);
  if (words->instructions != NULL)
    report_take_instructions(words->instructions);
  if (words->json != NULL) {
    session.json = fopen(words->json, "we");
    if (session.json == NULL)
      fail(words->json, -errno);
  }
  report_begin(&machine, session.rounds, session.json);
  int n = each(words, measure, &session);
  report_end(session.json);
  if (session.json != NULL && fclose(session.json) != 0)
    fail(words->json, -errno);
  if (n == 0)
    quit(words->names[0], "there is no such workload");
  return session.failed != 0;
}

/* ---- Counting ---- */

static void choose(const bench_workload_t *w, const bench_shape_t *s,
                   void *name) {
  if (strcmp(report_name(w, s).text, name) != 0)
    return;
  bench.workload = w;
  bench.shape = s;
  bench.count = s->count;
  bench.bytes = s->bytes;
}

static _Noreturn void count(const words_t *words) {
  char *name = (char *)(uintptr_t)words->names[0];
  if (words->nnames != 3)
    misuse("--count wants", "NAME CANDIDATE N");
  each(&(words_t){.nnames = 0}, choose, name);
  if (bench.workload == NULL)
    quit(name, "there is no such workload");
  bench.candidate = candidate_named(words->names[1]);
  bench.ops = strtoull(words->names[2], NULL, 10);
  bench.counted = 1;
  bench.cpu = bench.peer_cpu = -1;
  bench.file = bench_make_file(BENCH_COUNTED_FILE);
  bench_run(-1);
}

/* ---- The command line ---- */

static int take_option(words_t *words, char **argv, int i) {
  const option_t options[] = {{"--list", &words->list, NULL},
                              {"--quick", &words->quick, NULL},
                              {"--count", &words->count, NULL},
                              {"--json", NULL, &words->json},
                              {"--dir", NULL, &words->dir},
                              {"--rounds", NULL, &words->rounds},
                              {"--milliseconds", NULL, &words->milliseconds},
                              {"--ops", NULL, &words->ops},
                              {"--instructions", NULL, &words->instructions},
                              {NULL, NULL, NULL}};
  if (argv[i][0] != '-') {
    if (words->nnames == MOST_NAMES)
      misuse("too many names", argv[i]);
    words->names[words->nnames++] = argv[i];
    return i;
  }
  char *two[] = {argv[0], argv[i], argv[i + 1], NULL};
  for (const option_t *o = options; o->name != NULL; o++)
    if (strcmp(o->name, argv[i]) == 0 && o->word != NULL) {
      parse_options(argv[i + 1] != NULL ? 3 : 2, two, help, options, 0);
      return i + 1;
    }
  parse_options(2, two, help, options, 0);
  return i;
}

int main(int argc, char **argv) {
  static const char *const ignored[] = {"WEIR_BACKEND", "WEIR_WAIT",
                                        "WEIR_DEBUG", "WEIR_URING_CAPS_OFF"};
  words_t words = {.nnames = 0};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    unsetenv(ignored[i]);
  name_program(argv[0]);
  for (int i = 1; i < argc; i++)
    i = take_option(&words, argv, i);
  bench.directory = words.dir != NULL ? words.dir : getenv("TMPDIR");
  if (bench.directory == NULL)
    bench.directory = "/tmp";
  if (words.count)
    count(&words);
  if (!words.list)
    return measure_all(&words);
  if (each(&words, list, NULL) == 0)
    quit(words.names[0], "there is no such workload");
  return 0;
}
