#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Every man page has an example, and every display among its EXAMPLES is a whole
# program, with a main(), that compiles, links and succeeds on both backends.
# Run it in the build directory.

srcdir=${srcdir:-.}
work=out/examples
bad=0
count=0
rm -rf "$work"
mkdir -p "$work"
echo 'what a filter gets' >"$work/input"

complain() {
  echo "$*"
  bad=1
}

for page in ${MAN3:?} ${MAN7:?}; do
  name=$work/${page##*/}
  # Each literal block becomes a file; mdoc writes \e for a backslash.
  awk -v to="$name" '
    /^\.Sh / { on = ($2 == "EXAMPLES") }
    on && /^\.Bd -literal/ { file = to "-" ++n ".c"; next }
    /^\.Ed/ { file = "" }
    file { gsub(/\\e/, "\\"); sub(/^\\&/, ""); print >file }
  ' "$srcdir/$page"
  [ -f "$name-1.c" ] || complain "$page: no example"
done

# compile PROGRAM: callbacks need not look at all that they are given.
compile() {
  eval "$LINK -UNDEBUG -Wno-unused-parameter -o $1 $1.c $LINK_LIBS" \
    >"$1.log" 2>&1
}

# try PROGRAM VARIABLE=VALUE: between two pipes, as a filter runs; one that
# reads its standard input has to copy it.
try() {
  # shellcheck disable=SC2086,SC2002
  cat "$work/input" | {
    env "$2" $TEST_WRAPPER "$1" 2>>"$1.log"
    echo $? >"$1.status"
  } | cat >"$1.out"
  [ "$(cat "$1.status")" -eq 0 ] || return 1
  ! grep -q STDIN_FILENO "$1.c" || cmp "$work/input" "$1.out" >>"$1.log" 2>&1
}

for source in "$work"/*.c; do
  program=${source%.c}
  count=$((count + 1))
  if ! grep -q '^int main(' "$source"; then
    complain "$source: not a whole program"
  elif ! compile "$program"; then
    complain "$source does not compile:"
    cat "$program.log"
  else
    for way in WEIR_WAIT=uv WEIR_WAIT=ring WEIR_BACKEND=uv; do
      try "$program" "$way" || complain "$source fails with $way:" \
        "$(cat "$program.status" "$program.log")"
    done
  fi
done
echo "$count examples"
exit $bad
