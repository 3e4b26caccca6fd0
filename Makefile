# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# For GNU make. configure writes config.mk; a bare `make` in a fresh clone runs
# autoreconf and configure by itself. `make help` lists the goals.

comma := ,

# ---- Configuration -----------------------------------------------------------

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:

# Goals that have to work before configure has run.
NOCONF := check-ports clean distclean dist verify-dist help
ifneq ($(filter-out $(NOCONF),$(or $(MAKECMDGOALS),all)),)
include config.mk
else
-include $(wildcard config.mk)
endif
srcdir ?= .
MKDIR_P ?= mkdir -p
include $(srcdir)/sources.mk
SAMPLES_C += $(SAMPLES_$(OS)_C)
SAMPLES_SUPPORT_C += $(SAMPLES_SUPPORT_$(OS)_C)

# Dates decide only in maintainer mode: a tarball and git set them anyhow.
ifeq ($(MAINTAINER_MODE),yes)
CONFIGURE_DEPS := configure.ac include/weir/version.h
CONFIG_DEPS := configure config.mk.in weir.pc.in weir-test.pc.in
else
CONFIGURE_DEPS := $(if $(wildcard $(srcdir)/configure),,configure.ac)
CONFIG_DEPS := $(if $(wildcard config.mk),,configure)
endif

config.mk: $(addprefix $(srcdir)/,$(CONFIG_DEPS))
	if test -f config.status; then ./config.status --recheck && \
	  ./config.status; else $(srcdir)/configure $(CONFIGURE_FLAGS); fi

$(srcdir)/configure: $(addprefix $(srcdir)/,$(CONFIGURE_DEPS))
	cd $(srcdir) && autoreconf -fi

# ---- Flags -------------------------------------------------------------------
# Ours come first and the user's last, which are never assigned to.

VERBOSE_LINES := $(or $(filter-out 0,$(V)),$(filter no,$(SILENT_RULES)))
say = @$(if $(VERBOSE_LINES),,printf '  %-7s %s\n' $1 $(or $2,$@);)
quiet := $(if $(VERBOSE_LINES),,@)

# libtool talks of what is as it should be, whatever --silent says: of equal
# names in lib/ and uring/ to stdout, of DESTDIR as a warning.
mute := $(if $(VERBOSE_LINES),,>/dev/null)
muted = $(if $(VERBOSE_LINES),$1,said=$$($1 2>&1) || \
  { echo "$$said" >&2; exit 1; })

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef
WARNINGS += -Wstrict-prototypes -Wmissing-prototypes
WARNINGS += $(if $(filter yes,$(WERROR)),-Werror)

SANITIZE := $(if $(SANITIZERS),-fsanitize=$(SANITIZERS) \
  -fno-omit-frame-pointer -fno-sanitize-recover=all)
INSTRUMENT := $(SANITIZE) $(if $(filter yes,$(COVERAGE)),--coverage)

# The headers of others are not ours to be warned of, wherever they are.
system = $(patsubst -I%,-isystem%,$1)
OWN_CPPFLAGS := -I. -I$(srcdir)/include $(LARGEFILE_CPPFLAGS) \
  $(call system,$(LIBUV_CFLAGS))
ifeq ($(OS),windows)
# For the formats of C99; and without a DLL, nothing comes from one.
OWN_CPPFLAGS += -D__USE_MINGW_ANSI_STDIO=1 \
  $(if $(filter no,$(ENABLE_SHARED)),-DWEIR_STATIC)
endif
OWN_CFLAGS := -std=gnu11 -fvisibility=hidden $(HARDENING_CFLAGS) \
  $(WARNINGS) $(INSTRUMENT)
OWN_LDFLAGS := $(HARDENING_LDFLAGS) $(INSTRUMENT)
# For children that end without exit().
ifeq ($(COVERAGE),yes)
OWN_LDFLAGS += -Wl,-u,__gcov_dump
endif
OWN_LIBS := $(LIBUV_LIBS) $(LIBURING_LIBS)

# For what sees the inside of the library. config.h has to come before every
# header of the system.
PRIVATE_CPPFLAGS := -include config.h -DWEIR_STATIC -I$(srcdir)/lib \
  $(call system,$(LIBURING_CFLAGS))

ifneq ($(DEPENDENCY_TRACKING),no)
DEP_CFLAGS = -MMD -MP -MT $@ -MF $(basename $@).d
endif

