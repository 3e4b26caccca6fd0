# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What there is to build and to install. Sorted, one line for each file: adding
# a file is adding a line.

PUBLIC_HDRS += include/weir.h
PUBLIC_HDRS += include/weir/alloc.h
PUBLIC_HDRS += include/weir/buffer.h
PUBLIC_HDRS += include/weir/deadline.h
PUBLIC_HDRS += include/weir/debug.h
PUBLIC_HDRS += include/weir/export.h
PUBLIC_HDRS += include/weir/file.h
PUBLIC_HDRS += include/weir/file_copy.h
PUBLIC_HDRS += include/weir/fileobj.h
PUBLIC_HDRS += include/weir/kind.h
PUBLIC_HDRS += include/weir/lease.h
PUBLIC_HDRS += include/weir/loop.h
PUBLIC_HDRS += include/weir/map.h
PUBLIC_HDRS += include/weir/message.h
PUBLIC_HDRS += include/weir/name.h
PUBLIC_HDRS += include/weir/op.h
PUBLIC_HDRS += include/weir/option.h
PUBLIC_HDRS += include/weir/pass.h
PUBLIC_HDRS += include/weir/pool.h
PUBLIC_HDRS += include/weir/post.h
PUBLIC_HDRS += include/weir/reader.h
PUBLIC_HDRS += include/weir/ready.h
PUBLIC_HDRS += include/weir/relay.h
PUBLIC_HDRS += include/weir/sendfile.h
PUBLIC_HDRS += include/weir/seq.h
PUBLIC_HDRS += include/weir/serve.h
PUBLIC_HDRS += include/weir/stream.h
PUBLIC_HDRS += include/weir/until.h
PUBLIC_HDRS += include/weir/version.h
PUBLIC_HDRS += include/weir/water.h

LIB_SRCS += lib/adopt.c
LIB_SRCS += lib/alarm.c
LIB_SRCS += lib/alloc.c
LIB_SRCS += lib/attach.c
LIB_SRCS += lib/buffer.c
LIB_SRCS += lib/buffer_block.c
LIB_SRCS += lib/buffer_chain.c
LIB_SRCS += lib/buffer_flat.c
LIB_SRCS += lib/buffer_join.c
LIB_SRCS += lib/buffer_lease.c
LIB_SRCS += lib/buffer_ring.c
LIB_SRCS += lib/cancel.c
LIB_SRCS += lib/close.c
LIB_SRCS += lib/deadline.c
LIB_SRCS += lib/debug.c
LIB_SRCS += lib/debug_op.c
LIB_SRCS += lib/debug_pool.c
LIB_SRCS += lib/debug_report.c
LIB_SRCS += lib/descriptor.c
LIB_SRCS += lib/file.c
LIB_SRCS += lib/file_copy.c
LIB_SRCS += lib/file_copy_step.c
LIB_SRCS += lib/file_run.c
LIB_SRCS += lib/fileobj.c
LIB_SRCS += lib/flush.c
LIB_SRCS += lib/fork.c
LIB_SRCS += lib/hooks.c
LIB_SRCS += lib/linger.c
LIB_SRCS += lib/lease.c
LIB_SRCS += lib/loop.c
LIB_SRCS += lib/map.c
LIB_SRCS += lib/message.c
LIB_SRCS += lib/name.c
LIB_SRCS += lib/op.c
LIB_SRCS += lib/op_block.c
LIB_SRCS += lib/option.c
LIB_SRCS += lib/os_option.c
LIB_SRCS += lib/owner.c
LIB_SRCS += lib/pass.c
LIB_SRCS += lib/pipe.c
LIB_SRCS += lib/pool.c
LIB_SRCS += lib/pool_wait.c
LIB_SRCS += lib/post.c
LIB_SRCS += lib/read.c
LIB_SRCS += lib/read_cond.c
LIB_SRCS += lib/reader.c
LIB_SRCS += lib/ready.c
LIB_SRCS += lib/relay.c
LIB_SRCS += lib/sendfile.c
LIB_SRCS += lib/seq.c
LIB_SRCS += lib/seq_cursor.c
LIB_SRCS += lib/seq_find.c
LIB_SRCS += lib/seq_mutable.c
LIB_SRCS += lib/seq_window.c
LIB_SRCS += lib/returns.c
LIB_SRCS += lib/self.c
LIB_SRCS += lib/serve.c
LIB_SRCS += lib/settle.c
LIB_SRCS += lib/shutdown.c
LIB_SRCS += lib/slab_hold.c
LIB_SRCS += lib/slab_parts.c
LIB_SRCS += lib/slab_split.c
LIB_SRCS += lib/socket.c
LIB_SRCS += lib/splice.c
LIB_SRCS += lib/start.c
LIB_SRCS += lib/stream.c
LIB_SRCS += lib/tally.c
LIB_SRCS += lib/until.c
LIB_SRCS += lib/uv_backend.c
LIB_SRCS += lib/uv_file.c
LIB_SRCS += lib/uv_net.c
LIB_SRCS += lib/uv_poll.c
LIB_SRCS += lib/uv_stream.c
LIB_SRCS += lib/version.c
LIB_SRCS += lib/watch.c
LIB_SRCS += lib/water.c
LIB_SRCS += lib/wheel.c
LIB_SRCS += lib/write.c

