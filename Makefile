# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# For GNU make. configure writes config.mk; a bare `make` in a fresh clone runs
# autoreconf and configure by itself. `make help` lists the goals.

# ---- Lists -------------------------------------------------------------------
# Sorted, one line for each file: adding a file is adding a line.

PUBLIC_HDRS += include/weir.h
PUBLIC_HDRS += include/weir/alloc.h
PUBLIC_HDRS += include/weir/buffer.h
PUBLIC_HDRS += include/weir/export.h
PUBLIC_HDRS += include/weir/file.h
PUBLIC_HDRS += include/weir/kind.h
PUBLIC_HDRS += include/weir/loop.h
PUBLIC_HDRS += include/weir/op.h
PUBLIC_HDRS += include/weir/pool.h
PUBLIC_HDRS += include/weir/seq.h
PUBLIC_HDRS += include/weir/stream.h
PUBLIC_HDRS += include/weir/until.h
PUBLIC_HDRS += include/weir/version.h

LIB_SRCS += lib/adopt.c
LIB_SRCS += lib/alloc.c
LIB_SRCS += lib/attach.c
LIB_SRCS += lib/buffer.c
LIB_SRCS += lib/buffer_block.c
LIB_SRCS += lib/buffer_chain.c
LIB_SRCS += lib/buffer_flat.c
LIB_SRCS += lib/buffer_mirror.c
LIB_SRCS += lib/buffer_ring.c
LIB_SRCS += lib/buffer_splice.c
LIB_SRCS += lib/cancel.c
LIB_SRCS += lib/close.c
LIB_SRCS += lib/file.c
LIB_SRCS += lib/flush.c
LIB_SRCS += lib/hooks.c
LIB_SRCS += lib/loop.c
LIB_SRCS += lib/op.c
LIB_SRCS += lib/os_unix.c
LIB_SRCS += lib/owner.c
LIB_SRCS += lib/pool.c
LIB_SRCS += lib/read.c
LIB_SRCS += lib/read_cond.c
LIB_SRCS += lib/seq.c
LIB_SRCS += lib/seq_cursor.c
LIB_SRCS += lib/seq_find.c
LIB_SRCS += lib/seq_mutable.c
LIB_SRCS += lib/seq_window.c
LIB_SRCS += lib/settle.c
LIB_SRCS += lib/slab.c
LIB_SRCS += lib/socket.c
LIB_SRCS += lib/stream.c
LIB_SRCS += lib/until.c
LIB_SRCS += lib/uv_backend.c
LIB_SRCS += lib/uv_file.c
LIB_SRCS += lib/uv_net.c
LIB_SRCS += lib/uv_stream.c
LIB_SRCS += lib/version.c
LIB_SRCS += lib/write.c

# With io_uring only: uring/*.c.
URING_SRCS += uring/file.c
URING_SRCS += uring/kernel.c
URING_SRCS += uring/memory.c
URING_SRCS += uring/net.c
URING_SRCS += uring/reap.c
URING_SRCS += uring/request.c
URING_SRCS += uring/setup.c
URING_SRCS += uring/stream.c
URING_SRCS += uring/submit.c
URING_SRCS += uring/uring.c
URING_SRCS += uring/wait.c
URING_SRCS += uring/writable.c

# The static library for users' own tests: lib/test/*.c and their header.
TESTLIB_SRCS += lib/test/pair.c
TESTLIB_SRCS += lib/test/runs.c
TESTLIB_SRCS += lib/test/script.c
TESTLIB_HDRS += include/weir/test.h

