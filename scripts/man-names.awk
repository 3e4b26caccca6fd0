# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The names that pages have in their NAME section: prints "NAME PAGE" for each,
# as "weir_seq_size weir_seq.3", but for the page's own.

FNR == 1 {
  page = FILENAME
  sub(/.*\//, "", page)
  in_names = 0
}
/^\.Sh / { in_names = $2 == "NAME" }
in_names && $1 == ".Nm" && $2 ".3" != page { print $2, page }