# What the core needs of the system: configure's OS chooses.
OS_unix_SRCS += lib/os_unix.c
OS_unix_SRCS += lib/os_unix_copy.c
OS_unix_SRCS += lib/os_unix_guard.c
OS_unix_SRCS += lib/os_unix_handle.c
OS_unix_SRCS += lib/os_unix_map.c
OS_unix_SRCS += lib/os_unix_memory.c
OS_unix_SRCS += lib/os_unix_option.c
OS_unix_SRCS += lib/os_unix_pass.c
OS_unix_SRCS += lib/os_unix_socket.c

OS_windows_SRCS += lib/os_windows.c
OS_windows_SRCS += lib/os_windows_copy.c
OS_windows_SRCS += lib/os_windows_guard.c
OS_windows_SRCS += lib/os_windows_handle.c
OS_windows_SRCS += lib/os_windows_map.c
OS_windows_SRCS += lib/os_windows_memory.c
OS_windows_SRCS += lib/os_windows_option.c
OS_windows_SRCS += lib/os_windows_pass.c
OS_windows_SRCS += lib/os_windows_socket.c

# With io_uring only: uring/*.c.
URING_SRCS += uring/buffers.c
URING_SRCS += uring/cancel.c
URING_SRCS += uring/chain.c
URING_SRCS += uring/file.c
URING_SRCS += uring/kernel.c
URING_SRCS += uring/memory.c
URING_SRCS += uring/net.c
URING_SRCS += uring/plain.c
URING_SRCS += uring/probe.c
URING_SRCS += uring/ready.c
URING_SRCS += uring/reap.c
URING_SRCS += uring/request.c
URING_SRCS += uring/setup.c
URING_SRCS += uring/stat.c
URING_SRCS += uring/stream.c
URING_SRCS += uring/submit.c
URING_SRCS += uring/uring.c
URING_SRCS += uring/wait.c
URING_SRCS += uring/writable.c
URING_SRCS += uring/zc.c

# The static library for users' own tests: lib/test/*.c and their header.
TESTLIB_SRCS += lib/test/pair.c
TESTLIB_SRCS += lib/test/plan.c
TESTLIB_SRCS += lib/test/runs.c
TESTLIB_SRCS += lib/test/script.c
TESTLIB_HDRS += include/weir/fault.h
TESTLIB_HDRS += include/weir/test.h

# Its layer of faults: configure's FAULTS says whether there is one.
TESTLIB_FAULTS_yes += lib/test/over.c
TESTLIB_FAULTS_yes += lib/test/over_pool.c
TESTLIB_FAULTS_yes += lib/test/over_transfer.c
TESTLIB_FAULTS_yes += lib/test/over_wait.c
TESTLIB_FAULTS_yes += lib/test/system.c
TESTLIB_FAULTS_yes += lib/test/transfer.c
TESTLIB_FAULTS_no += lib/test/over_none.c

TESTLIB_URING_SRCS += lib/test/batch.c
TESTLIB_URING_SRCS += lib/test/over_ring.c
TESTLIB_URING_SRCS += lib/test/shadow.c

