/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "faulty.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/fault.h>

#include "backend.h"
#include "fixture.h"

static weir_fault_t *fault;

/* CUT is of what is sent, SHORT of all else that is transferred. */
enum {
  CUT = 1,
  SHORT = 2,
  AGAIN = 4,
  INTERRUPT = 8,
  MISS = 16,
  LATE = 32,
  ALL = 63
};

static const struct {
  const char *name;
  unsigned kind;
} kinds[] = {
    {"cut", CUT},     {"short", SHORT},
    {"again", AGAIN}, {"interrupt", INTERRUPT},
    {"miss", MISS},   {"late", LATE},
};

/* What tests go without, and why; the name is what theirs begin with,
 * or empty for all of the suite. */
static const char one_read[] = "it asserts what one transfer moves";
static const char own_plan[] = "it has a plan of its own";

static const struct {
  const char *suite;
  const char *name;
  unsigned without;
  const char *why;
} calm[] = {
    {"adopt", "", SHORT, one_read},
    {"cancel", "", SHORT, one_read},
    {"close", "a_descriptor_number_that_comes_again", SHORT, one_read},
    {"connect", "", CUT | SHORT, one_read},
    {"connecting", "what_the_application_closed_is_not_waited_with", AGAIN,
     "it writes where it could not wait"},
    {"connecting", "the_", SHORT, one_read},
    {"edges", "a_write_at_once_is_counted", CUT | AGAIN, "it is to find room"},
    {"file", "", SHORT, one_read},
    {"file_begin", "a_flood", ALL, "it counts what a turn submits"},
    {"file_begin", "none_overtakes_those_that_wait", LATE,
     "it asserts the order of completions"},
    {"file_copy", "goes_on_in_buffers", ALL, own_plan},
    {"file_copy", "in_short_transfers", ALL, own_plan},
    {"file_copy", "says_what_failed", ALL, own_plan},
    {"file_sync", "a_sync_that", ALL, own_plan},
    {"file_sync", "a_write_that", ALL, own_plan},
    {"file_sync", "goes_on", ALL, own_plan},
    {"file_sync", "is_cut", ALL, own_plan},
    {"file_sync", "takes_", ALL, "it counts completions"},
    {"file_wait", "", SHORT, one_read},
    {"file_with", "", SHORT, one_read},
    {"file_with", "an_error", ALL, own_plan},
    {"file_with", "goes_on", ALL, own_plan},
    {"file_with", "nowait_does_not_wait", AGAIN, "it is to find something"},
    {"fileobj", "an_error", ALL, own_plan},
    {"fileobj", "without_a_callback", SHORT, one_read},
    {"lease", "", SHORT, one_read},
    {"lease", "an_empty_pool_serves", AGAIN,
     "who finds nothing loses his place"},
    {"lease", "what_another_has_taken", AGAIN | INTERRUPT,
     "it is to find something"},
    {"lease", "a_child", ALL, "the plan is not for children"},
    {"lease", "the_kernel_chooses", ALL, "it counts system calls"},
    {"lease", "pools_do_not_share", ALL, "it counts system calls"},
    {"message", "copies_share_windows", ALL, "it counts transfers"},
    {"missed", "all_end", ALL, "it counts turns and entries"},
    {"name", "errors_that_say_little", ALL, own_plan},
    {"pass", "a_cancelled_write", AGAIN, "it is to find no room"},
    {"pass", "a_full_socket", AGAIN, "it is to find no room"},
    {"pass", "a_plain_read", AGAIN, "it is to find something"},
    {"pass", "", CUT | SHORT, one_read},
    {"pass", "want_of_memory", ALL, own_plan},
    {"read", "now_", AGAIN, "it is to find something"},
    {"read", "", SHORT, one_read},
    {"reader", "says_an_error", ALL, own_plan},
    {"reader", "short_reads", ALL, own_plan},
    {"relay_sockets", "need_few_system_calls", ALL, "it counts system calls"},
    {"sendfile", "an_error_of_the_device", ALL, own_plan},
    {"sendfile", "goes_", ALL, own_plan},
    {"sendfile", "is_asked_again", ALL, own_plan},
    {"stacked", "", SHORT, one_read},
    {"stacked", "what_has_just_begun_is_cancelled", AGAIN,
     "it is to find room"},
    {"until_lease", "a_line_goes_to_a_file", SHORT, one_read},
    {"until_wait", "", AGAIN, "who finds nothing loses his place"},
    {"water", "holds_a_producer_back", ALL, "it counts turns"},
    {"write", "eof_ends_this_side_only", SHORT, one_read},
    {"write", "many_arrive_in_order", AGAIN, "the first is to find room"},
    {"write", "sixty_four_small_ones", ALL, "it counts system calls"},
    {"write", "some_moves_a_window", CUT, one_read},
    {"write", "that_finds_room_is_asked_for_once", ALL, "it counts attempts"},
};

