#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Which files of lib/ and uring/ may know of which: no circles of concepts (a
# .c file and its header are one), backends know of the core what backend.h
# shows, the core nothing of them, and what a file has for others stands in one
# header.

cd "${srcdir:-.}" || exit 1
bad=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# complain WHAT: fails if $work/found has lines.
complain() {
  [ -s "$work/found" ] || return 0
  echo "$1:"
  cat "$work/found"
  bad=1
}

# "FILE HEADER" for each header of ours that a file includes.
for f in lib/*.[ch] uring/*.[ch]; do
  sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f" | while read -r header; do
    case $header in
    config.h) ;;
    ../*) echo "$f ${header#../}" ;;
    *) echo "$f ${f%/*}/$header" ;;
    esac
  done
done >"$work/includes"

sed 's/\.[ch]//g' "$work/includes" | awk '$1 != $2' >"$work/concepts"
tsort "$work/concepts" 2>"$work/found" >/dev/null
complain 'Concepts that include each other in a circle'

# What backend.h includes, and what that does.
awk '
  { all[$1] = all[$1] " " $2 }
  function show(header, i, n, more) {
    if (seen[header]++)
      return
    print header
    n = split(all[header], more, " ")
    for (i = 1; i <= n; i++)
      show(more[i])
  }
  END { show("lib/backend.h") }
' "$work/includes" >"$work/shown"

# A header that includes none of ours knows nothing of the core. The io_uring
# backend leaves to libuv what it cannot do itself.
grep '^lib/uv_\|^uring/' "$work/includes" | while read -r f header; do
  case $f:$header in
  *:uring/*.h | *:lib/uv_*.h) continue ;;
  esac
  ! grep -qx "$header" "$work/shown" && grep -q "^$header " "$work/includes" &&
    echo "$f includes $header"
done >"$work/found"
complain 'Backends know of the core only what backend.h shows'

grep '^lib/' "$work/includes" | grep -v '^lib/uv_' |
  grep ' uring/\| lib/uv_' >"$work/found"
grep '^lib/uv_.* uring/' "$work/includes" >>"$work/found"
complain 'The core includes no backend, and that of libuv no other'

# functions FILE...: "FUNCTION FILE" for what begins at the left margin.
functions() {
  awk '
    /^[a-z].*[ *]weir__[a-z0-9_]+\(/ && !/^(static|typedef)/ {
      sub(/\(.*/, "")
      sub(/.*[ *]/, "")
      print $0, FILENAME
    }
  ' "$@" | sort
}
functions lib/*.c uring/*.c >"$work/defined"
functions lib/*.h uring/*.h >"$work/declared"

join -v 1 "$work/defined" "$work/declared" >"$work/found"
complain 'In no header'

# Nor do the files of the core call each other in a circle. What stands in a
# header, and the public functions, are left out; what each system has, of
# which there is one, is taken from the first.
{
  grep -v ' lib/uv_\| uring/\| lib/os_windows' "$work/defined"
  awk '/^const weir__source_t / { print $3, FILENAME }' lib/*.c
} | sort >"$work/core"
for f in lib/*.c; do
  grep -ow 'weir__[a-z0-9_]*' "$f" | sort -u | join - "$work/core" |
    awk -v f="$f" '$2 != f { print f, $2 }'
done | grep -v '^lib/uv_' >"$work/calls"
tsort "$work/calls" 2>"$work/found" >/dev/null
complain 'Files of the core that call each other in a circle'
cut -d' ' -f1 "$work/declared" | uniq -d >"$work/found"
complain 'In two headers'

# backend.h has what backends need, whoever does it. weir__read_start stands
# with its like, which stream.c calls, and read.h stands on stream.h.
join "$work/defined" "$work/declared" |
  grep -v ' lib/backend\.h$\|^weir__read_start ' |
  cut -d' ' -f2,3 | sort -u >"$work/homes"
cut -d' ' -f1 "$work/homes" | uniq -d | while read -r f; do
  grep "^$f " "$work/homes"
done >"$work/found"
complain 'A file whose functions stand in two headers'

# A deadline may stand there.
grep -nw 'op->owner' lib/*.[ch] uring/*.[ch] |
  grep -v '^lib/op\.h:\|^lib/deadline\.c:' >"$work/found"
complain 'Whose an operation is, is said by weir__op_owner'
exit $bad
