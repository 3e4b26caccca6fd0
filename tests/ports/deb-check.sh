#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# deb-check.sh WHAT ARCHITECTURE: whether the packages are right that deb.sh has
# built in the directory of that name. Run in the system of its own, which has
# the packages for a moment if WHAT is installed.

set -eu
what=$1
arch=$2
source=/mnt/source
triple=$(dpkg-architecture -a"$arch" -qDEB_HOST_MULTIARCH 2>/dev/null)
dir=$PWD/$arch
tree=$dir/tree
libs=$tree/usr/lib/$triple
list=$source/tests/abi.txt
packages='libweir0 libweir-dev'

if [ ! -d "$tree" ]; then
  for package in $packages; do
    dpkg-deb -x "$dir/${package}"_*.deb "$tree"
  done
fi

# is WHAT EXPECTED ACTUAL
is() {
  [ "$2" = "$3" ] || {
    echo "$1: $3, not $2"
    exit 1
  }
}

# formats FILE...: the object files in them.
formats() {
  "$triple-objdump" -f "$@" | sed -n 's/.*file format //p' | sort -u
}

# As the packages say, and as the compiler of that architecture makes it.
check_architecture() {
  for package in $packages; do
    deb=$(echo "$dir/${package}"_*.deb)
    is "$deb" "$arch" "$(dpkg-deb -f "$deb" Architecture)"
    is "$deb" same "$(dpkg-deb -f "$deb" Multi-Arch)"
  done
  echo 'int nothing;' >"$dir/nothing.c"
  "$triple-gcc" -c -o "$dir/nothing.o" "$dir/nothing.c"
  is format "$(formats "$dir/nothing.o")" \
    "$(formats "$libs"/libweir.so.*.* "$libs"/*.a)"
}

check_soname() {
  file=$(echo "$libs"/libweir.so.*.*)
  is soname libweir.so.0 \
    "$("$triple-readelf" -d "$file" | sed -n 's/.*soname: \[\(.*\)\]$/\1/p')"
  is libweir.so "${file##*/}" "$(readlink "$libs/libweir.so")"
  "$triple-readelf" -d "$file" | if grep -i 'rpath\|runpath'; then exit 1; fi
}

check_symbols() {
  grep -v '^#\| ' "$list" | sort >"$dir/listed"
  "$triple-nm" -D --defined-only "$libs/libweir.so.0" |
    awk '$2 != "A" { sub("@.*", "", $3); print $3 }' | sort >"$dir/exported"
  diff "$dir/listed" "$dir/exported"
}

# Of each function, and where they are found on each architecture.
check_pages() {
  grep -v '^#\| ' "$list" | while read -r name; do
    [ -e "$tree/usr/share/man/man3/$name.3.gz" ] || {
      echo "no page of $name"
      exit 1
    }
  done
  [ -e "$tree/usr/share/man/man7/weir.7.gz" ]
}

check_pkg_config() {
  PKG_CONFIG_LIBDIR=$libs/pkgconfig:/usr/lib/$triple/pkgconfig
  export PKG_CONFIG_LIBDIR
  tell="$triple-pkg-config"
  is libdir "/usr/lib/$triple" "$("$tell" --variable=libdir weir)"
  is flags -lweir "$("$tell" --libs weir | grep -o '.*-lweir')"
  "$tell" --static --libs weir | grep -e '-lweir.* -luring'
  "$tell" --exists weir-test
  is version "$("$source/configure" --version | sed -n '1s/.* //p')" \
    "$("$tell" --modversion weir)"
}

# need COMMAND: or it is skipped.
need() {
  command -v "$1" || {
    echo 'Skipped:'
    echo "  1 there is no $1"
    echo '0 passed, 0 failed, 1 skipped'
    exit
  }
}

check_lintian() {
  need lintian
  lintian --allow-root --fail-on error "$dir"/*.changes
}

purge() {
  # shellcheck disable=SC2016
  dpkg-query -W -f '${binary:Package}\n' 'libweir*' | xargs dpkg --purge
}

# A program is compiled with them, and runs with what they depend on. Those of
# the architecture that was built before are there at the same time, which have
# files in common.
check_installed() {
  wrapper=
  if [ "$arch" != "$(dpkg --print-architecture)" ]; then
    wrapper=qemu-${triple%%-*}
    need "$wrapper"
  fi
  trap purge EXIT
  dpkg -i "$PWD"/*/libweir0_*.deb "$PWD"/*/libweir-dev_*.deb
  lib=/usr/lib/$triple
  srcdir=$source CC=$triple-gcc PKG_CONFIG=$triple-pkg-config \
    TEST_WRAPPER=$wrapper \
    sh "$source/scripts/installcheck.sh" '' /usr/include "$lib" \
    "$lib/pkgconfig" /usr/share/man
}

"check_$(echo "$what" | tr - _)"
