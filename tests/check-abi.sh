#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The exported symbols are those of tests/abi.txt, which are those that the
# public headers declare, and nothing global has a foreign name. On 64-bit Linux
# the public structs have the sizes, and their public members the offsets, that
# it lists. Run it in the build directory; with --update it writes that file.

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

grep -v '^#\| ' "$list" | sort >"$tmp/listed"
grep '^[^#].* ' "$list" | sort >"$tmp/listed-sizes"

headers=$(for h in ${PUBLIC_HDRS:?}; do echo "$srcdir/$h"; done)

# Prints a program that prints the sizes and offsets of the public structs.
program() {
  echo '#include <stddef.h>'
  echo '#include <stdio.h>'
  for h in $PUBLIC_HDRS; do
    echo "#include <${h#include/}>"
  done
  echo 'int main(void) {'
  echo '#if defined(__linux__) && defined(__LP64__)'
  # shellcheck disable=SC2086
  awk -f "$srcdir/tests/comments.awk" -f "$srcdir/tests/structs.awk" $headers |
    while IFS=. read -r type member; do
      value="sizeof($type)"
      [ -z "$member" ] || value="offsetof($type, $member)"
      printf '  printf("%%s %%zu\\n", "%s", %s);\n' \
        "$type${member:+.$member}" "$value"
    done
  echo '#endif'
  echo '  return 0; }'
}

program >"$tmp/sizes.c"
# shellcheck disable=SC2086
${CC:-cc} -I"$srcdir/include" $CPPFLAGS $LIBUV_CFLAGS -o "$tmp/sizes" \
  "$tmp/sizes.c" || complain 'The sizes of public structs do not compile.'
"./$tmp/sizes" | sort >"$tmp/sizes.txt"
if [ ! -s "$tmp/sizes.txt" ]; then
  echo 'skipped: the sizes of public structs are listed for 64-bit Linux'
  cp "$tmp/listed-sizes" "$tmp/sizes.txt"
fi

archive=.libs/libweir-core.a
if [ -f "$archive" ]; then
  $NM -g "$archive" | awk 'NF == 3 && $2 ~ /^[A-TV-Z]$/ { print $3 }' |
    sed 's/^_\(weir_\)/\1/' | grep -v '^weir_\|^__\|^_*gcov' >"$tmp/foreign"
  [ ! -s "$tmp/foreign" ] || {
    complain 'Global symbols without weir_:' && cat "$tmp/foreign"
  }
fi

# shellcheck disable=SC2086
awk -f "$srcdir/tests/comments.awk" -f "$srcdir/tests/prototypes.awk" $headers |
  sed 's/(.*//; s/.*[ *]//' | sort >"$tmp/declared"

[ "$1" = --update ] ||
  same 'Not what tests/abi.txt lists (<) are the sizes and offsets (>):' \
    "$tmp/listed-sizes" "$tmp/sizes.txt"

library=.libs/libweir.so
if [ ! -f "$library" ] || ! $NM -D "$library" >"$tmp/nm" 2>/dev/null; then
  [ $bad -eq 0 ] || exit 1
  echo 'there is no ELF shared library'
  exit 77
fi

awk '$2 ~ /^[A-TV-Z]$/ && $3 !~ /^WEIR_/ { print $3 }' "$tmp/nm" |
  sort >"$tmp/versioned"
sed 's/@.*//' "$tmp/versioned" | sort >"$tmp/exported"

if [ "$1" = --update ]; then
  { grep '^#' "$list" && cat "$tmp/exported" "$tmp/sizes.txt"; } >"$tmp/new"
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