ALL_CFLAGS = $(OWN_CPPFLAGS) $(CPPFLAGS) $(DEP_CFLAGS) $(OWN_CFLAGS) $(CFLAGS)
LINK = $(LIBTOOL) $(LT_QUIET) --tag=CC --mode=link $(CC) $(OWN_CFLAGS) \
  $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS)
LT_QUIET := $(if $(VERBOSE_LINES),,--silent)

# ---- Library -----------------------------------------------------------------

SRCS := $(LIB_SRCS) $(OS_$(OS)_SRCS) \
  $(if $(filter yes,$(HAVE_URING)),$(URING_SRCS))
LOBJS := $(SRCS:.c=.lo)
TESTLIB_LOBJS := $(patsubst %.c,%.lo,$(TESTLIB_SRCS) \
  $(TESTLIB_FAULTS_$(FAULTS)) \
  $(if $(filter yes,$(HAVE_URING)),$(TESTLIB_URING_SRCS)))
TESTLIB := $(if $(TESTLIB_SRCS),libweir-test.la)
LIBS_LA := libweir.la $(TESTLIB)

ifeq ($(HAVE_VERSION_SCRIPT),yes)
VERSION_SCRIPT := -Wl,--version-script=$(srcdir)/lib/weir.map
endif

all: libraries samples
	@:
libraries: $(LIBS_LA)

# Windows exports what it is told to: marks in headers would export every copy
# of an inline function.
ifeq ($(OS),windows)
EXPORTS := -export-symbols-regex '^weir_[a-z]'
endif

