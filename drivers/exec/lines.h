// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Cuts what a program writes into lines, without ever holding more than one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace edgetwin::exec {

class LineCutter {
 public:
  // Longer lines are passed over whole. `bytes_max`: without the line's end.
  explicit LineCutter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes bytes from `bytes` up to and with the next line's end. Returns whether a line is whole:
  // line() is it then, until the next call. A '\r' before the end is no part of it.
  bool Take(std::string_view& bytes);
  // What was begun and not ended becomes line(). False when that is nothing.
  bool TakeRest();

  // Empty when the line was too long.
  std::string_view line() const { return line_; }
  bool too_long() const { return line_too_long_; }
  std::size_t longest_bytes() const { return longest_bytes_; }

 private:
  void End();

  const std::size_t bytes_max_;
  std::string begun_;
  bool skipping_ = false;
  std::string line_;
  bool line_too_long_ = false;
  std::size_t longest_bytes_ = 0;
};

}  // namespace edgetwin::exec
