# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Draws a graph of one workload as SVG; behind results.awk. Set with -v: work,
# the workload; size, the bytes of its operations; what, the title; across, what
# count is. The x axis is logarithmic.

function x_of(n) {
  return left + width * log(n) / log(most)
}

function y_of(v) {
  return top + height - height * v / highest
}

function text(x, y, anchor, words) {
  printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y,
    anchor, words
}

function line(x1, y1, x2, y2, colour) {
  printf "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" fill=\"none\"/>\n", x1,
    y1, x2, y2, colour
}

# A round number that is not below v / 5, for the lines across.
function step_for(v, step) {
  for (step = 1; step * 5 < v; step *= 10)
    if (step * 2 * 5 >= v)
      return step * 2
    else if (step * 5 * 5 >= v)
      return step * 5
  return step
}

function look(i, j, name, v) {
  for (i = 1; i <= nshapes; i++) {
    name = shapes[i]
    if (workload[name] != work || bytes[name] != size)
      continue
    points[++npoints] = name
    if (count[name] + 0 > most)
      most = count[name] + 0
    for (j = 1; j <= 5; j++) {
      v = figure[name, candidates[j], "value"] + 0
      if (v > highest)
        highest = v
    }
  }
}

function axes(i, v, step) {
  step = step_for(highest)
  highest = step * int(highest / step + 0.999)
  for (v = 0; v <= highest; v += step) {
    line(left, y_of(v), left + width, y_of(v), "#ddd")
    text(left - 6, y_of(v) + 4, "end", v >= 1000 ? v / 1000 " k" : v)
  }
  for (i = 1; i <= npoints; i++)
    text(x_of(count[points[i]]), top + height + 18, "middle", count[points[i]])
  text(left + width / 2, top + height + 36, "middle", across)
  text(left, top - 12, "start", what)
}

function curve(j, i, c, v, path) {
  c = candidates[j]
  for (i = 1; i <= npoints; i++) {
    v = figure[points[i], c, "value"]
    if (v == "")
      continue
    path = path sprintf("%s%.1f %.1f", path == "" ? "M" : "L",
      x_of(count[points[i]]), y_of(v))
    printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
      x_of(count[points[i]]), y_of(v), colours[j]
  }
  if (path == "")
    return
  printf "<path d=\"%s\" stroke=\"%s\" stroke-width=\"2\" fill=\"none\"/>\n",
    path, colours[j]
  line(left + width + 14, top + 20 * j, left + width + 34, top + 20 * j,
    colours[j])
  text(left + width + 40, top + 20 * j + 4, "start", title[c])
}

END {
  left = 70
  top = 40
  width = 420
  height = 240
  most = 2
  highest = 1
  split("#777777 #d95f02 #7570b3 #1b9e77 #e7298a", colours, " ")
  look()
  print "<!-- SPDX-FileCopyrightText: 2026 The weir authors"
  print "     SPDX-License-Identifier: MIT -->"
  print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 330\" " \
    "width=\"640\" height=\"330\" font-family=\"sans-serif\" font-size=\"12\">"
  print "<rect width=\"640\" height=\"330\" fill=\"#fff\"/>"
  axes()
  for (k = 1; k <= 5; k++)
    curve(k)
  print "</svg>"
}
