# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# For other scripts on C headers, in which comments begin a line or end one.

FNR == 1 { in_comment = 0 }

# Takes the comments out of the line at hand. 0 if it is within one.
function uncomment() {
  if (in_comment) {
    if (!sub(/^.*\*\//, ""))
      return 0
    in_comment = 0
  }
  gsub(/\/\*([^*]|\*[^\/])*\*\//, "")
  if (sub(/\/\*.*/, ""))
    in_comment = 1
  return 1
}
