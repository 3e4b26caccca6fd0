# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Reads what bench --json wrote, whose results are lines of their own; for
# tables.awk and graph.awk, which use what is found in END:
#
#   machine[KEY], shapes[1..nshapes], workload[SHAPE], unit[SHAPE],
#   count[SHAPE], bytes[SHAPE], figure[SHAPE, CANDIDATE, KEY],
#   why[SHAPE, CANDIDATE]

BEGIN {
  split("raw libuv guest ring uv", candidates, " ")
  title["raw"] = "raw liburing"
  title["libuv"] = "plain libuv"
  title["guest"] = "weir, libuv waits"
  title["ring"] = "weir, ring waits"
  title["uv"] = "weir on libuv"
}

# The value behind a key of this line, without quotes; or an empty text.
function value(key, at, text) {
  at = index($0, "\"" key "\": ")
  if (at == 0)
    return ""
  text = substr($0, at + length(key) + 4)
  if (substr(text, 1, 1) == "\"")
    return substr(text, 2, index(substr(text, 2), "\"") - 1)
  sub(/[,}].*/, "", text)
  return text
}

function take_result(name, candidate, i, keys, n) {
  name = value("name")
  candidate = value("candidate")
  if (!(name in workload)) {
    shapes[++nshapes] = name
    workload[name] = value("workload")
    count[name] = value("count")
    bytes[name] = value("bytes")
  }
  if (value("unit") != "")
    unit[name] = value("unit")
  why[name, candidate] = value("skipped")
  n = split("value spread cpu_us calls allocations instructions to_libuv " \
    "to_raw cpu_to_libuv cpu_to_raw", keys, " ")
  for (i = 1; i <= n; i++)
    figure[name, candidate, keys[i]] = value(keys[i])
}

/"candidate":/ {
  take_result()
  next
}

{
  n = split("weir date kernel libuv liburing processors processor filesystem " \
    "rounds", keys, " ")
  for (i = 1; i <= n; i++)
    if (value(keys[i]) != "")
      machine[keys[i]] = value(keys[i])
}