# Criterion files, each a program of its own, and what they share.
TESTS_C += tests/test_adopt.c
TESTS_C += tests/test_alloc.c
TESTS_C += tests/test_alloc_ops.c
TESTS_C += tests/test_at_once.c
TESTS_C += tests/test_attach.c
TESTS_C += tests/test_beside.c
TESTS_C += tests/test_broadcast.c
TESTS_C += tests/test_broken_ring.c
TESTS_C += tests/test_buffer.c
TESTS_C += tests/test_buffer_chain.c
TESTS_C += tests/test_buffer_model.c
TESTS_C += tests/test_busy.c
TESTS_C += tests/test_cancel.c
TESTS_C += tests/test_close.c
TESTS_C += tests/test_connect.c
TESTS_C += tests/test_embed.c
TESTS_C += tests/test_fair.c
TESTS_C += tests/test_fallback.c
TESTS_C += tests/test_file.c
TESTS_C += tests/test_file_wait.c
TESTS_C += tests/test_fork.c
TESTS_C += tests/test_fork_callback.c
TESTS_C += tests/test_fork_outstanding.c
TESTS_C += tests/test_half_closed.c
TESTS_C += tests/test_kind.c
TESTS_C += tests/test_loop.c
TESTS_C += tests/test_many.c
TESTS_C += tests/test_move.c
TESTS_C += tests/test_move_all.c
TESTS_C += tests/test_no_buffers.c
TESTS_C += tests/test_pace.c
TESTS_C += tests/test_pool.c
TESTS_C += tests/test_random.c
TESTS_C += tests/test_read.c
TESTS_C += tests/test_read_cond.c
TESTS_C += tests/test_reset.c
TESTS_C += tests/test_same.c
TESTS_C += tests/test_seq.c
TESTS_C += tests/test_seq_big.c
TESTS_C += tests/test_seq_find.c
TESTS_C += tests/test_seq_model.c
TESTS_C += tests/test_seq_window.c
TESTS_C += tests/test_thread.c
TESTS_C += tests/test_toolkit.c
TESTS_C += tests/test_turn.c
TESTS_C += tests/test_unix.c
TESTS_C += tests/test_until.c
TESTS_C += tests/test_until_cuts.c
TESTS_C += tests/test_vain.c
TESTS_C += tests/test_version.c
TESTS_C += tests/test_wait.c
TESTS_C += tests/test_write.c
TESTS_C += tests/test_write_cond.c
TESTS_C += tests/test_write_now.c
TESTS_C += tests/test_write_try.c

SUPPORT_C += tests/support/alloc.c
SUPPORT_C += tests/support/box.c
SUPPORT_C += tests/support/busy.c
SUPPORT_C += tests/support/child.c
SUPPORT_C += tests/support/deny.c
SUPPORT_C += tests/support/fixture.c
SUPPORT_C += tests/support/gate.c
SUPPORT_C += tests/support/guard.c
SUPPORT_C += tests/support/net.c
SUPPORT_C += tests/support/scratch.c
SUPPORT_C += tests/support/script.c
SUPPORT_C += tests/support/scripted.c
SUPPORT_C += tests/support/worker.c

# Programs with a main(), plain and for ThreadSanitizer: exit status 0, 1 or 77.
PLAIN_C += tests/secure_env.c

TSAN_C += tests/tsan_files.c
TSAN_C += tests/tsan_loops.c
TSAN_C += tests/tsan_moves.c

# libFuzzer targets: tests/fuzz/NAME.c, their inputs in tests/fuzz/corpus-NAME/.
FUZZ_C += tests/fuzz/buffer.c
FUZZ_C += tests/fuzz/seq.c
FUZZ_C += tests/fuzz/until.c

# Scripts that are tests: exit status 0, 1 or 77 (skipped).
CHECKS_SH += tests/check-abi.sh
CHECKS_SH += tests/check-headers.sh

# For make check-all only: documents, style, and what the packager's own flags
# may change.
CHECKS_ALL_SH += tests/check-docs.sh
CHECKS_ALL_SH += tests/check-elf.sh
CHECKS_ALL_SH += tests/check-examples.sh
CHECKS_ALL_SH += tests/check-readme.sh
CHECKS_ALL_SH += tests/check-style.sh

SMOKE_SH += tests/smoke-adopt.sh
SMOKE_SH += tests/smoke-cp.sh
SMOKE_SH += tests/smoke-echo.sh
SMOKE_SH += tests/smoke-readme.sh
SMOKE_SH += tests/smoke-relay.sh
SMOKE_SH += tests/smoke-scarce.sh

SAMPLES_C += samples/adopt.c
SAMPLES_C += samples/cp.c
SAMPLES_C += samples/demo_peer.c
SAMPLES_C += samples/echo.c
SAMPLES_C += samples/relay.c

