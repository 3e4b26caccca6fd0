# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The single changes that could be made to C sources: for each a line of file,
# number and new text of the line, with tabs between them. -v aimed=1: only on
# lines where errors, cancellations, restarts and wake-ups are dealt with, or
# right behind them. It lives on the layout that clang-format gives.

FNR == 1 { in_comment = 0; before = "" }

# The line with blanks for what is no code.
function masked(text, i, c, quote, out) {
  out = ""
  quote = ""
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (in_comment) {
      if (substr(text, i, 2) == "*/") {
        in_comment = 0
        out = out " "
        i++
      }
      out = out " "
    } else if (quote != "") {
      if (c == "\\") {
        out = out " "
        i++
      } else if (c == quote) {
        quote = ""
      }
      out = out " "
    } else if (substr(text, i, 2) == "/*") {
      in_comment = 1
      out = out "  "
      i++
    } else if (c == "\"" || c == "'") {
      quote = c
      out = out " "
    } else {
      out = out c
    }
  }
  return out
}

function emit(new) {
  if (new != $0)
    printf "%s\t%d\t%s\n", FILENAME, FNR, new
}

# One change for each place where word is, with other in its place. A word that
# begins or ends with a letter or digit has to do so in the line.
function swap(word, other, at, from, n, head, tail) {
  n = length(word)
  from = 1
  while ((at = index(substr(code, from), word)) > 0) {
    at += from - 1
    from = at + n
    head = at == 1 ? " " : substr(code, at - 1, 1)
    tail = substr(code, at + n, 1)
    if (word ~ /^[A-Za-z0-9]/ && head ~ /[A-Za-z0-9_.]/)
      continue
    if (word ~ /[A-Za-z0-9]$/ && tail ~ /[A-Za-z0-9_.]/)
      continue
    emit(substr($0, 1, at - 1) other substr($0, at + n))
  }
}

# The same for what a pattern matches.
function swap_all(pattern, other, from, at, n) {
  from = 1
  while (match(substr(code, from), pattern)) {
    at = from + RSTART - 1
    n = RLENGTH
    emit(substr($0, 1, at - 1) other substr($0, at + n))
    from = at + n
  }
}

# The position of the bracket that closes the one at `at`, or 0.
function closing(at, i, depth, c) {
  depth = 0
  for (i = at; i <= length(code); i++) {
    c = substr(code, i, 1)
    if (c == "(")
      depth++
    else if (c == ")" && --depth == 0)
      return i
  }
  return 0
}

function negate(at, end) {
  if (!match(code, /(^| )(if|while) \(/))
    return
  at = RSTART + RLENGTH - 1
  end = closing(at)
  if (end > 0)
    emit(substr($0, 1, at) "!(" substr($0, at + 1, end - at) \
         substr($0, end))
}

# !x becomes x.
function swap_not(from, at) {
  from = 1
  while (match(substr(code, from), /![A-Za-z_(]/)) {
    at = from + RSTART - 1
    emit(substr($0, 1, at - 1) substr($0, at + 1))
    from = at + 1
  }
}

function operators() {
  swap(" < ", " <= ")
  swap(" <= ", " < ")
  swap(" > ", " >= ")
  swap(" >= ", " > ")
  swap(" == ", " != ")
  swap(" != ", " == ")
  swap(" && ", " || ")
  swap(" || ", " && ")
  swap(" + ", " - ")
  swap(" - ", " + ")
  swap(" += ", " -= ")
  swap(" -= ", " += ")
  swap("++", "--")
  swap_not()
  swap_all(" \\| [A-Za-z_0-9]+", "")
  swap_all(" & ~[A-Za-z_0-9]+", "")
}

function constants() {
  swap("0", "1")
  swap("1", "0")
  if (match(code, /UV_E[A-Z0-9]+/))
    swap_all("UV_E[A-Z0-9]+", substr(code, RSTART, RLENGTH) == "UV_EINVAL" \
                                  ? "UV_EIO" : "UV_EINVAL")
}

function statements(indent) {
  match($0, /^ */)
  indent = substr($0, 1, RLENGTH)
  if (code ~ /^ *return [^;]*;$/) {
    emit(indent "return 0;")
    emit(indent "return 1;")
  } else if (code ~ /^ *(break|continue);$/) {
    emit(indent ";")
    emit(indent (code ~ /break/ ? "continue;" : "break;"))
  } else if (code ~ /^ *[A-Za-z_*(][^=]*(\(.*\)|\+\+|--);$/ ||
             code ~ /^ *[A-Za-z_*(][^ ]* [-+|&]?= [^;]*;$/) {
    # A call, or an assignment.
    emit(indent ";")
    emit(indent "return;")
  }
}

{
  code = masked($0)
  is_aimed = tolower(code) ~ aims
  if (code ~ /^[ ]+[^ ]/ && code !~ /assert|^ *(static|extern|enum|struct) / &&
      (!aimed || is_aimed || before ~ aims)) {
    negate()
    operators()
    constants()
    statements()
  }
  before = tolower(code)
}

BEGIN {
  aims = "uv_e[a-z]|errno|error|status|rc |rc;|r != 0|r == 0|r;|cancel|again|" \
         "redo|retry|restart|busy|wake|pause|resume|close|closing|end|fail|" \
         "abandon|give_up|forget|foreign|lost|lose|renew|refus|missed|unsent"
}