# Criterion files, each a program of its own, and what they share.
TESTS_C += tests/test_accepting.c
TESTS_C += tests/test_adopt.c
TESTS_C += tests/test_adopt_lost.c
TESTS_C += tests/test_again.c
TESTS_C += tests/test_alloc.c
TESTS_C += tests/test_alloc_ops.c
TESTS_C += tests/test_at_once.c
TESTS_C += tests/test_attach.c
TESTS_C += tests/test_begin.c
TESTS_C += tests/test_beside.c
TESTS_C += tests/test_broadcast.c
TESTS_C += tests/test_broken_ring.c
TESTS_C += tests/test_buffer.c
TESTS_C += tests/test_buffer_chain.c
TESTS_C += tests/test_buffer_model.c
TESTS_C += tests/test_busy.c
TESTS_C += tests/test_cancel.c
TESTS_C += tests/test_chain_lease.c
TESTS_C += tests/test_close.c
TESTS_C += tests/test_connect.c
TESTS_C += tests/test_connecting.c
TESTS_C += tests/test_crowded.c
TESTS_C += tests/test_deadline.c
TESTS_C += tests/test_debug.c
TESTS_C += tests/test_edges.c
TESTS_C += tests/test_embed.c
TESTS_C += tests/test_emptied.c
TESTS_C += tests/test_fair.c
TESTS_C += tests/test_fallback.c
TESTS_C += tests/test_fastopen.c
TESTS_C += tests/test_fault.c
TESTS_C += tests/test_fault_ring.c
TESTS_C += tests/test_file.c
TESTS_C += tests/test_file_all.c
TESTS_C += tests/test_file_begin.c
TESTS_C += tests/test_file_calls.c
TESTS_C += tests/test_file_copy.c
TESTS_C += tests/test_file_direct.c
TESTS_C += tests/test_file_quiet.c
TESTS_C += tests/test_file_sync.c
TESTS_C += tests/test_file_with.c
TESTS_C += tests/test_file_wait.c
TESTS_C += tests/test_fileobj.c
TESTS_C += tests/test_fixed.c
TESTS_C += tests/test_forged.c
TESTS_C += tests/test_fork.c
TESTS_C += tests/test_fork_callback.c
TESTS_C += tests/test_fork_fresh.c
TESTS_C += tests/test_fork_outstanding.c
TESTS_C += tests/test_fresh.c
TESTS_C += tests/test_gather.c
TESTS_C += tests/test_guard.c
TESTS_C += tests/test_half_closed.c
TESTS_C += tests/test_kind.c
TESTS_C += tests/test_ladder.c
TESTS_C += tests/test_linger.c
TESTS_C += tests/test_listen_host.c
TESTS_C += tests/test_lease.c
TESTS_C += tests/test_lease_crowd.c
TESTS_C += tests/test_lease_fault.c
TESTS_C += tests/test_lease_kinds.c
TESTS_C += tests/test_lease_lent.c
TESTS_C += tests/test_lease_wait.c
TESTS_C += tests/test_log.c
TESTS_C += tests/test_loop.c
TESTS_C += tests/test_machine.c
TESTS_C += tests/test_many.c
TESTS_C += tests/test_map.c
TESTS_C += tests/test_message.c
TESTS_C += tests/test_missed.c
TESTS_C += tests/test_modes.c
TESTS_C += tests/test_more.c
TESTS_C += tests/test_move.c
TESTS_C += tests/test_move_all.c
TESTS_C += tests/test_name.c
TESTS_C += tests/test_no_buffers.c
TESTS_C += tests/test_older.c
TESTS_C += tests/test_option.c
TESTS_C += tests/test_os.c
TESTS_C += tests/test_over_files.c
TESTS_C += tests/test_pace.c
TESTS_C += tests/test_pass.c
TESTS_C += tests/test_pool.c
TESTS_C += tests/test_pool_grow.c
TESTS_C += tests/test_pool_hold.c
TESTS_C += tests/test_pool_model.c
TESTS_C += tests/test_pool_return.c
TESTS_C += tests/test_pool_size.c
TESTS_C += tests/test_post.c
TESTS_C += tests/test_program.c
TESTS_C += tests/test_push.c
TESTS_C += tests/test_read.c
TESTS_C += tests/test_read_cond.c
TESTS_C += tests/test_reader.c
TESTS_C += tests/test_ready.c
TESTS_C += tests/test_refused.c
TESTS_C += tests/test_relay.c
TESTS_C += tests/test_relay_crowd.c
TESTS_C += tests/test_relay_held.c
TESTS_C += tests/test_relay_sockets.c
TESTS_C += tests/test_relay_splice.c
TESTS_C += tests/test_relay_start.c
TESTS_C += tests/test_relay_stop.c
TESTS_C += tests/test_release.c
TESTS_C += tests/test_reset.c
TESTS_C += tests/test_rounds.c
TESTS_C += tests/test_same.c
TESTS_C += tests/test_schedules.c
TESTS_C += tests/test_sendfile.c
TESTS_C += tests/test_seq.c
TESTS_C += tests/test_seq_big.c
TESTS_C += tests/test_seq_find.c
TESTS_C += tests/test_seq_model.c
TESTS_C += tests/test_seq_window.c
TESTS_C += tests/test_shutdown.c
TESTS_C += tests/test_serve.c
TESTS_C += tests/test_stacked.c
TESTS_C += tests/test_straight.c
TESTS_C += tests/test_thread.c
TESTS_C += tests/test_toolkit.c
TESTS_C += tests/test_tty.c
TESTS_C += tests/test_turn.c
TESTS_C += tests/test_unix.c
TESTS_C += tests/test_unseen.c
TESTS_C += tests/test_unref.c
TESTS_C += tests/test_until.c
TESTS_C += tests/test_until_cuts.c
TESTS_C += tests/test_until_lease.c
TESTS_C += tests/test_until_wait.c
TESTS_C += tests/test_vain.c
TESTS_C += tests/test_version.c
TESTS_C += tests/test_wait.c
TESTS_C += tests/test_walk.c
TESTS_C += tests/test_want.c
TESTS_C += tests/test_want_data.c
TESTS_C += tests/test_want_loop.c
TESTS_C += tests/test_want_more.c
TESTS_C += tests/test_watch.c
TESTS_C += tests/test_water.c
TESTS_C += tests/test_wheel.c
TESTS_C += tests/test_write.c
TESTS_C += tests/test_write_cond.c
TESTS_C += tests/test_write_now.c
TESTS_C += tests/test_write_try.c
TESTS_C += tests/test_zero.c
TESTS_C += tests/test_zerocopy.c