SAMPLES_SUPPORT_C += samples/address.c
SAMPLES_SUPPORT_C += samples/common.c
SAMPLES_SUPPORT_C += samples/copy.c
SAMPLES_SUPPORT_C += samples/counts.c
SAMPLES_SUPPORT_C += samples/dial.c
SAMPLES_SUPPORT_C += samples/flow.c
SAMPLES_SUPPORT_C += samples/message.c
SAMPLES_SUPPORT_C += samples/options.c
SAMPLES_SUPPORT_C += samples/pair.c
SAMPLES_SUPPORT_C += samples/pattern.c
SAMPLES_SUPPORT_C += samples/plain.c
SAMPLES_SUPPORT_C += samples/progress.c
SAMPLES_SUPPORT_C += samples/server.c
SAMPLES_SUPPORT_C += samples/source.c
SAMPLES_SUPPORT_C += samples/target.c

BENCH_C += bench/echo_uv.c
BENCH_C += bench/instr.c

# With io_uring only.
BENCH_URING_C += bench/broadcast.c
BENCH_URING_C += bench/client.c
BENCH_URING_C += bench/cp_uring.c

BENCH_SUPPORT_C += samples/address.c
BENCH_SUPPORT_C += samples/common.c
BENCH_SUPPORT_C += samples/message.c
BENCH_SUPPORT_C += samples/options.c

# The server of bench/broadcast.c and tests/test_broadcast.c; its clients there.
CAST_C += bench/calls.c
CAST_C += bench/cast.c
CROWD_C += bench/crowd.c

