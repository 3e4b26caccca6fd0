#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# i386, in a system of the distribution's of its own: all of the tests, on the
# kernel's real ring.

# shellcheck source=tests/ports/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/ports/system.sh
. "$here/system.sh"
begin i386
packages=gcc,libc6-dev,libcriterion-dev,liburing-dev,libuv1-dev,make,netbase
packages=$packages,pkg-config

case $(uname -m) in
x86_64 | i?86) ;;
*) skip "a $(uname -m) does not run it" ;;
esac
personality=i686
need_system
make_system i386 "$packages"

# In place of what configures for this machine.
configure_anew() {
  rm -rf "$out/build/"* &&
    enter "/mnt/source/configure -q --enable-werror $*" && echo "$*" >flags
}

quick=
[ "${PORTS_QUICK:-no}" = no ] || quick="SMOKE_SH= CHECKS_SH= PLAINS= BENCH= \
TESTS='tests/test_file tests/test_program tests/test_seq tests/test_write'"
configure --build=i686-linux-gnu --enable-uring --with-criterion
part build enter "make -j$jobs ${quick:-programs}${quick:+ tests}" || finish
part check enter "make check $quick"
finish
