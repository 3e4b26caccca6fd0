/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "report.h"

#include <errno.h>
#include <string.h>

enum { COUNTED = 256 /* figures, at most */ };

static const char *const names[] = {"raw", "libuv", "guest", "ring", "uv"};
static const char *const titles[] = {"raw liburing", "plain libuv",
                                     "weir, libuv waits", "weir, ring waits",
                                     "weir on libuv"};

report_name_t report_name(const bench_workload_t *w, const bench_shape_t *s) {
  report_name_t name;
  snprintf(name.text, sizeof name.text, "%s%s%s", w->name,
           s->name != NULL ? "-" : "", s->name != NULL ? s->name : "");
  return name;
}

/* ---- Instructions ---- */

static struct {
  char name[64], candidate[16];
  double figure;
} counted[COUNTED];
static unsigned ncounted;

void report_take_instructions(const char *path) {
  FILE *file = fopen(path, "re");
  if (file == NULL)
    fail(path, -errno);
  while (ncounted < COUNTED &&
         fscanf(file, "%63s %15s %lf", counted[ncounted].name,
                counted[ncounted].candidate, &counted[ncounted].figure) == 3)
    ncounted++;
  fclose(file);
}

/* -1 if they were not counted. */
static double instructions(const rounds_t *r, candidate_t c) {
  report_name_t name = report_name(r->workload, r->shape);
  for (unsigned i = 0; i < ncounted; i++)
    if (strcmp(counted[i].name, name.text) == 0 &&
        strcmp(counted[i].candidate, names[c]) == 0)
      return counted[i].figure;
  return -1;
}

/* ---- Text ---- */

/* A figure with so many columns, or a dash. */
static void column(int width, int digits, double figure, int known) {
  if (known)
    printf(" %*.*f", width, digits, figure);
  else
    printf(" %*s", width, "-");
}

/* How it is to others, in the rate and in processor time. */
static void print_ratios(const rounds_t *r, candidate_t c, int rate) {
  static const candidate_t bases[] = {LIBUV, RAW};
  for (int figure = 0; figure < 2; figure++)
    for (size_t i = 0; i < 2; i++) {
      int known = rounds_have(r, bases[i]) && (rate || figure == 0);
      column(6, 2, known ? rounds_ratio(r, c, bases[i], figure) : 0, known);
    }
}

static void print_line(const rounds_t *r, candidate_t c) {
  int rate = r->workload->measure == BENCH_RATE;
  double middle = rounds_median(r, c, 0), counts = instructions(r, c);
  printf("  %-17s", titles[c]);
  column(11, 0, middle, 1);
  column(5, 1, rounds_spread(r, c) * 100 / middle, middle > 0);
  column(7, 2, rounds_median(r, c, 1), rate);
  column(6, 2, rounds_median(r, c, 2), rate);
  column(6, 2, rounds_median(r, c, 3), rate);
  column(6, 0, counts, counts >= 0);
  print_ratios(r, c, rate);
  printf("\n");
}

static void print_rounds(const rounds_t *r) {
  int rate = r->workload->measure == BENCH_RATE;
  printf("\n%s: %s\n", report_name(r->workload, r->shape).text,
         r->workload->what);
  printf("  %-17s %11s %5s %7s %6s %6s %6s %6s %6s %6s %6s\n",
         r->workload->unit, rate ? "each second" : "bytes each", "+- %",
         "cpu us", "calls", "alloc", "instr", "/libuv", "/raw", "cpu/uv",
         "cpu/raw");
  for (int c = RAW; c <= UV; c++)
    if (rounds_have(r, (candidate_t)c))
      print_line(r, (candidate_t)c);
    else if (r->failed & 1 << c)
      printf("  %-17s FAILED\n", titles[c]);
    else
      printf("  %-17s skipped: %s\n", titles[c], r->why[c]);
  fflush(stdout);
}

/* ---- JSON ---- */

static int entries; /* in the list at hand */

static void json_ratios(const rounds_t *r, candidate_t c, candidate_t base,
                        FILE *f) {
  if (!rounds_have(r, base))
    return;
  fprintf(f, ", \"to_%s\": %.4g", names[base], rounds_ratio(r, c, base, 0));
  if (r->workload->measure == BENCH_RATE && rounds_median(r, base, 1) > 0)
    fprintf(f, ", \"cpu_to_%s\": %.4g", names[base],
            rounds_ratio(r, c, base, 1));
}

static void json_result(const rounds_t *r, candidate_t c, FILE *f) {
  double counts = instructions(r, c);
  fprintf(f, "%s\n  {\"name\": \"%s\", \"workload\": \"%s\", ",
          entries++ > 0 ? "," : "", report_name(r->workload, r->shape).text,
          r->workload->name);
  fprintf(f, "\"count\": %u, \"bytes\": %zu, \"candidate\": \"%s\", ",
          r->shape->count, r->shape->bytes, names[c]);
  if (!rounds_have(r, c)) {
    fprintf(f, "\"skipped\": \"%s\"}",
            r->failed & 1 << c ? "it failed" : r->why[c]);
    return;
  }
  fprintf(f, "\"unit\": \"%s\", \"value\": %.6g, \"spread\": %.6g",
          r->workload->unit, rounds_median(r, c, 0), rounds_spread(r, c));
  if (r->workload->measure == BENCH_RATE)
    fprintf(f, ", \"cpu_us\": %.6g, \"calls\": %.6g, \"allocations\": %.6g",
            rounds_median(r, c, 1), rounds_median(r, c, 2),
            rounds_median(r, c, 3));
  if (counts >= 0)
    fprintf(f, ", \"instructions\": %.6g", counts);
  json_ratios(r, c, LIBUV, f);
  json_ratios(r, c, RAW, f);
  fprintf(f, "}");
}

/* ---- All of it ---- */

void report_begin(const machine_t *m, unsigned rounds, FILE *json) {
  printf("weir %s, libuv %s, liburing %s, %s\n", m->weir, m->libuv, m->liburing,
         m->kernel);
  printf("%d x %s; files in %s; medians of %u rounds\n", m->processors,
         m->processor, m->filesystem, rounds);
  if (m->cpus[1] < 0)
    printf("only one processor: both sides of a connection share it\n");
  if (json == NULL)
    return;
  fprintf(json, "{\"weir\": \"%s\", \"date\": \"%s\", \"kernel\": \"%s\",\n",
          m->weir, m->date, m->kernel);
  fprintf(json, "\"libuv\": \"%s\", \"liburing\": \"%s\",\n", m->libuv,
          m->liburing);
  fprintf(json, "\"processors\": %d, \"processor\": \"%s\",\n", m->processors,
          m->processor);
  fprintf(json, "\"filesystem\": \"%s\", \"rounds\": %u,\n\"results\": [",
          m->filesystem, rounds);
}

void report_rounds(const rounds_t *rounds, FILE *json) {
  print_rounds(rounds);
  for (int c = RAW; c <= UV && json != NULL; c++)
    json_result(rounds, (candidate_t)c, json);
}

void report_end(FILE *json) {
  if (json != NULL)
    fprintf(json, "\n]}\n");
}