MAN3 += man/weir_accept.3
MAN3 += man/weir_adopt.3
MAN3 += man/weir_all.3
MAN3 += man/weir_at_least.3
MAN3 += man/weir_backend_name.3
MAN3 += man/weir_buffer.3
MAN3 += man/weir_buffer_capacity.3
MAN3 += man/weir_buffer_commit.3
MAN3 += man/weir_buffer_consume.3
MAN3 += man/weir_buffer_data.3
MAN3 += man/weir_buffer_hold.3
MAN3 += man/weir_buffer_max_size.3
MAN3 += man/weir_buffer_prepare.3
MAN3 += man/weir_buffer_prepared.3
MAN3 += man/weir_buffer_put.3
MAN3 += man/weir_buffer_reset.3
MAN3 += man/weir_buffer_shrink.3
MAN3 += man/weir_buffer_size.3
MAN3 += man/weir_buffer_unhold.3
MAN3 += man/weir_cancel.3
MAN3 += man/weir_chain_adopt.3
MAN3 += man/weir_chain_append.3
MAN3 += man/weir_chain_init.3
MAN3 += man/weir_chain_pullup.3
MAN3 += man/weir_chain_split.3
MAN3 += man/weir_close.3
MAN3 += man/weir_close_reset.3
MAN3 += man/weir_exactly.3
MAN3 += man/weir_file_close.3
MAN3 += man/weir_file_fsync.3
MAN3 += man/weir_file_open.3
MAN3 += man/weir_file_pread.3
MAN3 += man/weir_file_pwrite.3
MAN3 += man/weir_file_result.3
MAN3 += man/weir_fileno.3
MAN3 += man/weir_flat_init.3
MAN3 += man/weir_flat_init_fixed.3
MAN3 += man/weir_getpeername.3
MAN3 += man/weir_getsockname.3
MAN3 += man/weir_is_closing.3
MAN3 += man/weir_kind.3
MAN3 += man/weir_listen.3
MAN3 += man/weir_loop_attach.3
MAN3 += man/weir_loop_backend.3
MAN3 += man/weir_loop_detach.3
MAN3 += man/weir_loop_fallback_reason.3
MAN3 += man/weir_loop_fork.3
MAN3 += man/weir_loop_stats.3
MAN3 += man/weir_loop_uv.3
MAN3 += man/weir_loop_wait.3
MAN3 += man/weir_mseq_advance.3
MAN3 += man/weir_mseq_block.3
MAN3 += man/weir_mseq_bufs.3
MAN3 += man/weir_mseq_chain.3
MAN3 += man/weir_mseq_concat.3
MAN3 += man/weir_mseq_count.3
MAN3 += man/weir_mseq_empty.3
MAN3 += man/weir_mseq_iterator.3
MAN3 += man/weir_mseq_next.3
MAN3 += man/weir_mseq_pinned.3
MAN3 += man/weir_mseq_prefix.3
MAN3 += man/weir_mseq_ring.3
MAN3 += man/weir_mseq_size.3
MAN3 += man/weir_mseq_slice.3
MAN3 += man/weir_mseq_suffix.3
MAN3 += man/weir_mseq_window.3
MAN3 += man/weir_owns_handle.3
MAN3 += man/weir_pipe_bind.3
MAN3 += man/weir_pipe_connect.3
MAN3 += man/weir_pipe_init.3
MAN3 += man/weir_pipe_open.3
MAN3 += man/weir_pool_acquire.3
MAN3 += man/weir_pool_available.3
MAN3 += man/weir_pool_buffer_size.3
MAN3 += man/weir_pool_count.3
MAN3 += man/weir_pool_create.3
MAN3 += man/weir_pool_destroy.3
MAN3 += man/weir_pool_release.3
MAN3 += man/weir_pool_source.3
MAN3 += man/weir_pool_status.3
MAN3 += man/weir_read.3
MAN3 += man/weir_read_now.3
MAN3 += man/weir_read_some.3
MAN3 += man/weir_read_to_end.3
MAN3 += man/weir_read_until.3
MAN3 += man/weir_replace_allocator.3
MAN3 += man/weir_ring_init.3
MAN3 += man/weir_ring_init_fixed.3
MAN3 += man/weir_ring_is_mirrored.3
MAN3 += man/weir_search.3
MAN3 += man/weir_search_feed.3
MAN3 += man/weir_search_init.3
MAN3 += man/weir_seq.3
MAN3 += man/weir_seq_advance.3
MAN3 += man/weir_seq_block.3
MAN3 += man/weir_seq_bufs.3
MAN3 += man/weir_seq_byte.3
MAN3 += man/weir_seq_chain.3
MAN3 += man/weir_seq_compare.3
MAN3 += man/weir_seq_concat.3
MAN3 += man/weir_seq_copy.3
MAN3 += man/weir_seq_count.3
MAN3 += man/weir_seq_cursor.3
MAN3 += man/weir_seq_cursor_byte.3
MAN3 += man/weir_seq_cursor_load.3
MAN3 += man/weir_seq_cursor_offset.3
MAN3 += man/weir_seq_cursor_read.3
MAN3 += man/weir_seq_cursor_rest.3
MAN3 += man/weir_seq_empty.3
MAN3 += man/weir_seq_find.3
MAN3 += man/weir_seq_find_byte.3
MAN3 += man/weir_seq_from.3
MAN3 += man/weir_seq_iterator.3
MAN3 += man/weir_seq_load.3
MAN3 += man/weir_seq_next.3
MAN3 += man/weir_seq_pinned.3
MAN3 += man/weir_seq_prefix.3
MAN3 += man/weir_seq_ring.3
MAN3 += man/weir_seq_size.3
MAN3 += man/weir_seq_slice.3
MAN3 += man/weir_seq_suffix.3
MAN3 += man/weir_seq_window.3
MAN3 += man/weir_stream.3
MAN3 += man/weir_stream_close_done.3
MAN3 += man/weir_stream_impl.3
MAN3 += man/weir_stream_init.3
MAN3 += man/weir_stream_loop.3
MAN3 += man/weir_stream_queued.3
MAN3 += man/weir_stream_read_done.3
MAN3 += man/weir_stream_read_window.3
MAN3 += man/weir_stream_write_done.3
MAN3 += man/weir_tcp_bind.3
MAN3 += man/weir_tcp_connect.3
MAN3 += man/weir_tcp_init.3
MAN3 += man/weir_tcp_nodelay.3
MAN3 += man/weir_tcp_open.3
MAN3 += man/weir_test.3
MAN3 += man/weir_test_call.3
MAN3 += man/weir_test_calls.3
MAN3 += man/weir_test_count.3
MAN3 += man/weir_test_delivered.3
MAN3 += man/weir_test_each_failure.3
MAN3 += man/weir_test_failed.3
MAN3 += man/weir_test_msplits2.3
MAN3 += man/weir_test_msplits3.3
MAN3 += man/weir_test_pair.3
MAN3 += man/weir_test_splits2.3
MAN3 += man/weir_test_splits3.3
MAN3 += man/weir_test_stream.3
MAN3 += man/weir_test_stream_free.3
MAN3 += man/weir_test_written.3
MAN3 += man/weir_until_byte.3
MAN3 += man/weir_until_bytes.3
MAN3 += man/weir_until_match.3
MAN3 += man/weir_version.3
MAN3 += man/weir_version_string.3
MAN3 += man/weir_when.3
MAN3 += man/weir_write.3
MAN3 += man/weir_write_at_least.3
MAN3 += man/weir_write_eof.3
MAN3 += man/weir_write_now.3
MAN3 += man/weir_write_some.3
MAN3 += man/weir_write_try.3

