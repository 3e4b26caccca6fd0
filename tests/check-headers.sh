#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Each public header stands alone, as C99 and as C++, and warns of nothing. So
# does each private one as C11, and all of them together: no name is two things.
# Run it in the build directory.

srcdir=${srcdir:-.}
warnings='-Wall -Wextra -pedantic -Wundef -Werror -fsyntax-only'
common="-I$srcdir/include $CPPFLAGS $LIBUV_CFLAGS $warnings"
flags="$common -D_POSIX_C_SOURCE=200809L"
bad=0

# compiles LANGUAGE STANDARD TEXT
compiles() {
  # shellcheck disable=SC2086
  printf '%s\n' "$3" | ${CC:-cc} -x "$1" -std="$2" $flags -
}

languages='c:c99 c:c11'
if compiles c++ c++11 'int main();' 2>/dev/null; then
  languages="$languages c++:c++98 c++:c++17"
else
  echo 'skipped: there is no C++ compiler: it did not see the headers'
fi

for header in ${PUBLIC_HDRS:?}; do
  for language in $languages; do
    # Twice, so that the guard is tried too. libuv's own header needs C++11.
    compiles "${language%:*}" "${language#*:}" \
      "$(printf '#include <%s>\n#include <%s>\nint main(void);' \
        "${header#include/}" "${header#include/}")" || {
      echo "$header does not compile alone as ${language#*:}"
      bad=1
    }
  done
done

flags="$common -I. ${PRIVATE_CPPFLAGS:?}"
forwards=
backwards=
for header in "$srcdir"/lib/*.h "$srcdir"/uring/*.h; do
  case $HAVE_URING:$header in
  *:"$srcdir"/lib/os_windows.h) continue ;; # of another system's headers
  yes:* | *:"$srcdir"/lib/*) ;;
  *) continue ;;
  esac
  include="#include \"$header\""
  forwards=$(printf '%s\n%s' "$forwards" "$include")
  backwards=$(printf '%s\n%s' "$include" "$backwards")
  compiles c gnu11 "$(printf '%s\n%s\nint main(void);' "$include" \
    "$include")" || {
    echo "$header does not compile alone"
    bad=1
  }
done
for together in "$forwards" "$backwards"; do
  compiles c gnu11 "$(printf '%s\nint main(void);' "$together")" || {
    echo 'The private headers do not compile together'
    bad=1
  }
done
exit $bad
