#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Linux with musl instead of glibc, on this machine's kernel: libuv and liburing
# from the distribution's source packages. The unit tests are linked to shared
# libraries, since the layer of faults comes between; the samples statically,
# and their scripts run them.

# shellcheck source=tests/ports/common.sh disable=SC2317
. "$(dirname "$0")/common.sh"

# musl-gcc sees no headers of the kernel, which are the same for each library.
kernel_headers() (
  rm -rf "$prefix/kernel" && mkdir -p "$prefix/kernel" || exit
  for dir in linux asm asm-generic; do
    for place in /usr/include "/usr/include/$(gcc -print-multiarch)"; do
      [ ! -d "$place/$dir" ] || ln -s "$place/$dir" "$prefix/kernel/$dir"
    done
  done
  [ -d "$prefix/kernel/asm" ]
)

make_liburing() (
  rm -rf liburing && cp -r "$package" liburing && cd liburing &&
    ./configure --cc=musl-gcc --prefix="$prefix" &&
    make -j"$jobs" -C src CFLAGS="-O2 -w $kernel" install &&
    mkdir -p "$prefix/lib/pkgconfig" && make liburing.pc &&
    cp liburing.pc "$prefix/lib/pkgconfig"
)

make_libuv() (
  rm -rf libuv && cp -r "$package" libuv && cd libuv && sh autogen.sh &&
    ./configure -q --host="$(uname -m)-linux-musl" --prefix="$prefix" \
      CC=musl-gcc CFLAGS="-O2 -w $kernel" &&
    make -j"$jobs" install
)

# Once for each cache.
libraries() {
  [ ! -e "$prefix/made" ] || return 0
  mkdir -p "$prefix"
  part kernel-headers kernel_headers || finish
  source_package liburing
  part liburing make_liburing || finish
  source_package libuv1
  part libuv make_libuv || finish
  : >"$prefix/made"
}

begin musl
install musl-tools linux-libc-dev gcc make autoconf automake libtool pkg-config
prefix=$cache/musl
kernel="-idirafter $prefix/kernel"
libraries
export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig"
# Its CMSG_NXTHDR() changes signs.
flags="$optimise -Wno-sign-conversion"
configure --without-criterion --disable-shared CC=musl-gcc \
  CPPFLAGS="$kernel" CFLAGS="$flags" LDFLAGS="-Wl,-rpath,$prefix/lib"
part check run_tests '' SMOKE_SH= TESTFLAGS="--unable=$here/musl.unable"
[ "${PORTS_QUICK:-}" != yes ] || finish
dir=static
configure --without-criterion --disable-shared CC=musl-gcc \
  CPPFLAGS="$kernel" CFLAGS="$flags" LDFLAGS=-static
part samples run_tests '' TESTS= PLAINS= SIMULATE= NO_SIMULATE= CHECKS_SH=
finish