MAN7 += man/weir.7

comma := ,

# ---- Configuration -----------------------------------------------------------

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:

# Goals that have to work before configure has run.
NOCONF := clean distclean dist verify-dist help
ifneq ($(filter-out $(NOCONF),$(or $(MAKECMDGOALS),all)),)
include config.mk
else
-include $(wildcard config.mk)
endif
srcdir ?= .
MKDIR_P ?= mkdir -p

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
OWN_CPPFLAGS := -I. -I$(srcdir)/include $(call system,$(LIBUV_CFLAGS))
OWN_CFLAGS := -std=gnu11 -fvisibility=hidden $(HARDENING_CFLAGS) \
  $(WARNINGS) $(INSTRUMENT)
OWN_LDFLAGS := $(HARDENING_LDFLAGS) $(INSTRUMENT)
OWN_LIBS := $(LIBUV_LIBS) $(LIBURING_LIBS)

# For what sees the inside of the library. config.h has to come before every
# header of the system.
PRIVATE_CPPFLAGS := -include config.h -I$(srcdir)/lib \
  $(call system,$(LIBURING_CFLAGS))

ifneq ($(DEPENDENCY_TRACKING),no)
DEP_CFLAGS = -MMD -MP -MT $@ -MF $(basename $@).d
endif

ALL_CFLAGS = $(OWN_CPPFLAGS) $(CPPFLAGS) $(DEP_CFLAGS) $(OWN_CFLAGS) $(CFLAGS)
LINK = $(LIBTOOL) $(LT_QUIET) --tag=CC --mode=link $(CC) $(OWN_CFLAGS) \
  $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS)
LT_QUIET := $(if $(VERBOSE_LINES),,--silent)

# ---- Library -----------------------------------------------------------------

SRCS := $(LIB_SRCS) $(if $(filter yes,$(HAVE_URING)),$(URING_SRCS))
BENCH_SRCS := $(BENCH_C) $(if $(filter yes,$(HAVE_URING)),$(BENCH_URING_C))
LOBJS := $(SRCS:.c=.lo)
TESTLIB_LOBJS := $(TESTLIB_SRCS:.c=.lo)
TESTLIB := $(if $(TESTLIB_SRCS),libweir-test.la)
LIBS_LA := libweir.la $(TESTLIB)

ifeq ($(HAVE_VERSION_SCRIPT),yes)
VERSION_SCRIPT := -Wl,--version-script=$(srcdir)/lib/weir.map
endif

all: libraries samples
	@:
libraries: $(LIBS_LA)

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
	  $(VERSION_SCRIPT) $(DIRECT_LDFLAGS) -rpath $(libdir) -o $@ $(LOBJS) \
	  $(OWN_LIBS) $(LIBS) $(mute)

# All of the library with its hidden symbols, for the unit tests. It is not
# installed.
libweir-core.la: $(LOBJS)
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $(LOBJS) $(OWN_LIBS) $(LIBS) $(mute)

libweir-test.la: $(TESTLIB_LOBJS)
	$(call say,LINK)
	$(quiet)$(LINK) -static -rpath $(libdir) -o $@ $(TESTLIB_LOBJS)

# ---- Programs ----------------------------------------------------------------

programs = $(patsubst %.c,%$(EXEEXT),$1)
SAMPLES := $(call programs,$(SAMPLES_C))
BENCHES := $(call programs,$(BENCH_SRCS))
TESTS := $(if $(filter yes,$(HAVE_CRITERION)),$(call programs,$(TESTS_C)))
PLAINS := $(call programs,$(PLAIN_C))
TSANS := $(call programs,$(TSAN_C))
FUZZERS := $(call programs,$(FUZZ_C))

