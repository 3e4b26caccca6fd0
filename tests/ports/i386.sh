#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# i386, in a system of the distribution's of its own, which is entered by
# chroot: all of the tests, on the kernel's real ring.

# shellcheck source=tests/ports/common.sh
. "$(dirname "$0")/common.sh"
begin i386
packages=gcc,libc6-dev,libcriterion-dev,liburing-dev,libuv1-dev,make,netbase
packages=$packages,pkg-config
root=$cache/root-i386

# enter COMMAND: in it, with the sources and the build in their places. The
# mounts go with the process.
enter() {
  # shellcheck disable=SC2016
  unshare -m sh -c '
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
      mount -t tmpfs -o mode=1777 shm "$1/dev/shm" &&
      mount --bind "$2" "$1/mnt/source" && mount --bind "$3" "$1/mnt/build" &&
      exec setarch i686 chroot "$1" /bin/sh -c "cd /mnt/build && $4"
  ' sh "$root" "$source" "$out/build" "$1"
}

# bootstrap: makes it, in a place that only a whole one leaves.
bootstrap() {
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(sed "/^#/d" /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
    2>/dev/null | grep -o '[a-z]*://[^ ]*' | head -n 1)
  rm -rf "$root.part" && mkdir -p "$root.part" &&
    timeout 1200 debootstrap --arch=i386 --variant=minbase \
      --include="$packages" "$suite" "$root.part" "$mirror" >bootstrap.log &&
    mkdir "$root.part/mnt/source" "$root.part/mnt/build" &&
    echo '127.0.0.1 localhost
::1 localhost' >"$root.part/etc/hosts" &&
    echo "$packages" >"$root.part/packages" && mv "$root.part" "$root"
}

case $(uname -m) in
x86_64 | i?86) ;;
*) skip "a $(uname -m) does not run it" ;;
esac
[ "$(id -u)" -eq 0 ] || skip 'only root can enter another system'
unshare -m true 2>/dev/null || skip 'no mounts of our own are to be had here'
if [ "$(cat "$root/packages" 2>/dev/null)" != "$packages" ]; then
  install debootstrap
  rm -rf "$root"
  bootstrap || skip "no such system: $(tail -n 1 bootstrap.log)"
fi

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
