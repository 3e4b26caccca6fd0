# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Prints each public struct of the headers given, TYPE, and each member of it
# that is public, TYPE.MEMBER, one to a line. Private is what a comment says to
# be so: above the struct, in it for all that stands below, behind a member for
# that one. With comments.awk.

/^#/ { next }
!inside && /^\/\*/ { above = "" }
!inside && /^(\/\*| \*)/ { above = above $0 }
!inside && /^$/ { above = "" }
!inside && /^(typedef )?struct weir_[a-z0-9_]*_s \{$/ {
  type = $0
  sub(/^(typedef )?struct /, "", type)
  sub(/_s \{$/, "_t", type)
  print type
  inside = 1
  private = above ~ /fields are[ *]+private/ || above ~ /^\/\* Private:/
  depth = 0
  text = ""
  next
}
!inside { next }
/^}/ {
  inside = 0
  next
}
{
  own = / \/\* [Pp]rivate[ .*]/ && /;/
  if (!own && /^ *\/\* Private/)
    private = 1
  if (!uncomment())
    next
  text = text " " $0
  depth += gsub(/\{/, "{") - gsub(/\}/, "}")
}
depth == 0 && /;[ \t]*$/ {
  if (!private && !own)
    print type "." name(text)
  text = ""
}

function name(s) {
  gsub(/\{.*\}/, "", s)
  if (match(s, /\(\*[a-z0-9_]+\)/))
    return substr(s, RSTART + 2, RLENGTH - 3)
  sub(/(\[[^\]]*\])?;[ \t]*$/, "", s)
  sub(/.*[ *]/, "", s)
  return s
}