# One rule for each directory: without a slash in the pattern make would look
# for the source in the target's directory. With a new config.mk there may be
# new flags or a new compiler: everything is built anew.
define lt_compile
$(call say,CC)$(MKDIR_P) $(@D)
$(quiet)$(LIBTOOL) $(LT_QUIET) --tag=CC --mode=compile $(CC) -DWEIR_BUILDING \
  $(PRIVATE_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<
endef
lib/%.lo: $(srcdir)/lib/%.c config.mk
	$(lt_compile)
uring/%.lo: $(srcdir)/uring/%.c config.mk
	$(lt_compile)

libweir.la: $(LOBJS) $(srcdir)/lib/weir.map
	$(call say,LINK)
	$(quiet)$(LINK) -no-undefined -version-info $(SO_VERSION) \
	  $(VERSION_SCRIPT) $(EXPORTS) $(DIRECT_LDFLAGS) -rpath $(libdir) \
	  -o $@ $(LOBJS) $(OWN_LIBS) $(LIBS) $(mute)

# All of the library with its hidden symbols, for the unit tests. It is not
# installed.
libweir-core.la: $(LOBJS)
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $(LOBJS) $(OWN_LIBS) $(LIBS) $(mute)

# The same in one shared object, for tests/mutate.sh, which builds with it as
# CORE and with default visibility: what links to it is not linked anew.
libweir-core.so: $(LOBJS)
	$(call say,LINK)
	$(quiet)$(CC) -shared $(INSTRUMENT) -o $@ \
	  $(foreach o,$(LOBJS:.lo=.o),$(dir $o).libs/$(notdir $o)) $(OWN_LIBS)

libweir-test.la: $(TESTLIB_LOBJS)
	$(call say,LINK)
	$(quiet)$(LINK) -static -rpath $(libdir) -o $@ $(TESTLIB_LOBJS)

# ---- Programs ----------------------------------------------------------------

programs = $(patsubst %.c,%$(EXEEXT),$1)
SAMPLES := $(call programs,$(SAMPLES_C))
BENCH := $(if $(filter yes,$(HAVE_URING)),bench/bench$(EXEEXT))
BESIDE := $(call programs,$(BESIDE_C))
WITHOUT := $(WITHOUT_$(OS))
without = $(firstword $(subst :, ,$1))
here = $(call programs,$(filter-out \
  $(foreach w,$(WITHOUT),$(call without,$w).c),$1))
TESTS := $(call here,$(TESTS_C))
FAULTIES := $(call programs,$(FAULTY_C) $(if $(FAULT_QUICK),,$(FAULTY_SLOW_C)))
PLAINS := $(call here,$(PLAIN_C))
TSANS := $(call programs,$(TSAN_C))
FUZZERS := $(call programs,$(FUZZ_C))

# Without Criterion the tests bring what they use of it.
ifneq ($(HAVE_CRITERION),yes)
RUNNER_OBJS := $(patsubst %.c,%.o,$(RUNNER_C) $(RUNNER_$(OS)_C))
CRITERION_CFLAGS := -I$(srcdir)/tests/runner
endif
SUPPORT_OBJS := $(patsubst %.c,%.o,$(SUPPORT_C) $(SUPPORT_$(OS)_C))
PROGRAM_OBJS := $(PROGRAM_C:.c=.o)
MACHINE_OBJS := $(if $(filter yes,$(HAVE_MACHINE)),$(MACHINE_C:.c=.o))
SIMULATE := $(if $(MACHINE_OBJS),$(call programs,$(SIMULATE_C)))
SAMPLES_SUPPORT_OBJS := $(SAMPLES_SUPPORT_C:.c=.o)
BENCH_SUPPORT_OBJS := $(BENCH_SUPPORT_C:.c=.o)
BENCH_OBJS := $(BENCH_C:.c=.o) $(BENCH_SUPPORT_OBJS)
CAST_OBJS := $(CAST_C:.c=.o)
LOG_OBJS := $(LOG_C:.c=.o)
CORE := libweir-core.la
SOAK_OBJS := $(SOAK_C:.c=.o)

# What MemorySanitizer has to be told of libuv.
ifneq ($(filter memory,$(subst $(comma), ,$(SANITIZERS))),)
MSAN_OBJS := $(MSAN_C:.c=.o)
endif
POBJS := $(patsubst %.c,%.o,$(SAMPLES_C) $(TESTS_C) $(PLAIN_C) $(TSAN_C) \
  $(FUZZ_C) $(BESIDE_C)) $(SUPPORT_OBJS) $(SAMPLES_SUPPORT_OBJS) \
  $(PROGRAM_OBJS) $(SOAK_OBJS) $(MSAN_OBJS) $(RUNNER_OBJS) \
  $(sort $(BENCH_OBJS) $(CAST_OBJS)) $(MACHINE_OBJS) $(SIMULATE_C:.c=.o)

define compile
$(call say,CC)$(MKDIR_P) $(@D)
$(quiet)$(CC) $(EXTRA_CPPFLAGS) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
endef
samples/%.o: $(srcdir)/samples/%.c config.mk
	$(compile)
bench/%.o: $(srcdir)/bench/%.c config.mk
	$(compile)
tests/%.o: $(srcdir)/tests/%.c config.mk
	$(compile)

# Criterion finds no test at all in an object built with -flto.
tests/%.o: EXTRA_CFLAGS = -fno-lto
tests/%.o: EXTRA_CPPFLAGS = $(PRIVATE_CPPFLAGS) -I$(srcdir)/tests \
  -I$(srcdir)/tests/support $(CRITERION_CFLAGS)
ifeq ($(OS),windows)
tests/%.o: EXTRA_CPPFLAGS = -DWEIR_STATIC $(PRIVATE_CPPFLAGS) \
  -I$(srcdir)/tests/support/os_windows -include posix.h -I$(srcdir)/tests \
  -I$(srcdir)/tests/support $(CRITERION_CFLAGS) \
  $(call system,$(LIBUV_CFLAGS))
tests/%.o: EXTRA_CFLAGS = -fno-lto -Wno-conversion
tests/runner/%.o: EXTRA_CPPFLAGS = $(PRIVATE_CPPFLAGS) \
  -I$(srcdir)/tests/support $(CRITERION_CFLAGS)
# Else libtool makes of each a program that starts another.
TEST_LINK := -static
endif
bench/%.o: EXTRA_CPPFLAGS = $(PRIVATE_CPPFLAGS)
bench/machine.o: EXTRA_CPPFLAGS = $(PRIVATE_CPPFLAGS) \
  -DLIBURING='"$(shell $(PKG_CONFIG) --modversion liburing)"'
tests/fuzz/%.o: EXTRA_CFLAGS = -fno-lto -fsanitize=fuzzer-no-link

# Samples are what a user writes: they get the installed library's symbols and
# no others.
$(SAMPLES) $(BESIDE): %$(EXEEXT): %.o $(SAMPLES_SUPPORT_OBJS) libweir.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $< $(SAMPLES_SUPPORT_OBJS) libweir.la \
	  $(LIBUV_LIBS) $(THREAD_LIBS) $(LIBS)

bench/bench$(EXEEXT): $(BENCH_OBJS) libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $(filter %.o,$^) libweir-core.la \
	  $(OWN_LIBS) $(THREAD_LIBS) $(LIBS)

$(TESTS): %$(EXEEXT): %.o $(SUPPORT_OBJS) $(RUNNER_OBJS) $(TESTLIB_LOBJS) \
  $(CORE)
	$(call say,LINK)
	$(quiet)$(LINK) $(TEST_LINK) -o $@ $(filter %.o %.lo,$^) $(CORE) \
	  $(CRITERION_LIBS) $(OWN_LIBS) $(THREAD_LIBS) $(LIBS)

tests/test_broadcast$(EXEEXT): $(CAST_OBJS)
tests/test_log$(EXEEXT): $(LOG_OBJS)
tests/test_machine$(EXEEXT): $(MACHINE_OBJS)
tests/test_program$(EXEEXT): $(PROGRAM_OBJS)

$(PLAINS) $(TSANS): %$(EXEEXT): %.o $(MSAN_OBJS) libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $^ $(OWN_LIBS) $(THREAD_LIBS) $(LIBS)

tests/soak/soak$(EXEEXT): $(SOAK_OBJS) $(MSAN_OBJS) libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $^ $(OWN_LIBS) $(THREAD_LIBS) $(LIBS)

$(SIMULATE): %$(EXEEXT): %.o $(MACHINE_OBJS) $(PROGRAM_OBJS) $(TESTLIB_LOBJS) \
  $(CORE)
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $(filter %.o %.lo,$^) $(CORE) $(OWN_LIBS) \
	  $(THREAD_LIBS) $(LIBS)

# Without what stands before functions of the C library: sanitizers do as well.
FUZZ_LOBJS := $(addprefix lib/test/,pair.lo runs.lo script.lo)
$(FUZZERS): %$(EXEEXT): %.o $(FUZZ_LOBJS) libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -fsanitize=fuzzer -o $@ $(filter %.o %.lo,$^) \
	  libweir-core.la $(OWN_LIBS) $(LIBS)

tests/fuzz/loop$(EXEEXT): $(PROGRAM_OBJS)

ifneq ($(DEPENDENCY_TRACKING),no)
-include $(LOBJS:.lo=.d) $(TESTLIB_LOBJS:.lo=.d) $(POBJS:.o=.d)
endif

samples: $(SAMPLES)
tests: $(TESTS) $(PLAINS) $(SIMULATE)
programs: all tests $(BENCH) $(BESIDE) $(TSANS)

# ---- Tests -------------------------------------------------------------------

HARDENING := $(HARDENING_CFLAGS) $(HARDENING_LDFLAGS) $(DIRECT_LDFLAGS) \
  $(if $(filter yes,$(FORTIFY)),_FORTIFY_SOURCE)
TEST_ENV := srcdir='$(srcdir)' CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' \
  NM='$(NM)' PKG_CONFIG='$(PKG_CONFIG)' HARDENING='$(HARDENING)' \
  LIBUV_CFLAGS='$(call system,$(LIBUV_CFLAGS))' \
  PRIVATE_CPPFLAGS='$(PRIVATE_CPPFLAGS)' HAVE_URING='$(HAVE_URING)' \
  PUBLIC_HDRS='$(PUBLIC_HDRS)' TESTLIB_HDRS='$(TESTLIB_HDRS)' \
  MAN3='$(MAN3)' MAN7='$(MAN7)' \
  LINK='$(LINK) $(OWN_CPPFLAGS) $(CPPFLAGS)' \
  LINK_LIBS='$(TESTLIB_LOBJS) libweir-core.la $(OWN_LIBS) $(THREAD_LIBS) \
  $(LIBS)'
RUN := $(TEST_ENV) $(SHELL) $(srcdir)/tests/run.sh

NO_SIMULATE := skip:simulate:without-io_uring-or-swapcontext

check check-all: libraries libweir-core.la samples tests $(BENCH)
ifeq ($(CROSS)$(TEST_WRAPPER),yes)
	@echo '$@: built, not run: set TEST_WRAPPER to run the programs'
else
	@$(RUN) $(TESTS) $(PLAINS) $(or $(SIMULATE),$(NO_SIMULATE)) \
	  $(WITHOUT:tests/%=skip:%) \
	  $(addprefix $(srcdir)/,$(CHECKS_SH) \
	    $(if $(filter %-all,$@),$(CHECKS_ALL_SH)) $(SMOKE_SH))
endif

test: check

# Every case of what the quick form in check tries some of.
check-faults: libraries samples
	@FAULTS=all $(RUN) $(srcdir)/tests/smoke-faults.sh

# The sample wal killed, KILLS times: no record that was answered is lost.
wal-kills: libraries samples
	@WAL_KILLS='$(or $(KILLS),500)' TEST_TIMEOUT=3000 $(RUN) \
	  $(srcdir)/tests/smoke-wal.sh

# As on older kernels, and where io_uring or something else is denied.
check-profiles check-profiles-quick: libraries libweir-core.la samples tests
	@$(TEST_ENV) $(SHELL) $(srcdir)/tests/profiles.sh \
	  $(if $(filter %-quick,$@),--quick) $(TESTS) $(PLAINS) \
	  $(addprefix $(srcdir)/,$(SMOKE_SH))

check-examples: libweir-core.la $(TESTLIB_LOBJS)
check-abi: libweir.la libweir-core.la
check-elf: libweir.la
check-style: check-structure
check-abi check-docs check-elf check-examples check-headers check-readme \
check-structure check-style:
	@$(TEST_ENV) $(SHELL) $(srcdir)/tests/$@.sh

# After a function or a member was added: makes tests/abi.txt what there is.
update-abi: libweir.la
	@$(TEST_ENV) $(SHELL) $(srcdir)/tests/check-abi.sh --update

# $(call variant,NAME,CONFIGURE FLAGS,GOAL): a build of its own in out/NAME.
define variant
@$(MKDIR_P) out/$1
@cd out/$1 && { test config.mk -nt $(abs_builddir)/config.mk || \
  $(abs_srcdir)/configure -q --disable-shared $2; }
@cd out/$1 && $(MAKE) $3
endef

# What valgrind can: it does not see what a ring writes, and no other thread
# runs while one sleeps there.
VALGRIND_TESTS ?= cancel gather pace pool
VALGRIND := valgrind -q --trace-children=yes --error-exitcode=99 \
  --undef-value-errors=no --leak-check=no
check-valgrind: $(VALGRIND_TESTS:%=tests/test_%$(EXEEXT))
	@TEST_WRAPPER='$(VALGRIND)' WEIR_WAIT=uv $(RUN) $^

# Programs that misuse nothing, in debug mode, where the first report ends them.
DEBUG_TESTS ?= file_all gather lease_crowd read write
GUARD_TESTS ?= chain_lease lease lease_lent reader
check-debug: $(DEBUG_TESTS:%=tests/test_%$(EXEEXT))
check-debug: $(GUARD_TESTS:%=tests/test_%$(EXEEXT))
	@WEIR_DEBUG=abort $(RUN) $(DEBUG_TESTS:%=tests/test_%$(EXEEXT))
	@WEIR_DEBUG=guard $(RUN) $(GUARD_TESTS:%=tests/test_%$(EXEEXT))

ifeq ($(TSAN_C),)
check-tsan:
	@echo 'check-tsan: there is no such test'
else ifneq ($(filter thread,$(subst $(comma), ,$(SANITIZERS))),)
check-tsan: $(TSANS)
	@$(RUN) $(TSANS)
else
check-tsan:
	$(call variant,tsan,CC='$(CC)' --enable-sanitizers=thread \
	  --without-criterion,check-tsan)
endif

# Those that can do without Criterion, which is not built for it, and without
# libuv's functions of their own. What ends a program is not to be taken for a
# skipped test.
MSAN_CC ?= clang
ifneq ($(MSAN_OBJS),)
check-msan: export MSAN_OPTIONS := exitcode=1
MSAN_FUZZERS := $(filter-out tests/fuzz/loop$(EXEEXT),$(FUZZERS))
check-msan: $(TSANS) $(MSAN_FUZZERS) tests/soak/soak$(EXEEXT)
	@$(RUN) $(TSANS)
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/fuzz.sh 5 $(MSAN_FUZZERS)
	@tests/soak/soak --seconds=12 --connections=200 --crowd=200
else
check-msan:
	$(call variant,msan,CC='$(MSAN_CC)' CFLAGS='-O1 -g' \
	  --enable-sanitizers=fuzzer-no-link$(comma)memory \
	  --without-criterion,check-msan)
endif

# The unit tests alone: scripts try the samples, and what counts lines needs
# memory and a place to write to, which they take away.
ifeq ($(COVERAGE),yes)
coverage: libweir-core.la tests
	@find lib uring -name '*.gcda' -exec rm -f {} +
	@$(RUN) $(TESTS) $(PLAINS)
	@CC='$(CC)' $(SHELL) $(srcdir)/scripts/coverage.sh \
	  $(addprefix $(srcdir)/,$(SRCS))
else
coverage:
	$(call variant,coverage,CC='$(CC)' CFLAGS=-O0 --enable-coverage \
	  --without-criterion,coverage)
endif

FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
ifeq ($(FUZZ_C),)
fuzz:
	@echo 'fuzz: there is no fuzzer'
else ifneq ($(findstring fuzzer,$(SANITIZERS)),)
fuzz: $(FUZZERS)
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/fuzz.sh $(FUZZ_SECONDS) \
	  $(FUZZERS)
else
fuzz:
	$(call variant,fuzz,CC='$(FUZZ_CC)' CFLAGS='-O1 -g' \
	  --enable-sanitizers=fuzzer-no-link$(comma)address$(comma)undefined \
	  --without-criterion,fuzz)
endif

# Tests of streams and files over faults at random; see faulty.sh.
check-faulty: $(FAULTIES)
	@$(TEST_ENV) FAULT_RUNS='$(FAULT_RUNS)' $(SHELL) \
	  $(srcdir)/tests/faulty.sh $(FAULTIES)

# Random programs in a simulated kernel; see simulate.sh.
simulate: $(SIMULATE)
	@$(SHELL) $(srcdir)/tests/simulate.sh $(SIMULATE)

# Whether the simulation finds faults that were mended: simulate-notices.sh.
simulate-notices:
	@srcdir='$(srcdir)' CC='$(CC)' MAKE='$(MAKE)' $(SHELL) \
	  $(srcdir)/tests/simulate-notices.sh

# libuv's own tests, with weir attached to every loop.
check-libuv: libweir.la
	@$(TEST_ENV) $(SHELL) $(srcdir)/tests/libuv-suite/run || \
	  { status=$$?; [ $$status -eq 77 ] || exit $$status; }

# On other systems, as far as this machine can be like one; see ports/run.
check-ports:
	@$(SHELL) $(srcdir)/tests/ports/run $(PORTS)

# Connections come and go, and then nothing may have grown.
soak: tests/soak/soak$(EXEEXT)
	@$< $(if $(SECONDS),--seconds=$(SECONDS)) \
	  $(if $(CONNECTIONS),--connections=$(CONNECTIONS)) \
	  $(if $(CROWD),--crowd=$(CROWD)) $(if $(SEED),--seed=$(SEED))

# Which changes of the library the tests would not notice; see mutate.sh.
mutate:
	@srcdir='$(srcdir)' CC='$(CC)' MAKE='$(MAKE)' $(SHELL) \
	  $(srcdir)/tests/mutate.sh $(or $(FILES),$(SRCS))

# A dozen of them, always the same, where errors are dealt with; asked are the
# tests that make most of them. For each merge.
QUICK_SRCS := lib/cancel.c lib/close.c lib/os_unix.c lib/os_unix_socket.c \
  lib/read.c lib/socket.c lib/start.c lib/stream.c lib/write.c \
  uring/cancel.c uring/net.c uring/reap.c uring/stream.c uring/submit.c
QUICK_TESTS := test_again test_cancel test_connect test_edges test_forged \
  test_kind test_os test_program test_refused test_schedules test_write_try
mutate-quick:
	@$(MAKE) --no-print-directory mutate AIMED=yes MUTANTS=9 SEED=1 \
	  FLOOR=75 FILES='$(filter $(SRCS),$(QUICK_SRCS))' ASK='$(QUICK_TESTS)'

demo: samples
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/samples/demo.sh

bench-instructions: $(BENCH)
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/bench/instructions.sh

# BENCHFLAGS: as --quick, or names of workloads; without instructions then.
BENCH_COUNTED := --instructions out/bench/instructions
ifeq ($(BENCH),)
bench bench-docs:
	@echo '$@: this build has no io_uring to compare with'
else
bench: $(BENCH) $(if $(BENCHFLAGS),,bench-instructions)
	@$(BENCH) $(BENCHFLAGS) $(if $(BENCHFLAGS),,$(BENCH_COUNTED))

# All of it, into docs/performance.md and its graphs. NOTE: a sentence on the
# machine.
bench-docs: $(BENCH) bench-instructions
	@$(BENCH) --rounds 7 $(BENCH_COUNTED) --json out/bench/results.json \
	  $(BENCHFLAGS)
	@NOTE='$(NOTE)' $(SHELL) $(srcdir)/bench/docs.sh \
	  out/bench/results.json $(srcdir)/docs
endif

# The sample respd beside the same on plain libuv and beside redis-server.
bench-respd: samples $(BESIDE)
	@$(SHELL) $(srcdir)/bench/respd.sh

# The sample httpd beside nginx with one worker.
bench-httpd: samples
	@$(SHELL) $(srcdir)/bench/httpd.sh

# A file is read and copied, beside cat, cp and dd. DIR: where it lies.
bench-disk: samples $(BESIDE)
	@$(SHELL) $(srcdir)/bench/disk.sh

# The sample relay beside nginx, haproxy and hddemux; with topping up and
# without.
bench-relay: samples $(BESIDE)
	@$(SHELL) $(srcdir)/bench/relay.sh
	@$(SHELL) $(srcdir)/bench/topup.sh

# Compiles a program against what is installed, as a packager's test.
installcheck:
	@$(TEST_ENV) CFLAGS='$(CFLAGS) $(INSTRUMENT)' LDFLAGS='$(LDFLAGS)' \
	  TEST_WRAPPER='$(TEST_WRAPPER)' \
	  $(SHELL) $(srcdir)/scripts/installcheck.sh '$(DESTDIR)' \
	  '$(includedir)' '$(libdir)' '$(pkgconfigdir)' '$(mandir)'

# ---- Install -----------------------------------------------------------------

INSTALL_HDRS := $(PUBLIC_HDRS) $(TESTLIB_HDRS)
PCS := weir.pc $(if $(TESTLIB),weir-test.pc)

# What else the pages are to be found under, with the page: "NAME PAGE".
man_names = awk -f $(srcdir)/scripts/man-names.awk \
  $(addprefix $(srcdir)/,$(MAN3))

say_ldconfig = @printf '%s\n' \
  'So that programs find the shared library, run ldconfig as root; where it' \
  'does not look, set LD_LIBRARY_PATH=$(libdir) for them.'

install: libraries
	$(call say,INSTALL,'$(DESTDIR)$(libdir)')$(MKDIR_P) \
	  '$(DESTDIR)$(libdir)' '$(DESTDIR)$(pkgconfigdir)'
	$(quiet)for la in $(LIBS_LA); do $(call muted,$(LIBTOOL) $(LT_QUIET) \
	  --mode=install $(INSTALL) $$la '$(DESTDIR)$(libdir)') || exit 1; done
	$(quiet)$(INSTALL_DATA) $(PCS) '$(DESTDIR)$(pkgconfigdir)'
	$(call say,INSTALL,'$(DESTDIR)$(includedir)')$(MKDIR_P) \
	  '$(DESTDIR)$(includedir)/weir'
	$(quiet)for h in $(INSTALL_HDRS); do $(INSTALL_DATA) $(srcdir)/$$h \
	  '$(DESTDIR)$(includedir)/'$${h#include/} || exit 1; done
	$(call say,INSTALL,'$(DESTDIR)$(mandir)')$(MKDIR_P) \
	  '$(DESTDIR)$(mandir)/man3' '$(DESTDIR)$(mandir)/man7'
	$(quiet)for m in $(MAN3) $(MAN7); do $(INSTALL_DATA) $(srcdir)/$$m \
	  '$(DESTDIR)$(mandir)/man'$${m##*.} || exit 1; done
	$(quiet)names=$$($(man_names)) && echo "$$names" | \
	  while read -r name page; do \
	  link='$(DESTDIR)$(mandir)/man3/'$$name.3; rm -f "$$link" && \
	  echo ".so man3/$$page" >"$$link" && chmod 644 "$$link" || \
	  exit 1; done
	$(if $(DESTDIR)$(filter no,$(ENABLE_SHARED)),,$(say_ldconfig))

uninstall:
	$(call say,REMOVE,'$(DESTDIR)$(libdir)')for la in $(LIBS_LA); do \
	  $(call muted,$(LIBTOOL) $(LT_QUIET) --mode=uninstall \
	  rm -f '$(DESTDIR)$(libdir)/'$$la) || exit 1; done
	$(quiet)cd '$(DESTDIR)$(pkgconfigdir)' && rm -f $(PCS)
	$(call say,REMOVE,'$(DESTDIR)$(includedir)')cd \
	  '$(DESTDIR)$(includedir)' && rm -f $(INSTALL_HDRS:include/%=%)
	$(quiet)-rmdir '$(DESTDIR)$(includedir)/weir'
	$(call say,REMOVE,'$(DESTDIR)$(mandir)')cd '$(DESTDIR)$(mandir)' && \
	  rm -f $(MAN3:man/%=man3/%) $(MAN7:man/%=man7/%)
	$(quiet)names=$$($(man_names)) && echo "$$names" | \
	  while read -r name page; do \
	  rm -f '$(DESTDIR)$(mandir)/man3/'$$name.3 || exit 1; done

# ---- Clean -------------------------------------------------------------------

CLEAN_DIRS := . lib lib/test uring tests tests/fuzz tests/machine \
  tests/program tests/runner tests/soak tests/support samples bench

clean:
	for d in $(CLEAN_DIRS); do rm -rf $$d/.libs $$d/*.o $$d/*.lo $$d/*.la \
	  $$d/*.d $$d/*.gcno $$d/*.gcda; done
	rm -f $(call programs,$(SAMPLES_C) bench/bench.c $(BESIDE_C) \
	  $(TESTS_C) $(PLAIN_C) $(TSAN_C) $(FUZZ_C) $(SIMULATE_C)) \
	  tests/soak/soak$(EXEEXT)
	rm -rf out

distclean: clean
	rm -f config.mk config.h config.status config.log libtool weir.pc \
	  weir-test.pc
	rm -rf autom4te.cache
	if test -h Makefile; then rm -f Makefile; fi

# ---- Release -----------------------------------------------------------------

dist:
	@$(SHELL) $(srcdir)/scripts/dist.sh '$(CURDIR)'

verify-dist:
	@$(SHELL) $(srcdir)/scripts/verify-dist.sh '$(TARBALL)'

distcheck: dist
	@MAKE='$(MAKE)' $(SHELL) $(srcdir)/scripts/distcheck.sh \
	  weir-$(PACKAGE_VERSION) $(DISTCHECK_CONFIGURE_FLAGS)

define HELP
  all             the library and the samples (the default)
  check, test     build and run the tests; TESTFLAGS, TEST_WRAPPER
  check-all       and the checks of documents, style and hardening
  check-abi       symbols, sizes, offsets   update-abi      write that list
  check-docs      man pages                 check-examples  the programs there
  check-headers   headers compile           check-readme    the programs there
  check-structure  who may know of whom     check-style     and layout, licence
  check-elf       direct calls, flags
  check-tsan      threads, under ThreadSanitizer
  check-msan      programs and fuzzers, under MemorySanitizer
  check-valgrind  a part of the unit tests, under valgrind
  coverage        what the unit tests reach; fails if that is too little
  check-debug     a part of the unit tests, in debug mode
  check-faulty    tests over faults at random, FAULT_RUNS (3) times
  fuzz            run each fuzzer for FUZZ_SECONDS (60)
  wal-kills       KILLS (500) times, samples/wal while it writes
  check-faults    the samples while calls fail and packets are lost
  check-profiles  as on older kernels, and with io_uring and others denied
  check-libuv     libuv's own tests, with weir attached
  check-ports     builds for other systems, and their tests; PORTS
  soak            SECONDS (600) of connections that come and go
  simulate        SEEDS (1000000) random programs in a simulated kernel
  simulate-notices  whether it finds faults that were mended
  mutate          which of MUTANTS (40) changes of FILES no test would notice
  mutate-quick    the same of a dozen, and few tests
  demo            see it work on real sockets and files
  bench           measure against plain libuv and raw liburing; BENCHFLAGS
  bench-instructions  count those of operations, searches and copies
  bench-docs      measure all of it for docs/performance.md
  bench-respd     samples/respd beside redis-server, by redis-benchmark
  bench-disk      a file read and copied, beside cat, cp and dd; DIR
  bench-httpd     samples/httpd beside nginx, by wrk
  bench-relay     samples/relay beside nginx, haproxy and hddemux
  install         to prefix, below DESTDIR  uninstall       the reverse
  installcheck    use what is installed
  clean           what make made            distclean       configure's too
  dist            the source tarballs       distcheck       and try them
  verify-dist     compare TARBALL with what dist makes of this commit
  V=1 shows whole command lines.
endef

help:
	$(info $(HELP))@:

.PHONY: all bench bench-disk bench-docs bench-httpd bench-instructions \
  bench-relay bench-respd check check-abi check-all check-debug check-docs \
  check-elf check-examples check-faults check-faulty check-headers \
  check-libuv check-msan check-ports check-profiles check-profiles-quick \
  check-readme check-structure check-style check-tsan check-valgrind clean \
  coverage demo dist distcheck distclean fuzz help install installcheck \
  libraries mutate mutate-quick programs samples simulate simulate-notices \
  soak test tests uninstall update-abi verify-dist wal-kills
