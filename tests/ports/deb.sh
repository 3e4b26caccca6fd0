#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Packages of Debian's, built for this machine and cross built for arm64, and
# what is in them. That is done in a system of the distribution's of its own, to
# which the other architecture is added. What packages need beside the sources
# is in debian/.

# shellcheck source=tests/ports/common.sh disable=SC2317
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/ports/system.sh
. "$here/system.sh"
begin deb
command -v dpkg >/dev/null || skip 'there is no dpkg'
native=$(dpkg --print-architecture)
other=arm64
[ "$native" != arm64 ] || other=amd64
need_system

get='apt-get install -q -y --no-install-recommends'
make_system "$native" \
  build-essential,debhelper,libuv1-dev,liburing-dev,netbase,pkg-config "
  dpkg --add-architecture $other && apt-get update -q &&
    $get crossbuild-essential-$other libuv1-dev:$other liburing-dev:$other \
      pkg-config:$other || exit
  for optional in lintian qemu-user; do
    $get \$optional || :
  done"

# What is new is told by ChangeLog, which the packages have, too.
changelog() {
  echo "weir ($version-1) unstable; urgency=medium"
  echo
  echo "  * Version $version."
  echo
  echo " -- $(sed -n 's/^Maintainer: //p' debian/control)" \
    " $(LC_ALL=C date -u -R -r ChangeLog)"
}

# source_tree ARCHITECTURE: as it is unpacked from a tarball, and debian/.
source_tree() (
  mkdir -p "$out/build/$1" &&
    cp -pr "$source" "$out/build/$1/weir" && cd "$out/build/$1/weir" &&
    cp -r tests/ports/debian debian && changelog >debian/changelog
)

version=$("$source/configure" --version | sed -n '1{s/.* //;s/-/~/;p}')
rm -rf "$out/build"
for arch in "$native" "$other"; do
  part "sources-$arch" source_tree "$arch" || finish
  part "build-$arch" enter "cd $arch/weir && DEB_BUILD_OPTIONS=nocheck \
    dpkg-buildpackage -b -a$arch -Pcross,nocheck -us -uc -j$jobs" || continue
  for what in architecture soname symbols pages pkg-config lintian installed; do
    part "$what-$arch" enter \
      "sh /mnt/source/tests/ports/deb-check.sh $what $arch"
  done
done
finish
