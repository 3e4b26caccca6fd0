#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The exported symbols are those of tests/abi.txt, which are those that the
# public headers declare, and nothing global has a foreign name. Run it in the
# build directory; with --update it writes tests/abi.txt.

srcdir=${srcdir:-.}
NM=${NM:-nm}
list=$srcdir/tests/abi.txt
tmp=out/abi
bad=0
mkdir -p "$tmp"

complain() {
  echo "$1"
  bad=1
}

# same WHAT-IF-NOT EXPECTED ACTUAL
same() {
  diff "$2" "$3" >"$tmp/diff" || { complain "$1" && cat "$tmp/diff"; }
}

grep -v '^#' "$list" | sort >"$tmp/listed"

archive=.libs/libweir-core.a
if [ -f "$archive" ]; then
  $NM -g "$archive" | awk 'NF == 3 && $2 ~ /^[A-TV-Z]$/ { print $3 }' |
    sed 's/^_\(weir_\)/\1/' | grep -v '^weir_\|^__\|^_*gcov' >"$tmp/foreign"
  [ ! -s "$tmp/foreign" ] || {
    complain 'Global symbols without weir_:' && cat "$tmp/foreign"
  }
fi

# shellcheck disable=SC2086
awk -f "$srcdir/tests/prototypes.awk" \
  $(for h in ${PUBLIC_HDRS:?}; do echo "$srcdir/$h"; done) |
  sed 's/(.*//; s/.*[ *]//' | sort >"$tmp/declared"

library=.libs/libweir.so
if [ ! -f "$library" ] || ! $NM -D "$library" >"$tmp/nm" 2>/dev/null; then
  [ $bad -eq 0 ] || exit 1
  echo 'there is no ELF shared library'
  exit 77
fi

awk '$2 ~ /^[A-TV-Z]$/ && $3 !~ /^WEIR_/ { print $3 }' "$tmp/nm" |
  sort >"$tmp/versioned"
sed 's/@.*//' "$tmp/versioned" >"$tmp/exported"

if [ "$1" = --update ]; then
  { grep '^#' "$list" && cat "$tmp/exported"; } >"$tmp/new"
  mv "$tmp/new" "$list"
  exit
fi

same 'Not what tests/abi.txt lists (<) is exported (>):' \
  "$tmp/listed" "$tmp/exported"
same 'Not what the headers declare (<) is exported (>):' \
  "$tmp/declared" "$tmp/exported"
if grep -v '@@*WEIR_[0-9]' "$tmp/versioned" >"$tmp/diff"; then
  grep -q '@' "$tmp/versioned" && complain 'Symbols without a version:' &&
    cat "$tmp/diff"
fi

if readelf -d "$library" >"$tmp/dynamic" 2>/dev/null; then
  grep -q 'SONAME.*libweir\.so\.[0-9]' "$tmp/dynamic" || complain 'no soname'
  grep 'RPATH\|RUNPATH\|TEXTREL' "$tmp/dynamic" && complain 'unwanted entries'
  readelf -lW "$library" | grep 'GNU_STACK.*E' && complain 'executable stack'
else
  echo 'skipped: there is no readelf: nobody looked for a soname and the like'
fi
exit $bad