# Programs that are not for Windows, with the reason; - stands for a blank.
WITHOUT_windows += tests/secure_env:nobody-runs-with-the-rights-of-another
WITHOUT_windows += tests/test_accepting:there-is-no-layer-of-faults
WITHOUT_windows += tests/test_broadcast:its-servers-wait-with-epoll
WITHOUT_windows += tests/test_broken_ring:there-is-no-io_uring
WITHOUT_windows += tests/test_debug:it-asks-for-sanitizers-by-weak-names
WITHOUT_windows += tests/test_emptied:there-is-no-io_uring
WITHOUT_windows += tests/test_fallback:there-is-no-io_uring
WITHOUT_windows += tests/test_fastopen:it-asks-TCP-what-only-Linux-tells
WITHOUT_windows += tests/test_fault:there-is-no-layer-of-faults
WITHOUT_windows += tests/test_fault_ring:there-is-no-layer-of-faults
WITHOUT_windows += tests/test_file_quiet:it-is-put-before-the-C-library
WITHOUT_windows += tests/test_file_sync:it-is-put-before-the-C-library
WITHOUT_windows += tests/test_file_wait:who-waits-for-a-file-waits-to-its-end
WITHOUT_windows += tests/test_file_with:it-is-put-before-the-C-library
WITHOUT_windows += tests/test_forged:there-is-no-io_uring
WITHOUT_windows += tests/test_fork:there-is-no-fork
WITHOUT_windows += tests/test_fork_callback:there-is-no-fork
WITHOUT_windows += tests/test_fork_fresh:there-is-no-fork
WITHOUT_windows += tests/test_fork_outstanding:there-is-no-fork
WITHOUT_windows += tests/test_ladder:there-is-no-io_uring
WITHOUT_windows += tests/test_lease_fault:there-is-no-layer-of-faults
WITHOUT_windows += tests/test_log:the-sample-wal-is-for-Unix-alone
WITHOUT_windows += tests/test_machine:there-is-no-io_uring
WITHOUT_windows += tests/test_map:files-are-mapped-and-named-by-other-calls
WITHOUT_windows += tests/test_missed:there-is-no-io_uring
WITHOUT_windows += tests/test_more:it-asks-TCP-what-only-Linux-tells
WITHOUT_windows += tests/test_name:it-is-put-before-the-C-library
WITHOUT_windows += tests/test_no_buffers:there-is-no-io_uring
WITHOUT_windows += tests/test_older:there-is-no-io_uring
WITHOUT_windows += tests/test_os:it-is-of-POSIX-calls
WITHOUT_windows += tests/test_pass:descriptors-are-not-passed
WITHOUT_windows += tests/test_program:its-programs-have-pipes-and-UNIX-sockets
WITHOUT_windows += tests/test_relay_splice:there-is-no-splice
WITHOUT_windows += tests/test_rounds:there-is-no-io_uring
WITHOUT_windows += tests/test_same:files-are-mapped-and-named-by-other-calls
WITHOUT_windows += tests/test_tty:there-is-no-terminal-of-POSIX
WITHOUT_windows += tests/test_unix:descriptors-are-not-passed
WITHOUT_windows += tests/test_unseen:there-is-no-io_uring
WITHOUT_windows += tests/test_vain:it-asks-TCP-what-only-Linux-tells
WITHOUT_windows += tests/test_walk:it-is-put-before-the-C-library
WITHOUT_windows += tests/test_watch:it-is-put-before-the-C-library
WITHOUT_windows += tests/test_zerocopy:there-is-no-io_uring

