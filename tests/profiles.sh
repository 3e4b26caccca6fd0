#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The tests once as on each older kernel, and once for each thing that may be
# denied: profiles.sh [--quick] ITEM..., items as for run.sh. What a test
# needs and does not get there, it says; it is skipped and counted.
#
#   5.11 5.15 5.19 6.1 6.12
#                        what came after that version of Linux is not used, as
#                        WEIR_URING_CAPS_OFF=5.15 has it; 6.6 lacks what 6.1
#                        does, but send_zc. uring/probe.c has the list
#   setup-enosys, setup-eperm, enter-eperm, enter-enosys, register-eperm
#                        this system call of io_uring, by a seccomp filter
#   no-ipv6              there is no such family of addresses
#   memlock              another user, who may lock 64 KiB of memory
#   descriptors          another user, with few descriptors
#
# PROFILES names those that are wanted. --quick: two kernels, and of the tests
# those of streams, files and the loop. The logs are in out/profiles/.

set -u
here=$(cd "${srcdir:-.}/tests" && pwd)
all='5.11 5.15 5.19 6.1 6.12 setup-enosys setup-eperm enter-eperm enter-enosys
  register-eperm no-ipv6 memlock descriptors'
quick=
if [ "${1:-}" = --quick ]; then
  quick=yes
  all='5.11 6.1'
  shift
fi
out=$PWD/out/profiles
mkdir -p "$out"
chmod 1777 "$out"

# The programs of one backend, without those that use no loop.
if [ -n "$quick" ]; then
  items=
  for item in "$@"; do
    case $item in
    */test_seq* | */test_buffer* | */test_until* | */test_alloc* | \
      */test_version | */test_os | */test_move* | */test_many | *.sh) ;;
    *) items="$items $item" ;;
    esac
  done
  # shellcheck disable=SC2086
  set -- $items
  export WEIR_BACKEND=uring
fi

# denied WHAT ERROR COMMAND...
denied() {
  [ -x "$out/denied" ] || ${CC:-cc} -o "$out/denied" "$here/denied.c" \
    "$here/support/deny.c" || exit 1
  # libuv's own ring is not what is asked about, and may not be denied.
  UV_USE_IO_URING=0 "$out/denied" "$@"
}

# another_user LIMIT COMMAND...: nobody, with that limit of prlimit(1).
another_user() {
  limit=$1
  shift
  [ "$(id -u)" -eq 0 ] || {
    echo "only root can become another user"
    return 77
  }
  setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null || {
    echo "setpriv cannot become another user"
    return 77
  }
  setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$here/run.sh" || {
    echo "another user cannot read the sources"
    return 77
  }
  prlimit "$limit" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# As the profile has it: environment COMMAND...
environment() {
  case $profile in
  [1-9]*) WEIR_URING_CAPS_OFF=$profile "$@" ;;
  no-ipv6) denied ipv6 eafnosupport "$@" ;;
  # What may be locked is the user's, not the program's.
  memlock) another_user --memlock=65536:65536 env TEST_LANES=1 "$@" ;;
  descriptors) another_user --nofile=128:128 "$@" ;;
  *-*) denied "${profile%-*}" "${profile#*-}" "$@" ;;
  *) echo "there is no profile $profile" && return 2 ;;
  esac
}

# Sums up one run: passed, failed and skipped, and why.
report() {
  case $1 in
  0) sed -n '/^Skipped:/,$p; /^[0-9]* passed/p' "$log" | awk '!seen[$0]++' ;;
  77)
    echo "Skipped:"
    echo "      1 $profile: $(tail -n 1 "$log")"
    echo "0 passed, 0 failed, 1 skipped"
    ;;
  *)
    failed="$failed $profile"
    cat "$log"
    ;;
  esac
}

failed=
for profile in ${PROFILES:-$all}; do
  log=$out/$profile.log
  echo "== $profile"
  environment env TEST_OUT="out/profiles/$profile" /bin/sh "$here/run.sh" "$@" \
    >"$log" 2>&1 </dev/null
  report $?
done
[ -z "$failed" ] || {
  echo "Failed:$failed, see $out"
  exit 1
}
