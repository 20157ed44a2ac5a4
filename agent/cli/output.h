// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What is shown: text and tables for people, documents for programs.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/failure.h"

namespace edgetwin::cli {

enum class Style { kPlain, kBold, kDim, kGood, kWarn, kBad };

enum class Color { kAuto, kAlways, kNever };

class Output {
 public:
  // kAuto: on a terminal, unless NO_COLOR is set.
  Output(bool json, Color color);

  bool json() const { return json_; }
  bool terminal() const { return terminal_; }  // Both standard streams.

  // `text` in that style, without what could move a terminal's cursor.
  std::string Paint(std::string_view text, Style style) const;
  void Line(std::string_view text = {}) const;
  void Document(const Json& json, bool indent = true) const;
  // "edgetwin: TEXT" on standard error.
  void Say(std::string_view text) const;

 private:
  bool json_;
  bool terminal_;
  bool color_;
};

// Columns that `text` takes on a terminal.
std::size_t Width(std::string_view text);
// Control characters and what is not UTF-8 become U+FFFD: a device's text must not command the
// terminal.
std::string Printable(std::string_view text);
// At most `columns` wide, with "…" at its end if cut.
std::string Cut(std::string_view text, std::size_t columns);

}  // namespace edgetwin::cli
