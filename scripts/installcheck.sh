#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# installcheck.sh DESTDIR INCLUDEDIR LIBDIR PKGCONFIGDIR MANDIR: compiles a
# program with what pkg-config says of the installed library, shared and static,
# and runs it. Every function that the installed headers declare has a page.
set -eu

destdir=$1
includedir=$2
libdir=$3
PKG_CONFIG=${PKG_CONFIG:-pkg-config}
PKG_CONFIG_PATH=$destdir$4${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH

# The .pc file speaks of the final place. pkg-config drops -I and -L of the
# system's own directories, so they are given by hand.
own=-I$destdir$includedir
where=-L$destdir$libdir
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/try.c" <<'C'
#include <stdio.h>
#include <weir.h>

int main(void) {
  puts(weir_version_string());
  return weir_version() != WEIR_VERSION_HEX;
}
C

expected=$($PKG_CONFIG --modversion weir)
# try FLAG...: the program says the version of the .pc file.
try() {
  # shellcheck disable=SC2086
  ${CC:-cc} ${CFLAGS:-} $own $cflags -o "$work/try" "$work/try.c" ${LDFLAGS:-} \
    $where "$@" ${LIBS:-}
  said=$(LD_LIBRARY_PATH=$destdir$libdir $TEST_WRAPPER "$work/try")
  [ "$said" = "$expected" ] || {
    echo "the library says $said, weir.pc $expected" >&2
    exit 1
  }
}

TEST_WRAPPER=${TEST_WRAPPER:-}
cflags=$($PKG_CONFIG --cflags weir)
if ls "$destdir$libdir"/libweir.so* >/dev/null 2>&1; then
  # shellcheck disable=SC2046
  try $($PKG_CONFIG --libs weir)
  echo "shared: $said"
fi
if [ -f "$destdir$libdir/libweir.a" ]; then
  cflags="$cflags -DWEIR_STATIC"
  # shellcheck disable=SC2046
  try -Wl,-Bstatic -lweir -Wl,-Bdynamic \
    $($PKG_CONFIG --static --libs weir | sed 's/-lweir\( \|$\)//')
  echo "static: $said"
fi

tests=${srcdir:-.}/tests
awk -f "$tests/comments.awk" -f "$tests/prototypes.awk" \
  "$destdir$includedir"/weir/*.h |
  sed 's/(.*//; s/.*[ *]//' >"$work/functions"
[ -s "$work/functions" ]
while read -r name; do
  ls "$destdir$5/man3/$name".3* >/dev/null
done <"$work/functions"
echo "pages: $(wc -l <"$work/functions") functions"
