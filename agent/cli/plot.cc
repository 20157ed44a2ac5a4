// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace edgetwin::cli {
namespace {

std::string Label(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%10.5g ", value);
  return text;
}

bool Finite(const PlotColumn& column) {
  return std::isfinite(column.min) && std::isfinite(column.mean) && std::isfinite(column.max);
}

}  // namespace

std::vector<std::string> Plot(const std::vector<std::optional<PlotColumn>>& columns,
                              std::size_t rows) {
  std::optional<PlotColumn> all;
  for (const auto& column : columns) {
    if (!column || !Finite(*column)) continue;
    if (!all) all = column;
    all->min = std::min(all->min, column->min);
    all->max = std::max(all->max, column->max);
  }
  if (!all) return {};
  const auto steps = static_cast<double>(rows - 1);
  // Halved: the difference of two doubles may be more than a double holds.
  const double half = all->max / 2 - all->min / 2;
  const auto row_of = [&](double value) -> std::size_t {
    if (half == 0) return rows / 2;
    const double part = (value / 2 - all->min / 2) / half;
    return rows - 1 - static_cast<std::size_t>(std::lround(part * steps));
  };
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < rows; ++row) {
    const double part = 1 - static_cast<double>(row) / steps;
    std::string line = half == 0 && row != rows / 2
                           ? std::string(11, ' ')
                           : Label(half == 0 ? all->min : all->min + 2 * (half * part));
    line += "│";
    for (const auto& column : columns) {
      const bool spans =
          column && Finite(*column) && row >= row_of(column->max) && row <= row_of(column->min);
      line += !spans ? " " : row == row_of(column->mean) ? "•" : "│";
    }
    lines.push_back(line.substr(0, line.find_last_not_of(' ') + 1));
  }
  return lines;
}

}  // namespace edgetwin::cli