SUPPORT_OBJS := $(SUPPORT_C:.c=.o)
SAMPLES_SUPPORT_OBJS := $(SAMPLES_SUPPORT_C:.c=.o)
BENCH_SUPPORT_OBJS := $(BENCH_SUPPORT_C:.c=.o)
CAST_OBJS := $(CAST_C:.c=.o)
CROWD_OBJS := $(CROWD_C:.c=.o)
POBJS := $(patsubst %.c,%.o,$(SAMPLES_C) $(BENCH_SRCS) $(TESTS_C) \
  $(PLAIN_C) $(TSAN_C) $(FUZZ_C)) $(SUPPORT_OBJS) $(SAMPLES_SUPPORT_OBJS) \
  $(BENCH_SUPPORT_OBJS) $(CAST_OBJS) $(CROWD_OBJS)

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
bench/%.o: EXTRA_CPPFLAGS = $(PRIVATE_CPPFLAGS)
tests/fuzz/%.o: EXTRA_CFLAGS = -fno-lto -fsanitize=fuzzer-no-link

# Samples are what a user writes: they get the installed library's symbols and
# no others.
$(SAMPLES): %$(EXEEXT): %.o $(SAMPLES_SUPPORT_OBJS) libweir.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $< $(SAMPLES_SUPPORT_OBJS) libweir.la \
	  $(LIBUV_LIBS) $(THREAD_LIBS) $(LIBS)

$(BENCHES): %$(EXEEXT): %.o $(BENCH_SUPPORT_OBJS) libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $(filter %.o,$^) libweir-core.la \
	  $(OWN_LIBS) $(THREAD_LIBS) $(LIBS)

bench/broadcast$(EXEEXT): $(CAST_OBJS) $(CROWD_OBJS)

$(TESTS): %$(EXEEXT): %.o $(SUPPORT_OBJS) $(TESTLIB_LOBJS) libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $(filter %.o %.lo,$^) libweir-core.la \
	  $(CRITERION_LIBS) $(OWN_LIBS) $(THREAD_LIBS) $(LIBS)

tests/test_broadcast$(EXEEXT): $(CAST_OBJS)

$(PLAINS) $(TSANS): %$(EXEEXT): %.o libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -o $@ $< libweir-core.la $(OWN_LIBS) $(THREAD_LIBS) \
	  $(LIBS)

$(FUZZERS): %$(EXEEXT): %.o $(TESTLIB_LOBJS) libweir-core.la
	$(call say,LINK)
	$(quiet)$(LINK) -fsanitize=fuzzer -o $@ $< $(TESTLIB_LOBJS) \
	  libweir-core.la $(OWN_LIBS) $(LIBS)

ifneq ($(DEPENDENCY_TRACKING),no)
-include $(LOBJS:.lo=.d) $(TESTLIB_LOBJS:.lo=.d) $(POBJS:.o=.d)
endif

samples: $(SAMPLES)
tests: $(TESTS) $(PLAINS)
programs: all tests $(BENCHES) $(TSANS)

# ---- Tests -------------------------------------------------------------------

HARDENING := $(HARDENING_CFLAGS) $(HARDENING_LDFLAGS) $(DIRECT_LDFLAGS) \
  $(if $(filter yes,$(FORTIFY)),_FORTIFY_SOURCE)
TEST_ENV := srcdir='$(srcdir)' CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' \
  NM='$(NM)' PKG_CONFIG='$(PKG_CONFIG)' HARDENING='$(HARDENING)' \
  LIBUV_CFLAGS='$(call system,$(LIBUV_CFLAGS))' \
  PUBLIC_HDRS='$(PUBLIC_HDRS)' TESTLIB_HDRS='$(TESTLIB_HDRS)' \
  MAN='$(MAN3) $(MAN7)' \
  LINK='$(LINK) $(OWN_CPPFLAGS) $(CPPFLAGS)' \
  LINK_LIBS='$(TESTLIB_LOBJS) libweir-core.la $(OWN_LIBS) $(THREAD_LIBS) \
  $(LIBS)'
