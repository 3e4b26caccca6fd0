/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "patience.h"

/* The main program of the tests where Criterion is not:
 *
 *   test_NAME [--filter SUITE/NAME] [--jobs N] [--tap=FILE] [--list]
 *             [--unable=FILE]
 *
 * Each test runs in a process of its own. In a filter, * stands for any
 * letters. What FILE has a line "SUITE/NAME WHY" for is skipped. Other options
 * are Criterion's, and change nothing. */

static runner_name_t suite_name;
static runner_name_t test_name;
runner_name_t *criterion_current_suite = &suite_name;
runner_name_t *criterion_current_test = &test_name;

static runner_test_t *tests;
static runner_test_t **last = &tests;
static const char *filter;
static unsigned jobs;
static FILE *tap;
static FILE *unables;
static unsigned passed, failed, skipped;

/* ---- What the tests call ---- */

void runner_add(runner_test_t *test) {
  *last = test;
  last = &test->next;
}

void runner_fail(const char *file, int line, const char *text,
                 const char *format, ...) {
  char words[RUNNER_WHY / 2];
  char why[RUNNER_WHY];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof(words), format, args);
  va_end(args);
  snprintf(why, sizeof(why), "%s:%d: %s%s%s", file, line, text,
           words[1] != '\0' ? ":" : "", words[1] != '\0' ? words : "");
  runner_leave(RUNNER_FAILED, why);
}

void runner_skip(const char *format, ...) {
  char why[RUNNER_WHY];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof(why), format, args);
  va_end(args);
  runner_leave(RUNNER_SKIPPED, why);
}

void runner_be(const runner_test_t *test) {
  suite_name.name = test->suite;
  test_name.name = test->name;
  test->run();
  exit(0);
}

/* ---- Which tests ---- */

static int matches(const char *pattern, const char *word) {
  if (*pattern == '*')
    return matches(pattern + 1, word) ||
           (*word != '\0' && matches(pattern, word + 1));
  if (*word == '\0' || *pattern == '\0')
    return *word == *pattern;
  return *pattern == *word && matches(pattern + 1, word + 1);
}

static int has_name(const runner_test_t *test, const char *pattern) {
  char name[256];
  snprintf(name, sizeof(name), "%s/%s", test->suite, test->name);
  return test->run != NULL && matches(pattern, name);
}

static int is_wanted(const runner_test_t *test) {
  return has_name(test, filter != NULL ? filter : "*");
}

static const runner_test_t *find(const char *name) {
  const runner_test_t *test = tests;
  while (test != NULL && !has_name(test, name))
    test = test->next;
  return test;
}

/* In seconds; more for a machine that is slow. */
static double limit_of(const runner_test_t *test) {
  double limit = test->options.timeout;
  for (const runner_test_t *t = tests; limit <= 0 && t != NULL; t = t->next)
    if (t->run == NULL && strcmp(t->suite, test->suite) == 0)
      limit = t->options.timeout;
  return limit * patience(1);
}

/* Why the test is not to be run here, by a file of lines "SUITE/NAME WHY"; or
 * NULL. */
static const char *unable(const runner_test_t *test) {
  static char line[RUNNER_WHY];
  char name[256];
  if (unables == NULL)
    return NULL;
  snprintf(name, sizeof(name), "%s/%s", test->suite, test->name);
  rewind(unables);
  while (fgets(line, sizeof(line), unables) != NULL) {
    char *why = line + strcspn(line, " \n");
    if (line[0] == '#' || *why != ' ')
      continue;
    *why++ = '\0';
    why[strcspn(why, "\n")] = '\0';
    if (matches(line, name))
      return why;
  }
  return NULL;
}

/* ---- What is said of them ---- */

static void done(const runner_test_t *test, const runner_result_t *result) {
  switch (result->outcome) {
  case RUNNER_PASSED:
    passed++;
    fprintf(tap, "ok - %s::%s\n", test->suite, test->name);
    break;
  case RUNNER_SKIPPED:
    skipped++;
    fprintf(tap, "ok - %s::%s # SKIP %s\n", test->suite, test->name,
            result->why);
    break;
  default:
    failed++;
    fprintf(tap, "not ok - %s::%s %s\n", test->suite, test->name, result->why);
    fprintf(stderr, "[----] %s::%s: %s\n", test->suite, test->name,
            result->why);
  }
}

static int list(void) {
  for (const runner_test_t *t = tests; t != NULL; t = t->next)
    if (is_wanted(t))
      printf("%s/%s\n", t->suite, t->name);
  return 0;
}

static void start(const runner_test_t *test) {
  const char *why = unable(test);
  runner_result_t skipped_here = {.outcome = RUNNER_SKIPPED};
  if (why == NULL) {
    runner_start(test, limit_of(test), jobs, done);
    return;
  }
  snprintf(skipped_here.why, sizeof(skipped_here.why), "%s", why);
  done(test, &skipped_here);
}

static int run(void) {
  unsigned planned = 0;
  for (const runner_test_t *t = tests; t != NULL; t = t->next)
    planned += is_wanted(t) ? 1 : 0;
  fprintf(tap, "TAP version 13\n1..%u\n", planned);
  for (const runner_test_t *t = tests; t != NULL; t = t->next)
    if (is_wanted(t))
      start(t);
  runner_wait_all(done);
  fprintf(stderr, "[====] %u passed, %u failed, %u skipped\n", passed, failed,
          skipped);
  return failed > 0 ? 1 : 0;
}

/* ---- Arguments ---- */

/* What argument i says of the option, or NULL: in the same word or the next,
 * which is taken then. */
static const char *value_of(char **argv, int *i, const char *option) {
  size_t len = strlen(option);
  if (strncmp(argv[*i], option, len) != 0)
    return NULL;
  if (argv[*i][len] == '=')
    return argv[*i] + len + 1;
  if (argv[*i][len] != '\0' || argv[*i + 1] == NULL)
    return NULL;
  return argv[++*i];
}

static int take(char **argv, int *i) {
  const char *value;
  if ((value = value_of(argv, i, "--filter")) != NULL)
    filter = value;
  else if ((value = value_of(argv, i, "--jobs")) != NULL)
    jobs = (unsigned)strtoul(value, NULL, 10);
  else if ((value = value_of(argv, i, "--tap")) != NULL)
    return (tap = fopen(value, "we")) != NULL;
  else if ((value = value_of(argv, i, "--unable")) != NULL)
    return (unables = fopen(value, "re")) != NULL;
  return 1;
}

int main(int argc, char **argv) {
  runner_begin(argc, argv, find);
  tap = stdout;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--list") == 0)
      return list();
    if (take(argv, &i))
      continue;
    fprintf(stderr, "%s: cannot be opened\n", argv[i]);
    return 2;
  }
  if (jobs == 0)
    jobs = runner_processors();
  return run();
}
