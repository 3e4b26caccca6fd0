#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The shared library calls its own functions directly, and is hardened where
# the compiler and the linker can do it. Other flags than the default ones may
# ask for something else. Run it in the build directory.

library=.libs/libweir.so
tmp=out/elf
bad=0
mkdir -p "$tmp"

complain() {
  echo "$1"
  bad=1
}

if [ ! -f "$library" ] || ! readelf -hW "$library" >/dev/null 2>&1; then
  echo 'there is no ELF shared library, or no readelf'
  exit 77
fi
readelf -dW "$library" >"$tmp/dynamic"
readelf -lW "$library" >"$tmp/segments"
readelf -rW "$library" >"$tmp/relocations"
readelf --dyn-syms -W "$library" | grep ' UND ' >"$tmp/undefined"

# has FLAG FILE PATTERN: what FLAG brings, if configure took it.
has() {
  case " ${HARDENING:-} " in
  *" $1 "*) grep -q "$3" "$tmp/$2" || complain "$1 shows no effect" ;;
  *) echo "skipped: configure did not take $1" ;;
  esac
}

has -Wl,-z,now dynamic 'BIND_NOW\|FLAGS_1.*NOW'
has -Wl,-z,relro segments GNU_RELRO
has -fstack-protector-strong undefined __stack_chk_
# Other C libraries check sizes in their headers, if at all.
if grep -q '@GLIBC_' "$tmp/undefined"; then
  has _FORTIFY_SOURCE undefined '__[a-z]*_chk@'
else
  echo 'skipped: _FORTIFY_SOURCE leaves no traces without glibc'
fi

case " ${HARDENING:-} " in
*' -Wl,-Bsymbolic-functions '*)
  grep -w 'weir_[a-z0-9_]*' "$tmp/relocations" >"$tmp/own"
  [ ! -s "$tmp/own" ] ||
    complain "$(wc -l <"$tmp/own") relocations name functions of its own"
  ;;
*) echo "skipped: configure did not take -Wl,-Bsymbolic-functions" ;;
esac
exit $bad