RUN := $(TEST_ENV) $(SHELL) $(srcdir)/tests/run.sh
ifneq ($(HAVE_CRITERION),yes)
CRITERION_MISSING := skip:unit-tests:Criterion-is-not-installed
endif

check check-all: libraries libweir-core.la samples tests
ifeq ($(CROSS)$(TEST_WRAPPER),yes)
	@echo '$@: built, not run: set TEST_WRAPPER to run the programs'
else
	@$(RUN) $(TESTS) $(CRITERION_MISSING) $(PLAINS) \
	  $(addprefix $(srcdir)/,$(CHECKS_SH) \
	    $(if $(filter %-all,$@),$(CHECKS_ALL_SH)) $(SMOKE_SH))
endif

test: check

check-examples: libweir-core.la $(TESTLIB_LOBJS)
check-abi: libweir.la libweir-core.la
check-elf: libweir.la
check-abi check-docs check-elf check-examples check-headers check-readme \
check-style:
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

ifeq ($(COVERAGE),yes)
coverage:
	@status=0; $(MAKE) check || status=$$?; \
	$(SHELL) $(srcdir)/scripts/coverage.sh \
	  $(addprefix $(srcdir)/,$(SRCS)) && exit $$status
else
coverage:
	$(call variant,coverage,CC='$(CC)' CFLAGS='-O0 -g' --enable-coverage, \
	  coverage)
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
	  --enable-sanitizers=fuzzer-no-link$(comma)address \
	  --without-criterion,fuzz)
endif

demo: samples
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/samples/demo.sh

bench-instructions: $(BENCHES)
	@$(SHELL) $(srcdir)/bench/instructions.sh

bench: $(BENCHES) samples bench-instructions
	@srcdir='$(srcdir)' $(SHELL) $(srcdir)/bench/run.sh

# Compiles a program against what is installed, as a packager's test.
installcheck:
	@$(TEST_ENV) CFLAGS='$(CFLAGS) $(INSTRUMENT)' LDFLAGS='$(LDFLAGS)' \
	  TEST_WRAPPER='$(TEST_WRAPPER)' \
	  $(SHELL) $(srcdir)/scripts/installcheck.sh '$(DESTDIR)' \
	  '$(includedir)' '$(libdir)' '$(pkgconfigdir)'

# ---- Install -----------------------------------------------------------------

INSTALL_HDRS := $(PUBLIC_HDRS) $(TESTLIB_HDRS)
PCS := weir.pc $(if $(TESTLIB),weir-test.pc)

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

# ---- Clean -------------------------------------------------------------------

CLEAN_DIRS := . lib lib/test uring tests tests/support tests/fuzz samples bench

clean:
	for d in $(CLEAN_DIRS); do rm -rf $$d/.libs $$d/*.o $$d/*.lo $$d/*.la \
	  $$d/*.d $$d/*.gcno $$d/*.gcda; done
	rm -f $(call programs,$(SAMPLES_C) $(BENCH_C) $(BENCH_URING_C) \
	  $(TESTS_C) $(PLAIN_C) $(TSAN_C) $(FUZZ_C))
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
  check-headers   headers stand alone       check-readme    the programs there
  check-style     layout, licence           check-elf       direct calls, flags
  check-tsan      threads, under ThreadSanitizer
  coverage        run the tests and print the lines that they reach
  fuzz            run each fuzzer for FUZZ_SECONDS (60)
  demo            see it work on real sockets and files
  bench           measure against plain libuv and raw liburing
  bench-instructions  count those of windows, searches and copies
  install         to prefix, below DESTDIR  uninstall       the reverse
  installcheck    use what is installed
  clean           what make made            distclean       configure's too
  dist            the source tarballs       distcheck       and try them
  verify-dist     compare TARBALL with what dist makes of this commit
  V=1 shows whole command lines.
endef

help:
	$(info $(HELP))@:

.PHONY: all bench bench-instructions check check-abi check-all check-docs \
  check-elf check-examples check-headers check-readme check-style check-tsan \
  clean coverage demo dist distcheck distclean fuzz help install installcheck \
  libraries programs samples test tests uninstall update-abi verify-dist
