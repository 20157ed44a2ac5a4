// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Text in columns.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/cli/output.h"

namespace edgetwin::cli {

struct Cell {
  Cell(std::string text_in = {}, Style style_in = Style::kPlain)  // NOLINT: implicit by design
      : text(std::move(text_in)), style(style_in) {}
  Cell(const char* text_in) : text(text_in) {}  // NOLINT: implicit by design

  std::string text;
  Style style;
};

class Table {
 public:
  // Names beginning with '>' are of columns set to the right. Without names there is no heading.
  explicit Table(std::vector<std::string> columns, std::size_t indent = 0)
      : columns_(std::move(columns)), indent_(indent) {}

  void Add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  void Print(const Output& out) const;

 private:
  std::vector<std::string> columns_;
  std::size_t indent_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace edgetwin::cli
