// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A curve in a terminal's characters.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace edgetwin::cli {

struct PlotColumn {
  double min = 0;
  double mean = 0;
  double max = 0;
};

// Lines from the top down, `rows` of them (at least 2), each with the value at its height in front:
// a dot where a column's mean is, a bar over the rest of what it spans, and nothing where it has no
// values. Empty when no column has any finite one.
std::vector<std::string> Plot(const std::vector<std::optional<PlotColumn>>& columns,
                              std::size_t rows);

}  // namespace edgetwin::cli
