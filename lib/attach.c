/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "debug.h"
#include "options.h"
#include "os.h"
#include "self.h"

/* Attaching: which backend, which wait, and why. */

static const char *const backend_words[] = {NULL, "uring", "uv", NULL};
static const char *const wait_words[] = {NULL, "ring", "uv", NULL};
static const char *const debug_words[] = {NULL, "1", "abort", "guard"};

/* The options of the first version end here. */
enum { FIRST_SIZE = sizeof(weir_loop_options_t) };

/* Returns error; says why where the application wants it said. */
static int explain(const weir_loop_options_t *options, int error,
                   const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (options->why != NULL)
    vsnprintf(options->why, options->why_size, format, args);
  va_end(args);
  return error;
}

/* An option that was left at AUTO (0) may be set from the environment. */
static int from_environment(const weir_loop_options_t *options,
                            const char *name, const char *const words[4],
                            unsigned *option) {
  const char *value = *option == 0 ? weir__os_getenv(name) : NULL;
  if (value == NULL || value[0] == '\0' || strcmp(value, "auto") == 0 ||
      (words == debug_words && strcmp(value, "0") == 0))
    return 0;
  for (unsigned i = 1; i < 4 && words[i] != NULL; i++) {
    if (strcmp(value, words[i]) == 0) {
      *option = i;
      return 0;
    }
  }
  return explain(options, UV_EINVAL, "%s=%.40s: neither %s nor %s%s%s nor auto",
                 name, value, words[1], words[2],
                 words[3] == NULL ? "" : " nor ",
                 words[3] == NULL ? "" : words[3]);
}

static int resolve(weir_loop_options_t *options) {
  unsigned backend = (unsigned)options->backend;
  unsigned wait = (unsigned)options->wait;
  unsigned debug = (unsigned)options->debug;
  if (backend > 2)
    return explain(options, UV_EINVAL, "option backend: there is no %u",
                   backend);
  if (wait > 2)
    return explain(options, UV_EINVAL, "option wait: there is no %u", wait);
  if (debug > WEIR_DEBUG_GUARD)
    return explain(options, UV_EINVAL, "option debug: there is no %u", debug);
  if (options->entries > 32768)
    return explain(options, UV_EINVAL, "option entries: %u is above 32768",
                   options->entries);
  int r = from_environment(options, "WEIR_BACKEND", backend_words, &backend);
  if (r == 0)
    r = from_environment(options, "WEIR_WAIT", wait_words, &wait);
  if (r == 0)
    r = from_environment(options, "WEIR_DEBUG", debug_words, &debug);
  options->debug = (weir_debug_t)debug;
  options->backend = (weir_backend_t)backend;
  options->wait = (weir_wait_t)wait;
  return r;
}

static int attach_uring(weir_loop_t *loop, const weir_loop_options_t *options) {
#if WEIR_HAVE_URING
  return loop->backend->attach(loop, options);
#else
  (void)options;
  snprintf(loop->fallback_why, sizeof(loop->fallback_why),
           "this libweir was built without io_uring");
  return UV_ENOTSUP;
#endif
}

static int choose(weir_loop_t *loop, const weir_loop_options_t *options) {
  if (options->backend == WEIR_BACKEND_UV) {
    loop->fallback = UV_ENOTSUP;
    snprintf(loop->fallback_why, sizeof(loop->fallback_why),
             "the libuv backend was asked for");
  } else {
#if WEIR_HAVE_URING
    loop->backend = &weir__backend_uring;
#endif
    loop->fallback = attach_uring(loop, options);
    if (loop->fallback == 0 || options->backend == WEIR_BACKEND_URING)
      return loop->fallback;
  }
  loop->backend = &weir__backend_uv;
  return loop->backend->attach(loop, options);
}

int weir_loop_attach(uv_loop_t *uv, const weir_loop_options_t *options,
                     weir_loop_t **out) {
  weir_loop_options_t resolved = {0};
  weir_loop_t *loop;
  int r = 0;
  if (options != NULL)
    r = weir__options_take(&resolved, sizeof(resolved), FIRST_SIZE, options);
  if (r != 0 && options->size > FIRST_SIZE)
    return explain(options, r, "an option of a later version is not 0");
  if (r != 0)
    return r;
  explain(&resolved, 0, "%s", "");
  if (uv == NULL || out == NULL)
    return explain(&resolved, UV_EINVAL, "a loop or the place for one is NULL");
  r = resolve(&resolved);
  if (r != 0)
    return r;
  r = weir__self_watch();
  if (r == 0)
    r = weir__loop_new(uv, &loop);
  if (r != 0)
    return explain(&resolved, r, "out of memory");
  if (resolved.debug != WEIR_DEBUG_AUTO &&
      weir__debug_new(loop, resolved.debug) != 0) {
    weir__loop_drop(loop);
    return explain(&resolved, UV_ENOMEM, "out of memory");
  }
  r = choose(loop, &resolved);
  if (r != 0) {
    explain(&resolved, r, "%s", loop->fallback_why);
    weir__loop_drop(loop);
    return r;
  }
  weir__loop_hook(loop);
  *out = loop;
  return 0;
}

weir_backend_t weir_loop_backend(const weir_loop_t *loop) {
  return loop->backend->id;
}

const char *weir_backend_name(weir_backend_t backend) {
  switch (backend) {
  case WEIR_BACKEND_URING:
    return "io_uring";
  case WEIR_BACKEND_UV:
    return "libuv";
  default:
    return "auto";
  }
}

int weir_loop_fallback_reason(const weir_loop_t *loop, const char **sentence) {
  if (sentence != NULL)
    *sentence = loop->fallback == 0 ? "io_uring is in use" : loop->fallback_why;
  return loop->fallback;
}

weir_wait_t weir_loop_wait(const weir_loop_t *loop, const char **sentence) {
  if (sentence != NULL)
    *sentence = loop->wait_why;
  return loop->wait;
}
