#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# dist.sh DIR: makes DIR/weir-VERSION.tar.gz and .tar.xz of the commit that is
# checked out. They hold what git has and what autoreconf makes, nothing else,
# and depend on nothing but the commit and the versions of the autotools.
set -eu
umask 022
export LC_ALL=C TZ=UTC

cd "$(dirname "$0")/.."
dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git diff --quiet HEAD -- || echo 'dist: uncommitted changes are left out' >&2
git -c tar.umask=0022 archive --prefix=tree/ HEAD | tar -xf - -C "$work"
cd "$work/tree"
autoreconf -fi >"$work/log" 2>&1 || { cat "$work/log" >&2 && exit 1; }
rm -rf autom4te.cache configure~ config.h.in~
version=$(./configure --version | sed -n '1s/.* //p')
cd - >/dev/null

name=weir-$version
mv "$work/tree" "$work/$name"
tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
  --mode=u=rwX,go=rX --mtime="@$(git log -1 --format=%ct)" \
  -C "$work" -cf "$work/$name.tar" "$name"
cd "$dir"
gzip -9nc "$work/$name.tar" >"$name.tar.gz"
xz -9ec --threads=1 "$work/$name.tar" >"$name.tar.xz"
sha256sum "$name.tar.gz" "$name.tar.xz"
