/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

enum { SECOND = 1000 * 1000 * 1000 };

static const char *program = "sample";

void name_program(const char *path) {
  const char *slash = strrchr(path, '/');
  program = slash != NULL ? slash + 1 : path;
  if (strncmp(program, "lt-", 3) == 0) /* libtool's name for it */
    program += 3;
}

void complain(const char *what, int error) {
  fprintf(stderr, "%s: %s: %s\n", program, what, uv_strerror(error));
}

void complain_rarely(trouble_t *trouble, const char *what, const char *name,
                     int error) {
  char left_out[40] = "";
  uint64_t now = uv_hrtime();
  if (trouble->said != 0 && now - trouble->said < SECOND) {
    trouble->left_out++;
    return;
  }
  if (trouble->left_out > 0)
    snprintf(left_out, sizeof left_out, " (%u like it were left out)",
             trouble->left_out);
  fprintf(stderr, "%s: %s %s: %s%s\n", program, what, name, uv_strerror(error),
          left_out);
  trouble->said = now;
  trouble->left_out = 0;
}

void fail(const char *what, int error) {
  complain(what, error);
  exit(1);
}

void quit(const char *what, const char *why) {
  fprintf(stderr, "%s: %s: %s\n", program, what, why);
  exit(1);
}

void misuse(const char *what, const char *word) {
  fprintf(stderr, "%s: %s: %s (try --help)\n", program, word, what);
  exit(2);
}
