# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The tables of docs/performance.md; behind results.awk.

function rounded(x) {
  if (x == "")
    return "–"
  x += 0
  if (x >= 999500)
    return sprintf("%.2f M", x / 1000000)
  if (x >= 9995)
    return sprintf("%.0f k", x / 1000)
  return sprintf("%.0f", x)
}

function ratio(x) {
  return x == "" ? "–" : sprintf("%.2f", x)
}

# "processor time, system calls, allocations"
function cost(name, c) {
  if (figure[name, c, "cpu_us"] == "")
    return "–"
  return sprintf("%.2f, %.2f, %.2f", figure[name, c, "cpu_us"],
    figure[name, c, "calls"], figure[name, c, "allocations"])
}

function head(ratios, i, line, under) {
  line = "|"
  under = "|---"
  for (i = 1; i <= 5; i++) {
    line = line " | " title[candidates[i]]
    under = under "|--:"
  }
  print line (ratios ? " | to libuv | to raw |" : " |")
  print under (ratios ? "|--:|--:|" : "|")
}

function rates(i, j, name, line) {
  print "Operations in a second, and those of weir where the ring waits to the"
  print "others'; `idle` is bytes for each connection:"
  print ""
  head(1)
  for (i = 1; i <= nshapes; i++) {
    name = shapes[i]
    line = "| " name
    for (j = 1; j <= 5; j++)
      line = line " | " rounded(figure[name, candidates[j], "value"])
    print line " | " ratio(figure[name, "ring", "to_libuv"]) " | " \
      ratio(figure[name, "ring", "to_raw"]) " |"
  }
}

function costs(i, j, name, line) {
  print "\nFor one operation: microseconds of the server's processor time, its"
  print "system calls, its allocations; and the ratios of processor time:"
  print ""
  head(1)
  for (i = 1; i <= nshapes; i++) {
    name = shapes[i]
    if (figure[name, "libuv", "cpu_us"] == "")
      continue
    line = "| " name
    for (j = 1; j <= 5; j++)
      line = line " | " cost(name, candidates[j])
    print line " | " ratio(figure[name, "ring", "cpu_to_libuv"]) " | " \
      ratio(figure[name, "ring", "cpu_to_raw"]) " |"
  }
}

function instructions(i, j, k, name, line, any) {
  for (i = 1; i <= nshapes; i++) {
    name = shapes[i]
    if (figure[name, "libuv", "instructions"] == "")
      continue
    if (!any++) {
      print "\nInstructions in user space for one operation:\n"
      head(0)
    }
    line = "| " name
    for (j = 1; j <= 5; j++)
      line = line " | " rounded(figure[name, candidates[j], "instructions"])
    print line " |"
  }
}

function left_out(i, j, key, any) {
  for (i = 1; i <= nshapes; i++)
    for (j = 1; j <= 5; j++) {
      key = shapes[i] SUBSEP candidates[j]
      if (why[key] == "")
        continue
      if (!any++)
        print "\nLeft out:\n"
      print "- " shapes[i] ", " title[candidates[j]] ": " why[key]
    }
}

END {
  print machine["date"] ", " machine["kernel"] ", " machine["processors"] \
    " × " machine["processor"] ","
  print "files in " machine["filesystem"] "; weir " machine["weir"] ", libuv " \
    machine["libuv"] ", liburing " machine["liburing"] "; medians of"
  print machine["rounds"] " rounds." (note != "" ? " " note : "")
  print ""
  rates()
  costs()
  instructions()
  left_out()
}
