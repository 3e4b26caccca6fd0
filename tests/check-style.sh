#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Licence lines, clang-format, 80 columns, line ends, names that must not be
# used, and whether the faults for simulate-notices fit.

cd "${srcdir:-.}" || exit 1
bad=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# complain WHAT: fails if $work/found has lines.
complain() {
  [ -s "$work/found" ] || return 0
  echo "$1:"
  head -n 20 "$work/found"
  bad=1
}

find include lib uring tests samples bench docs -type f -name '*.[ch]' \
  2>/dev/null | sort >"$work/c"
find Makefile sources.mk bootstrap configure.ac ./*.in .ci scripts tests \
  samples bench lib man docs ./*.md .clang-format .editorconfig -type f \
  ! -name config.h.in 2>/dev/null |
  grep -E '\.(sh|awk|ac|in|mk|map|md|[1-9])$|(Makefile|bootstrap|run)$' \
    >"$work/text"
sort -u "$work/c" "$work/text" >"$work/all"

while read -r f; do
  head -n 6 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f"
done <"$work/all" >"$work/found"
complain 'No SPDX lines'

xargs grep -l "$(printf '\r')" <"$work/all" >"$work/found"
complain 'CR at the end of lines'

xargs grep -n '[[:blank:]]$' <"$work/all" >"$work/found"
complain 'Blanks at the end of lines'

xargs grep -n "$(printf '\t')" <"$work/c" >"$work/found"
complain 'Tabs in C'

grep -v '\.md$' "$work/all" | while read -r f; do
  expand "$f" | LC_ALL=C.UTF-8 grep -n '.\{81,\}' | sed "s|^|$f:|"
done >"$work/found"
complain 'More than 80 columns'

xargs grep -nw 'TODO\|FIXME\|XXX' <"$work/c" >"$work/found"
complain 'Unfinished'

# What is not listed is neither built nor installed.
{
  grep '\.c$' "$work/c"
  find include man -type f
  find tests -maxdepth 1 -name 'check-*.sh' -o -name 'smoke-*.sh'
} | while read -r f; do
  grep -q " $f\$" sources.mk || echo "$f"
done >"$work/found"
complain 'Not in sources.mk'

# Memory comes from lib/alloc.h alone; a library does not print or end the
# program, but for the debug mode that was asked to. lib/test is a library for
# tests, without the core's inside.
grep '^lib/\|^uring/' "$work/c" | grep -v '^lib/alloc\.\|^lib/test/' \
  >"$work/library"
xargs grep -nE '(^|[^a-zA-Z0-9_>.])(malloc|calloc|realloc|free|strdup)\(' \
  /dev/null <"$work/library" >"$work/found"
complain 'Memory not from weir__malloc'
grep -v '^lib/debug_report\.' "$work/library" >"$work/quiet"
xargs grep -nE '(^|[^a-zA-Z0-9_>.])(f?printf|puts|abort|_?exit|sprintf)\(' \
  /dev/null <"$work/quiet" >"$work/found"
complain 'Not for a library'
grep -v '^lib/os_' "$work/library" |
  xargs grep -nE '(^|[^a-zA-Z0-9_>.])getenv\(' /dev/null >"$work/found"
complain 'The environment not from weir__os_getenv'

# A difference between systems is a function of lib/os.h, or a check of
# configure's. The backend of libuv has libuv's own, and export.h is read by
# programs that configure has not seen.
systems='__(linux|linux__|APPLE__|CYGWIN__|MINGW[0-9]*__|ANDROID__|GLIBC__)'
systems="$systems|__(FreeBSD|OpenBSD|NetBSD|DragonFly|sun|unix)(__)?|_MSC_VER"
systems="$systems|_?_WIN(32|64)(__)?"
grep -v '^\(lib\|tests/support\)/os_\|^lib/uv_\|/weir/export\.h$' "$work/c" |
  xargs grep -nwE "$systems" >"$work/found"
complain 'A system by its name'

# The faults that the simulation is to notice, as faults of these sources.
if command -v patch >/dev/null; then
  for fault in tests/machine/notices/*.patch; do
    patch -f -s -p1 --dry-run <"$fault" >/dev/null 2>&1 || echo "$fault"
  done >"$work/found"
  complain 'Does not fit the sources any more'
else
  echo 'skipped: there is no patch: whether the faults for simulate-notices fit'
fi

# Another version has another idea of the same style.
format=${CLANG_FORMAT:-clang-format}
if "$format" --version 2>/dev/null | grep -q 'version 14\.'; then
  xargs "$format" --dry-run -Werror <"$work/c" 2>"$work/found"
  complain "clang-format -i wanted"
else
  echo 'skipped: there is no clang-format 14: it did not see the layout'
fi
exit $bad