# Those of streams and files that run over faults as well: not where tests fill
# sockets, attempt what goes at once, or count turns and calls (ready, push,
# write_now, write_try, watch).
FAULTY_C += tests/test_adopt.c
FAULTY_C += tests/test_at_once.c
FAULTY_C += tests/test_cancel.c
FAULTY_C += tests/test_close.c
FAULTY_C += tests/test_connect.c
FAULTY_C += tests/test_connecting.c
FAULTY_C += tests/test_deadline.c
FAULTY_C += tests/test_edges.c
FAULTY_C += tests/test_fastopen.c
FAULTY_C += tests/test_file.c
FAULTY_C += tests/test_file_begin.c
FAULTY_C += tests/test_file_calls.c
FAULTY_C += tests/test_file_copy.c
FAULTY_C += tests/test_file_sync.c
FAULTY_C += tests/test_file_with.c
FAULTY_C += tests/test_file_wait.c
FAULTY_C += tests/test_fileobj.c
FAULTY_C += tests/test_gather.c
FAULTY_C += tests/test_half_closed.c
FAULTY_C += tests/test_lease.c
FAULTY_C += tests/test_lease_crowd.c
FAULTY_C += tests/test_lease_kinds.c
FAULTY_C += tests/test_lease_lent.c
FAULTY_C += tests/test_lease_wait.c
FAULTY_C += tests/test_linger.c
FAULTY_C += tests/test_listen_host.c
FAULTY_C += tests/test_message.c
FAULTY_C += tests/test_missed.c
FAULTY_C += tests/test_more.c
FAULTY_C += tests/test_name.c
FAULTY_C += tests/test_no_buffers.c
FAULTY_C += tests/test_over_files.c
FAULTY_C += tests/test_pool_hold.c
FAULTY_C += tests/test_pool_size.c
FAULTY_C += tests/test_pass.c
FAULTY_C += tests/test_post.c
FAULTY_C += tests/test_read.c
FAULTY_C += tests/test_read_cond.c
FAULTY_C += tests/test_reader.c
FAULTY_C += tests/test_relay.c
FAULTY_C += tests/test_relay_held.c
FAULTY_C += tests/test_relay_sockets.c
FAULTY_C += tests/test_relay_start.c
FAULTY_C += tests/test_relay_stop.c
FAULTY_C += tests/test_release.c
FAULTY_C += tests/test_reset.c
FAULTY_C += tests/test_schedules.c
FAULTY_C += tests/test_sendfile.c
FAULTY_C += tests/test_serve.c
FAULTY_C += tests/test_shutdown.c
FAULTY_C += tests/test_stacked.c
FAULTY_C += tests/test_straight.c
FAULTY_C += tests/test_unix.c
FAULTY_C += tests/test_unref.c
FAULTY_C += tests/test_until.c
FAULTY_C += tests/test_until_cuts.c
FAULTY_C += tests/test_until_lease.c
FAULTY_C += tests/test_until_wait.c
FAULTY_C += tests/test_wait.c
FAULTY_C += tests/test_water.c
FAULTY_C += tests/test_write.c
FAULTY_C += tests/test_write_cond.c

