#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# distcheck.sh NAME [CONFIGURE-FLAG...]: builds NAME.tar.gz as a packager does:
# from a read-only source, out of the tree, into a DESTDIR; nothing may be
# left when all is undone.
set -eu

name=$1
shift
make=${MAKE:-make}
[ "$(id -u)" -ne 0 ] ||
  echo 'distcheck: as root, a read-only source proves nothing' >&2

step() {
  echo "distcheck: $*"
}

# nothing_left DIR: fails if there is a file in DIR.
nothing_left() {
  if [ -n "$(find "$1" ! -type d)" ]; then
    find "$1" ! -type d
    echo "distcheck: left in $1" >&2
    exit 1
  fi
}

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
tar -xzf "$name.tar.gz" -C "$work"
chmod -R a-w "$work/$name"
mkdir "$work/build"
cd "$work/build"

step configure
"../$name/configure" -q --prefix=/usr --libdir=/usr/lib "$@"
step build
"$make" V=0
step check
"$make" check
step install
"$make" -s install DESTDIR="$work/dest"
find "$work/dest" ! -type d | sed "s|$work/dest||" | sort
step 'a program against the installed library'
"$make" -s installcheck DESTDIR="$work/dest"
step uninstall
"$make" -s uninstall DESTDIR="$work/dest"
nothing_left "$work/dest"
step distclean
"$make" -s distclean
nothing_left "$work/build"
step "$name.tar.gz is ready"