static int begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/* The kinds of WEIR_TEST_FAULTS, or all, less those that the test goes
 * without. */
static unsigned wanted(void) {
  const char *given = getenv("WEIR_TEST_FAULTS");
  const char *suite = criterion_current_suite->name;
  const char *name = criterion_current_test->name;
  unsigned want = 0;

  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
    if (strstr(given, kinds[i].name) != NULL || strcmp(given, "all") == 0)
      want |= kinds[i].kind;
  for (size_t i = 0; i < sizeof(calm) / sizeof(*calm); i++)
    if (strcmp(calm[i].suite, suite) == 0 && begins(name, calm[i].name)) {
      if (calm[i].without == ALL)
        cr_skip("%s", calm[i].why);
      want &= ~calm[i].without;
    }
  return want;
}

/* Of a crowd, some are enough. */
static int has_stream(const weir_loop_t *loop, int fd) {
  enum { ENOUGH = 64 };
  weir_stream_t *stream = NULL;

  for (int i = 0; i < ENOUGH; i++) {
    stream = weir__stream_next(loop, stream);
    if (stream == NULL)
      return 0;
    if (weir__kind(stream) != NULL && weir__own(stream)->fd == fd)
      return 1;
  }
  return 0;
}

/* The streams are not to be looked at from a thread of the pool, in which
 * everything is weir's. */
int faulty_owns(void *arg, int fd) {
  const struct weir_fixture *f = arg;
  struct stat info;

  if (gettid() != getpid())
    return 1;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    return 1;
  return f->loop != NULL && has_stream(f->loop, fd);
}

/* What is not to be cut. */
static unsigned whole(unsigned want) {
  unsigned bits = 0;

  if (!(want & CUT))
    bits |= 1u << WEIR_FAULT_SEND;
  if (!(want & SHORT))
    bits |= 1u << WEIR_FAULT_RECV | 1u << WEIR_FAULT_FILE_READ |
            1u << WEIR_FAULT_FILE_WRITE;
  return bits;
}

void faulty_begin(const struct weir_fixture *f) {
  const char *seed = getenv("WEIR_TEST_SEED");
  weir_fault_options_t options;
  unsigned want;

  if (getenv("WEIR_TEST_FAULTS") == NULL)
    return;
  want = wanted();
  memset(&options, 0, sizeof(options));
  options.seed = seed != NULL ? strtoull(seed, NULL, 0) : 1;
  options.cut = want & (CUT | SHORT) ? 200 : 0;
  options.whole = whole(want);
  options.again = want & AGAIN ? 100 : 0;
  options.interrupt = want & INTERRUPT ? 100 : 0;
  options.miss = want & MISS ? 200 : 0;
  options.delay = options.reorder = want & LATE ? 200 : 0;
  options.chosen = faulty_owns;
  options.arg = (void *)f;
  cr_assert(weir_fault_begin(&options, &fault) == 0);
}

void faulty_end(void) {
  weir_fault_end(fault);
  fault = NULL;
}
