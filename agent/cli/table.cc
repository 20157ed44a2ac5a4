// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/table.h"

#include <algorithm>
#include <utility>

namespace edgetwin::cli {
namespace {

// One long text must not push the rest off the screen; -o json has all of it.
constexpr std::size_t kCellColumnsMax = 100;

}  // namespace

void Table::Add(std::vector<Cell> row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i].text = Printable(row[i].text);
    // Nothing stands behind the last column: a sentence there may wrap.
    if (i + 1 < columns_.size()) row[i].text = Cut(row[i].text, kCellColumnsMax);
  }
  rows_.push_back(std::move(row));
}

void Table::Print(const Output& out) const {
  std::vector<bool> right;
  std::vector<Cell> heading;
  bool named = false;
  for (const std::string& column : columns_) {
    right.push_back(column.starts_with('>'));
    heading.emplace_back(column.substr(right.back() ? 1 : 0), Style::kBold);
    named = named || !heading.back().text.empty();
  }
  std::vector<std::size_t> widths(columns_.size(), 0);
  const auto measure = [&widths](const std::vector<Cell>& row) {
    for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i) {
      widths[i] = std::max(widths[i], Width(row[i].text));
    }
  };
  if (named) measure(heading);
  for (const auto& row : rows_) measure(row);
  const auto print = [&](const std::vector<Cell>& row) {
    std::string line(indent_, ' ');
    std::string gap;
    for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i) {
      const std::string pad(widths[i] - Width(row[i].text), ' ');
      if (right[i]) gap += pad;
      if (!row[i].text.empty())
        line += std::exchange(gap, {}) + out.Paint(row[i].text, row[i].style);
      if (!right[i]) gap += pad;
      gap += "  ";
    }
    out.Line(line);
  };
  if (named) print(heading);
  for (const auto& row : rows_) print(row);
}

}  // namespace edgetwin::cli