# The same, of crowds: not with FAULT_QUICK.
FAULTY_SLOW_C += tests/test_many.c
FAULTY_SLOW_C += tests/test_turn.c

SUPPORT_C += tests/support/adopted.c
SUPPORT_C += tests/support/alloc.c
SUPPORT_C += tests/support/between.c
SUPPORT_C += tests/support/borrow.c
SUPPORT_C += tests/support/box.c
SUPPORT_C += tests/support/busy.c
SUPPORT_C += tests/support/child.c
SUPPORT_C += tests/support/descriptor.c
SUPPORT_C += tests/support/faulty.c
SUPPORT_C += tests/support/famine.c
SUPPORT_C += tests/support/first.c
SUPPORT_C += tests/support/fixture.c
SUPPORT_C += tests/support/guard.c
SUPPORT_C += tests/support/inert.c
SUPPORT_C += tests/support/net.c
SUPPORT_C += tests/support/parser.c
SUPPORT_C += tests/support/passage.c
SUPPORT_C += tests/support/patience.c
SUPPORT_C += tests/support/plan.c
SUPPORT_C += tests/support/proxy.c
SUPPORT_C += tests/support/rings.c
SUPPORT_C += tests/support/scene.c
SUPPORT_C += tests/support/scratch.c
SUPPORT_C += tests/support/scripted.c
SUPPORT_C += tests/support/stage.c
SUPPORT_C += tests/support/sweep.c
SUPPORT_C += tests/support/use.c
SUPPORT_C += tests/support/want.c
SUPPORT_C += tests/support/worker.c

SUPPORT_unix_C += tests/support/deny.c
SUPPORT_unix_C += tests/support/gate.c
SUPPORT_unix_C += tests/support/os_unix.c

SUPPORT_windows_C += tests/support/os_windows_absent.c
SUPPORT_windows_C += tests/support/os_windows_file.c
SUPPORT_windows_C += tests/support/os_windows_socket.c

# What runs the tests where Criterion is not.
RUNNER_C += tests/runner/runner.c
RUNNER_unix_C += tests/runner/process_unix.c
RUNNER_windows_C += tests/runner/process_windows.c

# A kernel in memory, for tests/simulate.c and tests/test_machine.c; with
# io_uring only.
MACHINE_C += tests/machine/calls.c
MACHINE_C += tests/machine/counter.c
MACHINE_C += tests/machine/epoll.c
MACHINE_C += tests/machine/file.c
MACHINE_C += tests/machine/lent.c
MACHINE_C += tests/machine/pipe.c
MACHINE_C += tests/machine/queue.c
MACHINE_C += tests/machine/request.c
MACHINE_C += tests/machine/ring.c
MACHINE_C += tests/machine/socket.c
MACHINE_C += tests/machine/system.c
MACHINE_C += tests/machine/work.c
MACHINE_C += tests/machine/world.c

SIMULATE_C += tests/simulate.c

# The interpreter of tests/test_program.c, tests/simulate.c and
# tests/fuzz/loop.c.
PROGRAM_C += tests/program/bare.c
PROGRAM_C += tests/program/cut.c
PROGRAM_C += tests/program/dock.c
PROGRAM_C += tests/program/end.c
PROGRAM_C += tests/program/file.c
PROGRAM_C += tests/program/flow.c
PROGRAM_C += tests/program/job.c
PROGRAM_C += tests/program/lease.c
PROGRAM_C += tests/program/leave.c
PROGRAM_C += tests/program/place.c
PROGRAM_C += tests/program/program.c
PROGRAM_C += tests/program/read.c
PROGRAM_C += tests/program/ready.c
PROGRAM_C += tests/program/relay.c
PROGRAM_C += tests/program/silent.c
PROGRAM_C += tests/program/watch.c
PROGRAM_C += tests/program/whole.c
PROGRAM_C += tests/program/world_real.c
PROGRAM_C += tests/program/write.c

# Programs with a main(), plain and for ThreadSanitizer: exit status 0, 1 or 77.
PLAIN_C += tests/secure_env.c

TSAN_C += tests/tsan_files.c
TSAN_C += tests/tsan_loops.c
TSAN_C += tests/tsan_moves.c
TSAN_C += tests/tsan_pools.c
TSAN_C += tests/tsan_posts.c

