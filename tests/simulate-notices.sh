#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Whether the simulation finds faults of the loop that were mended: puts each of
# tests/machine/notices/*.patch back, into a copy of the sources in out/notices,
# and runs SEEDS (40000) seeds until one fails. Prints how many it took and why.
# NOTICES picks some of them.

set -u
srcdir=$(cd "${srcdir:-.}" && pwd) || exit 1
make=${MAKE:-make}
tree=$PWD/out/notices
seeds=${SEEDS:-40000}
core=libweir-core.so
status=0
mkdir -p "$tree" && cd "$tree" || exit 1
ulimit -c 0

die() {
  echo "simulate-notices: $*" >&2
  exit 1
}

copy_tree() {
  (
    cd "$srcdir" || exit
    find Makefile sources.mk configure ./*.in build-aux include lib uring \
      tests/random.h tests/simulate.c tests/machine tests/program -type f \
      ! -name '*.[od]' ! -name '*.l[oa]'
  ) | while read -r file; do
    cmp -s "$srcdir/$file" "$file" && continue
    mkdir -p "$(dirname "$file")"
    cp "$srcdir/$file" "$file" || die "$file"
  done
}

build() {
  "$make" -s --no-print-directory "$@" CORE=$core \
    CFLAGS='-O1 -g -fvisibility=default' >build.log 2>&1 </dev/null ||
    die "$(tail -n 20 build.log)"
}

# What it died of, this shell would say itself.
simulate() {
  LD_LIBRARY_PATH=$tree timeout 300 tests/simulate 1 "$seeds" >"$1" 2>&1
  died=$?
  [ $died -eq 0 ]
} 2>/dev/null

# What the simulation said, and of which seed.
result() {
  said=$(sed -n 's/^at [0-9.]* us: //p; s/^program [^:]*: //p
    s/.*Assertion/&/p' "$1" | head -n 1)
  echo "${said:-exit status $died}"
}

seed_of() {
  sed -n 's/.*SEED=\([0-9]*\).*/\1/p' "$1" | head -n 1
}

try() {
  if ! patch -s -p1 --dry-run <"$1" >/dev/null; then
    echo "$2: does not fit the sources any more"
    status=1
    return
  fi
  patch -s -p1 <"$1" || die "$1"
  build $core
  if simulate notice.log; then
    echo "$2: not noticed in $seeds schedules"
    status=1
  else
    echo "$2: seed $(seed_of notice.log): $(result notice.log)"
  fi
  patch -s -R -p1 <"$1" || die "$1"
}

copy_tree
[ -f config.mk ] && [ ! configure -nt config.mk ] ||
  ./configure -q --disable-static CC="${CC:-cc}" >build.log 2>&1 ||
  die "configure: $(tail -n 5 build.log)"
build $core tests/simulate
simulate notice.log || die "without a fault: $(cat notice.log)"
for patch in "$srcdir"/tests/machine/notices/*.patch; do
  name=$(basename "$patch" .patch)
  case " ${NOTICES:-$name} " in
  *" $name "*) try "$patch" "$name" ;;
  esac
done
exit $status
