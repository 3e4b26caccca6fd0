# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Prints the prototypes in the SYNOPSIS of an mdoc(7) page as prototypes.awk
# prints those of a header: .Ft, then .Fo, .Fa and .Fc, or .Fn.

/^\.Sh / { on = ($2 == "SYNOPSIS") }
!on { next }
/^\.Ft / { type = rest($0) }
/^\.Fo / { name = $2; args = "" }
/^\.Fa / { args = args (args == "" ? "" : ",") rest($0) }
/^\.Fc/ { print squeeze(type " " name "(" args ")") }
/^\.Fn / {
  line = rest($0)
  n = split(line, part, "\"")
  name = part[1]
  args = ""
  for (i = 2; i <= n; i += 2)
    args = args (args == "" ? "" : ",") part[i]
  # An argument of one word may do without quotes.
  if (n == 1) {
    split(line, part, " ")
    name = part[1]
    args = part[2]
  }
  print squeeze(type " " name "(" args ")")
}

function rest(s) {
  sub(/^\.[A-Z][a-z] /, "", s)
  if (s ~ /^".*"$/ && s !~ /^"[^"]*"[^"]/)
    s = substr(s, 2, length(s) - 2)
  return s
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