# The processes of make soak.
SOAK_C += tests/soak/actors.c
SOAK_C += tests/soak/client.c
SOAK_C += tests/soak/echo.c
SOAK_C += tests/soak/file.c
SOAK_C += tests/soak/gauge.c
SOAK_C += tests/soak/pairs.c
SOAK_C += tests/soak/passing.c
SOAK_C += tests/soak/peer.c
SOAK_C += tests/soak/poster.c
SOAK_C += tests/soak/server.c
SOAK_C += tests/soak/side.c
SOAK_C += tests/soak/silent.c
SOAK_C += tests/soak/soak.c
SOAK_C += samples/pattern.c

# Linked with what MemorySanitizer looks at.
MSAN_C += tests/support/msan.c

# libFuzzer targets: tests/fuzz/NAME.c, their inputs in tests/fuzz/corpus-NAME/.
FUZZ_C += tests/fuzz/buffer.c
FUZZ_C += tests/fuzz/loop.c
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
CHECKS_ALL_SH += tests/check-structure.sh
CHECKS_ALL_SH += tests/check-style.sh

SMOKE_SH += tests/smoke-adopt.sh
SMOKE_SH += tests/smoke-bench.sh
SMOKE_SH += tests/smoke-chat.sh
SMOKE_SH += tests/smoke-cp.sh
SMOKE_SH += tests/smoke-echo.sh
SMOKE_SH += tests/smoke-faults.sh
SMOKE_SH += tests/smoke-guide.sh
SMOKE_SH += tests/smoke-httpd.sh
SMOKE_SH += tests/smoke-readme.sh
SMOKE_SH += tests/smoke-relay.sh
SMOKE_SH += tests/smoke-respd.sh
SMOKE_SH += tests/smoke-scarce.sh
SMOKE_SH += tests/smoke-wal.sh
SMOKE_SH += tests/smoke-want.sh

# The programs of docs/guide.md; the smoke tests compile them.
GUIDE_C += docs/guide/demux.c
GUIDE_C += docs/guide/echo.c
GUIDE_C += docs/guide/files.c
GUIDE_C += docs/guide/lines.c
GUIDE_C += docs/guide/orderly.c
GUIDE_C += docs/guide/relay.c
GUIDE_C += docs/guide/talk.c

# Loaded before a sample; the smoke tests compile it.
SCARCE_C += tests/scarce.c

# Before a test that something is denied to; check-profiles compiles it.
DENIED_C += tests/denied.c

# Under libuv's own tests; check-libuv compiles it.
LIBUV_SUITE_C += tests/libuv-suite/shim.c

SAMPLES_C += samples/adopt.c
SAMPLES_C += samples/chat.c
SAMPLES_C += samples/cp.c
SAMPLES_C += samples/echo.c
SAMPLES_C += samples/relay.c
SAMPLES_C += samples/respd.c

# These make system calls of UNIX themselves.
SAMPLES_unix_C += samples/demo_peer.c
SAMPLES_unix_C += samples/httpd.c
SAMPLES_unix_C += samples/talk.c
SAMPLES_unix_C += samples/wal.c

SAMPLES_SUPPORT_C += samples/address.c
SAMPLES_SUPPORT_C += samples/commands.c
SAMPLES_SUPPORT_C += samples/common.c
SAMPLES_SUPPORT_C += samples/counts.c
SAMPLES_SUPPORT_C += samples/message.c
SAMPLES_SUPPORT_C += samples/options.c
SAMPLES_SUPPORT_C += samples/pair.c
SAMPLES_SUPPORT_C += samples/pattern.c
SAMPLES_SUPPORT_C += samples/plain.c
SAMPLES_SUPPORT_C += samples/progress.c
SAMPLES_SUPPORT_C += samples/reply.c
SAMPLES_SUPPORT_C += samples/resp.c
SAMPLES_SUPPORT_C += samples/server.c
SAMPLES_SUPPORT_C += samples/session.c
SAMPLES_SUPPORT_C += samples/set.c
SAMPLES_SUPPORT_C += samples/siphash.c
SAMPLES_SUPPORT_C += samples/source.c
SAMPLES_SUPPORT_C += samples/store.c
SAMPLES_SUPPORT_C += samples/target.c
SAMPLES_SUPPORT_C += samples/words.c

