#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# verify-dist.sh TARBALL: whether TARBALL (.tar.gz or .tar.xz) is what
# `make dist` makes of the commit that is checked out, bit for bit.
set -eu

tarball=${1:-}
if [ ! -f "$tarball" ]; then
  echo 'usage: make verify-dist TARBALL=weir-VERSION.tar.gz' >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$(dirname "$0")/dist.sh" "$work" >/dev/null

made=$(echo "$work"/weir-*.tar."${tarball##*.}")
if cmp -s "$tarball" "$made"; then
  echo "$tarball is what this commit gives"
  exit
fi
mkdir "$work/given" "$work/ours"
tar -xf "$tarball" -C "$work/given"
tar -xf "$made" -C "$work/ours"
diff -r "$work/given" "$work/ours" ||:
echo "$tarball is not what this commit gives" >&2
exit 1
