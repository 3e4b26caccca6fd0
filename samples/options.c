/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "options.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

static const option_t *find_option(const option_t *options, const char *name) {
  for (; options->name != NULL; options++)
    if (strcmp(options->name, name) == 0)
      return options;
  misuse("unknown option", name);
}

/* Takes the option at argv[i]; returns where its last word is. */
static int take_option(int argc, char **argv, int i, const char *help,
                       const option_t *options) {
  if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
    fputs(help, stdout);
    exit(0);
  }
  const option_t *option = find_option(options, argv[i]);
  if (option->flag != NULL) {
    *option->flag = 1;
    return i;
  }
  if (i + 1 == argc)
    misuse("needs a value", argv[i]);
  *option->word = argv[i + 1];
  return i + 1;
}

void parse_options(int argc, char **argv, const char *help,
                   const option_t *options, int nwords) {
  int found = 0;
  int only_words = 0;
  name_program(argv[0]);
  for (int i = 1; i < argc; i++) {
    int is_word = only_words || argv[i][0] != '-' || argv[i][1] == '\0';
    if (is_word && found == nwords)
      misuse("unexpected argument", argv[i]);
    else if (is_word)
      argv[++found] = argv[i];
    else if (strcmp(argv[i], "--") == 0)
      only_words = 1;
    else
      i = take_option(argc, argv, i, help, options);
  }
  if (found < nwords)
    misuse("missing argument", found == 0 ? "no argument" : argv[found]);
}

size_t parse_bytes(const char *option, const char *text) {
  char *end;
  unsigned shift = 0;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (*end == 'K')
    shift = 10;
  else if (*end == 'M')
    shift = 20;
  else if (*end == 'G')
    shift = 30;
  if (text[0] < '0' || text[0] > '9' || errno != 0 || value == 0 ||
      end[shift != 0] != '\0' || value > (SIZE_MAX / 8) >> shift)
    misuse("not a number of bytes", option);
  return (size_t)value << shift;
}

unsigned parse_seconds(const char *option, const char *text) {
  char *end;
  unsigned long long value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0 ||
      value > 365 * 24 * 3600)
    misuse("not a number of seconds", option);
  return (unsigned)value;
}
