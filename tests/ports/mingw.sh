#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Windows: built by mingw-w64, run by wine.

# shellcheck source=tests/ports/common.sh
. "$(dirname "$0")/common.sh"
begin mingw
triple=x86_64-w64-mingw32
install gcc-mingw-w64-x86-64 wine64 gcc libc6-dev libuv1-dev pkg-config \
  autoconf automake libtool make
for wine in wine64 /usr/lib/wine/wine64; do
  ! command -v "$wine" >/dev/null || break
done
prefix=$cache/libuv-$triple

# libuv without its tests.
build_libuv() {
  [ ! -e "$prefix/done" ] || return 0
  (cd "$package" && sh autogen.sh) && rm -rf "$out/libuv" &&
    mkdir "$out/libuv" && cd "$out/libuv" &&
    "$package/configure" --host=$triple --prefix="$prefix" &&
    make -j"$jobs" install-libLTLIBRARIES install-includeHEADERS \
      install-data && : >"$prefix/done"
}

# What the DLL exports is what tests/abi.txt lists.
check_exports() {
  $triple-objdump -p .libs/libweir-*.dll | tr -d '\r' | awk '
    /^\[Ordinal\/Name Pointer\] Table/ { on = 1; next }
    on && NF == 0 { on = 0 }
    on { print $NF }' | sort >exports
  grep -v '^#\| ' "$source/tests/abi.txt" | sort >listed
  diff listed exports
}

# Scripts that stand for the samples; and their peer, which is for Unix alone.
wrap_samples() {
  rm -rf wrapped && mkdir wrapped && build_peer || return
  for sample in samples/.libs/*.exe; do
    name=wrapped/$(basename "$sample" .exe)
    printf '#!/bin/sh\nexec %s "%s/%s" "$@"\n' "$wine" "$PWD" "$sample" \
      >"$name" && chmod +x "$name" || return
  done
}

build_peer() {
  set --
  for file in demo_peer address dial message options os_unix pattern; do
    set -- "$@" "$source/samples/$file.c"
  done
  # Of weir it calls nothing, though others in these files do.
  # shellcheck disable=SC2046
  gcc -ffunction-sections -Wl,--gc-sections -I"$source/include" \
    -o wrapped/demo_peer "$@" \
    $(env -u PKG_CONFIG_LIBDIR pkg-config --cflags --libs libuv)
}

# Beside that of libuv, there is one of the compiler's own threads.
libraries_of_wine() {
  for dir in "$PWD/.libs" "$prefix/bin" "/usr/$triple/lib" \
    "$(dirname "$($triple-gcc -print-libgcc-file-name)")"; do
    printf 'Z:%s;' "$dir" | tr / '\\'
  done
}

source_package libuv1
part libuv build_libuv || finish
export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig"
# The tests take a socket for an int, of which compilers warn.
configure --host=$triple --without-criterion --disable-werror \
  --disable-static CFLAGS=-O1
build libraries samples tests
part exports check_exports

export WINEPREFIX="$out/wine" WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
WINEPATH=$(libraries_of_wine)
export WINEPATH
unset DISPLAY WAYLAND_DISPLAY
printf 'int main(void) { return 0; }\n' >start.c
if ! $triple-gcc -o start.exe start.c || ! timeout 300 "$wine" start.exe; then
  skip_part 'the tests: wine does not start'
  finish
fi
export WEIR_TEST_PATIENCE=10 TEST_TIMEOUT=3000
part check run_tests "$wine" SMOKE_SH= CHECKS_SH= BENCH= \
  TESTFLAGS="--unable=$here/mingw.unable"
wrap_samples || finish
part samples env SAMPLES_DIR=wrapped srcdir="$source" \
  sh "$source/tests/ports/mingw-samples.sh"
finish
