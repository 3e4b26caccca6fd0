/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_OPTIONS_H
#define SAMPLES_OPTIONS_H

#include <stddef.h>

/* The command line. What is wrong with it is said in one line on stderr, and
 * the program ends with status 2. */

/* An option: "--name" sets *flag to 1, "--name WORD" sets *word. A table of
 * them ends with a NULL name. */
typedef struct option_s {
  const char *name;
  int *flag;
  const char **word;
} option_t;

/* Parses the command line and moves the words that belong to no option to
 * argv[1] and on; there have to be exactly nwords. Behind "--" all are such
 * words. "-h" and "--help" print help and exit with status 0. */
void parse_options(int argc, char **argv, const char *help,
                   const option_t *options, int nwords);

/* A number of bytes of at least 1, perhaps with a K, M or G behind it. */
size_t parse_bytes(const char *option, const char *text);

/* A number of seconds, 1 to a year of them. */
unsigned parse_seconds(const char *option, const char *text);

#endif
