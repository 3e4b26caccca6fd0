# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Prints the prototype of each public function of the headers given, one to a
# line, blanks only where C needs them. Functions that a shared library exports
# begin with WEIR_EXTERN; those of the library for tests do not. With
# comments.awk.

/^#/ { next }
!uncomment() { next }
/^WEIR_EXTERN/ || (!taking && /^[A-Za-z].*[ *]weir_[a-z0-9_]*\(/) {
  text = ""
  taking = 1
}
taking { text = text " " $0 }
taking && /[;{][ \t]*$/ {
  taking = 0
  gsub(/WEIR_EXTERN|WEIR_INLINE|WEIR_MUST_USE|[;{]/, "", text)
  gsub(/[ \t]+/, " ", text)
  print squeeze(text)
}

function squeeze(s) {
  gsub(/ *\( */, "(", s)
  gsub(/ *\) */, ")", s)
  gsub(/ *, */, ",", s)
  gsub(/ *\* */, "*", s)
  gsub(/ *\[ */, "[", s)
  gsub(/ *\] */, "]", s)
  sub(/^ */, "", s)
  sub(/ *$/, "", s)
  return s
}