SAMPLES_SUPPORT_unix_C += samples/dial.c
SAMPLES_SUPPORT_unix_C += samples/http_connection.c
SAMPLES_SUPPORT_unix_C += samples/http_date.c
SAMPLES_SUPPORT_unix_C += samples/http_file.c
SAMPLES_SUPPORT_unix_C += samples/http_reply.c
SAMPLES_SUPPORT_unix_C += samples/http_request.c
SAMPLES_SUPPORT_unix_C += samples/log.c
SAMPLES_SUPPORT_unix_C += samples/log_crc.c
SAMPLES_SUPPORT_unix_C += samples/log_record.c
SAMPLES_SUPPORT_unix_C += samples/log_recover.c
SAMPLES_SUPPORT_unix_C += samples/log_segment.c
SAMPLES_SUPPORT_unix_C += samples/os_unix.c

SAMPLES_SUPPORT_windows_C += samples/os_windows.c

# The program of make bench, with io_uring only; a workload is a file here and a
# line in bench/workloads.h.
BENCH_C += bench/accept.c
BENCH_C += bench/bench.c
BENCH_C += bench/calls.c
BENCH_C += bench/candidate.c
BENCH_C += bench/copy.c
BENCH_C += bench/echo.c
BENCH_C += bench/fanout.c
BENCH_C += bench/files.c
BENCH_C += bench/gate.c
BENCH_C += bench/idle.c
BENCH_C += bench/inner.c
BENCH_C += bench/log.c
BENCH_C += bench/machine.c
BENCH_C += bench/passing.c
BENCH_C += bench/peer.c
BENCH_C += bench/queued.c
BENCH_C += bench/relay.c
BENCH_C += bench/report.c
BENCH_C += bench/rounds.c
BENCH_C += bench/run.c
BENCH_C += bench/seq.c
BENCH_C += bench/until.c
BENCH_C += bench/window.c

BENCH_SUPPORT_C += samples/message.c
BENCH_SUPPORT_C += samples/options.c

# What servers are measured beside and by: make bench-respd, bench-relay.
BESIDE_C += bench/flood.c
BESIDE_C += bench/respd_uv.c
BESIDE_C += bench/slurp.c

# The server of tests/test_broadcast.c, and what counts its system calls.
CAST_C += bench/calls.c
CAST_C += tests/support/cast.c

# The log of samples/wal, for tests/test_log.c.
LOG_C += samples/log.c
LOG_C += samples/log_crc.c
LOG_C += samples/log_record.c
LOG_C += samples/log_recover.c
LOG_C += samples/log_segment.c
LOG_C += samples/message.c

# Whole pages: each is found under the other names in its NAME, too.
MAN3 += man/weir_buffer.3
MAN3 += man/weir_cancel.3
MAN3 += man/weir_chain_init_leases.3
MAN3 += man/weir_connect_host.3
MAN3 += man/weir_deadline.3
MAN3 += man/weir_debug.3
MAN3 += man/weir_fault.3
MAN3 += man/weir_file_copy.3
MAN3 += man/weir_file_init.3
MAN3 += man/weir_file_open.3
MAN3 += man/weir_file_reader_start.3
MAN3 += man/weir_file_stat.3
MAN3 += man/weir_kind.3
MAN3 += man/weir_listen.3
MAN3 += man/weir_loop_attach.3
MAN3 += man/weir_loop_fork.3
MAN3 += man/weir_loop_shutdown.3
MAN3 += man/weir_map.3
MAN3 += man/weir_message.3
MAN3 += man/weir_option.3
MAN3 += man/weir_pass.3
MAN3 += man/weir_pool_create.3
MAN3 += man/weir_post.3
MAN3 += man/weir_read.3
MAN3 += man/weir_read_lease.3
MAN3 += man/weir_read_until.3
MAN3 += man/weir_relay_start.3
MAN3 += man/weir_replace_allocator.3
MAN3 += man/weir_search.3
MAN3 += man/weir_sendfile.3
MAN3 += man/weir_seq.3
MAN3 += man/weir_seq_cursor.3
MAN3 += man/weir_serve.3
MAN3 += man/weir_stream.3
MAN3 += man/weir_tcp_zerocopy.3
MAN3 += man/weir_test.3
MAN3 += man/weir_version.3
MAN3 += man/weir_wait.3
MAN3 += man/weir_water.3
MAN3 += man/weir_write.3

MAN7 += man/weir.7
